"""Mann-Kendall and Sen's slope for many rows at once: the compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LANES = 64
"""Rows that are compared side by side, so that one instruction compares many of them."""
BUCKETS = 254
"""Ranges into which slopes are dealt; with one below and one above they fit in a byte."""
FEWEST = 12
"""Steps below which all slopes are sorted instead."""


def score_rows(values: NDArray[Any]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return s, its variance with ties, the number of pairs and Sen's slope of each row.

    Parameters
    ----------
    values
        Shape ``(n_units, n_steps)``, whole numbers or floats; NaN is a missing step.

    Returns
    -------
    tuple
        Four arrays of shape ``(n_units,)``; the slope is NaN below two known steps.
    """
    lanes = _narrow(np.asarray(values))
    n_units, n_steps = lanes.shape
    tally_type = np.int16 if lanes.dtype == np.int16 else np.int64
    block = np.empty((n_steps, LANES), dtype=lanes.dtype)
    tally = np.empty((2, LANES), dtype=tally_type)
    s, var_s = np.empty(n_units), np.empty(n_units)
    pairs, slope = np.empty(n_units), np.full(n_units, np.nan)
    _score(lanes, block, tally, s, var_s, pairs, slope)
    return s, var_s, pairs, slope


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers of two bytes, four times as many to an instruction, or else floats."""
    if values.shape[1] <= np.iinfo(np.int16).max:
        if np.issubdtype(values.dtype, np.integer):
            low, high = values.min(initial=0), values.max(initial=0)
            if low >= -(2**15) and high < 2**15:
                return np.ascontiguousarray(values, dtype=np.int16)
        else:
            values = np.ascontiguousarray(values, dtype=np.float64)
            if _is_short(values.ravel()):
                return values.astype(np.int16)
    return np.ascontiguousarray(values, dtype=np.float64)


@njit(cache=True, nogil=True)
def _is_short(values: Floats) -> bool:
    """Say whether all values are whole and fit in two bytes."""
    for first in range(0, len(values), 4096):
        others = 0
        for i in range(first, min(first + 4096, len(values))):
            value = values[i]
            others += not (np.abs(value) < 32768.0 and np.floor(value) == value)
        if others:
            return False
    return True


@njit(cache=True, nogil=True)
def _score(
    values: NDArray[Any],
    block: NDArray[Any],
    tally: NDArray[Any],
    s: Floats,
    var_s: Floats,
    pairs: Floats,
    slope: Floats,
) -> None:
    n_units, n_steps = values.shape
    row, at = np.empty(n_steps), np.empty(n_steps)
    most = n_steps * (n_steps - 1) // 2
    slopes, places = np.empty(most + 1), np.empty(most, dtype=np.uint8)
    sizes = np.empty((4, BUCKETS + 2), dtype=np.int64)
    rises, falls = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    known, ties = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    for first in range(0, n_units, LANES):
        width = min(LANES, n_units - first)
        for t in range(n_steps):
            for w in range(LANES):
                block[t, w] = values[first + min(w, width - 1), t]
        _compare(block, tally, rises, falls, known, ties)
        for w in range(width):
            i, n = first + w, known[w]
            pairs[i] = n * (n - 1) / 2
            s[i] = rises[w] - falls[w]
            var_s[i] = (n * (n - 1) * (2 * n + 5) - ties[w]) / 18
            middle = (n * (n - 1) // 2 - 1) // 2
            if n < 2:
                continue
            if falls[w] <= middle and rises[w] <= middle:
                slope[i] = 0.0  # the middle of the ordered slopes lies among the ties
                continue
            kept = 0
            for t in range(n_steps):
                value = values[i, t]
                if value == value:
                    row[kept], at[kept] = value, t
                    kept += 1
            side = (1.0 if rises[w] > falls[w] else -1.0) if n == n_steps else 0.0
            slope[i] = _sen_slope(row[:n], at[:n], side, slopes, places, sizes)


@njit(cache=True, nogil=True)
def _compare(
    block: NDArray[Any], tally: NDArray[Any], rises: Ints, falls: Ints, known: Ints, ties: Ints
) -> None:
    """Count rising and falling pairs, known steps and the sum of t(t - 1)(2t + 5) over ties.

    Of t equal values the first sees t - 1 equal later ones, the last none; summed over them,
    ``6 u^2 + 12 u`` of what each sees is ``t(t - 1)(2t + 5)``, so nothing need be sorted.
    """
    n = block.shape[0]
    later = np.zeros(LANES, dtype=np.int64)
    for w in range(LANES):
        rises[w] = falls[w] = ties[w] = 0
    for a in range(n):
        for w in range(LANES):
            later[w] += block[a, w] == block[a, w]
    for w in range(LANES):
        known[w] = later[w]
    for a in range(n):
        up, down = tally[0], tally[1]
        up[:] = 0
        down[:] = 0
        for b in range(a + 1, n):
            for w in range(LANES):
                up[w] += block[b, w] > block[a, w]
                down[w] += block[b, w] < block[a, w]
        for w in range(LANES):
            here = np.int64(block[a, w] == block[a, w])
            later[w] -= here
            same = here * later[w] - up[w] - down[w]
            rises[w] += up[w]
            falls[w] += down[w]
            ties[w] += 6 * same * same + 12 * same


@njit(cache=True, nogil=True)
def _sen_slope(
    row: Floats, at: Floats, side: float, slopes: Floats, places: NDArray[np.uint8], sizes: Ints
) -> float:
    """Return the median slope over all pairs, which does not lie among the ties.

    Its sign is `side`; 0 says that steps are missing.
    """
    n = len(row)
    span = row.max() - row.min()
    # Most pairs are a quarter of the row or more apart, so their median is below 4 span / n.
    scale = BUCKETS * n / (4 * span) if span > 0 else np.inf
    if side and n >= FEWEST and np.isfinite(scale):
        found = _middle_by_buckets(row, side, scale, slopes, places, sizes)
        if not np.isnan(found):
            return float(side * found)
    filled = 0
    for a in range(n - 1):
        for b in range(a + 1, n):
            slopes[filled] = (row[b] - row[a]) / (at[b] - at[a])
            filled += 1
    return float(np.median(slopes[:filled]))


@njit(cache=True, nogil=True, error_model="numpy")
def _middle_by_buckets(
    row: Floats, side: float, scale: float, slopes: Floats, places: NDArray[np.uint8], sizes: Ints
) -> float:
    """Return the median of ``side * slope`` if it is above 0 and no outlier, else NaN.

    The slopes are dealt into buckets in their order; only those of the middle ones are sorted.
    """
    n, top = len(row), BUCKETS + 1.0
    filled = 0
    for lag in range(1, n):
        factor = side * scale / lag
        for a in range(n - lag):
            key = (row[a + lag] - row[a]) * factor + 1.0
            key = key if key > 0.0 else 0.0
            key = key if key < top else top
            places[filled + a] = np.int32(key)
        filled += n - lag
    low, high, before = _middle_buckets(places[:filled], sizes)
    if low < 1 or high > BUCKETS:
        return np.nan
    chosen, start = 0, 0
    for lag in range(1, n):
        last = chosen
        for a in range(n - lag):
            slopes[last] = a  # kept if it belongs, else written over
            last += (places[start + a] >= low) & (places[start + a] <= high)
        for c in range(chosen, last):
            a = int(slopes[c])
            slopes[c] = side * (row[a + lag] - row[a]) / lag
        chosen = last
        start += n - lag
    few = np.sort(slopes[:chosen])
    lower, upper = (filled - 1) // 2 - before, filled // 2 - before
    return float((few[lower] + few[upper]) / 2)


@njit(cache=True, nogil=True)
def _middle_buckets(places: NDArray[np.uint8], sizes: Ints) -> tuple[int, int, int]:
    """Return the buckets that hold the two middle items, and how many come before them."""
    sizes[:] = 0
    n = len(places)
    whole = n - n % 4
    for p in range(0, whole, 4):  # four tables, so that no addition waits for the last one
        sizes[0, places[p]] += 1
        sizes[1, places[p + 1]] += 1
        sizes[2, places[p + 2]] += 1
        sizes[3, places[p + 3]] += 1
    for p in range(whole, n):
        sizes[0, places[p]] += 1
    bucket, seen, before = -1, 0, 0
    while seen <= (n - 1) // 2:
        bucket += 1
        before = seen
        seen += sizes[0, bucket] + sizes[1, bucket] + sizes[2, bucket] + sizes[3, bucket]
    low = bucket
    while seen <= n // 2:
        bucket += 1
        seen += sizes[0, bucket] + sizes[1, bucket] + sizes[2, bucket] + sizes[3, bucket]
    return low, bucket, before
