"""`gridbeat plan`: the night's run to a draft, and what people do with a plan afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import date as calendar_day
from pathlib import Path

import pandas as pd
import typer
from sqlalchemy import Connection

from analytics.queries import CubeRequest
from patrol.allocate import AllocationParams
from patrol.equity import compare_communities, expected_by_community
from patrol.exports import plan_csv, plan_geojson
from patrol.planning.nights import night_words, read_night
from patrol.plans import Plan
from patrol.store import read_class_names
from patrol.summaries import plan_html, plan_markdown
from web.asking import named
from web.commands.bias import Effort
from web.commands.hotspots import make_request
from web.commands.plan_day import Asked, as_request, bounds, describe_shares
from web.commands.plan_desk import COMMANDS
from web.commands.plan_options import (
    OPTIONAL,
    AskedBy,
    Cap,
    Caution,
    Cover,
    Days,
    Explore,
    Fairness,
    FairnessPrice,
    Floor,
    Folder,
    HoldOut,
    LeaveOut,
    Lot,
    Method,
    MostRows,
    Objective,
    OnDuty,
    PlanDate,
    Seed,
    Shifts,
    TotalHours,
    Units,
)
from web.commands.plan_visits import visits
from web.effort_file import read_effort
from web.found import strongest
from web.lot import choose_seed
from web.night.run import RECENT_WEEKS as RECENT_WEEKS
from web.night.run import Night, NightParams, NightRun, next_day
from web.opening import begin, open_database
from web.options import Jurisdiction, Until, Weeks
from web.progress import Report, progress
from web.results import newest_run_ids
from web.subject import About, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def plan(
    context: typer.Context,
    hours: TotalHours = None,
    date: PlanDate = None,
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    floor: Floor = None,
    cap: Cap = None,
    explore: Explore = None,
    top: MostRows = 15,
    out: Folder = None,
    effort: Effort = None,
    leave_out: LeaveOut = None,
    shift: Shifts = None,
    unit: Units = None,
    on_duty: OnDuty = False,
    days: Days = 1,
    objective: Objective = "both",
    fairness: Fairness = None,
    fairness_price: FairnessPrice = 0.01,
    lot: Lot = 0.10,
    cover: Cover = 1.0,
    caution: Caution = 0.0,
    method: Method = "exact",
    hold_out: HoldOut = None,
    asked_by: AskedBy = None,
    seed: Seed = None,
) -> None:
    """Run the night: results, forecast, hours, routes, camera rounds, drone missions, a draft.

    What is stored already is not computed again. A part that fails is named, and what is published
    stays published. A draft sends nobody out: `gridbeat plan approve`, then `publish`.

    With --shift, --unit or --on-duty hours are shared over shifts and kinds of unit, so that the
    expected need covered is greatest; otherwise --hours over grids in proportion to need.
    """
    if context.invoked_subcommand is not None:
        return
    asked = Asked(
        shift or (), unit or (), on_duty, floor, cap, explore, lot, objective, fairness,
        fairness_price, cover, caution, method, hold_out or (), asked_by, seed,
        days,
    )  # fmt: skip
    check_asked(asked, hours, leave_out or ())
    params = None if hours is None else AllocationParams(
        total_h=hours, cap_h=cap, **bounds(floor, explore)
    )  # fmt: skip
    wanted = Wanted(
        jurisdiction, until.date() if until else None, weeks, date.date() if date else None,
        params, frozenset(leave_out or ()), asked if asked.given else None,
    )  # fmt: skip
    with begin(open_database()) as connection, progress() as report:
        night, about, request = run_night_now(connection, wanted, report)
        lines, found = tell_night(connection, night, about, request, top=top, effort=effort)
    typer.echo("\n".join(lines))
    if night.draft is None:
        raise typer.Exit(1)
    if out is not None:
        for path in write_files(night.draft, out, found=found):
            typer.echo(f"wrote {path}")


def check_asked(asked: Asked, hours: float | None, leave_out: Sequence[str]) -> None:
    """Say what is wrong with the options before anything is read."""
    if (hours is None) != asked.given:
        raise typer.BadParameter(
            "say how many hours there are: --hours 120; or who goes when: --unit or --on-duty"
        )
    if asked.given:
        as_request(asked, seed=0)
    strange = sorted(set(leave_out) - set(OPTIONAL))
    if strange:
        raise typer.BadParameter(f"--leave-out takes {', '.join(OPTIONAL)}, not {strange[0]!r}")


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for."""

    jurisdiction: str | None
    until: calendar_day | None
    weeks: int
    plan_date: calendar_day | None
    allocation: AllocationParams | None
    leave_out: frozenset[str]
    asked: Asked | None = None


