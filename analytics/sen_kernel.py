"""Sen's slope of many rows of whole numbers at once: the compiled search for the middle pair."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int16]

LANES = 64
"""Rows that are compared side by side, so that one instruction compares many of them."""
WIDEST = 2**14 - 1
"""Largest difference within a row, so that none overflows two bytes."""
PADDED = 3
"""Rows past the last step that no difference reaches, so that four pairs are taken at a time."""
FEW = 8
"""Pairs between two bounds, or values that a slope can take there, that are sorted."""
TRIES = 5
"""Rounds of drawing the bounds together, at most; what is found does not depend on it."""
MARGIN = 0.7
"""Pairs by which a bound is set past the middle, in square roots of those between the bounds."""
ASIDE = 2.0
"""Pairs by which the first bounds are set past the middle; doubled in each round."""
INSERTED = 40
"""Slopes up to which they are sorted one by one."""


@njit(cache=True, nogil=True, error_model="numpy")
def middle_slopes(block: Shorts, rises: Ints, tally: Shorts, slope: Floats) -> None:
    """Find the median slope over all pairs of steps, of one row in each lane.

    A slope is a whole number over a lag, so ``slope <= bound`` asks whether the difference is at
    most ``floor(bound * lag)``, which two-byte numbers answer 32 to an instruction. Bounds on the
    median are drawn together by such counts, as Floyd and Rivest (1975,
    doi:10.1145/360680.360691) draw ranks together, until the few pairs between them are sorted.

    Parameters
    ----------
    block
        Shape ``(n_steps + PADDED, LANES)``, from 0 to `WIDEST`; the padded rows hold 32767. Both
        slopes in the middle of each lane are above 0.
    rises
        Pairs of each lane with a slope above 0, shape ``(LANES,)``.
    tally
        Room, shape ``(2, LANES)``.
    slope
        Takes what is found, shape ``(LANES,)``.
    """
    n = block.shape[0] - PADDED
    n_pairs = n * (n - 1) // 2
    low, high = np.empty(LANES, dtype=np.float32), np.empty(LANES, dtype=np.float32)
    under = draw_together(block, rises, tally, low, high)
    hits = np.empty((n, LANES), dtype=np.int16)
    _count_between(block, low, high, tally, hits)
    row, few = np.empty(n, dtype=np.int16), np.empty(n_pairs + 1)
    for w in range(LANES):
        for t in range(n):
            row[t] = block[t, w]
        sort_few(few[: _collect(row, hits, w, float(low[w]), float(high[w]), few)])
        first = (n_pairs - 1) // 2 - under[w]
        slope[w] = (few[first] + few[n_pairs // 2 - under[w]]) / 2


@njit(cache=True, nogil=True, error_model="numpy")
def draw_together(block: Shorts, rises: Ints, tally: Shorts, low: Singles, high: Singles) -> Ints:
    """Write bounds with few pairs between them, the median among these; count those below.

    Takes what `middle_slopes` does.
    """
    n = block.shape[0] - PADDED
    n_pairs = n * (n - 1) // 2
    low[:] = 0
    guess, apart = np.empty(LANES, dtype=np.float32), np.empty(LANES, dtype=np.float32)
    bound, count = np.empty(LANES, dtype=np.float32), np.empty(LANES, dtype=np.int64)
    under: Ints = n_pairs - rises
    upto = np.full(LANES, n_pairs)
    _guess(block, guess, apart, high)
    for trial in range(TRIES):
        asked = 0
        for w in range(LANES):
            bound[w] = high[w]
            if upto[w] - under[w] > FEW and (high[w] - low[w]) * n * n > 2 * FEW:
                past = ASIDE * (1 << trial)
                if trial == 0 and guess[w] > 0:
                    at = guess[w]
                elif upto[w] == n_pairs:  # nothing known above but the largest
                    at = low[w] + (n_pairs / 2 - under[w] + past) * apart[w]
                elif trial == 1:
                    at = high[w] - (upto[w] - n_pairs / 2 + past) * apart[w]
                else:
                    at = _between(low[w], high[w], under[w], upto[w], n_pairs, 1 - trial % 2 * 2)
                if not low[w] < at < high[w]:
                    at = (low[w] + high[w]) / 2
                bound[w] = at
                asked += 1
        if not asked:
            break
        _count_up_to(block, bound, tally, count)
        for w in range(LANES):
            if bound[w] < high[w] and count[w] <= (n_pairs - 1) // 2:
                low[w], under[w] = bound[w], count[w]
            elif bound[w] < high[w] and count[w] > n_pairs // 2:
                high[w], upto[w] = bound[w], count[w]
    return under


@njit(cache=True, nogil=True, error_model="numpy")
def _guess(block: Shorts, guess: Singles, apart: Singles, high: Singles) -> None:
    """Write the least-squares slope, how far apart slopes lie there, and the largest value."""
    n = block.shape[0] - PADDED
    total, moment = np.zeros(LANES, dtype=np.float32), np.zeros(LANES, dtype=np.float32)
    square, most = np.zeros(LANES, dtype=np.float32), np.zeros(LANES, dtype=np.int16)
    for t in range(n):
        place = np.float32(t - (n - 1) / 2)
        for w in range(LANES):
            value = np.float32(block[t, w])
            total[w] += value
            moment[w] += place * value
            square[w] += value * value
            most[w] = max(most[w], block[t, w])
    spread = np.float32(n * (float(n) * n - 1) / 12)
    for w in range(LANES):
        guess[w] = moment[w] / spread
        left = square[w] - total[w] * total[w] / n - guess[w] * moment[w]
        noise = np.sqrt(max(left, np.float32(0.1)) / n)
        apart[w] = 12 * np.sqrt(np.pi) * noise / n**3  # of n**3 / 6 lags, each with this much noise
        high[w] = most[w]


@njit(cache=True, nogil=True, inline="always")
def _between(low: float, high: float, under: int, upto: int, n_pairs: int, side: int) -> float:
    """Return where a bound would stand somewhat to one side of the middle if all were even."""
    inside = upto - under
    wanted = n_pairs / 2 + side * (1 + MARGIN * np.sqrt(inside)) - under
    return float(low + (high - low) * wanted / inside)


@njit(cache=True, nogil=True)
def _count_up_to(block: Shorts, bound: Singles, tally: Shorts, count: Ints) -> None:
    """Count the slopes that are at most the lane's bound, which is above 0."""
    n = block.shape[0] - PADDED
    most, found = tally[0], tally[1]
    count[:] = 0
    for lag in range(1, n):
        padding = max((n - lag + 3) // 4 * 4 - n, 0)  # pairs of padded rows, which differ by 0
        for w in range(LANES):
            most[w] = np.int16(
                min(np.float64(bound[w]) * lag, float(WIDEST))
            )  # exact: 24 and 15 bits
            found[w] = -padding
        for a in range(0, n - lag, 4):  # four at once, so that no addition waits for the last
            b = a + lag
            for w in range(LANES):
                found[w] += (
                    np.int16(np.int16(block[b, w] - block[a, w]) <= most[w])
                    + np.int16(np.int16(block[b + 1, w] - block[a + 1, w]) <= most[w])
                    + np.int16(np.int16(block[b + 2, w] - block[a + 2, w]) <= most[w])
                    + np.int16(np.int16(block[b + 3, w] - block[a + 3, w]) <= most[w])
                )
        for w in range(LANES):
            count[w] += found[w]


@njit(cache=True, nogil=True)
def _count_between(block: Shorts, low: Singles, high: Singles, tally: Shorts, hits: Shorts) -> None:
    """Count, by lag, the slopes above `low` and up to `high`."""
    n = block.shape[0] - PADDED
    least, most = tally[0], tally[1]
    for lag in range(1, n):
        here = hits[lag]
        for w in range(LANES):
            least[w] = np.int16(min(np.float64(low[w]) * lag, float(WIDEST)))
            most[w] = np.int16(min(np.float64(high[w]) * lag, float(WIDEST)))
            here[w] = 0
        for a in range(0, n - lag, 2):
            b = a + lag
            for w in range(LANES):
                one = np.int16(block[b, w] - block[a, w])
                two = np.int16(block[b + 1, w] - block[a + 1, w])
                here[w] += np.int16((one > least[w]) & (one <= most[w])) + np.int16(
                    (two > least[w]) & (two <= most[w])
                )


@njit(cache=True, nogil=True, error_model="numpy")
def _collect(row: Shorts, hits: Shorts, w: int, low: float, high: float, few: Floats) -> int:
    """Write the slopes of one row between its bounds, and say how many they are."""
    n, found = len(row), 0
    for lag in range(1, n):
        here = hits[lag, w]
        if not here:
            continue
        least, most = np.int16(low * lag), np.int16(min(high * lag, float(WIDEST)))
        a = 0
        while here:
            rise, times = most, here  # one number lies between: no need to look for it
            if most - least > 1:
                rise, times = np.int16(row[a + lag] - row[a]), np.int16(1)
                a += 1
                if not least < rise <= most:
                    continue
            here -= times
            for _ in range(times):
                few[found] = rise / lag
                found += 1
    return found


@njit(cache=True, nogil=True)
def sort_few(few: Floats) -> None:
    """Sort in place what is mostly a handful."""
    if len(few) > INSERTED:
        few.sort()
        return
    for i in range(1, len(few)):
        value, place = few[i], i
        while place > 0 and few[place - 1] > value:
            few[place] = few[place - 1]
            place -= 1
        few[place] = value
