"""Calendar steps: the hours, days, weeks and months of one time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Step = Literal["hour", "day", "week", "month", "hour_of_week"]
Times = pd.Series | pd.DatetimeIndex

_FREQUENCY = {"day": "D", "week": "W-MON", "month": "MS"}
_QUARTER = np.timedelta64(15, "m")
HOURS_OF_WEEK = 168


@dataclass(frozen=True, eq=False)
class Steps:
    """A run of calendar steps without gaps; step i is ``[edges[i], edges[i + 1])``.

    The 168 hours of the week are the exception: each of them is many hours of the window.

    Attributes
    ----------
    edges
        Shape ``(n_steps + 1,)``, UTC, strictly ascending. Of hours of the week: the edges of all
        hours of the window.
    step
        What one step is. Weeks begin on Monday (ISO 8601).
    time_zone
        IANA name of the zone whose calendar is meant.
    bins
        Of hours of the week alone: which of them, 0 (Monday from 00:00) to 167, each hour of the
        window is, shape ``(n_edges - 1,)``. A clock put back gives one of them an hour more.
    """

    edges: NDArray[np.datetime64]
    step: Step
    time_zone: str
    bins: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.edges) - 1 if self.bins is None else HOURS_OF_WEEK

    @property
    def starts(self) -> pd.DatetimeIndex:
        """Return the local start of each step; of an hour of the week, its first in the window."""
        first = self.edges[:-1]
        if self.bins is not None:
            first = first[np.unique(self.bins, return_index=True)[1]]
        return pd.DatetimeIndex(first).tz_localize("UTC").tz_convert(self.time_zone)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Return the local start of the first step and the end of the last."""
        both = pd.DatetimeIndex(self.edges[[0, -1]]).tz_localize("UTC").tz_convert(self.time_zone)
        return both[0].to_pydatetime(), both[1].to_pydatetime()

    @property
    def hours(self) -> NDArray[np.float64]:
        """Return how long each step really is, in hours (a day has 23 to 25).

        Of an hour of the week: how much of it the window holds in all.
        """
        lengths: NDArray[np.float64] = np.diff(self.edges) / np.timedelta64(1, "h")
        if self.bins is None:
            return lengths
        return np.bincount(self.bins, weights=lengths, minlength=HOURS_OF_WEEK).astype(np.float64)

    def locate(self, times: Times) -> NDArray[np.int64]:
        """Return the step of each instant, or -1 outside the window or for a missing time.

        Raises
        ------
        InputError
            The times carry no time zone.
        """
        instants = to_utc(times)
        n_spans = len(self.edges) - 1
        found = np.searchsorted(self.edges, instants, side="right") - 1
        outside = (found < 0) | (found >= n_spans) | np.isnat(instants)
        if self.bins is not None:
            found = self.bins[np.clip(found, 0, n_spans - 1)]
        return np.where(outside, -1, found).astype(np.int64)


def to_utc(times: Times) -> NDArray[np.datetime64]:
    """Return instants as UTC ``datetime64[us]``; a time without a zone is an error."""
    index = pd.DatetimeIndex(times)
    if index.tz is None:
        raise InputError(
            "the times carry no time zone, so their calendar day is not known; "
            'localize them first, e.g. times.dt.tz_localize("Asia/Shanghai")'
        )
    return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")


