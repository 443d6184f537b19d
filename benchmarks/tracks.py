"""Ten million fixes into effort, beside plain scans, a geopandas overlay and PostGIS.

    python -m benchmarks.tracks              # prints the tables of benchmarks/tracks.md

CPU seconds of this process (wall for PostGIS's own split). Files are read as `gridbeat tracks
import` reads them, beside a reader that only splits and types the same four columns. Peers get
fewer fixes, as they would not finish; the ratio is by fix. Their sums are compared with ours.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import psycopg
import shapely

from benchmarks.track_scan import (
    SRID,
    Batch,
    Spent,
    by_device,
    into_effort,
    on_plane,
    read_file,
    read_parquet,
    scan_csv,
    scan_degrees,
    spent,
    write_csv,
    write_degrees,
    write_gpx,
    write_parquet,
)
from geo.database.connect import connect, locate
from geo.database.schema import prepare
from geo.lattice.lattice import make_lattice
from geo.settings import DatabaseSettings
from patrol.tracks.clean import clean_fixes
from patrol.tracks.effort import EffortSum
from patrol.tracks.effort_ground import EffortGround, lay_areas
from patrol.tracks.thin import thin_track

SECOND = 1_000_000
GPX = 1_000_000  # one device's; as a file of 100 bytes a fix
ROUNDS = 3  # of which the one of the least CPU counts
SIDE_M, EAST_M, NORTH_M = 20_000.0, 440_000.0, 4_390_000.0
SPLIT = """
WITH leg AS (
    SELECT ST_MakeLine(lag(p) OVER w, p) AS line, lag(t) OVER w AS t0, t
    FROM fix WINDOW w AS (PARTITION BY segment ORDER BY t)),
piece AS (
    SELECT g.i, g.j, l.t - l.t0 AS s, ST_Length(l.line) AS whole,
           ST_Length(ST_Intersection(l.line, g.geom)) AS part
    FROM leg l, LATERAL ST_SquareGrid(50, l.line) g
    WHERE l.line IS NOT NULL AND ST_Intersects(l.line, g.geom))
SELECT sum(CASE WHEN whole > 0 THEN s * part / whole ELSE 0 END), count(DISTINCT (i, j)) FROM piece
"""


def walk(n: int, devices: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Return device, time, x, y: walks at about 1.2 m/s with a fix each 15 s, turned at the rim."""
    rng = np.random.default_rng(seed)
    each = n // devices
    heading = np.cumsum(rng.normal(0, 0.3, (devices, each)), axis=1)
    step = rng.uniform(8, 28, (devices, each))
    start = rng.uniform(0, SIDE_M, (devices, 2))
    x = start[:, :1] + np.cumsum(step * np.cos(heading), axis=1)
    y = start[:, 1:] + np.cumsum(step * np.sin(heading), axis=1)
    fold = [np.abs((v + SIDE_M) % (2 * SIDE_M) - SIDE_M) for v in (x, y)]
    time_us = 1_700_000_000 * SECOND + np.arange(each) * 15 * SECOND
    device = np.repeat(np.arange(devices), each)
    x, y = fold[0].ravel() + EAST_M, fold[1].ravel() + NORTH_M
    return device, np.tile(time_us, devices), x, y


def cpu(what: Callable[[], object]) -> tuple[float, object]:
    begun = time.process_time()
    made = what()
    return time.process_time() - begun, made


