"""Open hours as intervals of UTC seconds, and arithmetic on them in O(log n)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from governance.clock.calendar import WorkCalendar

Spells = tuple[tuple[time, time], ...]

# As Chinese urban management counts working hours; lunch is closed.
OFFICE_HOURS: Spells = ((time(8), time(12)), (time(14), time(18)))


@dataclass(frozen=True, eq=False)
class WorkHours:
    """The open intervals of a calendar, ``[opens[i], closes[i])``.

    Attributes
    ----------
    opens, closes
        Shape ``(n_intervals,)``, seconds since 1970-01-01 UTC, ascending and disjoint.
    before
        Shape ``(n_intervals + 1,)``: open seconds before each interval, and in all.
    covers
        First and last second that the calendar speaks of.
    zone
        The zone whose wall clock the hours follow.
    """

    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    before: NDArray[np.int64]
    covers: tuple[int, int]
    zone: ZoneInfo


def make_work_hours(
    calendar: WorkCalendar,
    zone: ZoneInfo,
    daily: Spells = OFFICE_HOURS,
) -> WorkHours:
    """Return the open hours of every working day.

    Parameters
    ----------
    calendar
        Its working days.
    zone
        Wall-clock times are read in it, so a day on which the clock is put forward is shorter.
    daily
        From and until of each spell of a working day. A spell whose end is not after its start
        runs past midnight into the next day, whatever that day is (night shift).

    Raises
    ------
    InputError
        If the spells are none, or overlap each other or the next day's.
    """
    if not daily:
        msg = "a working day needs at least one spell of open hours"
        raise InputError(msg, code="bad-hours")
    workdays = [entry.day for entry in calendar.days if entry.is_workday]
    spells = [_spell(day, spell, zone) for day in workdays for spell in sorted(daily)]
    opens, closes = np.array(spells, dtype=np.int64).reshape(-1, 2).T
    if np.any(closes <= opens) or np.any(opens[1:] < closes[:-1]):
        msg = f"the open hours overlap: {', '.join(f'{a:%H:%M}-{b:%H:%M}' for a, b in daily)}"
        raise InputError(msg, code="bad-hours")
    before = np.concatenate([[0], np.cumsum(closes - opens)])
    end = calendar.days[-1].day + timedelta(days=1)
    covers = (_second(calendar.days[0].day, time(0), zone), _second(end, time(0), zone))
    return WorkHours(opens, closes, before, covers, zone)


def open_seconds(hours: WorkHours, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the open seconds between the start of the calendar and each moment.

    Parameters
    ----------
    moments
        Shape ``(n,)``, seconds since 1970 UTC.

    Raises
    ------
    InputError
        If a moment lies outside the calendar.
    """
    _check(hours, moments)
    place = np.searchsorted(hours.opens, moments, side="right") - 1
    inside = np.maximum(place, 0)
    spent = np.minimum(moments, hours.closes[inside]) - hours.opens[inside]
    return np.where(place < 0, 0, hours.before[inside] + spent)


def add_open_seconds(
    hours: WorkHours, moments: NDArray[np.int64], seconds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return when so many open seconds have passed since each moment.

    A clock that is started in closed time starts at the next opening. The answer never lies in
    closed time: the end of a spell belongs to it.

    Parameters
    ----------
    moments, seconds
        Shape ``(n,)`` each; moments since 1970 UTC, open seconds above zero.

    Raises
    ------
    InputError
        If seconds are not above zero, or the calendar ends too early.
    """
    if np.any(seconds <= 0):
        msg = "a time limit must be above zero"
        raise InputError(msg, code="bad-limit")
    total = open_seconds(hours, moments) + seconds
    if np.any(total > hours.before[-1]):
        end = datetime.fromtimestamp(hours.covers[1], hours.zone)
        msg = f"the time limit runs past the work calendar; load the year {end.year}"
        raise InputError(msg, code="no-year")
    place = np.searchsorted(hours.before, total, side="left") - 1
    return hours.opens[place] + (total - hours.before[place])


def _check(hours: WorkHours, moments: NDArray[np.int64]) -> None:
    first, last = hours.covers
    outside = (moments < first) | (moments > last)
    if np.any(outside):
        when = datetime.fromtimestamp(int(moments[outside][0]), hours.zone)
        msg = f"{when:%Y-%m-%d %H:%M} lies outside the work calendar; load the year {when.year}"
        raise InputError(msg, code="no-year")


def _spell(day: date, spell: tuple[time, time], zone: ZoneInfo) -> tuple[int, int]:
    start, end = spell
    last = day if end > start else day + timedelta(days=1)
    return _second(day, start, zone), _second(last, end, zone)


def _second(day: date, at: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp())
