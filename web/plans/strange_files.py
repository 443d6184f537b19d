"""A mission or flight log that somebody brings: read, checked, held to the airspace, told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection

from geo.crs.systems import project
from geo.errors import FormatError, InputError
from patrol.drones.check import check_mission
from patrol.drones.formats.files import READERS, read_mission
from patrol.drones.formats.gpx import is_track
from patrol.drones.logs.files import LOGS, read_log
from patrol.drones.logs.footprints import track_footprint
from patrol.drones.mission import Mission
from patrol.drones.rules import Flying, Preflight
from patrol.drones.store import StoredDrone, read_drone, read_drones
from patrol.drones.strange_files import judge_file, path_of_mission, read_border
from patrol.tracks.track import Track
from web.language import PageLang
from web.subject import About

# A mission names its speed only sometimes; a light quadcopter's, where no drone is named either.
SPEED_M_S = 10.0
MOST_POINTS = 2000
KNOWN = tuple(dict.fromkeys((*READERS, *LOGS)))
_STRANGE = re.compile(r"[^\w.\- ()]")


@dataclass(frozen=True)
class Question:
    """What is asked about a file.

    Attributes
    ----------
    takes_off_at
        When a mission is to be flown.
    drone_id
        By which drone; None: by none in particular.
    """

    about: About
    takes_off_at: datetime
    now: datetime
    lang: PageLang
    drone_id: int | None = None


def check_file(
    connection: Connection, name: str, content: bytes, asked: Question
) -> dict[str, Any]:
    """Read a file by its name's ending, and say what it holds and what stands against it.

    Nothing of it is kept.

    Raises
    ------
    FormatError
        It is of no known format, damaged or cut off; the message says where.
    NotFoundError
        There is no such drone.
    """
    safe = _STRANGE.sub("_", Path(name).name)[-120:] or "file"
    drone = None if asked.drone_id is None else own_drone(connection, asked)
    with TemporaryDirectory() as folder:
        path = Path(folder, safe)
        path.write_bytes(content)
        try:
            found = read_file(path, asked.about.time_zone)
        except FormatError as error:
            raise FormatError(str(error), code="bad-mission-file") from error
    if isinstance(found, Track):
        return {"name": safe, "kind": "log"} | tell_log(connection, found, asked, drone)
    return {"name": safe, "kind": "mission"} | tell_mission(connection, found, asked, drone)


def read_file(path: Path, time_zone: str) -> Mission | Track:
    """Read a file as a log where its ending, or the track in it, says so; else as a mission."""
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        kind = suffix or "a file without an ending"
        raise FormatError(
            f"{path.name}: {kind} is neither mission nor log: {', '.join(KNOWN)}",
            code="bad-mission-file",
        )
    if suffix in LOGS and (suffix != ".gpx" or is_track(path)):
        return read_log(path, time_zone=time_zone)
    return read_mission(path)


def own_drone(connection: Connection, asked: Question) -> StoredDrone:
    """Return the drone that was asked for, if it is one of the place's."""
    known = {drone.drone_id for drone in read_drones(connection, asked.about.number)}
    if asked.drone_id not in known:
        raise InputError(f"{asked.about.code} has no drone {asked.drone_id}", code="no-drone")
    return read_drone(connection, int(asked.drone_id or 0))


def tell_mission(
    connection: Connection, mission: Mission, asked: Question, drone: StoredDrone | None
) -> dict[str, Any]:
    """Say what is wrong with a mission by itself, and, where nothing is, in the airspace."""
    pick = int(asked.lang == "en")
    found = check_mission(mission)
    sound = not any(one.severity == "error" for one in found)
    way = path_of_mission(
        mission, speed_m_s=SPEED_M_S if drone is None else drone.speed_m_s
    ) if sound else None  # fmt: skip
    answer = None if way is None else judge_file(
        connection, way, Flying(asked.takes_off_at, way.flight_s), now=asked.now,
        jurisdiction_id=asked.about.number, craft=None if drone is None else drone.craft,
        zone=asked.about.zone,
    )  # fmt: skip
    return {
        "sound": sound,
        "items": len(mission.items), "places": len(mission.places()),
        "fences": len(mission.fences), "left_out": list(mission.left_out),
        "findings": [
            {"severity": one.severity, "code": one.code, "item": one.seq,
             "words": (one.zh, one.en)[pick]}
            for one in found
        ],
        "flight_s": None if way is None else way.flight_s,
        "airspace": None if answer is None else tell_airspace(answer, pick),
        "may_fly": sound and answer is not None and answer.may_fly,
        "geometry": None if way is None else _line(way.points[:, :2]),
    }  # fmt: skip


def tell_airspace(answer: Preflight, pick: int) -> dict[str, Any]:
    """Return the answer of a check as JSON types."""
    return {
        "may_fly": answer.may_fly,
        "due_at": None if answer.due_at is None else answer.due_at.isoformat(),
        "ground": answer.ground[pick],
        "breaches": [
            {"weight": one.weight, "rule": one.rule, "article": one.article,
             "legs": list(one.legs), "words": (one.zh, one.en)[pick]}
            for one in answer.breaches
        ],
    }  # fmt: skip


def tell_log(
    connection: Connection, track: Track, asked: Question, drone: StoredDrone | None
) -> dict[str, Any]:
    """Say what a log recorded: when, how long, how high, where, and what its camera saw."""
    border = read_border(connection, asked.about.number)
    inside = shapely.contains_xy(border, track.lon, track.lat)
    x, y = project(track.lon, track.lat, srid=asked.about.srid)
    clocked = track.time[~np.isnat(track.time)]
    ends = [None, None] if not len(clocked) else [f"{str(m)[:19]}Z" for m in clocked[[0, -1]]]
    seen = None
    if drone is not None and drone.camera is not None and np.isfinite(track.height_m).any():
        seen = round(track_footprint(track, drone.camera, srid=asked.about.srid).area)
    every = max(-(-len(track) // MOST_POINTS), 1)
    return {
        "format": track.source, "positions": len(track), "begins": ends[0], "ends": ends[1],
        "length_m": round(float(np.hypot(np.diff(x), np.diff(y)).sum())),
        "highest_m": _most(track.height_m), "highest_altitude_m": _most(track.altitude_m),
        "inside_share": float(inside.mean()) if len(track) else None, "seen_m2": seen,
        "geometry": _line(np.column_stack([track.lon, track.lat])[::every]),
    }  # fmt: skip


def _most(heights: Any) -> float | None:
    return None if np.isnan(heights).all() else round(float(np.nanmax(heights)), 1)


def _line(points: Any) -> dict[str, Any] | None:
    if len(points) < 2:
        return None
    return {"type": "LineString", "coordinates": np.asarray(points).round(6).tolist()}
