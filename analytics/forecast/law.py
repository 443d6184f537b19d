"""Counts with spread: the negative binomial law, Poisson where its size is infinite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

POISSON_SIZE = 1e6
"""Size from which on the law is computed as Poisson: the two differ by less than mean^2 / size."""
_TINY = 1e-300
_TRIED = 8


def count_log_pmf(
    y: NDArray[np.floating] | NDArray[np.integer], mean: Floats, size: Floats
) -> Floats:
    """Return the log probability of each count; shapes broadcast."""
    y, mean, size = _as_floats(y, mean, size)
    poisson = special.xlogy(y, mean) - mean - special.gammaln(y + 1)
    r = _finite(size)
    wide = (
        special.gammaln(y + r)
        - special.gammaln(r)
        - special.gammaln(y + 1)
        - r * np.log1p(mean / r)
        + special.xlogy(y, mean / (r + mean))
    )
    return np.where(size >= POISSON_SIZE, poisson, wide)


def count_cdf(y: NDArray[np.floating] | NDArray[np.integer], mean: Floats, size: Floats) -> Floats:
    """Return the probability of at most `y`, 0 below zero; shapes broadcast."""
    y, mean, size = _as_floats(y, mean, size)
    k, r = np.maximum(y, 0.0), _finite(size)
    poisson = special.gammaincc(k + 1, mean)
    wide = special.betainc(r, k + 1, r / (r + mean))
    return np.where(y < 0, 0.0, np.where(size >= POISSON_SIZE, poisson, wide))


def count_quantiles(level: float, mean: Floats, size: Floats) -> Floats:
    """Return the smallest count whose cdf reaches `level`; shapes broadcast.

    Most units expect next to nothing, so counts are tried from zero up, and the rest of the
    units, once the counts are large, are left to SciPy's search.
    """
    _, mean, size = _as_floats(np.zeros(()), mean, size)
    out, left = np.zeros(mean.size), np.arange(mean.size)
    flat_mean, flat_size = mean.ravel(), size.ravel()
    for count in range(_TRIED if 0 < level < 1 else 0):
        short = count_cdf(np.full(len(left), count), flat_mean[left], flat_size[left]) < level
        left = left[short]
        if not len(left):
            return out.reshape(mean.shape)
        out[left] = count + 1
    out[left] = _search_quantiles(level, flat_mean[left], flat_size[left])
    return out.reshape(mean.shape)


def _search_quantiles(level: float, mean: Floats, size: Floats) -> Floats:
    poisson = size >= POISSON_SIZE
    out = np.empty(mean.shape)
    out[poisson] = stats.poisson.ppf(level, mean[poisson])
    r = size[~poisson]
    out[~poisson] = stats.nbinom.ppf(level, r, r / (r + mean[~poisson]))
    return out


def count_crps(y: NDArray[np.floating] | NDArray[np.integer], mean: Floats, size: Floats) -> Floats:
    """Return the continuous ranked probability score of each count, in incidents; lower is better.

    References
    ----------
    Wei and Held (2014), doi:10.1007/s11749-014-0380-8, closed forms of both laws.
    """
    y, mean, size = _as_floats(y, mean, size)
    poisson = size >= POISSON_SIZE
    out = np.empty(mean.shape)
    out[poisson] = _poisson_crps(y[poisson], mean[poisson])
    out[~poisson] = _negative_binomial_crps(y[~poisson], mean[~poisson], size[~poisson])
    return out


def _poisson_crps(y: Floats, mean: Floats) -> Floats:
    pmf = np.exp(special.xlogy(y, mean) - mean - special.gammaln(y + 1))
    cdf = special.gammaincc(y + 1, mean)
    return np.asarray((y - mean) * (2 * cdf - 1) + 2 * mean * pmf - _poisson_half_gini(mean))


def _poisson_half_gini(mean: Floats) -> Floats:
    return np.asarray(mean * (special.ive(0, 2 * mean) + special.ive(1, 2 * mean)))


def _negative_binomial_crps(y: Floats, mean: Floats, size: Floats) -> Floats:
    # E|Y - y| less half of E|Y - Y'|; the first by Y's size-biased law, the second by Gauss's 2F1.
    p = size / (size + mean)
    here = special.betainc(size, y + 1, p)
    biased = np.where(y > 0, special.betainc(size + 1, np.maximum(y, 1.0), p), 0.0)
    distance = y * (2 * here - 1) - mean * (2 * biased - 1)
    odds = (1 - p) / p**2
    half_gini = size * odds * special.hyp2f1(size + 1, 0.5, 2.0, -4 * odds)
    # 2F1 overflows at large sizes; there the law is a Poisson one a little stretched.
    near = _poisson_half_gini(mean) * np.sqrt(1 + mean / size)
    return np.asarray(distance - np.where(np.isfinite(half_gini), half_gini, near))


def _as_floats(
    y: NDArray[np.floating] | NDArray[np.integer], mean: Floats, size: Floats
) -> tuple[Floats, Floats, Floats]:
    a, b, c = np.broadcast_arrays(
        np.asarray(y, dtype=np.float64),
        np.asarray(mean, dtype=np.float64),
        np.asarray(size, dtype=np.float64),
    )
    return a, np.maximum(b, _TINY), c


def _finite(size: Floats) -> Floats:
    return np.minimum(size, POISSON_SIZE)
