from __future__ import annotations

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CrsError, GeometryError, InputError
from geo.grids.findings import MESSAGES, Finding, describe_findings, findings_frame
from geo.grids.policy import HouseholdPolicy
from geo.grids.topology import Tolerance
from geo.grids.validate import validate_grids

SRID = 4549
COMMUNITY = "330102001001"
POLICY = HouseholdPolicy()
Frame = Callable[..., gpd.GeoDataFrame]
Check = Callable[[gpd.GeoDataFrame], list[Finding]]


@pytest.fixture
def check(parents: gpd.GeoDataFrame) -> Check:
    def run(grids: gpd.GeoDataFrame) -> list[Finding]:
        return validate_grids(grids, parents=parents, policy=POLICY, srid=SRID)

    return run


def put(grids: gpd.GeoDataFrame, row: int, **values: object) -> gpd.GeoDataFrame:
    """Return the grids with other values in one row."""
    changed = grids.astype({name: object for name in values if name != "geometry"})
    for name, value in values.items():
        column = changed[name].tolist()
        column[row] = value
        changed[name] = column
    return changed.set_geometry("geometry", crs=SRID)


def rules(findings: Sequence[Finding]) -> list[tuple[str, str, str | None]]:
    return [(item.severity, item.rule, item.code) for item in findings]


def code(n: int) -> str:
    return f"{COMMUNITY}{n:03d}"


def test_sound_set_gives_no_finding(four: gpd.GeoDataFrame, check: Check) -> None:
    assert check(four) == []


def test_overlap_is_one_error_with_its_area_and_place(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 0, geometry=shapely.box(0, 100, 110, 200)))
    assert rules(found) == [("error", "overlap", code(1))]
    assert found[0].other == code(2)
    assert found[0].measure == pytest.approx(1000)
    assert found[0].where is not None
    assert found[0].where.equals(shapely.box(100, 100, 110, 200))


def test_grid_inside_another_overlaps_it(
    four: gpd.GeoDataFrame, check: Check, frame: Frame
) -> None:
    whole = put(four, 0, geometry=shapely.box(0, 0, 200, 200)).iloc[[0]]
    inner = put(four, 1, geometry=shapely.box(20, 20, 40, 40)).iloc[[1]]
    both = gpd.GeoDataFrame(np.vstack([whole, inner]), columns=four.columns, crs=SRID)
    found = check(both.set_geometry("geometry", crs=SRID))
    assert rules(found) == [("error", "overlap", code(1))]
    assert found[0].measure == pytest.approx(400)


def test_same_ground_given_twice_overlaps(four: gpd.GeoDataFrame, check: Check) -> None:
    twice = put(four, 1, geometry=four.geometry.iloc[0])
    assert rules(check(twice)) == [
        ("error", "overlap", code(1)),
        ("error", "gap", COMMUNITY),
    ]


def test_gap_is_one_error_on_the_community(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 3, geometry=shapely.box(110, 0, 200, 100)))
    assert rules(found) == [("error", "gap", COMMUNITY)]
    assert found[0].measure == pytest.approx(1000)


def test_two_gaps_are_two_findings(four: gpd.GeoDataFrame, check: Check) -> None:
    holed = shapely.box(100, 0, 200, 100)
    for x in (120, 160):
        holed = holed.difference(shapely.box(x, 40, x + 10, 50))
    found = check(put(four, 3, geometry=holed))
    assert rules(found) == [("error", "gap", COMMUNITY)] * 2


def test_hairline_overlap_and_gap_are_warnings(four: gpd.GeoDataFrame, check: Check) -> None:
    shifted = shapely.box(0.05, 100, 100.05, 200)
    found = check(put(four, 0, geometry=shifted))
    assert rules(found) == [
        ("warning", "overlap_sliver", code(1)),
        ("warning", "gap_sliver", COMMUNITY),
    ]
    assert "snap" in found[0].message_en


def test_rounding_is_no_finding(four: gpd.GeoDataFrame, check: Check) -> None:
    assert check(put(four, 0, geometry=shapely.box(1e-6, 100, 100 + 1e-6, 200))) == []


def test_tolerance_decides_what_a_sliver_is(
    four: gpd.GeoDataFrame, parents: gpd.GeoDataFrame
) -> None:
    wide = put(four, 0, geometry=shapely.box(0, 100, 102, 200))
    loose = Tolerance(sliver_m2=500.0)
    found = validate_grids(wide, parents=parents, policy=POLICY, srid=SRID, tolerance=loose)
    assert rules(found) == [("warning", "overlap_sliver", code(1))]


def test_grid_outside_its_community_is_an_error(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 1, geometry=shapely.box(100, 100, 230, 200)))
    assert rules(found) == [("error", "outside", code(2))]
    assert found[0].measure == pytest.approx(3000)


