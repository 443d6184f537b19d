from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely

from analytics.contiguity import nearest, sharing_sides, touching, within_distance
from analytics.hotspots import HotspotParams
from geo.errors import GeometryError, InputError
from geo.lattice.lattice import cell_centres


def test_touching_forgives_small_gaps_and_counts_corners():
    boxes = np.array(
        [
            shapely.box(0, 0, 10, 10),
            shapely.box(10.5, 0, 20, 10),
            shapely.box(10, 10, 20, 20),
            shapely.box(40, 40, 50, 50),
        ]
    )
    indptr, indices = touching(boxes)
    assert indptr.tolist() == [0, 2, 4, 6, 6]
    assert indices.tolist() == [1, 2, 0, 2, 0, 1]
    assert touching(boxes, gap_m=0.0)[1].tolist() == [2, 2, 0, 1]


@pytest.mark.parametrize(("contiguity", "distance_m"), [("rook", 101.0), ("queen", 142.0)])
def test_a_distance_band_around_cell_centres_is_the_contiguity_of_its_width(
    lattice, near, contiguity, distance_m
):
    indptr, indices = within_distance(*cell_centres(lattice(5, 7)), distance_m=distance_m)
    expected = near(5, 7, contiguity=contiguity)
    np.testing.assert_array_equal(indptr, expected[0])
    np.testing.assert_array_equal(indices, expected[1])


def test_nothing_has_no_neighbours():
    assert touching(np.array([], dtype=object))[0].tolist() == [0]
    assert within_distance(np.array([]), np.array([]), distance_m=5)[0].tolist() == [0]


def test_errors_say_what_is_missing():
    with pytest.raises(GeometryError, match="no geometry"):
        touching(np.array([shapely.box(0, 0, 1, 1), None]))
    with pytest.raises(InputError, match="gap_m"):
        touching(np.array([shapely.box(0, 0, 1, 1)]), gap_m=-1)
    with pytest.raises(InputError, match="distance_m"):
        within_distance(np.zeros(2), np.zeros(2), distance_m=0)


def test_only_polygons_with_a_common_side_are_rooks():
    squares = np.array([shapely.box(x, y, x + 100, y + 100) for y in (0, 100) for x in (0, 100)])
    indptr, indices = sharing_sides(squares)
    near = [indices[a:b].tolist() for a, b in pairwise(indptr)]
    assert near == [[1, 2], [0, 3], [0, 3], [1, 2]]
    # Official outlines miss each other by a little.
    apart = np.array([shapely.box(0, 0, 100, 100), shapely.box(100.4, 0, 200, 100)])
    assert sharing_sides(apart)[1].tolist() == [1, 0]


def test_the_nearest_are_the_nearest_and_never_the_place_itself():
    x, y = np.array([0.0, 10.0, 30.0, 100.0]), np.zeros(4)
    indptr, indices = nearest(x, y, k=2)
    assert [indices[a:b].tolist() for a, b in pairwise(indptr)] == [[1, 2], [0, 2], [0, 1], [1, 2]]
    same = nearest(np.zeros(5), np.zeros(5), k=2)
    for i, (a, b) in enumerate(pairwise(same[0])):
        assert b - a == 2
        assert i not in same[1][a:b]
    with pytest.raises(InputError, match="k is 4"):
        nearest(x, y, k=4)


def test_neighbours_by_distance_and_number_name_both_or_neither():
    for wrong in ({"near": "distance"}, {"near": "nearest"}, {"near_m": 5.0}, {"near_k": 2}):
        with pytest.raises(InputError, match="neighbours"):
            HotspotParams(**wrong)
