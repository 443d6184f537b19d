"""Cubes counted by PostGIS beside `SELECT count(*)` over the same incidents, in the same run.

    python -P benchmarks/cube.py [--rows 2000000] [--repeat 5] [--explain] [--keep DIRECTORY]
        [--cold]

A private cluster in a temporary directory gets a jurisdiction of 30 x 30 km, 900 grids, streets every
200 m (45,000 segments), 30 classes and generated incidents of three years in the partitioned table. Every round runs the bare count
and each cube once, one after the other; reported are best times and the ratio of the medians. The
count has the filter of the cube: the feeds of the jurisdiction and the window. With `--cold` the
server is then started anew before each question, without a page of the table in its memory or in
the system's, as it is where a table is larger than both. In the end a year of days on 1000 x 1000
cells of 30 m is kept in a mapped file by a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

from sqlalchemy import Connection, text

from analytics.cube import Cube
from analytics.cube_cache import read_cached_cube
from analytics.cube_queries import Counting, count_by_cell
from analytics.cube_store import (
    prepare,
    read_area_cube,
    read_cell_cube,
    read_jurisdiction,
    read_lattice,
)
from analytics.queries import CubeRequest
from analytics.street_store import read_street_cube, read_streets
from geo.cluster.layout import Cluster
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, connect, make_engine, private_database
from geo.database.schema import migrate
from geo.hexagons import refresh_in_steps

START, END = date(2022, 1, 3), date(2025, 1, 6)
BARE, SQUARES, GRIDS = "SELECT count(*)", "squares of 250 m by week", "900 grids by week"
SETUP = Path(__file__).with_suffix(".sql")


@contextmanager
def database(keep: Path | None = None) -> Iterator[Database]:
    fresh = tempfile.TemporaryDirectory(prefix="gridbeat-cube-")
    with nullcontext(keep) if keep else fresh as place:
        Path(place).mkdir(exist_ok=True)
        Path(place).chmod(0o711)
        cluster = Cluster(Path(place) / "home", durable=False)
        ensure_running(cluster)
        try:
            made = private_database(cluster, name="bench")
            with connect(made.renamed("postgres"), role="owner", autocommit=True) as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = 'bench'"
                if connection.execute(query).fetchone() is None:
                    connection.execute("CREATE DATABASE bench")
            migrate(made)
            yield made
        finally:
            stop(cluster)


def load(made: Database, rows: int) -> None:
    with connect(made, role="owner", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM incident LIMIT 1").fetchone():
            return
        for statement in SETUP.read_text("utf-8").replace(":rows", str(rows)).split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    pack(made)


def pack(made: Database) -> None:
    """Count hexagons and pack days as a running Gridbeat does after an import."""
    engine = make_engine(made)
    start = time.perf_counter()
    with engine.begin() as connection:
        note(connection)
    refresh_in_steps(engine.begin)
    engine.dispose()
    print(f"counted by hexagon and packed by day in {time.perf_counter() - start:.0f} s")


def note(connection: Connection, *, every: int = 1) -> None:
    """Note every so many days as if their incidents had just changed."""
    connection.execute(
        text(
            "INSERT INTO hexagon_dirty SELECT jurisdiction_id, day::date FROM jurisdiction, "
            "generate_series(timestamp '2022-01-03', '2025-01-05', :every * interval '1 day') AS day"
        ),
        {"every": every},
    )


def repack(connection: Connection) -> None:
    """Print what packing takes, of the time and of the disk."""
    connection.execute(text(
        "CREATE TEMPORARY TABLE hexagon_days AS SELECT jurisdiction_id, day, since, until "
        "FROM incident_day ORDER BY day LIMIT 100"))  # fmt: skip
    connection.execute(text("ANALYZE hexagon_days"))
    before = server_seconds(connection, workers=False)
    connection.execute(text("SELECT refresh_incident_days()"))
    spent = server_seconds(connection, workers=False) - before
    n, packed, rows = map(int, connection.execute(text(
        "SELECT sum(n), pg_total_relation_size('incident_day'), (SELECT sum(pg_total_relation_size("
        "relid)) FROM pg_partition_tree('incident')) FROM incident_day JOIN hexagon_days "
        "USING (day)")).one())  # fmt: skip
    connection.rollback()
    each = 1e6 * spent / n
    print(f"\nPacking takes {each:.2f} processor s a million incidents and {packed / rows:.0%} of "
          f"their room ({packed >> 20:,} of {rows >> 20:,} MiB).")  # fmt: skip


def bare_count(connection: Connection, counting: Counting) -> int:
    return int(scanned(connection, counting, "count(*)"))


def bare_sum(connection: Connection, counting: Counting) -> float:
    """Read the coordinates of all incidents, which lie behind longer columns of a row."""
    return scanned(connection, counting, "sum(x_m + y_m)")


def scanned(connection: Connection, counting: Counting, wanted: str) -> float:
    statement = text(
        f"SELECT {wanted} FROM incident WHERE occurred_at >= :low AND occurred_at < :high "
        "AND feed_id = ANY(:feeds)"
    )
    edges = counting.edges()
    values = {"low": edges[0], "high": edges[-1], "feeds": list(counting.feed_ids)}
    return float(connection.execute(statement, values).scalar_one())


def explain(connection: Connection) -> None:
    """Print how the server counts squares by week."""
    number = connection.execute(text("SELECT jurisdiction_id FROM jurisdiction")).scalar_one()
    asked = CubeRequest(number, START, END, step="week")
    counting, _ = prepare(connection, asked, read_jurisdiction(connection, number))
    query = count_by_cell(counting, read_lattice(connection, number, cell_size_m=250.0))
    connection.execute(text("SET work_mem = '256MB'"))
    compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
    driver = connection.connection.driver_connection
    assert driver is not None
    for (line,) in driver.execute(f"EXPLAIN (ANALYZE, VERBOSE) {compiled}", compiled.params):
        print(line[:220])


def large(made: Database, directory: str, line: Queue[str]) -> None:
    """Keep a year of days on 1000 x 1000 cells in a file, in a process of its own."""
    engine = make_engine(made)
    request = replace(CubeRequest(1, date(2023, 1, 1), date(2024, 1, 1)), step="day")
    with engine.connect() as connection:
        lattice = read_lattice(connection, 1, cell_size_m=30.0)
        before = peak_mib()

        def run() -> tuple[float, Cube]:
            start = time.perf_counter()
            cube = read_cached_cube(connection, request, lattice, directory=Path(directory))
            return time.perf_counter() - start, cube

        first, cube = run()
        again, cube = run()
        connection.execute(text("UPDATE import_run SET rows_changed = 1 WHERE file_name = 'late'"))
        late, cube = run()
        start = time.perf_counter()
        total = cube.totals().sum()
        summed = time.perf_counter() - start
        size = sum(f.stat().st_blocks * 512 for f in Path(directory).glob("*/counts*")) / 1e6
    line.put(
        f"{lattice.n_cells:,} cells x {len(cube.steps)} days, {total:,} incidents: counted into a "
        f"file in {first:.2f} s, opened again in {again:.2f} s, brought up to date after a late "
        f"day in {late:.2f} s, all summed in {summed:.2f} s; {cube.counts.nbytes / 1e6:,.0f} MB of "
        f"{cube.counts.dtype}, {size:,.0f} MB on disk; peak memory {peak_mib():,.0f} MiB "
        f"({before:,.0f} MiB before)."
    )
    engine.dispose()


def server_seconds(connection: Connection, *, workers: bool = True) -> float:
    """Return the processor time of this connection's server process and of workers that ended."""
    driver = connection.connection.driver_connection
    assert driver is not None

    def read(number: int) -> list[str]:
        return Path(f"/proc/{number}/stat").read_text("utf-8").rsplit(")", 1)[1].split()

    own = read(driver.info.backend_pid)
    ended = read(int(own[1]))[13:15] if workers else []
    ticks = sum(int(value) for value in (*own[11:13], *ended))
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--cold", action="store_true", help="also read from the disk")
    parser.add_argument("--keep", type=Path, help="keep the incidents in this directory")
    options = parser.parse_args()
    with database(options.keep) as made:
        load(made, options.rows)
        measure(made, options.repeat, plan=options.explain)
        if options.cold:
            measure_cold(made, options.repeat)
        with tempfile.TemporaryDirectory(prefix="gridbeat-cube-file-") as directory:
            spawn = get_context("spawn")
            line: Queue[str] = spawn.Queue()
            process = spawn.Process(target=large, args=(made, directory, line))
            process.start()
            print("\n" + line.get())
            process.join()


