"""One road, a station, two units and camera views: what a night needs beside incidents."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from geo.database.connect import Database
from tests.web.district import STEP, WEST
from web.jobs.queue import WorkerParams, work


def add_ground(connection: Any) -> None:
    """Give the district one road through all grids, a station, and a unit on foot."""
    connection.execute(
        "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) SELECT 1, 'r', 0, "
        "'residential', 'Long Road', ST_SetSRID(ST_MakeLine(ARRAY(SELECT ST_MakePoint(%s + %s * "
        "n / 10.0, 35.61) FROM generate_series(0, 40) n)), 4326)", [WEST, STEP],
    )  # fmt: skip
    connection.execute(
        "INSERT INTO station (feed_id, source_ref, content_hash, name, kind, geom) VALUES "
        "(1, 's1', 0, '站', 'service', ST_SetSRID(ST_MakePoint(%s, 35.61), 4326))", [WEST + STEP],
    )  # fmt: skip
    connection.execute(
        "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, home_station) VALUES "
        "(1, 'u1', 0, 'foot', '一队', 's1'), (1, 'u2', 0, 'foot', '=二队', 's1')"
    )
    connection.execute(
        "INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, level, "
        "geom) SELECT 1, 1, 'all', 0, 'all', 'all', 'district', geom FROM jurisdiction"
    )
    connection.execute("UPDATE camera SET fov_deg = 90, range_m = 80, height_m = 5")
    connection.commit()


def do_work(database: Database) -> None:
    """Do what is queued; in a thread of its own, as a browser's loop may run in this one."""
    params = WorkerParams(wait=False)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work(database, params))).result(timeout=300)
