"""The whole import beside a bare COPY of the same columns into the same table, in the same run.

    python -P benchmarks/imports.py [--rows 1000000] [--repeat 3] [--chicago ../shared/data/chicago]

Each measurement has a new database with the migrated schema, the jurisdiction, its grids and the
month partitions. The bare COPY gets, prepared beforehand as a CSV file, the very rows that the
import makes: all columns of `incident`, geometry as hexadecimal EWKB, grid and digest computed.
The database is a private cluster in a temporary directory that goes away with the run.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import sql

from benchmarks.imports_cases import Case, chicago, generated
from geo.cluster.layout import Cluster
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, connect, private_database
from geo.database.schema import migrate
from geo.imports.mapping import Mapping, make_mapping
from geo.imports.run import import_file

COLUMNS = (
    "occurred_at, incident_id, occurred_until, time_precision, reported_at, feed_id, source_ref, "
    "category_id, found_by, geom, x_m, y_m, accuracy_m, area_id, content_hash, import_run_id, "
    "attributes"
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 1024


@contextmanager
def cluster() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="gridbeat-benchmark-") as place:
        Path(place).chmod(0o755)
        home = Cluster(Path(place) / "home")
        try:
            ensure_running(home)
            yield private_database(home, name="postgres")
        finally:
            stop(home)


@contextmanager
def copied(server: Database, template: Database, name: str) -> Iterator[Database]:
    words = {"name": sql.Identifier(name), "template": sql.Identifier(template.name)}
    with connect(server, role="owner", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**words))
        connection.execute("CHECKPOINT")
        try:
            yield server.renamed(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**words))


def take(database: Database, file: Path, mapping: dict[str, Any]) -> Any:
    plan: Mapping = make_mapping(mapping)
    return import_file(lambda: connect(database), file, plan, now=NOW)  # type: ignore[arg-type, return-value]


CHILD = """
import json, resource, runpy, time
from pathlib import Path
take = runpy.run_path({here!r})["take"]
from geo.cluster.layout import Cluster
from geo.database.connect import private_database
database = private_database(Cluster(Path({home!r})), name={name!r})
def peak():
    # ru_maxrss would also count what the parent had before it became this program
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before = peak()
used = resource.getrusage(resource.RUSAGE_SELF)
started_cpu = used.ru_utime + used.ru_stime
start = time.perf_counter()
reports = [take(database, Path(f), {mapping!r}) for f in {files!r}]
seconds = time.perf_counter() - start
after = peak()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, after, before, used.ru_utime + used.ru_stime - started_cpu,
                  [[r.read, r.new, r.changed, r.same, r.no_grid, sum(r.quarantined.values())]
                   for r in reports]]))