def questions(connection: Connection) -> dict[str, Callable[[Connection], object]]:
    """Return the bare scans and the cubes, by what they are called in the tables."""
    number = connection.execute(text("SELECT jurisdiction_id FROM jurisdiction")).scalar_one()
    squares = read_lattice(connection, number, cell_size_m=250.0)
    hexagons = read_lattice(connection, number, cell_size_m=250.0, kind="hexagon")
    streets = read_streets(connection, number, reach_m=100.0)

    def asked(step: str, **changes: bool) -> CubeRequest:
        return CubeRequest(number, START, END, step=step, **changes)  # type: ignore[arg-type]

    week = asked("week")
    counting, _ = prepare(connection, week, read_jurisdiction(connection, number))

    def changed(to: Connection, every: int) -> object:
        note(to, every=every)
        cube = read_cell_cube(to, week, squares)
        to.rollback()
        return cube

    return {
        BARE: lambda to: bare_count(to, counting),
        "SELECT sum(x_m + y_m)": lambda to: bare_sum(to, counting),
        SQUARES: lambda to: read_cell_cube(to, week, squares),
        f"{SQUARES}, one day in ten not packed": lambda to: changed(to, 10),
        f"{SQUARES}, no day packed": lambda to: changed(to, 1),
        "squares of 250 m by day": lambda to: read_cell_cube(to, asked("day"), squares),
        "hexagons of 250 m by week": lambda to: read_cell_cube(to, week, hexagons),
        "street segments by week": lambda to: read_street_cube(to, week, streets),
        GRIDS: lambda to: read_area_cube(to, week),
        "900 grids by week and class": lambda to: read_area_cube(to, asked("week", by_class=True)),
        "900 grids by hour of week, spread": lambda to: read_area_cube(to, asked("hour_of_week")),
    }


