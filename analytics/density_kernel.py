"""Kernels laid over a lattice: the compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TAPS = 4
"""Pairs of weights that are added at a time, which spares most stores."""


def convolve_lines(grid: Floats, line: Floats) -> Floats:
    """Convolve a grid with the product of one symmetric line by itself, zeros around it.

    `line` is the right half, its middle first.
    """
    weights = np.pad(line[1:], (0, -(len(line) - 1) % TAPS))
    reach = len(weights)
    out = np.empty(grid.shape)
    _convolve(np.pad(grid, ((reach, reach), (0, 0))), float(line[0]), weights, out)
    return out


@njit(cache=True, nogil=True)
def _convolve(padded: Floats, middle: float, weights: Floats, out: Floats) -> None:
    n_rows, n_columns = out.shape
    reach = len(weights)
    column = np.zeros(n_columns + 2 * reach)
    for row in range(n_rows):
        here = row + reach
        total = column[reach : reach + n_columns]
        for c in range(n_columns):
            total[c] = middle * padded[here, c]
        for j in range(0, reach, TAPS):
            w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
            a0, b0 = padded[here - j - 1], padded[here + j + 1]
            a1, b1 = padded[here - j - 2], padded[here + j + 2]
            a2, b2 = padded[here - j - 3], padded[here + j + 3]
            a3, b3 = padded[here - j - 4], padded[here + j + 4]
            for c in range(n_columns):
                total[c] += (w0 * (a0[c] + b0[c]) + w1 * (a1[c] + b1[c])) + (
                    w2 * (a2[c] + b2[c]) + w3 * (a3[c] + b3[c])
                )
        line = out[row]
        for c in range(n_columns):
            line[c] = middle * column[reach + c]
        for j in range(0, reach, TAPS):
            w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
            left, right = column[reach - j - 4 :], column[reach + j + 1 :]
            for c in range(n_columns):
                line[c] += (w0 * (left[c + 3] + right[c]) + w1 * (left[c + 2] + right[c + 1])) + (
                    w2 * (left[c + 1] + right[c + 2]) + w3 * (left[c] + right[c + 3])
                )


def convolve_disc(grid: Floats, disc: Floats) -> Floats:
    """Convolve a grid with a small kernel that is the same to all four sides, zeros around it.

    `disc` is square with an odd side; the work grows with its area.
    """
    reach = len(disc) // 2
    out = np.zeros(grid.shape)
    quarter = np.ascontiguousarray(disc[reach:, reach:])
    _convolve_disc(np.pad(grid, reach), quarter, out)
    return out


@njit(cache=True, nogil=True)
def _convolve_disc(padded: Floats, quarter: Floats, out: Floats) -> None:
    n_rows, n_columns = out.shape
    reach = len(quarter) - 1
    both = np.empty(n_columns + 2 * reach)
    for row in range(n_rows):
        here, line = row + reach, out[row]
        for d in range(reach + 1):
            weights, above, below = quarter[d], padded[here - d], padded[here + d]
            for c in range(len(both)):
                both[c] = above[c] + below[c] if d else above[c]
            middle = both[reach : reach + n_columns]
            for c in range(n_columns):
                line[c] += weights[0] * middle[c]
            for j in range(1, reach + 1):
                w = weights[j]
                if w == 0.0:
                    break
                left = both[reach - j : reach - j + n_columns]
                right = both[reach + j : reach + j + n_columns]
                for c in range(n_columns):
                    line[c] += w * (left[c] + right[c])


@njit(cache=True, nogil=True)
def count_points(
    x: Floats, y: Floats, x0: float, y0: float, size: float, n_rows: int, n_columns: int
) -> tuple[Floats, int]:
    """Return points by square, ``(n_rows, n_columns)``, and how many lie outside."""
    counts = np.zeros((n_rows, n_columns))
    outside = 0
    for i in range(len(x)):
        column = np.floor((x[i] - x0) / size)
        row = np.floor((y[i] - y0) / size)
        if column >= 0.0 and row >= 0.0 and column < n_columns and row < n_rows:
            counts[int(row), int(column)] += 1.0
        else:
            outside += 1
    return counts, outside


@njit(cache=True, nogil=True, error_model="numpy")
def spread_each(mass: Floats, share: Floats, reach: Floats, cut: float, gaussian: bool) -> Floats:
    """Spread each cell's mass by a kernel of its own reach, all of it inside the boundary.

    `reach` is the bandwidth in cells; the Gaussian kernel ends after `cut` of them.
    """
    n_rows, n_columns = mass.shape
    out = np.zeros((n_rows, n_columns))
    across = np.empty(n_columns)
    for row in range(n_rows):
        for column in range(n_columns):
            if mass[row, column] <= 0:
                continue
            h = reach[row, column]
            far = int(np.ceil(cut * h)) if gaussian else int(np.floor(h))
            first, last = max(0, column - far), min(n_columns, column + far + 1)
            top, bottom = max(0, row - far), min(n_rows, row + far + 1)
            width = last - first
            for c in range(width):
                away = ((first + c - column) / h) ** 2
                across[c] = np.exp(-0.5 * away) if gaussian else away
            inside = 0.0
            for r in range(top, bottom):
                up = ((r - row) / h) ** 2
                inside += _share_of(share[r, first:last], across[:width], up, gaussian)
            for r in range(top, bottom):
                up = ((r - row) / h) ** 2
                each = mass[row, column] / inside
                _add_to(out[r, first:last], across[:width], up, each, gaussian)
    return out


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _share_of(share: Floats, across: Floats, up: float, gaussian: bool) -> float:
    total = 0.0
    if gaussian:
        for c in range(len(across)):
            total += share[c] * across[c]
        return float(total * np.exp(-0.5 * up))
    for c in range(len(across)):
        rest = 1.0 - across[c] - up
        rest = rest if rest > 0.0 else 0.0
        total += share[c] * rest * rest
    return total


@njit(cache=True, nogil=True)
def _add_to(out: Floats, across: Floats, up: float, each: float, gaussian: bool) -> None:
    if gaussian:
        weight = each * np.exp(-0.5 * up)
        for c in range(len(across)):
            out[c] += weight * across[c]
    else:
        for c in range(len(across)):
            rest = 1.0 - across[c] - up
            rest = rest if rest > 0.0 else 0.0
            out[c] += each * rest * rest
