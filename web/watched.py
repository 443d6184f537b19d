"""A place with its grids, kept for some minutes between the requests that write to its cells."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from geo.effort_cells import ground_of
from geo.store import read_grid_set, read_place
from patrol.track_store import Watched

KEPT_S = 300.0


def watched_of(request: Request, connection: Connection, code: str) -> Watched:
    """Return a jurisdiction; `connection` must see all of it."""
    kept: dict[str, tuple[float, Watched]] = request.app.state.watched
    until, found = kept.get(code, (0.0, None))
    if found is None or time.monotonic() > until:
        raw: Any = connection.connection.driver_connection
        place = read_place(raw, code)
        ground = ground_of(place.boundary, srid=place.srid)
        found = Watched(place, ground, read_grid_set(raw, place))
        kept[code] = (time.monotonic() + KEPT_S, found)
    return found
