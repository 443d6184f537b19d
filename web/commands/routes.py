"""`gridbeat routes`: who goes where in a shift, in which order, when and why."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import typer
from sqlalchemy import Connection

from analytics.store import read_result
from geo.errors import InputError, NotFoundError
from patrol.planning.gather import ground_items
from patrol.planning.states import Act
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.balance import BalanceParams
from patrol.routes.draft import ShiftParams, ShiftRoutes, draft_routes
from patrol.routes.exports import routes_geojson, routes_gpx
from patrol.routes.proposals import UnitChange, compare_routes, confirm_routes
from patrol.routes.replan import NewIncident
from patrol.routes.store import (
    StoredRoutes,
    read_routes,
    read_units,
    write_routes,
)
from patrol.store import StoredPlan, read_last_plan, read_plan
from web.audit.log import command_line_entry, write_entry_of_store
from web.night.replanning import replan_shift
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.overdue import overdue_visits
from web.results import newest_run_ids
from web.subject import About, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def routes(
    context: typer.Context,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%dT%H:%M"],
            help="Begin of the shift, local time; default: 08:00 of the planned day.",
        ),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.5, max=24, help="Length of the shift.")] = 8.0,
    number: Annotated[
        int | None,
        typer.Option("--plan", metavar="N", min=1, help="Number of the plan; default: made last."),
    ] = None,
    jurisdiction: Jurisdiction = None,
    dwell: Annotated[float, typer.Option(help="Minutes of a visit.")] = 15.0,
    rest: Annotated[float, typer.Option(min=0, help="Minutes of rest, 0 for none.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Decides the search.")] = 1,
    iterations: Annotated[int, typer.Option(min=1, help="Length of the search.")] = 3000,
    balance: Annotated[bool, typer.Option(help="Share the work evenly.")] = True,
    cases: Annotated[bool, typer.Option(help="Overdue cases are visited whatever comes.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder for routes.geojson and routes.gpx.")
    ] = None,
) -> None:
    """Turn the hours of a plan into routes of the units on duty, along the roads.

    Overdue cases with a place are visits that must be made. `gridbeat routes replan` plans the
    rest of a shift anew.
    """
    if context.invoked_subcommand is not None:
        return
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        plan = read_plan(connection, number) if number else read_last_plan(connection, about.number)
        first = start or datetime.combine(plan.head["plan_date"], datetime.min.time()).replace(
            hour=8
        )
        first = first.replace(tzinfo=ZoneInfo(about.time_zone))
        params = ShiftParams(
            starts_at=first, ends_at=first + timedelta(hours=hours), seed=seed,
            iterations=iterations, rest_min=rest,
        )  # fmt: skip
        made = make(connection, about, plan, params, VisitParams(dwell_min=dwell), balance,
                    cases=cases)  # fmt: skip
        run = write_routes(
            connection, made, jurisdiction_id=about.number, plan_id=plan.head["plan_id"],
            code_version=version("gridbeat"),
        )  # fmt: skip
        stored = read_routes(connection, run)
    typer.echo(f"plan 方案 {plan.head['plan_id']}, {span_of_days(plan)}")
    typer.echo("\n".join(describe(stored, made, about)))
    if out is not None:
        for path in write_files(stored, out):
            typer.echo(f"wrote {path}")


@app.command()
def replan(
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Local time within the shift; default: now."),
    ] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(metavar="LON,LAT", help="What has happened there; may be repeated."),
    ] = None,
    within: Annotated[float, typer.Option(min=1, help="Minutes to be there in.")] = 15.0,
    stay: Annotated[float, typer.Option(min=1, help="Minutes that it takes.")] = 20.0,
    run: Annotated[
        int | None, typer.Option(help="Number of the routes; default: what tablets show then.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the search.")] = 1,
    jurisdiction: Jurisdiction = None,
    by: Annotated[str | None, typer.Option(help="Who puts them into force at once.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; with --by.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for routes.geojson and routes.gpx.")
    ] = None,
) -> None:
    """Plan the rest of a shift anew around incidents, as routes of their own.

    Visits that were begun stay; units go on from where their tracks say, else from where the plan
    has them. Tablets show them when somebody puts them into force: at once with --by and
    --reason, else by `gridbeat routes confirm`.
    """
    if (by is None) != (reason is None):
        raise InputError("--by and --reason go together: who puts the routes into force, and why")
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        now = at.replace(tzinfo=about.zone) if at else datetime.now(about.zone)
        happened = [
            NewIncident("", *_lon_lat(place), within_s=within * 60, dwell_s=stay * 60)
            for place in incident or []
        ]
        begun = time.perf_counter()
        act = None if by is None or reason is None else Act(by, reason, datetime.now(UTC))
        new = replan_shift(connection, about, happened, at=now, routes=run, seed=seed, act=act)
        took = time.perf_counter() - begun
        old, made, stored = new.old, new.made, read_routes(connection, new.number)
    typer.echo(
        f"re-planned 重新规划 routes {old.run['route_run_id']} at {now:%H:%M} in {took:.2f} s: "
        f"{made.done} visits done 已完成, {made.tracked} of {len(stored.routes)} units where their "
        "tracks say 按轨迹定位"
    )
    if made.missed:
        typer.echo(f"NOBODY gets there in time 无人能按时到达: {', '.join(made.missed)}")
    typer.echo("\n".join(tell_changes(compare_routes(old, stored, at=now), about)))
    typer.echo("\n".join(describe(stored, made.routes, about)))
    if act is None:
        typer.echo(
            f"a proposal 待确认: gridbeat routes confirm {new.number} --by NAME --reason WHY"
        )
    if out is not None:
        for path in write_files(stored, out):
            typer.echo(f"wrote {path}")


@app.command()
def confirm(
    number: Annotated[int, typer.Argument(help="Number of the routes that were planned anew.")],
    by: Annotated[str, typer.Option(help="Who puts them into force.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Put routes that were planned anew into force: tablets show them from then on."""
    with begin(open_database()) as connection:
        confirm_routes(connection, number, Act(by, reason, datetime.now(UTC)))
        entry = command_line_entry("routes confirmed", about=f"routes {number}", by=by)
        write_entry_of_store(connection, entry)
    typer.echo(f"routes 路线 {number} in force 已生效")


