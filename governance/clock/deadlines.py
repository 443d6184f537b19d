"""Time limits in four units, and the deadline that each gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np

from geo.errors import InputError
from governance.clock.calendar import WorkCalendar
from governance.clock.hours import (
    OFFICE_HOURS,
    Spells,
    WorkHours,
    add_open_seconds,
    make_work_hours,
    open_seconds,
)

TimeUnit = Literal["urgent_hour", "work_hour", "work_day", "natural_day"]


@dataclass(frozen=True)
class TimeLimit:
    """How long something may take.

    Attributes
    ----------
    value
        How many, above zero; days are whole.
    unit
        ``urgent_hour`` 紧急工作时 runs day and night; ``work_hour`` 工作时 in open hours only;
        ``work_day`` 工作日 and ``natural_day`` 自然日 end with a day and do not count the first.
    """

    value: float
    unit: TimeUnit

    def __post_init__(self) -> None:
        if self.unit not in get_args(TimeUnit):
            msg = f"{self.unit!r} is no unit of time limits: {', '.join(get_args(TimeUnit))}"
            raise InputError(msg, code="bad-limit")
        if not 0 < self.value < 10_000:
            msg = f"a time limit of {self.value} {self.unit} is not above 0 and below 10,000"
            raise InputError(msg, code="bad-limit")
        if self.unit.endswith("day") and self.value != int(self.value):
            msg = f"a time limit in days must be whole, not {self.value}"
            raise InputError(msg, code="bad-limit")


@dataclass(frozen=True)
class Deadline:
    """When something is due.

    Attributes
    ----------
    at
        Aware, in the zone of the clock.
    provisional
        Whether a year on the way is provisional: the deadline may move with the official notice.
    """

    at: datetime
    provisional: bool


@dataclass(frozen=True, eq=False)
class WorkClock:
    """A calendar with its open hours: all that deadlines need."""

    calendar: WorkCalendar
    hours: WorkHours

    def due(self, start: datetime, limit: TimeLimit) -> Deadline:
        """Return when a limit that starts at a moment ends.

        Hours: urgent ones are clock time; working ones run in open hours only. Days: the day of
        the start does not count, and the last one ends when its office closes (a working day) or
        at midnight (a natural day); a natural day that falls on a day off is put off to the next
        working day (Civil Code of the PRC, arts 201 and 203).

        Raises
        ------
        InputError
            If the start has no zone, or the calendar ends too early.
        """
        start = self._local(start)
        if limit.unit == "urgent_hour":
            at = _after(start, limit.value * 3600)
        elif limit.unit == "work_hour":
            at = self._after_open(start, round(limit.value * 3600))
        elif limit.unit == "work_day":
            at = self._closing(self._nth_workday(start.date(), int(limit.value)))
        else:
            last = start.date() + timedelta(days=int(limit.value))
            at = self._midnight_after(self._nth_workday(last - timedelta(days=1), 1))
        return Deadline(at, self.is_provisional(start, at))

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Return the open time between two moments; negative if the second is before the first.

        Raises
        ------
        InputError
            If a moment has no zone or lies outside the calendar.
        """
        moments = [int(self._local(moment).timestamp()) for moment in (start, end)]
        first, last = open_seconds(self.hours, np.array(moments, dtype=np.int64))
        return timedelta(seconds=int(last - first))

    def is_provisional(self, start: datetime, at: datetime) -> bool:
        """Tell whether a year between two moments has no official notice yet."""
        # Midnight after 31 December belongs to the old year.
        last = (at - timedelta(seconds=1)).year
        return any(year in self.calendar.provisional_years for year in range(start.year, last + 1))

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            msg = f"{moment:%Y-%m-%d %H:%M} has no time zone; deadlines need one"
            raise InputError(msg, code="no-zone")
        return moment.astimezone(self.hours.zone)

    def _after_open(self, start: datetime, seconds: int) -> datetime:
        # A second that has begun counts as spent: never earlier than promised.
        begun = int(np.ceil(start.timestamp()))
        found = add_open_seconds(self.hours, np.array([begun]), np.array([seconds]))
        return datetime.fromtimestamp(int(found[0]), self.hours.zone)

    def _nth_workday(self, after: date, n: int) -> date:
        day = after
        while n:
            day += timedelta(days=1)
            n -= self.calendar[day].is_workday
        return day

    def _midnight_after(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time(0), self.hours.zone)

    def _closing(self, day: date) -> datetime:
        """Return when the last spell that opens on a working day closes."""
        midnight = int(self._midnight_after(day).timestamp())
        last = np.searchsorted(self.hours.opens, midnight, side="left") - 1
        return datetime.fromtimestamp(int(self.hours.closes[last]), self.hours.zone)


def make_work_clock(
    calendar: WorkCalendar, zone: ZoneInfo, daily: Spells = OFFICE_HOURS
) -> WorkClock:
    """Return the clock of a calendar; see `governance.clock.hours.make_work_hours`."""
    return WorkClock(calendar, make_work_hours(calendar, zone, daily))


def _after(start: datetime, seconds: float) -> datetime:
    """Return a moment later by clock time, whatever the wall clock does meanwhile."""
    return (start.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(start.tzinfo)
