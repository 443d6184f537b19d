"""Places, cameras, roads and teams go in by the same rules as incidents."""

from __future__ import annotations

from typing import Any

import pytest

from geo.errors import FormatError, MappingError
from geo.imports.mapping import make_mapping
from tests.geo.imports.conftest import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    Desk,
    balance,
    feature,
    square,
)

pytestmark = pytest.mark.db
CAMERAS = {
    "kind": "cameras",
    "source": "cams",
    "columns": {
        "source_ref": "id", "x": "lon", "y": "lat", "azimuth_deg": "az", "retention_days": "keep",
        "gb28181_id": "gb", "status": "state", "in_use_on": "since", "sign_posted": "sign",
    },
}  # fmt: skip


def camera(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"C{number}", "lon": WEST + 0.001 * number, "lat": SOUTH + 0.01, "az": 90,
        "keep": 30, "gb": f"{number:020d}", "state": "online", "since": "2024-01-31", "sign": "是",
        **changes,
    }  # fmt: skip


def test_cameras_go_in_with_defaults_and_what_follows_from_them(desk: Desk) -> None:
    report = desk.take([camera(1), camera(2, state="", az="", since="")], make_mapping(CAMERAS))
    assert (report.new, balance(report)) == (2, 2)
    assert desk.rows(
        "SELECT source_ref, azimuth_deg, status, filing_due::text, sign_posted, "
        "round(ST_X(geom)::numeric, 3)::text FROM camera ORDER BY 1"
    ) == [
        ("C1", 90.0, "online", "2024-03-01", True, "-87.719"),
        ("C2", None, "unknown", None, True, "-87.718"),
    ]


def test_each_bad_camera_says_what_is_wrong(desk: Desk) -> None:
    bad = [
        camera(1, az=360), camera(2, keep=-1), camera(3, gb="123"), camera(4, state="broken"),
        camera(5, since="31.1.2024"), camera(6, sign="perhaps"), camera(7, keep="many"),
        camera(8, keep=30.5), camera(9, id=""), camera(10, lon=0, lat=0), camera(11, lon=-80),
        camera(12, az=-1),
    ]  # fmt: skip
    report = desk.take(bad, make_mapping(CAMERAS))
    assert (report.new, balance(report)) == (0, 12)
    assert desk.bad_rows() == [
        (1, "az", "360", "out_of_range"),
        (2, "keep", "-1", "out_of_range"),
        (3, "gb", "123", "bad_code"),
        (4, "state", "broken", "unknown_value"),
        (5, "since", "31.1.2024", "not_a_date"),
        (6, "sign", "perhaps", "not_a_flag"),
        (7, "keep", "many", "not_a_number"),
        (8, "keep", "30.5", "not_a_number"),
        (9, "id", None, "missing_value"),
        (10, "position", "0, 0", "no_position"),
        (11, "position", "-80.000000, 41.890000", "far_outside"),
        (12, "az", "-1", "out_of_range"),
    ]


def test_same_again_changes_nothing_and_changes_leave_their_history(desk: Desk) -> None:
    rows = [camera(i) for i in range(1, 20)]
    plan = make_mapping(CAMERAS)
    desk.take(rows, plan)
    before = desk.dump()
    assert desk.take(rows, plan).same == 19
    assert desk.dump() == before
    rows[4]["az"] = 91
    report = desk.take(rows, plan)
    assert (report.changed, report.same) == (1, 18)
    assert desk.one("SELECT azimuth_deg FROM camera WHERE source_ref = 'C5'") == 91
    assert desk.rows("SELECT kind, record->>'azimuth_deg' FROM record_version") == [
        ("cameras", "90")
    ]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
@pytest.mark.parametrize("known_before", [False, True])
def test_repeats_are_settled_alike_wherever_chunks_are_cut(
    desk: Desk, chunk_rows: int, known_before: bool
) -> None:
    plan = make_mapping(CAMERAS)
    if known_before:
        desk.take([camera(1), camera(2)], plan)
    rows = [camera(1), camera(2), camera(1), camera(2, az=7), camera(3), camera(2), camera(1, az=8)]
    for _ in range(2):
        report = desk.take(rows, plan, chunk_rows=chunk_rows)
        assert (report.changed, report.quarantined) == (0, {"duplicate_ref": 2})
        assert balance(report) == 7
    assert desk.rows("SELECT source_ref, azimuth_deg FROM camera ORDER BY 1") == [
        ("C1", 90), ("C2", 90), ("C3", 90)
    ]  # fmt: skip
    assert [bad[0] for bad in desk.bad_rows()] == [4, 7]


