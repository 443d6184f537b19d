"""A place with its grids, kept for some minutes between the requests that write to its cells."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from geo.effort_cells import ground_of
from geo.places import Place
from geo.store import read_grid_set, read_place
from patrol.watched import Town, Watched, town_version

KEPT_S = 300.0


def watched_of(request: Request, connection: Connection, code: str) -> Watched:
    """Return a jurisdiction; `connection` must see all of it."""
    kept: dict[str, tuple[float, Watched]] = request.app.state.watched
    until, found = kept.get(code, (0.0, None))
    if found is None or time.monotonic() > until:
        raw: Any = connection.connection.driver_connection
        place = read_place(raw, code)
        ground = ground_of(place.boundary, srid=place.srid)
        found = Watched(place, ground, read_grid_set(raw, place),
                        _town_of(request, connection, place))  # fmt: skip
        kept[code] = (time.monotonic() + KEPT_S, found)
    return found


def _town_of(request: Request, connection: Connection, place: Place) -> Town:
    """Return roads and buildings as they were read before, until an import changes them."""
    towns: dict[str, tuple[object, Town]] = request.app.state.towns
    version = town_version(connection, place.jurisdiction_id), place.boundary.wkb
    if place.code not in towns or towns[place.code][0] != version:
        towns[place.code] = (version, Town())
    return towns[place.code][1]
