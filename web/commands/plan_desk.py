"""What people do with a plan: edit, compare, approve, publish, look back, print and hand out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from sqlalchemy import Connection

from geo.errors import InputError, NotFoundError
from patrol.planning.changes import compare_plans
from patrol.planning.cover import edit_cost
from patrol.planning.done import SOURCE_WORDS
from patrol.planning.states import NAMES, Act
from patrol.planning.steps import approve_plan, publish_plan, read_head, read_steps, withdraw_plan
from patrol.planning.store import find_before, read_desk, write_version
from patrol.routes.proposals import read_confirmed
from patrol.store import read_plan
from web.audit.log import command_line_entry, write_entry_of_store
from web.opening import begin, open_database
from web.plans.files import Format, plan_file
from web.plans.look import changes_table, compare_with_tracks
from web.plans.typed import balanced, edits_of_text
from web.progress import Report, progress

Number = Annotated[int, typer.Argument(help="Number of the plan.")]
By = Annotated[str, typer.Option(help="Your name: it is kept.")]
Reason = Annotated[str, typer.Option(help="Why, in words: it is kept.")]
Texts = list[str] | None
OnDay = Annotated[
    datetime | None,
    typer.Option("--day", formats=["%Y-%m-%d"], help="Of a plan of several days this one alone."),
]


def edit(
    number: Number,
    by: By,
    reason: Reason,
    minutes: Annotated[
        Texts, typer.Option("--set", help="CODE=HOURS or CODE/SHIFT/KIND=HOURS.")
    ] = None,
    pin: Annotated[Texts, typer.Option(help="A stop that must be made: LON,LAT,MINUTES.")] = None,
    forbid: Annotated[Texts, typer.Option(help="Code of a grid that nobody is sent to.")] = None,
    lift: Annotated[Texts, typer.Option(help="A pin or forbidden ground by its mark.")] = None,
    balance: Annotated[bool, typer.Option(help="Keep the total: the others make up.")] = False,
    dry: Annotated[bool, typer.Option("--try", help="Show the cost and write nothing.")] = False,
) -> None:
    """Change a plan by hand into a new version, and show what that costs in expected coverage."""
    with begin(open_database()) as connection:
        desk = read_desk(connection, number)
        edits = edits_of_text(desk, minutes=minutes, pin=pin, forbid=forbid, lift=lift, why=reason)
        rows = desk.edited(edits, person=by)
        rows = balanced(desk, rows, edits) if balance else rows
        cost = edit_cost(desk.items, rows, desk.shifts, desk.cover)
        typer.echo("\n".join(cost.words()[::-1]))
        if not dry:
            act = Act(by, reason, datetime.now(UTC))
            made = write_version(connection, desk, edits, act, rows=rows)
            _log(connection, "plan edited", made, parent=number, by=by)
            typer.echo(f"plan 方案 {made} (edited 已修改), parent 上一版 {number}")


def diff(
    number: Number,
    other: Annotated[
        int | None, typer.Argument(help="The plan before; default: that of the last planned day.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many grids to print.")] = 10,
) -> None:
    """Say in words and figures what changed between two plans."""
    with begin(open_database()) as connection:
        after = read_plan(connection, number)
        earlier = other or find_before(connection, after.head)
        if earlier is None:
            raise NotFoundError(f"there is no plan of a day before {after.head['plan_date']}")
        before = read_plan(connection, earlier)
        change = compare_plans(changes_table(before), changes_table(after))
    for label, plan in (("from 由", before), ("to   至", after)):
        typer.echo(
            f"{label} plan {plan.head['plan_id']}, {plan.head['plan_date']} "
            f"v{plan.head['version']} {' '.join(NAMES[plan.head['status']])}"
        )
    for zh, en in change.sentences:
        typer.echo(f"  {en}\n  {zh}")
    for row in change.rows.head(top).to_dict("records"):
        typer.echo(f"  {row['change_min'] / 60:+6.2f} h  {row['code']} {row['name']}")


def approve(number: Number, by: By, reason: Reason) -> None:
    """Approve a draft or an edited version in a person's name."""
    with begin(open_database()) as connection:
        approve_plan(connection, number, person=by, reason=reason, now=datetime.now(UTC))
        _log(connection, "plan approved", number, by=by)
    typer.echo(f"plan 方案 {number}: approved by 批准人 {by}")


def publish(number: Number, by: By, reason: Reason) -> None:
    """Publish an approved plan: people go out on it; it replaces what was published before."""
    with begin(open_database()) as connection:
        old = publish_plan(connection, number, Act(by, reason, datetime.now(UTC)))
        _log(connection, "plan published", number, by=by, replaced=old)
    typer.echo(f"plan 方案 {number}: published by 发布人 {by}")
    if old is not None:
        typer.echo(f"plan 方案 {old}: withdrawn, replaced 已撤回，由其替代")


