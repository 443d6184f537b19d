"""Each point in exactly one polygon, and the same one every time."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import geo.locate.polygons
from geo.errors import CrsError, GeometryError, InputError
from geo.locate.crossing import is_left_of
from geo.locate.polygons import index_polygons, locate

UTM = 32650
SIDE = 64  # of the test mosaics, in steps of 8 units, so that quarters of edges are whole numbers


class Mosaic(NamedTuple):
    """Polygons that share edges vertex by vertex, and points on and off those edges."""

    polygons: np.ndarray
    x: np.ndarray
    y: np.ndarray


@st.composite
def mosaics(draw: st.DrawFn, *, skewed: bool = False) -> Mosaic:
    """Triangles over random nodes, merged at random: holes and multipolygons come by themselves."""
    node = st.tuples(st.integers(0, SIDE), st.integers(0, SIDE))
    nodes = draw(st.sets(node, min_size=3, max_size=30))
    nodes |= {(0, 0), (0, SIDE), (SIDE, 0), (SIDE, SIDE)}
    triangles = shapely.get_parts(
        shapely.delaunay_triangles(shapely.multipoints(8.0 * np.array(sorted(nodes))))
    )
    labels = draw(
        st.lists(st.integers(0, 5), min_size=triangles.size, max_size=triangles.size).map(np.array)
    )
    if skewed:
        a, b, c, d = (draw(st.floats(-3, 3)) for _ in range(4))
        assume(abs(a * d - b * c) > 0.1)
        turn = np.array([[a, b], [c, d]])
        shift = np.array([draw(st.floats(-1e6, 1e6)), draw(st.floats(-1e6, 1e6))])
        triangles = shapely.transform(triangles, lambda xy: xy @ turn + shift)
        assume(shapely.is_valid(triangles).all() and (shapely.area(triangles) > 1e-3).all())
    merged = [shapely.coverage_union_all(triangles[labels == k]) for k in np.unique(labels)]
    ends = shapely.get_coordinates(triangles).reshape(-1, 4, 2)
    start, end = ends[:, :-1].reshape(-1, 2), ends[:, 1:].reshape(-1, 2)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    xmin, ymin, xmax, ymax = shapely.total_bounds(triangles)
    xy = np.vstack(
        [start + t * (end - start) for t in (0.0, 0.25, 0.5, 0.75, 1 / 3)]
        + [rng.uniform((xmin, ymin), (xmax, ymax), (50, 2))]
        + [np.round(rng.uniform((xmin, ymin), (xmax, ymax), (50, 2)))]
    )
    return Mosaic(np.array(merged, dtype=object), xy[:, 0], xy[:, 1])


def members(polygons: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ask each polygon alone: (n_polygons, n_points)."""
    return np.array(
        [locate(index_polygons([p], srid=UTM, tolerance_m=0), x, y) == 0 for p in polygons]
    )


@pytest.mark.parametrize("skewed", [False, True])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_interior_point_is_in_exactly_one_polygon_even_on_edges_and_corners(skewed, data):
    mosaic = data.draw(mosaics(skewed=skewed))
    union = shapely.coverage_union_all(mosaic.polygons)
    shapely.prepare(union)
    interior = shapely.contains_properly(union, shapely.points(mosaic.x, mosaic.y))
    count = members(*mosaic).sum(axis=0)
    assert (count[interior] == 1).all()
    assert (count <= 1).all()


@pytest.mark.parametrize("skewed", [False, True])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_answer_agrees_with_shapely_off_the_edges_and_covers_the_closed_union(skewed, data):
    mosaic = data.draw(mosaics(skewed=skewed))
    points = shapely.points(mosaic.x, mosaic.y)
    covers = np.array([shapely.covers(p, points) for p in mosaic.polygons])
    off = np.min([shapely.distance(shapely.boundary(p), points) for p in mosaic.polygons], 0) > 1e-6
    found = locate(index_polygons(mosaic.polygons, srid=UTM), mosaic.x, mosaic.y)
    expected = np.where(covers.any(axis=0), covers.argmax(axis=0), -1)
    np.testing.assert_array_equal(found[off], expected[off])
    assert (found[covers.any(axis=0)] >= 0).all()


@settings(max_examples=40, deadline=None)
@given(mosaic=mosaics(), dx=st.integers(-(2**20), 2**20), dy=st.integers(-(2**20), 2**20))
def test_answer_moves_with_the_polygons(mosaic, dx, dy):
    moved = shapely.transform(mosaic.polygons, lambda xy: xy + np.array([dx, dy]))
    on_grid = (mosaic.x % 1 == 0) & (mosaic.y % 1 == 0)
    x, y = mosaic.x[on_grid], mosaic.y[on_grid]
    here = locate(index_polygons(mosaic.polygons, srid=UTM, tolerance_m=0), x, y)
    there = locate(index_polygons(moved, srid=UTM, tolerance_m=0), x + dx, y + dy)
    np.testing.assert_array_equal(here, there)


