"""Units with their bases out of the database, routes into it and out again. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, Select, and_, func, insert, or_, select, text

from geo.crs.systems import convert_geometries
from geo.errors import NotFoundError
from geo.models.assets import Station
from geo.models.duty import Shift, Unit
from geo.models.records import Feed
from patrol.models import Route, RouteRun, RouteStop
from patrol.routes.draft import MODE_OF_KIND, ShiftRoutes

REST = "rest"
_DAY = timedelta(days=1)


_STANDING = """
SELECT r.route_run_id FROM route_run r LEFT JOIN plan p USING (plan_id)
WHERE r.jurisdiction_id = :jurisdiction AND r.starts_at <= :at AND r.ends_at > :at
  AND NOT r.is_proposal AND NOT EXISTS (
      SELECT FROM route_run c WHERE c.parent_run_id = r.route_run_id AND NOT c.is_proposal)
ORDER BY (p.status IS NULL OR p.status IN ('published', 'executed', 'compared')) DESC,
         coalesce(p.days, 1), r.created_at DESC, r.route_run_id DESC
LIMIT 1
"""


@dataclass(frozen=True, eq=False)
class StoredRoutes:
    """Routes as they were stored.

    Attributes
    ----------
    run
        The columns of ``route_run``.
    routes
        Lines in EPSG:4326: ``route_id``, ``unit``, ``unit_kind``, ``mode``, ``starts_at``,
        ``ends_at``, ``travel_s``, ``travel_m``.
    stops
        Points in EPSG:4326 in order: ``route_id``, ``unit``, ``ordinal``, ``stop_ref``,
        ``area_id``, ``must``, ``prize``, ``arrive_at``, ``start_at``, ``leave_at``,
        ``reason_zh``, ``reason_en``.
    """

    run: Mapping[str, Any]
    routes: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame


def select_units(
    jurisdiction_id: int, *, starts_at: datetime, ends_at: datetime
) -> Select[*tuple[Any, ...]]:
    """Select patrol units on duty in a shift with the point of their home station.

    Where the calendar has no shift of anybody within a day of it, all units count as on duty.
    """
    on_duty = and_(
        Shift.unit_id == Unit.unit_id, Shift.starts_at < ends_at, Shift.ends_at > starts_at
    )
    calendar = (
        select(Shift.shift_id)
        .join(Unit, Unit.unit_id == Shift.unit_id)
        .join(Feed, Feed.feed_id == Unit.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id)
        .where(Shift.starts_at < ends_at + _DAY, Shift.ends_at > starts_at - _DAY)
        .exists()
    )
    own = select(Feed.feed_id).where(Feed.jurisdiction_id == jurisdiction_id)
    home = or_(Station.source_ref == Unit.home_station, Station.name == Unit.home_station)
    return (
        select(Unit.unit_id, Unit.name, Unit.kind, func.ST_AsBinary(Station.geom).label("geom"))
        .join(Station, and_(home, Station.feed_id.in_(own)))
        .where(Unit.feed_id.in_(own), Unit.kind.in_(tuple(MODE_OF_KIND)))
        .where(or_(select(Shift.shift_id).where(on_duty).exists(), ~calendar))
        .order_by(Unit.unit_id, Station.station_id)
    )


def read_units(
    connection: Connection, jurisdiction_id: int, *, starts_at: datetime, ends_at: datetime
) -> gpd.GeoDataFrame:
    """Return the units that can be sent in a shift: ``unit_id``, ``name``, ``kind``, base point."""
    query = select_units(jurisdiction_id, starts_at=starts_at, ends_at=ends_at)
    # Two stations of one name: the one imported first is the base.
    return _shapes(connection, query).drop_duplicates("unit_id", ignore_index=True)


def write_routes(
    connection: Connection,
    made: ShiftRoutes,
    *,
    jurisdiction_id: int,
    plan_id: int | None,
    code_version: str,
    parent_run_id: int | None = None,
    planned_at: datetime | None = None,
) -> int:
    """Store the routes of a shift and return the number of their run.

    Parameters
    ----------
    parent_run_id
        Number of the routes that these re-plan: they are a proposal until a person puts them into
        force (`patrol.routes.proposals.confirm_routes`).
    planned_at
        When the rest of the shift begins that they are of.
    """
    plan, params = made.plan, made.params
    values = {
        "jurisdiction_id": jurisdiction_id, "plan_id": plan_id,
        "parent_run_id": parent_run_id, "is_proposal": parent_run_id is not None,
        "planned_at": planned_at, "starts_at": params.starts_at,
        "ends_at": params.ends_at, "on_roads": plan.routes.on_roads, "prize": plan.routes.prize,
        "parameters": route_parameters(made), "code_version": code_version,
    }  # fmt: skip
    number = connection.execute(
        insert(RouteRun).values(values).returning(RouteRun.route_run_id)
    ).scalar_one()
    for k in range(len(plan.problem.units)):
        route = connection.execute(
            insert(Route).values(_route_values(made, k) | {"route_run_id": number})
            .returning(Route.route_id)
        ).scalar_one()  # fmt: skip
        stops = _stop_values(made, k)
        if stops:
            connection.execute(insert(RouteStop), [stop | {"route_id": route} for stop in stops])
    return int(number)


def route_parameters(made: ShiftRoutes) -> dict[str, Any]:
    """Return what routes were made with, as JSON types."""
    shared = made.plan.balanced
    return {
        "seed": made.params.seed,
        "iterations": made.params.iterations,
        "rest_min": made.params.rest_min,
        "visits": len(made.visits),
        "left_out": len(made.plan.routes.left_out),
        "unplaced": list(made.unplaced),
        "missed": [str(made.visits["stop_ref"].iloc[v]) for v in made.plan.routes.missed],
        "longest_above_mean": None if shared is None else round(shared.over, 4),
        "prize_before_sharing": None if shared is None else shared.prize_before,
        "least_longest_s": None if shared is None else round(shared.least_s, 1),
        "way_for_evenness_s": None if shared is None else round(shared.more_way_s, 1),
        "uneven": None if shared is None else list(shared.why_uneven(made.plan.problem)),
    }


def read_routes(connection: Connection, route_run_id: int) -> StoredRoutes:
    """Read stored routes.

    Raises
    ------
    NotFoundError
        There is no such run.
    """
    query = select(*RouteRun.__table__.columns).where(RouteRun.route_run_id == route_run_id)
    run = connection.execute(query).mappings().one_or_none()
    if run is None:
        raise NotFoundError(f"there are no routes {route_run_id}; run `gridbeat routes`")
    routes = _shapes(
        connection,
        select(
            Route.route_id, Unit.name.label("unit"), Unit.kind.label("unit_kind"), Route.mode,
            Route.starts_at, Route.ends_at, Route.travel_s, Route.travel_m,
            func.ST_AsBinary(Route.geom).label("geom"),
        )
        .join(Unit, Unit.unit_id == Route.unit_id)
        .where(Route.route_run_id == route_run_id)
        .order_by(Route.route_id),
    )  # fmt: skip
    stops = _shapes(
        connection,
        select(
            RouteStop.route_id, Unit.name.label("unit"), RouteStop.ordinal, RouteStop.stop_ref,
            RouteStop.area_id, RouteStop.must, RouteStop.prize, RouteStop.arrive_at,
            RouteStop.start_at, RouteStop.leave_at, RouteStop.reason_zh, RouteStop.reason_en,
            func.ST_AsBinary(RouteStop.geom).label("geom"),
        )
        .join(Route, Route.route_id == RouteStop.route_id)
        .join(Unit, Unit.unit_id == Route.unit_id)
        .where(Route.route_run_id == route_run_id)
        .order_by(RouteStop.route_id, RouteStop.ordinal),
    )  # fmt: skip
    return StoredRoutes(MappingProxyType(dict(run)), routes, stops)


def read_newest_routes(connection: Connection, jurisdiction_id: int) -> StoredRoutes:
    """Read the routes stored last, proposals left out.

    Raises
    ------
    NotFoundError
        There are none.
    """
    number = connection.execute(
        select(func.max(RouteRun.route_run_id)).where(
            RouteRun.jurisdiction_id == jurisdiction_id, ~RouteRun.is_proposal
        )
    ).scalar_one()
    if number is None:
        raise NotFoundError("there are no routes yet; run `gridbeat routes`")
    return read_routes(connection, int(number))


def read_standing_routes(
    connection: Connection, jurisdiction_id: int, *, at: datetime
) -> StoredRoutes | None:
    """Read the routes that people walk at a time: what tablets show, not what was stored last.

    Those of a published plan come before those of a draft, those of a day before those of several
    days, and the newest before the others; none that were planned anew.

    Returns
    -------
    StoredRoutes, None
        None where no routes are for that time.
    """
    number = connection.execute(
        text(_STANDING), {"jurisdiction": jurisdiction_id, "at": at}
    ).scalar_one_or_none()
    return None if number is None else read_routes(connection, int(number))


def _route_values(made: ShiftRoutes, k: int) -> dict[str, Any]:
    plan = made.plan
    route, unit = plan.routes.routes[k], plan.problem.units[k]
    n = plan.problem.n_stops
    places = [n + unit.start, *route.stops, n + unit.end]
    metres = plan.travel.metres[unit.mode][places[:-1], places[1:]].sum()
    line = convert_geometries(np.array([plan.line(k)], dtype=object), crs=made.srid, to="wgs84")
    return {
        "unit_id": int(made.units["unit_id"].iloc[k]),
        "mode": unit.mode,
        "starts_at": _moment(made, route.begin_s),
        "ends_at": _moment(made, route.end_s),
        "travel_s": route.travel_s,
        "travel_m": float(metres),
        "geom": f"SRID=4326;{shapely.to_wkt(line[0], rounding_precision=7)}",
    }


def _stop_values(made: ShiftRoutes, k: int) -> list[dict[str, Any]]:
    plan = made.plan
    values = []
    for ordinal, visit in enumerate(plan.routes.routes[k].visits, start=1):
        times = {
            "arrive_at": _moment(made, visit.arrive_s),
            "start_at": _moment(made, visit.start_s),
            "leave_at": _moment(made, visit.leave_s),
        }
        values.append({"ordinal": ordinal} | times | _what(made, k, visit.stop))
    return values


def _what(made: ShiftRoutes, k: int, stop: int) -> dict[str, Any]:
    if stop < 0:
        n = made.plan.problem.n_stops
        xy = made.plan.travel.xy[n + made.plan.problem.units[k].start]
        base = convert_geometries(np.array([shapely.Point(xy)]), crs=made.srid, to="wgs84")[0]
        return {
            "stop_ref": REST, "area_id": None, "must": True, "prize": 0.0,
            "reason_zh": "休息", "reason_en": "Rest",
            "geom": f"SRID=4326;{shapely.to_wkt(base, rounding_precision=7)}",
        }  # fmt: skip
    row = made.visits.iloc[stop]
    asked = made.plan.problem.stops[stop]
    area = row["area_id"]
    return {
        "stop_ref": asked.stop_id, "area_id": None if pd.isna(area) else int(area),
        "must": asked.must,
        "prize": asked.prize, "reason_zh": row["reason_zh"], "reason_en": row["reason_en"],
        "geom": f"SRID=4326;{shapely.to_wkt(row.geometry, rounding_precision=7)}",
    }  # fmt: skip


def _moment(made: ShiftRoutes, seconds: float) -> datetime:
    return made.params.starts_at + timedelta(seconds=round(seconds, 3))


def _shapes(connection: Connection, query: Select[*tuple[Any, ...]]) -> gpd.GeoDataFrame:
    found = connection.execute(query)
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    shapes = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)
