"""Incidents go in once, changes leave their history, and nothing gets past the guards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from geo.database.connect import connect
from geo.errors import ConflictError, CrsError, FormatError, MappingError, NotFoundError
from geo.store import lock_feed
from tests.geo.imports.conftest import EAST, INCIDENTS, NORTH, SOUTH, WEST, Desk, balance, row

pytestmark = pytest.mark.db
HOSTILE = [
    "Robert'); DROP TABLE incident;--",
    '<script>alert("x")</script>',
    "=HYPERLINK(\"http://x\",1)",
    "'=1+1",
    "👩‍👩‍👧‍👦 café 网格 \u202e gnirts",
    "line one\nline two\r\n\\.\nline four",
    'quote " comma , backslash \\ tab \t end',
    "{}", "null", "\\N", "%s %(x)s {name}",
    "長" * 20_000,
]  # fmt: skip


def test_imported_incident_holds_what_the_file_says(desk: Desk) -> None:
    plan = {
        "columns": {**INCIDENTS["columns"], "reported_at": "told", "accuracy_m": "acc"},
        "attributes": ["note", "extra"],
    }
    given = row(1, time="2024-07-01 10:30", lon="-87.70500", lat="41.89", note="hä")
    given |= {"told": "2024-07-01 11:00", "acc": "25", "extra": ""}
    report = desk.take([given], **plan)
    assert (report.read, report.new, report.no_grid) == (1, 1, 0)
    found = desk.rows(
        "SELECT i.source_ref, occurred_at, occurred_until, time_precision, reported_at, c.code, "
        "found_by, round(ST_X(i.geom)::numeric, 6)::text, round(ST_Y(i.geom)::numeric, 6)::text, "
        "ST_SRID(i.geom), accuracy_m, a.code, i.attributes, i.tableoid::regclass::text, "
        "ST_Distance(ST_Transform(i.geom, j.metric_srid), ST_Point(x_m, y_m, j.metric_srid)) < 1e-3 "
        "FROM incident i JOIN category c USING (category_id) JOIN area a USING (area_id), "
        "jurisdiction j"
    )  # fmt: skip
    assert found == [
        (
            "R1",
            datetime(2024, 7, 1, 15, 30, tzinfo=UTC),
            datetime(2024, 7, 1, 15, 31, tzinfo=UTC),
            "minute",
            datetime(2024, 7, 1, 16, 0, tzinfo=UTC),
            "THEFT",
            "resident",
            "-87.705000",
            "41.890000",
            4326,
            25.0,
            "G00",
            {"note": "hä"},
            "incident_p2024_07",
            True,
        )
    ]


def test_second_import_of_the_same_file_changes_nothing(desk: Desk) -> None:
    rows = [row(i) for i in range(60)] + [row(70, lon=""), row(71, **{"class": "?"})]
    first = desk.take(rows)
    before = desk.dump()
    second = desk.take(rows)
    assert desk.dump() == before
    assert (first.new, first.same) == (60, 0)
    assert (second.new, second.changed, second.same) == (0, 0, 60)
    assert first.quarantined == second.quarantined == {"no_position": 1, "unknown_category": 1}
    assert balance(first) == balance(second) == 62


@pytest.mark.parametrize("chunk_rows", [7, 1000])
def test_changed_rows_keep_what_they_said_and_move_to_their_month(
    desk: Desk, chunk_rows: int
) -> None:
    rows = [row(i, time="2024-03-05 10:00") for i in range(20)]
    first = desk.take(rows, chunk_rows=chunk_rows)
    number = desk.one("SELECT incident_id FROM incident WHERE source_ref = 'R3'")
    rows[3] |= {"time": "2024-05-09 11:00", "class": "NOISE", "note": "new"}
    rows[4] |= {"note": "only this"}
    second = desk.take(rows, chunk_rows=chunk_rows)
    assert (second.new, second.changed, second.same) == (0, 2, 18)
    assert desk.rows(
        "SELECT incident_id, tableoid::regclass::text, attributes->>'note', import_run_id "
        "FROM incident WHERE source_ref = 'R3'"
    ) == [(number, "incident_p2024_05", "new", second.run_id)]
    assert desk.rows(
        "SELECT kind, record_id, written_by_run_id, replaced_by_run_id, record->>'occurred_at', "
        "record->'attributes'->>'note', record->>'lon' FROM record_version ORDER BY 1, 2"
    )[0] == (
        "incidents",
        number,
        first.run_id,
        second.run_id,
        "2024-03-05T16:00:00+00:00",
        "note 3",
        str(float(rows[3]["lon"])),
    )
    assert desk.one("SELECT count(*) FROM record_version") == 2
    third = desk.take(rows, chunk_rows=chunk_rows)
    assert (third.changed, third.same) == (0, 20)


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_repeats_are_settled_alike_wherever_chunks_are_cut(desk: Desk, chunk_rows: int) -> None:
    rows = [
        row(1), row(2), row(1), row(2, note="other"), row(3), row(2), row(1, time="2024-09-09"),
    ]  # fmt: skip
    for changes in (0, 0):
        report = desk.take(rows, chunk_rows=chunk_rows)
        assert report.changed == changes
        assert report.quarantined == {"duplicate_ref": 2}
        assert (report.new + report.same, balance(report)) == (5, 7)
    assert desk.one("SELECT count(*) FROM incident") == 3
    assert desk.one("SELECT count(*) FROM record_version") == 0
    assert [(bad[0], bad[1], bad[2], bad[3]) for bad in desk.bad_rows()] == [
        (4, "source_ref", "R2", "duplicate_ref"),
        (7, "source_ref", "R1", "duplicate_ref"),
    ]


def test_first_known_reference_in_a_later_chunk_is_still_found(desk: Desk) -> None:
    """New rows are copied unseen; a known one among them must turn the look-up on."""
    desk.take([row(500)])
    rows = [row(i) for i in range(1000)]
    report = desk.take(rows, chunk_rows=450)
    assert (report.new, report.same) == (999, 1)
    assert desk.one("SELECT count(*) FROM incident") == 1000
    assert desk.one("SELECT count(*) FROM incident_key") == 1000


def test_sources_do_not_share_references(desk: Desk) -> None:
    desk.take([row(1)])
    assert desk.take([row(1)], source="other").new == 1
    assert desk.one("SELECT count(*) FROM incident WHERE source_ref = 'R1'") == 2


def test_equal_rows_without_a_reference_stay_several(desk: Desk) -> None:
    rows = [row(1)] * 3 + [row(2)] + [row(1)] * 2
    plan = {"columns": {k: v for k, v in INCIDENTS["columns"].items() if k != "source_ref"}}
    for chunk_rows, new in ((2, 6), (100, 0), (5, 0)):
        report = desk.take(rows, chunk_rows=chunk_rows, **plan)
        assert (report.new, report.same) == (new, 6 - new)
    desk.take([row(2), *rows, row(1)], **plan)
    assert desk.one("SELECT count(*) FROM incident") == 8


def test_point_on_a_shared_edge_lies_in_exactly_one_grid(desk: Desk) -> None:
    middle_x, middle_y = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    rows = [row(1, lon=middle_x, lat=middle_y), row(2, lon=middle_x, lat=SOUTH + 0.001)]
    assert desk.take(rows).no_grid == 0
    assert desk.one("SELECT count(*) FROM incident WHERE area_id IS NOT NULL") == 2


def test_incident_lies_in_the_grid_of_its_own_day(desk: Desk) -> None:
    with connect(desk.database) as connection:
        connection.execute("UPDATE area SET valid_to = '2024-07-01' WHERE code = 'G00'")
        connection.execute(
            "INSERT INTO area (jurisdiction_id, level, grid_kind, code, name, geom, valid_from, "
            "feed_id, source_ref, content_hash) SELECT jurisdiction_id, level, grid_kind, 'G99', "
            "name, geom, '2024-07-01', feed_id, 'G99', 0 FROM area WHERE code = 'G00'"
        )
    spot = {"lon": WEST + 0.005, "lat": SOUTH + 0.005}
    report = desk.take(
        [row(1, time="2024-06-30 23:59", **spot), row(2, time="2024-07-01 00:00", **spot)]
    )
    assert report.no_grid == 0
    assert desk.rows(
        "SELECT i.source_ref, a.code FROM incident i JOIN area a USING (area_id) ORDER BY 1"
    ) == [("R1", "G00"), ("R2", "G99")]


def test_incident_outside_every_grid_is_kept_and_counted(desk: Desk) -> None:
    report = desk.take([row(1), row(2, lon=WEST - 0.005)])
    assert (report.new, report.no_grid) == (2, 1)


def test_hostile_texts_survive_unchanged_and_harmless(desk: Desk) -> None:
    rows = [row(i, note=text) for i, text in enumerate(HOSTILE)]
    assert desk.take(rows).new == len(HOSTILE)
    rows = [row(i, note=text + " ") for i, text in enumerate(HOSTILE)]
    assert desk.take(rows).same == len(HOSTILE)
    rows = [row(i, note=text + "!") for i, text in enumerate(HOSTILE)]
    assert desk.take(rows).changed == len(HOSTILE)
    found = desk.rows("SELECT attributes->>'note' FROM incident ORDER BY incident_id")
    assert [text for (text,) in found] == [text + "!" for text in HOSTILE]


def test_hostile_references_are_kept_or_refused_for_their_length(desk: Desk) -> None:
    report = desk.take([row(i, id=text) for i, text in enumerate(HOSTILE)], attributes=[])
    assert (report.new, report.quarantined) == (len(HOSTILE) - 1, {"too_long": 1})
    again = desk.take([row(i, id=text) for i, text in enumerate(HOSTILE)], attributes=[])
    assert (again.new, again.same) == (0, len(HOSTILE) - 1)
    refs = {ref for (ref,) in desk.rows("SELECT source_ref FROM incident")}
    assert refs == {text.strip() for text in HOSTILE[:-1]}


def test_rows_of_others_are_left_out_and_counted(desk: Desk) -> None:
    rows = [row(i, note="mine" if i % 3 else "theirs") for i in range(30)]
    report = desk.take(rows, where={"note": ["mine"]})
    assert (report.read, report.new, report.left_out) == (30, 20, 10)


def test_file_of_a_larger_place_may_leave_out_what_lies_outside(desk: Desk) -> None:
    rows = [row(i, lon=-80 + i / 100) for i in range(40)] + [row(i) for i in range(40, 50)]
    report = desk.take(rows, outside="leave_out")
    assert (report.new, report.left_out, report.quarantined) == (10, 40, {})


class TestWholeFile:
    """An error of the whole file is told by name and writes nothing."""

    @pytest.fixture
    def before(self, desk: Desk) -> dict[str, Any]:
        return {**desk.dump(), "runs": desk.rows("SELECT * FROM import_run ORDER BY 1")}

    def refused(self, desk: Desk, before: dict[str, Any], error: type[Exception], text: str,
                rows: Any = None, **changes: Any) -> None:  # fmt: skip
        with pytest.raises(error, match=text):
            desk.take(rows if rows is not None else [row(1)], **changes)
        after = {**desk.dump(), "runs": desk.rows("SELECT * FROM import_run ORDER BY 1")}
        assert after == before

    def test_swapped_axes(self, desk: Desk, before: dict[str, Any]) -> None:
        rows = [row(i, lon=row(i)["lat"], lat=row(i)["lon"]) for i in range(40)]
        self.refused(desk, before, CrsError, "100 %.*x and y swapped", rows)

    def test_swapped_axes_of_shapes(self, desk: Desk, before: dict[str, Any]) -> None:
        features = [
            {
                "type": "Feature",
                "properties": {k: v for k, v in row(i).items() if k not in {"lon", "lat"}},
                "geometry": {
                    "type": "Point",
                    "coordinates": [float(row(i)["lat"]), float(row(i)["lon"])],
                },
            }
            for i in range(40)
        ]
        columns = {k: v for k, v in INCIDENTS["columns"].items() if k not in {"x", "y"}}
        self.refused(
            desk, before, CrsError, "x and y swapped", desk.geojson(features), columns=columns
        )

    def test_wrong_system(self, desk: Desk, before: dict[str, Any]) -> None:
        rows = [row(i, lon=440_500 + i * 20, lat=4_637_600 + i * 20) for i in range(40)]
        self.refused(desk, before, CrsError, "EPSG:32616", rows)

    def test_missing_column(self, desk: Desk, before: dict[str, Any]) -> None:
        self.refused(
            desk, before, MappingError, "'colour', but the file has", attributes=["colour"]
        )

    def test_no_coordinates(self, desk: Desk, before: dict[str, Any]) -> None:
        columns = {k: v for k, v in INCIDENTS["columns"].items() if k not in {"x", "y"}}
        self.refused(desk, before, MappingError, "has no geometry", columns=columns)

    def test_unknown_scheme(self, desk: Desk, before: dict[str, Any]) -> None:
        changes = {"category_scheme": "none", "categories": {}}
        self.refused(desk, before, NotFoundError, "no category scheme 'none'", **changes)

    def test_unknown_jurisdiction(self, desk: Desk, before: dict[str, Any]) -> None:
        self.refused(desk, before, NotFoundError, "no jurisdiction 'Z'", jurisdiction="Z")

    def test_cut_compressed_file_of_many_chunks(self, desk: Desk, before: dict[str, Any]) -> None:
        import gzip

        path = desk.csv([row(i) for i in range(5000)])
        whole = gzip.compress(path.read_bytes())
        cut = path.with_name("cut.csv.gz")
        cut.write_bytes(whole[: len(whole) - 500])
        with pytest.raises(FormatError, match=r"cut\.csv\.gz: cannot be unpacked to its end"):
            desk.take(cut, chunk_rows=100)
        assert desk.dump() == {k: v for k, v in before.items() if k != "runs"}

    def test_empty_file(self, desk: Desk, before: dict[str, Any]) -> None:
        path = desk.folder / "empty.csv"
        path.touch()
        self.refused(desk, before, FormatError, "the file is empty", path)


def test_header_alone_is_a_run_of_no_rows(desk: Desk) -> None:
    report = desk.take([])
    assert (report.read, balance(report)) == (0, 0)
    assert desk.one("SELECT status FROM import_run WHERE import_run_id = %s", report.run_id) == (
        "finished"
    )


class TestGuards:
    """What no statement of the application may do."""

    def refused(self, desk: Desk, error: type[Exception], statement: str, *values: Any) -> None:
        with (
            connect(desk.database) as connection,
            pytest.raises(error),
            connection.transaction(),
        ):
            connection.execute(statement.encode(), values)

    @pytest.fixture(autouse=True)
    def _one_incident(self, desk: Desk) -> None:
        desk.take([row(1, time="2024-03-05 10:00")])

    def test_same_reference_in_another_month_is_refused(self, desk: Desk) -> None:
        columns = (
            "occurred_until, time_precision, feed_id, source_ref, category_id, found_by, geom, "
            "x_m, y_m, content_hash"
        )
        desk.rows("SELECT ensure_incident_partitions('{2024-08-01}')")
        later = f"timestamptz '2024-08-01', {columns.replace('occurred_until', 'now()')}"
        statement = f"INSERT INTO incident (occurred_at, {columns}) SELECT {later} FROM incident"
        self.refused(desk, psycopg.errors.UniqueViolation, statement)

    def test_partitions_and_keys_cannot_be_written_directly(self, desk: Desk) -> None:
        refusal = psycopg.errors.InsufficientPrivilege
        for statement in (
            "INSERT INTO incident_p2024_03 SELECT * FROM incident",
            "UPDATE incident_p2024_03 SET source_ref = 'x'",
            "DELETE FROM incident_p2024_03",
            "TRUNCATE incident_p2024_03",
            "DELETE FROM incident_key",
            "UPDATE incident_key SET source_ref = 'x'",
            "INSERT INTO incident_key SELECT feed_id, 'x', 99, occurred_at FROM incident_key",
            "ALTER TABLE incident DISABLE TRIGGER USER",
            "SET session_replication_role = replica",
            "DROP TRIGGER incident_keys_insert ON incident",
            "UPDATE record_version SET kind = 'x'",
            "DELETE FROM quarantine",
        ):
            self.refused(desk, refusal, statement)

    def test_identity_of_an_incident_never_changes(self, desk: Desk) -> None:
        for change in ("source_ref = 'x'", "feed_id = 1", "incident_id = 77"):
            self.refused(
                desk, psycopg.errors.IntegrityConstraintViolation, f"UPDATE incident SET {change}"
            )

    def test_deleted_incident_frees_its_reference(self, desk: Desk) -> None:
        with connect(desk.database) as connection:
            connection.execute("DELETE FROM incident")
        assert desk.one("SELECT count(*) FROM incident_key") == 0
        assert desk.take([row(1)]).new == 1

    @pytest.mark.parametrize("table", ["area", "category", "feed", "import_run"])
    def test_rows_that_incidents_refer_to_are_not_deleted(self, desk: Desk, table: str) -> None:
        self.refused(desk, psycopg.errors.InsufficientPrivilege, f"DELETE FROM {table}")
        with (
            connect(desk.database, role="owner") as owner,
            pytest.raises(psycopg.errors.ForeignKeyViolation, match="never deleted"),
        ):
            owner.execute(f"DELETE FROM {table}".encode())

    @pytest.mark.parametrize("column", ["area_id", "category_id", "import_run_id"])
    def test_references_to_nothing_are_refused(self, desk: Desk, column: str) -> None:
        with (
            connect(desk.database) as connection,
            pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"missing {column} 999"),
        ):
            connection.execute(f"UPDATE incident SET {column} = 999".encode())

    def test_owner_cannot_empty_the_table_past_the_keys(self, desk: Desk) -> None:
        with (
            connect(desk.database, role="owner") as owner,
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState),
        ):
            owner.execute("TRUNCATE incident")


def test_two_imports_of_one_source_at_once_are_a_conflict(desk: Desk) -> None:
    desk.take([row(1)])
    feed = desk.one("SELECT feed_id FROM feed WHERE source = 'desk'")
    with connect(desk.database) as other:
        lock_feed(other, feed)
        with pytest.raises(ConflictError, match="another import of this source is running"):
            desk.take([row(2)])
        assert desk.take([row(2)], source="other").new == 1
    assert desk.take([row(2)]).new == 1