class TestAreas:
    COLUMNS: dict[str, str] = {"code": "code", "name": "name"}  # noqa: RUF012

    def plan(self, **more: Any) -> Any:
        return make_mapping({"kind": "grids", "source": "g", "columns": self.COLUMNS, **more})

    def test_grids_hang_below_the_district_that_holds_them(self, desk: Desk) -> None:
        assert desk.rows(
            "SELECT a.code, p.code FROM area a LEFT JOIN area p ON p.area_id = a.parent_id "
            "ORDER BY 1"
        ) == [("G00", "T1"), ("G01", "T1"), ("G10", "T1"), ("G11", "T1"), ("T1", None)]

    def test_named_parent_wins_over_the_place(self, desk: Desk) -> None:
        box = square(WEST, SOUTH, EAST, NORTH)
        level = {
            "kind": "boundaries",
            "source": "streets",
            "columns": {**self.COLUMNS, "level": "level"},
        }
        streets = [feature(box, code=code, name=code, level="street") for code in ("S1", "S2")]
        desk.take(desk.geojson(streets), make_mapping(level))
        file = desk.geojson(
            [feature(box, code="N1", name="n", up="S2"), feature(box, code="N2", name="n", up="T1")]
        )
        columns = {**self.COLUMNS, "parent_code": "up"}
        for _ in range(2):
            desk.take(file, self.plan(columns=columns))
            assert desk.rows(
                "SELECT a.code, p.code FROM area a JOIN area p ON p.area_id = a.parent_id "
                "WHERE starts_with(a.code, 'N') ORDER BY 1"
            ) == [("N1", "S2"), ("N2", "T1")]

    def test_code_of_another_area_is_refused_in_the_file_and_before_it(self, desk: Desk) -> None:
        box = square(WEST, SOUTH, EAST, NORTH)
        file = desk.geojson(
            [
                feature(box, id="1", code="G00", name="a"),
                feature(box, id="2", code="N1", name="b"),
                feature(box, id="3", code="N1", name="c"),
            ]
        )
        report = desk.take(file, self.plan(columns={**self.COLUMNS, "source_ref": "id"}))
        assert (report.new, report.quarantined) == (1, {"code_taken": 2})
        assert [(bad[0], bad[2]) for bad in desk.bad_rows()] == [(1, "G00"), (3, "N1")]

    def test_what_the_table_would_refuse_is_quarantined_with_its_reason(self, desk: Desk) -> None:
        box = square(WEST, SOUTH, EAST, NORTH)
        file = desk.geojson(
            [
                feature(box, code="E1", name="a", kind="exclusive"),
                feature(box, code="E2", name="a", kind="exclusive", host="School"),
                feature(box, code="E3", name="a", kind="odd"),
                feature(box, code="E4", name="a", since="2024-02-01", until="2024-02-01"),
                feature(box, code="E5", name="", kind="basic"),
                feature(None, code="E6", name="a"),
                feature({"type": "Point", "coordinates": [1, 2]}, code="E7", name="a"),
                feature(box, code="E8", name="a", homes=-1),
            ]
        )
        more = {"grid_kind": "kind", "host_unit": "host", "valid_from": "since",
                "valid_to": "until", "households": "homes"}  # fmt: skip
        report = desk.take(file, self.plan(columns={**self.COLUMNS, **more}))
        assert (report.new, balance(report)) == (1, 8)
        assert [(bad[0], bad[3]) for bad in desk.bad_rows()] == [
            (1, "missing_value"), (3, "unknown_value"), (4, "ends_before_start"),
            (5, "missing_value"), (6, "no_position"), (7, "wrong_geometry"), (8, "out_of_range"),
        ]  # fmt: skip

    def test_national_codes_must_have_the_digits_of_their_level(self, bare_desk: Desk) -> None:
        box = square(WEST, SOUTH, EAST, NORTH)
        bare_desk.found([feature(box, code="110102", name="D")], code_scheme="cn")
        codes = {"110102001001001": "basic", "110102001001": "basic",
                 "110102001001001-01": "micro", "110102001001002": "micro"}  # fmt: skip
        file = bare_desk.geojson(
            [feature(box, code=code, name="x", kind=kind) for code, kind in codes.items()]
        )
        columns = {**self.COLUMNS, "grid_kind": "kind"}
        report = bare_desk.take(file, self.plan(columns=columns))
        assert (report.new, report.quarantined) == (2, {"bad_code": 2})
        assert [bad[0] for bad in bare_desk.bad_rows()] == [2, 4]

    def test_invalid_polygon_is_refused_or_mended_on_request(self, desk: Desk) -> None:
        x, y = WEST + 0.001, SOUTH + 0.001
        needle = [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x + 0.01, y + 0.02],
                  [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]  # fmt: skip
        bow = [[x, y], [x + 0.01, y + 0.01], [x + 0.01, y], [x, y + 0.01], [x, y]]
        file = desk.geojson(
            [
                feature({"type": "Polygon", "coordinates": [ring]}, code=code, name=code)
                for code, ring in (("N", needle), ("B", bow))
            ]
        )
        report = desk.take(file, self.plan())
        assert (report.new, report.quarantined) == (0, {"invalid_geometry": 2})
        assert "Self-intersection" in desk.bad_rows()[0][2]
        report = desk.take(file, self.plan(mend=True))
        assert (report.new, report.quarantined) == (1, {"invalid_geometry": 1})
        assert "Self-intersection" in desk.one(
            "SELECT attributes->>'mended' FROM area WHERE code = 'N'"
        )

    def test_jurisdiction_is_not_founded_on_unsound_boundaries(self, bare_desk: Desk) -> None:
        before = bare_desk.dump()
        bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
        with pytest.raises(FormatError, match="sound boundaries only; found invalid_geometry"):
            bare_desk.found([feature(bow, code="T1", name="T")])
        assert bare_desk.dump() == before


