"""Point -> cell arithmetic of square and hexagonal lattices, the same in numpy and in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])

_compiled: Callable[[F], F] = njit(cache=True, nogil=True)

ROW_HEIGHT = 0.8660254037844386  # of a hexagon row, per distance between opposite sides: sqrt(3)/2


@_compiled
def square_cells(
    x: Floats, y: Floats, x0: float, y0: float, size: float, columns: int, rows: int, at: Ints
) -> Longs:
    """Return ``at[row * columns + column]`` of each point, -1 outside the frame or for NaN.

    ``column = floor((x - x0) / size)``, ``row = floor((y - y0) / size)``: a division, not a
    product with the inverse, so that a database's double precision gives the same bits.
    """
    found = np.full(x.size, -1, dtype=np.int64)
    for i in range(x.size):
        column = np.floor((x[i] - x0) / size)
        row = np.floor((y[i] - y0) / size)
        if column >= 0.0 and row >= 0.0 and column < columns and row < rows:
            found[i] = at[int(row) * columns + int(column)]
    return found


@_compiled
def hexagon_cells(
    x: Floats, y: Floats, x0: float, y0: float, size: float, columns: int, rows: int, at: Ints
) -> Longs:
    """Return ``at[row * columns + column]`` of the nearest centre, -1 outside or for NaN.

    Hexagons are the Voronoi cells of their centres, and the nearest centre is in the row of
    centres just below or just above the point. Points as far from both belong to the upper one,
    between two of one row to the right one: cells own their lower and left edges.
    """
    found = np.full(x.size, -1, dtype=np.int64)
    height = size * ROW_HEIGHT
    for i in range(x.size):
        u = (x[i] - x0) / size
        v = (y[i] - y0) / height
        if not (u >= -1.0 and v >= -1.0 and u < columns + 2 and v < rows + 1):
            continue
        below = int(np.floor(v - 0.5))
        above = below + 1
        u_below = u - 0.5 * (below & 1)
        u_above = u - 0.5 * (above & 1)
        column_below = int(np.floor(u_below))
        column_above = int(np.floor(u_above))
        far_below = (u_below - column_below - 0.5) ** 2 + 0.75 * (v - below - 0.5) ** 2
        far_above = (u_above - column_above - 0.5) ** 2 + 0.75 * (v - above - 0.5) ** 2
        up = int(far_above <= far_below)  # no branch: a coin toss for the processor
        row = below + up
        column = column_below + up * (column_above - column_below)
        if column >= 0 and row >= 0 and column < columns and row < rows:
            found[i] = at[row * columns + column]
    return found
