"""A bad row is kept whole with its reason, comes out for mending, and goes back in once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import FormatError, NotFoundError
from geo.imports.problems import REASONS
from geo.imports.report import ImportReport
from geo.imports.retry import export_rows, read_mended, read_open_rows, retry_rows
from tests.geo.imports.conftest import (
    INCIDENTS,
    NOW,
    WEST,
    Desk,
    balance,
    feature,
    row,
)

pytestmark = pytest.mark.db


def exported(desk: Desk, **which: Any) -> Path:
    path = desk.folder / "bad.csv"
    with desk.connect() as connection:
        export_rows(read_open_rows(connection, **which), path)
    return path


def mended(path: Path, **changes: dict[str, str]) -> Path:
    """Change values of the rows whose reason is named."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for line in rows:
        line.update(changes.get(line["_reason"], {}))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def retried(desk: Desk, path: Path | None = None, **more: Any) -> list[ImportReport]:
    with desk.connect() as connection:
        rows = read_mended(connection, path) if path else read_open_rows(connection)
    return retry_rows(desk.connect, rows, now=NOW, **more)


def test_each_kind_of_fault_is_named_with_row_field_and_value(desk: Desk) -> None:
    rows = [
        row(1), row(2, **{"class": "ARSON"}), row(3, **{"class": ""}), row(4, time="soon"),
        row(5, time=""), row(6, time="1969-01-01 00:00"), row(7, time="2030-01-01 00:00"),
        row(8, lon="", lat=""), row(9, lon=0, lat=0), row(10, lat="north"),
        row(11, lat=95), row(12, lon=WEST - 1), row(13, who="burglar"), row(14, acc=-1),
        row(15, told="2020-01-01 00:00"), row(16, until="2020-01-01 00:00"), row(17, id=""),
        row(18, note="a\ufffdb"),
    ]  # fmt: skip
    rows = [{"who": "patrol", "acc": "", "told": "", "until": "", **line} for line in rows]
    columns = {**INCIDENTS["columns"], "found_by": "who", "accuracy_m": "acc",
               "reported_at": "told", "occurred_until": "until"}  # fmt: skip
    report = desk.take(rows, columns=columns, constants={})
    assert (report.new, balance(report)) == (1, 18)
    assert desk.bad_rows() == [
        (2, "class", "ARSON", "unknown_category"),
        (3, "class", None, "missing_value"),
        (4, "time", "soon", "not_a_time"),
        (5, "time", None, "missing_value"),
        (6, "time", "1969-01-01 00:00", "time_out_of_range"),
        (7, "time", "2030-01-01 00:00", "time_out_of_range"),
        (8, "position", ", ", "no_position"),
        (9, "position", "0, 0", "no_position"),
        (10, "lat", "north", "not_a_number"),
        (11, "position", f"{rows[10]['lon']}, 95", "position_out_of_range"),
        (12, "position", f"-88.720000, {rows[11]['lat']}", "far_outside"),
        (13, "who", "burglar", "unknown_value"),
        (14, "acc", "-1", "out_of_range"),
        (15, "told", "2020-01-01 00:00", "reported_before_occurred"),
        (16, "until", "2020-01-01 00:00", "ends_before_start"),
        (17, "id", None, "missing_value"),
        (18, "note", "a\ufffdb", "undecodable_text"),
    ]
    assert desk.one("SELECT raw->>'note' FROM quarantine WHERE row_no = 4") == "note 4"


def test_report_says_every_reason_in_both_languages(desk: Desk) -> None:
    lines = "\n".join(desk.take([row(1), row(2, time="soon")]).lines())
    for text in ("read 读取", "new 新增", "not_a_time 时间无法识别  1", "is not a time", "--run"):
        assert text in lines
    for zh, en in REASONS.values():
        assert any("\u4e00" <= mark <= "\u9fff" for mark in zh)
        assert en.isascii()


