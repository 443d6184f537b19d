"""Give neighbours the same nodes along their common border."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely import LinearRing, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.grids.frames import Floats, Ints, Shapes
from geo.grids.partition import components

_SAME_M = 1e-6


class _Flat(NamedTuple):
    """Polygons as corners: the ring of each corner, the part of each ring, the shape of each."""

    points: Floats
    ring: Ints
    part: Ints
    shape: Ints


def match_nodes(shapes: Shapes, *, tolerance_m: float = _SAME_M) -> Shapes:
    """Return polygons that share their corners along common borders.

    Neighbours that were cut each for itself meet in T-junctions: a corner of one lies on an
    edge of the other, beside it by rounding alone. With corners that are the same made equal
    and corners on edges inserted, the set is a valid coverage, which tiles, simplification and
    the half-open rule rely on.

    Parameters
    ----------
    shapes
        Valid polygons or multipolygons, shape ``(n,)``.
    tolerance_m
        Corners nearer than this are the same, and lie on an edge nearer than this.
    """
    flat = _flatten(shapes)
    points = _unify(flat.points, tolerance_m)
    start = np.flatnonzero(flat.ring[1:] == flat.ring[:-1])
    new, after = _corners_on_edges(points, start, tolerance_m)
    changed = np.zeros(len(shapes), dtype=np.bool_)
    owner = flat.shape[flat.part[flat.ring]]
    changed[owner[(points != flat.points).any(axis=1)]] = True
    changed[owner[after]] = True
    longer = np.insert(points, after + 1, new, axis=0)
    ring = np.insert(flat.ring, after + 1, flat.ring[after])
    result = shapes.copy()
    for s in np.flatnonzero(changed):
        mine = np.flatnonzero(flat.shape[flat.part[ring]] == s)
        result[s] = _rebuild(longer[mine], ring[mine], flat.part[ring[mine]])
    return result


def _flatten(shapes: Shapes) -> _Flat:
    parts, shape = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    return _Flat(points, ring, part, shape)


def _unify(points: Floats, tolerance_m: float) -> Floats:
    """Return the corners, those nearer than the tolerance to each other made equal."""
    unique, place = np.unique(points, axis=0, return_inverse=True)
    near = cKDTree(unique).query_pairs(tolerance_m, output_type="ndarray")
    if not len(near):
        return points
    group = components(near[:, 0], near[:, 1], len(unique))
    _, first = np.unique(group, return_index=True)
    unified: Floats = unique[first[group[place.ravel()]]]
    return unified


def _corners_on_edges(points: Floats, start: Ints, tolerance_m: float) -> tuple[Floats, Ints]:
    """Return corners that lie within edges, and the corner before each, along the rings."""
    lines = np.asarray(shapely.linestrings(np.stack((points[start], points[start + 1]), axis=1)))
    corners = np.unique(points, axis=0)
    corner, line = shapely.STRtree(lines).query(
        shapely.points(corners), predicate="dwithin", distance=tolerance_m
    )
    new, after = corners[corner], start[line]
    from_start = np.hypot(*(new - points[after]).T)
    from_end = np.hypot(*(new - points[after + 1]).T)
    inner = (from_start > tolerance_m) & (from_end > tolerance_m)
    order = np.lexsort((from_start[inner], after[inner]))
    return new[inner][order], after[inner][order]


def _rebuild(points: Floats, ring: Ints, part: Ints) -> BaseGeometry:
    polygons = []
    for p in np.unique(part):
        rings = [LinearRing(points[ring == r]) for r in np.unique(ring[part == p])]
        polygons.append(Polygon(rings[0], rings[1:]))
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
