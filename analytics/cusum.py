"""Alarms as counts come in: the Poisson CUSUM, and how long it runs without cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]

LONGEST_RUN = 100
"""A simulated run is cut after this many times the run length that is asked for."""


@dataclass(frozen=True, eq=False)
class Cusum:
    """The cumulative sum of each unit after each step; arrays ``(n_units, n_steps)``.

    Attributes
    ----------
    sums
        Evidence for a change, log likelihood ratio; 0 where there is none. After an alarm it
        begins again.
    alarms
        Whether the sum passed the threshold in this step.
    since
        Step from which the evidence has grown, -1 where there is none: of an alarm, when the
        change probably began.
    """

    sums: Floats
    alarms: NDArray[np.bool_]
    since: NDArray[np.int64]


def poisson_cusum(
    series: NDArray[Any],
    expected: ArrayLike,
    *,
    ratio: float = 1.5,
    threshold: float,
    head_start: float = 0.0,
) -> Cusum:
    """Add up the evidence that counts have become `ratio` times what is expected.

    Each step adds ``y ln(ratio) - m (ratio - 1)``, y being the count and m its expectation, and
    the sum never falls below 0: Lucas's scheme, in units of log likelihood, which lets the
    expectation vary by season and place.

    Parameters
    ----------
    series
        Counts, ``(n_units, n_steps)``, in order.
    expected
        Expected counts, broadcast to the series, above 0: for example a forecast made before.
    ratio
        Change to be found: above 1 a rise, below 1 a fall.
    threshold
        Sum from which there is an alarm, see `find_threshold`.
    head_start
        Part of the threshold at which sums begin (0 to below 1): a change that is there from the
        first step is found earlier; Lucas and Crosier take a half.

    Raises
    ------
    InputError
        A count or expectation does not fit, or a parameter is out of range.

    References
    ----------
    Lucas (1985), doi:10.1080/00401706.1985.10488030; Lucas and Crosier (1982),
    doi:10.1080/00401706.1982.10487759.
    """
    counts = np.ascontiguousarray(series, dtype=np.float64)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("a CUSUM needs counts by unit and step, none negative or missing")
    try:
        means = np.ascontiguousarray(np.broadcast_to(expected, counts.shape), dtype=np.float64)
    except ValueError as error:
        raise InputError(f"expected counts do not fit a series of shape {counts.shape}") from error
    if not (np.isfinite(means) & (means > 0)).all():
        raise InputError("expected counts must be above 0; leave out units where none are expected")
    _check(ratio, threshold, head_start)
    return Cusum(*_add_up(counts, means, np.log(ratio), ratio - 1.0, threshold, head_start))


def _check(ratio: float, threshold: float, head_start: float) -> None:
    if not (0 < ratio < np.inf and ratio != 1):
        raise InputError(f"ratio is {ratio}; it must be above 0 and not 1")
    if not threshold > 0:
        raise InputError(f"threshold is {threshold}; it must be above 0")
    if not 0 <= head_start < 1:
        raise InputError(f"head_start is {head_start}; it must be 0 to below 1")


@njit(cache=True, nogil=True)
def _add_up(
    counts: Floats, means: Floats, gain: float, loss: float, threshold: float, head_start: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    n_units, n_steps = counts.shape
    sums = np.zeros((n_units, n_steps))
    alarms = np.zeros((n_units, n_steps), dtype=np.bool_)
    since = np.full((n_units, n_steps), -1, dtype=np.int64)
    for i in range(n_units):
        total, first = head_start * threshold, 0
        for t in range(n_steps):
            total = max(0.0, total + counts[i, t] * gain - means[i, t] * loss)
            sums[i, t] = total
            if total == 0.0:
                first = t + 1
                continue
            since[i, t] = first
            if total >= threshold:
                alarms[i, t] = True
                total, first = head_start * threshold, t + 1
    return sums, alarms, since


def average_run_length(
    mean: float,
    *,
    ratio: float,
    threshold: float,
    rng: np.random.Generator,
    true_ratio: float = 1.0,
    head_start: float = 0.0,
    runs: int = 2000,
    longest: int = 100_000,
) -> tuple[float, float]:
    """Return how many steps pass until an alarm, on average, and the standard error of that.

    Parameters
    ----------
    mean
        Expected count of each step.
    true_ratio
        What counts really are, in expectations: 1 for the time between false alarms.
    runs, longest
        Runs to simulate, each cut after so many steps (then the average is a lower bound).

    Raises
    ------
    InputError
        A parameter is out of range.
    """
    _check(ratio, threshold, head_start)
    if not (mean > 0 and true_ratio >= 0 and runs > 1 and longest > 0):
        raise InputError("mean, runs and longest must be above 0, true_ratio not below")
    total = np.full(runs, head_start * threshold)
    lengths = np.full(runs, longest, dtype=np.int64)
    running = np.arange(runs)
    for step in range(1, longest + 1):
        counts = rng.poisson(mean * true_ratio, len(running))
        total = np.maximum(0.0, total + counts * np.log(ratio) - mean * (ratio - 1))
        over = total >= threshold
        lengths[running[over]] = step
        total, running = total[~over], running[~over]
        if not len(running):
            break
    return float(lengths.mean()), float(lengths.std(ddof=1) / np.sqrt(runs))


def find_threshold(
    mean: float,
    *,
    ratio: float,
    run_length: float,
    rng: np.random.Generator,
    runs: int = 1000,
) -> float:
    """Return the threshold at which false alarms come `run_length` steps apart on average.

    Simulated with the same draws at each threshold tried; the counts are whole, so run lengths
    near the one asked for may not exist, and the first threshold that is long enough is taken.

    Raises
    ------
    InputError
        `run_length` is below 2, or another parameter is out of range.
    """
    if not run_length >= 2:
        raise InputError(f"run_length is {run_length}; it must be 2 steps or more")
    seed = int(rng.integers(2**63))

    def reached(threshold: float) -> bool:
        average, _ = average_run_length(
            mean,
            ratio=ratio,
            threshold=threshold,
            rng=np.random.default_rng(seed),
            runs=runs,
            longest=int(LONGEST_RUN * run_length),
        )
        return average >= run_length

    low, high = 0.0, 1.0
    while not reached(high):
        low, high = high, 2 * high
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