def withdraw(number: Number, by: By, reason: Reason) -> None:
    """Withdraw a plan; the version stays readable."""
    with begin(open_database()) as connection:
        withdraw_plan(connection, number, Act(by, reason, datetime.now(UTC)))
        _log(connection, "plan withdrawn", number, by=by)
    typer.echo(f"plan 方案 {number}: withdrawn by 撤回人 {by}")


def compare(
    number: Number,
    by: By = "Gridbeat",
    reason: Reason = "recorded tracks and looks 轨迹与查看记录",
    top: Annotated[int, typer.Option(min=1, help="How many places to print.")] = 10,
) -> None:
    """Set what was done, by recorded tracks, beside what was planned: places, never persons."""
    act = Act(by, reason, datetime.now(UTC))
    with begin(open_database()) as connection:
        done = compare_with_tracks(connection, number, act)
        names = read_plan(connection, number).items.set_index("area_id")["name"]
        _log(connection, "plan compared", number, by=by)
    typer.echo("\n".join(done.words()[::-1]))
    for zh, en in done.by_source():
        typer.echo(f"  {en}  {zh}")
    short = done.rows.sort_values("short_min", ascending=False).head(top)
    for row in short[short["short_min"] > 0].to_dict("records"):
        typer.echo(
            f"  {row['planned_min'] / 60:5.2f} h planned 计划, {row['done_min'] / 60:5.2f} h done "
            f"完成  {names[row['area_id']]}, shift 班次 {row['shift_no']}, "
            f"{' '.join(SOURCE_WORDS[row['source']])}"
        )


def show(number: Number) -> None:
    """Tell the life of a plan: who did what, when and why."""
    with begin(open_database()) as connection:
        head, steps = read_head(connection, number), read_steps(connection, number)
        replans = read_confirmed(connection, number)
    typer.echo(f"plan 方案 {number}, {head['plan_date']} v{head['version']}: {head['hours']:g} h, "
               f"{' '.join(NAMES[head['status']])}")  # fmt: skip
    for step in steps:
        typer.echo(f"  {step['at']:%Y-%m-%d %H:%M %Z}  {step['action']}  {step['actor']}: "
                   f"{step['reason']}")  # fmt: skip
    for one in replans:
        typer.echo(
            f"  {one['confirmed_at']:%Y-%m-%d %H:%M %Z}  routes 路线 {one['route_run_id']} "
            f"re-planned 重新规划  {one['confirmed_by']}: {one['confirmed_why']}"
        )


def sheets(
    number: Number,
    out: Annotated[Path, typer.Option(help="The .html or .pdf file to write.")],
    unit: Annotated[str | None, typer.Option(help="Of this unit alone.")] = None,
    day: OnDay = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
) -> None:
    """Write the shift sheets: a page a unit, with map, stops and what to look for."""
    if out.suffix not in (".html", ".pdf"):
        raise InputError(f"{out.name}: a sheet is written as .html or .pdf")
    what: Format = "sheets.pdf" if out.suffix == ".pdf" else "sheets.html"
    with begin(open_database()) as connection, progress() as report:
        content, _ = plan_file(
            connection, number, what, lang=lang, unit=unit, day=_date(day),
            tell=lambda done, of: _tell_sheets(report, done, of),
        )  # fmt: skip
    _write(out, content)


def _tell_sheets(report: Report, done: int, of: int) -> None:
    if done % 25 == 0 or done == of:
        rest = "; writing the PDF 正在写入" if done == of else ""
        report(f"shift sheets 任务单 {done} / {of}{rest}")


def export(
    number: Number,
    what: Annotated[Format, typer.Argument(help="What to write.")],
    out: Annotated[Path | None, typer.Option(help="File; default: plan-NUMBER-WHAT.")] = None,
    unit: Annotated[str | None, typer.Option(help="Of this unit alone.")] = None,
    day: OnDay = None,
) -> None:
    """Write a plan's areas, routes, calendar or sheets as a file."""
    with begin(open_database()) as connection:
        content, _ = plan_file(connection, number, what, lang="both", unit=unit, day=_date(day))
    _write(out or Path(f"plan-{number}-{what}"), content)


COMMANDS: dict[str, Callable[..., Any]] = {
    "edit": edit, "diff": diff, "approve": approve, "publish": publish, "withdraw": withdraw,
    "compare": compare, "show": show, "sheets": sheets, "export": export,
}  # fmt: skip


def _log(connection: Connection, action: str, number: int, **details: Any) -> None:
    entry = command_line_entry(action, about=f"plan {number}", **details)
    write_entry_of_store(connection, entry)


def _date(day: datetime | None) -> date | None:
    return None if day is None else day.date()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    typer.echo(f"wrote {path}")
