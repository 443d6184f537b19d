"""`gridbeat drones`: missions planned, held to the airspace rules, handed out, and read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import typer
from sqlalchemy import Connection

from analytics.store import read_result
from geo.crs.systems import epsg
from geo.errors import ConflictError, InputError, NotFoundError
from patrol.drones.aircraft import Wind
from patrol.drones.application import application_html, application_items
from patrol.drones.check import check_mission
from patrol.drones.export import flight_mission
from patrol.drones.formats.files import read_mission, write_mission
from patrol.drones.formats.gpx import is_track
from patrol.drones.hotspots import HotspotParams
from patrol.drones.legs import leg_lines, zone_words
from patrol.drones.logs.files import LOGS, read_log
from patrol.drones.mission import Mission
from patrol.drones.missions import MissionRequest, plan_area_mission, plan_spot_mission
from patrol.drones.preflight import check_flight
from patrol.drones.rules import Flying, Preflight
from patrol.drones.store import (
    StoredRoute,
    decide_application,
    read_area_shape,
    read_drone,
    read_route,
    read_routes,
    read_zones,
    write_application,
)
from patrol.drones.sweep import SweepParams
from patrol.drones.terrain import Terrain, read_terrain
from web.commands.map import read_boundary, read_ground, read_sources
from web.maps.layers import MapLayers, MapMeta
from web.maps.render import write_map
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.results import newest_run_ids
from web.subject import About, read_about

app = typer.Typer(
    help="Drone missions: plan, check against the airspace, export, and read files.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
Flight = Annotated[int, typer.Argument(help="Number of the flight, see `gridbeat drones list`.")]
TakesOff = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d %H:%M"], help="Local time; default: 14:00 tomorrow."),
]
TerrainFile = Annotated[
    Path | None, typer.Option("--terrain", help="Heights of the ground: .asc or .tif in degrees.")
]
Emergency = Annotated[bool, typer.Option(help="An emergency: apply 30 minutes before.")]
WindSpeed = Annotated[float, typer.Option("--wind", min=0, help="Wind in m/s.")]


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="Name of the mission; an old one is replaced.")],
    area: Annotated[str | None, typer.Option(help="Sweep the area of this code.")] = None,
    file: Annotated[Path | None, typer.Option(help="Sweep the polygons of this file.")] = None,
    hotspots: Annotated[
        int | None, typer.Option(min=1, help="Instead: look at so many of the hottest cells.")
    ] = None,
    drones: Annotated[int, typer.Option(min=1, help="How many fly.")] = 1,
    height: Annotated[float | None, typer.Option(help="Metres above ground; default 80.")] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Instead: metres of ground that a pixel shows.")
    ] = None,
    overlap: Annotated[float, typer.Option(help="Share that neighbouring lines overlap.")] = 0.2,
    takes_off: TakesOff = None,
    wind: WindSpeed = 0.0,
    wind_from: Annotated[float, typer.Option(help="Where it comes from, degrees.")] = 0.0,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Plan the flights that sweep an area, or that look at the most of the hotspots."""
    if sum(given is not None for given in (area, file, hotspots)) != 1:
        raise InputError("say what to fly over: --area CODE, --file POLYGONS or --hotspots NUMBER")
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = MissionRequest(
            about.number, about.srid, name, local(takes_off, about), drones, height, resolution,
            Wind(wind, wind_from),
        )  # fmt: skip
        if hotspots is not None:
            lines = look(connection, request, hottest(connection, about, hotspots))
        else:
            lines = sweep(connection, request, about, area, file, overlap)
    typer.echo("\n".join(lines))