def test_bowtie_is_one_error_that_names_the_spot(four: gpd.GeoDataFrame, check: Check) -> None:
    bowtie = shapely.Polygon([(0, 100), (100, 200), (100, 100), (0, 200)])
    found = check(put(four, 0, geometry=bowtie))
    assert rules(found) == [("error", "geometry_invalid", code(1))]
    assert found[0].where == shapely.Point(50, 150)


def test_unclosed_ring_is_one_error_with_the_distance_of_its_ends(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    open_ring = shapely.LineString([(0, 100), (100, 100), (100, 200), (0, 200), (0, 104)])
    found = check(put(four, 0, geometry=open_ring))
    assert rules(found) == [("error", "ring_open", code(1))]
    assert found[0].measure == pytest.approx(4)


@pytest.mark.parametrize(
    ("shape", "rule"),
    [
        (None, "geometry_missing"),
        (shapely.Polygon(), "geometry_missing"),
        (shapely.Point(1, 1), "geometry_type"),
        (shapely.LineString([(0, 100), (100, 100), (100, 200), (0, 100)]), "geometry_type"),
    ],
)
def test_shape_that_is_no_polygon_is_one_error(
    four: gpd.GeoDataFrame, check: Check, shape: shapely.Geometry, rule: str
) -> None:
    assert rules(check(put(four, 0, geometry=shape))) == [("error", rule, code(1))]


def test_grid_in_two_parts_is_an_error_and_a_warning_over_islands(
    four: gpd.GeoDataFrame, frame: Frame
) -> None:
    pair = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(50, 50, 90, 90)])
    grid = put(four, 0, geometry=pair).iloc[[0]]
    ground = {"whole": shapely.box(0, 0, 100, 100), "islands": pair}
    found = {}
    for name, shape in ground.items():
        parents = frame([shape], code=[COMMUNITY], level=["community"])
        found[name] = validate_grids(grid, parents=parents, policy=POLICY, srid=SRID)
    assert rules(found["islands"]) == [("warning", "multipart", code(1))]
    assert rules(found["whole"])[0] == ("error", "multipart", code(1))
    assert found["islands"][0].measure == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"households": 550}, ("warning", "households_many")),
        ({"households": 250}, ("warning", "households_few")),
        ({"households": 601}, ("error", "households_many")),
        ({"households": 199}, ("error", "households_few")),
        ({"households": None}, ("error", "households_missing")),
        ({"households": 900, "exempt_reason": "一栋楼"}, ("warning", "households_exempt")),
        ({"households": 900, "exempt_reason": "  "}, ("error", "households_many")),
        ({"grid_kind": "main"}, ("error", "kind_unknown")),
        ({"grid_kind": None}, ("error", "kind_unknown")),
    ],
)
def test_broken_attribute_gives_the_finding_that_it_deserves(
    four: gpd.GeoDataFrame,
    check: Check,
    values: dict[str, object],
    expected: tuple[str, str],
) -> None:
    found = check(put(four, 2, **values))
    assert rules(found) == [(*expected, code(3))]


