"""Which pieces of a planar coverage share a border, how long, and how much of it on a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.grids.frames import Floats, Ints, Shapes

_TOUCH_M = 1e-3  # shorter common borders are points


@dataclass(frozen=True, eq=False)
class Borders:
    """Common borders, one row for each pair of pieces.

    Attributes
    ----------
    left, right
        The two pieces, ``left < right``, shape ``(n_pairs,)``.
    length_m
        Length of the common border.
    seam_m
        How much of it runs on seams.
    strength_m
        The same, each metre weighed by the strength of its seam (0 to 1).
    """

    left: Ints
    right: Ints
    length_m: Floats
    seam_m: Floats
    strength_m: Floats


def find_borders(shapes: Shapes, block: Ints, *, seams: Shapes, strength: Floats) -> Borders:
    """Return the common borders of an exactly node-matched coverage.

    Parameters
    ----------
    shapes
        Polygons whose common edges have the same end points, shape ``(n,)``.
    block
        The block of each: a border between two blocks runs on a seam.
    seams, strength
        The seam lines and how strongly each divides, 0 to 1, shape ``(n_seams,)``.
    """
    segments, owner = _segments(shapes)
    pair, twin = _shared(segments)
    left = np.minimum(owner[pair], owner[twin])
    right = np.maximum(owner[pair], owner[twin])
    length = np.hypot(*(segments[pair, 2:] - segments[pair, :2]).T)
    on_seam = block[left] != block[right]
    force = _strengths(segments[pair], on_seam, seams, strength)
    return _by_pair(left, right, length, length * on_seam, length * force, n=len(shapes))


def _segments(shapes: Shapes) -> tuple[Floats, Ints]:
    """Return every edge as (x, y, x, y), lower end first, and the piece that it bounds."""
    parts, owner_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = points[:-1][same], points[1:][same]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low = np.where(swap[:, None], end, start)
    high = np.where(swap[:, None], start, end)
    owner = owner_of_part[part_of_ring[ring[1:][same]]]
    return np.column_stack((low, high)), owner.astype(np.int64)


def _shared(segments: Floats) -> tuple[Ints, Ints]:
    """Return the positions of the two copies of each edge that bounds two pieces."""
    order = np.lexsort(segments.T)
    ordered = segments[order]
    again = np.flatnonzero((ordered[1:] == ordered[:-1]).all(axis=1))
    return order[again], order[again + 1]


def _strengths(
    segments: Floats, on_seam: npt.NDArray[np.bool_], seams: Shapes, strength: Floats
) -> Floats:
    force = np.zeros(len(segments))
    if len(seams) and on_seam.any():
        middle = (segments[on_seam, :2] + segments[on_seam, 2:]) / 2
        nearest = shapely.STRtree(seams).nearest(shapely.points(middle))
        force[on_seam] = strength[nearest]
    return force


def _by_pair(
    left: Ints, right: Ints, length: Floats, seam: Floats, force: Floats, *, n: int
) -> Borders:
    key, group = np.unique(left * n + right, return_inverse=True)
    sums = [
        np.bincount(group, weights=values, minlength=len(key)) for values in (length, seam, force)
    ]
    keep = (sums[0] > _TOUCH_M) & (key // n != key % n)
    return Borders(
        left=(key // n)[keep],
        right=(key % n)[keep],
        length_m=sums[0][keep],
        seam_m=sums[1][keep],
        strength_m=sums[2][keep],
    )
