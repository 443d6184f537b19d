"""Incidents and streets for cameras out of the database; rounds and findings into it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, insert, text, update

from analytics.cube import REPORTED
from geo.crs.systems import project
from geo.errors import ConflictError, InputError, NotFoundError
from geo.incidents import NewIncident, record_incident
from patrol.models import CameraLook, CameraRound

FEED = "camera-rounds"
_FARTHEST_M = 2000.0


def read_incident_points(
    connection: Connection,
    jurisdiction_id: int,
    *,
    first: date,
    end: date,
    time_zone: str,
    found_by: Sequence[str] = REPORTED,
) -> pd.DataFrame:
    """Read reported incidents of a window of local days, its end not part of it.

    Returns
    -------
    DataFrame
        ``x_m``, ``y_m``, ``category_zh``, ``category_en``, ``code``, ``hour`` (local; NaN where
        only the day is known), ``weekday`` (Monday is 0), by time. What
        patrols and cameras found themselves is left out.
    """
    zone = ZoneInfo(time_zone)
    begins, ends = (datetime.combine(day, time(), tzinfo=zone) for day in (first, end))
    found = connection.execute(
        text(_sql("incident_points")),
        {"place": jurisdiction_id, "begins": begins, "ends": ends, "found_by": list(found_by)},
    )
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    return frame.astype(
        {"x_m": np.float64, "y_m": np.float64, "hour": np.float64, "weekday": np.float64}
    )


def read_streets(connection: Connection, jurisdiction_id: int) -> gpd.GeoDataFrame:
    """Read the roads of a jurisdiction, EPSG:4326."""
    found = connection.execute(
        text(
            "SELECT r.kind, r.name, ST_AsBinary(r.geom) AS geom FROM road r "
            "JOIN feed f USING (feed_id) WHERE f.jurisdiction_id = :place ORDER BY r.road_id"
        ),
        {"place": jurisdiction_id},
    )
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    shapes: Any = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def read_minutes_since_look(
    connection: Connection, camera_ids: Sequence[int], *, now: datetime
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the minutes since each camera was last looked at; infinite if never."""
    rows = connection.execute(
        text(
            "SELECT camera_id, max(looked_at) FROM camera_look WHERE looked_at <= :now "
            "AND camera_id = ANY (:cameras) GROUP BY camera_id"
        ),
        {"now": now, "cameras": list(camera_ids)},
    )
    last = {camera: (now - looked).total_seconds() / 60 for camera, looked in rows}
    return np.array([last.get(camera, np.inf) for camera in camera_ids], dtype=np.float64)


def write_round(
    connection: Connection,
    jurisdiction_id: int,
    looks: pd.DataFrame,
    *,
    starts_at: datetime,
    ends_at: datetime,
    watchers: int,
    parameters: dict[str, Any],
    code_version: str,
    plan_id: int | None = None,
) -> int:
    """Store a round and its looks; return its number.

    Parameters
    ----------
    looks
        ``camera_id``, ``watcher``, ``due_at`` (with time zone).
    """
    number = connection.execute(
        insert(CameraRound).values(
            jurisdiction_id=jurisdiction_id, starts_at=starts_at, ends_at=ends_at,
            watchers=watchers, parameters=parameters, code_version=code_version, plan_id=plan_id,
        ).returning(CameraRound.camera_round_id)
    ).scalar_one()  # fmt: skip
    rows = [
        {"camera_round_id": number, "camera_id": int(c), "watcher": int(w), "due_at": due}
        for c, w, due in zip(looks["camera_id"], looks["watcher"], looks["due_at"], strict=True)
    ]
    if rows:
        connection.execute(insert(CameraLook), rows)
    return int(number)


def note_look(connection: Connection, look_id: int, *, looked_at: datetime) -> None:
    """Note that a look was done; what was noted first stays.

    Raises
    ------
    NotFoundError
        There is no such look.
    """
    _look(connection, look_id)
    connection.execute(
        update(CameraLook)
        .where(CameraLook.camera_look_id == look_id, CameraLook.looked_at.is_(None))
        .values(looked_at=looked_at)
    )


def record_finding(
    connection: Connection,
    look_id: int,
    *,
    category: str,
    at: datetime,
    lon: float,
    lat: float,
    now: datetime,
) -> int:
    """Store what a watcher saw as an incident found by camera; return its number.

    Parameters
    ----------
    look_id
        The look of a round during which it was seen; it counts as done.
    category
        Code of the class, or scheme/code.
    at, lon, lat
        When and where, WGS-84 degrees.

    Raises
    ------
    NotFoundError
        There is no such look or class.
    InputError
        The time is in the future or has no zone, or the place is more than 2 km from the camera.
    ConflictError
        The look has another finding already.
    """
    look = _look(connection, look_id)
    if at.tzinfo is None or at > now:
        raise InputError("the time of a finding needs a time zone and must not lie ahead")
    if look["found_incident_id"] is not None:
        raise ConflictError(f"look {look_id} has its finding, incident {look['found_incident_id']}")
    here = project(np.array([lon, look["lon"]]), np.array([lat, look["lat"]]), srid=look["srid"])
    if not np.hypot(*np.diff(np.array(here))) <= _FARTHEST_M:
        raise InputError(f"{lon}, {lat} is no place that camera {look['camera_id']} can see")
    finding = NewIncident(
        source=FEED, source_ref=f"look-{look_id}", occurred_at=at, reported_at=now,
        category_id=_category(connection, category), found_by="camera", lon=lon, lat=lat,
        attributes={"camera_id": look["camera_id"]},
    )  # fmt: skip
    number = record_incident(connection, look["jurisdiction_id"], finding)
    connection.execute(
        update(CameraLook)
        .where(CameraLook.camera_look_id == look_id)
        .values(found_incident_id=number, looked_at=look["looked_at"] or at)
    )
    return number


def _look(connection: Connection, look_id: int) -> dict[str, Any]:
    row = connection.execute(
        text(
            "SELECT l.camera_id, l.looked_at, l.found_incident_id, j.jurisdiction_id, "
                "j.metric_srid AS srid, "
            "ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat "
            "FROM camera_look l JOIN camera_round r USING (camera_round_id) "
            "JOIN jurisdiction j USING (jurisdiction_id) JOIN camera c USING (camera_id) "
            "WHERE l.camera_look_id = :look FOR UPDATE OF l"
        ),
        {"look": look_id},
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise NotFoundError(f"there is no look {look_id}; `gridbeat cameras rounds` plans them")
    return dict(row)


def _category(connection: Connection, name: str) -> int:
    scheme, _, code = name.rpartition("/")
    number = connection.execute(
        text(
            "SELECT c.category_id FROM category c JOIN category_scheme s USING (scheme_id) "
            "WHERE c.code = :code AND (s.scheme = :scheme OR :scheme = '') "
            "ORDER BY s.valid_from DESC, c.category_id DESC LIMIT 1"
        ),
        {"code": code, "scheme": scheme},
    ).scalar_one_or_none()
    if number is None:
        raise NotFoundError(f"class {name!r} is in no category scheme; import its scheme first")
    return int(number)


def _sql(name: str) -> str:
    return files("patrol").joinpath("sql", f"{name}.sql").read_text("utf-8")
