"""Mann-Kendall and Sen's slope for many rows at once: the compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.compare_kernel import compare_steps
from analytics.rate_kernel import score_rates
from analytics.sen_kernel import LANES, PADDED, WIDEST, middle_slopes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
    whole = np.issubdtype(values.dtype, np.integer) or values.dtype == np.bool_
    values = np.ascontiguousarray(values, dtype=np.int64 if whole else np.float64)
    n_units = len(values)
    s, var_s = np.empty(n_units), np.empty(n_units)
    pairs, slope = np.empty(n_units), np.full(n_units, np.nan)
    takes_rates = not whole and FEWEST <= values.shape[1] <= 32767
    aside = np.zeros(n_units if takes_rates else 0, dtype=np.bool_)
    _score(values, s, var_s, pairs, slope, aside)
    rates = np.flatnonzero(aside)
    if len(rates):
        taken, unsure = score_rates(values, rates, s, var_s, pairs, slope)
        _settle_one_by_one(values, rates[unsure], s, slope)
        rest = rates[~taken]
        if len(rest):  # with gaps
            found = score_rows_apart(values[rest])
            for one, whole_of in zip(found, (s, var_s, pairs, slope), strict=True):
                whole_of[rest] = one
    return s, var_s, pairs, slope


def score_rows_apart(values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what `score_rows` does, of floats with gaps or without a common scale."""
    found = np.empty(len(values)), np.empty(len(values)), np.empty(len(values))
    slope = np.full(len(values), np.nan)
    _score(values, *found, slope, np.zeros(0, dtype=np.bool_))
    return *found, slope


@njit(cache=True, nogil=True)
def _score(
    values: NDArray[Any],
    s: Floats,
    var_s: Floats,
    pairs: Floats,
    slope: Floats,
    aside: NDArray[np.bool_],
) -> None:
    """Take the rows block by block; those whose slope is sought wait until a block is full.

    Blocks that are not of short whole numbers are laid aside where there is room to say so.
    """
    n_units, n_steps = values.shape
    short = np.empty((n_steps, LANES), dtype=np.int16)
    tally = np.empty((2, LANES), dtype=np.int16)
    wide, wide_tally = np.empty((n_steps, LANES)), np.empty((2, LANES), dtype=np.int64)
    rises, falls = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    known, ties = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    waiting = np.full((n_steps + PADDED, LANES), 32767, dtype=np.int16)
    found = np.empty(LANES)
    who, above = np.empty(LANES, dtype=np.int64), np.zeros(LANES, dtype=np.int64)
    seats = 0
    for first in range(0, n_units, LANES):
        width = min(LANES, n_units - first)
        is_short = _load_short(values, first, width, short)
        if len(aside) and not is_short:
            aside[first : first + width] = True
            continue
        if is_short:
            compare_steps(short, tally, rises, falls, known, ties)
        else:
            for t in range(n_steps):
                for w in range(LANES):
                    wide[t, w] = values[first + min(w, width - 1), t]
            compare_steps(wide, wide_tally, rises, falls, known, ties)
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
            elif not is_short or max(rises[w], falls[w]) < n * (n - 1) // 2 - middle:
                # The search does not take rows with a rise and no rise in the middle.
                slope[i] = _sen_slope_of(values[i], rises[w] - falls[w], n)
            else:
                up = rises[w] > falls[w]
                _take_seat(short, w, up, waiting, seats)
                above[seats] = rises[w] if up else falls[w]
                who[seats] = i if up else -1 - i
                seats += 1
                if seats == LANES:
                    _settle(waiting, above, tally, found, who, seats, slope)
                    seats = 0
    _settle(waiting, above, tally, found, who, seats, slope)


@njit(cache=True, nogil=True)
def _load_short(values: NDArray[Any], first: int, width: int, block: NDArray[np.int16]) -> bool:
    """Lay rows into lanes, from 0 up; say whether they are whole and their range fits two bytes."""
    n_steps = values.shape[1]
    if n_steps < 2 or n_steps > 32767:
        return False
    for w in range(width):
        row = values[first + w]
        least = most = row[0]
        others = 0
        for t in range(n_steps):
            least, most = min(least, row[t]), max(most, row[t])
            others += np.floor(row[t]) != row[t]
        if others or not most - least <= WIDEST:
            return False
        for t in range(n_steps):
            block[t, w] = np.int16(row[t] - least)
    for w in range(width, LANES):
        for t in range(n_steps):
            block[t, w] = 0
    return True


@njit(cache=True, nogil=True)
def _take_seat(
    block: NDArray[np.int16], w: int, up: bool, waiting: NDArray[np.int16], seat: int
) -> None:
    """Let a row wait for its slope, turned over if it falls."""
    most = np.int16(0)
    for t in range(len(block)):
        most = max(most, block[t, w])
    for t in range(len(block)):
        waiting[t, seat] = block[t, w] if up else most - block[t, w]


@njit(cache=True, nogil=True)
def _settle(
    waiting: NDArray[np.int16],
    above: Ints,
    tally: NDArray[np.int16],
    found: Floats,
    who: Ints,
    seats: int,
    slope: Floats,
) -> None:
    """Find the slopes of the rows that wait, and turn back those that were turned over."""
    if not seats:
        return
    n = len(waiting) - PADDED
    for w in range(seats, LANES):  # empty seats repeat the last row
        above[w] = above[seats - 1]
        for t in range(n):
            waiting[t, w] = waiting[t, seats - 1]
    middle_slopes(waiting, above, tally, found)
    for w in range(seats):
        if who[w] >= 0:
            slope[who[w]] = found[w]
        else:
            slope[-1 - who[w]] = -found[w]


@njit(cache=True, nogil=True)
def _settle_one_by_one(values: NDArray[Any], rows: Ints, s: Floats, slope: Floats) -> None:
    for i in rows:
        slope[i] = _sen_slope_of(values[i], int(s[i]), values.shape[1])


@njit(cache=True, nogil=True)
def _sen_slope_of(values: NDArray[Any], s: int, n: int) -> float:
    """Return Sen's slope of a row that is not short, of which n steps are known."""
    n_steps = len(values)
    row, at, kept = np.empty(n), np.empty(n), 0
    for t in range(n_steps):
        value = values[t]
        if value == value:
            row[kept], at[kept] = value, t
            kept += 1
    side = (1.0 if s > 0 else -1.0) if n == n_steps else 0.0
    most = n * (n - 1) // 2
    slopes, places = np.empty(most + 1), np.empty(most, dtype=np.uint8)
    sizes = np.empty((4, BUCKETS + 2), dtype=np.int64)
    return float(_sen_slope(row, at, side, slopes, places, sizes))


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


@njit(cache=True, nogil=True)
def pair_slopes(cycles: Floats, slopes: Floats) -> int:
    """Write the slopes between all steps of one season, season by season; return how many.

    `cycles` is ``(n_seasons, n_cycles)``; pairs with a missing step are left out.
    """
    filled = 0
    for g in range(cycles.shape[0]):
        for a in range(cycles.shape[1] - 1):
            for b in range(a + 1, cycles.shape[1]):
                change = (cycles[g, b] - cycles[g, a]) / (b - a)
                if not np.isnan(change):
                    slopes[filled] = change
                    filled += 1
    return filled
