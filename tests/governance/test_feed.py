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


class TestAddresses:
    HEAD = "编号,内容,发生时间,地址"

    @pytest.fixture(autouse=True)
    def known(self, db, place) -> None:
        feed = db.execute(text("SELECT max(feed_id) FROM feed")).scalar_one()
        for n, (name, way) in enumerate((
            ("会潮路", "116.31 39.90, 116.39 39.90"), ("扬帆大道", "116.35 39.85, 116.35 39.95"),
            ("出界路", "116.60 39.90, 116.70 39.90"), ("远方路", "116.65 39.85, 116.65 39.95"),
        )):  # fmt: skip
            db.execute(
                text("INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) "
                     "VALUES (:f, :ref, 0, 'secondary', :name, ST_GeomFromText(:way, 4326))"),
                {"f": feed, "ref": f"r{n}", "name": name, "way": f"LINESTRING({way})"},
            )  # fmt: skip
        for n, (name, lon) in enumerate(
            (("听涛派出所", 116.34), ("便民服务站", 116.31), ("便民服务站", 116.39))
        ):
            db.execute(
                text("INSERT INTO station (feed_id, source_ref, content_hash, kind, name, geom) "
                     "VALUES (:f, :ref, 0, 'police', :name, "
                     "ST_SetSRID(ST_MakePoint(:lon, 39.91), 4326))"),
                {"f": feed, "ref": f"s{n}", "name": name, "lon": lon},
            )  # fmt: skip
        db.execute(text("UPDATE area SET name = '三号网格' WHERE code = 'grid'"))
        db.execute(text("UPDATE area SET name = '碧波社区' WHERE code = 'community'"))

    def row(self, address: str) -> str:
        return f"A,垃圾,2026-03-03 10:00,{address}"

    @pytest.mark.parametrize(
        ("address", "lon", "lat", "accuracy_m"),
        [
            ("会潮路与扬帆大道交叉口", 116.35, 39.90, 60.0),
            ("听涛派出所", 116.34, 39.91, 60.0),
            ("听涛派出所对面", 116.34, 39.91, 150.0),
        ],
    )
    def test_address_that_fits_one_place_is_placed_there(
        self, db, place, take, address, lon, lat, accuracy_m
    ) -> None:
        assert take(self.row(address), head=self.HEAD).new == 1
        [waiting] = list_unfiled(db, place.jurisdiction)
        assert (waiting.lon, waiting.lat) == pytest.approx((lon, lat))
        assert waiting.address == address
        assert waiting.area_id == place.areas["grid"]
        accuracy = db.execute(text("SELECT accuracy_m FROM report")).scalar_one()
        assert accuracy == accuracy_m

    def test_name_of_a_grid_places_it_in_the_grid(self, db, place, take) -> None:
        assert take(self.row("三号网格"), head=self.HEAD).new == 1
        [waiting] = list_unfiled(db, place.jurisdiction)
        assert (waiting.lon, waiting.area_id) == (None, place.areas["grid"])

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            ("火星大街九百号", "address_unknown"),
            ("会潮路", "address_unsure"),  # a whole road is no place to go to
            ("碧波社区", "address_unsure"),
            ("便民服务站", "address_unsure"),  # there are two of the name
            ("出界路与远方路交叉口", "far_outside"),
            ("路" * 301, "too_long"),
            ("", "no_position"),
        ],
    )
    def test_address_that_fits_no_one_place_is_kept_with_what_it_may_be(
        self, db, take, address, reason
    ) -> None:
        made = take(self.row(address), "B,路灯,2026-03-03 10:00,听涛派出所", head=self.HEAD)
        assert made.new == 1
        kept = db.execute(text("SELECT reason, value FROM quarantine")).one()
        assert kept.reason == reason
        if reason == "address_unsure":
            assert kept.value.startswith(f"{address}: {address} ")

    def test_point_of_the_row_goes_before_its_address(self, db, place, take) -> None:
        head = f"{self.HEAD},经度,纬度"
        assert take(f"{self.row('火星大街九百号')},116.4,39.9", head=head).new == 1
        [waiting] = list_unfiled(db, place.jurisdiction)
        assert (waiting.lon, waiting.lat) == pytest.approx((116.4, 39.9))


def test_file_that_says_too_little_is_refused(take) -> None:
    with pytest.raises(FormatError, match="no column for words, seen_at"):
        take("A1", head="编号")
    with pytest.raises(InputError, match="name the department"):
        take("A,垃圾,2026-03-03 10:00,116.4,39.9,,", source=" ")
