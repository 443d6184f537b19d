"""The shifts of a day: when each begins and ends, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from geo.errors import InputError

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(?:=([^/]+)(?:/(.+))?)?")
WHOLE_DAY = ("全天", "all day")
_WEEKDAYS = tuple(
    zip("一二三四五六日", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True)
)


@dataclass(frozen=True)
class PlanShift:
    """A part of a plan's day.

    Attributes
    ----------
    shift_no
        Its number in the plan, from 1.
    name_zh, name_en
        What it is called.
    starts_at, ends_at
        With time zone; the end is not part of it.
    """

    shift_no: int
    name_zh: str
    name_en: str
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise InputError(f"shift {self.shift_no} has a time without its zone")
        if self.shift_no < 1 or not self.starts_at < self.ends_at:
            raise InputError(
                f"shift {self.shift_no} must have a number from 1 and end after it begins"
            )

    @property
    def hours(self) -> float:
        """Return its length in hours of real time, which a clock change alters."""
        return (self.ends_at.timestamp() - self.starts_at.timestamp()) / 3600


def whole_day(day: date, zone: tzinfo) -> PlanShift:
    """Return the one shift of a plan that tells none apart: from midnight to midnight."""
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    return PlanShift(1, *WHOLE_DAY, start, end)


def parse_shifts(texts: Sequence[str], *, day: date, zone: tzinfo) -> tuple[PlanShift, ...]:
    """Read shifts such as ``08:00-16:00`` or ``22:00-06:00=夜班/night``.

    A shift that ends at or before it begins ends on the next day. Without a name the hours are
    its name.

    Raises
    ------
    InputError
        If a text is no shift, or two shifts overlap.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> late = parse_shifts(["22:00-06:00=夜班/night"], day=date(2026, 5, 1), zone=ZoneInfo("UTC"))
    >>> late[0].name_en, late[0].hours
    ('night', 8.0)
    """
    shifts = [_parse(text, number, day, zone) for number, text in enumerate(texts, start=1)]
    ordered = sorted(shifts, key=lambda shift: shift.starts_at)
    for one, other in pairwise(ordered):
        if other.starts_at < one.ends_at:
            names = f"{one.name_en!r} and {other.name_en!r}"
            raise InputError(f"shifts {names} overlap; one may end where the next begins")
    return tuple(shifts)


def repeat_shifts(
    texts: Sequence[str], *, day: date, zone: tzinfo, days: int
) -> tuple[PlanShift, ...]:
    """Return the shifts of several days, numbered through, each named after its weekday.

    Without texts every day is one shift; one day keeps its names.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> two = repeat_shifts(["08:00-16:00=早班/early"], day=date(2026, 5, 1), zone=ZoneInfo("UTC"),
    ...                     days=2)
    >>> [(shift.shift_no, shift.name_zh, shift.name_en) for shift in two]
    [(1, '周五早班', 'Fri early'), (2, '周六早班', 'Sat early')]
    """
    made: list[PlanShift] = []
    for date_ in (day + timedelta(days=number) for number in range(days)):
        own = parse_shifts(texts, day=date_, zone=zone) if texts else (whole_day(date_, zone),)
        zh, en = _WEEKDAYS[date_.weekday()]
        for shift in own:
            names = (shift.name_zh, shift.name_en)
            names = names if days == 1 else (f"周{zh}{names[0]}", f"{en} {names[1]}")
            made.append(PlanShift(len(made) + 1, *names, shift.starts_at, shift.ends_at))
    return tuple(made)


def days_of(shifts: Sequence[PlanShift]) -> list[int]:
    """Return the number of the day of each shift, from 0, by when the first begins."""
    first = min(shift.starts_at.timestamp() for shift in shifts)
    return [int((shift.starts_at.timestamp() - first) // 86_400) for shift in shifts]


def _parse(text: str, number: int, day: date, zone: tzinfo) -> PlanShift:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is no shift; write it as 08:00-16:00 or 08:00-16:00=早班/early")
    start, end = (
        _moment(found[1], found[2], day, zone, text),
        _moment(found[3], found[4], day, zone, text),
    )
    if end <= start:
        end = _moment(found[3], found[4], day + timedelta(days=1), zone, text)
    hours = f"{start:%H:%M}-{end:%H:%M}"
    name_zh = (found[5] or hours).strip()
    return PlanShift(number, name_zh, (found[6] or name_zh).strip(), start, end)


def _moment(hour: str, minute: str, day: date, zone: tzinfo, text: str) -> datetime:
    if int(hour) == 24 and int(minute) == 0:
        return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    if int(hour) > 23 or int(minute) > 59:
        raise InputError(f"{text!r} names a time that no clock shows")
    return datetime.combine(day, time(int(hour), int(minute)), tzinfo=zone)
