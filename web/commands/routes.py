"""`gridbeat routes`: who goes where in a shift, in which order, when and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from analytics.store import read_result
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.balance import BalanceParams
from patrol.routes.draft import ShiftParams, ShiftRoutes, draft_routes
from patrol.routes.exports import routes_geojson, routes_gpx
from patrol.routes.store import StoredRoutes, read_routes, read_units, write_routes
from patrol.store import StoredPlan, read_newest_plan
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.results import newest_run_ids
from web.subject import About, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def routes(
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%dT%H:%M"],
            help="Begin of the shift, local time; default: 08:00 of the planned day.",
        ),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.5, max=24, help="Length of the shift.")] = 8.0,
    jurisdiction: Jurisdiction = None,
    dwell: Annotated[float, typer.Option(help="Minutes of a visit.")] = 15.0,
    rest: Annotated[float, typer.Option(min=0, help="Minutes of rest, 0 for none.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Decides the search.")] = 1,
    iterations: Annotated[int, typer.Option(min=1, help="Length of the search.")] = 3000,
    balance: Annotated[bool, typer.Option(help="Share the work evenly.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder for routes.geojson and routes.gpx.")
    ] = None,
) -> None:
    """Turn the newest plan's hours into routes of the units on duty, along the roads."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        plan = read_newest_plan(connection, about.number)
        first = start or datetime.combine(plan.head["plan_date"], datetime.min.time()).replace(
            hour=8
        )
        first = first.replace(tzinfo=ZoneInfo(about.time_zone))
        params = ShiftParams(
            starts_at=first, ends_at=first + timedelta(hours=hours), seed=seed,
            iterations=iterations, rest_min=rest,
        )  # fmt: skip
        made = make(connection, about, plan, params, VisitParams(dwell_min=dwell), balance)
        number = write_routes(
            connection, made, jurisdiction_id=about.number, plan_id=plan.head["plan_id"],
            code_version=version("gridbeat"),
        )  # fmt: skip
        stored = read_routes(connection, number)
    typer.echo("\n".join(describe(stored, made, about)))
    if out is not None:
        for path in write_files(stored, out):
            typer.echo(f"wrote {path}")


def make(
    connection: Connection, about: About, plan: StoredPlan, params: ShiftParams,
    visit: VisitParams, balance: bool,
) -> ShiftRoutes:  # fmt: skip
    """Read visits and units, and find the routes."""
    runs = newest_run_ids(connection, about.number)
    hotspots = read_result(connection, runs["hotspots"]).rows if "hotspots" in runs else None
    visits = visits_of_plan(plan.items, params=visit, hotspots=hotspots)
    units = read_units(connection, about.number, starts_at=params.starts_at, ends_at=params.ends_at)
    return draft_routes(
        connection, about.number, visits, units, params=params, srid=about.srid,
        balance=BalanceParams() if balance else None,
    )  # fmt: skip


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
        over = made.plan.balanced.over
        lines.append(
            f"work is NOT even 工作量不均: longest {over:.0%} above the mean; fewer units or more "
            "visits would even it out 减少单元或增加点位可改善"
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
