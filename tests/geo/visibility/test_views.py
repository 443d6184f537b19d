"""What is seen: held against shadows cut by Shapely and against single lines of sight."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import CrsError, GeometryError, InputError
from geo.formats.open import open_table
from geo.visibility.cameras import Looks
from geo.visibility.views import find_sightings, find_views, view_polygons
from geo.visibility.walls import Walls, make_walls
from tests.geo.visibility.conftest import EAST, NORTH, SRID, boxes_turned, looks_at

CORNER = np.array([EAST, NORTH])
OPEN = make_walls(None, srid=SRID)


def walls_of(*shapes, height_m=None) -> Walls:
    placed = [shapely.affinity.translate(shape, EAST, NORTH) for shape in shapes]
    columns = {} if height_m is None else {"height_m": height_m}
    return make_walls(gpd.GeoDataFrame(columns, geometry=placed, crs=SRID), srid=SRID)


def exact_view(looks: Looks, k: int, walls: Walls) -> shapely.Geometry:
    """Cut the shadow of each wall out of the sector, wall by wall, with Shapely."""
    eye, reach = np.array([looks.x[k], looks.y[k]]), looks.range_m[k]
    half = np.radians(min(looks.fov_deg[k], 359.999)) / 2
    way = np.radians(90 - looks.azimuth_deg[k])
    turns = way + np.linspace(-half, half, 1441)
    arc = eye + reach * np.column_stack((np.cos(turns), np.sin(turns)))
    whole = shapely.Polygon(arc) if looks.fov_deg[k] >= 360 else shapely.Polygon([eye, *arc])
    near = walls.buildings[shapely.intersects(walls.buildings, whole)]
    hidden = list(near)
    for ring in shapely.get_rings(shapely.get_parts(near)):
        corners = shapely.get_coordinates(ring)
        for a, b in pairwise(corners):
            u, v = ((p - eye) / np.hypot(*(p - eye)) for p in (a, b))
            tip = (u + v) / max(np.hypot(*(u + v)), 1e-12)
            far = [eye + 20 * reach * w for w in (v, tip, u)]
            hidden.append(shapely.make_valid(shapely.Polygon([a, b, *far])))
    return whole.difference(shapely.union_all([h for h in hidden if h.area > 0]))


def sees(looks: Looks, k: int, walls: Walls, point: np.ndarray) -> bool:
    """Follow one line of sight through each building, by the stated rule of heights."""
    eye = np.array([looks.x[k], looks.y[k]])
    line = shapely.LineString([eye, point])
    for shape, height in zip(walls.buildings, walls.height_m, strict=True):
        within = shapely.intersection(line, shape)
        if within.length < 1e-7:
            continue
        if not height < looks.height_m[k]:  # as high, or unknown
            return False
        if height <= looks.target_height_m:
            continue
        far = max(np.hypot(*(p - eye)) for p in shapely.get_coordinates(within)) / line.length
        sight = looks.height_m[k] + (looks.target_height_m - looks.height_m[k]) * far
        if sight < height or shape.contains(shapely.Point(point)):
            return False
    return True


@pytest.mark.parametrize("reach", [60.0, 150.0, 400.0])
def test_views_agree_with_shadows_cut_one_by_one(rng, town, reach: float) -> None:
    walls = make_walls(town[["geometry"]], srid=SRID)
    looks = looks_at(*rng.uniform(0, 400, (2, 24)), reach=reach,
                     azimuth=rng.uniform(0, 360, 24),
                     fov=np.where(np.arange(24) % 2, 360.0, rng.uniform(20, 200, 24)))  # fmt: skip
    views = find_views(looks, walls)
    seen = view_polygons(views)
    assert shapely.is_valid(seen).all()
    for k, shape in enumerate(seen):
        exact = exact_view(views.looks, k, walls)
        assert shapely.symmetric_difference(shape, exact).area <= 0.005 * exact.area


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1), fov=st.sampled_from([360.0, 200.0, 70.0, 5.0]))
def test_a_point_is_seen_where_its_line_of_sight_is_free(seed: int, fov: float) -> None:
    rng = np.random.default_rng(seed)
    shapes = boxes_turned(rng, 4, pitch_m=25.0)  # many overlap
    height = np.where(rng.uniform(size=16) < 0.3, np.nan, rng.uniform(1.0, 9.0, 16))
    walls = make_walls(gpd.GeoDataFrame({"height_m": height}, geometry=shapes, crs=SRID), srid=SRID)
    looks = looks_at(*rng.uniform(-20, 120, (2, 3)), azimuth=rng.uniform(0, 360, 3), fov=fov,
                     reach=rng.uniform(20, 120), height=[5.0, 12.0, np.nan])  # fmt: skip
    views = find_views(looks, walls)
    spots = rng.uniform(-20, 120, (40, 2)) + CORNER
    sighted = find_sightings(views, *spots.T)
    pairs = set(zip(sighted.look.tolist(), sighted.points.tolist(), strict=True))
    placed = views.looks
    for k in range(3):
        for n, spot in enumerate(spots):
            dx, dy = spot - (placed.x[k], placed.y[k])
            off = (np.degrees(np.arctan2(dx, dy)) - placed.azimuth_deg[k] + 180) % 360 - 180
            within = np.hypot(dx, dy) <= placed.range_m[k] and abs(off) <= fov / 2
            assert ((k, n) in pairs) == (within and sees(placed, k, walls, spot))


def test_polygons_and_points_tell_the_same(rng, town) -> None:
    walls = make_walls(town, srid=SRID)
    looks = looks_at(*rng.uniform(0, 400, (2, 30)), reach=120, height=rng.uniform(3, 20, 30),
                     azimuth=rng.uniform(0, 360, 30), fov=rng.uniform(30, 360, 30))  # fmt: skip
    views = find_views(looks, walls)
    assert len(views.low) > 100
    polygons = view_polygons(views)
    x, y = rng.uniform(0, 400, (2, 4000)) + CORNER[:, None]
    sighted = find_sightings(views, x, y)
    held = np.zeros((30, 4000), dtype=bool)
    held[sighted.look, sighted.points] = True
    drawn = np.array([shapely.contains_xy(shape, x, y) for shape in polygons])
    edge = np.array([shapely.distance(shapely.boundary(p), shapely.points(x, y)) for p in polygons])
    differ = (held != drawn) & ~(edge < 0.05)
    assert held.sum() > 500
    assert not differ.any()


def test_lower_building_hides_its_ground_and_a_strip_behind_it() -> None:
    shed = shapely.box(20, -5, 30, 5)
    walls = walls_of(shed, height_m=[3.0])
    looks = looks_at(0, 0, reach=100, azimuth=90, fov=40, height=6.0)
    views = find_views(looks, walls)
    # The line over the far eaves, 30 m off, comes down to 1.5 m at 30 x 4.5 / 3 = 45 m.
    x = EAST + np.array([19.0, 25.0, 44.0, 46.0])
    assert find_sightings(views, x, np.full(4, NORTH)).points.tolist() == [0, 3]
    (ground,) = view_polygons(views)
    assert [ground.contains(shapely.Point(at, NORTH)) for at in x] == [True, False, False, True]
    unknown = find_views(looks_at(0, 0, azimuth=90, fov=40), walls)
    assert find_sightings(unknown, x, np.full(4, NORTH)).points.tolist() == [0]


def test_building_below_the_target_hides_nothing() -> None:
    walls = walls_of(shapely.box(20, -5, 30, 5), height_m=[1.0])
    views = find_views(looks_at(0, 0, azimuth=90, fov=40, height=4.0), walls)
    assert len(view_polygons(views)[0].interiors) == 0
    assert find_sightings(views, [EAST + 25], [NORTH]).points.tolist() == [0]


def test_storeys_stand_for_a_height_that_is_not_known() -> None:
    frame = gpd.GeoDataFrame(
        {"height_m": [None, 7.0], "levels": [4, 9]},
        geometry=[shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)], crs=SRID,
    )  # fmt: skip
    assert make_walls(frame, srid=SRID, storey_m=2.5).height_m.tolist() == [10.0, 7.0]


def test_camera_drawn_in_a_building_hangs_on_its_nearest_wall() -> None:
    hall = walls_of(shapely.box(0, 0, 80, 60))
    looks = looks_at([78.0, 40.0], [30.0, 30.0], reach=50)
    views = find_views(looks, hall)
    assert views.looks.x[0] - EAST == pytest.approx(80.05)
    near, deep = view_polygons(views)
    assert near.area == pytest.approx(np.pi * 50**2 / 2, rel=0.01)
    assert deep.is_empty  # 30 m from any wall: it looks at a room
    assert looks.x[0] - EAST == 78.0


def test_camera_on_a_roof_looks_over_its_own_house() -> None:
    house = walls_of(shapely.box(-5, -5, 5, 5), height_m=[6.0])
    views = find_views(looks_at(0, 0, reach=40, height=9.0), house)
    (ground,) = view_polygons(views)
    # The eaves hide the ground as far as 2.5 times their own distance.
    assert not ground.contains(shapely.Point(EAST + 12.4, NORTH))
    assert ground.contains(shapely.Point(EAST + 12.6, NORTH))


def test_open_ground_gives_a_whole_circle_and_a_sector() -> None:
    disc, sector = view_polygons(
        find_views(looks_at([0, 0], [0, 0], azimuth=[0, 90], fov=[360, 60], reach=100), OPEN)
    )
    assert disc.area == pytest.approx(np.pi * 1e4, rel=3e-4)
    assert sector.area == pytest.approx(np.pi * 1e4 / 6, rel=3e-4)
    west, south, east, north = sector.bounds
    assert (west - EAST, east - EAST) == (0, pytest.approx(100))
    assert north - NORTH == pytest.approx(-(south - NORTH)) == pytest.approx(50)


def test_nothing_to_look_with_or_at_is_no_error() -> None:
    views = find_views(looks_at([], []), OPEN)
    assert len(view_polygons(views)) == 0
    assert find_sightings(views, [EAST], [NORTH]).points.tolist() == []
    alone = find_views(looks_at(0, 0), OPEN)
    assert find_sightings(alone, [], []).points.tolist() == []


def test_what_cannot_be_used_is_refused() -> None:
    other = make_walls(None, srid=32651)
    with pytest.raises(CrsError, match="EPSG:32650, the walls in EPSG:32651"):
        find_views(looks_at(0, 0), other)
    with pytest.raises(InputError, match="finite x and y"):
        find_sightings(find_views(looks_at(0, 0), OPEN), [np.nan], [0.0])
    with pytest.raises(GeometryError, match="building 0 is no polygon"):
        make_walls(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=SRID), srid=SRID)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "srid", "n_known"),
    [("helsinki_centre.osm.pbf", 32635, 446), ("monaco.osm.gz", 32632, 900)],
)
def test_views_in_real_towns_agree_with_shadows_cut_one_by_one(
    shared_data, rng, name: str, srid: int, n_known: int
) -> None:
    raw = open_table(shared_data / "osm" / name, kind="buildings")
    wkb = np.concatenate([batch.columns["geometry"].to_numpy() for batch in raw.batches])
    buildings = gpd.GeoDataFrame(geometry=shapely.from_wkb(wkb), crs=4326)
    walls = make_walls(buildings, srid=srid)
    assert len(walls.buildings) >= n_known
    # Cameras on the walls of 30 buildings, most of which touch others.
    chosen = walls.buildings[rng.choice(len(walls.buildings), 30, replace=False)]
    spots = shapely.get_coordinates(shapely.point_on_surface(shapely.boundary(chosen)))
    x, y = (spots - CORNER).T
    views = find_views(replace(looks_at(x, y, reach=120.0), srid=srid), walls)
    drawn = view_polygons(views)
    compared = 0
    for k in np.flatnonzero(views.looks.range_m > 0):
        exact = exact_view(views.looks, k, walls)
        assert shapely.symmetric_difference(drawn[k], exact).area <= 0.005 * exact.area + 0.5
        compared += exact.area > 1000
    assert compared >= 10
