"""What a mission file that somebody brings would fly, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select

from geo.models.places import Jurisdiction
from patrol.drones.mission import ABOVE_SEA, FRAMES, Mission
from patrol.drones.preflight import answer_of, read_zone_breaches
from patrol.drones.rules import FLAT, Breach, Craft, Flying, Preflight, judge_craft, judge_height
from patrol.drones.terrain import true_heights

Floats = NDArray[np.float64]
UNKNOWN_HEIGHTS = (
    "高度为海拔，文件未给出起飞点海拔：空域从地面起按所给高度以下全部核对。",
    "Heights are above sea level and the file gives none of its home: the airspace is checked from "
    "the ground up to the heights given.",
)
_GEOD = pyproj.Geod(ellps="WGS84")
# A hold in the first parameter: waypoints, splines and timed loiters.
_HOLDS = (16, 19, 82)


@dataclass(frozen=True, eq=False)
class FilePath:
    """The way of a mission through the air.

    Attributes
    ----------
    points
        Home where the file names one, then the places: longitude, latitude, metres above ground
        (flat), shape ``(n, 3)``; above sea level where `heights_known` is false.
    heights_known
        Whether heights above ground follow from the file.
    flight_s
        At the speed of the file, else of the drone: legs, climbs, and holds at waypoints.
    """

    points: Floats
    heights_known: bool
    flight_s: float


def path_of_mission(mission: Mission, *, speed_m_s: float) -> FilePath | None:
    """Return the way of a sound mission; None where it goes to fewer than two places.

    Parameters
    ----------
    speed_m_s
        Where the file names none.
    """
    places = mission.places()
    sea = np.array([FRAMES.get(item.frame) == ABOVE_SEA for item in places], dtype=bool)
    points = mission.positions()
    home = mission.home
    base = float("nan") if home is None else home[2]
    known = not sea.any() or bool(np.isfinite(base))
    if known:
        points[sea, 2] -= base
    if home is not None:
        ground = base if not known and np.isfinite(base) else 0.0
        points = np.vstack([[home[0], home[1], ground], points])
    points[~np.isfinite(points[:, 2]), 2] = 0.0  # a landing may come without a height
    if len(points) < 2:
        return None
    speed = mission.speed_m_s or speed_m_s
    _, _, along = _GEOD.inv(*points[:-1, :2].T, *points[1:, :2].T)
    legs = np.hypot(along, np.diff(points[:, 2]))
    holds = sum(max(item.params[0], 0.0) for item in places
                if item.command in _HOLDS and np.isfinite(item.params[0]))  # fmt: skip
    return FilePath(points, known, float(legs.sum()) / speed + holds)


def judge_file(
    connection: Connection, way: FilePath, flying: Flying, *, jurisdiction_id: int,
    craft: Craft | None, zone: ZoneInfo, now: datetime,
) -> Preflight:  # fmt: skip
    """Hold the way of a file to the airspace rules of a jurisdiction, as a flight of its own plans.

    Nobody has applied for it: rules that want an application stand against it. Ground outside the
    jurisdiction, and heights that are not known, stand against it too: unknown is not safe.

    Parameters
    ----------
    craft
        The aircraft; None: its rules are left out.
    """
    legs = true_heights(way.points, None)
    breaches = list(judge_height(legs, craft or _NO_CRAFT)) if way.heights_known else [Breach(
        "refused", "heights_unknown", (), "",
        "高度为海拔，真高无法核对：请用相对高度保存，或在文件中给出起飞点海拔。",
        "Heights are above sea level, so true heights cannot be checked: save them above home, or "
        "name the height of home in the file.",
    )]  # fmt: skip
    breaches += [] if craft is None else judge_craft(craft, flying)
    breaches += read_zone_breaches(
        connection, jurisdiction_id, way.points, legs, flying, from_ground=not way.heights_known
    )
    breaches += _outside(connection, jurisdiction_id, legs)
    return answer_of(
        breaches, flying, zone=zone, now=now, asked=None,
        ground=FLAT if way.heights_known else UNKNOWN_HEIGHTS,
    )  # fmt: skip


_NO_CRAFT = Craft("", "light", True, False, float("inf"), None)


def read_border(connection: Connection, jurisdiction_id: int) -> BaseGeometry:
    """Read the border of a jurisdiction, EPSG:4326."""
    shape = connection.execute(
        select(func.ST_AsBinary(Jurisdiction.geom)).where(
            Jurisdiction.jurisdiction_id == jurisdiction_id
        )
    ).scalar_one()
    return shapely.from_wkb(bytes(shape))


def _outside(connection: Connection, jurisdiction_id: int, legs: list[Floats]) -> list[Breach]:
    border = read_border(connection, jurisdiction_id)
    shapely.prepare(border)
    out = tuple(
        number for number, leg in enumerate(legs, start=1)
        if not shapely.covers(border, shapely.linestrings(leg[:, :2]))
    )  # fmt: skip
    if not out:
        return []
    return [Breach(
        "refused", "outside", out, "",
        "航线在辖区之外，那里的空域本系统不掌握。",
        "It leaves the district: the airspace there is not known here.",
    )]  # fmt: skip
