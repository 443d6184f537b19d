"""Drones, their routes and applications in and out of the database. Never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, delete, func, insert, select, text

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.airspace import AirspaceZone, Drone, DroneRoute, FlightApplication
from geo.models.places import Area
from geo.models.records import Feed
from patrol.drones.camera import Camera
from patrol.drones.rules import Craft

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StoredDrone:
    """A drone as it is registered.

    Attributes
    ----------
    base
        Longitude and latitude of where it starts.
    camera
        None where its figures are not all known.
    """

    drone_id: int
    ref: str
    craft: Craft
    base: tuple[float, float]
    speed_m_s: float
    registration_no: str | None
    operator: str | None
    camera: Camera | None


@dataclass(frozen=True, eq=False)
class StoredRoute:
    """One flight of a stored mission.

    Attributes
    ----------
    points
        Longitude, latitude, height above ground, shape ``(n, 3)``.
    camera_on
        Whether each leg takes pictures, shape ``(n - 1,)``.
    """

    route_id: int
    jurisdiction_id: int
    drone_id: int
    mission: str
    flight_no: int
    points: Floats
    camera_on: NDArray[np.bool_]
    duration_s: float
    speed_m_s: float
    parameters: Mapping[str, Any]


def read_drones(connection: Connection, jurisdiction_id: int) -> list[StoredDrone]:
    """Read the drones of a jurisdiction by name; empty if it has none."""
    query = (
        select(*Drone.__table__.columns, func.ST_X(Drone.geom).label("x"),
               func.ST_Y(Drone.geom).label("y"))
        .join(Feed, Feed.feed_id == Drone.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id)
        .order_by(Drone.name, Drone.drone_id)
    )  # fmt: skip
    return [_drone(dict(row)) for row in connection.execute(query).mappings()]


def read_drone(connection: Connection, drone_id: int) -> StoredDrone:
    """Read one drone.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    query = select(*Drone.__table__.columns, func.ST_X(Drone.geom).label("x"),
                   func.ST_Y(Drone.geom).label("y")).where(Drone.drone_id == drone_id)  # fmt: skip
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        msg = f"there is no drone {drone_id}; `gridbeat import drones` brings them in"
        raise NotFoundError(msg)
    return _drone(dict(row))


def read_zones(
    connection: Connection, jurisdiction_id: int, *, begins: datetime, ends: datetime
) -> gpd.GeoDataFrame:
    """Read the zones that are valid during a time, at any height; columns as `read_no_fly`."""
    return _zones(connection, _select_zones(jurisdiction_id, begins=begins, ends=ends))


