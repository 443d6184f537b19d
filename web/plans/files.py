"""A plan as files: one table from the name of a format to what makes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import gpxpy
import numpy as np
from sqlalchemy import Connection, text

from geo.errors import ConflictError, InputError, NotFoundError
from patrol.drones.export import flight_mission
from patrol.drones.formats.files import write_mission
from patrol.drones.preflight import check_flight
from patrol.drones.rules import Flying, Preflight
from patrol.drones.store import StoredRoute, read_drone, read_route
from patrol.planning.gathered import read_gathered
from patrol.planning.paper import (
    plan_calendar,
    plan_items_csv,
    plan_items_geojson,
    read_sheets,
)
from patrol.planning.sheets import Lang, sheets_html, sheets_pdf
from patrol.routes.exports import routes_geojson, routes_gpx
from patrol.routes.store import StoredRoutes, read_routes
from patrol.store import read_plan

Format = Literal[
    "areas.geojson", "areas.csv", "routes.geojson", "routes.gpx", "calendar.ics", "sheets.html",
    "sheets.pdf",
]  # fmt: skip
FORMATS: Mapping[Format, str] = {
    "areas.geojson": "application/geo+json",
    "areas.csv": "text/csv",
    "routes.geojson": "application/geo+json",
    "routes.gpx": "application/gpx+xml",
    "calendar.ics": "text/calendar",
    "sheets.html": "text/html",
    "sheets.pdf": "application/pdf",
}


def plan_file(
    connection: Connection, plan_id: int, what: Format, *, lang: Lang, unit: str | None = None,
    day: date | None = None, style_href: str | None = None, most_sheets: int | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[bytes, str]:  # fmt: skip
    """Return a plan in a format and its media type.

    Parameters
    ----------
    unit, day
        Of this unit, and of the shifts that begin on this local day, alone; areas are of all.
    most_sheets
        More are not set as PDF, an eighth of a second or more each; None for any number.
    tell
        Is told how many sheets of a PDF are set, and of how many.

    Raises
    ------
    InputError
        There are more sheets than `most_sheets`.
    NotFoundError
        There is no such plan, or it has no routes where the format needs them.
    """
    sheets: Callable[[], Any] = lambda: read_sheets(  # noqa: E731
        connection, plan_id, unit=unit, day=day
    )

    def pdf() -> bytes:
        found = sheets()
        if most_sheets is not None and len(found) > most_sheets:
            raise InputError(
                f"{len(found):,} sheets are too many for one PDF over the web (at most "
                f"{most_sheets}): ask for one day or unit, for sheets.html, or run "
                f"gridbeat plan sheets {plan_id} --out sheets.pdf",
                code="many-sheets",
            )
        return sheets_pdf(found, lang=lang, tell=tell)

    makers: dict[Format, Callable[[], bytes]] = {
        "areas.geojson": lambda: plan_items_geojson(read_plan(connection, plan_id)).encode(),
        "areas.csv": lambda: plan_items_csv(read_plan(connection, plan_id)),
        "routes.geojson": lambda: _all_routes(connection, plan_id, day).encode(),
        "routes.gpx": lambda: _all_gpx(connection, plan_id, day).encode(),
        "calendar.ics": lambda: plan_calendar(
            sheets(), plan_id=plan_id, stamped=datetime.now(UTC).replace(microsecond=0)
        ),
        "sheets.html": lambda: sheets_html(sheets(), lang=lang, style_href=style_href).encode(),
        "sheets.pdf": pdf,
    }
    assert set(makers) == set(get_args(Format))
    return makers[what](), FORMATS[what]


MissionForm = Literal["plan", "waypoints", "kmz", "kml", "gpx"]


def mission_file(connection: Connection, plan_id: int, flight_id: int, form: MissionForm) -> bytes:
    """Return a flight of a plan for a ground station.

    Raises
    ------
    NotFoundError
        The flight is not the plan's.
    ConflictError
        The airspace rules stand against it, with the leg and the rule.
    """
    flights = dict(read_gathered(connection, plan_id).flights)
    if flight_id not in flights:
        raise NotFoundError(f"plan {plan_id} has no flight {flight_id}", code="no-flight")
    route, answer = judge_flight(connection, flight_id, flights[flight_id])
    if not answer.may_fly:
        lines = "; ".join(breach.line() for breach in answer.standing)
        raise ConflictError(f"flight {flight_id} is not written: {lines}", code="flight-refused")
    hold = route.parameters.get("hold_s")
    mission = flight_mission(
        route.points, route.camera_on, name=f"{route.mission} {route.flight_no}",
        speed_m_s=route.speed_m_s, trigger_m=route.parameters.get("trigger_m"),
        hold_s=None if hold is None else np.array(hold),
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder, f"flight-{flight_id}.{form}")
        write_mission(mission, path, now=datetime.now(UTC))
        return path.read_bytes()


def judge_flight(
    connection: Connection, flight_id: int, takes_off: datetime
) -> tuple[StoredRoute, Preflight]:
    """Hold a stored flight to the airspace rules as they are now."""
    route = read_route(connection, flight_id)
    drone = read_drone(connection, route.drone_id)
    zone = read_zone(connection, route.jurisdiction_id)
    flying = Flying(takes_off, route.duration_s, together=1)
    answer = check_flight(connection, route, drone, flying, zone=zone, now=datetime.now(UTC))
    return route, answer


def read_zone(connection: Connection, jurisdiction_id: int) -> ZoneInfo:
    """Return the time zone of a jurisdiction."""
    zone: str = connection.execute(
        text("SELECT time_zone FROM jurisdiction WHERE jurisdiction_id = :n"),
        {"n": jurisdiction_id},
    ).scalar_one()
    return ZoneInfo(zone)


def _runs(connection: Connection, plan_id: int, day: date | None) -> list[StoredRoutes]:
    read_plan(connection, plan_id)
    runs = read_gathered(connection, plan_id, day=day).routes
    if not runs:
        on = "" if day is None else f" on {day}"
        raise NotFoundError(
            f"plan {plan_id} has no routes{on} yet: `gridbeat plan` makes them", code="no-routes"
        )
    return [read_routes(connection, run) for run in runs]


def _all_routes(connection: Connection, plan_id: int, day: date | None) -> str:
    found = [json.loads(routes_geojson(run)) for run in _runs(connection, plan_id, day)]
    return json.dumps(
        {"type": "FeatureCollection", "gridbeat": [one["gridbeat"] for one in found],
         "features": [feature for one in found for feature in one["features"]]},
        ensure_ascii=False,
    )  # fmt: skip


def _all_gpx(connection: Connection, plan_id: int, day: date | None) -> str:
    found = _runs(connection, plan_id, day)
    zone = read_zone(connection, found[0].run["jurisdiction_id"])
    runs = [
        # Several shifts in one file: a device lists tracks by name, so each says when it is.
        routes_gpx(run, when=zone if len(found) > 1 else None)
        for run in found
    ]
    first = gpxpy.parse(runs[0])
    for other in runs[1:]:
        more = gpxpy.parse(other)
        first.tracks += more.tracks
        first.routes += more.routes
    return str(first.to_xml(version="1.1"))
