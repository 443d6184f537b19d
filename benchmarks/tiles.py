"""Our tiles beside tipg's: the same table, machine and run.

    python -m benchmarks.tiles [--rows 1000000] [--tipg PYTHON] [--seconds 5]

A private cluster gets generated incidents around 40 centres of a city of 0.6 x 0.45 degrees.
Our service runs with its cache and without; tipg (if the Python of an environment that has it is
named) with its default limit of 10,000 features a tile and with the limit lifted. Each server is
asked for tiles of the city by 1 and by 4 clients, in turn, each for some seconds.
"""

from __future__ import annotations

import argparse
import http.client
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import quote
from uuid import uuid4

from sqlalchemy.pool import NullPool

from geo.cluster.layout import Cluster
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, connect, make_engine, private_database
from geo.database.schema import migrate
from geo.hexagons import refresh_in_steps
from web.auth.accounts import NewAccount, write_account, write_token
from web.auth.passwords import Passwords
from web.auth.permissions import PERSONAL, Permission, Role, permissions_of

WEST, SOUTH, WIDE, HIGH = 116.1, 39.7, 0.6, 0.45
FILL = """
SELECT setseed(0.42);
INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES
    ('B', '测速', 'Bench', ST_Multi(ST_MakeEnvelope(116.1, 39.7, 116.7, 40.15, 4326)), 4548,
    'Asia/Shanghai');
INSERT INTO feed (jurisdiction_id, source) VALUES (1, 'bench');
INSERT INTO category_scheme (scheme, version) VALUES ('b', '1');
INSERT INTO category (scheme_id, code, name, name_en)
    SELECT 1, n::text, n::text, n::text FROM generate_series(1, 30) n;
INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, level, grid_kind,
    households, geom)
    SELECT 1, 1, n::text, 0, n::text, n::text, 'grid', 'basic', 450, ST_Multi(ST_MakeEnvelope(
        116.1 + 0.015 * (n %% 40), 39.7 + 0.015 * (n / 40), 116.115 + 0.015 * (n %% 40),
        39.715 + 0.015 * (n / 40), 4326))
    FROM generate_series(0, 1199) n;
SELECT ensure_incident_partitions(array_agg(d::date)) FROM
    generate_series(date '2024-01-01', date '2025-12-01', interval '1 month') d;
CREATE TEMP TABLE centre AS SELECT n, random() AS x, random() AS y FROM generate_series(0, 39) n;
-- Filling is not what is measured: no checks, and the spatial index afterwards.
SET session_replication_role = replica;
DROP INDEX ix_incident_geom;
INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision,
    category_id, found_by, geom, x_m, y_m, area_id, content_hash)
SELECT 1, 'b' || i, at, at, 'minute', class, 'resident',
    ST_SetSRID(ST_MakePoint(lon, lat), 4326), 0, 0, 1 + least(39, floor((lon - 116.1) / 0.015)::int)
        + 40 * least(29, floor((lat - 39.7) / 0.015)::int), i
FROM (SELECT i, timestamptz '2024-01-01' + i * (interval '729 days' / %(rows)s) AS at,
    1 + floor(30 * power(random(), 2))::int AS class,
    least(greatest(116.1 + 0.6 * (c.x + (random() + random() + random() - 1.5) * 0.08), 116.1),
        116.7) AS lon,
    least(greatest(39.7 + 0.45 * (c.y + (random() + random() + random() - 1.5) * 0.08), 39.7),
        40.15) AS lat
    FROM generate_series(1, %(rows)s) i JOIN centre c ON c.n = i %% 40) p;
CREATE INDEX ix_incident_geom ON incident USING gist (geom);
INSERT INTO hexagon_dirty (jurisdiction_id, day)
    SELECT 1, d::date FROM generate_series(date '2023-12-31', date '2025-12-31', interval '1 day') d;
RESET session_replication_role;
"""


DAYS = {
    "": "",
    "7 days": "?since=2025-06-01&until=2025-06-08",
    "28 days of one class": "?since=2025-06-01&until=2025-06-29&class=3",
    "365 days": "?since=2024-12-01&until=2025-12-01",
}


@dataclass(frozen=True)
class Server:
    """Somebody who serves tiles of incidents."""

    name: str
    port: int
    path: str
    headers: dict[str, str]


