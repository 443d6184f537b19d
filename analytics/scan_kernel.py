"""The space-time scan's inner loops: discs on a lattice from sums along rows, window by window."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def disc_half_widths(largest: int) -> Ints:
    """Return how far a disc of each radius reaches to either side, in cells.

    Parameters
    ----------
    largest
        Largest radius in cells, 0 for single cells.

    Returns
    -------
    NDArray
        Shape ``(largest + 1, 2 * largest + 1)``: radius by row offset; -1 where the disc has no
        cell. A cell belongs if its centre is within the radius.
    """
    radius = np.arange(largest + 1)[:, None]
    offset = np.arange(-largest, largest + 1)[None, :]
    inside = radius**2 - offset**2
    return np.where(inside >= 0, np.floor(np.sqrt(np.maximum(inside, 0))), -1).astype(np.int64)


@njit(cache=True, nogil=True)
def sum_along(volume: Floats, reach: int) -> Floats:
    """Return sums over all earlier steps and all cells to the left, the summed table.

    Parameters
    ----------
    volume
        Shape ``(n_steps, n_rows, n_columns)``.
    reach
        Cells by which each row is continued to both sides.

    Returns
    -------
    NDArray
        Shape ``(n_steps + 1, n_rows, n_columns + 1 + 2 * reach)``; entry ``[t, r, reach + c]`` is
        the sum of ``volume[:t, r, :c]``.
    """
    n_steps, n_rows, n_columns = volume.shape
    table = np.zeros((n_steps + 1, n_rows, n_columns + 1 + 2 * reach))
    for t in range(n_steps):
        for r in range(n_rows):
            running = 0.0
            for c in range(n_columns):
                running += volume[t, r, c]
                table[t + 1, r, reach + c + 1] = table[t, r, reach + c + 1] + running
            for c in range(n_columns + 1 + reach, n_columns + 1 + 2 * reach):
                table[t + 1, r, c] = table[t, r, c] + running
    return table


@njit(cache=True, nogil=True)
def add_discs(slab: Floats, half: Ints, reach: int, row: int, out: Floats) -> None:
    """Write the sums over discs of one radius around the cells of one row; shape ``(n_columns,)``.

    Parameters
    ----------
    slab
        Row sums of one window, ``(n_rows, n_columns + 1 + 2 * reach)``.
    half
        Half widths of the disc by row offset.
    """
    out[:] = 0.0
    n_columns = len(out)
    middle = len(half) // 2
    for d in range(len(half)):
        other = row + d - middle
        width = half[d]
        if width < 0 or other < 0 or other >= len(slab):
            continue
        # Slices, not offsets: only so are the loops compiled to vector instructions.
        right = slab[other, reach + width + 1 : reach + width + 1 + n_columns]
        left = slab[other, reach - width : reach - width + n_columns]
        for c in range(n_columns):
            out[c] += right[c] - left[c]


@njit(cache=True, nogil=True)
def expect(table: Floats, windows: Ints, half: Ints, n_columns: int) -> Floats:
    """Return the volume's sum in every cylinder, ``(n_windows, n_radii, n_rows, n_columns)``."""
    reach = half.shape[1] // 2
    n_rows = table.shape[1]
    sums = np.empty((len(windows), len(half), n_rows, n_columns))
    for w in range(len(windows)):
        slab = table[windows[w, 1]] - table[windows[w, 0]]
        for k in range(len(half)):
            for r in range(n_rows):
                add_discs(slab, half[k], reach, r, sums[w, k, r])
    return sums


@njit(cache=True, nogil=True)
def log_ratio(c: float, e: float, total: float) -> float:
    """Return the log likelihood ratio of a cylinder with more than expected, else 0."""
    if c <= e:
        return 0.0
    rest = (total - c) * np.log((total - c) / (total - e)) if c < total else 0.0
    return float(c * np.log(c / e) + rest)


def leave_out(expected: Floats, *, total: float, most: float) -> Floats:
    """Return the expectations with `total`, which no count exceeds, where nothing is to be found.

    That is where nothing is expected, or more than `most`.
    """
    return np.where((expected > 0) & (expected <= most), expected, total)


@njit(cache=True, nogil=True)
def best_of_each_centre(
    table: Floats, expected: Floats, windows: Ints, half: Ints, total: float
) -> tuple[Floats, Ints, Ints]:
    """Return the best ratio around each cell with its window and radius, each ``(rows, columns)``.

    Parameters
    ----------
    table
        Of the counts, see `sum_along`.
    expected
        Of every cylinder, see `expect` and `leave_out`.
    windows
        First step and the step after the last, ``(n_windows, 2)``.
    """
    n_rows, n_columns = expected.shape[2:]
    reach = half.shape[1] // 2
    best = np.zeros((n_rows, n_columns))
    window = np.zeros((n_rows, n_columns), dtype=np.int64)
    radius = np.zeros((n_rows, n_columns), dtype=np.int64)
    sums = np.empty(n_columns)
    for w in range(len(windows)):
        slab = table[windows[w, 1]] - table[windows[w, 0]]
        for k in range(len(half)):
            for r in range(n_rows):
                add_discs(slab, half[k], reach, r, sums)
                for c in range(n_columns):
                    ratio = log_ratio(sums[c], expected[w, k, r, c], total)
                    if ratio > best[r, c] + 1e-12:
                        best[r, c], window[r, c], radius[r, c] = ratio, w, k
    return best, window, radius
