"""Intake at five million existing cases, and ten thousand tablets that come back on the network.

    python -m benchmarks.cases [--existing 5000000] [--officers 10000] [--home FOLDER]

Filling takes most of the time; with --home the filled database is kept, and a next run measures
at once, in about five minutes.

A private, durable cluster on disk, filled in the server; `gridbeat serve` as a process of its own;
the clients here, over HTTP on loopback. A report is classified, held against earlier cases (50 m,
24 h) and written down. Each officer's outbox holds a find and three steps (sign for, start,
finish) of a case of their own, given for the run.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from sqlalchemy import Engine, event, text

from benchmarks.cases_fill import (
    HIGH,
    SCHEME,
    SIDE,
    SOUTH,
    WEST,
    WIDE,
    fill,
    found,
    give_work,
)
from benchmarks.cases_load import Call, Cpu, Load, run_closed, run_open
from benchmarks.live.service import Service
from geo.cluster.layout import Cluster
from geo.cluster.processes import running_process
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, make_engine, make_owner_engine, private_database
from geo.database.schema import migrate
from governance.intake.classifier_store import read_sentences
from governance.intake.reports import NewReport
from governance.intake.taking_in import take_in
from web.auth.accounts import NewAccount, write_account, write_token
from web.auth.permissions import PERSONAL, Permission, Role, permissions_of

BATCH = 50
HEAD = (
    "| what | rate | p50 ms | p95 ms | p99 ms | processor ms each: clients + service + database | "
    "calls | failed |\n|---|---|---|---|---|---|---|---|"
)


class Reports:
    """An endless row of reports: words of the starter set, anywhere in the district."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.words = [words for words, _ in read_sentences(SCHEME)]

    def place(self) -> tuple[float, float]:
        """Return longitude and latitude."""
        lon, lat = self.rng.random(2)
        return WEST + lon * WIDE, SOUTH + lat * HIGH

    def said(self) -> str:
        """Return what somebody says."""
        return self.words[int(self.rng.integers(len(self.words)))]

    def body(self) -> dict[str, Any]:
        """Return a report as the API takes it."""
        lon, lat = self.place()
        return {"channel": "hotline", "words": self.said(), "place": {"lon": lon, "lat": lat}}

    def one(self, token: str) -> Call:
        """Return the call that takes one in."""
        return Call("PUT", f"/api/v1/reports/{uuid4()}", token, self.body())

    def many(self, token: str) -> Call:
        """Return the call that takes a batch in."""
        reports = [{"report_id": str(uuid4()), **self.body()} for _ in range(BATCH)]
        return Call("POST", "/api/v1/reports", token, {"reports": reports})

    def new(self) -> NewReport:
        """Return one for the functions below the API."""
        now, (lon, lat) = datetime.now(UTC), self.place()
        return NewReport(uuid4(), "hotline", now, now, self.said(), lon, lat, "desk")


def functions(engine: Engine, seconds: float, *, each: int, profile: bool = False) -> Load:
    """Take reports in by the functions alone, `each` a transaction, one after the other."""
    reports, load, begin = Reports(each), Load(), time.perf_counter()
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    while time.perf_counter() - begin < seconds:
        news = [reports.new() for _ in range(each)]
        start = time.perf_counter()
        with engine.begin() as connection:
            take_in(connection, 1, news)
        load.spent.append(time.perf_counter() - start)
    load.took = time.perf_counter() - begin
    if profile:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(18)
    return load


def count_statements(engine: Engine, each: int) -> int:
    """Return how many statements a transaction of so many reports sends."""
    seen: Counter[str] = Counter()

    def count(*_: Any) -> None:
        seen["statements"] += 1

    event.listen(engine, "before_cursor_execute", count)
    with engine.begin() as connection:
        take_in(connection, 1, [Reports(1).new() for _ in range(each)])
    event.remove(engine, "before_cursor_execute", count)
    return seen["statements"]


