"""What a tile of a window of days costs the database as incidents become many.

    python -m benchmarks.tile_windows [--rows 1000000 20000000] [--tiles 24] [--home DIRECTORY]

The city, the incidents and the service are those of `benchmarks.tiles`; nothing is cached. One
client asks for tiles one after another through HTTP. The database's own time is that which its
processors spent on the service's connections, a tile: it says more than the clock on a machine that
does much else. No tile gets parallel workers, whose time would be in no connection.

With --home the tables stay below DIRECTORY, one cluster a size, and a run that was cut off goes on
there: 20 million incidents take an hour to make and count, and about 15 GB.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from benchmarks.tiles import DAYS, Server, filled, ours, tiles_at, token
from geo.database.connect import Database, connect

ZOOMS = (10, 12, 14)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 20_000_000])
    parser.add_argument("--tiles", type=int, default=24)
    parser.add_argument("--home", type=Path, help="keep the tables here, to go on after a cut")
    asked = parser.parse_args()
    found = []
    for rows in asked.rows:
        home = asked.home and asked.home.resolve() / str(rows)
        with filled(rows, home) as database:
            forbid_parallel_workers(database)
            with ours(database, token(database), cache=0) as server:
                for zoom in ZOOMS:
                    for days in DAYS:
                        found.append(
                            (zoom, days, rows, *measure(database, server, zoom, days, asked.tiles))
                        )
                        print(found[-1], flush=True)
    print(f"\nload {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors\n")
    print("| zoom | days | incidents | database's own ms | on the clock, ms | largest kB |")
    print("|--:|---|--:|--:|--:|--:|")
    for zoom, days, rows, own, clock, largest in sorted(found, key=lambda one: one[:3]):
        print(f"| {zoom} | {days or 'all'} | {rows:,} | {own:.1f} | {clock:.0f} | {largest:.0f} |")


def forbid_parallel_workers(database: Database) -> None:
    with connect(database, role="owner", autocommit=True) as owner:
        owner.execute("ALTER DATABASE bench SET max_parallel_workers_per_gather = 0")


def measure(
    database: Database, server: Server, zoom: int, days: str, n: int
) -> tuple[float, float, float]:
    """Return the database's own ms and the median ms on the clock of a tile, and the largest's kB."""
    server = replace(server, path=server.path + DAYS[days])
    tiles = tiles_at(zoom)
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    for x, y in tiles[:2]:
        draw(line, server, zoom, x, y)
    before = own_s(database)
    times, sizes = [], []
    for turn in range(n):
        start = time.perf_counter()
        sizes.append(draw(line, server, zoom, *tiles[turn * max(1, len(tiles) // n) % len(tiles)]))
        times.append(time.perf_counter() - start)
    # A connection that was opened meanwhile counts whole; the pool closes none within seconds.
    own = (own_s(database) - before).total() / n
    return 1e3 * own, 1e3 * statistics.median(times), max(sizes) / 1e3


def draw(line: http.client.HTTPConnection, server: Server, zoom: int, x: int, y: int) -> int:
    line.request("GET", server.path.format(z=zoom, x=x, y=y), headers=server.headers)
    answer = line.getresponse()
    body = answer.read()
    assert answer.status in (200, 204), (answer.status, body[:300])
    return len(body)


def own_s(database: Database) -> Counter[int]:
    """Return the processors' seconds that each connection of the service has had so far."""
    with connect(database, role="owner") as owner:
        pids = owner.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return Counter({pid: scheduled_s(pid) for (pid,) in pids})


def scheduled_s(pid: int) -> float:
    """Return the seconds of a processor that a process has had, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    main()
