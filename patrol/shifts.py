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
