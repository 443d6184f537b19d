"""Rates of small places: what is left when chance is taken out, and who is out of the funnel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of each unit; every array has shape ``(n,)``.

    Attributes
    ----------
    raw
        Events per head (household, km); NaN without any.
    smoothed
        Drawn towards the overall rate, the more the smaller the unit; the overall rate itself
        where nobody lives.
    weight
        Part of the raw rate in the smoothed one, within 0 and 1.
    overall
        Events over all heads.
    """

    raw: Floats
    smoothed: Floats
    weight: Floats
    overall: float


@dataclass(frozen=True, eq=False)
class Funnel:
    """Limits of chance around a rate, and where each unit lies; arrays have shape ``(n,)``.

    Attributes
    ----------
    low, high
        Rates between which a unit lies with the confidence asked for if its true rate is the
        target; NaN without population.
    label
        ``above``, ``below``, ``within``, or ``unknown`` without population.
    """

    low: Floats
    high: Floats
    label: NDArray[np.str_]


def smooth_rates(events: NDArray[Any], population: NDArray[Any]) -> Rates:
    """Shrink rates towards the overall one by empirical Bayes.

    Parameters
    ----------
    events
        Counts, shape ``(n,)``.
    population
        What they are divided by (households, street length), shape ``(n,)``, not negative.

    Raises
    ------
    InputError
        The shapes differ, a value is negative, or nobody lives anywhere.

    References
    ----------
    Marshall (1991), doi:10.2307/2347593.
    """
    e, b = _check(events, population)
    overall = float(e.sum() / b.sum())
    raw = np.divide(e, b, out=np.full(len(e), np.nan), where=b > 0)
    spread = float((b * (np.nan_to_num(raw) - overall) ** 2).sum() / b.sum())
    between = max(0.0, spread - overall * np.count_nonzero(b > 0) / float(b.sum()))
    within = np.divide(overall, b, out=np.full(len(e), np.inf), where=b > 0)
    weight = between / (between + within) if between > 0 else np.zeros(len(e))
    smoothed = weight * np.nan_to_num(raw) + (1 - weight) * overall
    return Rates(raw=raw, smoothed=smoothed, weight=weight, overall=overall)


def funnel_limits(
    events: NDArray[Any],
    population: NDArray[Any],
    *,
    target: float | None = None,
    confidence: float = 0.998,
) -> Funnel:
    """Tell which rates chance alone would hardly give units of their size.

    Parameters
    ----------
    events, population
        As in `smooth_rates`.
    target
        The rate to compare with, the overall one by default.
    confidence
        0.998 (three sigma) or 0.95 (two) are usual; among hundreds of units take the wider.

    Raises
    ------
    InputError
        As `smooth_rates`, or the confidence is out of range.

    References
    ----------
    Spiegelhalter (2005), doi:10.1002/sim.1970: exact Poisson limits, interpolated.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it must lie between 0 and 1")
    e, b = _check(events, population)
    rate = float(e.sum() / b.sum()) if target is None else target
    tail = (1 - confidence) / 2
    low, high = (_quantile(p, rate * b) for p in (tail, 1 - tail))
    known = b > 0
    low, high = (
        np.divide(limit, b, out=np.full(len(b), np.nan), where=known) for limit in (low, high)
    )
    raw = np.divide(e, b, out=np.full(len(b), np.nan), where=known)
    label = np.select([~known, raw > high, raw < low], ["unknown", "above", "below"], "within")
    return Funnel(low=low, high=high, label=label)


def _quantile(p: float, mean: Floats) -> Floats:
    """Return the Poisson quantile, interpolated so that the limits are smooth in the mean."""
    x = poisson.ppf(p, mean)
    above, below = poisson.cdf(x, mean), poisson.cdf(x - 1, mean)
    part = np.divide(above - p, above - below, out=np.zeros_like(mean), where=above > below)
    return np.asarray(np.maximum(x - part, 0.0))


def _check(events: NDArray[Any], population: NDArray[Any]) -> tuple[Floats, Floats]:
    e, b = np.asarray(events, dtype=np.float64), np.asarray(population, dtype=np.float64)
    if e.shape != b.shape or e.ndim != 1:
        raise InputError(f"events {e.shape} and population {b.shape} must be one value a unit")
    if not (np.isfinite(e).all() and np.isfinite(b).all()) or (e < 0).any() or (b < 0).any():
        raise InputError("a count or a population is negative or missing; leave such units out")
    if not b.sum() > 0:
        msg = "no unit has any population, so there is no rate; gridbeat import households"
        raise InputError(msg)
    return e, b