def measure(made: Database, repeat: int, *, plan: bool) -> None:
    """Print the table of counts from memory: every round asks each question once."""
    engine = make_engine(made)
    with engine.connect() as connection:
        if plan:
            explain(connection)
        work = questions(connection)
        times: dict[str, list[float]] = {name: [] for name in work}
        own: dict[str, list[float]] = {name: [] for name in work}
        server: dict[str, list[float]] = {name: [] for name in work}
        for round_ in range(repeat + 1):
            for name, run in work.items():
                served = server_seconds(connection)
                start, processor = time.perf_counter(), time.process_time()
                run(connection)
                if round_:
                    times[name].append(time.perf_counter() - start)
                    own[name].append(time.process_time() - processor)
                    server[name].append(server_seconds(connection) - served)
        rows = int(work[BARE](connection))  # type: ignore[call-overload]
        repack(connection)
    engine.dispose()
    base = times[BARE]
    print(f"\n{rows:,} incidents in the window, {repeat} interleaved rounds\n")
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"Load {load} at the end; own processor time is that of the client.\n")
    print(
        "| what | best s | median s | server's processor s | own processor s | rows/s (best) | "
        "beside count(*) | in processor s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")

    def both(name: str) -> float:
        return statistics.median(server[name]) + statistics.median(own[name])

    for name, spent in times.items():
        ratio = statistics.median(a / b for a, b in zip(spent, base, strict=True))
        print(
            f"| {name} | {min(spent):.3f} | {statistics.median(spent):.3f} | "
            f"{statistics.median(server[name]):.2f} | {statistics.median(own[name]):.2f} | "
            f"{rows / min(spent):,.0f} | {ratio:.2f} x | {both(name) / both(BARE):.2f} x |"
        )
    print(f"\nPeak memory of the counting process: {peak_mib():,.0f} MiB.")


def measure_cold(made: Database, repeat: int) -> None:
    """Print the table of counts from the disk: no question finds a page that another has read."""
    engine = make_engine(made)
    with engine.connect() as connection:
        work = questions(connection)
    engine.dispose()
    times: dict[str, list[float]] = {BARE: [], SQUARES: [], GRIDS: []}
    for _ in range(repeat):
        for name, spent in times.items():
            forget_pages(made)
            engine = make_engine(made)
            with engine.connect() as connection:
                start = time.perf_counter()
                work[name](connection)
                spent.append(time.perf_counter() - start)
            engine.dispose()
    print(f"\nFrom the disk, {repeat} rounds\n\n| what | best s | median s | beside count(*) |")
    print("|---|--:|--:|--:|")
    for name, spent in times.items():
        ratio = statistics.median(spent) / statistics.median(times[BARE])
        print(f"| {name} | {min(spent):.2f} | {statistics.median(spent):.2f} | {ratio:.2f} x |")


def forget_pages(made: Database) -> None:
    """Start the server anew, after asking the system to forget what it has read of its files."""
    assert made.cluster is not None
    stop(made.cluster)
    os.sync()
    for path in made.cluster.data.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)
    ensure_running(made.cluster)


if __name__ == "__main__":
    main()
