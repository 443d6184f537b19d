"""Intake at so many existing cases, and tablets that send what they did while they were offline.

    python -m benchmarks.cases --existing 5000000

Makes a private database of its own, fills it in the server, and drops it. Two measurements, each
through the functions that the service calls, one transaction a report or batch:

intake   classify the words, look for what the report may repeat, take it in; by 1 and 2 desks.
tablets  a batch of three steps (sign for, start, finish) of an officer's case, by 2 writers; how
         many of 10,000 officers that is in ten minutes.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import numpy as np
from sqlalchemy import Connection, Engine, text

from geo.cluster.layout import Cluster
from geo.cluster.server import ensure_running, stop
from geo.database.connect import make_engine, make_owner_engine, private_database
from geo.database.schema import migrate
from governance.calendar_store import read_work_clock, write_calendar
from governance.case_store import move_case
from governance.cases.steps import Step
from governance.clock.calendar import library_calendar
from governance.intake.classifier_store import (
    note_suggestions,
    read_labelled,
    suggest_classes,
    train_version,
)
from governance.intake.classify import ClassifierParams
from governance.intake.filing import file_report
from governance.intake.reports import NewReport, take_report
from governance.intake.similar_cases import find_similar

WEST, SOUTH, WIDE, HIGH = 120.95, 35.55, 0.12, 0.10  # about 11 x 11 km
FILL = """
INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, category_id, level, state,
    state_since, version)
SELECT :j, 'B' || n, now() - random() * interval '1095 days', '路口垃圾成堆没有清理',
    ST_SetSRID(ST_MakePoint(:w + random() * :dx, :s + random() * :dy), 4326),
    :first + (random() * 29)::int, 'grid', 'closed', now(), 8
FROM generate_series(1, :n) AS n
"""


def found(owner: Connection) -> int:
    """Make a jurisdiction of one district with the demo's thirty classes."""
    shape = f"ST_Multi(ST_MakeEnvelope({WEST},{SOUTH},{WEST + WIDE},{SOUTH + HIGH},4326))"
    place = owner.execute(text(
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
        f"('B', '测', 'Bench', {shape}, 4549, 'Asia/Shanghai') RETURNING jurisdiction_id"
    )).scalar_one()  # fmt: skip
    owner.execute(
        text("INSERT INTO category_scheme (scheme, version) VALUES ('gridbeat-demo','1')")
    )
    starter = files("governance.intake.data").joinpath("starter.tsv").read_text("utf-8")
    codes = sorted({row["code"] for row in csv.DictReader(starter.splitlines(), delimiter="\t")})
    for code in codes:
        owner.execute(text(
            "INSERT INTO category (scheme_id, code, name, name_en) "
            "SELECT scheme_id, :c, :c, :c FROM category_scheme"), {"c": code})  # fmt: skip
    owner.execute(text(
        "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
        "VALUES (:j, 'd', 'd', 'd', 'street')"), {"j": place})  # fmt: skip
    return int(place)


def fill(engine: Engine, place: int, existing: int) -> float:
    """Fill the table of cases in the server, past the triggers that move cases; return seconds."""
    begin = time.perf_counter()
    with engine.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        first = owner.execute(text("SELECT min(category_id) FROM category")).scalar_one()
        owner.execute(text(FILL), {"j": place, "w": WEST, "s": SOUTH, "dx": WIDE, "dy": HIGH,
                                   "n": existing, "first": first})  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.execute(text("VACUUM ANALYZE case_file"))
    return time.perf_counter() - begin


def intake(engine: Engine, place: int, words: list[str], seconds: float, desks: int) -> np.ndarray:
    """Take reports in for some seconds, back to back; return each one's seconds."""
    until = time.perf_counter() + seconds

    def desk(number: int) -> list[float]:
        rng, spent = np.random.default_rng(number), []
        while time.perf_counter() < until:
            begin = time.perf_counter()
            now = datetime.now(UTC)
            lon, lat = WEST + rng.random() * WIDE, SOUTH + rng.random() * HIGH
            said = words[int(rng.integers(len(words)))]
            with engine.begin() as connection:
                guesses = suggest_classes(connection, place, said)
                category = guesses[0].category_id if guesses else None
                find_similar(connection, place, lon=lon, lat=lat, seen_at=now, words=said,
                             category_id=category)  # fmt: skip
                new = NewReport(uuid4(), "hotline", now, now, said, lon, lat, "desk")
                report = take_report(connection, place, new)
                note_suggestions(connection, report, guesses)
            spent.append(time.perf_counter() - begin)
        return spent

    with ThreadPoolExecutor(desks) as pool:
        return np.array([s for part in pool.map(desk, range(desks)) for s in part])