def test_broken_rows_of_a_file_are_kept_as_they_stand(desk: Desk) -> None:
    path = desk.csv([row(i) for i in range(1, 5)])
    lines = path.read_text().splitlines()
    lines[2:2] = ["too,few", "a,b,c,d,e,f,g"]
    path.write_text("\n".join(lines) + "\nlast")
    report = desk.take(path)
    assert (report.new, report.quarantined, balance(report)) == (4, {"broken_row": 3}, 7)
    assert desk.rows(
        "SELECT row_no, raw->>'broken row', value FROM quarantine ORDER BY row_no"
    ) == [
        (2, "too,few", "2 values where the header names 6"),
        (3, "a,b,c,d,e,f,g", "7 values where the header names 6"),
        (7, "last", "1 values where the header names 6"),
    ]
    assert desk.take(path).quarantined == {"broken_row": 3}
    assert desk.one("SELECT count(*) FROM quarantine") == 3


def test_exported_mended_and_retried_rows_are_resolved(desk: Desk) -> None:
    rows = [row(1), row(2, **{"class": "?"}), row(3, time="soon"), row(4, lon="")]
    first = desk.take(rows)
    path = mended(exported(desk), unknown_category={"class": "NOISE"},
                  not_a_time={"time": "2024-05-05 05:05"})  # fmt: skip
    (report,) = retried(desk, path)
    assert (report.read, report.new, report.quarantined) == (3, 2, {"no_position": 1})
    assert desk.rows(
        "SELECT row_no, status, resolved_by_run_id FROM quarantine ORDER BY row_no"
    ) == [(2, "resolved", report.run_id), (3, "resolved", report.run_id), (4, "open", None)]
    assert desk.rows("SELECT source_ref FROM incident ORDER BY 1") == [("R1",), ("R2",), ("R3",)]
    again = desk.take(rows)
    assert (again.new, again.same, again.quarantined) == (0, 3, {"no_position": 1})
    assert balance(first) == balance(again) == 4
    assert desk.one("SELECT count(*) FROM quarantine WHERE status = 'open'") == 1


def test_export_shows_reason_in_both_languages_and_the_source_columns(desk: Desk) -> None:
    desk.take([row(1, **{"class": "?"}), row(2, **{"class": "="})])
    with exported(desk).open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert {key: lines[0][key] for key in ("_reason", "_field", "_value", "_row", "id", "note")} == {
        "_reason": "unknown_category", "_field": "class", "_value": "?", "_row": "1",
        "id": "R1", "note": "note 1",
    }  # fmt: skip
    assert "未知类别" in lines[0]["_explanation"]
    assert lines[1]["class"] == "'="


@pytest.mark.parametrize(
    "text", ["=1+1", "+x", "-x", "@x", "'=1+1", "''", "'quoted'", "-5", "a\nb", '"', "=", "👮"]
)
def test_texts_pass_a_spreadsheet_unharmed_and_unharming(desk: Desk, text: str) -> None:
    desk.take([row(1, note=text, **{"class": "?"})])
    path = mended(exported(desk), unknown_category={"class": "NOISE"})
    with path.open(encoding="utf-8", newline="") as stream:
        (line,) = csv.DictReader(stream)
    assert line["note"][:1] not in {"=", "+", "@"}
    retried(desk, path)
    assert desk.rows("SELECT attributes->>'note' FROM incident") == [(text,)]


def test_rows_retried_without_mending_stay_open_and_are_kept_once(desk: Desk) -> None:
    desk.take([row(1, **{"class": "?"})])
    for _ in range(2):
        (report,) = retried(desk)
        assert (report.new, report.quarantined) == (0, {"unknown_category": 1})
    assert desk.rows("SELECT status, resolved_by_run_id FROM quarantine") == [("open", None)]


def test_rows_mended_wrongly_open_a_new_entry_with_the_new_reason(desk: Desk) -> None:
    desk.take([row(1, **{"class": "?"})])
    retried(
        desk, mended(exported(desk), unknown_category={"class": "THEFT", "lon": "0", "lat": "0"})
    )
    assert desk.bad_rows() == [(1, "position", "0, 0", "no_position")]


def test_mended_mapping_takes_in_what_the_old_one_refused(desk: Desk) -> None:
    desk.take([row(1), row(2, **{"class": "ARSON"}), row(3, **{"class": "ARSON"})])
    plan = desk.plan(categories={"ARSON": "Arson"})
    (report,) = retried(desk, mapping=plan)
    assert (report.new, report.quarantined) == (2, {})
    assert desk.bad_rows() == []


