"""Where something is, and whose ground that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from geo.errors import GridbeatError, InputError, NotFoundError
from web.database import packaged_sql


@dataclass(frozen=True)
class Place:
    """A place as it was said: a point (EPSG:4326), or an area alone."""

    lon: float | None = None
    lat: float | None = None
    area_id: int | None = None
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Spot:
    """Where something is, and whose ground that is.

    Attributes
    ----------
    lon, lat
        EPSG:4326.
    area, area_en
        Its grid's name; the English one where it has one, else the same.
    accuracy_m
        Metres; of a whole grid the radius of a circle of its area.
    """

    jurisdiction_id: int
    lon: float
    lat: float
    area_id: int | None
    area: str | None
    area_en: str | None
    accuracy_m: float | None


def find_spot(connection: Connection, place: Place) -> Spot:
    """Return where a report is: at a point, or somewhere in an area.

    Raises
    ------
    InputError
        Neither was given, or the point lies in no jurisdiction.
    NotFoundError
        There is no such area, or it is not this account's to see.
    """
    found = find_spots(connection, [place])[0]
    if isinstance(found, GridbeatError):
        raise found
    return found


def find_spots(connection: Connection, places: Sequence[Place]) -> list[Spot | GridbeatError]:
    """Return for each place where it is, or what is wrong with it."""
    points = [
        {"n": n, "lon": place.lon, "lat": place.lat}
        for n, place in enumerate(places)
        if place.lon is not None and place.lat is not None
    ]
    rows = {}
    if points:
        values = {"points": json.dumps(points)}
        query = packaged_sql("spots_of_points")
        rows = {row.n: row for row in connection.exec_driver_sql(query, values)}
    found: list[Spot | GridbeatError] = []
    for n, place in enumerate(places):
        if place.lon is None or place.lat is None:
            found.append(_in_area(connection, place.area_id))
        elif n in rows:
            row = rows[n]
            found.append(Spot(row.jurisdiction_id, place.lon, place.lat, row.area_id, row.area,
                              row.area_en, place.accuracy_m))  # fmt: skip
        else:
            msg = (
                f"the point {place.lon:.5f}, {place.lat:.5f} lies in no jurisdiction of yours; "
                "are longitude and latitude swapped?"
            )
            found.append(InputError(msg, code="outside"))
    return found


def _in_area(connection: Connection, area_id: int | None) -> Spot | GridbeatError:
    if area_id is None:
        msg = "say where it is: a point (lon, lat), or an area"
        return InputError(msg, code="no-place")
    row = connection.exec_driver_sql(packaged_sql("spot_of_area"), {"area": area_id}).first()
    if row is None:
        return NotFoundError(f"there is no area {area_id}", code="no-area")
    return Spot(*row)
