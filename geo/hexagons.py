"""Counts of incidents by hexagon, for overviews: which level a zoom needs, and keeping them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta

from sqlalchemy import Connection, text

# Length of an edge in EPSG:3857 by level, as the database's hexagon_edge() has it.
EDGES_M = (6400.0, 1600.0, 600.0, 150.0)
FINEST = 3
POINTS_FROM_ZOOM = 14
# Rows of counts hold a block of 64 x 64 hexagons.
BLOCK_BITS = 6
STEP_INCIDENTS, MOST_DAYS = 600_000, 400
# By the size of the months' tables, which is known without counting and without statistics.
_INCIDENTS_A_DAY = text(
    "SELECT coalesce(sum(bytes) / 250.0 / (30.4 * nullif(count(*), 0)), 0)::float8 FROM ("
    "SELECT pg_relation_size(relid) AS bytes FROM pg_partition_tree('incident') WHERE isleaf) t "
    "WHERE bytes > 0"
)
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
    return _span(zoom, x, y, level, 0.0)


def fine_blocks(zoom: int, x: int, y: int, level: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of blocks of the finest hexagons for a tile.

    In them lies every finest hexagon that counts in a hexagon of `level` that touches the tile.
    """
    first_i, last_i, first_j, last_j = _span(zoom, x, y, FINEST, 2 * EDGES_M[level])
    return (
        first_i >> BLOCK_BITS, last_i >> BLOCK_BITS, first_j >> BLOCK_BITS, last_j >> BLOCK_BITS,
    )  # fmt: skip


def _span(zoom: int, x: int, y: int, level: int, margin_m: float) -> tuple[int, int, int, int]:
    side, edge = _WORLD_M / 2**zoom, EDGES_M[level]
    west, north = x * side - _WORLD_M / 2, _WORLD_M / 2 - y * side
    wide, high = 1.5 * edge, math.sqrt(3.0) * edge
    return (
        math.floor((west - margin_m - edge) / wide),
        math.ceil((west + side + margin_m + edge) / wide),
        math.floor((north - side - margin_m - high) / high),
        math.ceil((north + margin_m + high) / high),
    )


def whole_months(since: date, until: date) -> tuple[date, date]:
    """Return the first days of the first whole month in a window and of the month after the last.

    The days before and from there on are left over. A window without a whole month gives its
    first day twice, so that all of it is left over.

    Parameters
    ----------
    since, until
        Local days, the last one out.

    Examples
    --------
    >>> whole_months(date(2025, 1, 31), date(2025, 4, 2))
    (datetime.date(2025, 2, 1), datetime.date(2025, 4, 1))
    >>> whole_months(date(2025, 1, 2), date(2025, 2, 28))
    (datetime.date(2025, 1, 2), datetime.date(2025, 1, 2))
    """
    first = since if since.day == 1 else _next_month(since)
    end = until.replace(day=1)
    return (first, end) if first < end else (since, since)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def refresh_hexagons(
    connection: Connection, *, days_at_once: int = 400, report: Callable[[int], None] | None = None
) -> int:
    """Count anew every day whose incidents changed, newest first; return how many days.

    Never commits. One refresh counts at a time; whoever writes incidents waits for none. Many days
    are better counted by `refresh_in_steps`, which lets other counters in between.

    Parameters
    ----------
    report
        Called with the number of days done so far.
    """
    done = 0
    while counted := refresh_some(connection, days_at_once):
        done += counted
        if report is not None:
            report(done)
    return done


def refresh_in_steps(
    begin: Callable[[], AbstractContextManager[Connection]],
    *,
    report: Callable[[int], None] | None = None,
) -> int:
    """Count anew like `refresh_hexagons`, each step in a transaction of its own.

    A step has so many days that about `STEP_INCIDENTS` fall into it: it fits into memory, and
    today's report waits for one step at most.
    """
    with begin() as connection:
        a_day = connection.execute(_INCIDENTS_A_DAY).scalar_one()
    most = max(1, min(MOST_DAYS, int(STEP_INCIDENTS / max(a_day, 1.0))))
    done = 0
    while True:
        with begin() as connection:
            counted = refresh_some(connection, most)
        done += counted
        if report is not None and counted:
            report(done)
        if not counted:
            return done


def refresh_some(connection: Connection, most: int) -> int:
    """Count anew the newest `most` days whose incidents changed; return how many there were."""
    connection.execute(text("SELECT take_hexagon_notes()"))
    return int(
        connection.execute(text("SELECT refresh_hexagons(:most)"), {"most": most}).scalar_one()
    )


def refresh_hexagon_ground(connection: Connection) -> int:
    """Count households and recent patrols by hexagon anew; return how many rows. Never commits."""
    return int(connection.execute(text("SELECT refresh_hexagon_ground()")).scalar_one())
