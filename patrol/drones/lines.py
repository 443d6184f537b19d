"""Sweep lines over an area, and the cells in which they are flown to and fro."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from patrol.drones.camera import Footprint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SHORTEST_M = 0.5


@dataclass(frozen=True, eq=False)
class SweepLines:
    """Parallel lines in the frame in which they run along x.

    Attributes
    ----------
    start, end
        Shape ``(n,)``: where each begins and ends along x.
    across
        Shape ``(n,)``: its y.
    row
        Shape ``(n,)``: number of its row, from the lowest y.
    """

    start: Floats
    end: Floats
    across: Floats
    row: Ints

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.start)


def draw_lines(
    area: BaseGeometry, space: BaseGeometry, *, spacing_m: float, footprint: Footprint
) -> SweepLines:
    """Draw the lines along x whose pictures show an area.

    Lines end where the pictures reach the end of their strip, or at the border of the space.

    Parameters
    ----------
    area
        What is to be seen.
    space
        Where the aircraft may be, inside the area.
    spacing_m
        The widest distance between lines; they are spread evenly.
    """
    rows, step = _rows(area, footprint.across_m, spacing_m)
    west, _, east, _ = space.bounds
    ends = np.stack([np.full(len(rows), west - 1.0), np.full(len(rows), east + 1.0)], axis=1)
    across = np.repeat(rows[:, None], 2, axis=1)
    cuts = shapely.intersection(space, shapely.linestrings(np.stack([ends, across], axis=2)))
    parts, row = shapely.get_parts(cuts, return_index=True)
    line = (shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)
    bounds = shapely.bounds(parts[line])
    lines = SweepLines(bounds[:, 0], bounds[:, 2], rows[row[line]], row[line].astype(np.int64))
    return _fit_ends(lines, _bands(area, rows, step), footprint.along_m)


def strip_lengths(area: BaseGeometry, *, spacing_m: float, footprint: Footprint) -> Floats:
    """Return how long the strips along x are that pictures of an area must show, shape ``(n,)``."""
    rows, step = _rows(area, footprint.across_m, spacing_m)
    parts = shapely.get_parts(_bands(area, rows, step))
    bounds = shapely.bounds(parts[shapely.get_dimensions(parts) == 2])
    return np.asarray(bounds[:, 2] - bounds[:, 0])


def count_rows(height_m: float, *, across_m: float, spacing_m: float) -> int:
    """Return how many rows show a strip of a height: the outer ones see beyond themselves."""
    return max(int(np.ceil((height_m - across_m) / spacing_m - 1e-9)), 0) + 1


def _rows(area: BaseGeometry, across_m: float, spacing_m: float) -> tuple[Floats, float]:
    _, south, _, north = area.bounds
    n = count_rows(north - south, across_m=across_m, spacing_m=spacing_m)
    if n == 1:
        return np.array([(south + north) / 2]), north - south
    rows = np.linspace(south + across_m / 2, north - across_m / 2, n)
    return rows, float(rows[1] - rows[0])


def _bands(area: BaseGeometry, rows: Floats, step: float) -> NDArray[np.object_]:
    """Return what of the area each row must show, shape ``(n_rows,)``."""
    west, south, east, north = area.bounds
    low, high = rows - step / 2, rows + step / 2
    low[0], high[-1] = south, north
    strips = [shapely.box(west, y0, east, y1) for y0, y1 in zip(low, high, strict=True)]
    return np.asarray(shapely.intersection(area, strips))


def _fit_ends(lines: SweepLines, bands: NDArray[np.object_], along_m: float) -> SweepLines:
    """Let the outermost lines of each strip end where their last picture shows its end."""
    parts, row = shapely.get_parts(bands, return_index=True)
    bounds = shapely.bounds(parts)
    start, end = lines.start.copy(), lines.end.copy()
    middle = np.asarray(shapely.points((start + end) / 2, lines.across))
    for part, (west, _, east, _), number in zip(parts, bounds, row, strict=True):
        own = np.flatnonzero(lines.row == number)
        own = own[shapely.intersects(part, middle[own])]
        if not len(own):
            continue
        first, last = own[lines.start[own].argmin()], own[lines.end[own].argmax()]
        start[first] = np.clip(west + along_m / 2, lines.start[first], lines.end[first])
        end[last] = np.clip(east - along_m / 2, lines.start[last], lines.end[last])
    crossed = start > end
    start[crossed] = end[crossed] = (start[crossed] + end[crossed]) / 2
    return SweepLines(start, end, lines.across, lines.row)


def group_cells(
    lines: SweepLines, sees: Callable[[Floats, Floats], NDArray[np.bool_]]
) -> list[Ints]:
    """Group lines into cells: chains of neighbouring lines where none splits or merges.

    This is the boustrophedon decomposition on the rows that will be flown.

    Parameters
    ----------
    sees
        Says which straight lines from points to others, shapes ``(n, 2)``, stay inside.

    Returns
    -------
    list of NDArray
        Numbers of the lines of each cell, by row.

    References
    ----------
    Choset, H. (2000), doi:10.1023/A:1008958800904.
    """
    n = len(lines)
    above: list[list[int]] = [[] for _ in range(n)]
    below: list[list[int]] = [[] for _ in range(n)]
    for i, j in _neighbours(lines, sees):
        above[i].append(j)
        below[j].append(i)
    cells, done = [], np.zeros(n, dtype=bool)
    for i in np.lexsort((lines.start, lines.row)):
        if done[i]:
            continue
        chain = [int(i)]
        while len(above[chain[-1]]) == 1 and len(below[above[chain[-1]][0]]) == 1:
            chain.append(above[chain[-1]][0])
        done[chain] = True
        cells.append(np.array(chain, dtype=np.int64))
    return cells


def _neighbours(
    lines: SweepLines, sees: Callable[[Floats, Floats], NDArray[np.bool_]]
) -> list[tuple[int, int]]:
    """Return the pairs of lines of following rows with free ground between them."""
    by_row = [np.flatnonzero(lines.row == row) for row in range(int(lines.row.max(initial=-1)) + 1)]
    found = []
    for low, high in pairwise(by_row):
        west = np.maximum(lines.start[low, None], lines.start[high])
        east = np.minimum(lines.end[low, None], lines.end[high])
        i, j = np.nonzero(west <= east)
        if not len(i):
            continue
        ways = np.stack([west[i, j], (west[i, j] + east[i, j]) / 2, east[i, j]])
        free = [
            sees(
                np.stack([x, lines.across[low[i]]], axis=1),
                np.stack([x, lines.across[high[j]]], axis=1),
            )
            for x in ways
        ]
        free_any = np.any(free, axis=0)
        found += [
            (int(low[a]), int(high[b])) for a, b in zip(i[free_any], j[free_any], strict=True)
        ]
    return found


def cell_paths(
    lines: SweepLines, cell: Ints, connect: Callable[[Floats, Floats], Floats]
) -> list[Floats]:
    """Return the four ways to fly a cell: from either side of its first or its last line.

    Parameters
    ----------
    connect
        Gives the corners of the way from one point to another, both included.

    Returns
    -------
    list of NDArray
        Four paths of corners, shape ``(n, 2)`` each, in the frame of the lines.
    """
    ways = []
    for order in (cell, cell[::-1]):
        for side in (0, 1):
            ends = [_ends(lines, i, (side + k) % 2) for k, i in enumerate(order)]
            path = [ends[0]]
            for last, following in pairwise(ends):
                path += [connect(last[1], following[0])[1:-1], following]
            ways.append(np.vstack(path))
    return ways


def _ends(lines: SweepLines, i: int, side: int) -> Floats:
    x = (lines.start[i], lines.end[i])
    y = lines.across[i]
    return np.array([(x[side], y), (x[1 - side], y)])
