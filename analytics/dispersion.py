"""Counts that vary more than chance: how much, and rates compared with that in mind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from geo.errors import InputError

Floats = NDArray[np.float64]


def estimate_dispersion(series: NDArray[Any], exposure: ArrayLike) -> float:
    """Return by how much counts vary beyond Poisson around the level of their own unit.

    Parameters
    ----------
    series
        Counts, ``(n_units, n_steps)``.
    exposure
        Length of each step, ``(n_steps,)``, above 0.

    Returns
    -------
    float
        Squared differences from each unit's level over what chance makes of them, all units
        together, at least 1. 1 where there are fewer than two steps or no incidents. Pearson's
        chi square, the usual figure, comes out too small where most units have few incidents.

    References
    ----------
    McCullagh and Nelder (1989), doi:10.1201/9780203753736, section 6.2.3.
    """
    counts = np.asarray(series, dtype=np.float64)
    length = np.asarray(exposure, dtype=np.float64)
    if counts.ndim != 2 or length.shape != counts.shape[1:] or not (length > 0).all():
        raise InputError("dispersion needs counts by unit and step, and a length of each step")
    total = counts.sum(axis=1, keepdims=True)
    if total.sum() == 0 or counts.shape[1] < 2:
        return 1.0
    share = length / length.sum()
    by_chance = total.sum() * (share * (1 - share)).sum()
    return max(1.0, float(((counts - total * share) ** 2).sum() / by_chance))


def compare_overdispersed(
    before: NDArray[Any], after: NDArray[Any], dispersion: Floats, *, exposure: tuple[float, float]
) -> Floats:
    """Return two-sided p-values of equal rates of overdispersed counts, ``(n,)``.

    If the counts of a unit of exposure are negative binomial with a variance of `dispersion`
    times their mean, then ``after`` is beta-binomial given the total, with the parts of the
    exposure times ``total / (dispersion - 1)``; twice the smaller tail, at most 1.

    Parameters
    ----------
    before, after
        Whole counts, ``(n,)``.
    dispersion
        Above 1, ``(n,)``.

    References
    ----------
    Negative binomial with linear variance: Cameron and Trivedi (2013),
    doi:10.1017/CBO9781139013567, section 3.3; its conditional law is the negative hypergeometric:
    Johnson, Kemp and Kotz (2005), doi:10.1002/0471715816, section 6.2.2.
    """
    if not (np.asarray(dispersion) > 1).all():
        raise InputError("dispersion must be above 1 here; use compare_rates for Poisson counts")
    k = np.asarray(after, dtype=np.int64)
    n = k + np.asarray(before, dtype=np.int64)
    share = exposure[1] / (exposure[0] + exposure[1])
    size = np.maximum(n, 1) / (np.asarray(dispersion, dtype=np.float64) - 1)
    a, b = size * share, size * (1 - share)
    none = gammaln(b + n) - gammaln(b) - gammaln(a + b + n) + gammaln(a + b)
    return np.asarray(_two_sided(k, n, a, b, none))


@njit(cache=True, nogil=True)
def _two_sided(
    k: NDArray[np.int64], n: NDArray[np.int64], a: Floats, b: Floats, none: Floats
) -> Floats:
    p = np.ones(len(k))
    for i in range(len(k)):
        log_chance, below, at = none[i], 0.0, 0.0
        for x in range(k[i] + 1):
            if x > 0:
                grown = (n[i] - x + 1) * (a[i] + x - 1)
                log_chance += np.log(grown / (x * (b[i] + n[i] - x)))
            at = np.exp(log_chance)
            if x < k[i]:
                below += at
        lower, above = below + at, 0.0
        for x in range(k[i] + 1, n[i] + 1):
            grown = (n[i] - x + 1) * (a[i] + x - 1)
            log_chance += np.log(grown / (x * (b[i] + n[i] - x)))
            above += np.exp(log_chance)
        p[i] = min(1.0, 2 * min(lower, above + at))
    return p