def outbox(reports: Reports, officer: int, case_id: int) -> Call:
    """Return what a tablet sends: a find, and three steps of its case."""
    now = datetime.now(UTC)
    column, row = divmod(officer % (SIDE * SIDE), SIDE)  # the officer's own grid
    lon = WEST + (column + float(reports.rng.random())) * WIDE / SIDE
    lat = SOUTH + (row + float(reports.rng.random())) * HIGH / SIDE
    entries: list[dict[str, Any]] = [
        {"kind": "report", "words": reports.said(), "lon": lon, "lat": lat, "accuracy_m": 8}
    ]
    for n, action in enumerate(("receive", "start", "resolve")):
        more = {"evidence": ["paper"]} if action == "resolve" else {}
        entries.append({"kind": "step", "case_id": case_id, "action": action,
                        "seen_version": 3 + n, **more})  # fmt: skip
    for n, entry in enumerate(entries):
        entry |= {"entry_id": str(uuid4()), "sequence": n,
                  "at": (now - timedelta(minutes=40 - n * 10)).isoformat()}  # fmt: skip
    body = {"device_id": str(uuid4()), "sent_at": now.isoformat(), "entries": entries}
    return Call("POST", "/api/v1/field/sync", f"gbt_officer {officer}", body)


def make(database: Database, given: argparse.Namespace) -> None:
    """Fill the database."""
    owner = make_owner_engine(database)
    with owner.begin() as connection:
        found(connection)
    may = sorted(permissions_of([Role.OFFICER]) - PERSONAL - {Permission.PUBLIC})
    took = fill(owner, given.existing, histories=given.histories, officers=given.officers,
                may=[str(one) for one in may])  # fmt: skip
    print(f"filled in {took:.0f} s", flush=True)


def desk_token(database: Database) -> str:
    """Return the token of a new dispatcher who sees everything."""
    engine = make_engine(database, pool_size=1)
    with engine.begin() as connection:
        new = NewAccount(
            login=f"desk {uuid4()}", name="desk", roles=(Role.DISPATCHER,), password_hash=None,
            areas=(), all_areas=True, must_change=False,
        )  # fmt: skip
        may = permissions_of([Role.DISPATCHER]) - PERSONAL - {Permission.PUBLIC}
        number = write_account(connection, new)
        token = write_token(connection, number, name="b", permissions=sorted(may),
                            expires_at=datetime.now(UTC) + timedelta(days=1))  # fmt: skip
    engine.dispose()
    return token


def warm(database: Database) -> None:
    """Read the indexes of cases and reports into memory, where a server that has run has them."""
    with make_owner_engine(database).begin() as owner:
        owner.execute(text("CREATE EXTENSION IF NOT EXISTS pg_prewarm"))
        owner.execute(text(
            "SELECT pg_prewarm(indexrelid::regclass) FROM pg_index "
            "WHERE indrelid::regclass::text IN ('case_file', 'report')"
        ))  # fmt: skip


def run(database: Database, home: Path, given: argparse.Namespace) -> None:
    """Measure, and print the table."""
    warm(database)
    waiting = give_work(make_owner_engine(database), given.sync)
    engine = make_engine(database, pool_size=4)
    with engine.connect() as connection:
        known = connection.execute(text("SELECT count(*) FROM case_file")).scalar_one()
    one, many = count_statements(engine, 1), count_statements(engine, BATCH)
    print(f"existing cases {known:,}; cores {os.cpu_count()}; load {os.getloadavg()[0]:.1f} before; "
          f"service of {given.processes} processes; "
          f"statements: {one} for one report, {many} for {BATCH}\n{HEAD}")  # fmt: skip
    functions(engine, 2.0, each=1)
    cpu = Cpu(None, running_process(Cluster(home)))
    for each in (1, BATCH):
        cpu.look()
        load = functions(engine, given.seconds, each=each)
        print(load.line(f"functions, {each} a transaction", cpu, each=each), flush=True)
    if given.profile:
        functions(engine, given.seconds, each=1, profile=True)
    engine.dispose()
    token, service = (
        desk_token(database),
        Service(home, Cluster(home), database, processes=given.processes),
    )
    try:
        service.start()
        cpu.service = service.process.pid if service.process else None
        over_http(service.port, token, given, cpu)
        sync(service.port, waiting, cpu)
    finally:
        service.kill()
    print(f"load {os.getloadavg()[0]:.1f} after")