def test_roads_outside_are_left_out_and_odd_ones_quarantined(desk: Desk) -> None:
    inside = [[WEST + 0.01, SOUTH + 0.01], [WEST + 0.02, SOUTH + 0.02]]
    lines = [
        feature({"type": "LineString", "coordinates": inside}, id="1", kind="primary", way="yes"),
        feature({"type": "LineString", "coordinates": [[0, 1], [1, 1]]}, id="2", kind="x"),
        feature({"type": "MultiLineString", "coordinates": [inside, [[0, 1], [1, 1]]]}, id="3",
                kind="x"),
        feature({"type": "LineString", "coordinates": inside}, id="4"),
    ]  # fmt: skip
    plan = {
        "kind": "roads", "source": "r",
        "columns": {"source_ref": "id", "kind": "kind", "oneway": "way"},
    }  # fmt: skip
    report = desk.take(desk.geojson(lines), make_mapping(plan))
    assert (report.new, report.left_out) == (1, 1)
    assert report.quarantined == {"wrong_geometry": 1, "missing_value": 1}
    assert balance(report) == 4
    assert desk.rows("SELECT source_ref, oneway FROM road") == [("1", True)]


def test_units_name_their_grid_or_are_quarantined(desk: Desk) -> None:
    rows = [
        {"id": "U1", "kind": "foot", "name": "Team 1", "n": 2, "grid": "G00"},
        {"id": "U2", "kind": "foot", "name": "Team 2", "n": "", "grid": ""},
        {"id": "U3", "kind": "foot", "name": "Team 3", "n": 0, "grid": "G00"},
        {"id": "U4", "kind": "foot", "name": "Team 4", "n": 1, "grid": "NO"},
        {"id": "U5", "kind": "horse", "name": "Team 5", "n": 1, "grid": "G00"},
    ]
    columns = {"source_ref": "id", "kind": "kind", "name": "name", "headcount": "n"}
    plan = {"kind": "units", "source": "u", "columns": {**columns, "area_code": "grid"}}
    report = desk.take(desk.csv(rows), make_mapping(plan))
    assert report.quarantined == {"out_of_range": 1, "unknown_area": 1, "unknown_value": 1}
    assert desk.rows(
        "SELECT u.source_ref, headcount, a.code FROM unit u LEFT JOIN area a USING (area_id) "
        "ORDER BY 1"
    ) == [("U1", 2, "G00"), ("U2", 1, None)]


def test_file_and_mapping_must_not_contradict_each_other(desk: Desk) -> None:
    file = desk.geojson([feature({"type": "Point", "coordinates": [WEST, SOUTH]}, n="1")])
    plan = {"kind": "households", "source": "h", "columns": {"households": "n"}}
    with pytest.raises(MappingError, match="the file says EPSG:4326, the mapping says EPSG:32616"):
        desk.take(file, make_mapping({**plan, "crs": "EPSG:32616"}))
    assert desk.take(file, make_mapping({**plan, "crs": "cgcs2000"})).new == 1