def tell_changes(changes: list[UnitChange], about: About) -> list[str]:
    """Say what each unit drops, gives and gets."""
    lines = []
    for one in changes:
        if not one.moves:
            continue
        parts = [f"drops 取消 {ref}" for ref in one.dropped]
        parts += [f"{ref} -> {other}" for ref, other in one.given.items()]
        at = {str(visit["stop_ref"]): visit["start_at"] for visit in one.after}
        parts += [f"gets 新增 {ref} {_clock(at[ref], about.zone)}" for ref in one.gets]
        lines.append(f"  {one.unit}: {', '.join(parts)}")
    same = sum(not one.moves for one in changes)
    return [f"changes 变更: {len(lines)} units, {same} keep their visits 不变", *lines]


def _lon_lat(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--incident {text!r} is not LON,LAT") from None
    return lon, lat


def make(
    connection: Connection, about: About, plan: StoredPlan, params: ShiftParams,
    visit: VisitParams, balance: bool, *, cases: bool = True,
) -> ShiftRoutes:  # fmt: skip
    """Read visits and units, and find the routes."""
    runs = newest_run_ids(connection, about.number)
    hotspots = read_result(connection, runs["hotspots"]).rows if "hotspots" in runs else None
    items = ground_items(plan, shifts_at(plan, params))
    visits = visits_of_plan(items, params=visit, hotspots=hotspots)
    late = overdue_visits(connection, about.number, at=params.starts_at) if cases else None
    if late is not None and len(late):
        visits = gpd.GeoDataFrame(
            pd.concat([late, visits.assign(must=False)], ignore_index=True), crs=4326
        )
    units = read_units(connection, about.number, starts_at=params.starts_at, ends_at=params.ends_at)
    return draft_routes(
        connection, about.number, visits, units, params=params, srid=about.srid,
        balance=BalanceParams() if balance else None,
    )  # fmt: skip


def span_of_days(plan: StoredPlan) -> str:
    """Say of which day or days a plan is."""
    first: date = plan.head["plan_date"]
    days: int = plan.head["days"]
    return f"{first}" if days == 1 else f"{first} .. {first + timedelta(days=days - 1)}"


def shifts_at(plan: StoredPlan, params: ShiftParams) -> set[int]:
    """Return the plan's shifts that fall into the time that routes are for.

    Raises
    ------
    NotFoundError
        There are none; the message says when the plan's shifts are.
    """
    found = {
        shift.shift_no for shift in plan.shifts
        if shift.starts_at < params.ends_at and shift.ends_at > params.starts_at
    }  # fmt: skip
    if not found:
        # As they were named, which need not be their order: a night's shift may stand last.
        first = min(shift.starts_at for shift in plan.shifts)
        last = max(shift.ends_at for shift in plan.shifts)
        raise NotFoundError(
            f"plan {plan.head['plan_id']} has no shift then: its own are from "
            f"{first.astimezone(params.starts_at.tzinfo):%Y-%m-%d %H:%M} to "
            f"{last.astimezone(params.starts_at.tzinfo):%Y-%m-%d %H:%M}; say --from"
        )
    return found


def describe(stored: StoredRoutes, made: ShiftRoutes, about: About) -> list[str]:
    """Say who goes where."""
    zone, run, found = ZoneInfo(about.time_zone), stored.run, made.plan.routes
    ground = (
        "along roads 沿道路" if found.on_roads else "NO ROADS: straight lines 无道路数据，按直线"
    )
    lines = [
        f"routes 路线 {run['route_run_id']} {run['starts_at'].astimezone(zone):%Y-%m-%d %H:%M} .. "
        f"{run['ends_at'].astimezone(zone):%H:%M}  {ground}",
        f"{len(made.visits) - len(found.left_out)} of {len(made.visits)} visits, "
        f"{len(stored.routes)} units; longest work {found.makespan_s / 3600:.2f} h, "
        f"mean {found.mean_work_s / 3600:.2f} h",
    ]
    if made.plan.balanced is not None and not made.plan.balanced.even:
        zh, en = made.plan.balanced.why_uneven(made.plan.problem)
        lines += [f"work is NOT even 工作量不均: {en}", f"  {zh}"]
    if made.plan.balanced is not None and made.plan.balanced.more_way_s > 0:
        more, before = made.plan.balanced.more_way_s / 60, made.plan.balanced.way_before_s / 60
        lines.append(
            f"even work costs {more:.0f} min on the way, {before:.0f} before "
            f"为均衡工作量增加路程 {more:.0f} 分钟（原 {before:.0f} 分钟）"
        )
    if made.unplaced:
        lines.append(f"no road in reach 附近无道路: {', '.join(made.unplaced[:5])}")
    for way in stored.routes.to_dict("records"):
        lines.append(
            f"  {way['unit']} ({way['mode']}) {_clock(way['starts_at'], zone)} .. "
            f"{_clock(way['ends_at'], zone)}, {way['travel_m'] / 1000:.1f} km"
        )
        mine = stored.stops[stored.stops["route_id"] == way["route_id"]]
        lines += [
            f"    {stop['ordinal']:2d} {_clock(stop['start_at'], zone)}-"
            f"{_clock(stop['leave_at'], zone)} {stop['stop_ref']}"
            for stop in mine.to_dict("records")
        ]
    return lines


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def write_files(stored: StoredRoutes, folder: Path) -> list[Path]:
    """Write the routes as GeoJSON and GPX."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"routes.geojson": routes_geojson(stored), "routes.gpx": routes_gpx(stored)}
    for name, content in contents.items():
        (folder / name).write_text(content, "utf-8")
    return [folder / name for name in contents]
