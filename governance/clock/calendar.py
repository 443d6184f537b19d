"""Which days are working days: statutory holidays, days off and swapped working days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import holidays
from holidays.constants import PUBLIC

from geo.errors import InputError

DayKind = Literal["workday", "weekend", "holiday", "swapped"]


@dataclass(frozen=True)
class CalendarDay:
    """One day of a work calendar, as the table ``work_calendar`` keeps it.

    Attributes
    ----------
    kind
        ``swapped`` is a day of a weekend that is worked in exchange for a day off.
    name
        What the holiday is called, in the calendar's own language; empty for plain days.
    """

    day: date
    is_workday: bool
    kind: DayKind
    name: str = ""


@dataclass(frozen=True)
class WorkCalendar:
    """The working days of whole years without a gap.

    Attributes
    ----------
    days
        Every day of every year, ascending.
    provisional_years
        Years whose official notice is not loaded yet: holidays by statute are in them, swapped
        working days are not. A deadline that touches one is provisional itself.
    """

    days: tuple[CalendarDay, ...]
    provisional_years: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not self.days:
            msg = "a work calendar needs at least one year of days"
            raise InputError(msg, code="bad-calendar")
        first, last = self.days[0].day, self.days[-1].day
        expected = first
        for entry in self.days:
            if entry.day != expected:
                msg = f"the work calendar jumps to {entry.day}; {expected} is missing or twice"
                raise InputError(msg, code="bad-calendar")
            expected += timedelta(days=1)
        if (first.month, first.day, last.month, last.day) != (1, 1, 12, 31):
            msg = f"the work calendar covers {first} to {last}; it must hold whole years"
            raise InputError(msg, code="bad-calendar")

    @property
    def years(self) -> range:
        """Return the years that the calendar covers."""
        return range(self.days[0].day.year, self.days[-1].day.year + 1)

    def __getitem__(self, day: date) -> CalendarDay:
        """Return one day.

        Raises
        ------
        InputError
            If the calendar does not reach that day.
        """
        place = (day - self.days[0].day).days
        if not 0 <= place < len(self.days):
            msg = (
                f"the work calendar ends at {self.days[-1].day} and begins at {self.days[0].day}; "
                f"load the year {day.year} (gridbeat calendar load {day.year})"
            )
            raise InputError(msg, code="no-year")
        return self.days[place]


def library_calendar(
    country: str, years: Iterable[int], *, lang: str | None = None
) -> WorkCalendar:
    """Return the calendar of some years as the package ``holidays`` knows them.

    Years for which a country publishes swapped working days, and the package has none yet, are
    provisional: China's are settled by a notice of the State Council each autumn.

    Parameters
    ----------
    country
        ISO 3166-1 alpha-2 code, such as ``CN``.
    years
        Years without a gap.
    lang
        Language of the names, such as ``zh_CN``; the package's own default if None.

    Raises
    ------
    InputError
        If the package does not know the country or the language.
    """
    wanted = sorted(set(years))
    try:
        known = holidays.country_holidays(
            country, years=wanted, language=lang, categories=(PUBLIC,)
        )
    except (NotImplementedError, AttributeError, ValueError) as error:
        msg = f"there is no calendar of {country!r} in language {lang!r}: {error}"
        raise InputError(msg, code="no-calendar") from error
    swapped = frozenset(known.weekend_workdays)
    provisional = frozenset(year for year in wanted if _is_provisional(year, swapped))
    days = tuple(_day(day, known, swapped, known.weekend) for day in _days(wanted))
    return WorkCalendar(days, provisional)


def _is_provisional(year: int, swapped: frozenset[date]) -> bool:
    """Tell whether a country that swaps days has none published for a year to come."""
    return bool(swapped) and year > max(day.year for day in swapped)


def _days(years: list[int]) -> Iterable[date]:
    for year in years:
        start = date(year, 1, 1)
        yield from (start + timedelta(days=n) for n in range((date(year + 1, 1, 1) - start).days))


def _day(
    day: date, known: Mapping[date, str], swapped: frozenset[date], weekend: Iterable[int]
) -> CalendarDay:
    if day in swapped:
        return CalendarDay(day, is_workday=True, kind="swapped")
    if day in known:
        return CalendarDay(day, is_workday=False, kind="holiday", name=known[day])
    if day.weekday() in weekend:
        return CalendarDay(day, is_workday=False, kind="weekend")
    return CalendarDay(day, is_workday=True, kind="workday")