def test_exclusive_grid_needs_host_and_kind_but_no_households(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    bare = put(four, 0, grid_kind="exclusive", households=0)
    assert rules(check(bare)) == [
        ("error", "host_unit_missing", code(1)),
        ("error", "host_kind_unknown", code(1)),
    ]
    assert check(put(bare, 0, host_unit="第一小学", host_kind="school")) == []


def test_each_broken_code_gives_the_finding_that_it_deserves(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    short = code(1)[:-1]
    assert rules(check(put(four, 0, code=short))) == [("error", "code_digits", short)]
    zero = code(0)
    assert rules(check(put(four, 0, code=zero))) == [("error", "code_number", zero)]
    other = "330102001002001"
    assert rules(check(put(four, 0, code=other))) == [("error", "code_parent", other)]
    assert rules(check(put(four, 0, code=None))) == [("error", "code_missing", None)]


def test_code_used_twice_is_one_finding(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 0, code=code(2)))
    assert rules(found) == [("error", "code_duplicate", code(2))]
    assert found[0].measure == 2


def test_local_scheme_checks_no_digits(four: gpd.GeoDataFrame, parents: gpd.GeoDataFrame) -> None:
    named = put(four, 0, code="1412A")
    found = validate_grids(named, parents=parents, policy=POLICY, srid=SRID, code_scheme="local")
    assert found == []


def test_grid_without_community_is_an_error_but_covers_its_ground(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    assert rules(check(put(four, 0, parent_code=None))) == [("error", "parent_missing", code(1))]
    lost = check(put(four, 0, parent_code="330102001009"))
    assert rules(lost) == [("error", "parent_unknown", code(1))]


def test_grid_that_belongs_to_a_street_is_an_error(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 0, parent_code="330102001"))
    assert rules(found)[0] == ("error", "parent_level", code(1))
    assert "community" in found[0].message_en


def test_community_without_grids_is_a_gap_of_its_whole_area(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    found = check(four.iloc[:0])
    assert rules(found) == [("error", "gap", COMMUNITY)]
    assert found[0].measure == pytest.approx(40_000)


def test_micro_grids_are_checked_within_their_grid(four: gpd.GeoDataFrame, check: Check) -> None:
    halves = [shapely.box(0, 100, 50, 200), shapely.box(50, 100, 100, 200)]
    micro = four.iloc[[0, 0]].assign(
        code=[f"{code(1)}-01", f"{code(1)}-02"],
        parent_code=code(1),
        grid_kind="micro",
        households=[60, 70],
    )
    micro = micro.set_geometry(halves, crs=SRID)

    def with_micro(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        joined = np.vstack([four, rows])
        frame = gpd.GeoDataFrame(joined, columns=four.columns)
        return frame.set_geometry("geometry", crs=SRID)

    assert check(with_micro(micro)) == []
    assert rules(check(with_micro(micro.iloc[:1]))) == [("error", "gap", code(1))]
    crowded = micro.assign(households=[60, 95])
    assert rules(check(with_micro(crowded))) == [("warning", "households_many", f"{code(1)}-02")]


def test_broken_parent_is_refused(four: gpd.GeoDataFrame, frame: Frame) -> None:
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    parents = frame([bowtie], code=[COMMUNITY], level=["community"])
    with pytest.raises(GeometryError, match=COMMUNITY):
        validate_grids(four, parents=parents, policy=POLICY, srid=SRID)


def test_wrong_reference_system_or_missing_column_is_refused(
    four: gpd.GeoDataFrame, parents: gpd.GeoDataFrame
) -> None:
    with pytest.raises(CrsError):
        validate_grids(four.to_crs(4326), parents=parents, policy=POLICY, srid=SRID)
    with pytest.raises(CrsError):
        validate_grids(four, parents=parents, policy=POLICY, srid=4326)
    with pytest.raises(InputError, match="households"):
        validate_grids(four.drop(columns="households"), parents=parents, policy=POLICY, srid=SRID)


def test_inputs_are_not_changed(four: gpd.GeoDataFrame, check: Check) -> None:
    before = four.copy()
    check(four)
    assert four.equals(before)


def test_report_counts_and_names_each_finding_in_both_languages(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    broken = put(put(four, 0, households=700), 1, households=510)
    found = check(broken)
    english = describe_findings(found, n_grids=4, lang="en")
    assert english.splitlines()[0] == (
        "4 grids checked: 1 errors, 1 warnings; mend the errors first."
    )
    assert "700 households, more than 500" in english
    chinese = describe_findings(found, n_grids=4, lang="zh")
    assert "检查了 4 个网格" in chinese
    assert "700 户,多于 500 户" in chinese


def test_report_of_many_findings_says_how_many_more_there_are(
    four: gpd.GeoDataFrame, check: Check
) -> None:
    found = check(four.assign(households=700))
    assert "and 3 more (households_many)" in describe_findings(found, n_grids=4, lang="en", most=1)


def test_findings_become_a_layer_with_one_row_each(four: gpd.GeoDataFrame, check: Check) -> None:
    found = check(put(four, 0, geometry=shapely.box(0, 100, 110, 200)))
    layer = findings_frame(found, srid=SRID)
    assert layer.crs.to_epsg() == SRID
    assert layer["rule"].tolist() == ["overlap"]
    assert findings_frame([], srid=SRID).empty


def test_every_rule_speaks_both_languages() -> None:
    assert all(zh and en and zh != en for zh, en in MESSAGES.values())


@settings(max_examples=30, deadline=None)
@given(
    dx=st.floats(0.5, 40),
    dy=st.floats(0.5, 40),
    grid=st.integers(0, 3),
)
def test_area_moved_equals_area_reported(dx: float, dy: float, grid: int) -> None:
    """A grid moved inwards overlaps, and leaves a gap, by exactly what it moved."""
    corners = [(0, 100), (100, 100), (0, 0), (100, 0)]
    boxes = [shapely.box(x, y, x + 100, y + 100) for x, y in corners]
    x, y = corners[grid]
    sx, sy = (dx if x == 0 else -dx), (dy if y == 0 else -dy)
    boxes[grid] = shapely.box(x + sx, y + sy, x + sx + 100, y + sy + 100)
    grids = gpd.GeoDataFrame(
        {
            "code": [code(n) for n in range(1, 5)],
            "parent_code": COMMUNITY,
            "grid_kind": "basic",
            "households": 400,
        },
        geometry=boxes,
        crs=SRID,
    )
    parents = gpd.GeoDataFrame(
        {"code": [COMMUNITY], "level": ["community"]},
        geometry=[shapely.box(0, 0, 200, 200)],
        crs=SRID,
    )
    found = validate_grids(grids, parents=parents, policy=POLICY, srid=SRID)
    overlap = sum(item.measure or 0 for item in found if item.rule.startswith("overlap"))
    gap = sum(item.measure or 0 for item in found if item.rule.startswith("gap"))
    moved = 100 * 100 - (100 - dx) * (100 - dy)
    assert overlap == pytest.approx(moved)
    assert gap == pytest.approx(moved)
