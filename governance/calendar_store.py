"""Work calendars, open hours and stage limits out of the database and into it. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.errors import InputError, NotFoundError
from geo.models.places import Jurisdiction
from governance import queries
from governance.cases.states import Stage
from governance.cases.steps import DEFAULT_LIMITS, Limits
from governance.clock.calendar import CalendarDay, WorkCalendar
from governance.clock.deadlines import TimeLimit, TimeUnit, WorkClock, make_work_clock
from governance.clock.hours import OFFICE_HOURS, Spells
from governance.models.calendar import StageLimit, WorkCalendarDay, WorkSpell


def write_calendar(
    connection: Connection,
    jurisdiction_id: int,
    calendar: WorkCalendar,
    *,
    source: str,
    daily: Spells | None = None,
) -> int:
    """Store whole years of a work calendar, over what was there; return how many days.

    Parameters
    ----------
    source
        Where the days come from, such as the number of the official notice.
    daily
        Open hours of a working day; None keeps those that are there, or sets office hours.
    """
    rows = [
        {
            "jurisdiction_id": jurisdiction_id,
            "day": entry.day,
            "is_workday": entry.is_workday,
            "kind": entry.kind,
            "name": entry.name,
            "source": source,
            "provisional": entry.day.year in calendar.provisional_years,
        }
        for entry in calendar.days
    ]
    statement = upsert(WorkCalendarDay)
    changed = {name: statement.excluded[name] for name in rows[0] if name[:3] not in {"jur", "day"}}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["jurisdiction_id", "day"], set_=changed),
        rows,
    )
    known = connection.execute(queries.select_spells(jurisdiction_id)).all()
    if daily is not None or not known:
        write_spells(connection, jurisdiction_id, daily or OFFICE_HOURS)
    return len(rows)


def read_calendar(connection: Connection, jurisdiction_id: int) -> WorkCalendar | None:
    """Read the work calendar of a jurisdiction; None if none is loaded yet."""
    rows = connection.execute(queries.select_calendar(jurisdiction_id)).all()
    if not rows:
        return None
    days = tuple(CalendarDay(row.day, row.is_workday, row.kind, row.name) for row in rows)
    return WorkCalendar(days, frozenset(row.day.year for row in rows if row.provisional))


def confirm_year(
    connection: Connection,
    jurisdiction_id: int,
    year: int,
    *,
    off: set[date],
    work: set[date],
    source: str,
) -> None:
    """Enter the official notice of a year: days off, swapped working days; no longer provisional.

    Raises
    ------
    NotFoundError
        If the year is not loaded yet.
    InputError
        If a day lies outside the year or is both off and worked.
    """
    strange = {day for day in off | work if day.year != year} | (off & work)
    if strange:
        shown = ", ".join(str(day) for day in sorted(strange))
        raise InputError(f"{shown}: outside {year}, or both off and worked", code="bad-calendar")
    calendar = read_calendar(connection, jurisdiction_id)
    if calendar is None or year not in calendar.years:
        raise NotFoundError(
            f"{year} is not loaded yet: run `gridbeat calendar load {year}`", code="no-year"
        )
    days = tuple(_confirmed(entry, off, work) for entry in calendar.days if entry.day.year == year)
    write_calendar(connection, jurisdiction_id, WorkCalendar(days), source=source)


def _confirmed(entry: CalendarDay, off: set[date], work: set[date]) -> CalendarDay:
    if entry.day in off:
        return replace(entry, is_workday=False, kind="holiday")
    if entry.day in work:
        return replace(entry, is_workday=True, kind="swapped", name="")
    return entry


def write_spells(connection: Connection, jurisdiction_id: int, daily: Spells) -> None:
    """Replace the open hours of a working day."""
    connection.execute(delete(WorkSpell).where(WorkSpell.jurisdiction_id == jurisdiction_id))
    connection.execute(
        insert(WorkSpell),
        [
            {"jurisdiction_id": jurisdiction_id, "opens": opens, "closes": closes}
            for opens, closes in daily
        ],
    )


def read_work_clock(connection: Connection, jurisdiction_id: int) -> WorkClock:
    """Read the calendar and the open hours of a jurisdiction.

    Raises
    ------
    NotFoundError
        If no calendar is loaded yet.
    """
    calendar = read_calendar(connection, jurisdiction_id)
    if calendar is None:
        msg = "this jurisdiction has no work calendar yet: run `gridbeat calendar load 2026`"
        raise NotFoundError(msg, code="no-calendar")
    zone = connection.execute(
        select(Jurisdiction.time_zone).where(Jurisdiction.jurisdiction_id == jurisdiction_id)
    ).scalar_one()
    spells: list[tuple[time, time]] = [
        (row.opens, row.closes)
        for row in connection.execute(queries.select_spells(jurisdiction_id))
    ]
    return make_work_clock(calendar, ZoneInfo(zone), tuple(spells))


def write_limits(
    connection: Connection,
    jurisdiction_id: int,
    limits: Limits,
    *,
    scheme: str | None = None,
    category_code: str | None = None,
) -> None:
    """Store how long stages may take: of one class, or of all without one of their own."""
    values = {"scheme": scheme, "category_code": category_code}
    rows = [
        {"jurisdiction_id": jurisdiction_id, "stage": stage, "value": limit.value,
         "unit": limit.unit} | values
        for stage, limit in limits.items()
    ]  # fmt: skip
    statement = upsert(StageLimit)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["jurisdiction_id", "scheme", "category_code", "stage"],
            set_={"value": statement.excluded.value, "unit": statement.excluded.unit},
        ),
        rows,
    )


def read_limits(connection: Connection, jurisdiction_id: int, category_id: int | None) -> Limits:
    """Read the limits of a class; where the district has set none, the defaults hold."""
    query = select(func.stage_limits(jurisdiction_id, category_id))
    return as_limits(connection.execute(query).scalar_one())


def as_limits(given: Mapping[Stage, tuple[float, TimeUnit]]) -> Limits:
    """Return limits from what the function ``stage_limits`` gives, over the defaults."""
    own = {stage: TimeLimit(float(value), unit) for stage, (value, unit) in given.items()}
    return {**DEFAULT_LIMITS, **own}
