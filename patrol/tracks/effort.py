"""Effort: the time of a track split exactly over the cells, areas and hours that it crosses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numba import njit
from numpy.typing import NDArray

from geo.errors import InputError
from geo.lattice.frame import Frame, polygons_of
from geo.locate.polygons import index_polygons, locate

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

PARTS = 10  # a cell that a border crosses is told apart by squares of a tenth of its side
_HOUR = 3_600_000_000
_EMPTY = np.iinfo(np.int64).min
_OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class EffortGround:
    """The squares over which time is split, and which area each lies in.

    Attributes
    ----------
    frame
        Squares, see `geo.lattice.frame.Frame`.
    area_id
        Numbers of the areas; the last entry, 0, is of no area.
    area_of_cell
        ``(n_frame,)``: row of `area_id`; below 0: ``-1 - row`` of `parts`, as a border crosses.
    parts
        ``(n_mixed, PARTS * PARTS)``: row of `area_id` of each part of a crossed cell.
    """

    frame: Frame
    area_id: Longs
    area_of_cell: Ints
    parts: Ints


def lay_areas(frame: Frame, polygons: NDArray[np.object_], area_id: Longs) -> EffortGround:
    """Find the area of each cell, and of each part of the cells that a border crosses.

    Time is split exactly over cells; within a crossed cell each piece of the way counts for the
    area of its middle, which is told to a tenth of the cell's side.

    Raises
    ------
    InputError
        The frame is one of hexagons.
    """
    if frame.kind != "square":
        raise InputError("effort is counted on squares")
    known = np.concatenate([area_id, [0]]).astype(np.int64)
    none = len(area_id)
    cells = np.arange(frame.n_frame)
    area = np.full(frame.n_frame, none, np.int32)
    if not len(polygons):
        return EffortGround(frame, known, area, np.empty((0, PARTS * PARTS), np.int32))
    index = index_polygons(polygons, srid=frame.srid)
    rows, columns = np.divmod(cells, frame.n_columns)
    size = frame.cell_size_m
    left, low = frame.x0 + columns * size, frame.y0 + rows * size
    found = locate(index, left + size / 2, low + size / 2)
    area[found >= 0] = found[found >= 0]
    tree = shapely.STRtree(polygons_of(frame, cells))
    borders = shapely.boundary(polygons)
    mixed = np.unique(tree.query(borders, predicate="intersects")[1])
    step = (np.arange(PARTS) + 0.5) * size / PARTS
    across, up = (part.ravel() for part in np.meshgrid(step, step))
    at = locate(index, (left[mixed, None] + across).ravel(), (low[mixed, None] + up).ravel())
    parts = np.where(at < 0, none, at).astype(np.int32).reshape(len(mixed), PARTS * PARTS)
    area[mixed] = -1 - np.arange(len(mixed))
    return EffortGround(frame, known, area, parts)


@dataclass
class EffortSum:
    """Seconds and visits by cell, area and hour, added up batch by batch; a hash table.

    Attributes
    ----------
    outside_s
        Seconds spent outside of the frame.
    """

    ground: EffortGround
    keys: Longs = field(init=False)
    seconds: Floats = field(init=False)
    visits: Longs = field(init=False)
    used: int = field(init=False, default=0)
    outside_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Start with nothing."""
        self.keys = np.full(1 << 12, _EMPTY, np.int64)
        self.seconds = np.zeros(1 << 12)
        self.visits = np.zeros(1 << 12, np.int64)

    def add(self, time_us: Longs, x: Floats, y: Floats, segment: Longs) -> None:
        """Add a batch of sound fixes by time within each segment, equal segments together.

        Between two fixes of a segment the movement is straight and even.
        """
        frame, begin, last = self.ground.frame, 0, -1
        while begin < len(time_us):
            begin, last, self.used, outside = _split(
                time_us, x, y, segment, begin, last,
                frame.x0, frame.y0, frame.cell_size_m, frame.n_columns, frame.n_rows,
                self.ground.area_of_cell, self.ground.parts, len(self.ground.area_id),
                self.keys, self.seconds, self.visits, self.used,
            )  # fmt: skip
            self.outside_s += outside
            if begin < len(time_us):
                self._grow()

    def table(self) -> pd.DataFrame:
        """Return ``hour`` (UTC), ``i``, ``j``, ``area_id``, ``seconds``, ``visits``, in order."""
        full = np.flatnonzero(self.keys != _EMPTY)
        full = full[np.argsort(self.keys[full])]
        frame, n_areas = self.ground.frame, len(self.ground.area_id)
        rest, area = np.divmod(self.keys[full], n_areas)
        hour, cell = np.divmod(rest, frame.n_frame)
        row, column = np.divmod(cell, frame.n_columns)
        return pd.DataFrame(
            {
                "hour": pd.to_datetime(hour * 3600, unit="s", utc=True),
                "i": column + round(frame.x0 / frame.cell_size_m),
                "j": row + round(frame.y0 / frame.cell_size_m),
                "area_id": self.ground.area_id[area],
                "seconds": self.seconds[full],
                "visits": self.visits[full],
            }
        )

    def _grow(self) -> None:
        keys, seconds, visits = self.keys, self.seconds, self.visits
        self.keys = np.full(len(keys) * 4, _EMPTY, np.int64)
        self.seconds = np.zeros(len(self.keys))
        self.visits = np.zeros(len(self.keys), np.int64)
        _move(keys, seconds, visits, self.keys, self.seconds, self.visits)