def over_http(port: int, token: str, given: argparse.Namespace, cpu: Cpu) -> None:
    """Take reports in over HTTP: as fast as it goes, and at 200 a second."""
    reports = Reports(7)

    def until(seconds: float, make: Any) -> Any:
        end = time.perf_counter() + seconds
        return lambda _: make(token) if time.perf_counter() < end else None

    run_closed(port, until(2.0, reports.one), clients=4)
    for clients in (1, 8, 32):
        cpu.look()
        load = run_closed(port, until(given.seconds, reports.one), clients=clients)
        print(load.line(f"HTTP, a report a request, {clients} clients", cpu), flush=True)
        tell_failed(load)
    load = run_closed(port, until(given.seconds, reports.many), clients=2)
    print(load.line(f"HTTP, {BATCH} a request, 2 clients", cpu, each=BATCH), flush=True)
    tell_failed(load)
    for each, make, name in (
        (BATCH, reports.many, f"HTTP at 200 reports/s, {BATCH} a request"),
        (1, reports.one, "HTTP at 200 reports/s, one a request"),
    ):
        rate = 200 / each
        load = run_open(port, lambda _, m=make: m(token), rate=rate, seconds=given.seconds,
                        clients=64)  # fmt: skip
        paced = load.took < given.seconds * 1.05 + 1
        print(load.line(name, cpu, each=each, keeps_pace=paced), flush=True)
        tell_failed(load)


def sync(port: int, waiting: list[Any], cpu: Cpu) -> None:
    """Let all officers' outboxes in, eight at a time, as fast as it goes; for ten minutes."""
    reports, end = Reports(11), time.perf_counter() + 600.0
    cpu.look()

    def make(number: int) -> Call | None:
        if number >= len(waiting) or time.perf_counter() > end:
            return None
        return outbox(reports, waiting[number].n, waiting[number].case_id)

    load = run_closed(port, make, clients=8)
    print(load.line("outboxes of a find and 3 steps, 8 at once", cpu), flush=True)
    tell_failed(load)
    became = Counter(one["outcome"] for told in load.answers for one in told["answers"])
    minutes = 10_000 / (len(load.spent) / load.took) / 60
    print(f"{len(load.spent):,} outboxes in {load.took / 60:.1f} minutes, entries {dict(became)}; "
          f"10,000 at that rate: {minutes:.1f} minutes")  # fmt: skip


def tell_failed(load: Load) -> None:
    """Print the first answers that were no success."""
    for line in load.failed[:2]:
        print(f"  failed: {line[:300]}")


def main() -> None:
    """Make or find the database, and measure."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--existing", type=int, default=5_000_000)
    parser.add_argument("--histories", type=int, default=250_000)
    parser.add_argument("--officers", type=int, default=10_000)
    parser.add_argument("--sync", type=int, default=10_000, help="how many of them send")
    parser.add_argument("--processes", type=int, default=2, help="of the service")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--home", type=Path, help="keep the filled database here")
    parser.add_argument("--profile", action="store_true", help="profile the functions, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gb-cases-") as folder:
        home = given.home or Path(folder) / "h"
        home.mkdir(parents=True, exist_ok=True)
        Path(folder).chmod(0o755)  # the database's own user has to get in
        cluster = Cluster(home, durable=True)
        is_new = not cluster.data.exists()
        ensure_running(cluster)
        try:
            database = private_database(cluster)
            migrate(database)  # a kept one may be of an older version
            if is_new:
                make(database, given)
            run(database, home, given)
        finally:
            stop(cluster)


if __name__ == "__main__":
    main()
