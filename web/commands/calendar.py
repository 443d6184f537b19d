"""`gridbeat calendar`: working days, open hours and the deadlines that follow."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal

import typer

from geo.errors import InputError
from governance.calendar_store import (
    confirm_year,
    read_calendar,
    read_work_clock,
    write_calendar,
    write_spells,
)
from governance.clock.calendar import CalendarDay, WorkCalendar, library_calendar
from governance.clock.deadlines import TimeLimit, TimeUnit
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Working days, open hours and the deadlines that follow. 工作日历",
)  # fmt: skip


@app.command()
def load(
    years: Annotated[list[int], typer.Argument(help="Years, such as 2026 2027.")],
    country: Annotated[
        str, typer.Option(help="Whose holidays (ISO 3166 code), from the package holidays.")
    ] = "CN",
    jurisdiction: Jurisdiction = None,
) -> None:
    """Load years from the package holidays; a year without its official notice is provisional."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = library_calendar(country, years, lang="zh_CN" if country == "CN" else None)
        calendar = _joined(read_calendar(connection, about.number), found)
        write_calendar(connection, about.number, calendar, source="package holidays")
    for year in sorted(set(years)):
        days = [entry for entry in found.days if entry.day.year == year]
        state = " (provisional 暂定)" if year in found.provisional_years else ""
        workdays = sum(entry.is_workday for entry in days)
        typer.echo(f"{year}{state}: {workdays} working days 工作日 of {len(days)}")


@app.command()
def confirm(
    year: Annotated[int, typer.Argument(help="The year whose notice is out.")],
    source: Annotated[str, typer.Option(help="The notice, such as 国办发明电〔2026〕12号.")],
    off: Annotated[
        list[datetime] | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day off; may be given several times."),
    ] = None,
    work: Annotated[
        list[datetime] | None,
        typer.Option(formats=["%Y-%m-%d"], help="A weekend day that is worked; likewise."),
    ] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Enter the official notice of a year: its days off and its swapped working days."""
    days_off = {moment.date() for moment in off or ()}
    worked = {moment.date() for moment in work or ()}
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        confirm_year(connection, about.number, year, off=days_off, work=worked, source=source)
    typer.echo(f"{year} confirmed 已确认: {len(days_off)} days off, {len(worked)} swapped")


@app.command()
def hours(
    spells: Annotated[list[str], typer.Argument(help="Open hours: 08:00-12:00 14:00-18:00.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Set the open hours of a working day; a spell may run past midnight."""
    daily = tuple(_spell(text) for text in spells)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        write_spells(connection, about.number, daily)
        read_work_clock(connection, about.number)  # refuses hours that overlap
    typer.echo(f"open 工作时间: {', '.join(f'{a:%H:%M}-{b:%H:%M}' for a, b in daily)}")


@app.command()
def due(
    value: Annotated[float, typer.Argument(help="How many.")],
    unit: Annotated[
        Literal["urgent_hour", "work_hour", "work_day", "natural_day"],
        typer.Argument(help="紧急工作时, 工作时, 工作日, 自然日."),
    ],
    since: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="Local time."),
    ],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Say when a time limit ends."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        clock = read_work_clock(connection, about.number)
    kind: TimeUnit = unit
    found = clock.due(since.replace(tzinfo=about.zone), TimeLimit(value, kind))
    mark = " (provisional 暂定)" if found.provisional else ""
    typer.echo(f"{found.at:%Y-%m-%d %H:%M}{mark}")


def _joined(known: WorkCalendar | None, found: WorkCalendar) -> WorkCalendar:
    """Return the years of both, so that what is stored stays without a gap."""
    if known is None:
        return found
    days: dict[date, CalendarDay] = {entry.day: entry for entry in known.days}
    days |= {entry.day: entry for entry in found.days}
    kept = known.provisional_years - set(found.years)
    return WorkCalendar(tuple(days[day] for day in sorted(days)), kept | found.provisional_years)


def _spell(text: str) -> tuple[time, time]:
    try:
        start, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError as error:
        raise InputError(f"{text!r} is no spell of hours; write it as 08:00-12:00") from error
    return start, end
