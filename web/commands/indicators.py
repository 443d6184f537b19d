"""`gridbeat indicators`: shares of what was due, with definitions; one record as evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from geo.errors import InputError
from governance.indicators.definitions import INDICATORS
from governance.indicators.measure import measure
from governance.indicators.store import (
    Period,
    month_of,
    read_facts,
    read_grades,
    read_record,
    record_csv,
    write_grades,
)
from web.audit.log import command_line_entry, write_entry_of_store
from web.opening import begin, open_database
from web.options import Jurisdiction, Level
from web.subject import About, read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Indicators with their definitions, and a person's record. 考评指标",
)  # fmt: skip
Month = Annotated[str | None, typer.Option(help="Such as 2026-11; default: the last 30 days.")]


@app.command()
def show(
    month: Month = None,
    by: Annotated[
        Literal["area", "department", "post", "class", "month"] | None,
        typer.Option(help="By what; in all without."),
    ] = None,
    level: Level = "street",
    out: Annotated[Path | None, typer.Option(help="Write a CSV as well.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print the indicators of a month; — where nothing was due."""
    now = datetime.now(UTC)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        period = period_of(month, about, now)
        facts = read_facts(connection, about.number, period, zone=about.zone, now=now, level=level)
        table = measure(facts, by=by, grades=read_grades(connection, about.number))
    typer.echo(f"{period.start} .. {period.end - timedelta(days=1)}")
    for group, rows in table.groupby("group", sort=False, dropna=False):
        if by is not None:
            typer.echo(str(group))
        for row in rows.to_dict("records"):
            item = INDICATORS[str(row["indicator"])]
            share = "—" if row["value"] is None else f"{row['value']:.1%} {row['grade']}"
            typer.echo(f"  {item.zh} {item.en}: {share}  ({row['good']} of {row['due']})")
    if out is not None:
        table.to_csv(out, index=False)
        typer.echo(f"written 已写入 {out}")


@app.command()
def definitions() -> None:
    """Print what each indicator counts."""
    for item in INDICATORS.values():
        typer.echo(f"{item.zh} {item.en} = {item.good_zh} / {item.due_zh}\n"
                   f"  {item.good_en} / {item.due_en}")  # fmt: skip


@app.command()
def grades(
    given: Annotated[list[str], typer.Argument(help="Such as A=0.9 B=0.75 C=0.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Set from which share on each grade begins; one begins at 0."""
    found = {}
    for part in given:
        grade, _, start = part.partition("=")
        try:
            found[grade] = float(start)
        except ValueError as error:
            raise InputError(f"{part!r}: a grade is written A=0.9") from error
    with begin(open_database()) as connection:
        write_grades(connection, read_about(connection, jurisdiction).number, found)
    typer.echo(", ".join(f"{grade} from {start:.0%}" for grade, start in found.items()))


@app.command()
def record(
    staff_no: Annotated[str, typer.Argument(help="Number of the person.")],
    out: Annotated[Path, typer.Option(help="CSV to write.")],
    reason: Annotated[str, typer.Option(help="Why it is exported; it is written down.")],
    month: Month = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Export what a person did, as evidence: nothing is summed, ranked or decided."""
    if not reason.strip():
        raise InputError("say why the record is exported; it is written down")
    now = datetime.now(UTC)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        period = period_of(month, about, now)
        rows = read_record(connection, about.number, staff_no, period, zone=about.zone)
        entry = command_line_entry("record exported", about=staff_no, reason=reason)
        write_entry_of_store(connection, entry)
    out.write_text(record_csv(rows, about.zone), "utf-8-sig", newline="")
    typer.echo(f"{len(rows)} steps 条记录: {out}")


def period_of(month: str | None, about: About, now: datetime) -> Period:
    """Return the month that is named, or the thirty days up to today."""
    if month is None:
        today = now.astimezone(about.zone).date()
        return Period(today - timedelta(days=29), today + timedelta(days=1))
    year, _, number = month.partition("-")
    if not (year.isdigit() and number.isdigit()):
        raise InputError(f"{month!r}: a month is written 2026-11")
    return month_of(int(year), int(number))
