"""Hundreds of screens on one service: how soon they hear, and what they miss when things are killed.

    python -m benchmarks.live [--screens 500] [--rate 200] [--seconds 60]

A private cluster, `gridbeat serve` as a process of its own, the screens in another one, the
writer here: all on this machine, over loopback. Each event is one transaction. In the second run
the listener's connection, the database server and the service are killed in turn while events go
on. What a screen has heard is held against the database's own log in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from sqlalchemy.pool import NullPool

from geo.cluster.layout import Cluster
from geo.cluster.processes import running_process
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, connect, make_engine, private_database
from geo.database.schema import migrate
from geo.errors import GridbeatError
from web.auth.accounts import NewAccount, write_account, write_token
from web.auth.passwords import Passwords
from web.auth.permissions import Permission, Role

FILL = """
INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES
    ('B', '测速', 'Bench', ST_Multi(ST_MakeEnvelope(116.1, 39.7, 116.7, 40.15, 4326)), 4548,
    'Asia/Shanghai')
"""
EMIT = (
    "SELECT emit_event('incident', 1, NULL, NULL, jsonb_build_object('incident_id', %s::int, "
    "'occurred_at', extract(epoch FROM now()), 'found_by', 'resident', 'lon', 116.4, 'lat', 39.9))"
)
_ID = re.compile(rb"id: (\d+)\n")
AGAIN_S = 1.0


@dataclass
class Heard:
    """One screen: numbers of the events in the order in which they came, and when."""

    numbers: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    connections: int = 0


async def listen(heard: Heard, port: int, token: str, ends: Callable[[], bool]) -> None:
    """Be an EventSource: read, and when cut off come back with the last number."""
    while not ends():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
            last = heard.numbers[-1] if heard.numbers else 0
            writer.write(
                f"GET /live?kind=incident HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"Authorization: Bearer {token}\r\nLast-Event-ID: {last}\r\n\r\n".encode()
            )
            await writer.drain()
            if b" 200 " not in await asyncio.wait_for(reader.readline(), 30):
                raise ConnectionError("refused")
            heard.connections += 1
            await _read(heard, reader, ends)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            if "writer" in locals():
                writer.close()
        if not ends():
            await asyncio.sleep(AGAIN_S)


async def _read(heard: Heard, reader: asyncio.StreamReader, ends: Callable[[], bool]) -> None:
    rest = b""
    while not ends():
        try:
            chunk = await asyncio.wait_for(reader.read(2**20), 2.0)
        except TimeoutError:
            continue
        if not chunk:
            raise ConnectionError("ended")
        now = time.time()
        rest += chunk
        whole, gap, rest = rest.rpartition(b"\n\n")
        if gap:
            for number in _ID.findall(whole + b"\n"):
                heard.numbers.append(int(number))
                heard.times.append(now)


def screens(n: int, port: int, token: str, until: Any, path: str, ready: Any) -> None:
    """Run all screens in this process, and leave what each has heard in a file."""

    async def run() -> list[Heard]:
        found = [Heard() for _ in range(n)]
        tasks = [
            asyncio.create_task(listen(one, port, token, lambda: bool(until.is_set())))
            for one in found
        ]
        while not all(one.connections for one in found):
            await asyncio.sleep(0.1)
        ready.set()
        await asyncio.gather(*tasks)
        return found

    found = asyncio.run(run())
    np.savez(
        path,
        numbers=np.concatenate([np.asarray(one.numbers, dtype=np.int64) for one in found]),
        times=np.concatenate([np.asarray(one.times, dtype=np.float64) for one in found]),
        lengths=np.array([len(one.numbers) for one in found]),
        connections=np.array([one.connections for one in found]),
    )


def write_events(
    database: Database, *, rate: int, seconds: float, faults: list[tuple[float, Callable[[], None]]]
) -> dict[int, float]:
    """Commit events at a steady rate, through whatever breaks; return number -> commit time."""
    committed: dict[int, float] = {}
    connection: psycopg.Connection | None = None
    begins, n = time.monotonic(), 0
    left = list(faults)
    while (gone := time.monotonic() - begins) < seconds:
        if left and gone >= left[0][0]:
            left.pop(0)[1]()
        due = begins + n / rate
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        try:
            if connection is None:
                connection = connect(database)
            row = connection.execute(EMIT, [n], prepare=True).fetchone()
            connection.commit()
            committed[int(row[0]) if row else 0] = time.time()
            n += 1
        except (psycopg.Error, GridbeatError):
            connection = None
            time.sleep(0.2)
            n = int((time.monotonic() - begins) * rate)
    if connection is not None:
        connection.close()
    return committed


@dataclass
class Service:
    """`gridbeat serve` as people start it."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(Path(sys.executable).with_name("gridbeat")),
            "serve",
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(
            command, env=os.environ | {"GRIDBEAT_HOME": str(self.home)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(1800):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/api/v1/version").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError("the service did not start")

    def kill(self) -> None:
        """Kill it without a word."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def kill_listener(database: Database) -> None:
    """Cut the service's one connection that listens."""
    with connect(database, role="owner", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
        )


def kill_database(cluster: Cluster) -> None:
    """Crash the server: every connection ends, and it recovers from its log."""
    process = running_process(cluster)
    assert process is not None
    os.kill(process, signal.SIGQUIT)
    while running_process(cluster) is not None:
        time.sleep(0.05)
    ensure_running(cluster)


def judge(database: Database, path: str, committed: dict[int, float], after: int) -> dict[str, Any]:
    """Hold what the screens have heard against the log."""
    with connect(database, role="owner") as connection:
        rows = connection.execute(
            "SELECT event_id FROM live_event WHERE event_id > %s ORDER BY event_id", [after]
        ).fetchall()
    wanted = np.array([row[0] for row in rows], dtype=np.int64)
    held = np.load(path)
    wrong, begin, waits = 0, 0, []
    known = np.array(sorted(committed), dtype=np.int64)
    at = np.array([committed[int(number)] for number in known])
    for length in held["lengths"]:
        numbers = held["numbers"][begin : begin + length]
        times = held["times"][begin : begin + length]
        begin += length
        numbers, times = numbers[numbers > after], times[len(numbers) - (numbers > after).sum() :]
        wrong += not np.array_equal(numbers, wanted)
        place = np.searchsorted(known, numbers)
        place = np.minimum(place, len(known) - 1)
        sure = known[place] == numbers
        waits.append(times[sure] - at[place[sure]])
    wait = np.concatenate(waits) if waits else np.zeros(1)
    return {
        "events": len(wanted), "heard": int(sum(held["lengths"])), "wrong": wrong,
        "p50_ms": 1000 * float(np.median(wait)), "p99_ms": 1000 * float(np.quantile(wait, 0.99)),
        "most_ms": 1000 * float(wait.max()), "connections": int(held["connections"].sum()),
    }  # fmt: skip


def run(
    database: Database, service: Service, token: str, *, n: int, rate: int, seconds: float,
    faults: list[tuple[float, Callable[[], None]]],
) -> dict[str, Any]:  # fmt: skip
    """Listen, write, wait for the stragglers, and judge."""
    with connect(database, role="owner") as connection:
        row = connection.execute("SELECT coalesce(max(event_id), 0) FROM live_event").fetchone()
    after = int(row[0]) if row else 0
    context = multiprocessing.get_context("spawn")
    until, ready = context.Event(), context.Event()
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "heard.npz")
        process = context.Process(target=screens, args=(n, service.port, token, until, path, ready))
        process.start()
        if not ready.wait(300):
            raise RuntimeError("not every screen could connect")
        used = os.times()
        committed = write_events(database, rate=rate, seconds=seconds, faults=faults)
        time.sleep(8 if faults else 3)
        until.set()
        process.join()
        found = judge(database, path, committed, after)
    found["rate"] = len(committed) / seconds
    found["writer_cpu_s"] = os.times().user - used.user
    return found


def make(home: Path) -> tuple[Cluster, Database, str]:
    """Return a filled database and the token of somebody who may hear everything."""
    cluster = Cluster(home, durable=True)
    ensure_running(cluster)
    database = private_database(cluster)
    migrate(database)
    with connect(database, role="owner") as connection:
        connection.execute(FILL)
        connection.commit()
    digest = Passwords(at_once=1, memory_kib=19_456).digest_now("correct horse battery 9")
    engine = make_engine(database, pool=NullPool)
    with engine.begin() as store:
        new = NewAccount(
            login="bench", name="bench", roles=(Role.WATCH,), password_hash=digest, areas=(),
            all_areas=True, must_change=False,
        )  # fmt: skip
        token = write_token(
            store, write_account(store, new), name="bench",
            permissions=[Permission.MAP_READ, Permission.INCIDENTS_READ],
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip
    return cluster, database, token


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def tell(name: str, n: int, found: dict[str, Any]) -> str:
    """Return one line of the table."""
    exact = "yes" if found["wrong"] == 0 else f"NO: {found['wrong']} screens"
    return (
        f"| {name} | {n} | {found['events']:,} ({found['rate']:.0f}/s) | {found['heard']:,} | "
        f"{exact} | {found['p50_ms']:.0f} | {found['p99_ms']:.0f} | {found['most_ms']:.0f} | "
        f"{found['connections'] - n} |"
    )


def main() -> int:
    """Run both and print the table; return 1 if any screen missed or repeated an event."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--screens", type=int, default=500)
    asked.add_argument("--rate", type=int, default=200)
    asked.add_argument("--seconds", type=float, default=60.0)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="gb") as place:
        Path(place).chmod(0o755)  # the database's own user has to get in
        home = Path(place) / "h"
        cluster, database, token = make(home)
        service = Service(home, free_port())
        try:
            service.start()
            print("| run | screens | events | heard | each exactly once | p50 ms | p99 ms | most ms "
                  "| reconnections |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
            calm = run(database, service, token, n=given.screens, rate=given.rate,
                       seconds=given.seconds, faults=[])  # fmt: skip
            print(tell("calm", given.screens, calm), flush=True)

            def restart() -> None:
                service.kill()
                service.start()

            broken = run(
                database, service, token, n=given.screens, rate=min(given.rate, 50), seconds=45,
                faults=[(5.0, lambda: kill_listener(database)),
                        (15.0, lambda: kill_database(cluster)), (30.0, restart)],
            )  # fmt: skip
            print(tell("listener, database and service killed", given.screens, broken))
        finally:
            service.kill()
            stop(cluster)
    return int(calm["wrong"] + broken["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