def run_night_now(
    connection: Connection, wanted: Wanted, report: Report
) -> tuple[NightRun, About, CubeRequest]:
    """Do the night in this process, and show how far it is."""
    now = datetime.now(UTC)
    about = read_about(connection, wanted.jurisdiction)
    request = make_request(connection, about, until=wanted.until, weeks=wanted.weeks)
    plan_date = wanted.plan_date or next_day(now, about)
    day = None
    if wanted.asked is not None:
        seed = choose_seed(
            connection, about.number, plan_date, wanted.asked.seed, days=wanted.asked.days
        )
        day = as_request(wanted.asked, seed=seed)
    params = NightParams(plan_date, wanted.allocation, leave_out=wanted.leave_out, day=day)

    def tell(share: int, words: str) -> None:
        report(f"{share:3d} %  {words}")

    return Night(connection, about, request, params, now=now, tell=tell).run(), about, request


def tell_night(
    connection: Connection, night: NightRun, about: About, request: CubeRequest, *, top: int,
    effort: Path | None,
) -> tuple[list[str], list[tuple[str, str]]]:  # fmt: skip
    """Return what to say of a night, and what was found."""
    said = [
        f"  {part.seconds:6.1f} s  {' '.join(part.words())}" for part in night.parts
    ]  # fmt: skip
    stored = read_night(connection, about.number)
    said += [f"  {en} {zh}" for zh, en in night_words(stored)] if stored else []
    if night.draft is None or night.plan_id is None:
        return [*said, "no new plan 未生成新方案"], []
    found = told(connection, newest_run_ids(connection, about.number), night.draft)
    watched = None if effort is None else read_effort(effort)
    counted = replace(request, by_class=True)
    equity = compare_communities(connection, counted, night.draft, effort_h=watched)
    lines = describe(night.draft, night.plan_id, top=top)
    shares = describe_shares(night.draft)
    equal = describe_equity(equity, expected_by_community(night.draft))
    return [*lines, "", *said, "", *shares, *equal], found


def describe_equity(table: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Say what each community gets beside its need by both sources, before and after correction."""
    lines = [
        "By community 各社区: hours 时长 (share 占比), need 需求占比 before 校正前 -> after "
        "校正后, reports 上报, finds 发现 (corrected 校正后), unknown grids 不明网格, "
        "expected next 预计下期 (interval 区间)"
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
            f"{_ahead(expected, row['group'])}"
        )
    if blind:
        lines.append(
            "  patrol hours are unknown, so finds count for nothing: `gridbeat tracks import`, or "
            "--effort hours.csv 巡查时长未知，巡查发现不计入"
        )
    return lines


def _ahead(expected: pd.DataFrame, group: str) -> str:
    if group not in expected.index:
        return ""
    row = expected.loc[group]
    return f"  {row['expected']:.1f} ({row['low']:.0f}–{row['high']:.0f})"


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
        f"{about.data_until - timedelta(microseconds=1):%Y-%m-%d}",
        *(
            []
            if about.level == "grid"
            else [f"no grids: planned by {about.level} 没有网格，按上一级区域编制"]
        ),
        *([f"预测 forecast: {about.method_en}", f"  {about.method_zh}"] if about.method_en else []),
        "",
    ]
    for row in items.head(top).itertuples():
        lines += [f"  {row.hours:5.2f} h  {named(str(row.code), str(row.name))}",
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


app.command("visits")(visits)
for name, command in COMMANDS.items():
    app.command(name)(command)