@settings(max_examples=40, deadline=None)
@given(mosaic=mosaics(skewed=True), cells_per_edge=st.sampled_from([1, 3, 100, 3000]))
def test_answer_does_not_depend_on_the_raster(mosaic, cells_per_edge):
    usual = locate(index_polygons(mosaic.polygons, srid=UTM), mosaic.x, mosaic.y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo.locate.polygons, "_CELLS_PER_EDGE", cells_per_edge)
        patch.setattr(geo.locate.polygons, "_FEWEST_CELLS", 1)
        index = index_polygons(mosaic.polygons, srid=UTM)
    np.testing.assert_array_equal(locate(index, mosaic.x, mosaic.y), usual)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 12))
def test_where_polygons_overlap_the_first_wins(seed, n):
    rng = np.random.default_rng(seed)
    discs = shapely.buffer(shapely.points(rng.uniform(0, 100, (n, 2))), rng.uniform(5, 60, n))
    holed = shapely.difference(discs, shapely.buffer(shapely.centroid(discs), 3))
    x, y = rng.uniform(-20, 120, (2, 2000))
    alone = members(holed, x, y)
    expected = np.where(alone.any(axis=0), alone.argmax(axis=0), -1)
    together = locate(index_polygons(holed, srid=UTM, tolerance_m=0), x, y)
    np.testing.assert_array_equal(together, expected)


def metres(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats, none so small that products of them vanish (no coordinate is)."""
    return st.floats(low, high).map(lambda v: v if abs(v) > 1e-30 else 0.0)


@settings(max_examples=300, deadline=None)
@given(
    start=st.tuples(metres(-1e7, 1e7), metres(-1e7, 1e7)),
    step=st.tuples(metres(-1e4, 1e4), metres(0, 1e4)),
    share=st.floats(0, 1),
    ulps=st.integers(-3, 3),
)
def test_side_of_an_edge_is_exact_even_beside_the_line(start, step, share, ulps):
    (x1, y1), (x2, y2) = start, (start[0] + step[0], start[1] + step[1])
    px, py = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    for _ in range(abs(ulps) if px else 0):
        px = float(np.nextafter(px, np.copysign(np.inf, ulps)))
    fx1, fy1, fx2, fy2, fpx, fpy = map(Fraction, (x1, y1, x2, y2, px, py))
    exact = (fx2 - fx1) * (fpy - fy1) - (fpx - fx1) * (fy2 - fy1)
    assert is_left_of(px, py, x1, y1, x2, y2) == (exact > 0)


def test_corner_of_four_squares_belongs_to_the_upper_right_one():
    squares = [shapely.box(i, j, i + 1, j + 1) for j in (0, 1) for i in (0, 1)]
    assert locate(index_polygons(squares, srid=UTM), [1.0], [1.0]).tolist() == [3]


def test_polygon_owns_lower_and_left_edges_only_without_tolerance():
    index = index_polygons([shapely.box(0, 0, 10, 10)], srid=UTM, tolerance_m=0)
    x = [0, 5, 0, 10, 5, 10, 10, 0]
    y = [0, 0, 5, 10, 10, 5, 0, 10]
    assert locate(index, x, y).tolist() == [0, 0, 0, -1, -1, -1, -1, -1]


def test_outer_border_is_taken_in_by_the_tolerance():
    index = index_polygons([shapely.box(0, 0, 10, 10)], srid=UTM, tolerance_m=0.5)
    found = locate(index, [10, 10.5, 10.51, 5, 10.4], [10, 5, 5, -0.4, 10.4])
    assert found.tolist() == [0, 0, -1, 0, -1]


def test_hole_and_gap_hold_no_point_and_an_island_in_the_hole_does():
    ring = shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 20, 20)
    island = shapely.box(12, 12, 18, 18)
    far = shapely.MultiPolygon([shapely.box(40, 0, 50, 10), shapely.box(60, 0, 70, 10)])
    index = index_polygons([ring, island, far], srid=UTM)
    assert locate(index, [5, 11, 15, 35, 45, 55, 65], [5] * 7).tolist() == [0, 0, 0, -1, 2, -1, 2]
    assert locate(index, [11, 15, 25], [15] * 3).tolist() == [-1, 1, 0]


def t_junction(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One polygon above a slanting seam, two below that meet at a point rounded on to the seam."""
    a, b = np.array([5e5, 4.4e6]), np.array([5e5 + 900.7, 4.4e6 + 311.3])
    meet = a + rng.uniform(0.2, 0.8) * (b - a)
    up, down = np.array([-200.1, 700.3]), np.array([150.7, -800.9])
    above = shapely.Polygon([a, b, b + up, a + up])
    left = shapely.Polygon([a, a + down, meet + down, meet])
    right = shapely.Polygon([meet, meet + down, b + down, b])
    seam = a + rng.uniform(0.01, 0.99, (20_000, 1)) * (b - a)
    return np.array([above, left, right]), seam


def test_no_point_of_a_seam_is_lost_where_a_corner_meets_the_middle_of_an_edge():
    rng = np.random.default_rng(7)
    lost_without = 0
    for _ in range(10):
        polygons, seam = t_junction(rng)
        index = index_polygons(polygons, srid=UTM)
        assert (locate(index, *seam.T) >= 0).all()
        strict = index_polygons(polygons, srid=UTM, tolerance_m=0)
        lost_without += int((locate(strict, *seam.T) < 0).sum())
    assert lost_without > 0, "the example no longer shows what the tolerance is for"


def test_inputs_are_not_changed_and_any_number_sequence_serves():
    x, y = np.array([1, 2]), [1.0, np.nan]
    polygons = [shapely.box(0, 0, 3, 3)]
    wkb = shapely.to_wkb(polygons[0])
    assert locate(index_polygons(polygons, srid=UTM), x, y).tolist() == [0, -1]
    assert x.tolist() == [1, 2]
    assert shapely.to_wkb(polygons[0]) == wkb


def test_points_that_are_nowhere_are_in_no_polygon():
    index = index_polygons([shapely.box(0, 0, 3, 3)], srid=UTM)
    nowhere = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1.0]
    assert (locate(index, nowhere, [1.0, 1, 1, 1, 1, np.nan]) == -1).all()


