"""A self-exciting process on units: a background, and echoes of recent incidents near by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.level import LevelParams, forecast_level, step_days
from analytics.forecast.protocol import Forecast, Places, Target, check_cutoffs, step_totals
from analytics.forecast.surfaces import spread_matrix
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ExcitingParams:
    """How the process is fitted.

    Attributes
    ----------
    near_m
        Bandwidth by which echoes reach other units.
    background_m
        Bandwidth of the surface that the background of a quiet unit is drawn to.
    background_days
        Half-life of the memory for the background, which may drift.
    belief
        Incidents that this surface is worth beside the unit's own.
    rounds, refreshing
        Rounds of expectation-maximisation: from the start at a refit, and from there to follow
        the background of each cutoff.
    refit_steps
        Fitted anew when the cutoff passes a multiple of so many steps.
    checked
        Newest steps that tell how far counts stray from the fitted intensity.
    fewest_steps
        Steps that must lie before a cutoff.
    level
        How the whole area's level is followed.
    """

    near_m: float = 250.0
    background_m: float = 250.0
    background_days: float = 400.0
    belief: float = 2.0
    rounds: int = 40
    refreshing: int = 4
    refit_steps: int = 13
    checked: int = 8
    fewest_steps: int = 12
    level: LevelParams = field(default_factory=LevelParams)

    def __post_init__(self) -> None:
        if not min(self.near_m, self.background_m, self.background_days, self.belief) > 0:
            raise InputError("near_m, background_m, background_days and belief must be above 0")
        if not 1 <= self.checked < self.fewest_steps:
            raise InputError(f"checked {self.checked} must be below fewest_steps, and at least 1")


@dataclass(frozen=True, eq=False)
class SelfExciting:
    """Each incident makes others likelier for a while, in its unit and in near ones.

    The expected count of unit i in step t is a background plus, for each past incident, an echo
    that decays exponentially with its age: ``own`` echoes in the same unit, ``near`` echoes
    spread over the others by a Gaussian. A round of fitting costs one pass over the incidents
    and their near units, whatever the number of pairs.

    References
    ----------
    Mohler et al. (2011), doi:10.1198/jasa.2011.ap09546, the process and its fit;
    Mohler et al. (2015), doi:10.1080/01621459.2015.1077710, on cells.
    """

    name: str
    target: Target
    places: Places
    params: ExcitingParams = ExcitingParams()

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
        known: dict[int, Process] = {}
        for cutoff in cutoffs:
            start = max(how.fewest_steps, cutoff // how.refit_steps * how.refit_steps)
            if start not in known:
                past, ages = series[:, :start], _ages(cube, start)
                known = {start: fit_process(past, near, wide, ages, how, rounds=how.rounds)}
            past, ages = series[:, :cutoff], _ages(cube, cutoff)
            begin, rounds = known[start], how.refreshing
            process = fit_process(past, near, wide, ages, how, rounds=rounds, begin=begin)
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
class Process:
    """What was fitted.

    Attributes
    ----------
    background
        Incidents per step of each unit that no other set off, shape ``(n_units,)``.
    own, near
        Incidents that one sets off in its own unit, and in near units.
    decay
        Part of an echo that is left after one step, within 0 and 1.
    quiet
        Share of the incidents that belong to the background.
    """

    background: Floats
    own: float
    near: float
    decay: float
    quiet: float

    def intensity(self, state: Floats, near: sparse.csr_array) -> Floats:
        """Return the expected counts of the next step; `state` sums the echoes of each unit."""
        return np.asarray(self.background + self.own * state + self.near * (near @ state))


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


def fit_process(
    past: Floats,
    near: sparse.csr_array,
    wide: sparse.csr_array,
    ages_days: Floats,
    how: ExcitingParams,
    *,
    rounds: int = 40,
    begin: Process | None = None,
) -> Process:
    """Fit background, echoes and their decay by expectation-maximisation.

    Parameters
    ----------
    past
        Counts, shape ``(n_units, n_steps)``. No incident gives an even background without echo.
    near, wide
        How echoes, and the surface behind the background, spread; ``(n_units, n_units)``.
    ages_days
        Age of each step, shape ``(n_steps,)``.
    rounds
        Rounds of expectation-maximisation.
    begin
        An earlier fit to go on from.
    """
    n_units, n_steps = past.shape
    remembered = 0.5 ** (ages_days / how.background_days)
    smooth = wide @ (past @ remembered) / remembered.sum()
    least = 0.01 * float(smooth.mean()) + 1e-9
    step, unit = np.nonzero(past.T)  # in the order of time
    count, weight = past[unit, step], remembered[step]
    without = smooth[unit] - wide.diagonal()[unit] * count * weight / remembered.sum()
    told: Floats = np.zeros(n_units)
    quiet, own, near_part, decay = 0.7, 0.1, 0.2, 0.6
    if begin is not None:
        quiet, own, near_part, decay = begin.quiet, begin.own, begin.near, begin.decay
    alone: Floats = quiet * count
    links = near.indptr.astype(np.int64), near.indices.astype(np.int64), near.data
    for _ in range(rounds if len(count) else 0):
        told = np.asarray(np.bincount(unit, alone * weight, n_units), dtype=np.float64)
        # An incident is not explained by a background that it has itself raised.
        others = told[unit] - alone * weight
        behind = (how.belief + others) / (
            how.belief / (quiet * (np.maximum(without, 0) + least)) + remembered.sum()
        )
        alone, from_own, from_near, lag = _share_out(
            step, unit, count, *links, behind, (own, near_part, decay), n_units
        )
        # An echo that would end after the cutoff was seen in part only.
        mass = float((count * (1 - decay ** (n_steps - 1 - step))).sum())
        own, near_part = from_own / mass, from_near / mass
        decay = float(np.clip(1 - (from_own + from_near) / lag, 0.01, 0.99))
        quiet = max(1e-3, float(alone.sum() / count.sum()))
    background = (how.belief + told) / (how.belief / (quiet * (smooth + least)) + remembered.sum())
    return Process(background, own, near_part, decay, quiet)


@njit(cache=True, nogil=True)
def _share_out(
    step: Ints,
    unit: Ints,
    count: Floats,
    indptr: Ints,
    indices: Ints,
    data: Floats,
    behind: Floats,
    echoes: tuple[float, float, float],
    n_units: int,
) -> tuple[Floats, float, float, float]:
    """Share each incident between the background `behind` it and the echoes of those before.

    Echoes are kept by unit as of its last incident and aged on demand: `alive` sums
    ``decay ** (lag - 1)``, `aged` the same times the lag.
    """
    own, near, decay = echoes
    alive, aged = np.zeros(n_units), np.zeros(n_units)
    last = np.full(n_units, -1)
    power = decay ** np.arange(step[-1] + 2)
    alone = np.empty(len(step))
    from_own, from_near, lag_sum = 0.0, 0.0, 0.0
    first = 0
    while first < len(step):
        t = step[first]
        end = first
        while end < len(step) and step[end] == t:
            end += 1
        for e in range(first, end):
            i = unit[e]
            here, here_lag = 0.0, 0.0
            if last[i] >= 0:
                gap = t - last[i]
                here = alive[i] * power[gap]
                here_lag = (aged[i] + gap * alive[i]) * power[gap]
            there, there_lag = 0.0, 0.0
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if last[j] >= 0:
                    gap = t - last[j]
                    there += data[k] * alive[j] * power[gap]
                    there_lag += data[k] * (aged[j] + gap * alive[j]) * power[gap]
            a, b = own * (1 - decay), near * (1 - decay)
            mean = behind[e] + a * here + b * there
            part = count[e] / mean
            alone[e] = part * behind[e]
            from_own += part * a * here
            from_near += part * b * there
            lag_sum += part * (a * here_lag + b * there_lag)
        for e in range(first, end):
            i = unit[e]
            gap = t - last[i] if last[i] >= 0 else 0
            aged[i] = (aged[i] + gap * alive[i]) * power[gap]
            alive[i] = alive[i] * power[gap]
            # Seen from its own step an incident has lag 0 and weight decay ** -1.
            alive[i] += count[e] / decay
            last[i] = t
        first = end
    return alone, from_own, from_near, max(lag_sum, 1e-12)
