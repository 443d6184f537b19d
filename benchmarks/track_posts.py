"""Batches of tablets into the database: what a fix costs from its post to tracks, effort, looks.

    GRIDBEAT_HOME=... gridbeat demo && GRIDBEAT_HOME=... python -m benchmarks.track_posts

Tablets of one unit each walk through the district and hand over an hour of fixes at a time, as
the field page does after an hour offline. Rolled back at the end. CPU seconds of this process and
of the database's backend.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, text

from geo.crs.systems import project, unproject
from geo.database.connect import locate, make_owner_engine
from geo.settings import DatabaseSettings
from patrol.track_devices import read_devices, register_device
from patrol.track_store import IntakeParams, take_fixes
from patrol.tracks.fixes import Fixes
from patrol.watched import watch_place

EVERY_S = 15
EACH = 3600 // EVERY_S
_TICKS = os.sysconf("SC_CLK_TCK")


def walk_of(
    number: int, hours: int, west: float, south: float, span_m: float
) -> tuple[np.ndarray, ...]:
    """Return time, x and y of a tablet's walk from a corner into the district."""
    rng = np.random.default_rng(number)
    n = hours * EACH
    heading = np.cumsum(rng.normal(0, 0.3, n))
    step = rng.uniform(8, 28, n)
    start = rng.uniform(0, span_m, 2)
    x, y = (
        start[0] + np.cumsum(step * np.cos(heading)),
        start[1] + np.cumsum(step * np.sin(heading)),
    )
    x, y = (np.abs((v + span_m) % (2 * span_m) - span_m) for v in (x, y))
    begin = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp()) * 1_000_000
    return begin + np.arange(n) * EVERY_S * 1_000_000, west + x, south + y


def post_all(connection: Connection, tablets: int, hours: int) -> tuple[int, int]:
    """Hand over every tablet's hours, one batch each; return batches and fixes."""
    watched = watch_place(connection, None, now=datetime(2026, 11, 3, tzinfo=UTC))
    place = watched.place
    units = connection.execute(
        text("SELECT source_ref FROM unit WHERE kind = 'foot' ORDER BY unit_id LIMIT :n"),
        {"n": tablets},
    ).scalars()
    refs = []
    for number, unit in enumerate(units.all()):
        refs.append(f"bench-{number}")
        register_device(connection, place.jurisdiction_id, ref=refs[-1], unit=unit)
    devices = {d.ref: d for d in read_devices(connection, place.jurisdiction_id, refs=refs)}
    west, south, east, north = place.boundary.bounds
    x, y = project(np.array([west, east]), np.array([south, north]), srid=place.srid)
    span = float(min(np.ptp(x), np.ptp(y)))
    how = IntakeParams(duty_known=False)
    fixes = 0
    for number, ref in enumerate(refs):
        at, px, py = walk_of(number, hours, float(x[0]), float(y[0]), span)
        lon, lat = unproject(px, py, srid=place.srid)
        for hour in range(hours):
            part = slice(hour * EACH, (hour + 1) * EACH)
            batch = Fixes(
                (ref,),
                np.zeros(EACH, np.int64),
                at[part],
                lon[part],
                lat[part],
                np.full(EACH, np.nan),
                np.arange(1, EACH + 1),
            )
            take_fixes(connection, watched, batch, devices, params=how, first_seq=hour * EACH)
            fixes += EACH
    return len(refs) * hours, fixes


def _backend_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main(tablets: int, hours: int) -> None:
    engine = make_owner_engine(locate(DatabaseSettings()))
    with engine.connect() as connection:
        pid = int(str(connection.execute(text("SELECT pg_backend_pid()")).scalar_one()))
        post_all(connection, 1, 1)  # compiled once
        connection.rollback()
        own, backend, wall = time.process_time(), _backend_s(pid), time.perf_counter()
        batches, fixes = post_all(connection, tablets, hours)
        own, backend = time.process_time() - own, _backend_s(pid) - backend
        wall = time.perf_counter() - wall
        connection.rollback()
    print(
        f"{batches:,} batches of {EACH} fixes ({fixes:,}), load {os.getloadavg()[0]:.0f}: "
        f"{own:.2f} s here, {backend:.2f} s in the database, {wall:.1f} s by the clock; "
        f"{1000 * (own + backend) / batches:.1f} ms a batch, "
        f"{1e6 * (own + backend) / fixes:.0f} us a fix"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tablets", type=int, default=20)
    parser.add_argument("--hours", type=int, default=8)
    given = parser.parse_args()
    main(given.tablets, given.hours)