@njit(cache=True, nogil=True, inline="always")
def _slot(keys: Longs, key: int) -> int:  # pragma: no cover - compiled
    mask = len(keys) - 1
    at = (key * 0x9E3779B97F4A7C1 >> 17) & mask
    while keys[at] != key and keys[at] != _EMPTY:
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True)
def _move(
    keys: Longs, seconds: Floats, visits: Longs, to: Longs, to_s: Floats, to_v: Longs
) -> None:  # pragma: no cover - compiled
    for n in range(len(keys)):
        if keys[n] != _EMPTY:
            at = _slot(to, keys[n])
            to[at], to_s[at], to_v[at] = keys[n], seconds[n], visits[n]


@njit(cache=True, nogil=True)
def _split(
    time: Longs, x: Floats, y: Floats, segment: Longs, begin: int, last: int,
    x0: float, y0: float, size: float, n_columns: int, n_rows: int,
    area_of_cell: Ints, parts: Ints, n_areas: int,
    keys: Longs, seconds: Floats, visits: Longs, used: int,
) -> tuple[int, int, int, float]:  # fmt: skip  # pragma: no cover - compiled
    """Walk each leg from border to border (Amanatides and Woo 1987) and hour to hour.

    Stops before a leg when the table is half full; returns where, the last cell and the counts.
    """
    outside = 0.0
    limit = len(keys) // 2
    n_frame = n_columns * n_rows
    for n in range(begin, len(time)):
        if n == 0 or segment[n] != segment[n - 1]:
            last = -1
            continue
        if used + 64 > limit:
            return n, last, used, outside
        t0, t1 = time[n - 1], time[n]
        px, py = (x[n - 1] - x0) / size, (y[n - 1] - y0) / size
        dx, dy = (x[n] - x0) / size - px, (y[n] - y0) / size - py
        column, row = int(np.floor(px)), int(np.floor(py))
        step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
        next_x = np.inf if dx == 0 else ((column + (dx > 0)) - px) / dx
        next_y = np.inf if dy == 0 else ((row + (dy > 0)) - py) / dy
        hour = t0 // _HOUR
        length_us = t1 - t0
        next_h = ((hour + 1) * _HOUR - t0) / length_us
        u = 0.0
        while u < 1.0:
            v = min(next_x, next_y, next_h, 1.0)
            if v > u:
                spent = (v - u) * length_us * 1e-6
                if 0 <= column < n_columns and 0 <= row < n_rows:
                    cell = row * n_columns + column
                    area = area_of_cell[cell]
                    if area < 0:
                        middle = (u + v) / 2
                        a = int((px + middle * dx - column) * PARTS)
                        b = int((py + middle * dy - row) * PARTS)
                        a, b = min(max(a, 0), PARTS - 1), min(max(b, 0), PARTS - 1)
                        area = parts[-1 - area, b * PARTS + a]
                    key = (hour * n_frame + cell) * n_areas + area
                    at = _slot(keys, key)
                    if keys[at] == _EMPTY:
                        keys[at] = key
                        used += 1
                        if used + 2 > len(keys):
                            raise MemoryError("a leg crosses too many cells")
                    seconds[at] += spent
                    if cell != last:
                        visits[at] += 1
                        last = cell
                else:
                    outside += spent
                    last = _OUTSIDE
                u = v
            if v == next_x:
                column += step_x
                next_x = ((column + (dx > 0)) - px) / dx
            if v == next_y:
                row += step_y
                next_y = ((row + (dy > 0)) - py) / dy
            if v == next_h:
                hour += 1
                next_h = ((hour + 1) * _HOUR - t0) / length_us
            if v >= 1.0:
                break
    return len(time), last, used, outside


def sum_effort(
    ground: EffortGround, time_us: Longs, x: Floats, y: Floats, segment: Longs
) -> pd.DataFrame:
    """Return the effort of sound fixes at once, see `EffortSum`."""
    total = EffortSum(ground)
    total.add(time_us, x, y, segment)
    return total.table()
