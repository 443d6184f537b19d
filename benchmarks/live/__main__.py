"""Hundreds of screens on one service: how soon they hear, and what they miss when things are killed.

    python -m benchmarks.live [--screens 500] [--rate 200] [--seconds 60] [--processes 1] [--only calm]

A private cluster, `gridbeat serve` as a process of its own, the screens in another one, the
writer here: all on this machine, over loopback. Each event is one transaction, which also says that
the map changed, as a report does; where the writer comes late, what is due goes in together. In the second run the listener's connection, the database server
and the service are killed in turn while events go on. What a screen has heard is held against the
database's own log in the end. What each of them uses of the processors is told beside it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psycopg
from sqlalchemy.pool import NullPool

from benchmarks.live.screens import run_screens
from benchmarks.live.service import Service
from geo.cluster.layout import Cluster
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
EMIT = """
SELECT emit_event('incident', 1, NULL, NULL, jsonb_build_object('incident_id', n,
    'occurred_at', extract(epoch FROM now()), 'found_by', 'resident', 'lon', 116.4, 'lat', 39.9)),
    pg_notify('gridbeat_layers', 'incidents')
FROM generate_series(%s::int, %s::int) AS n
"""
PATIENCE_S = 120.0
Faults = list[tuple[float, str, Callable[[], None]]]


@dataclass
class Writer:
    """Commits events at a steady rate, through whatever breaks.

    Attributes
    ----------
    committed
        Number of an event -> when its commit was known, seconds since 1970.
    happened
        Faults: which, since when and until when what was killed was away, seconds since 1970.
    """

    database: Database
    rate: int
    committed: dict[int, float] = field(default_factory=dict)
    last: int = 0
    took_s: float = 0.0
    transactions: int = 0
    happened: list[tuple[str, float, float]] = field(default_factory=list)
    _connection: psycopg.Connection | None = None

    def write(self, seconds: float, faults: Faults) -> None:
        """Write for so long, and until all faults have happened, each after its pause."""
        begins, n = time.monotonic(), 0
        breaking = Thread(target=self._break, args=[faults])
        breaking.start()
        while time.monotonic() - begins < seconds or breaking.is_alive():
            if (wait := begins + n / self.rate - time.monotonic()) > 0:
                time.sleep(wait)
            due = max(1, int((time.monotonic() - begins) * self.rate) - n)
            if self._commit(n, due):
                n += due
            else:
                time.sleep(0.2)
                n = int((time.monotonic() - begins) * self.rate)
        self.took_s = time.monotonic() - begins
        while not self._commit(n, 1):  # one after all faults: who has this one has recovered
            time.sleep(0.2)
        if self._connection is not None:
            self._connection.close()

    def _break(self, faults: Faults) -> None:
        for pause_s, name, fault in faults:
            time.sleep(pause_s)
            began = time.time()
            fault()
            self.happened.append((name, began, time.time()))
        if faults:
            time.sleep(faults[-1][0])

    def _commit(self, n: int, due: int) -> bool:
        try:
            if self._connection is None:
                self._connection = connect(self.database)
            rows = self._connection.execute(EMIT, [n, n + due - 1], prepare=True).fetchall()
            self._connection.commit()
        except (psycopg.Error, GridbeatError):
            self._connection = None
            return False
        at = time.time()
        self.committed |= {int(row[0]): at for row in rows}
        self.transactions += 1
        self.last = int(rows[-1][0])
        return True


def judge(database: Database, held: Any, committed: dict[int, float], after: int) -> dict[str, Any]:
    """Hold what the screens have heard against the log."""
    with connect(database, role="owner") as connection:
        rows = connection.execute(
            "SELECT event_id FROM live_event WHERE event_id > %s ORDER BY event_id", [after]
        ).fetchall()
    wanted = np.array([row[0] for row in rows], dtype=np.int64)
    known = np.array(sorted(committed), dtype=np.int64)
    at = np.array([committed[int(number)] for number in known])
    wrong = behind = begin = 0
    waits = []
    for length in held["lengths"]:
        numbers = held["numbers"][begin : begin + length]
        times = held["times"][begin : begin + length]
        begin += length
        if not np.array_equal(numbers, wanted):
            is_late = np.array_equal(numbers, wanted[: len(numbers)])
            behind, wrong = behind + is_late, wrong + (not is_late)
        place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
        sure = known[place] == numbers
        waits.append(times[sure] - at[place[sure]])
    wait = np.concatenate(waits) if begin else np.zeros(1)
    return {
        "events": len(wanted), "heard": begin, "wrong": wrong, "behind": behind,
        "p50_ms": 1000 * float(np.median(wait)), "p99_ms": 1000 * float(np.quantile(wait, 0.99)),
        "most_ms": 1000 * float(wait.max()), "connections": int(held["connections"].sum()),
    }  # fmt: skip


def recoveries(happened: list[tuple[str, float, float]], times: Any) -> list[str]:
    """Say of each fault for how long no screen heard anything after it."""
    arrived = np.unique(times)
    told = []
    for name, since, until in sorted(happened, key=lambda one: one[1]):
        places = np.searchsorted(arrived, [since, until])
        around = arrived[max(places[0] - 1, 0) : places[1] + 2]
        silence = np.diff(around).max() if len(around) > 1 else float("nan")
        told.append(f"{name}: away for {until - since:.1f} s, silence of {silence:.1f} s")
    return told


def run(
    service: Service, tokens: list[str], *, rate: int, seconds: float, faults: Faults
) -> dict[str, Any]:
    """Listen, write, wait until every screen has the last event, and judge."""
    with connect(service.database, role="owner") as connection:
        row = connection.execute("SELECT coalesce(max(event_id), 0) FROM live_event").fetchone()
    after = int(row[0]) if row else 0
    context = multiprocessing.get_context("spawn")
    newest, ready = context.Value("q", 0), context.Event()
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "heard.npz")
        empty_mib = service.memory_mib()
        arguments = (tokens, service.port, after, newest, ready, path, PATIENCE_S)
        process = context.Process(target=run_screens, args=arguments)
        process.start()
        if not ready.wait(300):
            raise RuntimeError("not every screen could connect")
        full_mib, connections = service.memory_mib(), service.connections()
        used, own = service.used(), os.times()
        writer = Writer(service.database, rate)
        writer.write(seconds, faults)
        newest.value = writer.last
        process.join()
        used = {name: s - used[name] for name, s in service.used().items()}
        now = os.times()
        held = np.load(path)
        found = judge(service.database, held, writer.committed, after)
    return found | {
        "rate": len(writer.committed) / writer.took_s, "transactions": writer.transactions, "service_s": used["service"],
        "took_s": writer.took_s, "recoveries": recoveries(writer.happened, held["times"]),
        "database_s": used["database"], "screens_s": float(held["cpu_s"]),
        "writer_s": now.user + now.system - own.user - own.system, "load": os.getloadavg()[0],
        "screen_kib": 1024 * (full_mib - empty_mib) / len(tokens), "db_connections": connections,
    }  # fmt: skip


def time_to_stop(service: Service, tokens: list[str]) -> float:
    """Tell the service to stop while every screen is open; return how long it took, seconds."""
    context = multiprocessing.get_context("spawn")
    newest, ready = context.Value("q", 0), context.Event()
    arguments = (tokens, service.port, 0, newest, ready, os.devnull, PATIENCE_S)
    process = context.Process(target=run_screens, args=arguments)
    process.start()
    try:
        if not ready.wait(300):
            raise RuntimeError("not every screen could connect")
        return service.stop()
    finally:
        process.kill()
        process.join()


def make(home: Path, n: int) -> tuple[Cluster, Database, list[str]]:
    """Return a filled database and a token for each screen of somebody who hears everything."""
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
        account = write_account(store, new)
        tokens = [
            write_token(
                store, account, name=f"bench {i}",
                permissions=[Permission.MAP_READ, Permission.INCIDENTS_READ],
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
            for i in range(n)
        ]  # fmt: skip
    return cluster, database, tokens


HEAD = (
    "| run | screens | events, in transactions | each exactly once | p50 ms | p99 ms | most ms | reconnections "
    "| service CPU | database CPU | screens CPU | writer CPU | load |\n" + "|---" * 13 + "|"
)


def tell(name: str, n: int, found: dict[str, Any]) -> str:
    """Return one line of the table; CPU is a share of one core over the run."""
    exact = "yes" if not found["wrong"] else f"NO: {found['wrong']} screens"
    exact += f", {found['behind']} still behind" if found["behind"] else ""
    shares = [found[f"{who}_s"] / found["took_s"] for who in ("service", "database", "screens")]
    shares.append(found["writer_s"] / found["took_s"])
    return (
        f"| {name} | {n} | {found['events']:,} in {found['transactions']:,} ({found['rate']:.0f}/s) | {exact} | "
        f"{found['p50_ms']:.0f} | {found['p99_ms']:.0f} | {found['most_ms']:,.0f} | "
        f"{found['connections'] - n} | " + " | ".join(f"{share:.0%}" for share in shares)
        + f" | {found['load']:.1f} |"
    )  # fmt: skip


def main() -> int:
    """Run both and print the table; return 1 if any screen missed or repeated an event."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--screens", type=int, default=500)
    asked.add_argument("--rate", type=int, default=200)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--only", choices=["calm", "faults"])
    given = asked.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="gb") as place:
        Path(place).chmod(0o755)  # the database's own user has to get in
        home = Path(place) / "h"
        cluster, database, tokens = make(home, given.screens)
        service = Service(home, cluster, database, given.processes)
        faults: Faults = [
            (5.0, "listener", service.kill_listener), (10.0, "database", service.kill_database),
            (15.0, "service", service.restart),
        ]  # fmt: skip
        runs = {
            "calm": (given.rate, given.seconds, []),
            "faults": (given.rate, given.seconds, faults),
        }
        try:
            service.start()
            print(HEAD, flush=True)
            for name, (rate, seconds, broken) in runs.items():
                if given.only not in {None, name}:
                    continue
                found = run(service, tokens, rate=rate, seconds=seconds, faults=broken)
                title = "listener, database and service killed" if broken else "calm"
                print(tell(title, given.screens, found), flush=True)
                bad += found["wrong"] + found["behind"]
                print(*found["recoveries"], sep="\n", end="\n" if broken else "")
                told = f"{found['screen_kib']:.0f} KiB of the service's memory a screen, "
                print(f"{told}{found['db_connections']} connections to the database", flush=True)
            took = time_to_stop(service, tokens)
            print(f"told to stop with {len(tokens)} screens open, it stopped in {took:.1f} s")
        finally:
            service.kill()
            stop(cluster)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