def make_steps(start: date, end: date, *, step: Step, time_zone: str) -> Steps:
    """Return the whole calendar steps that lie in ``[start, end)``.

    A step that the window cuts is left out, for a part of a week would look like a fall.

    Parameters
    ----------
    start, end
        Dates mean local midnight; datetimes must carry a time zone.
    step
        ``hour``, ``day``, ``week`` (from Monday) or ``month``, by the local calendar: days of
        23 and 25 hours and zones off the full hour come out right. ``hour_of_week`` gives the 168
        local hours of the week, whatever the week.
    time_zone
        IANA name, such as ``Asia/Shanghai``.

    Raises
    ------
    InputError
        The zone or step is unknown, a datetime is naive, no whole step fits, or the window
        misses an hour of the week.

    Examples
    --------
    >>> steps = make_steps(date(2026, 3, 1), date(2026, 3, 20), step="week",
    ...                    time_zone="Asia/Shanghai")
    >>> [str(start.date()) for start in steps.starts]
    ['2026-03-02', '2026-03-09']
    """
    zone = _zone(time_zone)
    if step not in get_args(Step):
        raise InputError(f"step {step!r} is unknown; use one of {', '.join(get_args(Step))}")
    first, last = _instant(start, zone), _instant(end, zone)
    if not first < last:
        raise InputError(f"the window {start} to {end} is empty; the end must come after the start")
    hourly = step in ("hour", "hour_of_week")
    edges = (_hour_edges if hourly else _day_edges)(first, last, step, zone)
    if len(edges) < 2:
        raise InputError(
            f"no whole {step} lies between {start} and {end} in {time_zone}; "
            "widen the window or take shorter steps"
        )
    bins = _hours_of_week(edges, zone) if step == "hour_of_week" else None
    return Steps(edges=edges, step=step, time_zone=time_zone, bins=bins)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"time zone {name!r} is unknown; use an IANA name, Asia/Shanghai"
        ) from error


def _instant(moment: date, zone: ZoneInfo) -> np.datetime64:
    if not isinstance(moment, datetime):
        days = pd.DatetimeIndex([pd.Timestamp(moment)])
        return np.datetime64(_local_midnights(days, zone)[0])
    if moment.tzinfo is None:
        raise InputError(f"{moment} carries no time zone; give one, or give a date")
    return np.datetime64(to_utc(pd.DatetimeIndex([moment]))[0])


def _local_midnights(days: pd.DatetimeIndex, zone: ZoneInfo) -> NDArray[np.datetime64]:
    # A zone may change its clock at midnight: a skipped midnight is the next instant that exists,
    # a doubled one is the earlier.
    local = days.tz_localize(
        zone, ambiguous=np.ones(len(days), dtype=bool), nonexistent="shift_forward"
    )
    return to_utc(local)


def _day_edges(
    first: np.datetime64, last: np.datetime64, step: str, zone: ZoneInfo
) -> NDArray[np.datetime64]:
    bounds = pd.DatetimeIndex([first, last]).tz_localize("UTC").tz_convert(zone)
    naive = bounds.tz_localize(None).normalize()
    days = pd.date_range(naive[0], naive[1], freq=_FREQUENCY[step])
    edges = _local_midnights(days, zone)
    return edges[(edges >= first) & (edges <= last)]


def _hour_edges(
    first: np.datetime64, last: np.datetime64, step: str, zone: ZoneInfo
) -> NDArray[np.datetime64]:
    del step
    # All present-day offsets are multiples of a quarter of an hour.
    begin = first.astype("datetime64[h]").astype("datetime64[us]")
    ticks = np.arange(begin - np.timedelta64(1, "h"), last + _QUARTER, _QUARTER)
    local = pd.DatetimeIndex(ticks).tz_localize("UTC").tz_convert(zone)
    minute, hour = local.minute.to_numpy(), local.hour.to_numpy()
    begins = (minute == 0) | np.r_[False, hour[1:] != hour[:-1]]
    inside = (ticks >= first) & (ticks <= last)
    return cast(NDArray[np.datetime64], ticks[begins & inside])


def _hours_of_week(edges: NDArray[np.datetime64], zone: ZoneInfo) -> NDArray[np.int64]:
    local = pd.DatetimeIndex(edges[:-1]).tz_localize("UTC").tz_convert(zone)
    bins = (local.day_of_week * 24 + local.hour).to_numpy().astype(np.int64)
    if len(np.unique(bins)) < HOURS_OF_WEEK:
        raise InputError(
            "the window does not hold every hour of the week; take a week or more, and more than "
            "one around a change of the clock"
        )
    return bins
