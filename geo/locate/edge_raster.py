"""The raster under a set of polygons: cells inside one polygon, and cells an edge comes near."""

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


@_compiled
def _row_range(edges: Floats, e: int, frame: Floats, pad: float, rows: int) -> tuple[int, int]:
    """Return the first and last raster row that come within `pad` metres of an edge."""
    first = int((edges[e, 1] - pad - frame[1]) * frame[2])
    last = int((edges[e, 3] + pad - frame[1]) * frame[2])
    return max(first, 0), min(last, rows - 1)


@_compiled
def cut_into_bands(
    edges: Floats, owner_ptr: Longs, frame: Floats, pad: float, rows: int
) -> tuple[Longs, Longs, Ints]:
    """List for each polygon and raster row the edges that come near the row.

    Parameters
    ----------
    edges
        ``(n_edges, 4)``: x1, y1, x2, y2 with ``y1 <= y2``, sorted by polygon.
    owner_ptr
        ``(n_polygons + 1,)``: where each polygon's edges begin.
    frame
        ``(x0, y0, 1 / cell size)``.
    pad
        Reach of an edge in metres: the tolerance plus room for rounding.
    rows
        Number of raster rows.

    Returns
    -------
    tuple
        ``bands (n_polygons, 3)``: first band, first row, number of rows; ``band_ptr`` and
        ``band_edges``: the bands as CSR.
    """
    n_polygons = owner_ptr.size - 1
    bands = np.zeros((n_polygons, 3), dtype=np.int64)
    n_bands = 0
    for p in range(n_polygons):
        low, high = rows, -1
        for e in range(owner_ptr[p], owner_ptr[p + 1]):
            first, last = _row_range(edges, e, frame, pad, rows)
            low = min(low, first)
            high = max(high, last)
        bands[p, 0] = n_bands
        bands[p, 1] = low
        bands[p, 2] = high - low + 1
        n_bands += high - low + 1
    band_ptr = np.zeros(n_bands + 1, dtype=np.int64)
    for p in range(n_polygons):
        shift = bands[p, 0] - bands[p, 1] + 1
        for e in range(owner_ptr[p], owner_ptr[p + 1]):
            first, last = _row_range(edges, e, frame, pad, rows)
            for row in range(first, last + 1):
                band_ptr[shift + row] += 1
    for i in range(n_bands):
        band_ptr[i + 1] += band_ptr[i]
    place = band_ptr[:-1].copy()
    band_edges = np.empty(band_ptr[n_bands], dtype=np.int32)
    for p in range(n_polygons):
        shift = bands[p, 0] - bands[p, 1]
        for e in range(owner_ptr[p], owner_ptr[p + 1]):
            first, last = _row_range(edges, e, frame, pad, rows)
            for row in range(first, last + 1):
                band_edges[place[shift + row]] = e
                place[shift + row] += 1
    return bands, band_ptr, band_edges


@_compiled
def _column_range(
    edges: Floats, e: int, low: float, high: float, frame: Floats, pad: float, columns: int
) -> tuple[int, int]:
    """Return the columns that an edge comes near between two heights."""
    x1, y1, x2, y2 = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
    xa, xb = x1, x2
    if y2 > y1:
        slope = (x2 - x1) / (y2 - y1)
        if low > y1:
            xa = x1 + slope * (low - y1)
        if high < y2:
            xb = x1 + slope * (high - y1)
    first = int((max(min(xa, xb), min(x1, x2)) - pad - frame[0]) * frame[2])
    last = int((min(max(xa, xb), max(x1, x2)) + pad - frame[0]) * frame[2])
    return max(first, 0), min(last, columns - 1)