def sweep(
    connection: Connection, request: MissionRequest, about: About, area: str | None,
    file: Path | None, overlap: float,
) -> list[str]:  # fmt: skip
    """Plan and store a sweep; return what to tell."""
    shape = (
        gpd.read_file(file).to_crs(4326).union_all()
        if file is not None
        else read_area_shape(connection, about.number, str(area))
    )
    numbers, found = plan_area_mission(
        connection, request, shape, params=SweepParams(side_overlap=overlap),
        code_version=version("gridbeat"),
    )  # fmt: skip
    return [
        f"mission 任务 {request.name}: {found.covered:.1%} seen 覆盖, "
        f"{found.unreachable_m2:,.0f} m2 cannot be 无法覆盖",
        f"flight time 飞行时间 {minutes(found.flight_s)}, all back after 全部返回 "
        f"{minutes(found.makespan_s)}; lower bound 下界 {minutes(found.bound_s)}",
        *(
            f"  flight 飞行 {number}: drone 无人机 {flight.drone + 1}, {minutes(flight.duration_s)}"
            for number, flight in zip(numbers, found.flights, strict=True)
        ),
        "next 下一步: gridbeat drones check NUMBER",
    ]


def hottest(connection: Connection, about: About, number: int) -> gpd.GeoDataFrame:
    """Return the middles of the strongest hotspots, ``prize`` the z-score."""
    runs = newest_run_ids(connection, about.number)
    if "hotspots" not in runs:
        raise NotFoundError(f"{about.code} has no hotspots yet: run `gridbeat hotspots` first")
    rows = read_result(connection, runs["hotspots"]).rows
    hot = rows[(rows["score"] > 0) & (rows["q_value"] < 0.10)].nlargest(number, "score")
    if hot.empty:
        raise NotFoundError("no cell is a proven hotspot: sweep an area instead")
    middles = hot.geometry.to_crs(about.srid).centroid.to_crs(4326)
    return gpd.GeoDataFrame({"prize": hot["score"].astype(float)}, geometry=middles)


def look(connection: Connection, request: MissionRequest, spots: gpd.GeoDataFrame) -> list[str]:
    """Plan and store flights over hotspots; return what to tell."""
    numbers, found = plan_spot_mission(
        connection, request, spots, params=HotspotParams(), code_version=version("gridbeat"),
        rng=np.random.default_rng(1),
    )  # fmt: skip
    return [
        f"mission 任务 {request.name}: {len(spots) - len(found.left_out)} of {len(spots)} hotspots "
        f"热点, {found.prize_share:.1%} of their weight 权重; {len(found.unreachable)} out of "
        "reach 无法到达",
        *(
            f"  flight 飞行 {number}: drone 无人机 {flight.drone + 1}, "
            f"{len(flight.spots)} hotspots 热点, {minutes(flight.duration_s)}"
            for number, flight in zip(numbers, found.flights, strict=True)
        ),
        "next 下一步: gridbeat drones check NUMBER",
    ]


@app.command("list")
def list_flights(jurisdiction: Jurisdiction = None) -> None:
    """List the stored flights, the newest mission first."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        routes = read_routes(connection, about.number)
    for route in routes:
        typer.echo(
            f"{route.route_id:6d}  {route.mission} {route.flight_no}  "
            f"{route.parameters.get('kind', '')}  {minutes(route.duration_s)}"
        )
    if not routes:
        typer.echo("no flights yet 尚无飞行: gridbeat drones plan NAME --area CODE")


@app.command()
def check(
    flight: Flight,
    takes_off: TakesOff = None,
    emergency: Emergency = False,
    terrain: TerrainFile = None,
    wind: WindSpeed = 0.0,
    application: Annotated[
        Path | None, typer.Option(help="Draft the application that is needed into this .html.")
    ] = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Its languages.")] = "both",
) -> None:
    """Hold a flight to the airspace rules; say what stands against it and until when to apply."""
    with begin(open_database()) as connection:
        asked = Asked(connection, flight, takes_off, emergency, terrain, wind)
        typer.echo("\n".join(asked.lines()))
        if application is not None:
            number = asked.draft(application, lang)
            typer.echo(f"application 申请 {number}: wrote {application}; when answered 批复后: "
                       f"gridbeat drones answer {number} approved --approval-no NO")  # fmt: skip


@app.command("map")
def draw(
    mission: Annotated[str, typer.Argument(help="Name of the mission.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("drones.html"),
    takes_off: TakesOff = None,
    terrain: TerrainFile = None,
    wind: WindSpeed = 0.0,
    jurisdiction: Jurisdiction = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
) -> None:
    """Draw a mission's flights over the airspace; legs that break a rule are drawn as such."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        routes = read_routes(connection, about.number, mission=mission)
        if not routes:
            raise NotFoundError(f"there is no mission {mission!r}: see `gridbeat drones list`")
        asked = [Asked(connection, one.route_id, takes_off, False, terrain, wind) for one in routes]
        begins, ends = asked[0].flying.takes_off_at, max(one.flying.lands_at for one in asked)
        zones = read_zones(connection, about.number, begins=begins, ends=ends)
        layers = MapLayers(
            buildings=read_ground(connection, about, "building", "kind"),
            roads=read_ground(connection, about, "road", "kind, name"),
            boundary=read_boundary(connection, about),
            airspace=zone_words(zones),
            missions=leg_lines([(one.route, one.answer) for one in asked]),
        )
        meta = MapMeta(
            name_zh=about.name_zh, name_en=about.name_en, data_from=begins, data_until=ends,
            made_at=datetime.now(UTC), code_version=version("gridbeat"), topic="drones",
            metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}", simulated=about.simulated,
            sources=read_sources(connection, about),
            parameters={"mission": dict(routes[0].parameters)},
        )  # fmt: skip
    typer.echo(f"wrote {write_map(out, layers, meta=meta, lang=lang)}; open it in any browser")


