"""How many incidents the whole area will have: local level, weekly cycle, season."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.steps import Steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YEAR_DAYS = 365.25
_PHASES = {"hour": 168, "day": 7}


@dataclass(frozen=True)
class LevelParams:
    """How the whole area's level is followed.

    Attributes
    ----------
    half_life_days
        Age at which a step counts half towards the level of now.
    season_days
        Weight of the belief that there is no season, in days of data: the yearly wave and the
        trend that it is told apart from are shrunk by so much.
    cycle_incidents
        Incidents that each phase of the week (day, hour) borrows from the mean of all phases.
    """

    half_life_days: float = 28.0
    season_days: float = 35.0
    cycle_incidents: float = 20.0


def step_days(steps: Steps) -> Floats:
    """Return the age of each step's middle since the first edge, in days, shape ``(n_steps,)``."""
    edges = (steps.edges - steps.edges[0]) / np.timedelta64(1, "D")
    return np.asarray((edges[:-1] + edges[1:]) / 2)


def forecast_level(
    totals: NDArray[Any],
    steps: Steps,
    cutoff_step: int,
    horizon_steps: int,
    params: LevelParams | None = None,
) -> Floats:
    """Forecast the whole area's count in the steps from the cutoff on.

    The expected count of a step is level x phase of the week x season x length. The level is an
    exponentially weighted mean; phases apply to hour and day steps; the season is one yearly
    wave, told apart from a linear trend, used only once a whole year has been seen.

    Parameters
    ----------
    totals
        Counts of the whole area, shape ``(n_steps,)``; none at or past the cutoff is used.

    Returns
    -------
    NDArray
        Shape ``(horizon_steps,)``, positive.
    """
    how = params or LevelParams()
    mid, hours, phase = _extended(steps, cutoff_step + horizon_steps)
    past = slice(0, cutoff_step)
    seen = np.asarray(totals, dtype=np.float64)[past]
    typical = float(np.median(hours))
    factor = hours / typical
    factor = factor * _cycle(seen, factor[past], phase, how)
    factor = factor * _season(seen / factor[past], mid, cutoff_step, how)
    ages = mid[cutoff_step - 1] - mid[past]
    weights = 0.5 ** (ages / how.half_life_days)
    level = (weights @ seen + 0.5 * weights[-1]) / (weights @ factor[past])
    return np.asarray(level * factor[cutoff_step:])


def _extended(steps: Steps, n: int) -> tuple[Floats, Floats, Ints]:
    """Return middle (days), length (hours) and phase of the first n steps, past the cube's end."""
    mid, hours = step_days(steps), steps.hours
    more = n - len(steps)
    period = _PHASES.get(steps.step, 1)
    starts = steps.starts
    phase = _phase_of(starts, steps.step)
    if more > 0:
        usual = float(np.median(hours))
        mid = np.concatenate([mid, mid[-1] + usual / 24 * np.arange(1, more + 1)])
        hours = np.concatenate([hours, np.full(more, usual)])
        phase = np.concatenate([phase, (phase[-1] + np.arange(1, more + 1)) % period])
    return mid[:n], hours[:n], phase[:n]


def _phase_of(starts: pd.DatetimeIndex, step: str) -> Ints:
    weekday = starts.day_of_week.to_numpy()
    if step == "hour":
        return np.asarray(weekday * 24 + starts.hour.to_numpy(), dtype=np.int64)
    return weekday.astype(np.int64) if step == "day" else np.zeros(len(starts), dtype=np.int64)


def _cycle(seen: Floats, length: Floats, phase: Ints, how: LevelParams) -> Floats:
    n_phases = int(phase.max()) + 1
    mean = seen.sum() / length.sum()
    if n_phases == 1 or mean == 0:
        return np.ones(len(phase))
    past = phase[: len(seen)]
    count = np.bincount(past, weights=seen, minlength=n_phases)
    exposed = np.bincount(past, weights=length, minlength=n_phases)
    relative = (count + how.cycle_incidents) / (exposed * mean + how.cycle_incidents)
    return np.asarray(relative[phase])


def _season(level: Floats, mid: Floats, cutoff: int, how: LevelParams) -> Floats:
    span = mid[cutoff - 1] - mid[0]
    if span < YEAR_DAYS - 7:
        return np.ones(len(mid))
    angle = 2 * np.pi * mid / YEAR_DAYS
    trend = (mid - mid[cutoff - 1]) / YEAR_DAYS
    design = np.column_stack([np.cos(angle), np.sin(angle), trend, np.ones(len(mid))])
    ridge = np.diag([1.0, 1.0, 1.0, 0.0]) * how.season_days * cutoff / span
    past = design[:cutoff]
    wave = np.linalg.solve(past.T @ past + ridge, past.T @ np.log(level + 0.5))
    return np.asarray(np.exp(design[:, :2] @ wave[:2]))
