"""How many incidents the whole area will have: local level, weekly cycle, season."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.forecast.days_off import holiday_share
from analytics.steps import Steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YEAR_DAYS = 365.25
AROUND_DAYS = 15.0
"""How far around a holiday lie the days that it is compared with."""
LEAST_HOLIDAY = 0.05
"""Least factor of a holiday."""
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
    country, subdivision
        ISO 3166 codes of the place whose public holidays are told apart; none when None.
    holiday_incidents
        Weight of the belief that holidays are like other days, in incidents expected on them.
    """

    half_life_days: float = 28.0
    season_days: float = 35.0
    cycle_incidents: float = 20.0
    country: str | None = None
    subdivision: str | None = None
    holiday_incidents: float = 20.0


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

    The expected count of a step is level x phase of the week x holidays x season x length. The
    level is an exponentially weighted mean; phases apply to hour and day steps; holidays, if a
    country is named, are all alike; the season is one yearly wave, told apart from a linear
    trend, used only once a whole year has been seen.

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
    if how.country is not None:
        off = holiday_share(steps, len(mid), country=how.country, subdivision=how.subdivision)
        factor = factor * _holidays(seen, factor[past], off, mid, how)
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


def _holidays(seen: Floats, expected: Floats, off: Floats, mid: Floats, how: LevelParams) -> Floats:
    """Return the factor of each step by the part `off` of it that is holiday.

    Holidays are held against the other days around them, so that no trend or season is taken
    for them.
    """
    past = slice(0, len(seen))
    low = np.searchsorted(mid[past], mid[past] - AROUND_DAYS)
    high = np.searchsorted(mid[past], mid[past] + AROUND_DAYS, side="right")
    usual = 1 - off[past]
    counted, borne = (
        np.concatenate([[0.0], np.cumsum(usual * value)]) for value in (seen, expected)
    )
    around = borne[high] - borne[low]
    local = np.divide(
        counted[high] - counted[low], around, out=np.zeros_like(around), where=around > 0
    )
    normal = local * expected
    above = float(off[past] @ (seen - normal))
    effect = above / float(off[past] ** 2 @ normal + how.holiday_incidents)
    return np.asarray(1 + off * max(effect, LEAST_HOLIDAY - 1))


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
