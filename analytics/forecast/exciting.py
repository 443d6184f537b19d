"""A self-exciting process on units: a background, and echoes of recent incidents near by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.exciting_fit import (
    ExcitingParams,
    Process,
    fit_process,
    gather_incidents,
)
from analytics.forecast.level import forecast_level, step_days
from analytics.forecast.protocol import Forecast, Places, Target, check_cutoffs, step_totals
from analytics.forecast.surfaces import spread_matrix
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SelfExciting:
    """Each incident makes others likelier for a while, in its unit and in near ones.

    The expected count of unit i in step t is a background plus, for each past incident, an echo
    that decays exponentially with its age: ``own`` echoes in the same unit, ``near`` echoes
    spread over the others by a Gaussian. What falls near each unit is summed once; a round of
    fitting then is one pass over units x steps, whatever the number of pairs of incidents.

    References
    ----------
    Mohler et al. (2011), doi:10.1198/jasa.2011.ap09546, the process and its fit;
    Mohler et al. (2015), doi:10.1080/01621459.2015.1077710, on cells.
    """

    name: str
    target: Target
    places: Places
    params: ExcitingParams = field(default_factory=ExcitingParams)

    def fit(self, cube: Cube, cutoff_step: int) -> FittedExciting:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedExciting]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; the near units are found once."""
        how = self.params
        check_cutoffs(cube, cutoffs, fewest_steps=how.fewest_steps)
        if len(self.places) != len(cube.units):
            raise InputError(
                f"{len(self.places)} places for {len(cube.units)} units; give each one"
            )
        series = self.target.series(cube).astype(np.float64)
        wide = spread_matrix(self.places, reach_m=how.background_m)
        near = others_only(spread_matrix(self.places, reach_m=how.near_m))
        last = max(cutoffs, default=0)
        incidents = gather_incidents(series[:, :last], near)
        known: dict[int, Process] = {}
        for cutoff in cutoffs:
            start = max(how.fewest_steps, cutoff // how.refit_steps * how.refit_steps)
            if start not in known:
                past, ages = incidents.before(start), _ages(cube, start)
                known = {start: fit_process(past, wide, ages, how, rounds=how.rounds)}
            past, ages = incidents.before(cutoff), _ages(cube, cutoff)
            begin, rounds = known[start], how.refreshing
            process = fit_process(past, wide, ages, how, rounds=rounds, begin=begin)
            yield self._fitted(cube, series, near, process, cutoff)

    def _fitted(
        self, cube: Cube, series: Floats, near: sparse.csr_array, process: Process, cutoff: int
    ) -> FittedExciting:
        how = self.params
        past = series[:, :cutoff]
        state = np.zeros(len(past))
        totals, seen, means = past.sum(axis=0), [], []
        for t in range(cutoff):
            if t >= cutoff - how.checked:
                intensity = process.intensity(state, near)
                level = forecast_level(totals, cube.steps, t, 1, how.level)[0]
                means.append(level * intensity / intensity.sum())
                seen.append(past[:, t])
            state = process.decay * state + (1 - process.decay) * past[:, t]
        spread = estimate_dispersion(np.array(seen), np.array(means))
        return FittedExciting(self, cube, cutoff, process, near, state, spread)


def _ages(cube: Cube, cutoff: int) -> Floats:
    days = step_days(cube.steps)
    return np.asarray(days[cutoff - 1] - days[:cutoff])


@dataclass(frozen=True, eq=False)
class FittedExciting:
    """A fitted process, and where its echoes stand at the cutoff."""

    method: SelfExciting
    cube: Cube
    cutoff_step: int
    process: Process
    near: sparse.csr_array
    state: Floats
    dispersion: Dispersion

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        totals = step_totals(self.cube, self.method.target)[: self.cutoff_step]
        level = forecast_level(
            totals, self.cube.steps, self.cutoff_step, horizon_steps, self.method.params.level
        )
        mean, state = np.empty((len(self.state), horizon_steps)), self.state
        for step in range(horizon_steps):
            intensity = self.process.intensity(state, self.near)
            mean[:, step] = level[step] * intensity / intensity.sum()
            state = self.process.decay * state + (1 - self.process.decay) * intensity
        described: dict[str, Any] = {
            "method": self.method.name,
            "own": self.process.own,
            "near": self.process.near,
            "decay": self.process.decay,
            "near_m": self.method.params.near_m,
        }
        return Forecast(
            mean,
            self.dispersion.sizes(mean),
            self.cube.units,
            self.cutoff_step,
            MappingProxyType(described),
        )


def others_only(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return the matrix without its diagonal, columns summing to one where they can."""
    bare = sparse.csr_array(matrix - sparse.diags_array(matrix.diagonal()), dtype=np.float64)
    bare.eliminate_zeros()
    total = bare.sum(axis=0)
    return sparse.csr_array(
        bare * np.where(total > 0, 1 / np.where(total > 0, total, 1), 0)[None, :]
    )