@app.command()
def export(
    flight: Flight,
    file: Annotated[Path, typer.Argument(help=".plan, .waypoints, .kmz (DJI), .kml or .gpx")],
    takes_off: TakesOff = None,
    emergency: Emergency = False,
    terrain: TerrainFile = None,
    wind: WindSpeed = 0.0,
) -> None:
    """Write a flight for a ground station; refused if the rules stand against it."""
    with begin(open_database()) as connection:
        asked = Asked(connection, flight, takes_off, emergency, terrain, wind)
    if not asked.answer.may_fly:
        raise ConflictError(
            f"flight {flight} is not written: "
            + "; ".join(breach.line() for breach in asked.answer.standing)
        )
    write_mission(asked.mission(), file, now=datetime.now(UTC))
    typer.echo(f"wrote {file}; {asked.answer.ground[0]} {asked.answer.ground[1]}")


@app.command()
def answer(
    application: Annotated[int, typer.Argument(help="Number of the application.")],
    status: Annotated[Literal["sent", "approved", "refused", "withdrawn"], typer.Argument()],
    approval_no: Annotated[str | None, typer.Option(help="Number of the approval.")] = None,
) -> None:
    """Note what became of an application."""
    with begin(open_database()) as connection:
        decide_application(connection, application, status=status, approval_no=approval_no)
    typer.echo(f"application 申请 {application}: {status}")


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(help="Mission files or flight logs.")],
    time_zone: Annotated[str, typer.Option(help="Of logs that name none (.srt).")] = "UTC",
) -> None:
    """Read mission files and flight logs, and check them strictly; exit 2 if one has errors."""
    unsound = 0
    for file in files:
        suffix = file.suffix.lower()
        if suffix in LOGS and (suffix != ".gpx" or is_track(file)):
            typer.echo(describe_log(file, time_zone))
            continue
        mission = read_mission(file)
        found = check_mission(mission)
        unsound += any(one.severity == "error" for one in found)
        typer.echo(
            f"{file.name}: mission 任务, {len(mission.items)} items 指令, "
            f"{len(mission.places())} places 航点, {len(mission.fences)} fences 围栏"
        )
        for words in (
            *(one.line() for one in found),
            *(f"not kept 未保留: {w}" for w in mission.left_out),
        ):
            typer.echo(f"  {words}")
    if unsound:
        raise typer.Exit(2)


def describe_log(file: Path, time_zone: str) -> str:
    """Say what a flight log holds."""
    track = read_log(file, time_zone=time_zone)
    first, last = (str(moment)[:19].replace("T", " ") for moment in (track.time[0], track.time[-1]))
    top = (
        "" if np.isnan(track.height_m).all() else f", up to 最高 {np.nanmax(track.height_m):.0f} m"
    )
    return f"{file.name}: track 航迹, {len(track)} positions 位置, {first} .. {last} UTC{top}"


