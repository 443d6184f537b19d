"""`gridbeat cases`: what is open, what is late, and one case with its history."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer

from geo.errors import InputError
from governance.calendar_store import read_work_clock
from governance.case_store import (
    escalate_overdue,
    find_case,
    list_cases,
    move_case,
    read_case,
    read_history,
)
from governance.cases.states import RULES
from governance.cases.steps import Step
from governance.intake.similar_cases import write_repeats
from governance.levels import read_level_names, write_level_names
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Cases: what is open, what is late, and one with its history. 案件",
)  # fmt: skip
Number = Annotated[str, typer.Argument(help="Number of the case, such as 20261122-000007.")]


@app.command("list")
def show_list(
    late: Annotated[bool, typer.Option("--late", help="Only those past their deadline.")] = False,
    most: Annotated[int, typer.Option(min=1, help="How many to print.")] = 50,
    jurisdiction: Jurisdiction = None,
) -> None:
    """List open cases, those due first at the top."""
    now = datetime.now(UTC)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        rows = list_cases(connection, about.number, due_before=now if late else None, most=most)
    for row in rows:
        due = f"{row.due_at.astimezone(about.zone):%Y-%m-%d %H:%M}" if row.due_at else "-"
        mark = " LATE 逾期" if row.due_at and row.due_at < now else ""
        department = row.department or "-"
        typer.echo(
            f"{row.number}  {row.state:<11} {row.level:<9} due {due}{mark}  {department}  "
            f"{row.category or '-'}  {row.words[:40]}"
        )
    typer.echo(f"{len(rows)} open cases 在办案件{' shown' if len(rows) == most else ''}")


@app.command()
def show(number: Number, jurisdiction: Jurisdiction = None) -> None:
    """Show one case: every step with who, when and why."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        case_id = find_case(connection, about.number, number)
        case = read_case(connection, case_id)
        history = read_history(connection, case_id)
    typer.echo(f"{number}  {case.state}  {case.level}")
    for row in history:
        when = f"{row.at.astimezone(about.zone):%Y-%m-%d %H:%M}"
        extra = " ".join(str(part) for part in (row.department, row.reason) if part)
        typer.echo(f"  {row.seq:>3}  {when}  {row.action:<18} {row.actor:<12} {extra}")


@app.command()
def move(
    number: Number,
    action: Annotated[str, typer.Argument(help=", ".join(RULES))],
    actor: Annotated[str, typer.Option("--as", help="Who does it.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    department: Annotated[int | None, typer.Option(help="Number of the department.")] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="Reference of a photo or document.")
    ] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Do one step of a case; the table of steps says what each needs."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        case_id = find_case(connection, about.number, number)
        step = Step(
            action, actor, datetime.now(UTC), uuid.uuid4(), reason=reason,
            department_id=department, evidence=tuple(evidence or ()),
        )  # fmt: skip
        clock = read_work_clock(connection, about.number)
        case = move_case(connection, case_id, step, clock=clock)
    due = f", due {case.due_at.astimezone(about.zone):%Y-%m-%d %H:%M}" if case.due_at else ""
    typer.echo(f"{number} is {case.state}{due}")


@app.command()
def escalate(jurisdiction: Jurisdiction = None) -> None:
    """Send every late case up one level; the worker does this every minute."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        clock = read_work_clock(connection, about.number)
        moved = escalate_overdue(connection, about.number, now=datetime.now(UTC), clock=clock)
    for case in moved:
        typer.echo(f"{case.number} goes up to {case.level}")
    typer.echo(f"{len(moved)} late cases went up one level 逾期上报")


@app.command()
def levels(
    given: Annotated[
        list[str] | None, typer.Argument(help="Such as street=镇街/Town; prints without any.")
    ] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print what the four levels are called, or name some of them."""
    with begin(open_database()) as connection:
        number = read_about(connection, jurisdiction).number
        if given:
            write_level_names(connection, number, dict(map(_named, given)))
        names = read_level_names(connection, number)
    for level, (zh, en) in names.items():
        typer.echo(f"{level:<10} {zh}  {en}")


@app.command()
def repeats(
    metres: Annotated[float, typer.Option(help="How near.")] = 50.0,
    hours: Annotated[int, typer.Option(help="How recent.")] = 24,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Set how near and how recent a case is that a new report may repeat."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        write_repeats(connection, about.number, radius_m=metres, hours=hours)
    typer.echo(f"a report may repeat a case within {metres:g} m and {hours} h "
               f"疑似重复：{metres:g} 米、{hours} 小时内")  # fmt: skip


def _named(given: str) -> tuple[str, tuple[str, str]]:
    level, _, names = given.partition("=")
    zh, _, en = names.partition("/")
    if not (zh and en):
        raise InputError(f"{given!r}: a level is named street=镇街/Town")
    return level, (zh, en)
