"""Changes: when the level of a series shifted, and whether a measure made a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtr, ndtri

from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[ArrayLike, ArrayLike]
"""Counts before and after."""


@dataclass(frozen=True, eq=False)
class ChangePoints:
    """Where the levels of series changed.

    Attributes
    ----------
    indptr, steps
        CSR: the first steps of new levels of row i, ascending, are
        ``steps[indptr[i]:indptr[i + 1]]``.
    level
        Fitted incidents per unit of exposure in each step, ``(n_units, n_steps)``.
    """

    indptr: Ints
    steps: Ints
    level: Floats


@dataclass(frozen=True, eq=False)
class Displacement:
    """The weighted displacement difference; every array has the shape of the counts.

    Attributes
    ----------
    estimate
        Incidents gained (above 0) or spared (below 0) by the measure, displacement counted in.
    standard_error, z, p
        By the normal approximation, two-sided.
    low, high
        Bounds of the interval asked for.
    """

    estimate: Floats
    standard_error: Floats
    z: Floats
    p: Floats
    low: Floats
    high: Floats


def find_change_points(
    series: NDArray[Any],
    *,
    exposure: ArrayLike | None = None,
    shortest: int = 2,
    penalty: float | None = None,
) -> ChangePoints:
    """Split every row of counts into stretches of one Poisson level, exactly and in linear time.

    The split is the one of all splits that makes ``-2 log likelihood + penalty * changes`` least.

    Parameters
    ----------
    series
        Counts, shape ``(n_units, n_steps)``, not negative. Empty input gives no changes.
    exposure
        Length of each step (hours, days), shape ``(n_steps,)``, positive; all 1 by default.
    shortest
        Fewest steps in a stretch.
    penalty
        Price of a change; ``3 log(n_steps)`` by default, about as in the modified BIC of Zhang
        and Siegmund (2007). Overdispersed counts need more: multiply by the dispersion.

    Raises
    ------
    InputError
        A count is negative or missing, or the exposure does not fit.

    References
    ----------
    Killick, Fearnhead and Eckley (2012), doi:10.1080/01621459.2012.737745 (PELT); Zhang
    and Siegmund (2007), doi:10.1111/j.1541-0420.2006.00662.x.
    """
    counts = np.ascontiguousarray(series, dtype=np.float64)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("change points need counts by unit and step, none negative or missing")
    n_steps = counts.shape[1]
    length = np.ones(n_steps) if exposure is None else np.asarray(exposure, dtype=np.float64)
    if length.shape != (n_steps,) or not (length > 0).all():
        raise InputError(f"exposure needs {n_steps} positive values, one for each step")
    if shortest < 1:
        raise InputError(f"shortest is {shortest}; a stretch has at least 1 step")
    price = 3 * np.log(max(n_steps, 2)) if penalty is None else penalty
    starts, level = _split_rows(counts, length, shortest, price)
    rows, steps = np.nonzero(starts)
    indptr = np.searchsorted(rows, np.arange(len(counts) + 1))
    return ChangePoints(indptr.astype(np.int64), steps.astype(np.int64), level)


@njit(cache=True, nogil=True)
def _cost(total: float, length: float) -> float:
    return 0.0 if total <= 0 else -2 * total * np.log(total / length)


@njit(cache=True, nogil=True)
def _split_rows(
    counts: Floats, length: Floats, shortest: int, price: float
) -> tuple[NDArray[np.bool_], Floats]:
    n_units, n = counts.shape
    starts = np.zeros((n_units, n), dtype=np.bool_)
    level = np.zeros((n_units, n))
    along = np.zeros(n + 1)
    along[1:] = np.cumsum(length)
    total, best = np.zeros(n + 1), np.zeros(n + 1)
    previous = np.zeros(n + 1, dtype=np.int64)
    candidates = np.zeros(n + 1, dtype=np.int64)
    for i in range(n_units):
        total[1:] = np.cumsum(counts[i])
        best[0] = -price
        n_candidates = 0
        for end in range(1, n + 1):
            if end - shortest >= 0 and (end == shortest or end >= 2 * shortest):
                candidates[n_candidates] = end - shortest
                n_candidates += 1
            best[end] = np.inf
            kept = 0
            for c in range(n_candidates):
                start = candidates[c]
                cost = best[start] + _cost(total[end] - total[start], along[end] - along[start])
                if cost + price < best[end]:
                    best[end] = cost + price
                    previous[end] = start
            for c in range(n_candidates):
                start = candidates[c]
                cost = best[start] + _cost(total[end] - total[start], along[end] - along[start])
                if cost <= best[end] or end - start < 2 * shortest:
                    candidates[kept] = start
                    kept += 1
            n_candidates = kept
        end = n
        if best[n] == np.inf:  # too short to be split: one stretch
            previous[n] = 0
        while end > 0:
            start = int(previous[end])
            level[i, start:end] = (total[end] - total[start]) / (along[end] - along[start])
            if start > 0:
                starts[i, start] = True
            end = start
    return starts, level


def poisson_e_test(
    before: ArrayLike, after: ArrayLike, *, exposure: tuple[float, float] = (1.0, 1.0)
) -> Floats:
    """Return two-sided p-values of equal rates before and after, for small counts too.

    It is meant for periods of about the same length. Where one is many times as long, the test
    hardly sees a rise in the short one: take `analytics.latest_changes.compare_rates`.

    Parameters
    ----------
    before, after
        Counts, broadcast together.
    exposure
        Length of the two periods (or area, or patrol hours), positive.

    Returns
    -------
    NDArray
        p in the shape of the counts; 1 where both are 0.

    Raises
    ------
    InputError
        A count is negative or no whole number, or an exposure is not positive.

    References
    ----------
    Krishnamoorthy and Thomson (2004), doi:10.1016/S0378-3758(02)00408-1.
    """
    first, second = np.broadcast_arrays(np.asarray(before), np.asarray(after))
    for counts in (first, second):
        if (counts < 0).any() or (counts != np.floor(counts)).any():
            raise InputError("the E-test needs counts: whole numbers from 0 up")
    if not (exposure[0] > 0 and exposure[1] > 0):
        raise InputError(f"exposure is {exposure}; both periods must have a positive length")
    k = np.column_stack((first.ravel(), second.ravel())).astype(np.int64)
    pairs, back = np.unique(k, axis=0, return_inverse=True)
    tests = [_e_test(int(a), int(b), *exposure) for a, b in pairs]
    return np.asarray(np.array(tests)[back.ravel()].reshape(first.shape), dtype=np.float64)


def _e_test(k1: int, k2: int, n1: float, n2: float) -> float:
    observed = float(_contrast(k1, k2, n1, n2))
    if observed == 0:
        return 1.0  # nothing is less extreme
    rate = (k1 + k2) / (n1 + n2)
    x1, p1 = _poisson_law(rate * n1)
    x2, p2 = _poisson_law(rate * n2)
    return float(_extreme_mass(x1, p1, x2, p2, n1, n2, observed))


def _poisson_law(mean: float) -> tuple[Ints, Floats]:
    """Return values and chances of a Poisson count, but for a mass of the order 1e-12."""
    reach = 7.5 * np.sqrt(mean) + 30
    x = np.arange(max(0, int(mean - reach)), int(mean + reach) + 1)
    return x, np.exp(x * np.log(mean) - mean - gammaln(x + 1))


@njit(cache=True, nogil=True)
def _contrast(x1: int, x2: int, n1: float, n2: float) -> float:
    spread = x1 / n1**2 + x2 / n2**2
    return 0.0 if spread == 0 else abs(x1 / n1 - x2 / n2) / np.sqrt(spread)


@njit(cache=True, nogil=True)
def _extreme_mass(
    x1: Ints, p1: Floats, x2: Ints, p2: Floats, n1: float, n2: float, observed: float
) -> float:
    """Return the chance of a contrast as large as observed.

    For a given x1 the contrast falls and then rises in x2, and both edges of the middle move up
    with x1; so each edge is walked once.
    """
    least = observed * (1 - 1e-12)
    upto = np.zeros(len(x2) + 1)
    upto[1:] = np.cumsum(p2)
    low, high, mass = 0, 0, 0.0
    for a in range(len(x1)):
        while (
            low < len(x2)
            and x2[low] / n2 < x1[a] / n1
            and _contrast(x1[a], x2[low], n1, n2) >= least
        ):
            low += 1
        high = max(high, low)
        while high < len(x2) and (
            x2[high] / n2 <= x1[a] / n1 or _contrast(x1[a], x2[high], n1, n2) < least
        ):
            high += 1
        mass += p1[a] * (upto[low] + upto[-1] - upto[high])
    return min(1.0, mass)


def weighted_displacement_difference(
    treated: Pair,
    control: Pair,
    *,
    near_treated: Pair = (0, 0),
    near_control: Pair = (0, 0),
    exposure: tuple[float, float] = (1.0, 1.0),
    confidence: float = 0.95,
) -> Displacement:
    """Return what a measure changed where it was taken, set against a control and displacement.

    Parameters
    ----------
    treated, control
        Counts before and after where the measure was taken, and in a place like it.
    near_treated, near_control
        Counts around them, where incidents may have moved to.
    exposure
        Length of the two periods; the estimate is per unit of it.

    Raises
    ------
    InputError
        A count is negative, an exposure or the confidence is out of range.

    References
    ----------
    Wheeler and Ratcliffe (2018), doi:10.1186/s40163-018-0085-5.
    """
    if not (exposure[0] > 0 and exposure[1] > 0):
        raise InputError(f"exposure is {exposure}; both periods must have a positive length")
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it must lie between 0 and 1")
    estimate, variance = np.zeros(()), np.zeros(())
    for sign, pair in ((1, treated), (-1, control), (1, near_treated), (-1, near_control)):
        before, after = (np.asarray(counts, dtype=np.float64) for counts in pair)
        if (before < 0).any() or (after < 0).any():
            raise InputError("a count is negative; hand in incidents before and after")
        estimate = estimate + sign * (after / exposure[1] - before / exposure[0])
        variance = variance + after / exposure[1] ** 2 + before / exposure[0] ** 2
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0, estimate / error, 0.0)
    half = ndtri((1 + confidence) / 2) * error
    p = 2 * ndtr(-np.abs(z))
    return Displacement(estimate, error, z, p, estimate - half, estimate + half)