class Asked:
    """A flight with the answer of its preflight check."""

    def __init__(
        self, connection: Connection, flight: int, takes_off: datetime | None, emergency: bool,
        terrain: Path | None, wind: float,
    ) -> None:  # fmt: skip
        self.connection = connection
        self.route: StoredRoute = read_route(connection, flight)
        self.drone = read_drone(connection, self.route.drone_id)
        self.about = about_number(connection, self.route.jurisdiction_id)
        self.zone = ZoneInfo(self.about.time_zone)
        self.terrain: Terrain | None = read_terrain(terrain) if terrain is not None else None
        self.flying = Flying(
            local(takes_off, self.about), self.route.duration_s, emergency,
            int(self.route.parameters.get("together", 1)), wind,
        )  # fmt: skip
        self.answer: Preflight = check_flight(
            connection, self.route, self.drone, self.flying, zone=self.zone,
            now=datetime.now(UTC), terrain=self.terrain,
        )  # fmt: skip

    def lines(self) -> list[str]:
        """Say what the check found."""
        when = self.flying.takes_off_at.astimezone(self.zone)
        found = [f"flight 飞行 {self.route.route_id} {self.route.mission} {self.route.flight_no}, "
                 f"{when:%Y-%m-%d %H:%M}, {minutes(self.route.duration_s)}",
                 f"  {self.answer.ground[0]} {self.answer.ground[1]}"]  # fmt: skip
        found += [f"  {breach.line()}" for breach in self.answer.breaches]
        if self.answer.due_at is not None:
            due = self.answer.due_at.astimezone(self.zone)
            found.append(f"  apply by 申请截止 {due:%Y-%m-%d %H:%M}; approval 批准文号: "
                         f"{self.answer.approval_no or 'none yet 尚无'}")  # fmt: skip
        verdict = "may be flown 可以飞行" if self.answer.may_fly else "may NOT be flown 不可飞行"
        return [*found, f"  {verdict}"]

    def draft(self, file: Path, lang: Literal["zh", "en", "both"]) -> int:
        """Store and write the draft of an application; return its number."""
        if self.answer.due_at is None:
            raise InputError(f"flight {self.route.route_id} needs no application")
        items = application_items(
            route=self.route.points, craft=self.drone.craft, flying=self.flying,
            purpose=(f"城市巡查（{self.route.mission}）", f"Patrol ({self.route.mission})"),
            speed_m_s=self.route.speed_m_s, zone=self.zone, operator=self.drone.operator,
            registration_no=self.drone.registration_no, ground=self.answer.ground,
        )  # fmt: skip
        page = application_html(items, self.answer, zone=self.zone, lang=lang)
        file.write_text(page, "utf-8")
        return write_application(
            self.connection, route_id=self.route.route_id, takes_off_at=self.flying.takes_off_at,
            lands_at=self.flying.lands_at, due_at=self.answer.due_at,
            emergency=self.flying.emergency, items=items,
            reasons=[breach.rule for breach in self.answer.breaches],
        )  # fmt: skip

    def mission(self) -> Mission:
        """Return the flight as an autopilot's mission."""
        facts = self.route.parameters
        hold = facts.get("hold_s")
        return flight_mission(
            self.route.points, self.route.camera_on,
            name=f"{self.route.mission} {self.route.flight_no}", speed_m_s=self.route.speed_m_s,
            trigger_m=facts.get("trigger_m"), hold_s=None if hold is None else np.array(hold),
            terrain=self.terrain,
        )  # fmt: skip


def local(moment: datetime | None, about: About) -> datetime:
    """Return a local time with its zone; by default 14:00 tomorrow."""
    zone = ZoneInfo(about.time_zone)
    if moment is not None:
        return moment.replace(tzinfo=zone)
    tomorrow = datetime.now(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, 14, tzinfo=zone)


def about_number(connection: Connection, number: int) -> About:
    """Return the jurisdiction of a number."""
    code = connection.exec_driver_sql(
        "SELECT code FROM jurisdiction WHERE jurisdiction_id = %s", (number,)
    ).scalar_one()
    return read_about(connection, code)


def minutes(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s"
