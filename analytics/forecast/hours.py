"""A forecast of days or weeks, spread over the hours by the week's profile."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analytics.forecast.protocol import Forecast, Target
from analytics.profile import HourProfile
from analytics.steps import Steps, make_steps
from geo.errors import InputError

Floats = NDArray[np.float64]


def week_of(profile: HourProfile, target: Target) -> Floats:
    """Return the target's week: the classes' shares, weighted by their incidents.

    Returns
    -------
    NDArray
        Shape ``(7, 24)``, Monday first, incidents per hour summing to one; even where the
        target's classes have no incident in the profile.

    Raises
    ------
    InputError
        A class of the target is not in the profile.
    """
    wanted = profile.classes if target.classes is None else target.classes
    missing = [code for code in wanted if code not in profile.classes]
    if missing:
        raise InputError(
            f"class {missing[0]!r} is not in the profile; it has {', '.join(profile.classes)}"
        )
    rows = [profile.classes.index(code) for code in wanted]
    incidents = profile.counts[rows].sum(axis=(1, 2))
    if incidents.sum() == 0:
        return np.full((7, 24), 1 / 168)
    known = incidents > 0
    return np.asarray(np.tensordot(incidents[known], profile.share[rows][known], axes=1)) / float(
        incidents.sum()
    )


def spread_over_hours(ahead: Forecast, week: Floats, steps: Steps) -> tuple[Forecast, Steps]:
    """Spread each day or week of a forecast over its hours.

    Each incident of a step falls in its hours independently, by `week`. A negative binomial count
    that is so thinned keeps its size, so the hours' laws are exact.

    Parameters
    ----------
    ahead
        Forecast of days or weeks.
    week
        Incidents per hour by weekday and hour, shape ``(7, 24)``, not negative, see `week_of`.
    steps
        The calendar days or weeks that the forecast's columns are, as many as these.

    Returns
    -------
    tuple
        The forecast, shape ``(n_units, n_hours)``, which counts `cutoff_step` from the first of
        the hours, and the hours. A day on which the clock is changed has 23 or 25.

    Raises
    ------
    InputError
        The steps are not days or weeks, or are not as many as the forecast's columns; or the week
        is not one.
    """
    if steps.step not in ("day", "week") or len(steps) != ahead.mean.shape[1]:
        raise InputError(
            f"{len(steps)} steps of kind {steps.step!r} for {ahead.mean.shape[1]} columns; give "
            "the days or weeks that were forecast"
        )
    if week.shape != (7, 24) or not (np.isfinite(week).all() and (week >= 0).all()):
        raise InputError(f"the week must be 7 x 24 numbers not below 0, not {week.shape}")
    hours = make_steps(*steps.window, step="hour", time_zone=steps.time_zone)
    starts = hours.starts
    column = steps.locate(starts)
    weight = week[starts.day_of_week, starts.hour] * hours.hours + 1e-9
    weight /= np.bincount(column, weights=weight)[column]
    mean, size = ahead.mean[:, column] * weight, ahead.size[:, column]
    described = MappingProxyType({**ahead.parameters, "hours": week.round(6).tolist()})
    return Forecast(mean, size, ahead.units, 0, described), hours