@_compiled
def _sort(values: Floats, count: int) -> None:
    """Sort ``values[:count]`` in place (Shell's way: nearly always two to four values)."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            value = values[i]
            j = i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 3


@_compiled
def _longer(notes: Longs) -> Longs:
    """Return a copy with twice the room."""
    longer = np.empty((2 * notes.shape[0], 3), dtype=np.int64)
    for i in range(notes.shape[0]):
        for k in range(3):
            longer[i, k] = notes[i, k]
    return longer


@_compiled
def paint(
    edges: Floats,
    bands: Longs,
    band_ptr: Longs,
    band_edges: Ints,
    frame: Floats,
    pad: float,
    rows: int,
    columns: int,
) -> tuple[Ints, Longs]:
    """Fill the raster with the lowest polygon that covers each cell wholly.

    Polygon by polygon and row by row: cells that an edge comes near are noted, cells between a
    pair of crossings at the row's middle, and not noted, lie wholly inside.

    Returns
    -------
    tuple
        ``labels (rows, columns)`` with -1 where no polygon covers the cell; and what was noted,
        ``(n, 3)``: cell (``row * columns + column``), polygon, band, ascending by polygon.
    """
    labels = np.full((rows, columns), -1, dtype=np.int32)
    stamp = np.full(columns, -1, dtype=np.int64)
    noted = np.empty((columns + 4 * edges.shape[0], 3), dtype=np.int64)
    crossings = np.empty(edges.shape[0] + 1, dtype=np.float64)
    n_near = 0
    size = 1.0 / frame[2]
    for p in range(bands.shape[0]):
        for offset in range(bands[p, 2]):
            band = bands[p, 0] + offset
            row = bands[p, 1] + offset
            bottom = frame[1] + row * size
            middle = bottom + 0.5 * size
            n_crossings = 0
            if n_near + columns > noted.shape[0]:
                noted = _longer(noted)
            for e in band_edges[band_ptr[band] : band_ptr[band + 1]]:
                first, last = _column_range(
                    edges, e, bottom - pad, bottom + size + pad, frame, pad, columns
                )
                for column in range(first, last + 1):
                    if stamp[column] != band:
                        stamp[column] = band
                        noted[n_near, 0] = row * columns + column
                        noted[n_near, 1] = p
                        noted[n_near, 2] = band
                        n_near += 1
                y1, y2 = edges[e, 1], edges[e, 3]
                if y1 <= middle < y2:
                    share = (middle - y1) / (y2 - y1)
                    x = edges[e, 0] + share * (edges[e, 2] - edges[e, 0])
                    crossings[n_crossings] = (x - frame[0]) * frame[2]
                    n_crossings += 1
            _sort(crossings, n_crossings)
            for i in range(0, n_crossings - 1, 2):
                first = max(int(np.ceil(crossings[i] - 0.5)), 0)
                last = min(int(np.floor(crossings[i + 1] - 0.5)), columns - 1)
                for column in range(first, last + 1):
                    if stamp[column] != band and labels[row, column] < 0:
                        labels[row, column] = p
    return labels, noted[:n_near]


@_compiled
def list_candidates(labels: Ints, noted: Longs) -> tuple[Longs, Ints, Ints]:
    """Turn what `paint` noted into candidates per cell, and mark those cells in `labels`.

    A polygon with a higher number than one that covers the whole cell can never answer there,
    so it is dropped; a cell where nothing is left keeps its plain label.

    Returns
    -------
    tuple
        ``candidate_ptr``, ``candidates`` (CSR of (polygon, band) pairs, ascending per cell) and
        ``covering``: the polygon that fills the cell, or -1.
    """
    columns = labels.shape[1]
    home = np.empty(noted.shape[0], dtype=np.int64)
    place = np.zeros(noted.shape[0] + 1, dtype=np.int64)
    covering = np.empty(noted.shape[0], dtype=np.int32)
    n_cells = 0
    n_pairs = 0
    for i in range(noted.shape[0]):
        row, column = noted[i, 0] // columns, noted[i, 0] % columns
        if labels[row, column] >= -1:
            filled = labels[row, column]
            cell = n_cells
        else:
            cell = -labels[row, column] - 2
            filled = covering[cell]
        home[i] = -1
        if filled < 0 or noted[i, 1] < filled:
            if cell == n_cells:
                covering[cell] = filled
                labels[row, column] = -(cell + 2)
                n_cells += 1
            home[i] = cell
            place[cell] += 1
            n_pairs += 1
    candidate_ptr = np.zeros(n_cells + 1, dtype=np.int64)
    for cell in range(n_cells):
        candidate_ptr[cell + 1] = candidate_ptr[cell] + place[cell]
        place[cell] = candidate_ptr[cell]
    candidates = np.empty((n_pairs, 2), dtype=np.int32)
    for i in range(noted.shape[0]):
        if home[i] >= 0:
            candidates[place[home[i]], 0] = noted[i, 1]
            candidates[place[home[i]], 1] = noted[i, 2]
            place[home[i]] += 1
    return candidate_ptr, candidates, covering[:n_cells]
