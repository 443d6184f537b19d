"""The airspace preflight of a stored flight, asked of PostGIS."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from geo.errors import InputError
from patrol.drones.rules import (
    CONFIRM_LEAD,
    CROWD_MARGIN_M,
    FLAT,
    ZONE_MARGIN_M,
    Breach,
    Flying,
    Preflight,
    application_due,
    judge_craft,
    judge_deadline,
    judge_height,
    judge_zone,
)
from patrol.drones.store import StoredDrone, StoredRoute, read_standing
from patrol.drones.terrain import Terrain, true_heights

Floats = NDArray[np.float64]
_OVER_TERRAIN = ("真高按所给地形计算。", "True heights rest on the terrain given.")
_METRES_A_DEGREE = 111_000.0


def check_flight(
    connection: Connection, route: StoredRoute, drone: StoredDrone, flying: Flying, *,
    zone: ZoneInfo, now: datetime, terrain: Terrain | None = None,
) -> Preflight:  # fmt: skip
    """Hold a flight to the rules: height, zones of its time, aircraft, deadline.

    Raises
    ------
    InputError
        A time has no zone, or the terrain does not cover the route.
    """
    if flying.takes_off_at.tzinfo is None or now.tzinfo is None:
        msg = "the times of a flight need a time zone"
        raise InputError(msg)
    legs = true_heights(route.points, terrain)
    breaches = [
        *judge_height(legs, drone.craft),
        *judge_craft(drone.craft, flying),
        *read_zone_breaches(connection, route.jurisdiction_id, route.points, legs, flying),
    ]
    asked = read_standing(
        connection, route.route_id, takes_off_at=flying.takes_off_at, lands_at=flying.lands_at
    )
    ground = FLAT if terrain is None else _OVER_TERRAIN
    return answer_of(breaches, flying, zone=zone, now=now, asked=asked, ground=ground)


def answer_of(
    breaches: list[Breach], flying: Flying, *, zone: ZoneInfo, now: datetime,
    asked: tuple[str, str | None] | None, ground: tuple[str, str],
) -> Preflight:  # fmt: skip
    """Return the answer of a check: what stands against a flight, and what has to be asked by when.

    Parameters
    ----------
    asked
        Status and number of the application that was handed in for it.
    """
    due = None
    if any(one.weight == "application" for one in breaches):
        due = application_due(flying.takes_off_at, zone=zone, emergency=flying.emergency)
        late = judge_deadline(due, now=now, sent=asked is not None, zone=zone)
        breaches = [*breaches, *late]
    approved = asked is not None and asked[0] == "approved"
    return Preflight(
        breaches=tuple(breaches),
        approval_no=asked[1] if approved and asked is not None else None,
        due_at=due,
        confirm_at=flying.takes_off_at - CONFIRM_LEAD if due is not None else None,
        ground=ground,
    )


def read_zone_breaches(
    connection: Connection, jurisdiction_id: int, points: Floats, legs: list[Floats],
    flying: Flying, *, from_ground: bool = False,
) -> list[Breach]:  # fmt: skip
    """Return the zones that a flight touches while they are valid, each with its legs.

    Parameters
    ----------
    points
        Corners of the flight: longitude, latitude, height above ground, shape ``(n, 3)``.
    legs
        As `true_heights` gives them.
    from_ground
        Heights are not known: every leg is held against all from the ground up.
    """
    ends = [points[0], points[-1]]
    lines = [_upright(ends[0]), *(shapely.linestrings(leg) for leg in legs), _upright(ends[1])]
    rows = connection.execute(
        text(files("patrol").joinpath("sql", "preflight.sql").read_text("utf-8")),
        {
            "legs": [shapely.to_wkb(line, output_dimension=3) for line in lines],
            "lows": [0.0, *[0.0 if from_ground else None] * len(legs), 0.0],
            "takes_off": flying.takes_off_at,
            "lands": flying.lands_at,
            "jurisdiction": jurisdiction_id,
            "margin_m": ZONE_MARGIN_M,
            "crowd_margin_m": CROWD_MARGIN_M,
            "margin_deg": _degrees(points, max(ZONE_MARGIN_M, CROWD_MARGIN_M)),
        },
    ).mappings()
    legs_of: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for row in rows:
        legs_of[row["zone_id"], row["kind"], row["name"]].append(int(row["leg"]))
    return [judge_zone(kind, name, tuple(legs)) for (_, kind, name), legs in legs_of.items()]


def _upright(corner: Floats) -> shapely.Point:
    return shapely.Point(*corner)


def _degrees(points: Floats, metres: float) -> float:
    """Return an angle that is no less than a distance, east and north."""
    widest = np.cos(np.radians(min(float(np.abs(points[:, 1]).max()) + 0.1, 89.0)))
    return float(1.1 * metres / (_METRES_A_DEGREE * widest))
