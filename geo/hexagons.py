"""Counts of incidents by hexagon, for overviews: which level a zoom needs, and keeping them."""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlalchemy import Connection, text

# Length of an edge in EPSG:3857 by level, as the database's hexagon_edge() has it.
EDGES_M = (6400.0, 1600.0, 600.0, 150.0)
POINTS_FROM_ZOOM = 14
_WORLD_M = 2 * math.pi * 6378137.0


def level_of(zoom: int) -> int | None:
    """Return the level of hexagons that a zoom shows, or None where it shows points.

    A tile of 256 points holds about 40 by 45 hexagons at most.
    """
    if zoom >= POINTS_FROM_ZOOM:
        return None
    return 0 if zoom <= 7 else (zoom - 6) // 2


def span_of(zoom: int, x: int, y: int, level: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of hexagons that may touch a tile.

    Columns and rows are those of PostGIS's ST_Hexagon with its origin at 0, 0.
    """
    side, edge = _WORLD_M / 2**zoom, EDGES_M[level]
    west, north = x * side - _WORLD_M / 2, _WORLD_M / 2 - y * side
    wide, high = 1.5 * edge, math.sqrt(3.0) * edge
    return (
        math.floor((west - edge) / wide),
        math.ceil((west + side + edge) / wide),
        math.floor((north - side - high) / high),
        math.ceil((north + high) / high),
    )


def refresh_hexagons(
    connection: Connection, *, days_at_once: int = 400, report: Callable[[int], None] | None = None
) -> int:
    """Count anew every day whose incidents changed, newest first; return how many days.

    Never commits. One refresh counts at a time; whoever writes incidents waits for none.

    Parameters
    ----------
    report
        Called with the number of days done so far.
    """
    connection.execute(text("SELECT take_hexagon_notes()"))
    done = 0
    while True:
        counted = connection.execute(
            text("SELECT refresh_hexagons(:most)"), {"most": days_at_once}
        ).scalar_one()
        done += int(counted)
        if report is not None:
            report(done)
        if counted < days_at_once:
            return done


def refresh_hexagon_ground(connection: Connection) -> int:
    """Count households and recent patrols by hexagon anew; return how many rows. Never commits."""
    return int(connection.execute(text("SELECT refresh_hexagon_ground()")).scalar_one())