@contextmanager
def filled(rows: int, home: Path | None = None) -> Iterator[Database]:
    """Make the table and its counts, or take them up again where a run left them in `home`."""
    with tempfile.TemporaryDirectory(prefix="gridbeat-tiles-") as place:
        Path(place).chmod(0o711)
        cluster = Cluster(home or Path(place) / "home", durable=False)
        ensure_running(cluster)
        try:
            database = private_database(cluster, name="bench")
            with connect(database.renamed("postgres"), role="owner", autocommit=True) as owner:
                if not owner.execute(
                    "SELECT 1 FROM pg_database WHERE datname = 'bench'"
                ).fetchone():
                    owner.execute("CREATE DATABASE bench")
            migrate(database)
            fill(database, rows)
            yield database
        finally:
            stop(cluster)


def fill(database: Database, rows: int) -> None:
    with connect(database, role="owner") as owner:
        there = owner.execute("SELECT count(*) FROM jurisdiction").fetchone()
        if not (there and there[0]):
            for statement in (FILL.replace("%%", "%").replace("%(rows)s", str(rows))).split(";\n"):
                if statement.strip():
                    owner.execute(statement.encode())
    count_hexagons(database, rows)
    with connect(database, role="owner", autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")


def count_hexagons(database: Database, rows: int) -> None:
    """Count all days and then one day again; say how long it took, and the server's own time."""
    engine = make_engine(database, pool_size=1)
    for days in (None, "2025-06-15"):
        with engine.begin() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            if days:
                connection.exec_driver_sql(
                    f"INSERT INTO hexagon_dirty (jurisdiction_id, day) VALUES (1, '{days}')"
                )
        start, before = time.perf_counter(), processor_s(pid)
        counted = refresh_in_steps(engine.begin)
        print(
            f"{rows:,} incidents; {counted} days counted by hexagon in "
            f"{time.perf_counter() - start:.1f} s, of which the server computed "
            f"{processor_s(pid) - before:.1f} s"
        )
    with engine.begin() as connection:
        kinds = "day", "month", "total", "area_day", "area_month", "area_total"
        for table in (*(f"hexagon_{kind}" for kind in kinds), "incident"):
            size = (
                "sum(pg_total_relation_size(relid)) FROM pg_partition_tree"
                if table == "incident"
                else "pg_total_relation_size"
            )
            found = connection.exec_driver_sql(f"SELECT {size}('{table}')").scalar_one()
            print(f"{table}: {float(found) / 1e6:,.0f} MB")
    engine.dispose()


def processor_s(pid: int) -> float:
    """Return the seconds of a processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def token(database: Database) -> str:
    engine = make_engine(database, pool=NullPool)
    digest = Passwords(at_once=1, memory_kib=19_456).digest_now("correct horse battery 9")
    with engine.begin() as connection:
        new = NewAccount(
            login=f"bench-{uuid4().hex[:8]}", name="bench", roles=(Role.ANALYST,), password_hash=digest, areas=(),
            all_areas=True, must_change=False,
        )  # fmt: skip
        number = write_account(connection, new)
        return write_token(
            connection, number, name="bench",
            permissions=sorted(permissions_of([Role.ANALYST]) - PERSONAL - {Permission.PUBLIC}),
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip


OURS = """
import sys, uvicorn
from geo.database.connect import locate
from geo.settings import DatabaseSettings
from web.app import create_app
from web.settings import WebSettings
app = create_app(WebSettings(), locate(DatabaseSettings()))
app.state.tiles.most_bytes = int(sys.argv[2])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
"""


@contextmanager
def running(command: list[str], port: int, **variables: str) -> Iterator[None]:
    process = subprocess.Popen(command, env=os.environ | variables)
    try:
        until = time.monotonic() + 240
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, command
            assert time.monotonic() < until, command
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(database: Database, bearer: str, *, cache: int, days: str = "") -> Iterator[Server]:
    port = free_port()
    url = database.owner_url.render_as_string(hide_password=False)
    with running(
        [sys.executable, "-c", OURS, str(port), str(cache)], port, GRIDBEAT_DATABASE_URL=url
    ):
        name = "Gridbeat, cached" if cache else "Gridbeat, drawn each time"
        name += f", {days}" if days else ""
        headers = {"Authorization": f"Bearer {bearer}", "Accept-Encoding": "gzip"}
        yield Server(name, port, "/tiles/incidents/{z}/{x}/{y}" + DAYS[days], headers)


@contextmanager
def tipg(database: Database, python: str, *, most: int) -> Iterator[Server]:
    port = free_port()
    where = database.owner_url
    host, number = quote(str(where.query["host"]), safe=""), where.query["port"]
    url = f"postgresql://{where.username}@{host}:{number}/{where.database}"
    command = [python, "-m", "uvicorn", "tipg.main:app", "--log-level", "error"]
    command += ["--port", str(port)]
    variables = {"DATABASE_URL": url, "TIPG_MAX_FEATURES_PER_TILE": str(most),
                 "TIPG_DB_SCHEMAS": '["public"]'}  # fmt: skip
    with running(command, port, **variables):
        time.sleep(3)
        path = "/collections/public.incident/tiles/WebMercatorQuad/{z}/{x}/{y}"
        name = "tipg, default limit" if most == 10_000 else "tipg, limit lifted"
        yield Server(name, port, path, {"Accept-Encoding": "gzip"})


def tiles_at(zoom: int) -> list[tuple[int, int]]:
    n = 2**zoom

    def place(lon: float, lat: float) -> tuple[int, int]:
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
        return int((lon + 180) / 360 * n), int(y * n)

    (x0, y1), (x1, y0) = place(WEST, SOUTH), place(WEST + WIDE, SOUTH + HIGH)
    return [(x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]


def ask(
    server: Server, zoom: int, clients: int, seconds: float
) -> tuple[float, list[float], list[int]]:
    tiles = tiles_at(zoom)
    times: list[float] = []
    sizes: list[int] = []

    def client(first: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        turn = first
        while time.perf_counter() < until:
            x, y = tiles[turn % len(tiles)]
            turn += clients
            start = time.perf_counter()
            line.request("GET", server.path.format(z=zoom, x=x, y=y), headers=server.headers)
            answer = line.getresponse()
            body = answer.read()
            assert answer.status in (200, 204), (answer.status, body[:300])
            times.append(time.perf_counter() - start)
            sizes.append(len(body))

    begin = time.perf_counter()
    until = begin + seconds
    threads = [Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / (time.perf_counter() - begin), times, sizes


def measure(server: Server, seconds: float) -> dict[tuple[int, int], float]:
    rates = {}
    for zoom in (10, 12, 14):
        for clients in (1, 4):
            ask(server, zoom, clients, min(1.0, seconds))
            rate, times, sizes = ask(server, zoom, clients, seconds)
            rates[zoom, clients] = rate
            p99 = sorted(times)[int(0.99 * (len(times) - 1))]
            print(
                f"| {server.name} | {zoom} | {clients} | {rate:,.1f} | "
                f"{1e3 * statistics.median(times):.1f} | {1e3 * p99:.1f} | "
                f"{statistics.fmean(sizes) / 1e3:.0f} | {max(sizes) / 1e3:.0f} |",
                flush=True,
            )
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tipg", help="a Python that has tipg and uvicorn")
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    with filled(asked.rows) as database:
        bearer = token(database)
        print("\n| server | zoom | clients | tiles/s | median ms | p99 ms | mean kB | largest kB |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|")
        found = {}
        for cache in (0, 2**28):
            with ours(database, bearer, cache=cache) as server:
                found[server.name] = measure(server, asked.seconds)
        for days in list(DAYS)[1:]:
            with ours(database, bearer, cache=0, days=days) as server:
                measure(server, asked.seconds)
        for most in (10_000, 100_000_000) if asked.tipg else ():
            with tipg(database, asked.tipg, most=most) as server:
                found[server.name] = measure(server, asked.seconds)
        ratios(found)


def ratios(found: dict[str, dict[tuple[int, int], float]]) -> None:
    peers = [name for name in found if name.startswith("tipg")]
    for name in (name for name in found if name.startswith("Gridbeat")):
        for peer in peers:
            shown = ", ".join(
                f"zoom {zoom}, {clients} client{'s'[: clients > 1]}: {rate / found[peer][zoom, clients]:,.1f} x"
                for (zoom, clients), rate in found[name].items()
            )
            print(f"\n{name} beside {peer}: {shown}")


if __name__ == "__main__":
    main()
