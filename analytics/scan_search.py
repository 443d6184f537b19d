"""The best cylinder of a Monte-Carlo run, found in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as made
from threading import Lock
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.scan_field import Field
from analytics.scan_kernel import log_ratio

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Whole = NDArray[np.signedinteger[Any]]

FLOORS = (4.0, 0.0)
"""Ratios below which a run's best hardly ever lies; the last is one below which none does."""
SAFE_PART = 0.9
"""Part of the lowest best ratio of the first runs that the others' are taken to exceed."""
ROUNDS = 60
"""Halvings by which the expectation is found that takes a ratio to a floor: all digits."""
AT_ONCE = 16
"""Windows that are asked at once whether any holds enough."""
LANES = 16
"""Columns are filled up to a multiple of it, which a vector instruction holds."""


@dataclass(frozen=True, eq=False)
class Search:
    """Looks for the best ratio of runs that share a `Field`.

    A run asks each cylinder whether it holds as many as would lift its ratio above a floor, which
    costs one subtraction and one comparison of whole numbers; logarithms are for the few that do.
    If none does, the floor was too high and the next lower one is asked. So the floors change
    nothing but the time.
    """

    field: Field
    floors: list[float] = made(default_factory=lambda: list(FLOORS))
    needs: dict[float, Whole] = made(default_factory=dict)
    lock: Lock = made(default_factory=Lock)

    def best(self, volume: Whole) -> float:
        """Return the best log likelihood ratio of counts, ``(n_steps, n_rows, n_columns)``."""
        laid = self.field
        table = row_sums(volume, laid.first, laid.half.shape[1] // 2, whole_type(laid.total))
        for floor in self.floors:
            found = best_above(
                table, laid.expected, self.need(floor), laid.windows, laid.half, laid.total
            )
            if found > floor:
                return float(found)
        return 0.0

    def need(self, floor: float) -> Whole:
        """Return how many each cylinder must hold to pass a floor; kept for the next run."""
        with self.lock:
            if floor not in self.needs:
                self.needs[floor] = self._needed(floor)
            return self.needs[floor]

    def raise_floor(self, floor: float) -> None:
        """Ask the following runs for more at first; nothing if that is not more."""
        if floor > self.floors[0]:
            self.floors[:] = [floor, self.floors[-1]]
            self.needs.clear()

    def _needed(self, floor: float) -> Whole:
        laid = self.field
        limits = largest_expected(floor, laid.total)
        need: Whole = fewest_counts(laid.expected, limits, whole_type(laid.total))
        return need


def whole_type(total: float) -> Callable[[int], Any]:
    """Return the smallest type that holds all incidents and one more."""
    return np.int16 if total < np.iinfo(np.int16).max else np.int32


def largest_expected(floor: float, total: float) -> Floats:
    """Return for each count the largest expectation at which its ratio still exceeds a floor.

    Returns
    -------
    NDArray
        Shape ``(total + 1,)``, ascending; a hair too large, so that no count is taken too lightly.
    """
    count = np.arange(total + 1)
    low, high = np.zeros(len(count)), count.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(ROUNDS):
            e = (low + high) / 2
            outside = np.where(
                count < total, (total - count) * np.log((total - count) / (total - e)), 0.0
            )
            above = np.where(count > 0, count * np.log(count / e), 0.0) + outside > floor
            low, high = np.where(above, e, low), np.where(above, high, e)
    return np.maximum.accumulate(high) * (1 + 1e-9)


@njit(cache=True, nogil=True)
def fewest_counts(expected: Floats, limits: Floats, whole: Callable[[int], Any]) -> Whole:
    """Return the fewest incidents with which each cylinder passes a floor.

    Parameters
    ----------
    expected
        ``(n_windows, n_radii, n_rows, n_columns)``; the total where nothing is to be found.
    limits
        From `largest_expected`.

    Returns
    -------
    NDArray
        Whole numbers, ``(n_radii, n_rows, n_windows, n_columns)``, columns filled up to `LANES`;
        more than there are where a cylinder cannot pass.
    """
    n_windows, n_radii, n_rows, n_columns = expected.shape
    wide = (n_columns + LANES - 1) // LANES * LANES
    total = len(limits) - 1
    never = whole(total + 1)
    need = np.full((n_radii, n_rows, n_windows, wide), never)
    count = 1
    for k in range(n_radii):
        for r in range(n_rows):
            for w in range(n_windows):
                for c in range(n_columns):
                    e = expected[w, k, r, c]
                    if e >= total or e > limits[total]:
                        continue
                    while e > limits[count]:
                        count += 1
                    while count > 1 and e <= limits[count - 1]:
                        count -= 1
                    need[k, r, w, c] = count
    return need


@njit(cache=True, nogil=True)
def row_sums(volume: Whole, first: int, reach: int, whole: Callable[[int], Any]) -> Whole:
    """Return sums over all earlier steps and all cells to the left, row by row.

    Parameters
    ----------
    volume
        Shape ``(n_steps, n_rows, n_columns)``; steps before `first` are left out.
    reach
        Cells by which each row is continued to both sides.

    Returns
    -------
    NDArray
        Shape ``(n_rows, n_steps - first + 1, wide)``; entry ``[r, t, reach + c]`` is the sum of
        ``volume[first : first + t, r, :c]``, as in `analytics.scan_kernel.sum_along`. `wide` leaves
        room to read a row from any place within reach on.
    """
    n_steps, n_rows, n_columns = volume.shape
    filled = (n_columns + LANES - 1) // LANES * LANES
    table = np.full((n_rows, n_steps - first + 1, filled + 1 + 2 * reach), whole(0))
    for r in range(n_rows):
        for t in range(n_steps - first):
            running = 0
            before, after = table[r, t], table[r, t + 1]
            for c in range(n_columns):
                running += volume[first + t, r, c]
                after[reach + c + 1] = before[reach + c + 1] + running
            for c in range(reach + n_columns + 1, len(after)):
                after[c] = before[c] + running
    return table


@njit(cache=True, nogil=True)
def hold_discs(table: Whole, half: Ints, row: int, held: Whole) -> None:
    """Write what discs around the cells of one row held up to each step, ``(n_edges, wide)``.

    Parameters
    ----------
    table
        From `row_sums`.
    half
        Half widths of the disc by row offset, -1 where it has no cell.
    """
    held[:] = 0
    n_rows, n_edges, room = table.shape
    wide = held.shape[1]
    reach, middle = (room - wide - 1) // 2, len(half) // 2
    for d in range(len(half)):
        other, width = row + d - middle, half[d]
        if width < 0 or other < 0 or other >= n_rows:
            continue
        for t in range(1, n_edges):
            out, sums = held[t], table[other, t]
            right = sums[reach + width + 1 : reach + width + 1 + wide]
            left = sums[reach - width : reach - width + wide]
            for c in range(wide):
                out[c] += right[c] - left[c]


@njit(cache=True, nogil=True)
def best_above(
    table: Whole, expected: Floats, need: Whole, windows: Ints, half: Ints, total: float
) -> float:
    """Return the best ratio of the cylinders that hold what they need; 0 if none does.

    What a disc held up to each step is summed once; a window holds the difference of two of these.

    Parameters
    ----------
    table
        From `row_sums`.
    expected
        As in `fewest_counts`.
    need
        From `fewest_counts`.
    windows
        First step and the step after the last, ``(n_windows, 2)``.
    """
    n_radii, n_rows, n_windows, wide = need.shape
    n_columns = expected.shape[3]
    held = np.zeros((table.shape[1], wide), dtype=need.dtype)
    short = np.zeros(wide, dtype=need.dtype)
    best = 0.0
    for k in range(n_radii):
        for r in range(n_rows):
            hold_discs(table, half[k], r, held)
            for first in range(0, n_windows, AT_ONCE):
                last = min(first + AT_ONCE, n_windows)
                # The sign of what is short, of all these windows together: negative if all are.
                short[:] = -1
                for w in range(first, last):
                    late, early, few = held[windows[w, 1]], held[windows[w, 0]], need[k, r, w]
                    for c in range(wide):
                        short[c] &= late[c] - early[c] - few[c]
                reached = False
                for c in range(n_columns):
                    reached |= short[c] >= 0
                if not reached:
                    continue
                for w in range(first, last):
                    late, early, few = held[windows[w, 1]], held[windows[w, 0]], need[k, r, w]
                    for c in range(n_columns):
                        count = late[c] - early[c]
                        if count >= few[c]:
                            best = max(best, log_ratio(float(count), expected[w, k, r, c], total))
    return best
