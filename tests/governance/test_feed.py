"""A department's file of reports goes in once, and what is wrong in it is kept and named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from geo.errors import FormatError, InputError
from governance.intake.feed import import_reports
from governance.intake.reports import list_unfiled

pytestmark = pytest.mark.db
NOW = datetime(2026, 3, 3, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
HEAD = "编号,内容,发生时间,经度,纬度,网格编码,小类代码"


@pytest.fixture
def take(db, place, tmp_path: Path):
    def run(*lines: str, head: str = HEAD, source: str = "城管", encoding: str = "utf-8"):
        file = tmp_path / "feed.csv"
        file.write_text("\n".join((head, *lines)), encoding)
        return import_reports(db, place.jurisdiction, file, source=source, crs="wgs84",
                              scheme="t", now=NOW)  # fmt: skip

    return run


def test_rows_go_in_once_in_chinese_encoding_too_and_wait_for_a_person(db, place, take) -> None:
    rows = ("A1,路口垃圾,2026-03-03 10:00,116.4,39.9,,0102", "A2,路灯不亮,2026-03-03 11:00,,,grid,")
    first, again = take(*rows), take(*rows, encoding="gb18030")
    assert (first.new, first.same, first.bad) == (2, 0, ())
    assert (again.new, again.same) == (0, 2)
    waiting = list_unfiled(db, place.jurisdiction)
    assert {(row.words, row.channel, row.category_id) for row in waiting} == {
        ("路口垃圾", "feed", place.category), ("路灯不亮", "feed", None),
    }  # fmt: skip
    assert db.execute(text("SELECT count(*) FROM incident")).scalar_one() == 0


def test_same_number_of_another_department_is_another_report(take) -> None:
    row = "A1,路口垃圾,2026-03-03 10:00,116.4,39.9,,"
    assert take(row).new == 1
    assert take(row, source="市监").new == 1


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (",垃圾,2026-03-03 10:00,116.4,39.9,,", "source_ref", "missing_value"),
        ("A,,2026-03-03 10:00,116.4,39.9,,", "words", "missing_value"),
        ("A,垃圾,昨天,116.4,39.9,,", "seen_at", "not_a_time"),
        ("A,垃圾,2027-03-03 10:00,116.4,39.9,,", "seen_at", "time_out_of_range"),
        ("A,垃圾,2026-03-03 10:00,x,39.9,,", "x", "not_a_number"),
        ("A,垃圾,2026-03-03 10:00,,,,", "x", "no_position"),
        ("A,垃圾,2026-03-03 10:00,39.9,116.4,,", "x", "position_out_of_range"),
        ("A,垃圾,2026-03-03 10:00,117.4,39.9,,", "x", "far_outside"),
        ("A,垃圾,2026-03-03 10:00,,,moon,", "area_code", "unknown_area"),
        ("A,垃圾,2026-03-03 10:00,116.4,39.9,,9", "category", "unknown_category"),
    ],
)
def test_bad_row_is_kept_with_field_and_reason(db, take, row, field, reason) -> None:
    made = take(row, "B,路灯,2026-03-03 10:00,116.4,39.9,,")
    assert [(bad.field, bad.reason) for bad in made.bad] == [(field, reason)]
    assert made.new == 1
    kept = db.execute(text("SELECT field, reason, kind FROM quarantine")).all()
    assert [tuple(one) for one in kept] == [(field, reason, "reports")]


def test_file_that_says_too_little_is_refused(take) -> None:
    with pytest.raises(FormatError, match="no column for words, seen_at"):
        take("A1", head="编号")
    with pytest.raises(InputError, match="name the department"):
        take("A,垃圾,2026-03-03 10:00,116.4,39.9,,", source=" ")
