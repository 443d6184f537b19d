"""Batches of tablets into the database: what a fix costs from its post to tracks, effort, looks.

    GRIDBEAT_HOME=... gridbeat demo && GRIDBEAT_HOME=... python -m benchmarks.track_posts

Tablets of one unit each walk through the district and hand over an hour of fixes at a time, as
the field page does after an hour offline; then all of it comes as one file. Rolled back. CPU
seconds of this process and of the database's backend.
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
from patrol.track_devices import Device, read_devices, register_device
from patrol.track_store import IntakeParams, take_fixes
from patrol.tracks.fixes import Fixes
from patrol.watched import Watched, watch_place

EVERY_S = 15
EACH = 3600 // EVERY_S
HOW = IntakeParams(duty_known=False)
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


def prepare(connection: Connection, tablets: int, hours: int) -> tuple[Watched, list[Fixes]]:
    """Register tablets, and return the ground with what each of them recorded."""
    watched = watch_place(connection, None, now=datetime(2026, 11, 3, tzinfo=UTC))
    place = watched.place
    units = connection.execute(
        text("SELECT source_ref FROM unit WHERE kind = 'foot' ORDER BY unit_id LIMIT :n"),
        {"n": tablets},
    ).scalars()
    west, south, east, north = place.boundary.bounds
    x, y = project(np.array([west, east]), np.array([south, north]), srid=place.srid)
    span, n = float(min(np.ptp(x), np.ptp(y))), hours * EACH
    walks = []
    for number, unit in enumerate(units.all()):
        ref = f"bench-{number}"
        register_device(connection, place.jurisdiction_id, ref=ref, unit=unit)
        at, px, py = walk_of(number, hours, float(x[0]), float(y[0]), span)
        lon, lat = unproject(px, py, srid=place.srid)
        own, row_no = np.zeros(n, np.int32), np.arange(1, n + 1, dtype=np.int32)
        walks.append(Fixes((ref,), own, at, lon, lat, np.full(n, np.nan), row_no))
    return watched, walks


def post_all(connection: Connection, tablets: int, hours: int) -> tuple[int, int]:
    """Hand over every tablet's hours, one batch each; return batches and fixes."""
    watched, walks = prepare(connection, tablets, hours)
    for walk in walks:
        devices = _devices(connection, watched, walk)
        for begin in range(0, len(walk), EACH):
            batch = walk.take(np.arange(begin, begin + EACH))
            take_fixes(connection, watched, batch, devices, params=HOW, first_seq=begin)
    return len(walks) * hours, len(walks) * hours * EACH


def import_all(connection: Connection, tablets: int, hours: int) -> tuple[int, int]:
    """Take in all that tablets recorded as one file does; return its devices and fixes."""
    watched, walks = prepare(connection, tablets, hours)
    refs = tuple(walk.devices[0] for walk in walks)
    numbers = np.repeat(np.arange(len(walks), dtype=np.int32), hours * EACH)
    columns = [np.concatenate([getattr(walk, name) for walk in walks])
               for name in ("time_us", "lon", "lat", "height_m", "row_no")]  # fmt: skip
    fixes = Fixes(refs, numbers, *columns)
    take_fixes(connection, watched, fixes, _devices(connection, watched, fixes), params=HOW)
    return len(walks), len(fixes)


def _devices(connection: Connection, watched: Watched, fixes: Fixes) -> dict[str, Device]:
    known = read_devices(connection, watched.place.jurisdiction_id, refs=fixes.devices)
    return {device.ref: device for device in known}


def _backend_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main(tablets: int, hours: int) -> None:
    engine = make_owner_engine(locate(DatabaseSettings()))
    with engine.connect() as connection:
        pid = int(str(connection.execute(text("SELECT pg_backend_pid()")).scalar_one()))
        post_all(connection, 1, 1)  # compiled once
        connection.rollback()
        for what, kind in ((post_all, f"batches of {EACH} fixes"), (import_all, "devices' file")):
            own, backend, wall = time.process_time(), _backend_s(pid), time.perf_counter()
            parts, fixes = what(connection, tablets, hours)
            own, backend = time.process_time() - own, _backend_s(pid) - backend
            wall = time.perf_counter() - wall
            connection.rollback()
            print(
                f"{parts:,} {kind} ({fixes:,}), load {os.getloadavg()[0]:.0f}: "
                f"{own:.2f} s here, {backend:.2f} s in the database, {wall:.1f} s by the clock; "
                f"{1000 * (own + backend) / parts:.1f} ms each, "
                f"{1e6 * (own + backend) / fixes:.1f} us a fix"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tablets", type=int, default=20)
    parser.add_argument("--hours", type=int, default=8)
    given = parser.parse_args()
    main(given.tablets, given.hours)
