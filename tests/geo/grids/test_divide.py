from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo.errors import CrsError, GeometryError, InputError
from geo.grids.divide import divide_community
from geo.grids.frames import polygon_of, spots_of
from geo.grids.policy import HouseholdPolicy
from geo.grids.site import DivisionParams, Ground
from geo.locate.polygons import index_polygons, locate

SRID = 4549
POLICY = HouseholdPolicy()
ORIGIN = np.array([500_000, 3_400_000])
SQUARE = shapely.box(0, 0, 1000, 1000)
DONUT = SQUARE.difference(shapely.box(350, 350, 650, 650))
L_SHAPE = SQUARE.difference(shapely.box(400, 400, 1000, 1000))
Frame = Callable[..., gpd.GeoDataFrame]


def divide(
    community: BaseGeometry, ground: Ground, *, seed: int = 1, **params: float
) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    return divide_community(
        community,
        ground,
        policy=POLICY,
        srid=SRID,
        rng=rng,
        params=DivisionParams(**params),  # type: ignore[arg-type]
    )


def scatter(community: BaseGeometry, n: int, *, seed: int = 7) -> np.ndarray:
    """Return points in a community, at random."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = community.bounds
    points = shapely.points(rng.uniform((x0, y0), (x1, y1), (20 * n, 2)))
    return points[shapely.contains(community, points)][:n]


def homes(places: np.ndarray, households: object = 10) -> Ground:
    counts = np.broadcast_to(np.asarray(households), len(places))
    return Ground(gpd.GeoDataFrame({"households": counts}, geometry=list(places), crs=SRID))


def assert_sound(grids: gpd.GeoDataFrame, community: BaseGeometry, ground: Ground) -> None:
    """Assert what holds for every division, whatever the ground."""
    shapes = grids.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.is_valid(shapes).all()
    assert set(grids.geom_type) == {"Polygon"}
    missed = shapely.symmetric_difference(shapely.union_all(shapes), community)
    assert missed.area < 1e-6
    counts = ground.households["households"].to_numpy()
    spots = spots_of(ground.households.geometry.to_numpy())
    grid = locate(index_polygons(shapes, srid=SRID), spots[:, 0], spots[:, 1])
    assert (grid >= 0).all()
    counted = np.bincount(grid, weights=counts, minlength=len(grids))
    assert counted.tolist() == grids["households"].tolist()
    basic = grids[grids["grid_kind"] == "basic"]
    fine = basic["households"].between(POLICY.minimum, POLICY.maximum)
    assert [reason is None for reason in basic["reason_en"]] == fine.tolist()
    assert [reason is None for reason in basic["reason_zh"]] == fine.tolist()
    assert grids["compactness"].between(0, 1).all()


@pytest.mark.parametrize("community", [SQUARE, DONUT, L_SHAPE], ids=["square", "donut", "L"])
@pytest.mark.parametrize("total", [800, 1330, 2250, 3000])
def test_every_grid_of_a_plain_community_is_within_bounds(
    community: BaseGeometry, total: int
) -> None:
    ground = homes(scatter(community, total // 5), 5)
    grids = divide(community, ground)
    assert_sound(grids, community, ground)
    assert grids["households"].between(300, 500).all()
    assert len(grids) == -(-total // 500)
    assert grids["compactness"].min() > 0.15


def test_number_of_grids_brings_the_mean_nearest_to_the_target() -> None:
    ground = homes(scatter(SQUARE, 400), 5)
    policy = HouseholdPolicy(target=400)
    rng = np.random.default_rng(1)
    grids = divide_community(SQUARE, ground, policy=policy, srid=SRID, rng=rng)
    assert len(grids) == 5


@settings(max_examples=40, deadline=None)
@given(
    radii=st.lists(st.floats(150, 900), min_size=5, max_size=14),
    n=st.integers(0, 90),
    most=st.integers(1, 90),
    seed=st.integers(0, 2**32 - 1),
    buildings=st.booleans(),
    roads=st.integers(0, 3),
)
def test_any_division_covers_conserves_and_is_contiguous(
    radii: list[float], n: int, most: int, seed: int, buildings: bool, roads: int
) -> None:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    ring = np.column_stack((np.cos(angles), np.sin(angles))) * np.array(radii)[:, None]
    community = shapely.Polygon(ring + ORIGIN)
    rng = np.random.default_rng(seed)
    places = scatter(community, n, seed=seed)
    if buildings:
        blocks = [shapely.box(p.x - 15, p.y - 6, p.x + 15, p.y + 6) for p in places]
        inside = shapely.contains(community, np.array(blocks, dtype=object))
        places = np.array(blocks, dtype=object)[inside]
    ends = rng.uniform(-1000, 1000, (roads, 2, 2)) + ORIGIN
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString(pair) for pair in ends], crs=SRID)
    ground = homes(places, rng.integers(1, most + 1, len(places)))
    ground = Ground(ground.households, seams=lines)
    grids = divide(community, ground, seed=seed, rounds=20)
    assert_sound(grids, community, ground)


def test_same_seed_gives_the_same_grids_and_inputs_stay() -> None:
    ground = homes(scatter(SQUARE, 250), 6)
    before = ground.households.copy()
    first, second = (divide(SQUARE, ground, seed=4) for _ in range(2))
    assert first.geometry.geom_equals_exact(second.geometry, 0.0).all()
    assert first.drop(columns="geometry").equals(second.drop(columns="geometry"))
    assert ground.households.equals(before)


def test_border_follows_the_river() -> None:
    river = shapely.LineString([(-50, 480), (300, 520), (700, 470), (1050, 530)])
    seams = gpd.GeoDataFrame({"strength": [1.0]}, geometry=[river], crs=SRID)
    ground = homes(scatter(SQUARE, 180), 5)
    with_river = divide(SQUARE, Ground(ground.households, seams=seams))
    without = divide(SQUARE, ground)
    assert len(with_river) == len(without) == 2
    assert with_river["seam_share"].min() > 0.9
    assert without["seam_share"].eq(0).all()
    assert_sound(with_river, SQUARE, ground)


def test_seam_that_ends_within_the_community_does_no_harm() -> None:
    lane = shapely.LineString([(500, 500), (500, 800)])
    seams = gpd.GeoDataFrame(geometry=[lane], crs=SRID)
    ground = homes(scatter(SQUARE, 180), 5)
    assert_sound(divide(SQUARE, Ground(ground.households, seams=seams)), SQUARE, ground)


def test_road_that_nearly_repeats_the_boundary_makes_no_strip() -> None:
    road = shapely.LineString([(-5, 0.0004), (400, -0.0003), (1005, 0.0002)])
    near = shapely.LineString([(999.8, -5), (999.9, 1005)])
    seams = gpd.GeoDataFrame(geometry=[road, near], crs=SRID)
    ground = homes(scatter(SQUARE, 180), 5)
    grids = divide(SQUARE, Ground(ground.households, seams=seams))
    assert_sound(grids, SQUARE, ground)
    assert grids["seam_share"].eq(0).all()


def test_building_with_too_many_households_is_a_grid_with_the_reason() -> None:
    blocks = [
        shapely.box(x, y, x + 40, y + 15) for x in range(20, 960, 90) for y in (100, 400, 800)
    ]
    counts = np.full(len(blocks), 30)
    counts[16] = 612
    ground = homes(np.array(blocks, dtype=object), counts)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    huge = grids[grids["households"] > 500]
    assert huge["households"].tolist() == [612]
    assert huge["reason_en"].tolist() == ["one building holds 612 households"]
    assert huge["reason_zh"].tolist() == ["一栋楼就有 612 户"]
    assert grids.drop(huge.index)["households"].between(300, 500).all()


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (0, "only 0 households"),
        (120, "only 120 households"),
        (540, "540 households, which no number of grids"),
    ],
)
def test_number_that_cannot_be_shared_is_said(total: int, words: str) -> None:
    ground = homes(scatter(SQUARE, total // 20), 20)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    assert grids["households"].tolist() == [total]
    assert words in grids["reason_en"].iloc[0]


def test_homes_too_large_to_share_evenly_are_the_reason() -> None:
    ground = homes(shapely.points([(100, 500), (300, 500), (700, 500), (900, 500)]), 260)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    assert grids["reason_en"].str.contains("one place holds up to 260").all()


def test_homes_on_one_spot_stay_together() -> None:
    spots = [shapely.Point(200, 200)] * 300 + [shapely.Point(800, 800)] * 350
    ground = homes(np.array(spots, dtype=object), 1)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    assert sorted(grids["households"]) == [300, 350]


def test_no_building_is_cut() -> None:
    rng = np.random.default_rng(3)
    corners = [(x, y) for x in range(20, 940, 75) for y in range(20, 960, 45)]
    blocks = [shapely.box(x, y, x + rng.integers(20, 55), y + 12) for x, y in corners]
    ground = homes(np.array(blocks, dtype=object), rng.integers(5, 20, len(blocks)))
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    cuts = shapely.intersection(
        shapely.union_all(grids.boundary.to_numpy()), shapely.union_all(blocks)
    )
    assert cuts.length == 0


def test_community_of_two_islands_is_divided_on_each() -> None:
    islands = shapely.MultiPolygon([shapely.box(0, 0, 400, 400), shapely.box(500, 0, 900, 400)])
    west = scatter(islands.geoms[0], 80)
    east = scatter(islands.geoms[1], 20)
    ground = homes(np.concatenate((west, east)), 10)
    grids = divide(islands, ground)
    assert_sound(grids, islands, ground)
    small = grids[grids["households"] < 300]
    assert small["households"].tolist() == [200]
    assert "cut off" in small["reason_en"].iloc[0]


def test_exclusive_ground_is_cut_out_and_the_rest_stays_whole() -> None:
    school = shapely.box(450, 450, 600, 600)
    exclusive = gpd.GeoDataFrame(
        {"host_unit": ["第一小学"], "host_kind": ["school"]}, geometry=[school], crs=SRID
    )
    ground = homes(scatter(SQUARE, 200), 6)
    ground = Ground(ground.households, exclusive=exclusive)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    host = grids[grids["grid_kind"] == "exclusive"]
    assert host["host_unit"].tolist() == ["第一小学"]
    assert host.geometry.iloc[0].symmetric_difference(school).area < 1e-6
    assert host["reason_en"].isna().all()


def test_empty_ground_behind_an_exclusive_grid_goes_to_it() -> None:
    wall = shapely.box(-10, 800, 1010, 900)
    exclusive = gpd.GeoDataFrame(
        {"host_unit": ["园区"], "host_kind": ["park"]}, geometry=[wall], crs=SRID
    )
    lived_in = shapely.box(0, 0, 1000, 800)
    ground = Ground(homes(scatter(lived_in, 160), 5).households, exclusive=exclusive)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    host = grids[grids["grid_kind"] == "exclusive"]
    assert host["area_m2"].tolist() == [pytest.approx(200_000)]


def test_straight_borders_are_more_compact_and_move_no_home() -> None:
    ground = homes(scatter(SQUARE, 60), 20)
    raw = divide(SQUARE, ground, smooth_m=0)
    smooth = divide(SQUARE, ground, smooth_m=25)
    assert raw["households"].tolist() == smooth["households"].tolist()
    assert smooth["compactness"].mean() > raw["compactness"].mean()


def test_recombination_shortens_borders() -> None:
    ground = homes(scatter(SQUARE, 270), 10)
    quick = divide(SQUARE, ground, rounds=0)
    long = divide(SQUARE, ground, rounds=200)
    assert long["compactness"].mean() > quick["compactness"].mean()


@pytest.mark.parametrize("households", [-1, None, "many"])
def test_count_that_is_none_is_refused_with_its_row(households: object) -> None:
    ground = homes(scatter(SQUARE, 3), 10)
    counts = [10, households, 10]
    broken = Ground(ground.households.assign(households=counts))
    with pytest.raises(InputError, match="row 2"):
        divide(SQUARE, broken)


def test_home_outside_the_community_is_refused() -> None:
    ground = homes(np.append(scatter(SQUARE, 3), shapely.Point(2000, 5)), 10)
    with pytest.raises(InputError, match=r"1 of 4 places lie outside"):
        divide(SQUARE, ground)


def test_degrees_and_broken_communities_are_refused() -> None:
    ground = homes(scatter(SQUARE, 3), 10)
    with pytest.raises(CrsError):
        divide(SQUARE, Ground(ground.households.to_crs(4326)))
    with pytest.raises(GeometryError):
        divide(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), ground)


@pytest.mark.parametrize(
    "params", [{"compactness": -1}, {"seam_strength": 2}, {"sample_step_m": 0}, {"rounds": -1}]
)
def test_params_without_sense_are_refused(params: dict[str, float]) -> None:
    with pytest.raises(InputError):
        DivisionParams(**params)  # type: ignore[arg-type]


def test_points_on_a_seam_belong_to_one_side() -> None:
    seams = gpd.GeoDataFrame(geometry=[shapely.LineString([(500, -5), (500, 1005)])], crs=SRID)
    spots = shapely.points([(500, y) for y in range(10, 1000, 20)])
    ground = Ground(homes(spots, 16).households, seams=seams)
    grids = divide(SQUARE, ground)
    assert_sound(grids, SQUARE, ground)
    inside = polygon_of(spots_of(spots), grids.geometry.to_numpy(), srid=SRID)
    assert (inside >= 0).all()