def tablets(engine: Engine, place: int, officers: int, writers: int) -> tuple[np.ndarray, float]:
    """Sync the batches of some officers; return each batch's seconds, and the whole time."""
    with engine.begin() as connection:
        clock = read_work_clock(connection, place)
        category = connection.execute(text("SELECT min(category_id) FROM category")).scalar_one()
        department = connection.execute(text("SELECT department_id FROM department")).scalar_one()
    start = datetime.now(UTC) - timedelta(hours=6)
    cases = []
    for number in range(officers):
        with engine.begin() as connection:
            new = NewReport(uuid4(), "tablet", start, start, "垃圾", WEST + WIDE / 2,
                            SOUTH + HIGH / 2, "desk")  # fmt: skip
            case = file_report(connection, take_report(connection, place, new), actor="desk",
                               category_id=category, at=start, clock=clock, record=False)  # fmt: skip
            sent = Step("dispatch", "d", start, uuid4(), department_id=department)
            move_case(connection, case.case_id, sent, clock=clock)
        cases.append((number, case.case_id))

    def sync(given: tuple[int, int]) -> float:
        number, case_id = given
        begin, now = time.perf_counter(), datetime.now(UTC)
        with engine.begin() as connection:
            for hour, action in enumerate(("receive", "start", "resolve"), start=1):
                step = Step(action, f"officer {number}", start + timedelta(hours=hour), uuid4(),
                            evidence=("photo",) if action == "resolve" else ())  # fmt: skip
                move_case(connection, case_id, step, clock=clock, now=now)
        return time.perf_counter() - begin

    begin = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        spent = np.array(list(pool.map(sync, cases)))
    return spent, time.perf_counter() - begin


def line(name: str, spent: np.ndarray, rate: float) -> str:
    low, middle, high = np.percentile(spent * 1000, [50, 95, 99])
    return f"| {name} | {rate:.0f}/s | {low:.1f} | {middle:.1f} | {high:.1f} | {len(spent)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--existing", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--officers", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gb-cases-", dir="/dev/shm") as folder:
        Path(folder).chmod(0o711)
        cluster = Cluster(Path(folder) / "home", durable=True)
        ensure_running(cluster)
        try:
            run(private_database(cluster, name="postgres"), given)
        finally:
            stop(cluster)


def run(database: object, given: argparse.Namespace) -> None:
    migrate(database)
    owner = make_owner_engine(database)
    with owner.begin() as connection:
        place = found(connection)
    engine = make_engine(database, pool_size=4)
    with engine.begin() as connection:
        year = datetime.now(UTC).year
        write_calendar(connection, place, library_calendar("CN", range(year, year + 2)), source="b")
        labelled = read_labelled(connection, place, "gridbeat-demo")
        train_version(connection, place, "gridbeat-demo", labelled, ClassifierParams(folds=2),
                      now=datetime.now(UTC))  # fmt: skip
    filled = fill(owner, place, given.existing)
    print(f"existing cases: {given.existing:,}, filled in {filled:.0f} s; cores {os.cpu_count()}, "
          f"load {os.getloadavg()[0]:.1f} before")  # fmt: skip
    print("| what | rate | p50 ms | p95 ms | p99 ms | n |\n|---|---|---|---|---|---|")
    words = list(labelled.words)
    intake(engine, place, words, 2.0, 1)
    for desks in (1, 2):
        spent = intake(engine, place, words, given.seconds, desks)
        print(line(f"intake, {desks} at once", spent, len(spent) / given.seconds), flush=True)
    spent, took = tablets(engine, place, given.officers, 2)
    rate = len(spent) / took
    print(line("tablets' batches of 3 steps, 2 at once", spent, rate))
    print(f"10,000 officers' batches at that rate: {10_000 / rate / 60:.1f} minutes; "
          f"load {os.getloadavg()[0]:.1f} after")  # fmt: skip
    engine.dispose()
    owner.dispose()


if __name__ == "__main__":
    main()
