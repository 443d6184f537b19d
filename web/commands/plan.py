"""`gridbeat plan`: hours for each grid with their reasons, drafted, shown, approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import pandas as pd
import typer
from sqlalchemy import Connection

from patrol.allocate import AllocationParams
from patrol.drafting import draft_day
from patrol.equity import compare_communities
from patrol.exports import plan_csv, plan_geojson
from patrol.planning.steps import approve_plan
from patrol.plans import Plan
from patrol.store import read_class_names, write_plan
from patrol.summaries import plan_html, plan_markdown
from web.commands.bias import Effort
from web.commands.hotspots import make_request
from web.effort_file import read_effort
from web.found import strongest
from web.opening import begin, open_database
from web.options import Jurisdiction, Until, Weeks
from web.results import newest_run_ids
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)
RECENT_WEEKS = 6


@app.callback()
def plan(
    context: typer.Context,
    hours: Annotated[
        float | None, typer.Option(help="Patrol hours to give, a multiple of 0.25.")
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day to plan; default: tomorrow."),
    ] = None,
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    floor: Annotated[int, typer.Option(help="Minutes that every grid gets.")] = 30,
    cap: Annotated[float | None, typer.Option(help="Most hours of one grid.")] = None,
    explore: Annotated[float, typer.Option(help="Share that goes where least is known.")] = 0.10,
    top: Annotated[int, typer.Option(min=1, help="How many grids to print.")] = 15,
    out: Annotated[
        Path | None, typer.Option(help="Folder for plan.csv, plan.geojson and the summary.")
    ] = None,
    effort: Effort = None,
) -> None:
    """Draft a day's patrol hours by level and trend, with a floor and a reason for each grid.

    A draft sends nobody out: a person approves it with `gridbeat plan approve`.
    """
    if context.invoked_subcommand is not None:
        return
    if hours is None:
        raise typer.BadParameter("say how many hours there are: --hours 120")
    now = datetime.now(UTC)
    params = AllocationParams(total_h=hours, floor_min=floor, cap_h=cap, explore_share=explore)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until.date() if until else None, weeks=weeks, by_class=True
        )
        tomorrow = now.astimezone(ZoneInfo(about.time_zone)).date() + timedelta(days=1)
        draft = draft_day(
            connection, request, about, plan_date=date.date() if date else tomorrow,
            params=params, recent_steps=RECENT_WEEKS, now=now, code_version=version("gridbeat"),
        )  # fmt: skip
        runs = newest_run_ids(connection, about.number)
        found = told(connection, runs, draft)
        watched = None if effort is None else read_effort(effort)
        equity = compare_communities(connection, request, draft, effort_h=watched)
        number = write_plan(
            connection, draft, jurisdiction_id=about.number,
            trend_run_id=runs.get("trends"), hotspot_run_id=runs.get("hotspots"),
        )  # fmt: skip
    typer.echo("\n".join([*describe(draft, number, top=top), "", *describe_equity(equity)]))
    if out is not None:
        for path in write_files(draft, out, found=found):
            typer.echo(f"wrote {path}")


def describe_equity(table: pd.DataFrame) -> list[str]:
    """Say what each community gets beside its need by both sources, before and after correction."""
    lines = [
        "By community 各社区: hours 时长 (share 占比), need 需求占比 before 校正前 -> after "
        "校正后, reports 上报, finds 发现 (corrected 校正后), unknown grids 不明网格"
    ]
    blind = bool((table["unknown_units"] == table["units"]).all())
    for row in table.to_dict("records"):
        unknown = row["unknown_units"] == row["units"]
        after = "?" if unknown else f"{row['share_after']:.1%}"
        corrected = "?" if unknown else f"{row['found_corrected']:,.0f}"
        lines.append(
            f"  {row['hours']:>7.2f} h {row['hours_share']:>6.1%}  {row['share_before']:>6.1%} -> "
            f"{after:>6}  {row['reported']:>6,.0f} {row['found']:>6,.0f} ({corrected:>5})  "
            f"{row['unknown_units']:>2}/{row['units']:<2} {row['group']}"
        )
    if blind:
        lines.append(
            "  patrol hours are unknown, so finds count for nothing: --effort hours.csv "
            "巡查时长未知，巡查发现不计入"
        )
    return lines


def told(connection: Connection, runs: Mapping[str, int], draft: Plan) -> list[tuple[str, str]]:
    """Say the strongest of the newest stored findings, in both languages."""
    kinds = {"emerging": "emerging", "area_changes": "changes", "scan": "scan"}
    numbers = {kinds[name]: number for name, number in runs.items() if name in kinds}
    return strongest(connection, numbers, draft.items, read_class_names(connection))


def describe(draft: Plan, number: int, *, top: int) -> list[str]:
    """Say what the plan gives, most hours first."""
    about = draft.context
    items = draft.items.sort_values(["hours", "code"], ascending=[False, True])
    lines = [
        f"plan 方案 {number} (draft 草案) {about.plan_date} {about.name_zh} {about.name_en}"
        f"{'  SIMULATED 模拟' if about.simulated else ''}",
        f"{items['hours'].sum():g} h over {len(items)} grids; data {about.data_from:%Y-%m-%d} .. "
        f"{about.data_until:%Y-%m-%d}",
        *([f"预测 forecast: {about.method_en}", f"  {about.method_zh}"] if about.method_en else []),
        "",
    ]
    for row in items.head(top).itertuples():
        lines += [f"  {row.hours:5.2f} h  {row.code} {row.name}",
                  f"           {row.reason_en}", f"           {row.reason_zh}"]  # fmt: skip
    if len(items) > top:
        rest = len(items) - top
        lines.append(f"  ... and {rest} more grids 其余网格: --top N, --out FOLDER")
    lines += ["", f"approve 批准: gridbeat plan approve {number} --by NAME --reason WHY"]
    return lines


def write_files(draft: Plan, folder: Path, *, found: Sequence[tuple[str, str]] = ()) -> list[Path]:
    """Write the plan as CSV, GeoJSON, Markdown and one HTML page, which name what was found."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "plan.csv": plan_csv(draft),
        "plan.geojson": plan_geojson(draft).encode(),
        "summary.md": plan_markdown(draft, found=found).encode(),
        "summary.html": plan_html(draft, found=found).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


@app.command()
def approve(
    number: Annotated[int, typer.Argument(help="Number of the plan.")],
    by: Annotated[str, typer.Option(help="Who approves it.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
) -> None:
    """Approve a draft in a person's name."""
    with begin(open_database()) as connection:
        approve_plan(connection, number, person=by, reason=reason, now=datetime.now(UTC))
    typer.echo(f"plan 方案 {number}: approved by 批准人 {by}")