"""


def whole(database: Database, case: Case) -> dict[str, Any]:
    """Import all files in a process of its own; return seconds, peak memory and counts."""
    assert database.cluster is not None
    code = CHILD.format(
        here=str(Path(__file__)),
        home=str(database.cluster.home),
        name=database.name,
        mapping=case.mapping,
        files=[str(file) for file in case.files],
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, peak, before, cpu, counts = json.loads(done.stdout.splitlines()[-1])
    total = [sum(values) for values in zip(*counts, strict=True)]
    return {"s": seconds, "peak": peak, "before": before, "cpu": cpu, "counts": total}


def bare(database: Database, file: Path, *, guarded: bool) -> dict[str, Any]:
    """COPY the prepared rows in one transaction; return seconds, commit included."""
    with connect(database, role="owner", autocommit=True) as connection:
        if not guarded:
            connection.execute("ALTER TABLE incident DISABLE TRIGGER USER")
        start, cpu = time.perf_counter(), time.process_time()
        with connection.transaction(), connection.cursor() as cursor:
            statement = f"COPY incident ({COLUMNS}) FROM STDIN (FORMAT csv)"
            with cursor.copy(statement) as copy, file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    copy.write(block)
        return {"s": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def processor_s(server: Database) -> float:
    """Return the processor time of all of the server's sessions that have ended."""
    assert server.cluster is not None
    time.sleep(0.5)  # the last sessions are just being reaped
    main = (server.cluster.data / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{main}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def prepare(database: Database, case: Case) -> None:
    """Make jurisdiction, grids, partitions, and the rows that incidents refer to."""
    take(database, *case.boundary)
    take(database, *case.grids)


def hand_out(database: Database, file: Path) -> list[Any]:
    """Write the imported rows as a bare COPY needs them; return the months they lie in."""
    with connect(database, role="owner") as connection:
        statement = (
            f"COPY (SELECT {COLUMNS} FROM incident ORDER BY incident_id) TO STDOUT (FORMAT csv)"
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy, file.open("wb") as out:
            for block in copy:
                out.write(block)
        return [
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date "
                "FROM incident"
            ).fetchall()
        ]


def ready(database: Database, source: Database, months: list[Any]) -> None:
    """Give a database the partitions and referred rows of another, without its incidents."""
    tables = ("feed", "import_run", "category_scheme", "category")
    with (
        connect(database, role="owner", autocommit=True) as target,
        connect(source, role="owner") as origin,
    ):
        target.execute("SELECT ensure_incident_partitions(%s::date[])", (months,))
        with target.transaction():
            for table in tables:
                target.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for table in tables:
                key = {"category_scheme": "scheme_id"}.get(table, f"{table}_id")
                with (
                    origin.cursor().copy(f"COPY {table} TO STDOUT") as out,
                    target.cursor() as cursor,
                ):
                    target.execute(f"CREATE TEMP TABLE given (LIKE {table}) ON COMMIT DROP")
                    with cursor.copy("COPY given FROM STDIN") as into:
                        for block in out:
                            into.write(block)
                    target.execute(
                        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM given "
                        f"WHERE {key} NOT IN (SELECT {key} FROM {table})"
                    )
                    target.execute("DROP TABLE given")
            for table in tables:
                target.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def counted(server: Database, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run one way; add the processor time of the server's sessions to its own."""
    before = processor_s(server)
    result = run()
    result["all_cpu"] = result["cpu"] + processor_s(server) - before
    return result


def measure(server: Database, case: Case, repeat: int, folder: Path) -> None:
    rows_csv = folder / "rows.csv"
    runs: dict[str, list[dict[str, Any]]] = {key: [] for key in LABELS}
    with copied(server, server.renamed("migrated"), "bench_template") as template:
        prepare(template, case)
        for round_ in range(repeat):
            with copied(server, template, f"bench_whole_{round_}") as database:
                for key in ("whole", "again"):
                    runs[key].append(counted(server, functools.partial(whole, database, case)))
                months = hand_out(database, rows_csv)
                for key in ("bare", "guarded"):
                    with copied(server, template, "bench_bare") as other:
                        ready(other, database, months)
                        way = functools.partial(bare, other, rows_csv, guarded=key == "guarded")
                        runs[key].append(counted(server, way))
    print_table(case, runs)


LABELS = {
    "bare": "bare COPY, guard triggers off",
    "guarded": "bare COPY, guard triggers on",
    "whole": "**whole import, first time**",
    "again": "whole import, same files again",
}


def print_table(case: Case, runs: dict[str, list[dict[str, Any]]]) -> None:
    first, again = runs["whole"][-1], runs["again"][-1]
    read, new, _, _, no_grid, bad = first["counts"]
    print(f"\n### {case.name}: {read:,} rows\n")
    print(
        f"new {new:,}, in no grid {no_grid:,}, quarantined {bad:,}; {len(runs['whole'])} "
        "interleaved rounds; ratios are medians over the rounds"
    )
    print(
        "\n| way | best s | rows/s | beside bare | beside guarded | processor s, client and server "
        "| beside bare | beside guarded |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for key, label in LABELS.items():
        best = min(run["s"] for run in runs[key])
        cpu = min(run["all_cpu"] for run in runs[key])
        cells = [f"{best:.1f}", f"{case.n_rows / best:,.0f}", *_ratios(runs, key, "s")]
        cells += [f"{cpu:.1f}", *_ratios(runs, key, "all_cpu")]
        print(f"| {label} | {' | '.join(cells)} |")
    print(
        f"\nPeak memory of the importing process: {first['peak'] / MIB:,.0f} MiB "
        f"({first['before'] / MIB:,.0f} MiB before the first row), again {again['peak'] / MIB:,.0f} "
        f"MiB. Its own processor time {first['cpu']:.1f} s, again {again['cpu']:.1f} s.",
        flush=True,
    )


def _ratios(runs: dict[str, list[dict[str, Any]]], key: str, what: str) -> list[str]:
    return [
        f"{statistics.median(a[what] / b[what] for a, b in zip(runs[key], runs[base], strict=True)):.2f} x"
        for base in ("bare", "guarded")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    beside = Path(__file__).resolve().parents[2] / "shared/data/chicago"
    parser.add_argument("--chicago", type=Path, default=beside)
    options = parser.parse_args()
    print(
        "The table of every measurement: partitions by month, primary key (occurred_at, "
        "incident_id),\nGiST on geom, BRIN on occurred_at, the check constraints of `incident`. "
        "Guard triggers off: no\nuniqueness of (feed, source_ref), no check of references. Guard "
        "triggers on: both, through\n`incident_key` with its two unique indexes, as every import "
        "has them. fsync on."
    )
    with tempfile.TemporaryDirectory(prefix="gridbeat-import-") as place, cluster() as server:
        folder = Path(place)
        with connect(server, role="owner", autocommit=True) as connection:
            connection.execute("CREATE DATABASE migrated")
        migrate(server.renamed("migrated"))
        if options.chicago.is_dir():
            measure(server, chicago(options.chicago), options.repeat, folder)
        if options.rows:
            case = generated(folder, options.rows, options.seed)
            measure(server, case, options.repeat, folder)


if __name__ == "__main__":
    main()
