"""Mann-Kendall and Sen's slope of many rows of rates, by whole numbers that stand for them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.compare_kernel import compare_steps
from analytics.sen_kernel import LANES, PADDED, WIDEST, draw_together, sort_few

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int16]
Singles = NDArray[np.float32]

ASIDE = 1.0
"""How far past the bounds on the median of the whole numbers the rates' own is looked for, times
the number of steps: a difference of less than one, over a lag of a third of them or so."""
SURE = 1e-6
"""Distance from these in which a slope may have been taken for one beyond."""


def score_rates(
    values: Floats, rows: Ints, s: Floats, var_s: Floats, pairs: Floats, slope: Floats
) -> tuple[Bools, Bools]:
    """Write s, its variance, the pairs and Sen's slope of the rows that are named.

    A row is laid on whole numbers from 0 to `WIDEST`, which two-byte instructions compare. A
    difference of theirs is less than one from that of the rates, so pairs that lie surely below the
    median are counted by them, and only those that may be it are taken from the rates themselves.

    Parameters
    ----------
    values
        Shape ``(n_units, n_steps)``.
    rows
        Which of them, shape ``(n_rows,)``.
    s, var_s, pairs, slope
        Take what is found, shape ``(n_units,)``.

    Returns
    -------
    tuple
        Of the rows named: whether they were taken (a row with a gap or an endless value is not),
        and whether they were but their slope is still to be found.
    """
    taken = np.empty(len(rows), dtype=np.bool_)
    unsure = np.zeros(len(rows), dtype=np.bool_)
    _score(values, rows, s, var_s, pairs, slope, taken, unsure)
    return taken, unsure


@njit(cache=True, nogil=True)
def _score(
    values: Floats,
    rows: Ints,
    s: Floats,
    var_s: Floats,
    pairs: Floats,
    slope: Floats,
    taken: Bools,
    unsure: Bools,
) -> None:
    """Take the rows block by block; those whose slope is sought wait until a block is full."""
    n = values.shape[1]
    n_pairs = n * (n - 1) // 2
    middle = (n_pairs - 1) // 2
    block, tally = np.empty((n, LANES), dtype=np.int16), np.empty((2, LANES), dtype=np.int16)
    rises, falls = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    known, ties = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    scales, waiting_scales = np.empty(LANES), np.empty(LANES)
    waiting = np.full((n + PADDED, LANES), 32767, dtype=np.int16)
    above, who = np.zeros(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    sides = np.ones(LANES)
    last, later = np.full(WIDEST + 1, -1, dtype=np.int16), np.zeros((2, n), dtype=np.int64)
    seats = 0
    for first in range(0, len(rows), LANES):
        width = min(LANES, len(rows) - first)
        for w in range(LANES):
            row = values[rows[first + min(w, width - 1)]]
            scales[w] = _lay(row, block, w)
        compare_steps(block, tally, rises, falls, known, ties)
        for w in range(width):
            i = rows[first + w]
            taken[first + w] = not np.isnan(scales[w])
            if not taken[first + w]:
                continue
            up, down, tied = rises[w], falls[w], ties[w]
            if tied:  # equal as whole numbers, perhaps not as rates
                more, less, tied = _part_equals(values[i], block, w, tied, last, later)
                up, down = up + more, down + less
            pairs[i] = n_pairs
            s[i] = up - down
            var_s[i] = (n * (n - 1) * (2 * n + 5) - tied) / 18
            above[seats] = rises[w] if up > down else falls[w]
            if down <= middle and up <= middle:
                slope[i] = 0.0  # the middle of the ordered slopes lies among the ties
            elif above[seats] < n_pairs - middle:
                unsure[first + w] = True
            else:
                for t in range(n):
                    waiting[t, seats] = block[t, w] if up > down else WIDEST - block[t, w]
                sides[seats] = 1.0 if up > down else -1.0
                waiting_scales[seats] = scales[w]
                who[seats] = first + w
                seats += 1
                if seats == LANES:
                    _settle(
                        values, rows, waiting, above, tally, waiting_scales, sides, who, seats,
                        slope, unsure,
                    )  # fmt: skip
                    seats = 0
    _settle(values, rows, waiting, above, tally, waiting_scales, sides, who, seats, slope, unsure)


@njit(cache=True, nogil=True, error_model="numpy")
def _lay(row: Floats, block: Shorts, w: int) -> float:
    """Lay a row of rates into a lane; return the scale, NaN if there is none."""
    least, most = np.inf, -np.inf
    total = 0.0
    for t in range(len(row)):
        least, most = min(least, row[t]), max(most, row[t])
        total += row[t]
    scale = WIDEST / (most - least) if most > least else 1.0
    if not np.isfinite(total) or not np.isfinite(scale) or not np.isfinite(most - least):
        scale = np.nan
    if np.isnan(scale) or scale * (most - least) > WIDEST + 0.5:
        for t in range(len(row)):
            block[t, w] = 0
        return np.nan
    for t in range(len(row)):
        block[t, w] = np.int16((row[t] - least) * scale)
    return float(scale)


@njit(cache=True, nogil=True)
def _part_equals(
    row: Floats, block: Shorts, w: int, tied: int, last: Shorts, later: Ints
) -> tuple[int, int, int]:
    """Return rising and falling pairs among those equal as whole numbers, and what ties are left.

    `last` says where a whole number was met last, -1 for nowhere, and is left so; `later` is room
    for where each step's number was met before, and for how many later steps equal each.
    """
    n = len(row)
    before, equal = later
    alike = True
    for t in range(n):
        q = block[t, w]
        before[t] = last[q]
        last[q] = t
        alike &= before[t] < 0 or row[before[t]] == row[t]
    for t in range(n):
        last[block[t, w]] = -1
    if alike:
        return 0, 0, tied
    rises, falls, ties = 0, 0, 0
    equal[:] = 0
    for t in range(n):
        u = before[t]
        while u >= 0:
            rises += row[t] > row[u]
            falls += row[t] < row[u]
            equal[u] += row[t] == row[u]
            u = before[u]
    for t in range(n):
        ties += 6 * equal[t] * equal[t] + 12 * equal[t]
    return rises, falls, ties


@njit(cache=True, nogil=True)
def _settle(
    values: Floats,
    rows: Ints,
    waiting: Shorts,
    above: Ints,
    tally: Shorts,
    scales: Floats,
    sides: Floats,
    who: Ints,
    seats: int,
    slope: Floats,
    unsure: Bools,
) -> None:
    """Find the slopes of the rows that wait."""
    if not seats:
        return
    n = len(waiting) - PADDED
    n_pairs = n * (n - 1) // 2
    for w in range(seats, LANES):  # empty seats repeat the last row
        above[w] = above[seats - 1]
        for t in range(n):
            waiting[t, w] = waiting[t, seats - 1]
    low, high = np.empty(LANES, dtype=np.float32), np.empty(LANES, dtype=np.float32)
    draw_together(waiting, above, tally, low, high)
    for w in range(LANES):
        low[w], high[w] = low[w] - ASIDE / n, high[w] + ASIDE / n
    hits, below = np.empty((n, LANES), dtype=np.int16), np.zeros(LANES, dtype=np.int64)
    _count_window(waiting, low, high, tally, hits, below)
    few, lane = np.empty(n_pairs + 1), np.empty(n, dtype=np.int16)
    for w in range(seats):
        for t in range(n):
            lane[t] = waiting[t, w]
        found = _collect(lane, values[rows[who[w]]], sides[w], hits, w, low[w], high[w], few)
        sort_few(few[:found])
        first, last = (n_pairs - 1) // 2 - below[w], n_pairs // 2 - below[w]
        if (
            first >= 0
            and last < found
            and few[first] * scales[w] > low[w] + SURE
            and few[last] * scales[w] < high[w] - SURE
        ):
            slope[rows[who[w]]] = sides[w] * ((few[first] + few[last]) / 2)
        else:
            unsure[who[w]] = True


@njit(cache=True, nogil=True, inline="always")
def _window(low: float, high: float, lag: int) -> tuple[int, int]:
    """Return the largest difference surely below the window, and the largest that may be in it."""
    least = np.ceil(low * lag - 1.0) - 1.0
    most = np.floor(high * lag + 1.0)
    return int(least), int(min(most, float(WIDEST)))


@njit(cache=True, nogil=True)
def _count_window(
    block: Shorts, low: Singles, high: Singles, tally: Shorts, hits: Shorts, below: Ints
) -> None:
    """Count the pairs that may lie in the window, by lag, and those surely below it."""
    n = block.shape[0] - PADDED
    least, most = tally[0], tally[1]
    under = np.empty(LANES, dtype=np.int16)
    for lag in range(1, n):
        here = hits[lag]
        for w in range(LANES):
            bounds = _window(float(low[w]), float(high[w]), lag)
            least[w], most[w] = np.int16(min(bounds[0], WIDEST)), np.int16(bounds[1])
            here[w] = under[w] = 0
        for a in range(0, n - lag, 2):
            b = a + lag
            for w in range(LANES):
                one = np.int16(block[b, w] - block[a, w])
                two = np.int16(block[b + 1, w] - block[a + 1, w])
                under[w] += np.int16(one <= least[w]) + np.int16(two <= least[w])
                here[w] += np.int16((one > least[w]) & (one <= most[w])) + np.int16(
                    (two > least[w]) & (two <= most[w])
                )
        for w in range(LANES):
            below[w] += under[w]


@njit(cache=True, nogil=True, error_model="numpy")
def _collect(
    lane: Shorts,
    row: Floats,
    side: float,
    hits: Shorts,
    w: int,
    low: float,
    high: float,
    few: Floats,
) -> int:
    """Write the rates' slopes of the pairs in the window, and say how many they are."""
    n, found = len(lane), 0
    for lag in range(1, n):
        here = hits[lag, w]
        if not here:
            continue
        least, most = _window(float(low), float(high), lag)
        a = 0
        while here:
            if least < lane[a + lag] - lane[a] <= most:
                few[found] = side * (row[a + lag] - row[a]) / lag
                found += 1
                here -= 1
            a += 1
    return found
