"""A plan as files: one table from the name of a format to what makes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import gpxpy
from sqlalchemy import Connection

from geo.errors import NotFoundError
from patrol.planning.gather import read_gathered
from patrol.planning.paper import (
    plan_calendar,
    plan_items_csv,
    plan_items_geojson,
    read_sheets,
)
from patrol.planning.sheets import Lang, sheets_html, sheets_pdf
from patrol.routes.exports import routes_geojson, routes_gpx
from patrol.routes.store import read_routes
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
    style_href: str | None = None,
) -> tuple[bytes, str]:  # fmt: skip
    """Return a plan in a format and its media type.

    Raises
    ------
    NotFoundError
        There is no such plan, or it has no routes where the format needs them.
    """
    sheets: Callable[[], Any] = lambda: read_sheets(connection, plan_id, unit=unit)  # noqa: E731
    makers: dict[Format, Callable[[], bytes]] = {
        "areas.geojson": lambda: plan_items_geojson(read_plan(connection, plan_id)).encode(),
        "areas.csv": lambda: plan_items_csv(read_plan(connection, plan_id)),
        "routes.geojson": lambda: _all_routes(connection, plan_id).encode(),
        "routes.gpx": lambda: _all_gpx(connection, plan_id).encode(),
        "calendar.ics": lambda: plan_calendar(
            sheets(), plan_id=plan_id, stamped=datetime.now(UTC).replace(microsecond=0)
        ),
        "sheets.html": lambda: sheets_html(sheets(), lang=lang, style_href=style_href).encode(),
        "sheets.pdf": lambda: sheets_pdf(sheets(), lang=lang),
    }
    assert set(makers) == set(get_args(Format))
    return makers[what](), FORMATS[what]


def _runs(connection: Connection, plan_id: int) -> tuple[int, ...]:
    read_plan(connection, plan_id)
    runs = read_gathered(connection, plan_id).routes
    if not runs:
        raise NotFoundError(f"plan {plan_id} has no routes yet: `gridbeat plan` makes them")
    return runs


def _all_routes(connection: Connection, plan_id: int) -> str:
    found = [json.loads(routes_geojson(read_routes(connection, run)))
             for run in _runs(connection, plan_id)]  # fmt: skip
    return json.dumps(
        {"type": "FeatureCollection", "gridbeat": [one["gridbeat"] for one in found],
         "features": [feature for one in found for feature in one["features"]]},
        ensure_ascii=False,
    )  # fmt: skip


def _all_gpx(connection: Connection, plan_id: int) -> str:
    runs = [routes_gpx(read_routes(connection, run)) for run in _runs(connection, plan_id)]
    first = gpxpy.parse(runs[0])
    for text in runs[1:]:
        more = gpxpy.parse(text)
        first.tracks += more.tracks
        first.routes += more.routes
    return str(first.to_xml(version="1.1"))
