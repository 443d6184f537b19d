from __future__ import annotations

from collections.abc import Callable
from datetime import date

import geopandas as gpd
import pytest
import shapely

from geo.errors import GeometryError, InputError
from geo.grids.carve import carve_exclusive
from geo.grids.change import GridChange

SRID = 4549
COMMUNITY = "330102001001"
TURN = date(2025, 1, 1)
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def carve(four: gpd.GeoDataFrame, frame: Frame) -> Callable[..., GridChange]:
    """Give a way to carve schools out of the four grids, with homes every 20 m."""
    dated = four.assign(valid_from=date(2024, 1, 1))
    homes = frame([shapely.Point(x, y) for x in range(10, 200, 20) for y in range(10, 200, 20)])

    def run(*schools: shapely.Polygon, grids: gpd.GeoDataFrame = dated) -> GridChange:
        exclusive = frame(schools, host_unit=["小学"] * len(schools), host_kind="school")
        return carve_exclusive(
            grids,
            exclusive=exclusive,
            households=homes,
            on=TURN,
            taken=set(dated["code"]),
            srid=SRID,
        )

    return run


def assert_conserved(change: GridChange, ground: shapely.Geometry, homes: int) -> None:
    shapes = change.begun.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert set(change.begun.geom_type) == {"Polygon"}
    assert shapely.union_all(shapes).symmetric_difference(ground).area < 1e-6
    assert change.begun["households"].sum() == homes
    assert change.lineage.groupby("old_code")["share"].sum().tolist() == pytest.approx(
        [1.0] * len(change.ended)
    )


def test_school_within_one_grid_ends_that_grid_alone(carve: Callable[..., GridChange]) -> None:
    school = shapely.box(40, 140, 60, 160)
    change = carve(school)
    assert change.kind == "carve"
    assert change.ended == (f"{COMMUNITY}001",)
    assert_conserved(change, shapely.box(0, 100, 100, 200), 25)
    kinds = change.begun.set_index("grid_kind")
    assert kinds.loc["exclusive", "host_unit"] == "小学"
    assert kinds.loc["exclusive", "households"] == 1
    assert kinds.loc["exclusive", "geometry"].equals(school)
    assert kinds.loc["basic", "households"] == 24
    assert kinds.loc["basic", "host_unit"] is None


def test_school_over_two_grids_ends_both(carve: Callable[..., GridChange]) -> None:
    change = carve(shapely.box(80, 140, 120, 160))
    assert change.ended == (f"{COMMUNITY}001", f"{COMMUNITY}002")
    assert_conserved(change, shapely.box(0, 100, 200, 200), 50)
    assert change.begun["grid_kind"].value_counts().to_dict() == {"basic": 2, "exclusive": 1}


def test_corner_that_is_cut_off_is_a_grid_if_someone_lives_there(
    carve: Callable[..., GridChange],
) -> None:
    change = carve(shapely.Polygon([(0, 170), (30, 200), (25, 200), (0, 175)]))
    assert_conserved(change, shapely.box(0, 100, 100, 200), 25)
    basic = change.begun[change.begun["grid_kind"] == "basic"]
    assert sorted(basic["households"]) == [1, 24]


def test_corner_that_is_cut_off_goes_to_the_school_if_nobody_lives_there(
    carve: Callable[..., GridChange],
) -> None:
    change = carve(shapely.Polygon([(0, 190), (10, 200), (5, 200), (0, 195)]))
    assert_conserved(change, shapely.box(0, 100, 100, 200), 25)
    assert change.begun["grid_kind"].value_counts().to_dict() == {"basic": 1, "exclusive": 1}
    school = change.begun.set_index("grid_kind").loc["exclusive", "geometry"]
    assert school.area == pytest.approx(50)


def test_grid_cut_in_two_with_homes_on_both_sides_becomes_two(
    carve: Callable[..., GridChange],
) -> None:
    change = carve(shapely.box(-5, 141, 100, 149))
    assert_conserved(change, shapely.box(0, 100, 100, 200), 25)
    assert change.begun["grid_kind"].value_counts().to_dict() == {"basic": 2, "exclusive": 1}


def test_grid_that_is_swallowed_leaves_nothing(carve: Callable[..., GridChange]) -> None:
    change = carve(shapely.box(0, 100, 100, 200))
    assert change.begun["grid_kind"].tolist() == ["exclusive"]
    assert change.begun["households"].tolist() == [25]


def test_school_elsewhere_or_only_touching_is_refused(carve: Callable[..., GridChange]) -> None:
    with pytest.raises(GeometryError, match="nothing to carve"):
        carve(shapely.box(200, 0, 300, 100))
    with pytest.raises(GeometryError, match="nothing to carve"):
        carve(shapely.box(900, 900, 950, 950))


def test_grids_of_two_communities_or_other_kinds_are_refused(
    carve: Callable[..., GridChange], four: gpd.GeoDataFrame
) -> None:
    school = shapely.box(40, 140, 60, 160)
    dated = four.assign(valid_from=None)
    with pytest.raises(InputError, match="one community"):
        carve(school, grids=dated.assign(parent_code=["a", "a", "a", "b"]))
    with pytest.raises(InputError, match="basic grids"):
        carve(school, grids=dated.assign(grid_kind="exclusive"))
