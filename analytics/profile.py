"""When in the week: how incidents of each class spread over weekdays and hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import REPORTED, Cube
from analytics.steps import HOURS_OF_WEEK, Steps
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HourProfile:
    """The week of each class by local weekday and hour.

    Attributes
    ----------
    classes
        Category codes.
    counts
        Incidents, ``(n_classes, 7, 24)``, Monday first; parts of incidents where their hour is
        not known.
    hours
        How much of each hour of the week was counted, in hours, ``(7, 24)``: a night when the
        clock is put back has one more.
    share
        Of a class's week in each hour, ``(n_classes, 7, 24)``, from incidents per hour; each
        class adds up to 1. A class without incidents has NaN, or the pooled week where it is
        shrunk towards that.
    """

    classes: tuple[str, ...]
    counts: Floats
    hours: Floats
    share: Floats

    @property
    def per_hour(self) -> Floats:
        """Return incidents per hour of the clock, ``(n_classes, 7, 24)``."""
        return self.counts / self.hours


def hour_profile(
    cube: Cube, *, found_by: Sequence[str] = REPORTED, pooled_events: float = 0.0
) -> HourProfile:
    """Return how a cube's incidents spread over weekday and hour, class by class.

    Parameters
    ----------
    cube
        By hour of the week or by hour. If incidents known only to the day were spread (as they
        are by default), they make the profile flatter, never higher at midnight.
    found_by
        Sources to add up, see `Cube.series`.
    pooled_events
        How many incidents' worth of the week of all classes together is mixed into each class's
        share, so that a rare class is not taken for one of a few hours. Not negative.

    Raises
    ------
    InputError
        The cube has longer steps, the hours miss part of the week, or `pooled_events` is negative.
    """
    if pooled_events < 0:
        raise InputError(f"pooled_events is {pooled_events}; it must not be negative")
    hours = hours_counted(cube)
    counts = np.zeros((len(cube.classes), HOURS_OF_WEEK))
    for kind, code in enumerate(cube.classes):
        by_step = cube.series(classes=[code], found_by=found_by).sum(axis=0, keepdims=True)
        counts[kind] = counts_by_hour(cube, by_step)[0]
    share = _share(counts / hours, counts.sum(axis=1), pooled_events)
    week = (7, 24)
    return HourProfile(
        cube.classes, counts.reshape(-1, *week), hours.reshape(week), share.reshape(-1, *week)
    )


def hours_counted(cube: Cube) -> Floats:
    """Return how much of each hour of the week a cube holds, in hours, ``(168,)``.

    Raises
    ------
    InputError
        The cube has longer steps, or misses part of the week.
    """
    hours = _by_hour(_bins(cube.steps), cube.steps.hours)
    if (hours == 0).any():
        raise InputError("the cube does not hold every hour of the week; take a week or more")
    return hours


def counts_by_hour(cube: Cube, series: NDArray[Any]) -> Floats:
    """Add up series by step, ``(n, n_steps)``, to series by hour of the week, ``(n, 168)``."""
    bins = _bins(cube.steps)
    order = np.zeros((len(cube.steps), HOURS_OF_WEEK))
    order[np.arange(len(cube.steps)), bins] = 1.0
    return np.asarray(series, dtype=np.float64) @ order


def _bins(steps: Steps) -> NDArray[np.int64]:
    if steps.bins is not None:
        return np.arange(HOURS_OF_WEEK)
    if steps.step != "hour":
        raise InputError(
            f"a cube by {steps.step} does not say at which hour; count by hour_of_week or hour"
        )
    starts = steps.starts
    return (starts.day_of_week * 24 + starts.hour).to_numpy().astype(np.int64)


def _by_hour(bins: NDArray[np.int64], weights: Floats) -> Floats:
    return np.bincount(bins, weights=weights, minlength=HOURS_OF_WEEK).astype(np.float64)


def _share(rate: Floats, n: Floats, pooled_events: float) -> Floats:
    with np.errstate(invalid="ignore"):
        own: Floats = rate / rate.sum(axis=1, keepdims=True)
        pooled: Floats = rate.sum(axis=0) / rate.sum()
    if pooled_events == 0:
        return own
    weight = (n / (n + pooled_events))[:, None]
    mixed: Floats = weight * np.where(n[:, None] > 0, own, 0.0) + (1 - weight) * pooled
    return mixed
