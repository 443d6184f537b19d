"""A log-Gaussian Cox process whose field is a sum of random waves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.level import LevelParams, forecast_level
from analytics.forecast.poisson import Posterior, fit_poisson, shares_of
from analytics.forecast.protocol import Forecast, Places, Target, check_cutoffs, step_totals
from analytics.forecast.surfaces import Memory, Surface, Surfaces, look_at
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
        past = look_at(cube, self.places, self.target, PAST)
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
        totals = step_totals(past.cube, past.target)[:cutoff]
        seen, means = [], []
        field = waves @ posterior.coefficients[-waves.shape[1] :]
        slopes = posterior.coefficients[: -waves.shape[1]]
        for t in range(cutoff - min(8, how.outcome_steps), cutoff):
            level = forecast_level(totals, past.cube.steps, t, 1, how.level)[0]
            means.append(level * shares_of(densities(past, t) @ slopes + field))
            seen.append(past.series[:, t])
        design = np.hstack([densities(past, cutoff), waves])
        spread = estimate_dispersion(np.array(seen), np.array(means))
        share, doubt = posterior.shares(design), np.expm1(posterior.variance(design))
        return FittedCox(self, past.cube, cutoff, share, doubt, spread)


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
        totals = step_totals(self.cube, self.method.target)[: self.cutoff_step]
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
