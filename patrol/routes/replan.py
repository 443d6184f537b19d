"""Stored routes planned anew in the middle of their shift, around what has happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from geo.crs.systems import convert_geometries
from geo.errors import InputError
from geo.network.store import read_network
from patrol.routes.draft import ShiftParams, ShiftRoutes
from patrol.routes.planning import RoutePlan, Standing, replan_routes
from patrol.routes.problem import Break, RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, make_routes
from patrol.routes.store import REST, StoredRoutes
from patrol.routes.travel import Site, measure_travel

Floats = np.ndarray[Any, np.dtype[np.float64]]
_FRESH_S = 900.0  # a position older than this tells nothing

# The newest known place of each unit on duty, from its thinned track.
_POSITIONS = """
SELECT DISTINCT ON (d.unit_id) d.unit_id, ST_X(ST_EndPoint(s.geom)) AS lon,
       ST_Y(ST_EndPoint(s.geom)) AS lat
FROM track_segment s JOIN track_device d USING (track_device_id)
WHERE d.unit_id = ANY (:units) AND s.ends_at <= :now AND s.ends_at >= :since
ORDER BY d.unit_id, s.ends_at DESC
"""


@dataclass(frozen=True)
class NewIncident:
    """What has happened, and what it asks for.

    Attributes
    ----------
    ref
        What the stop is called.
    within_s, dwell_s
        It is reached within, and takes, so many seconds.
    must
        Whether somebody goes whatever it costs the rest.
    """

    ref: str
    lon: float
    lat: float
    within_s: float = 900.0
    dwell_s: float = 1200.0
    prize: float = 60.0
    must: bool = True
    reason_zh: str = "突发事件"
    reason_en: str = "incident"


@dataclass(frozen=True, eq=False)
class Replanned:
    """The rest of a shift anew.

    Attributes
    ----------
    routes
        To be stored as any other; their zero is the old run's begin.
    tracked
        How many units stand where their track says; the others where the plan does.
    done
        Visits that were made or begun.
    missed
        References of musts that nobody can reach in time.
    """

    routes: ShiftRoutes
    tracked: int
    done: int
    missed: tuple[str, ...]


def replan_stored(
    connection: Connection, stored: StoredRoutes, incidents: list[NewIncident], *, now: datetime,
    srid: int, seed: int = 1, search: SearchParams | None = None,
) -> Replanned:  # fmt: skip
    """Plan the rest of stored routes around incidents.

    Visits that were begun stay as they were; units go on from where their track says, or where
    the plan has them. What the old routes had left out stays out.

    Parameters
    ----------
    now
        With time zone, within the shift.

    Raises
    ------
    InputError
        `now` is not within the shift.
    """
    run = stored.run
    if now.tzinfo is None or not run["starts_at"] <= now < run["ends_at"]:
        raise InputError(
            f"{now} is not within the shift {run['starts_at']} .. {run['ends_at']} of routes "
            f"{run['route_run_id']}"
        )
    now_s = (now - run["starts_at"]).total_seconds()
    rests = stored.stops["stop_ref"] == REST
    begun = stored.stops[rests & (stored.stops["start_at"] <= now)].groupby("route_id").size()
    stored = replace(stored, stops=stored.stops[~rests].reset_index(drop=True))
    units, bases = _units(connection, stored, srid)
    positions = _positions(connection, units, now)
    site = Site(read_network(connection, int(run["jurisdiction_id"])))
    plan, orders = _plan(stored, units, bases, srid, site)
    xy = convert_geometries(
        shapely.points([(p[0], p[1]) for p in positions.values()]) if positions else [],
        crs="wgs84", to=srid,
    )  # fmt: skip
    known = {unit: (float(p.x), float(p.y)) for unit, p in zip(positions, xy, strict=True)}
    standings = [
        replace(
            _stand(stored, plan, orders[k], k, now, now_s, known.get(int(unit))),
            rests_taken=int(begun.get(route, 0)),
        )
        for k, (unit, route) in enumerate(zip(units["unit_id"], units["route_id"], strict=True))
    ]
    stops = [
        Stop(i.ref, i.prize, i.dwell_s, now_s, now_s + i.within_s, must=i.must) for i in incidents
    ]
    places = convert_geometries(
        shapely.points([(i.lon, i.lat) for i in incidents]) if incidents else [],
        crs="wgs84", to=srid,
    )  # fmt: skip
    made = replan_routes(
        plan, standings, stops,
        incident_xy=np.array([(p.x, p.y) for p in places], dtype=np.float64).reshape(-1, 2),
        rng=np.random.default_rng(seed), search=search,
    )  # fmt: skip
    gone = {v for standing in standings for v in standing.done}
    visits = _visits(stored, gone, incidents)
    params = ShiftParams(
        starts_at=run["starts_at"], ends_at=run["ends_at"], seed=seed,
        rest_min=float(run["parameters"].get("rest_min", 0.0)),
    )  # fmt: skip
    refs = visits["stop_ref"].to_numpy()
    missed = tuple(str(refs[v]) for v in made.routes.missed)
    return Replanned(
        ShiftRoutes(made, visits, units, (), params, srid), len(known), len(gone), missed
    )


def _units(connection: Connection, stored: StoredRoutes, srid: int) -> tuple[pd.DataFrame, Floats]:
    """Return the units in the order of their routes, and the bases that they came from."""
    rows = connection.execute(
        text("SELECT r.route_id, r.unit_id, u.name, u.kind FROM route r JOIN unit u "
             "USING (unit_id) WHERE r.route_run_id = :run ORDER BY r.route_id"),
        {"run": stored.run["route_run_id"]},
    ).all()  # fmt: skip
    table = pd.DataFrame([tuple(r) for r in rows], columns=["route_id", "unit_id", "name", "kind"])
    lines = convert_geometries(
        np.asarray(stored.routes.geometry.array, dtype=object), crs="wgs84", to=srid
    )
    ends = [shapely.get_coordinates(line)[-1] for line in lines]
    return table, np.array(ends, dtype=np.float64).reshape(-1, 2)


def _positions(
    connection: Connection, units: pd.DataFrame, now: datetime
) -> dict[int, tuple[float, float]]:
    since = pd.Timestamp(now) - pd.Timedelta(seconds=_FRESH_S)
    rows = connection.execute(
        text(_POSITIONS),
        {"units": units["unit_id"].tolist(), "now": now, "since": since.to_pydatetime()},
    )
    return {int(unit): (float(lon), float(lat)) for unit, lon, lat in rows}


def _plan(
    stored: StoredRoutes, units: pd.DataFrame, bases: Floats, srid: int, site: Site
) -> tuple[RoutePlan, list[list[int]]]:
    """Return the stored routes as a plan on the site, and each unit's stops in order."""
    run, stops = stored.run, stored.stops
    length = (run["ends_at"] - run["starts_at"]).total_seconds()
    rest_s = float(run["parameters"].get("rest_min", 0.0)) * 60
    dwell = (stops["leave_at"] - stops["start_at"]).dt.total_seconds()
    rest = (Break(length / 3, 2 * length / 3, rest_s),) if rest_s > 0 else ()
    asked = tuple(
        Unit(str(name), mode, k, k, 0.0, length, breaks=rest)
        for k, (name, mode) in enumerate(zip(units["name"], stored.routes["mode"], strict=True))
    )
    made = tuple(
        Stop(str(ref), float(prize), float(long), must=bool(must))
        for ref, prize, long, must in zip(stops["stop_ref"], stops["prize"], dwell, stops["must"],
                                          strict=True)
    )  # fmt: skip
    points = convert_geometries(
        np.asarray(stops.geometry.array, dtype=object), crs="wgs84", to=srid
    )
    xy = np.array([(p.x, p.y) for p in points], dtype=np.float64).reshape(-1, 2)
    # Times by the crow: what was gone is gone, and the rest is measured anew along the roads.
    travel = measure_travel(
        Site(None), np.concatenate([xy, bases]), modes={unit.mode for unit in asked}
    )
    problem = RoutingProblem(made, asked, travel.seconds, on_roads=False)
    orders = [np.flatnonzero(stops["route_id"] == number).tolist() for number in units["route_id"]]
    return RoutePlan(site, travel, problem, make_routes(problem, orders)), orders


