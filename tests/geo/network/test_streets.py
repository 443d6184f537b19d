"""Streets hold points within reach, know who meets them, and lie inside their boundary."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError, NotFoundError
from geo.network.build import make_network
from geo.network.streets import Streets, segment_neighbours, snap_points, streets_inside

SRID = 32650
WIDE = shapely.box(-1e4, -1e4, 1e4, 1e4)


def roads(*lines):
    return gpd.GeoDataFrame(
        {"kind": ["residential"] * len(lines), "name": [f"street {i}" for i in range(len(lines))]},
        geometry=[shapely.LineString(line) for line in lines],
        crs=SRID,
    )


@pytest.fixture(scope="module")
def cross():
    """Two streets of 200 m that cross in their middles, and one of 100 m apart from them."""
    lines = [[(-100, 0), (100, 0)], [(0, -100), (0, 100)], [(300, 0), (400, 0)]]
    return streets_inside(make_network(roads(*lines)), WIDE, reach_m=30.0)


def test_streets_are_split_at_junctions(cross):
    assert len(cross) == 5
    assert cross.length_m.tolist() == [100.0] * 5
    assert cross.kind == "street"


def test_those_that_meet_are_neighbours_and_nobody_else(cross):
    indptr, indices = segment_neighbours(cross)
    near = [indices[a:b].tolist() for a, b in itertools.pairwise(indptr)]
    assert near == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], []]


def test_a_street_that_meets_itself_is_not_its_own_neighbour():
    loop = [(0, 0), (50, 50), (100, 0), (0, 0)]
    network = make_network(roads(loop, [(0, 0), (-80, 0)], [(0, 0), (-80, -10)]))
    streets = streets_inside(network, WIDE)
    indptr, indices = segment_neighbours(streets)
    for i in range(len(streets)):
        mine = indices[indptr[i] : indptr[i + 1]]
        assert i not in mine
        assert len(set(mine.tolist())) == len(mine)


def test_points_go_to_the_nearest_street_within_reach_and_the_rest_is_told(cross):
    x = np.array([-50.0, 3.0, 350.0, 350.0, np.nan])
    y = np.array([10.0, 60.0, -30.0, -30.1, 0.0])
    found = snap_points(cross, x, y)
    assert found.segment.tolist() == [0, 3, 4, -1, -1]
    np.testing.assert_allclose(found.along_m, [50, 60, 50, 0, 0])
    np.testing.assert_allclose(found.away_m, [10, 3, 30, np.inf, np.inf])
    assert found.unsnapped_share == 0.4


def test_a_point_at_a_junction_always_lies_on_the_first_of_its_streets(cross):
    found = snap_points(cross, np.zeros(9), np.zeros(9))
    assert set(found.segment.tolist()) == {0}
    assert snap_points(cross, np.empty(0), np.empty(0)).segment.tolist() == []


@given(st.lists(st.tuples(st.floats(-150, 450), st.floats(-150, 150)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_no_street_is_nearer_than_the_one_that_was_taken(cross, points):
    x, y = np.array(points).T
    found = snap_points(cross, x, y)
    distance = np.array(
        [[line.distance(shapely.Point(*p)) for line in cross.lines] for p in points]
    )
    nearest = distance.min(axis=1)
    assert ((found.segment >= 0) == (nearest <= cross.reach_m)).all()
    on = found.segment >= 0
    np.testing.assert_allclose(found.away_m[on], nearest[on], atol=1e-9)


@pytest.mark.parametrize("spread_m", [300.0, 200_000.0])
def test_points_go_where_geos_sends_them_on_crooked_streets_dense_or_far_apart(spread_m):
    rng = np.random.default_rng(8)
    corners = rng.uniform(0, spread_m, (60, 1, 2)) + rng.normal(0, 60, (60, 6, 2)).cumsum(axis=1)
    streets = Streets(make_network(roads(*corners.round(1).tolist())), reach_m=80.0)
    on = shapely.line_interpolate_point(streets.lines, rng.random(len(streets)), normalized=True)
    x, y = (np.repeat(c, 9) for c in (shapely.get_x(on), shapely.get_y(on)))
    x, y = x + rng.normal(0, 50, len(x)), y + rng.normal(0, 50, len(y))
    found = snap_points(streets, x, y)
    spots = np.asarray(shapely.points(x, y), dtype=object)
    (at, _), metres = shapely.STRtree(streets.lines).query_nearest(
        spots, max_distance=80.0, return_distance=True, all_matches=False
    )
    expected = np.full(len(x), np.inf)
    expected[at] = metres
    np.testing.assert_allclose(found.away_m, expected, rtol=1e-12)
    snapped = found.segment >= 0
    lines = streets.lines[found.segment[snapped]]
    np.testing.assert_allclose(
        found.along_m[snapped], shapely.line_locate_point(lines, spots[snapped]), atol=1e-7
    )


def test_streets_whose_middle_lies_outside_are_left_out(cross):
    network = make_network(roads([(0, 0), (100, 0)], [(100, 0), (300, 0)]))
    inside = streets_inside(network, shapely.box(-10, -10, 150, 10))
    assert inside.network.segments["name"].tolist() == ["street 0"]
    with pytest.raises(NotFoundError, match="import roads first"):
        streets_inside(network, shapely.box(900, 900, 950, 950))
    with pytest.raises(InputError, match="reach_m"):
        Streets(network, reach_m=0.0)


def test_other_streets_have_another_digest(cross):
    moved = streets_inside(make_network(roads([(0, 0), (100, 0)])), WIDE)
    again = streets_inside(make_network(roads([(0, 0), (100, 0)])), WIDE)
    longer = streets_inside(make_network(roads([(0, 0), (101, 0)])), WIDE)
    assert moved.digest == again.digest != longer.digest
