"""The nearest piece of a network to each point: the compiled search on a raster of pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_CELLS = 2_000_000
"""Cells of the raster; a wide network gets larger ones."""
HALF_DIAGONAL = 0.7072
"""Of a cell, in its sides, rounded up."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Straight pieces of lines, and which of them lie in reach of each cell of a raster.

    Attributes
    ----------
    ends
        x, y of the beginning, then of the end, shape ``(n_pieces, 4)``, in the order of the lines.
    line, before_m
        Row of the piece's line, and the line's length before the piece, each ``(n_pieces,)``.
    origin, side_m, shape
        The raster's corner, the side of its cells, its rows and columns.
    indptr, listed
        CSR of pieces by cell, ascending in each.
    """

    ends: Floats
    line: Ints
    before_m: Floats
    origin: tuple[float, float]
    side_m: float
    shape: tuple[int, int]
    indptr: Ints
    listed: Ints


def cut_pieces(lines: npt.NDArray[np.object_], reach_m: float) -> Pieces:
    """Cut lines at their corners and list them by cell; at least one line must have a length."""
    points, owner = shapely.get_coordinates(lines, return_index=True)
    joined = np.flatnonzero(owner[1:] == owner[:-1])
    ends = np.hstack([points[joined], points[joined + 1]])
    line = owner[joined].astype(np.int64)
    lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    begun = np.cumsum(lengths) - lengths
    first = np.searchsorted(line, line, side="left")
    low = points.min(axis=0) - reach_m
    span = points.max(axis=0) + reach_m - low
    side = max(reach_m, float(np.sqrt(span[0] * span[1] / MOST_CELLS)))
    shape = (int(span[1] // side) + 1, int(span[0] // side) + 1)
    sizes = np.zeros(shape[0] * shape[1] + 1, dtype=np.int64)
    listed = np.empty(0, dtype=np.int64)
    list_pieces(ends, low[0], low[1], side, shape[1], reach_m, sizes, listed)
    indptr = np.concatenate([[0], np.cumsum(sizes[:-1])])
    listed = np.empty(indptr[-1], dtype=np.int64)
    list_pieces(ends, low[0], low[1], side, shape[1], reach_m, indptr[:-1].copy(), listed)
    origin = (float(low[0]), float(low[1]))
    return Pieces(ends, line, begun - begun[first], origin, side, shape, indptr, listed)


@njit(cache=True, nogil=True)
def list_pieces(
    ends: Floats, x0: float, y0: float, side: float, n_columns: int, reach: float,
    place: Ints, listed: Ints,
) -> None:  # fmt: skip
    """Add each piece to the cells in whose reach it lies; count them while there is no room."""
    around = reach + HALF_DIAGONAL * side
    for piece in range(len(ends)):
        ax, ay, bx, by = ends[piece, 0], ends[piece, 1], ends[piece, 2], ends[piece, 3]
        left, right = (min(ax, bx) - reach - x0) // side, (max(ax, bx) + reach - x0) // side
        down, up = (min(ay, by) - reach - y0) // side, (max(ay, by) + reach - y0) // side
        for row in range(int(down), int(up) + 1):
            for column in range(int(left), int(right) + 1):
                x, y = x0 + (column + 0.5) * side, y0 + (row + 0.5) * side
                if distance(x, y, ax, ay, bx, by)[0] <= around:
                    cell = row * n_columns + column
                    if len(listed):
                        listed[place[cell]] = piece
                    place[cell] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def distance(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float]:
    """Return how far a point is from a piece, and which part of it lies before the nearest place.

    In the order of operations that GEOS has, so that its distances are the same to the last bit.
    """
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    part = ((x - ax) * dx + (y - ay) * dy) / square if square > 0.0 else 0.0
    if part <= 0.0:
        return np.sqrt((x - ax) * (x - ax) + (y - ay) * (y - ay)), 0.0
    if part >= 1.0:
        return np.sqrt((x - bx) * (x - bx) + (y - by) * (y - by)), 1.0
    aside = ((ay - y) * dx - (ax - x) * dy) / square
    return abs(aside) * np.sqrt(square), part


@njit(cache=True, nogil=True)
def find_nearest(
    x: Floats, y: Floats, ends: Floats, indptr: Ints, listed: Ints,
    x0: float, y0: float, side: float, n_rows: int, n_columns: int, reach: float,
) -> tuple[Ints, Floats, Floats]:  # fmt: skip
    """Return each point's nearest piece, -1 without one, the part before it, and how far it is.

    Of pieces equally near the first is taken.
    """
    found = np.full(len(x), -1, dtype=np.int64)
    parts, away = np.zeros(len(x)), np.full(len(x), np.inf)
    for i in range(len(x)):
        column, row = np.floor((x[i] - x0) / side), np.floor((y[i] - y0) / side)
        if not (column >= 0 and row >= 0 and column < n_columns and row < n_rows):
            continue  # also where there is no number
        cell = int(row) * n_columns + int(column)
        for k in range(indptr[cell], indptr[cell + 1]):
            piece = listed[k]
            far, part = distance(
                x[i], y[i], ends[piece, 0], ends[piece, 1], ends[piece, 2], ends[piece, 3]
            )
            if far < away[i] and far <= reach:
                found[i], parts[i], away[i] = piece, part, far
    return found, parts, away
