"""Bursts: more reports in the last hours than chance gives, by area, and by class in an area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from analytics.fdr import adjust_fdr
from analytics.today import HOURS_OF_WEEK
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_PRIOR_REPORTS = 50.0


@dataclass(frozen=True)
class BurstParams:
    """When reports are a burst.

    Attributes
    ----------
    window_h
        Length of the last hours that are looked at.
    alpha
        Largest probability of so many by chance. At 1e-4 and windows of two hours, 100 areas give
        one false alarm in eight days.
    fewest
        Fewer reports are never a burst, however quiet the area is.
    weeks
        Length of the history that the usual rate comes from.
    fdr
        False discovery rate over all classes in all areas of one look. At 0.01 and windows of two
        hours, a jurisdiction has one false alarm in eight days, however many pairs it has.
    """

    window_h: int = 2
    alpha: float = 1e-4
    fewest: int = 4
    weeks: int = 8
    fdr: float = 0.01

    def __post_init__(self) -> None:
        if not 1 <= self.window_h <= 24 or not 0 < self.alpha < 1 or self.fewest < 1:
            raise InputError("a burst's window is 1 to 24 h, alpha in (0, 1), fewest at least 1")
        if self.weeks < 1:
            raise InputError("a burst's history is one week or longer")
        if not 0 < self.fdr < 1:
            raise InputError("a burst's false discovery rate lies in (0, 1)")


@dataclass(frozen=True, eq=False)
class Bursts:
    """Each area's expectation and chance; arrays ``(n_areas,)``."""

    expected: Floats
    p: Floats
    is_burst: NDArray[np.bool_]


def find_bursts(
    recent: Ints, history: Ints, shares: Floats, *, hour: float, params: BurstParams,
    weekly: Floats | None = None,
) -> Bursts:  # fmt: skip
    """Compare the last hours of each area with its own rate and the hours of the week.

    The expectation is the area's reports a week times the share of the week that those hours
    have in the whole jurisdiction; the chance is the upper tail of a Poisson count. An area
    without history is given half a report in it.

    Parameters
    ----------
    recent
        Reports of each area in the last `window_h` hours, ``(n_areas,)``.
    history
        Those of the `weeks` before, without the recent ones.
    shares
        Of each hour of the week, Monday 0 h first, ``(168,)``, as `share_hours` gives them.
    hour
        Local hour of the week at which the window ends, a fraction too, in [0, 168).
    weekly
        Reports a week that a forecast expects of each area, ``(n_areas,)``, in place of its recent
        rate; nan where there is none.
    """
    share = share_of_span(shares, until=hour, length_h=params.window_h)
    expected = _weekly(np.maximum(history, 0.5).astype(np.float64), weekly, params) * share
    p = np.asarray(poisson.sf(recent - 1, expected), dtype=np.float64)
    return Bursts(expected, p, (recent >= params.fewest) & (p < params.alpha))


@dataclass(frozen=True, eq=False)
class ClassBursts:
    """Each class in each area; arrays ``(n_areas, n_classes)``.

    `low` and `high` hold the middle 95 % of what chance gives.
    """

    expected: Floats
    low: Ints
    high: Ints
    p: Floats
    q: Floats
    is_burst: NDArray[np.bool_]


def find_class_bursts(
    recent: Ints, history: Ints, same_hours: Ints, *, share: float, params: BurstParams,
    weekly: Floats | None = None,
) -> ClassBursts:  # fmt: skip
    """Compare the last hours of each class in each area with its own rate.

    A pair's rate is uncertain where it has few reports: under a Poisson count and Jeffreys' prior
    for the rate the next count is negative binomial, which the chance and the interval come from.
    A class has its own hours, drawn towards those of all classes by the weight of 50 reports. All
    pairs are tested at once, so the Benjamini-Hochberg procedure keeps false alarms few.

    Parameters
    ----------
    recent
        Reports of the last `window_h` hours, ``(n_areas, n_classes)``.
    history
        Those of the `weeks` before, without the recent ones, ``(n_areas, n_classes)``.
    same_hours
        Reports of each class in the same hours of the week in that history, anywhere,
        ``(n_classes,)``.
    share
        Of the week that those hours have over all classes, as `share_of_span` gives it.
    weekly
        Reports a week that a forecast expects of each pair, ``(n_areas, n_classes)``, in place of
        its recent rate; nan where there is none. The rate is as uncertain as without it.

    References
    ----------
    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x; Gelman et al. (2013),
    Bayesian Data Analysis, 3rd ed., section 2.6 (the gamma-Poisson predictive).
    """
    shares = (same_hours + _PRIOR_REPORTS * share) / (history.sum(axis=0) + _PRIOR_REPORTS)
    known = history.astype(np.float64) + 0.5
    expected = _weekly(known, weekly, params) * shares
    chance = nbinom(known, known / (known + expected))
    p = np.asarray(chance.sf(recent - 1), dtype=np.float64)
    q = adjust_fdr(p.ravel()).reshape(p.shape)
    low, high = (np.asarray(chance.ppf(at), np.int64) for at in (0.025, 0.975))
    return ClassBursts(
        expected, low, high, p, q,
        (recent >= params.fewest) & (q < params.fdr),
    )  # fmt: skip


def _weekly(known: Floats, weekly: Floats | None, params: BurstParams) -> Floats:
    """Return reports a week: as forecast, never below half a report in the whole history."""
    recent = known / params.weeks
    if weekly is None:
        return np.asarray(recent)
    return np.where(np.isnan(weekly), recent, np.maximum(weekly, 0.5 / params.weeks))


def share_of_span(shares: Floats, *, until: float, length_h: float) -> float:
    """Return the share of a week that lies in the hours before a moment, whole weeks included.

    Examples
    --------
    >>> even = np.full(168, 1 / 168)
    >>> round(share_of_span(even, until=1.5, length_h=2.0) * 168, 6)
    2.0
    >>> round(share_of_span(even, until=0.0, length_h=336.0), 6)
    2.0
    """
    weeks, rest = divmod(length_h, HOURS_OF_WEEK)
    gone = np.concatenate([[0.0], np.cumsum(shares)])
    marks = np.arange(HOURS_OF_WEEK + 1)

    def before(hour: float) -> float:
        return float(np.interp(hour, marks, gone))

    begin = until - rest
    part = before(until) - before(begin) if begin >= 0 else (
        before(until) + 1.0 - before(begin + HOURS_OF_WEEK)
    )  # fmt: skip
    return float(weeks + part)


def is_silent(reports_a_week: float, share: float, *, alpha: float = 1e-4) -> bool:
    """Tell whether no report in a span is too unlikely to be chance: ``exp(-expected) < alpha``."""
    return bool(np.exp(-reports_a_week * share) < alpha)
