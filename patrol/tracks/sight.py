"""Sight on the ground: whether a wall stands between a fix and the open ground of a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from geo.errors import CrsError
from geo.lattice.frame import Frame
from geo.visibility.walls import Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

# A fix is not surer than this: walls nearer to it do not cut its sight, or a receiver that is off
# by a pavement's width would stand in a house and see nothing.
NOISE_M = 8.0
_PARTS = 5  # a cell whose middle is built over is looked at in the nearest of 5 x 5 open places


@dataclass(frozen=True, eq=False)
class Sight:
    """The walls around a frame, and the place in each cell that must be seen.

    Attributes
    ----------
    x, y
        ``(n_frame,)``: the middle of each cell, or its open place next to the middle.
    open
        ``(n_frame,)``: whether the cell has such a place. What is built over from side to side has
        no ground to see: walls do not count for it.
    edges, ptr, items
        Walls and their buckets, see `geo.visibility.walls.Walls`.
    bucket_frame, bucket_shape
        ``(3,)`` x0, y0 and size, and ``(2,)`` columns and rows, of the buckets.
    """

    x: Floats
    y: Floats
    open: Flags
    edges: Floats
    ptr: Longs
    items: Longs
    bucket_frame: Floats
    bucket_shape: Longs


def make_sight(frame: Frame, walls: Walls | None) -> Sight:
    """Find the open place of each cell; without walls all ground is open.

    Raises
    ------
    CrsError
        The walls are in another metric system than the frame.
    """
    rows, columns = np.divmod(np.arange(frame.n_frame), frame.n_columns)
    size = frame.cell_size_m
    x, y = frame.x0 + (columns + 0.5) * size, frame.y0 + (rows + 0.5) * size
    if walls is None or not len(walls.edges):
        none, whole = np.empty(0), np.ones(frame.n_frame, dtype=bool)
        longs = np.zeros(2, np.int64)
        return Sight(x, y, whole, np.empty((0, 4)), longs[:1], longs[:0], none, longs)
    if walls.srid != frame.srid:
        raise CrsError(
            f"the walls are in EPSG:{walls.srid}, the cells in EPSG:{frame.srid}: make the walls "
            "in the jurisdiction's system"
        )
    x, y, free = _open_places(x, y, size, walls)
    b = walls.buckets
    return Sight(
        x, y, free, walls.edges, b.ptr, b.items, np.array([b.x0, b.y0, b.size_m]),
        np.array([b.columns, b.rows], np.int64),
    )  # fmt: skip


def _open_places(x: Floats, y: Floats, size: float, walls: Walls) -> tuple[Floats, Floats, Flags]:
    tree = shapely.STRtree(walls.buildings)
    built = np.unique(tree.query(shapely.points(x, y), predicate="within")[0])
    step = ((np.arange(_PARTS) + 0.5) / _PARTS - 0.5) * size
    across, up = (part.ravel() for part in np.meshgrid(step, step))
    order = np.argsort(np.hypot(across, up), kind="stable")
    px, py = x[built, None] + across[order], y[built, None] + up[order]
    inside = np.zeros(px.size, dtype=bool)
    inside[tree.query(shapely.points(px.ravel(), py.ravel()), predicate="within")[0]] = True
    taken = inside.reshape(px.shape)
    first = np.argmin(taken, axis=1)
    x, y, free = x.copy(), y.copy(), np.ones(len(x), dtype=bool)
    row = np.arange(len(built))
    free[built] = ~taken[row, first]
    x[built] = np.where(free[built], px[row, first], x[built])
    y[built] = np.where(free[built], py[row, first], y[built])
    return x, y, free


@njit(cache=True, nogil=True)
def hidden(
    ax: float, ay: float, bx: float, by: float, edges: Floats, ptr: Longs, items: Longs,
    frame: Floats, shape: Longs,
) -> bool:  # fmt: skip  # pragma: no cover - compiled
    """Say whether a wall crosses the line from a fix to a place, its first `NOISE_M` left out."""
    if shape[0] == 0:
        return False
    far = np.hypot(bx - ax, by - ay)
    if far <= NOISE_M:
        return False
    ax, ay = ax + (bx - ax) * NOISE_M / far, ay + (by - ay) * NOISE_M / far
    dx, dy = bx - ax, by - ay
    size = frame[2]
    c0 = max(0, int(np.floor((min(ax, bx) - frame[0]) / size)))
    c1 = min(shape[0] - 1, int(np.floor((max(ax, bx) - frame[0]) / size)))
    r0 = max(0, int(np.floor((min(ay, by) - frame[1]) / size)))
    r1 = min(shape[1] - 1, int(np.floor((max(ay, by) - frame[1]) / size)))
    for row in range(r0, r1 + 1):
        for column in range(c0, c1 + 1):
            at = row * shape[0] + column
            for k in range(ptr[at], ptr[at + 1]):
                e = items[k]
                ex, ey = edges[e, 0], edges[e, 1]
                fx, fy = edges[e, 2] - ex, edges[e, 3] - ey
                cross = dx * fy - dy * fx
                if cross == 0.0:
                    continue
                u = ((ex - ax) * fy - (ey - ay) * fx) / cross
                v = ((ex - ax) * dy - (ey - ay) * dx) / cross
                if 0.0 <= u <= 1.0 and 0.0 <= v <= 1.0:
                    return True
    return False
