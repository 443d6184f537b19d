"""Missions for a jurisdiction: drones and zones read, flights planned and stored. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from geo.crs.systems import convert_geometries, project, unproject
from geo.errors import InputError, NotFoundError
from patrol.drones.aircraft import CALM, Aircraft, Wind
from patrol.drones.camera import Camera, height_for
from patrol.drones.hotspots import HotspotParams, HotspotPlan, plan_hotspots
from patrol.drones.rules import CROWD_MARGIN_M, LIMIT_M, ZONE_MARGIN_M
from patrol.drones.sorties import Crew
from patrol.drones.store import (
    StoredDrone,
    StoredRoute,
    read_drones,
    read_no_fly,
    write_mission_routes,
)
from patrol.drones.sweep import SweepParams, SweepPlan, plan_sweep

Floats = NDArray[np.float64]
# Zones are read for as long as a mission of several batteries may take.
_LONGEST = timedelta(hours=6)
_SLACK_M = 1.0


@dataclass(frozen=True)
class MissionRequest:
    """What is to be flown.

    Attributes
    ----------
    jurisdiction_id, srid
        Whose it is, and its metric system.
    name
        Of the mission; a new one of the same name replaces it.
    takes_off_at
        When the first drone starts; zones count that are valid from then on.
    drones
        How many fly; they must be alike and stand at one base.
    height_m, resolution_m
        One of both: height above ground, or how much ground a pixel shows.
    """

    jurisdiction_id: int
    srid: int
    name: str
    takes_off_at: datetime
    drones: int = 1
    height_m: float | None = None
    resolution_m: float | None = None
    wind: Wind = CALM

    def __post_init__(self) -> None:
        if self.height_m is not None and self.resolution_m is not None:
            msg = "give the height of flight or the ground resolution, not both"
            raise InputError(msg)
        if not self.name.strip() or self.takes_off_at.tzinfo is None:
            msg = "a mission needs a name, and its time a time zone"
            raise InputError(msg)


def plan_area_mission(
    connection: Connection, request: MissionRequest, area: BaseGeometry, *, params: SweepParams,
    code_version: str,
) -> tuple[list[int], SweepPlan]:  # fmt: skip
    """Plan the sweep of an area (longitude, latitude) around its zones, and store the flights.

    Raises
    ------
    NotFoundError
        The jurisdiction has too few drones.
    GeometryError, InputError
        See `patrol.drones.sweep.plan_sweep`.
    """
    team, height, camera = _prepare(connection, request)
    aircraft = replace(
        params.aircraft, speed_m_s=team[0].speed_m_s, endurance_s=team[0].craft.endurance_s
    )
    params = replace(
        params, height_m=height, camera=camera, aircraft=aircraft, drones=len(team),
        wind=request.wind,
    )  # fmt: skip
    ground = _metric([area], request.srid)[0]
    zones = _zones(connection, request, height)
    plan = plan_sweep(ground, base=_base(team, request), no_fly=list(zones), params=params)
    facts = {
        "kind": "sweep", "height_m": height, "angle_deg": round(plan.angle_deg, 2),
        "covered": round(plan.covered, 5), "trigger_m": round(params.trigger_m, 2),
        "together": len(team), "wind_m_s": request.wind.speed_m_s,
        "wind_from_deg": request.wind.from_deg,
    }  # fmt: skip
    routes = [
        _route(request, team[f.drone], n, f.path, f.camera_on, f.duration_s, height,
               params.speed_m_s, facts)
        for n, f in enumerate(plan.flights, start=1)
    ]  # fmt: skip
    return write_mission_routes(connection, routes, code_version=code_version), plan


def plan_spot_mission(
    connection: Connection, request: MissionRequest, spots: gpd.GeoDataFrame, *,
    params: HotspotParams, code_version: str, rng: np.random.Generator,
) -> tuple[list[int], HotspotPlan]:  # fmt: skip
    """Plan flights over hotspots (points in EPSG:4326 with ``prize``), and store them."""
    team, height, _ = _prepare(connection, request)
    points = _metric(list(spots.geometry), request.srid)
    aircraft = Aircraft(speed_m_s=team[0].speed_m_s, endurance_s=team[0].craft.endurance_s)
    crew = Crew(_base(team, request), height, aircraft, len(team), request.wind)
    plan = plan_hotspots(
        shapely.get_coordinates(points), spots["prize"].to_numpy(np.float64), crew=crew,
        no_fly=list(_zones(connection, request, height)), params=params, rng=rng,
    )  # fmt: skip
    facts = {"kind": "hotspots", "height_m": height, "together": len(team),
             "prize_share": round(plan.prize_share, 5), "wind_m_s": request.wind.speed_m_s,
             "wind_from_deg": request.wind.from_deg}  # fmt: skip
    routes = [
        _route(request, team[f.drone], n, f.path, np.zeros(len(f.path) - 1, dtype=np.bool_),
               f.duration_s, height, aircraft.speed_m_s, facts | {"hold_s": f.hold_s.tolist()})
        for n, f in enumerate(plan.flights, start=1)
    ]  # fmt: skip
    return write_mission_routes(connection, routes, code_version=code_version), plan


def _prepare(
    connection: Connection, request: MissionRequest
) -> tuple[list[StoredDrone], float, Camera]:
    found = read_drones(connection, request.jurisdiction_id)
    if len(found) < max(request.drones, 1):
        msg = (
            f"{request.drones} drones are asked for and {len(found)} are registered: bring them "
            "in with `gridbeat import drones`"
        )
        raise NotFoundError(msg, code="few-drones")
    team = found[: request.drones]
    kinds = {(d.base, d.speed_m_s, d.craft.endurance_s, d.camera) for d in team}
    if len(kinds) > 1:
        msg = "the drones of one mission must be alike and stand at one base: ask for fewer"
        raise InputError(msg)
    camera = team[0].camera or Camera()
    height = request.height_m or 80.0
    if request.resolution_m is not None:
        height = height_for(camera, resolution_m=request.resolution_m)
    if height > LIMIT_M and request.height_m is None:
        msg = (
            f"{request.resolution_m:g} m a pixel means flying at {height:.0f} m, above {LIMIT_M:g} "
            "m: ask for a finer resolution, or name the height"
        )
        raise InputError(msg)
    return team, height, camera


def _metric(shapes: list[BaseGeometry], srid: int) -> NDArray[np.object_]:
    values = np.empty(len(shapes), dtype=object)
    values[:] = shapes
    return convert_geometries(values, crs="wgs84", to=srid)


def _zones(connection: Connection, request: MissionRequest, height: float) -> NDArray[np.object_]:
    begins = request.takes_off_at
    found = read_no_fly(
        connection, request.jurisdiction_id, begins=begins, ends=begins + _LONGEST, height_m=height
    )
    away = np.where(found["kind"] == "crowd", CROWD_MARGIN_M, ZONE_MARGIN_M) + _SLACK_M
    return np.asarray(shapely.buffer(_metric(list(found.geometry), request.srid), away))


def _base(team: list[StoredDrone], request: MissionRequest) -> tuple[float, float]:
    x, y = project(np.array([team[0].base[0]]), np.array([team[0].base[1]]), srid=request.srid)
    return float(x[0]), float(y[0])


def _route(
    request: MissionRequest, drone: StoredDrone, number: int, path: Floats,
    camera_on: NDArray[np.bool_], duration_s: float, height_m: float, speed_m_s: float,
    facts: Mapping[str, Any],
) -> StoredRoute:  # fmt: skip
    lon, lat = unproject(path[:, 0], path[:, 1], srid=request.srid)
    return StoredRoute(
        route_id=0, jurisdiction_id=request.jurisdiction_id, drone_id=drone.drone_id,
        mission=request.name.strip(), flight_no=number,
        points=np.column_stack([lon, lat, np.full(len(lon), height_m)]), camera_on=camera_on,
        duration_s=duration_s, speed_m_s=speed_m_s, parameters=facts,
    )  # fmt: skip
