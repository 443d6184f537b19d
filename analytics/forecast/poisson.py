"""A Poisson regression with a Gaussian belief about its slopes, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]

_SMALLEST_STEP = 1e-6
_MOST_LOG_MEAN = 50.0


@dataclass(frozen=True, eq=False)
class Posterior:
    """Coefficients of a Poisson regression and the Cholesky factor of their precision."""

    coefficients: Floats
    factor: Floats

    def shares(self, design: NDArray[np.floating]) -> Floats:
        """Return each unit's share of the intensity, summing to one."""
        return shares_of(design @ self.coefficients)

    def variance(self, design: NDArray[np.floating]) -> Floats:
        """Return the variance of the log intensity of each row."""
        half = linalg.solve_triangular(self.factor, design.T, lower=True)
        return np.asarray((half**2).sum(axis=0))


def shares_of(log_intensity: NDArray[np.floating]) -> Floats:
    """Return each unit's share of the intensity, summing to one; none is zero."""
    intensity = np.exp(log_intensity - log_intensity.max()) + 1e-12
    return np.asarray(intensity / intensity.sum())


def fit_poisson(
    design: Floats,
    y: Floats,
    *,
    precision: Floats,
    rounds: int,
    weight: Floats | None = None,
) -> Posterior:
    """Fit a Poisson regression with a Gaussian belief around 0.

    Parameters
    ----------
    design, y
        Shape ``(n, k)`` and ``(n,)``; the first column is the constant.
    precision
        One over the variance of the belief about each coefficient, shape ``(k,)``.
    rounds
        Newton steps at most; each is halved until it improves.
    weight
        How many rows each row stands for, shape ``(n,)``; one each when not given.
    """
    each = np.ones(len(y)) if weight is None else weight
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(max(float(each @ y / each.sum()), 1e-6))
    value = -np.inf
    step = np.zeros_like(beta)
    factor = np.diag(np.sqrt(precision))
    for _ in range(rounds):
        size = 1.0
        while size > _SMALLEST_STEP:
            trial = beta + size * step
            log_mean = np.minimum(design @ trial, _MOST_LOG_MEAN)
            mean = each * np.exp(log_mean)
            now = float((each * y) @ log_mean - mean.sum() - 0.5 * precision @ trial**2)
            if now >= value:
                break
            size /= 2
        beta, gained, value = trial, now - value, now
        information = (design * mean[:, None]).T @ design + np.diag(precision)
        factor = linalg.cholesky(information, lower=True)
        if gained < _SMALLEST_STEP * (1 + abs(value)):
            break
        step = linalg.cho_solve((factor, True), design.T @ (each * y - mean) - precision * beta)
    return Posterior(beta, factor)
