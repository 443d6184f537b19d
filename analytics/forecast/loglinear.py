"""A Poisson regression on the logarithms of surfaces: evidence that multiplies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.forecast.blend import (
    BlendParams,
    Window,
    look_back,
    outcome,
    window_starts,
)
from analytics.forecast.dispersion import estimate_dispersion
from analytics.forecast.poisson import Posterior, fit_poisson
from analytics.forecast.protocol import Places, Target, check_cutoffs
from analytics.forecast.shared import FittedShare
from analytics.forecast.surfaces import Surface, Surfaces, describe_surfaces, look_at

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

LEAST_PART = 0.05
"""Share of an average unit that is added before a logarithm is taken."""
_FREE = 0.01


@dataclass(frozen=True)
class LogLinearParams:
    """How the slopes are learnt.

    Attributes
    ----------
    slope_sd
        Standard deviation of the belief about each slope, around 0.
    refit_steps
        Slopes are learnt anew when the cutoff passes a multiple of so many steps.
    most_rows
        Unit-windows that are learnt from, about: all with incidents, and as many of the quiet
        ones, weighted up, as there is room for.
    rounds
        Newton steps at most.
    seed
        Of the choice of the quiet ones.
    """

    slope_sd: float = 0.3
    refit_steps: int = 13
    most_rows: int = 300_000
    rounds: int = 8
    seed: int = 0


@dataclass(frozen=True, eq=False)
class LogLinear:
    """Counts are Poisson; the log intensity is linear in the log surfaces.

    A blend adds views of the past up; here they multiply, so that a unit is hot where several
    agree. The two err in different ways, and what they agree on is better than either.

    Attributes
    ----------
    name
        See `Method`.
    target, places, surfaces, params
        As in `Blend`, whose windows it learns from.
    slopes
        See `LogLinearParams`.

    References
    ----------
    Flaxman et al. (2019), doi:10.1214/19-AOAS1284, for lagged densities in a Poisson regression.
    """

    name: str
    target: Target
    places: Places
    surfaces: tuple[Surface, ...]
    params: BlendParams = field(default_factory=BlendParams)
    slopes: LogLinearParams = LogLinearParams()

    def fit(self, cube: Cube, cutoff_step: int) -> FittedShare:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedShare]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; slopes are learnt once a refit."""
        check_cutoffs(cube, cutoffs, fewest_steps=self.params.fewest_steps)
        past = look_at(cube, self.places, self.target, self.surfaces)
        learnt: dict[int, Slopes] = {}
        for cutoff in cutoffs:
            start = learning_cutoff(cutoff, self.slopes.refit_steps, self.params)
            if start not in learnt:
                learnt = {start: self.learn(cube, start)}
            yield self._fitted(past, learnt[start], cutoff)

    def learn(self, cube: Cube, cutoff_step: int) -> Slopes:
        """Return the slopes that the steps before the cutoff tell."""
        past = look_at(cube, self.places, self.target, self.surfaces)
        starts = window_starts(cutoff_step, self.params)
        seen = np.array([outcome(past.series, start, self.params) for start in starts])
        rng = np.random.default_rng([self.slopes.seed, cutoff_step])
        window, unit, weight = choose_rows(seen, self.slopes.most_rows, rng)
        design = np.concatenate(
            [log_surfaces(past.shares(s))[unit[window == i]] for i, s in enumerate(starts)]
        ).astype(np.float64)
        precision = np.full(design.shape[1], self.slopes.slope_sd**-2.0)
        precision[0] = _FREE
        y = seen[window, unit].astype(np.float64)
        fit = fit_poisson(design, y, precision=precision, rounds=self.slopes.rounds, weight=weight)
        return Slopes(fit)

    def _fitted(self, past: Surfaces, slopes: Slopes, cutoff: int) -> FittedShare:
        how = self.params
        recent = [
            look_back(past, start, how) for start in window_starts(cutoff, how)[-how.checked :]
        ]
        seen = np.array([outcome(past.series, w.step, how) for w in recent])
        means = np.array([slopes.share_at(w) * w.expected_total for w in recent])
        described: dict[str, Any] = {
            "method": self.name,
            "surfaces": describe_surfaces(self.surfaces),
            "slopes": slopes.fit.coefficients.round(6).tolist(),
        }
        share = slopes.share_at(look_back(past, cutoff, how))
        spread = estimate_dispersion(seen, means)
        return FittedShare(past.cube, self.target, cutoff, share, spread, how.level, described)


@dataclass(frozen=True, eq=False)
class Slopes:
    """What was learnt: the constant, and the slope of each surface."""

    fit: Posterior

    def share_at(self, window: Window) -> Floats:
        """Return each unit's share of the next incidents, shape ``(n_units,)``."""
        return self.fit.shares(log_surfaces(window.shares[:, :-1]))


def log_surfaces(shares: Singles) -> Singles:
    """Return a column of ones and the logarithm of each surface on the scale of an average unit."""
    logs = np.log(shares * np.float32(len(shares)) + np.float32(LEAST_PART))
    return np.hstack([np.ones((len(shares), 1), dtype=np.float32), logs])


def learning_cutoff(cutoff: int, refit_steps: int, how: BlendParams) -> int:
    """Return the cutoff of the last refit at or before `cutoff`."""
    return min(cutoff, max(how.fewest_steps, cutoff // refit_steps * refit_steps))


def choose_rows(
    seen: NDArray[Any], most_rows: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """Choose the unit-windows to learn from: all with incidents and some of the quiet ones.

    Parameters
    ----------
    seen
        Counts, shape ``(n_windows, n_units)``.
    most_rows
        How many there is room for; a tenth as many quiet ones are taken whatever the room.

    Returns
    -------
    tuple
        Window, unit and weight of each row, in the order of windows and units.
    """
    quiet = seen == 0
    n_quiet = int(quiet.sum())
    room = max(most_rows - (seen.size - n_quiet), most_rows // 10)
    part = min(1.0, room / max(1, n_quiet))
    kept = ~quiet | (rng.random(seen.shape) < part)
    window, unit = np.nonzero(kept)
    return window, unit, np.where(quiet[window, unit], 1 / part, 1.0)
