"""The fit of a self-exciting process: background, echoes and their decay from past incidents."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from analytics.forecast.level import LevelParams
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
class Incidents:
    """What a fit looks at: where and when incidents fell, and what fell near each unit.

    Attributes
    ----------
    step, unit, count
        Of each unit and step with an incident, shape ``(n_events,)``, in the order of time.
    near
        Incidents near each unit, spread as echoes are, shape ``(n_steps, n_units)``.
    """

    step: Ints
    unit: Ints
    count: Floats
    near: Floats

    def before(self, cutoff: int) -> Incidents:
        """Return the incidents of the steps before `cutoff`."""
        n = int(np.searchsorted(self.step, cutoff))
        return Incidents(self.step[:n], self.unit[:n], self.count[:n], self.near[:cutoff])


def gather_incidents(past: Floats, near: sparse.csr_array) -> Incidents:
    """Lay out counts, shape ``(n_units, n_steps)``, and spread them by `near` once for all."""
    by_step = np.ascontiguousarray(past.T)
    step, unit = np.nonzero(by_step)
    count = by_step[step, unit]
    links = near.tocsc()
    spread = np.zeros(by_step.shape)
    ends, others = links.indptr.astype(np.int64), links.indices.astype(np.int32)
    _spread(step, unit, count, ends, others, links.data, spread)
    return Incidents(step, unit, count, spread)


@njit(cache=True, nogil=True)
def _spread(
    step: Ints,
    unit: Ints,
    count: Floats,
    indptr: Ints,
    indices: NDArray[np.int32],
    data: Floats,
    out: Floats,
) -> None:
    for e in range(len(step)):
        row, i = out[step[e]], unit[e]
        for k in range(indptr[i], indptr[i + 1]):
            row[indices[k]] += count[e] * data[k]


def fit_process(
    past: Incidents,
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
        Incidents of all steps. None gives an even background without echo.
    wide
        How the surface behind the background spreads, ``(n_units, n_units)``.
    ages_days
        Age of each step, shape ``(n_steps,)``.
    rounds
        Rounds of expectation-maximisation.
    begin
        An earlier fit to go on from.
    """
    n_steps, n_units = past.near.shape
    step, unit, count = past.step, past.unit, past.count
    remembered = 0.5 ** (ages_days / how.background_days)
    weight = remembered[step]
    own_past = np.bincount(unit, count * weight, n_units)
    smooth = wide @ own_past / remembered.sum()
    least = 0.01 * float(smooth.mean()) + 1e-9
    without = smooth[unit] - wide.diagonal()[unit] * count * weight / remembered.sum()
    surface = np.maximum(without, 0) + least
    by_step = np.bincount(step, count, n_steps)
    told: Floats = np.zeros(n_units)
    quiet, own, near_part, decay = 0.7, 0.1, 0.2, 0.6
    if begin is not None:
        quiet, own, near_part, decay = begin.quiet, begin.own, begin.near, begin.decay
    alone: Floats = quiet * count
    for _ in range(rounds if len(count) else 0):
        told = np.asarray(np.bincount(unit, alone * weight, n_units), dtype=np.float64)
        # An incident is not explained by a background that it has itself raised.
        others = told[unit] - alone * weight
        behind = (how.belief + others) / (how.belief / (quiet * surface) + remembered.sum())
        alone, from_own, from_near, lag = _share_out(
            step, unit, count, past.near, behind, (own, near_part, decay)
        )
        # An echo that would end after the cutoff was seen in part only.
        mass = float((by_step * (1 - decay ** np.arange(n_steps - 1, -1, -1.0))).sum())
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
    spread: Floats,
    behind: Floats,
    echoes: tuple[float, float, float],
) -> tuple[Floats, float, float, float]:
    """Share each incident between the background `behind` it and the echoes of those before.

    Echoes of the own unit are kept as of its last incident and aged on demand: `alive` sums
    ``decay ** (lag - 1)``, `aged` the same times the lag. Those of near units, ``near_alive`` and
    ``near_aged``, are aged in each step, all units at once.
    """
    own, near, decay = echoes
    n_units = spread.shape[1]
    alive, aged = np.zeros(n_units), np.zeros(n_units)
    near_alive, near_aged = np.zeros(n_units), np.zeros(n_units)
    last = np.full(n_units, -1)
    power = decay ** np.arange(step[-1] + 2)
    alone = np.empty(len(step))
    a, b = own * (1 - decay), near * (1 - decay)
    from_own, from_near, lag_sum = 0.0, 0.0, 0.0
    e = 0
    for t in range(step[-1] + 1):
        while e < len(step) and step[e] == t:
            i = unit[e]
            here, here_lag = 0.0, 0.0
            if last[i] >= 0:
                gap = t - last[i]
                here = alive[i] * power[gap]
                here_lag = (aged[i] + gap * alive[i]) * power[gap]
            part = count[e] / (behind[e] + a * here + b * near_alive[i])
            alone[e] = part * behind[e]
            from_own += part * a * here
            from_near += part * b * near_alive[i]
            lag_sum += part * (a * here_lag + b * near_aged[i])
            # Seen from its own step an incident has lag 0 and weight decay ** -1.
            alive[i], aged[i], last[i] = here + count[e] / decay, here_lag, t
            e += 1
        for i in range(n_units):
            near_aged[i] = decay * (near_aged[i] + near_alive[i]) + spread[t, i]
            near_alive[i] = decay * near_alive[i] + spread[t, i]
    return alone, from_own, from_near, max(lag_sum, 1e-12)