def _stand(
    stored: StoredRoutes, plan: RoutePlan, order: list[int], k: int, now: datetime, now_s: float,
    known: tuple[float, float] | None,
) -> Standing:  # fmt: skip
    """Say what a unit has done by the stored times, and where it is or will be free."""
    stops, n = stored.stops, plan.problem.n_stops
    done = [v for v in order if stops["start_at"].iloc[v] <= now]
    here = plan.travel.xy[done[-1] if done else n + k]
    free = now_s
    if done and stops["leave_at"].iloc[done[-1]] > now:
        free = (stops["leave_at"].iloc[done[-1]] - stored.run["starts_at"]).total_seconds()
        return Standing(tuple(done), (float(here[0]), float(here[1])), float(free))
    if known is not None:
        return Standing(tuple(done), known, free)
    ahead = [v for v in order if v not in done]
    left = stops["leave_at"].iloc[done[-1]] if done else stored.routes["starts_at"].iloc[k]
    # Whose visits are all made is on the way to the base, or there by now.
    there = stops["arrive_at"].iloc[ahead[0]] if ahead else stored.routes["ends_at"].iloc[k]
    span = max((there - left).total_seconds(), 1e-9)
    share = min(max((now - left).total_seconds() / span, 0.0), 1.0)
    x, y = here + share * (plan.travel.xy[ahead[0] if ahead else n + k] - here)
    return Standing(tuple(done), (float(x), float(y)), free)


def _visits(stored: StoredRoutes, gone: set[int], incidents: list[NewIncident]) -> gpd.GeoDataFrame:
    rest = stored.stops.iloc[[v for v in range(len(stored.stops)) if v not in gone]]
    kept = rest.assign(dwell_s=(rest["leave_at"] - rest["start_at"]).dt.total_seconds())
    columns = ["stop_ref", "area_id", "prize", "dwell_s", "must", "reason_zh", "reason_en"]
    new = gpd.GeoDataFrame(
        {
            "stop_ref": [i.ref for i in incidents], "area_id": [None] * len(incidents),
            "prize": [i.prize for i in incidents], "dwell_s": [i.dwell_s for i in incidents],
            "must": [i.must for i in incidents], "reason_zh": [i.reason_zh for i in incidents],
            "reason_en": [i.reason_en for i in incidents],
        },
        geometry=gpd.points_from_xy([i.lon for i in incidents], [i.lat for i in incidents]),
        crs=4326,
    )  # fmt: skip
    old = kept[[*columns, kept.geometry.name]]
    if old.geometry.name != "geometry":
        old = old.rename_geometry("geometry")
    return new if old.empty else old if new.empty else gpd.GeoDataFrame(
        pd.concat([old.astype({"area_id": object}), new], ignore_index=True), crs=4326
    )  # fmt: skip