def test_no_points_and_no_polygons_give_nothing():
    assert locate(index_polygons([shapely.box(0, 0, 1, 1)], srid=UTM), [], []).size == 0
    assert locate(index_polygons([], srid=UTM), [0.5, 0.0], [0.5, 0.0]).tolist() == [-1, -1]


def test_index_survives_pickling_and_threads():
    rng = np.random.default_rng(3)
    squares = [shapely.box(i, j, i + 1, j + 1) for i in range(20) for j in range(20)]
    index = index_polygons(squares, srid=UTM)
    x, y = rng.uniform(0, 20, (2, 40_000))
    expected = np.floor(x) * 20 + np.floor(y)
    copy = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(locate(copy, x, y), expected)
    with ThreadPoolExecutor(4) as pool:
        halves = pool.map(
            lambda s: locate(index, x[s], y[s]), [slice(0, 20_000), slice(20_000, None)]
        )
        np.testing.assert_array_equal(np.concatenate(list(halves)), expected)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "polygon 1 is missing or no polygon"),
        (shapely.LineString([(0, 0), (1, 1)]), "no polygon"),
        (shapely.Polygon(), "is empty"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "not valid .Self-intersection"),
    ],
)
def test_geometry_that_cannot_be_indexed_is_named(bad, message):
    with pytest.raises(GeometryError, match=message):
        index_polygons([shapely.box(0, 0, 1, 1), bad], srid=UTM)


def test_polygon_with_infinite_corner_is_refused():
    with np.errstate(invalid="ignore"):
        endless = shapely.polygons([(0, 0), (np.inf, 0), (1, 1), (0, 0)])
    with pytest.raises(GeometryError, match="polygon 0"):
        index_polygons([endless], srid=UTM)


def test_degrees_unequal_lengths_and_negative_tolerance_are_refused():
    square = [shapely.box(0, 0, 1, 1)]
    with pytest.raises(CrsError, match="4326"):
        index_polygons(square, srid=4326)
    with pytest.raises(InputError, match="tolerance_m"):
        index_polygons(square, srid=UTM, tolerance_m=-1)
    with pytest.raises(InputError, match="one length"):
        locate(index_polygons(square, srid=UTM), [1, 2], [1])


@pytest.mark.data
def test_chicago_incidents_fall_into_their_own_beats(shared_data: Path):
    beats = gpd.read_file(shared_data / "chicago/police_beats.geojson").to_crs(26971)
    polygons = shapely.make_valid(beats.geometry.to_numpy())
    incidents = pd.read_parquet(
        shared_data / "chicago/incidents_2013_h1.parquet", columns=["beat", "lon", "lat"]
    ).dropna()
    points = gpd.GeoSeries.from_xy(incidents["lon"], incidents["lat"], crs=4326).to_crs(26971)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    found = locate(index_polygons(polygons, srid=26971), x, y)
    own = pd.to_numeric(incidents["beat"]).to_numpy()
    beat = pd.to_numeric(beats["beat"]).to_numpy()
    # Beats end at street centre lines, and the city moves each point on to its street: one in
    # twelve lies on the line between two beats. Hence the second figure.
    assert (np.append(beat, -1)[found] == own).mean() > 0.91
    sample = np.random.default_rng(0).choice(x.size, 20_000, replace=False)
    at = shapely.points(x[sample], y[sample])
    row_of = pd.Series(np.arange(beat.size), index=beat).groupby(level=0).first()
    home = polygons[row_of.loc[own[sample]].to_numpy()]
    far_from_home = shapely.distance(home, at) > 5
    assert far_from_home.mean() < 0.003
    covering = pd.DataFrame(
        shapely.STRtree(polygons).query(at, "intersects").T, columns=["point", "polygon"]
    )
    answers = pd.DataFrame({"point": np.arange(sample.size), "polygon": found[sample]})
    placed = answers[answers["polygon"] >= 0]
    assert set(placed["point"]) == set(covering["point"])
    assert len(placed.merge(covering)) == len(placed)
