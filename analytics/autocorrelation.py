"""Trends in series whose neighbouring steps resemble each other, and how sure a slope is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from analytics.trends import MannKendall, mann_kendall
from geo.errors import InputError

Floats = NDArray[np.float64]


def hamed_rao(series: NDArray[Any], *, alpha: float = 0.05, lags: int | None = None) -> MannKendall:
    """Test every row by Mann-Kendall with a variance that allows for autocorrelation.

    Parameters
    ----------
    series
        Shape ``(n_units, n_steps)``, without gaps; at least 3 steps.
    alpha
        Two-sided level at which a lag's autocorrelation counts.
    lags
        Lags to look at, all by default. Far lags of short series are mostly noise; 3 is what
        Hamed and Rao propose.

    Returns
    -------
    MannKendall
        As `mann_kendall`, with var_s, z and p corrected. Where strong negative autocorrelation
        leaves no variance, z and p are NaN: no test is possible.

    References
    ----------
    Hamed and Rao (1998), doi:10.1016/S0022-1694(97)00125-X.
    """
    values = _complete(series)
    plain = mann_kendall(values)
    n = values.shape[1]
    most = n - 1 if lags is None else min(lags, n - 1)
    detrended = values - np.arange(1, n + 1) * plain.slope[:, None]
    ranks = rankdata(detrended, axis=1) if len(values) else detrended
    corrected = plain.var_s * _inflation(_autocorrelation(ranks, most), n, alpha=alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (plain.s - np.sign(plain.s)) / np.sqrt(np.where(corrected > 0, corrected, np.nan))
    z = np.where(plain.s == 0, 0.0, z)
    return replace(plain, var_s=corrected, z=z, p=2 * ndtr(-np.abs(z)))


def pre_whitened(series: NDArray[Any], *, trend_free: bool = False) -> MannKendall:
    """Test every row by Mann-Kendall after taking out its lag-one autocorrelation.

    Parameters
    ----------
    series
        Shape ``(n_units, n_steps)``, without gaps; at least 3 steps.
    trend_free
        Whether Sen's slope is taken out first and put back afterwards (Yue et al. 2002). It keeps
        the power but not the level: in strongly autocorrelated noise it calls trends as often as
        the plain test does. Without it the level holds, but a real trend is taken for
        autocorrelation in part and is weakened.

    Returns
    -------
    MannKendall
        Of the whitened series, one step shorter; slope is that of the series handed in.

    References
    ----------
    Yue, Pilon, Phinney and Cavadias (2002), doi:10.1002/hyp.1095; plain pre-whitening: Kulkarni
    and von Storch (1995), Meteorologische Zeitschrift 4:82-85.
    """
    values = _complete(series)
    slope = mann_kendall(values).slope
    n = values.shape[1]
    drift = slope[:, None] if trend_free else np.zeros((len(values), 1))
    rest = values - np.arange(1, n + 1) * drift
    first = _autocorrelation(rest, 1)
    white = rest[:, 1:] - rest[:, :-1] * first + np.arange(1, n) * drift
    return replace(mann_kendall(white), slope=slope)


def _complete(series: NDArray[Any]) -> Floats:
    values = np.ascontiguousarray(series, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 3:
        raise InputError(f"series must be units x 3 steps or more, not of shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError("a step is missing; autocorrelation needs series without gaps")
    return values


def _inflation(correlation: Floats, n: int, *, alpha: float) -> Floats:
    """Return by what the variance of S grows, shape ``(n_units,)``."""
    lag = np.arange(1, correlation.shape[1] + 1)
    counts = np.abs(correlation) > ndtri(1 - alpha / 2) / np.sqrt(n)
    weight = (n - lag) * (n - lag - 1) * (n - lag - 2)
    excess = np.where(counts, weight * correlation, 0.0).sum(axis=1)
    return np.asarray(1 + 2 / (n * (n - 1) * (n - 2)) * excess)


@njit(cache=True, nogil=True)
def _autocorrelation(values: Floats, lags: int) -> Floats:
    """Return lags 1 to `lags`, shape ``(n_units, lags)``; 0 for a constant row."""
    n_units, n = values.shape
    result = np.zeros((n_units, lags))
    row = np.empty(n)
    for i in range(n_units):
        row[:] = values[i] - values[i].mean()
        total = (row * row).sum()
        if total <= 1e-24 * n * np.abs(values[i]).max() ** 2:
            continue
        for lag in range(1, lags + 1):
            result[i, lag - 1] = (row[lag:] * row[: n - lag]).sum() / total
    return result
