"""What a part of a forecast week should bring: a day, or the hours of it that are over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, norm, poisson

from geo.errors import InputError

Floats = NDArray[np.float64]
HOURS_OF_WEEK = 168
_PRIOR_WEEKS = 0.5


@dataclass(frozen=True)
class Part:
    """Expected reports of a part of a week, with an interval.

    Attributes
    ----------
    dispersion
        Variance over mean, 1 for Poisson counts.
    """

    mean: float
    low: float
    high: float
    dispersion: float


def share_hours(counts: Floats) -> Floats:
    """Return the share of each hour of the week, Monday 0 h first; sums to 1.

    Half a week of evenly spread counts is added, so that an hour without any is not impossible.

    Parameters
    ----------
    counts
        Reports by hour of the week over whole weeks, ``(168,)``.

    Raises
    ------
    InputError
        It has another shape.
    """
    if counts.shape != (HOURS_OF_WEEK,):
        raise InputError(f"hours of the week have the shape (168,), not {counts.shape}")
    even = max(float(counts.sum()), 1.0) * _PRIOR_WEEKS / HOURS_OF_WEEK
    smoothed = counts + even / 8
    shares: Floats = smoothed / smoothed.sum()
    return shares


def disperse_forecast(mean: Floats, low: Floats, high: Floats, *, interval: float) -> float:
    """Return variance over mean of the sum of independent forecasts, from their intervals.

    Parameters
    ----------
    mean, low, high
        Of each area, ``(n_areas,)``; the interval holds the middle `interval` of probability.
    """
    if not mean.sum() > 0:
        return 1.0
    width = 2 * norm.ppf(0.5 + interval / 2)
    variance = float((((high - low) / width) ** 2).sum())
    return max(1.0, variance / float(mean.sum()))


def disperse_history(counts: Floats) -> float:
    """Return variance over mean of the same part in earlier weeks; 1 where they are too few."""
    if len(counts) < 4 or not counts.sum() > 0:
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def expect_part(
    week_mean: float, share: float, *, dispersion: float, interval: float = 0.9
) -> Part:
    """Return what a share of a week's expected reports means, with its interval.

    The count is taken as negative binomial of the dispersion given, Poisson at 1: a part of a
    week is at least as uncertain, for its size, as the week.

    Examples
    --------
    >>> part = expect_part(700.0, 1 / 7, dispersion=1.0)
    >>> round(part.mean), part.low, part.high
    (100, 84.0, 117.0)
    """
    mean, tail = week_mean * share, (1 - interval) / 2
    if mean <= 0:
        return Part(0.0, 0.0, 0.0, dispersion)
    if dispersion <= 1.001:
        low, high = np.asarray(poisson.ppf([tail, 1 - tail], mean))
    else:
        law = mean / (dispersion - 1), 1 / dispersion
        low, high = np.asarray(nbinom.ppf([tail, 1 - tail], *law))
    return Part(mean, float(low), float(high), dispersion)
