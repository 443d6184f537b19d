"""Straighten the borders between grids without moving a home to another grid."""

from __future__ import annotations

import numpy as np
import shapely

from geo.grids.frames import Floats, Ints, Shapes, polygon_of

_TRIES = 4


def dissolve(shapes: Shapes, group: Ints) -> tuple[Ints, Shapes]:
    """Return the groups in ascending order and the union of each, from a node-matched coverage."""
    order = np.argsort(group, kind="stable")
    keys, start = np.unique(group[order], return_index=True)
    unions = [shapely.coverage_union_all(part) for part in np.split(shapes[order], start[1:])]
    merged: Shapes = np.empty(len(keys), dtype=object)
    merged[:] = unions if len(keys) else []
    return keys, merged


def straighten(
    pieces: Shapes, points: Floats, piece_of_point: Ints, *, tolerance_m: float, srid: int
) -> Shapes:
    """Return pieces of one block with straighter borders between them.

    The outline of the block stays as it is. Of four ever smaller tolerances the first is taken
    that leaves each piece whole and each point in its piece; if none does, nothing changes.

    Parameters
    ----------
    pieces
        A node-matched coverage of one block, shape ``(n_pieces,)``.
    points, piece_of_point
        Homes and corners of buildings, shape ``(n_points, 2)``, and the piece of each.
    tolerance_m
        Triangles of a border with less than the square of this are straightened.

    References
    ----------
    Visvalingam, M., Whyatt, J. D. (1993). Line generalisation by repeated elimination of
    points. doi:10.1179/000870493786962263
    """
    if len(pieces) < 2 or tolerance_m <= 0:
        return pieces
    for halving in range(_TRIES):
        simple: Shapes = np.asarray(
            shapely.coverage_simplify(pieces, tolerance_m / 2**halving, simplify_boundary=False)
        )
        if (
            _is_as_good(simple, pieces)
            and (polygon_of(points, simple, srid=srid) == piece_of_point).all()
        ):
            return simple
    return pieces


def _is_as_good(simple: Shapes, pieces: Shapes) -> bool:
    same_parts = shapely.get_num_geometries(simple) == shapely.get_num_geometries(pieces)
    whole = shapely.is_valid(simple) & ~shapely.is_empty(simple) & same_parts
    return bool(whole.all())
