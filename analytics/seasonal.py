"""Seasonal Mann-Kendall: each January is compared with the other Januaries only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from analytics.trend_kernel import pair_slopes
from analytics.trends import MannKendall, mann_kendall
from geo.errors import InputError

Floats = NDArray[np.float64]


def seasonal_mann_kendall(
    series: NDArray[Any], *, period: int, dependent: bool = False
) -> MannKendall:
    """Test every row for a trend that a yearly (or weekly) rhythm cannot feign.

    Parameters
    ----------
    series
        Shape ``(n_units, n_steps)``, evenly spaced. NaN is a missing step and is skipped. The
        last cycle may be incomplete. No units give empty arrays.
    period
        Steps in a cycle: 12 months, 7 days, 24 hours.
    dependent
        Whether the variance allows for seasons that move together, as months of one bad year do;
        it then needs series without gaps of whole cycles. Safer, and weaker below ten cycles.

    Returns
    -------
    MannKendall
        s, its variance and tau are those of all seasons together; slope is the median change
        over one whole cycle between steps of one season.

    Raises
    ------
    InputError
        The period is below 2, or `dependent` is asked of series with gaps.

    References
    ----------
    Hirsch, Slack and Smith (1982), doi:10.1029/WR018i001p00107; dependent seasons: Hirsch and
    Slack (1984), doi:10.1029/WR020i006p00727, with the covariances of Dietz and Killeen (1981),
    doi:10.1080/01621459.1981.10477618.
    """
    cycles = fold(series, period=period)
    n_units, n_cycles = cycles.shape[0], cycles.shape[2]
    each = mann_kendall(cycles.reshape(-1, n_cycles))
    s, var_s = (part.reshape(n_units, period).sum(axis=1) for part in (each.s, each.var_s))
    if dependent:
        if np.isnan(cycles).any():
            raise InputError(
                "dependent seasons need whole cycles without missing steps; "
                f"cut the series to a multiple of {period}, or fill the gaps"
            )
        var_s = var_s + 2 * _covariances(cycles)
    known = (~np.isnan(cycles)).sum(axis=2)
    pairs = (known * (known - 1) / 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(var_s > 0, (s - np.sign(s)) / np.sqrt(var_s), 0.0)
        tau = s / pairs
    slope = _median_slope(cycles)
    return MannKendall(s=s, var_s=var_s, z=z, p=2 * ndtr(-np.abs(z)), tau=tau, slope=slope)


def fold(series: NDArray[Any], *, period: int) -> Floats:
    """Return the series by season, shape ``(n_units, period, n_cycles)``; NaN past its end."""
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"series must be units x steps, not of shape {values.shape}")
    if period < 2:
        raise InputError(f"period is {period}; a cycle has at least 2 steps")
    missing = -values.shape[1] % period
    padded = np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan)
    cycles = padded.reshape(len(values), padded.shape[1] // period, period)
    return np.ascontiguousarray(cycles.swapaxes(1, 2))


@njit(cache=True, nogil=True)
def _covariances(cycles: Floats) -> Floats:
    """Return the sum of the covariances of s over all pairs of seasons, shape ``(n_units,)``."""
    n_units, period, n = cycles.shape
    total = np.zeros(n_units)
    ranks = np.empty((period, n))
    for i in range(n_units):
        for g in range(period):
            for a in range(n):
                above = 0.0
                for b in range(n):
                    above += np.sign(cycles[i, g, a] - cycles[i, g, b])
                ranks[g, a] = (n + 1 + above) / 2
        for g in range(period - 1):
            for h in range(g + 1, period):
                together, product = 0.0, 0.0
                for a in range(n):
                    product += ranks[g, a] * ranks[h, a]
                    for b in range(a + 1, n):
                        rise_g = np.sign(cycles[i, g, b] - cycles[i, g, a])
                        together += rise_g * np.sign(cycles[i, h, b] - cycles[i, h, a])
                total[i] += (together + 4 * product - n * (n + 1) ** 2) / 3
    return total


@njit(cache=True, nogil=True)
def _median_slope(cycles: Floats) -> Floats:
    n_units, period, n = cycles.shape
    slope = np.full(n_units, np.nan)
    slopes = np.empty(period * n * (n - 1) // 2)
    for i in range(n_units):
        filled = pair_slopes(cycles[i], slopes)
        if filled:
            slope[i] = np.median(slopes[:filled])
    return slope