def read_no_fly(
    connection: Connection, jurisdiction_id: int, *, begins: datetime, ends: datetime,
    height_m: float,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Read the zones to fly around during a time at a height above ground.

    Returns
    -------
    GeoDataFrame
        EPSG:4326: ``zone_id``, ``kind``, ``name``, ``floor_m``, ``ceiling_m``.
    """
    query = (
        _select_zones(jurisdiction_id, begins=begins, ends=ends)
        .where(AirspaceZone.floor_m <= height_m)
        .where(func.coalesce(AirspaceZone.ceiling_m, height_m + 1) > height_m)
    )
    return _zones(connection, query)


def _select_zones(jurisdiction_id: int, *, begins: datetime, ends: datetime) -> Any:
    names = ("zone_id", "kind", "name", "floor_m", "ceiling_m")
    columns = [AirspaceZone.__table__.columns[name] for name in names]
    return (
        select(*columns, func.ST_AsBinary(AirspaceZone.geom).label("geom"))
        .join(Feed, Feed.feed_id == AirspaceZone.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id)
        .where(AirspaceZone.valid_from < ends, AirspaceZone.valid_to > begins)
        .order_by(AirspaceZone.zone_id)
    )


def _zones(connection: Connection, query: Any) -> gpd.GeoDataFrame:
    found = connection.execute(query)
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    shapes = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def read_area_shape(connection: Connection, jurisdiction_id: int, code: str) -> BaseGeometry:
    """Read the outline of an area by its code, EPSG:4326.

    Raises
    ------
    NotFoundError
        There is none of that code.
    """
    query = select(func.ST_AsBinary(Area.geom)).where(
        Area.jurisdiction_id == jurisdiction_id, Area.code == code
    )
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        msg = f"there is no area {code}; give the code of a grid, community, street or district"
        raise NotFoundError(msg)
    return shapely.from_wkb(bytes(found))


def write_mission_routes(
    connection: Connection, routes: Sequence[StoredRoute], *, code_version: str
) -> list[int]:
    """Store the flights of a mission in place of those of the same name; return their numbers.

    Raises
    ------
    ConflictError
        An application was made for a flight of that name: a new mission needs a new name.
    """
    if not routes:
        return []
    place, mission = routes[0].jurisdiction_id, routes[0].mission
    same = (DroneRoute.jurisdiction_id == place, DroneRoute.mission == mission)
    asked = select(FlightApplication.application_id).join(
        DroneRoute, DroneRoute.route_id == FlightApplication.route_id
    )
    if connection.execute(asked.where(*same).limit(1)).first() is not None:
        msg = f"an application was made for mission {mission!r}: give the new one another name"
        raise ConflictError(msg)
    connection.execute(delete(DroneRoute).where(*same))
    values = [_route_values(route) | {"code_version": code_version} for route in routes]
    return [
        connection.execute(
            insert(DroneRoute).values(one).returning(DroneRoute.route_id)
        ).scalar_one()
        for one in values
    ]


def read_route(connection: Connection, route_id: int) -> StoredRoute:
    """Read one flight.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    row = (
        connection.execute(_select_routes().where(DroneRoute.route_id == route_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        msg = f"there is no drone flight {route_id}; `gridbeat drones list` names those there are"
        raise NotFoundError(msg)
    return _route(dict(row))


def read_routes(
    connection: Connection, jurisdiction_id: int, *, mission: str | None = None
) -> list[StoredRoute]:
    """Read the flights of a mission in order, or of all missions, the newest first."""
    query = _select_routes().where(DroneRoute.jurisdiction_id == jurisdiction_id)
    if mission is not None:
        query = query.where(DroneRoute.mission == mission)
    newest = query.order_by(DroneRoute.created_at.desc(), DroneRoute.mission, DroneRoute.flight_no)
    return [_route(dict(row)) for row in connection.execute(newest).mappings()]


def write_application(
    connection: Connection, *, route_id: int, takes_off_at: datetime, lands_at: datetime,
    due_at: datetime, emergency: bool, items: Mapping[str, Any], reasons: Sequence[str],
) -> int:  # fmt: skip
    """Store the draft of an application and return its number."""
    values = {
        "route_id": route_id, "takes_off_at": takes_off_at, "lands_at": lands_at, "due_at": due_at,
        "emergency": emergency, "items": dict(items), "reasons": list(reasons),
    }  # fmt: skip
    done = insert(FlightApplication).values(values).returning(FlightApplication.application_id)
    return int(connection.execute(done).scalar_one())


def decide_application(
    connection: Connection, application_id: int, *, status: str, approval_no: str | None = None
) -> None:
    """Note that an application was sent, approved (with a number), refused or withdrawn.

    Raises
    ------
    InputError
        An approval has no number.
    NotFoundError
        There is none of that number.
    ConflictError
        It was decided already.
    """
    if status == "approved" and not (approval_no or "").strip():
        msg = "an approval has a number: give it with --approval-no"
        raise InputError(msg)
    held = connection.execute(
        select(FlightApplication.status)
        .where(FlightApplication.application_id == application_id)
        .with_for_update()
    ).scalar_one_or_none()
    if held is None:
        msg = f"there is no flight application {application_id}"
        raise NotFoundError(msg)
    if held not in ("draft", "sent"):
        msg = f"flight application {application_id} is {held}: draft a new one"
        raise ConflictError(msg)
    connection.execute(
        text("UPDATE flight_application SET status = :status, approval_no = :approval_no "
             "WHERE application_id = :number"),
        {"status": status, "approval_no": approval_no, "number": application_id},
    )  # fmt: skip


def read_standing(
    connection: Connection, route_id: int, *, takes_off_at: datetime, lands_at: datetime
) -> tuple[str, str | None] | None:
    """Return status and approval number of the best application that covers a flight's time."""
    query = (
        select(FlightApplication.status, FlightApplication.approval_no)
        .where(FlightApplication.route_id == route_id)
        .where(FlightApplication.takes_off_at <= takes_off_at)
        .where(FlightApplication.lands_at >= lands_at)
        .where(FlightApplication.status.in_(("sent", "approved")))
        .order_by(FlightApplication.status, FlightApplication.application_id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.status, row.approval_no)


def _drone(row: dict[str, Any]) -> StoredDrone:
    figures = ("sensor_width_mm", "sensor_height_mm", "focal_mm", "image_width_px",
               "image_height_px")  # fmt: skip
    known = all(row[name] is not None for name in figures)
    return StoredDrone(
        drone_id=row["drone_id"],
        ref=row["source_ref"],
        craft=Craft(
            row["name"], row["size_class"], bool(row["registration_no"]), row["network_relay"],
            row["endurance_s"], row["max_wind_m_s"],
        ),
        base=(row["x"], row["y"]),
        speed_m_s=row["speed_m_s"],
        registration_no=row["registration_no"],
        operator=row["operator"],
        camera=Camera(**{name: row[name] for name in figures}) if known else None,
    )  # fmt: skip


def _select_routes() -> Any:
    columns = [column for column in DroneRoute.__table__.columns if column.name != "geom"]
    return select(*columns, func.ST_AsBinary(DroneRoute.geom).label("geom"))


def _route(row: dict[str, Any]) -> StoredRoute:
    line = shapely.from_wkb(bytes(row["geom"]))
    return StoredRoute(
        points=shapely.get_coordinates(line, include_z=True),
        camera_on=np.array(row["camera_on"], dtype=np.bool_),
        **{name: row[name] for name in ("route_id", "jurisdiction_id", "drone_id", "mission",
                                        "flight_no", "duration_s", "speed_m_s", "parameters")},
    )  # fmt: skip


def _route_values(route: StoredRoute) -> dict[str, Any]:
    wkb = shapely.to_wkb(shapely.linestrings(route.points), output_dimension=3)
    return {
        "jurisdiction_id": route.jurisdiction_id,
        "drone_id": route.drone_id,
        "mission": route.mission,
        "flight_no": route.flight_no,
        "geom": func.ST_GeomFromWKB(wkb, 4326),
        "camera_on": route.camera_on.tolist(),
        "duration_s": route.duration_s,
        "speed_m_s": route.speed_m_s,
        "parameters": dict(route.parameters),
    }