def test_mended_rows_without_a_reference_keep_their_place(desk: Desk) -> None:
    plan = {"columns": {k: v for k, v in INCIDENTS["columns"].items() if k != "source_ref"}}
    rows = [row(1, **{"class": "?"})] * 2 + [row(1)]
    desk.take(rows, **plan)
    assert desk.one("SELECT count(*) FROM quarantine") == 2
    retried(desk, mended(exported(desk), unknown_category={"class": "NOISE"}))
    assert desk.one("SELECT count(*) FROM incident") == 3
    again = desk.take(rows, **plan)
    assert (again.new, again.same) == (0, 3)


def test_shapes_come_back_from_the_quarantine_as_they_were(desk: Desk) -> None:
    features = [
        feature({"type": "Point", "coordinates": [WEST + 0.01, 41.9]}, **{**row(1), "class": "?"})
    ]
    columns = {k: v for k, v in INCIDENTS["columns"].items() if k not in {"x", "y"}}
    desk.take(desk.geojson(features), columns=columns)
    retried(desk, mended(exported(desk), unknown_category={"class": "NOISE"}))
    assert desk.rows("SELECT round(ST_X(geom)::numeric, 6)::text FROM incident") == [
        ("-87.710000",)
    ]


def test_foreign_or_spoilt_exports_are_refused(desk: Desk) -> None:
    desk.take([row(1, **{"class": "?"})])
    path = exported(desk)
    text = path.read_text("utf-8-sig")
    with pytest.raises(FormatError, match="has no column _quarantine_id"):
        retried(desk, desk.csv([row(1)], "other.csv"))
    path.write_text(text.replace("\n1,", "\n999,"))
    with pytest.raises(FormatError, match=r"rows \[999\] are not open"):
        retried(desk, path)
    path.write_text(text.replace("\n1,", "\none,"))
    with pytest.raises(FormatError, match="must stay as it was exported"):
        retried(desk, path)
    with pytest.raises(NotFoundError, match="nothing to retry"):
        retry_rows(desk.connect, [], now=NOW)


CELLS = {
    "id": st.sampled_from(["", "A", "B", "C", "D", "x" * 300]),
    "time": st.sampled_from(
        ["2024-03-05 10:00", "2024-03-05", "2024-03", "", "soon", "2031-01-01", "2013-03-10 02:30"]
    ),
    "class": st.sampled_from(["THEFT", "NOISE", "", "?", " THEFT "]),
    "lon": st.sampled_from(["-87.70", "-87.71", "", "0", "x", "500", "10"]),
    "lat": st.sampled_from(["41.90", "41.89", "", "0", "x", "41.5"]),
    "note": st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
}
LINE = st.fixed_dictionaries(CELLS)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(LINE, max_size=12),
    cut=st.lists(st.integers(0, 12), max_size=2),
    chunk_rows=st.integers(1, 13),
    with_ref=st.booleans(),
    source=st.integers(0, 10**9),
)
def test_no_row_is_ever_lost(
    desk: Desk, rows: list[dict[str, str]], cut: list[int], chunk_rows: int, with_ref: bool,
    source: int,
) -> None:  # fmt: skip
    path = desk.csv([{name: line[name] for name in CELLS} for line in rows])
    lines = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join([*lines[:-1], *(b"stray" for _ in cut), b""]))
    columns = {k: v for k, v in INCIDENTS["columns"].items() if with_ref or k != "source_ref"}
    plan = desk.plan(columns=columns, source=f"s{source}")
    first = desk.take(path, plan, chunk_rows=chunk_rows)
    before = desk.dump()
    second = desk.take(path, plan, chunk_rows=5)
    assert desk.dump() == before
    feed = "SELECT feed_id FROM feed WHERE source = %s"
    kept = desk.one(f"SELECT count(*) FROM incident WHERE feed_id = ({feed})", plan.source)
    for report in (first, second):
        assert balance(report) == report.read == len(rows) + len(cut)
        assert report.changed == report.left_out == 0
    assert second.quarantined == first.quarantined
    if first.same == 0 and desk.one(
        f"SELECT count(*) FROM import_run WHERE feed_id = ({feed})", plan.source
    ) == 2:  # fmt: skip
        assert kept == first.new
    assert second.same == first.new + first.same