def overlay(x: np.ndarray, y: np.ndarray, t: np.ndarray, segment: np.ndarray) -> float:
    """Split legs over cells by geopandas.overlay; return the seconds that it finds."""
    same = segment[1:] == segment[:-1]
    xy = np.stack([x, y], 1)
    lines = shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))
    legs = gpd.GeoDataFrame({"s": np.diff(t)[same], "m": shapely.length(lines)}, geometry=lines)
    at = np.unique(np.stack([x // 50, y // 50], 1).astype(int), axis=0)
    near = np.unique((at[:, None] + np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])
                      ).reshape(-1, 2), axis=0)  # fmt: skip
    cells = gpd.GeoDataFrame(
        geometry=shapely.box(near[:, 0] * 50, near[:, 1] * 50, near[:, 0] * 50 + 50,
                             near[:, 1] * 50 + 50)
    )  # fmt: skip
    cut = gpd.overlay(legs, cells, how="intersection", keep_geom_type=True)
    return float((cut["s"] * cut.length / cut["m"]).sum())


def in_postgis(
    connection: psycopg.Connection, x: np.ndarray, y: np.ndarray, t: np.ndarray,
    segment: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    connection.execute("CREATE TEMPORARY TABLE fix (segment int, t float8, p geometry(Point))")
    with connection.cursor().copy("COPY fix FROM STDIN") as copy:
        for s, at, a, b in zip(segment, t, x, y, strict=True):
            copy.write_row((int(s), float(at), f"POINT({a} {b})"))
    connection.execute("ANALYZE fix")
    begun = time.perf_counter()
    found = connection.execute(SPLIT).fetchone()
    return time.perf_counter() - begun, float(str(found[0])) if found else 0.0


def scan_table(connection: psycopg.Connection, file: Path) -> float:
    """Return the seconds in which one process of PostgreSQL scans the fixes as a table."""
    connection.execute(
        "CREATE TEMPORARY TABLE scanned (device text, t timestamptz, lon float8, lat float8)"
    )
    with (
        file.open("rb") as source,
        connection.cursor().copy("COPY scanned FROM STDIN (FORMAT csv, HEADER)") as copy,
    ):
        while block := source.read(1 << 20):
            copy.write(block)
    connection.execute("SET max_parallel_workers_per_gather = 0")
    query = "SELECT count(device), max(t), sum(lon), sum(lat) FROM scanned"
    connection.execute(query)  # once before, as its first reader marks the rows as written
    begun = time.perf_counter()
    connection.execute(query)
    return time.perf_counter() - begun


def town() -> EffortGround:
    """Return 400 km2 of cells with some hundred areas whose borders are not those of cells."""
    ground = shapely.box(EAST_M, NORTH_M, EAST_M + SIDE_M, NORTH_M + SIDE_M)
    lattice = make_lattice(ground, cell_size_m=50, srid=SRID)
    rng = np.random.default_rng(2)
    squares = [
        shapely.box(EAST_M + a, NORTH_M + b, EAST_M + a + 490, NORTH_M + b + 510)
        for a, b in rng.uniform(0, SIDE_M - 600, (500, 2))
    ]
    tree = shapely.STRtree(squares)
    own = [q for k, q in enumerate(squares) if not any(m < k for m in tree.query(q, "overlaps"))]
    return lay_areas(lattice, np.array(own, dtype=object), np.arange(1, len(own) + 1))


def scans(
    ground: EffortGround, fixes: Batch, gpx: int, connection: psycopg.Connection
) -> tuple[list[tuple[str, int, Spent]], float]:
    """Read the same fixes from files of each kind, with and without making effort.

    Returns what each took, and the seconds of a scan in the database.
    """
    n, one = len(fixes[0]), tuple(column[:gpx] for column in fixes)
    with tempfile.TemporaryDirectory() as folder:
        csv, gpx_file, degrees, metric = (
            Path(folder) / name for name in ("a.csv", "b.gpx", "c.parquet", "d.parquet")
        )
        write_csv(csv, fixes)
        write_gpx(gpx_file, one)
        write_degrees(degrees, fixes)
        write_parquet(metric, fixes)
        tasks: list[tuple[str, int, Callable[[], object]]] = [
            ("CSV: scan (pyarrow.csv, typed)", n, lambda: scan_csv(csv)),
            ("CSV: read, checked, projected", n, lambda: sum(len(b[1]) for b in on_plane(read_file(csv)))),
            ("CSV: into effort", n, lambda: into_effort(on_plane(read_file(csv)), EffortSum(ground))),
            ("GPX: scan (ElementTree)", gpx, lambda: ElementTree.parse(gpx_file)),
            ("GPX: into effort", gpx,
             lambda: into_effort(on_plane(read_file(gpx_file, "T-0")), EffortSum(ground))),
            ("Parquet, degrees: scan", n, lambda: scan_degrees(degrees)),
            ("Parquet, degrees: into effort", n,
             lambda: into_effort(on_plane(read_file(degrees)), EffortSum(ground))),
            ("Parquet, metric: scan", n, lambda: sum(len(b[0]) for b in read_parquet(metric))),
            ("Parquet, metric: into effort", n,
             lambda: into_effort(by_device(read_parquet(metric)), EffortSum(ground))),
        ]  # fmt: skip
        rounds = [[spent(what) for _, _, what in tasks] for _ in range(ROUNDS)]
        table_s = scan_table(connection, csv)
    best = [min(taken) for taken in zip(*rounds, strict=True)]
    return [(name, size, took) for (name, size, _), took in zip(tasks, best, strict=True)], table_s


def main(n: int, peers: int) -> None:
    device, time_us, x, y = walk(n, devices=max(n // 20_000, 1))
    ground = town()
    small = slice(0, 40_000)
    few = tuple(column[small].copy() for column in (device, time_us, x, y))
    into_effort(by_device([few]), EffortSum(ground))
    for column in few:
        column.flags.writeable = False  # as Arrow hands them over: compiled by themselves
    into_effort(by_device([few]), EffortSum(ground))
    thin_track(time_us[small], x[small], y[small], device[small])  # all compiled once
    steps = []
    took, cleaned = cpu(lambda: clean_fixes(time_us, x, y, device=device))
    steps.append(("clean: order, repeats, spikes, gaps", n, took))
    total = EffortSum(ground)
    took, _ = cpu(lambda: total.add(time_us, x, y, cleaned.segments))
    steps.append(("effort by cell, area and hour", n, took))
    ours = took / n
    took, table = cpu(total.table)
    steps.append(("  its table of rows, in order", len(table), took))
    took, keep = cpu(lambda: thin_track(time_us, x, y, cleaned.segments))
    steps.append((f"thin to 5 m (keeps {keep.mean():.0%})", n, took))
    same = np.diff(cleaned.segments) == 0
    whole = np.diff(time_us)[same].sum() / SECOND
    found = table["seconds"].sum() + total.outside_s
    part = slice(0, peers)
    t = (time_us[part] - time_us[0]) / SECOND
    segment = cleaned.segments[part]
    small_sum = EffortSum(ground)
    small_sum.add(time_us[part], x[part], y[part], segment)
    mine = small_sum.table()["seconds"].sum() + small_sum.outside_s
    took_g, sum_g = cpu(lambda: overlay(x[part], y[part], t, segment))
    database = locate(DatabaseSettings())
    prepare(database, report=lambda _: None)
    with connect(database, role="owner") as connection:
        took_p, sum_p = in_postgis(connection, x[part], y[part], t, segment)
        fixes = device, time_us, x, y
        rows, table_s = scans(ground, fixes, min(n, GPX), connection)
        connection.rollback()
    print(f"{n:,} fixes, {len(table):,} rows of effort, load {os.getloadavg()[0]:.0f}\n")
    print(
        "| read, and made | fixes | CPU s | of it in the kernel | CPU s for 10 million | wall s |"
    )
    print("|---|---|---|---|---|---|")
    for name, size, took in rows:
        print(f"| {name} | {size:,} | {took.cpu:.2f} | {took.kernel:.2f} "
              f"| {took.cpu / size * 1e7:.1f} | {took.wall:.2f} |")  # fmt: skip
    print(f"\nPostgreSQL scans them in one process in {table_s:.2f} s (clock)\n")
    print("| step in memory | fixes | CPU s | million a s |\n|---|---|---|---|")
    for name, size, seconds in steps:
        print(f"| {name} | {size:,} | {seconds:.2f} | {size / max(seconds, 1e-9) / 1e6:.1f} |")
    print(f"\nseconds counted / spent: {found / whole:.12f}")
    print("\n| peer | fixes | s | ours is faster by | its sum / ours |\n|---|---|---|---|---|")
    for name, seconds, its in (("geopandas.overlay", took_g, sum_g),
                               ("PostGIS ST_SquareGrid + ST_Intersection", took_p, sum_p)):  # fmt: skip
        print(f"| {name} | {peers:,} | {seconds:.2f} | {seconds / peers / ours:,.0f} x | "
              f"{its / mine:.6f} |")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixes", type=int, default=10_000_000)
    parser.add_argument("--peers", type=int, default=20_000)
    given = parser.parse_args()
    main(given.fixes, given.peers)
