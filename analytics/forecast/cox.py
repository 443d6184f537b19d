"""A log-Gaussian Cox process whose field is a sum of random waves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.level import LevelParams, forecast_level
from analytics.forecast.protocol import Forecast, Places, Target, check_cutoffs
from analytics.forecast.surfaces import Memory, Surface, Surfaces
from geo.errors import InputError

Floats = NDArray[np.float64]

LEAST_PART = 0.05
"""Share of an average unit that is added before a logarithm is taken."""
PAST = (
    Surface(Memory("decay", 400.0)),
    Surface(Memory("decay", 60.0)),
    Surface(Memory("decay", 400.0), 150.0),
    Surface(Memory("decay", 400.0), 400.0),
)
"""Lagged densities that the log intensity is linear in, beside the field."""
_SMALLEST_STEP = 1e-6


@dataclass(frozen=True)
class CoxParams:
    """How the field is made and fitted.

    Attributes
    ----------
    waves
        Random waves for each length.
    lengths_m
        Length scales of the Gaussian covariance.
    field_sd
        Standard deviation of the field at each length, in log intensity.
    outcome_steps
        Newest steps whose incidents are explained by the densities before them.
    slope_sd
        Standard deviation of the belief about the slopes of the densities, around 0.
    refit_steps
        Fitted anew when the cutoff passes a multiple of so many steps.
    rounds
        Newton steps at most.
    seed
        Of the waves.
    level
        How the whole area's level is followed.
    """

    waves: int = 48
    lengths_m: tuple[float, ...] = (600.0, 2500.0)
    field_sd: float = 0.5
    outcome_steps: int = 13
    slope_sd: float = 1.0
    refit_steps: int = 13
    rounds: int = 12
    seed: int = 0
    level: LevelParams = field(default_factory=LevelParams)

    def __post_init__(self) -> None:
        if min(self.waves, self.outcome_steps, self.refit_steps, self.rounds) < 1:
            raise InputError("waves, outcome_steps, refit_steps and rounds must be at least 1")
        if not min(*self.lengths_m, self.field_sd, self.slope_sd, np.inf) > 0:
            raise InputError("lengths_m, field_sd and slope_sd must be above 0")


@dataclass(frozen=True, eq=False)
class Cox:
    """Counts are Poisson given a Gaussian field; log intensity = densities of the past + field.

    The field's covariance is approximated by random Fourier features, so that fitting is a ridge
    regression; its uncertainty (Laplace) widens the intervals.

    References
    ----------
    Moller, Syversveen and Waagepetersen (1998), doi:10.1111/1467-9469.00115, the process;
    Rahimi and Recht (2007), the features; Flaxman et al. (2019), doi:10.1214/19-AOAS1284, both
    together with lagged densities, for the forecasting challenge of the NIJ.
    """

    name: str
    target: Target
    places: Places
    params: CoxParams = CoxParams()

    @property
    def fewest_steps(self) -> int:
        """Return how many steps must lie before a cutoff."""
        return 2 * self.params.outcome_steps

    def fit(self, cube: Cube, cutoff_step: int) -> FittedCox:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedCox]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; the field is fitted once a refit."""
        how = self.params
        check_cutoffs(cube, cutoffs, fewest_steps=self.fewest_steps)
        past = Surfaces(cube, self.places, self.target, PAST)
        waves = random_waves(self.places, how)
        known: dict[int, Posterior] = {}
        for cutoff in cutoffs:
            start = max(self.fewest_steps, cutoff // how.refit_steps * how.refit_steps)
            if start not in known:
                known = {start: self._learn(past, waves, start)}
            yield self._fitted(past, waves, known[start], cutoff)

    def _learn(self, past: Surfaces, waves: Floats, cutoff: int) -> Posterior:
        how = self.params
        begin = cutoff - how.outcome_steps
        y = past.series[:, begin:cutoff].sum(axis=1).astype(np.float64)
        design = np.hstack([densities(past, begin), waves])
        sd = np.r_[10.0, np.full(len(PAST), how.slope_sd), np.full(waves.shape[1], how.field_sd)]
        return fit_poisson(design, y, precision=1 / sd**2, rounds=how.rounds)

    def _fitted(
        self, past: Surfaces, waves: Floats, posterior: Posterior, cutoff: int
    ) -> FittedCox:
        how = self.params
        totals = past.series[:, :cutoff].sum(axis=0)
        seen, means = [], []
        for t in range(cutoff - min(8, how.outcome_steps), cutoff):
            level = forecast_level(totals, past.cube.steps, t, 1, how.level)[0]
            means.append(level * posterior.shares(np.hstack([densities(past, t), waves])))
            seen.append(past.series[:, t])
        design = np.hstack([densities(past, cutoff), waves])
        spread = estimate_dispersion(np.array(seen), np.array(means))
        share, doubt = posterior.shares(design), np.expm1(posterior.variance(design))
        return FittedCox(self, past.cube, cutoff, share, doubt, spread)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Coefficients of a Poisson regression and the Cholesky factor of their precision."""

    coefficients: Floats
    factor: Floats

    def shares(self, design: Floats) -> Floats:
        """Return each unit's share of the intensity, summing to one."""
        log_intensity = design @ self.coefficients
        intensity = np.exp(log_intensity - log_intensity.max()) + 1e-12
        return np.asarray(intensity / intensity.sum())

    def variance(self, design: Floats) -> Floats:
        """Return the variance of the log intensity of each row."""
        half = linalg.solve_triangular(self.factor, design.T, lower=True)
        return np.asarray((half**2).sum(axis=0))


@dataclass(frozen=True, eq=False)
class FittedCox:
    """Shares, and the relative variance ``doubt`` that the field's uncertainty adds."""

    method: Cox
    cube: Cube
    cutoff_step: int
    share: Floats
    doubt: Floats
    dispersion: Dispersion

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        totals = self.method.target.series(self.cube)[:, : self.cutoff_step].sum(axis=0)
        level = forecast_level(
            totals, self.cube.steps, self.cutoff_step, horizon_steps, self.method.params.level
        )
        mean = np.outer(self.share, level)
        # What strayed in the past holds both noise and doubt, so the larger of the two is taken.
        excess = np.maximum(1 / self.dispersion.sizes(mean), self.doubt[:, None])
        with np.errstate(divide="ignore"):
            size = 1 / excess
        described: dict[str, Any] = {"method": self.method.name, "params": vars(self.method.params)}
        return Forecast(mean, size, self.cube.units, self.cutoff_step, MappingProxyType(described))


def random_waves(places: Places, how: CoxParams) -> Floats:
    """Return random Fourier features of a sum of Gaussian covariances.

    Returns
    -------
    NDArray
        Shape ``(n_units, 2 * waves * n_lengths)``; for each length the squares of a row sum to
        one, so that coefficients of variance ``sd**2`` make a field of that variance.
    """
    rng = np.random.default_rng(how.seed)
    points = np.column_stack([places.x, places.y])
    points = points - points.mean(axis=0)
    angles = [points @ rng.normal(0, 1 / length, (2, how.waves)) for length in how.lengths_m]
    waves = [wave for angle in angles for wave in (np.cos(angle), np.sin(angle))]
    return np.asarray(np.hstack(waves) / np.sqrt(how.waves))


def densities(past: Surfaces, step: int) -> Floats:
    """Return a column of ones and the log densities known before `step`, on the scale of one."""
    shares = past.shares(step).astype(np.float64) * len(past.places)
    return np.hstack([np.ones((len(shares), 1)), np.log(shares + LEAST_PART)])


def fit_poisson(design: Floats, y: Floats, *, precision: Floats, rounds: int) -> Posterior:
    """Fit a Poisson regression with a Gaussian belief around 0 by Newton's method.

    Parameters
    ----------
    design, y
        Shape ``(n, k)`` and ``(n,)``; the first column is the constant.
    precision
        One over the variance of the belief about each coefficient, shape ``(k,)``.
    """
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(max(y.mean(), 1e-6))
    value = -np.inf
    step = np.zeros_like(beta)
    factor = np.diag(np.sqrt(precision))
    for _ in range(rounds):
        size = 1.0
        while size > _SMALLEST_STEP:  # halve the step until it improves
            trial = beta + size * step
            log_mean = np.minimum(design @ trial, 50.0)
            now = float(y @ log_mean - np.exp(log_mean).sum() - 0.5 * precision @ trial**2)
            if now >= value:
                break
            size /= 2
        beta, gained, value = trial, now - value, now
        mean = np.exp(log_mean)
        information = (design * mean[:, None]).T @ design + np.diag(precision)
        factor = linalg.cholesky(information, lower=True)
        if gained < _SMALLEST_STEP * (1 + abs(value)):
            break
        step = linalg.cho_solve((factor, True), design.T @ (y - mean) - precision * beta)
    return Posterior(beta, factor)
