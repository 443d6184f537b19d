"""Mend the faces of noded lines: no slivers, and the outline exactly as it was given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiLineString
from shapely.geometry.base import BaseGeometry

from geo.grids.borders import find_borders
from geo.grids.frames import Floats, Ints, Shapes
from geo.grids.smooth import dissolve


def absorb_slivers(faces: Shapes, *, width_m: float) -> Shapes:
    """Return a coverage whose narrow faces are joined to the neighbour they touch longest.

    A face is narrow where its mean width, twice the area over the perimeter, is below
    `width_m`. Narrow faces that touch only each other stay.
    """
    narrow = 2 * shapely.area(faces) < width_m * shapely.length(faces)
    if not narrow.any() or narrow.all():
        return faces
    no_seams: Shapes = np.empty(0, dtype=object)
    every = np.arange(len(faces))
    borders = find_borders(faces, every, seams=no_seams, strength=np.empty(0))
    target = _longest_neighbour(narrow, borders.left, borders.right, borders.length_m)
    return dissolve(faces, target)[1]


def _longest_neighbour(
    narrow: npt.NDArray[np.bool_], left: Ints, right: Ints, length: Floats
) -> Ints:
    """Return for each face itself, for a narrow one its broad neighbour with most border."""
    target = np.arange(len(narrow))
    source = np.concatenate((left, right))
    other = np.concatenate((right, left))
    row = np.flatnonzero(narrow[source] & ~narrow[other])
    row = row[np.argsort(np.tile(length, 2)[row], kind="stable")]
    target[source[row]] = other[row]
    return target


def restore_outline(faces: Shapes, outline: BaseGeometry, *, rounding_m: float) -> Shapes:
    """Return a coverage with the corners on its outer border moved back to where they were.

    Noding rounds corners to a lattice. Those that were corners of `outline` get their exact
    coordinates again, others on the border the nearest point of it. Faces that share a corner
    move together. Where a face would be broken by that, all stay rounded.
    """
    corners, place = np.unique(shapely.get_coordinates(faces), axis=0, return_inverse=True)
    rim = np.unique(shapely.get_coordinates(shapely.coverage_union_all(faces)), axis=0)
    moved = corners.copy()
    mine = _rows_in(corners, rim)
    points = np.asarray(shapely.points(corners[mine]))
    border = MultiLineString(shapely.get_rings(shapely.get_parts(outline)).tolist())
    exact = np.asarray(shapely.points(shapely.get_coordinates(border)))
    nearest = shapely.line_interpolate_point(border, shapely.line_locate_point(border, points))
    tree = shapely.STRtree(exact)
    at, corner = tree.query_nearest(points, max_distance=rounding_m, all_matches=False)
    nearest[at] = exact[corner]
    moved[mine] = shapely.get_coordinates(nearest)
    restored = shapely.set_coordinates(faces.copy(), moved[place.ravel()])
    return restored if shapely.is_valid(restored).all() else faces


def _rows_in(rows: Floats, others: Floats) -> Ints:
    """Return the positions of rows that are also rows of `others`; both sorted and unique."""
    both = np.concatenate((rows, others))
    order = np.lexsort(both.T[::-1])
    twin = (both[order][1:] == both[order][:-1]).all(axis=1)
    return np.sort(np.minimum(order[:-1][twin], order[1:][twin]))
