"""Points -> polygons and cells, beside geopandas.sjoin, Shapely's STRtree and PostGIS ST_Covers.

    python benchmarks/lattice.py [--points 1000000] [--polygons 500] [--repeat 5]

Every answer is compared with ours point by point; a difference further than a micrometre from an
edge ends the run with an error. The database is GRIDBEAT_DATABASE_URL, or a private cluster in a
temporary directory that goes away with the run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import psycopg
import shapely

from geo.cluster.configuration import OWNER_ROLE
from geo.cluster.layout import Cluster
from geo.cluster.server import DATABASE, connection_options, ensure_running, stop
from geo.lattice.lattice import Lattice, cell_of, cell_polygons, make_lattice
from geo.locate.polygons import index_polygons, locate

SRID = 32650
SIDE_M = 45_000.0
CORNER = np.array([500_000.0, 4_400_000.0])
CELL_M = 250.0
EDGE_M = 1e-6


class Case(NamedTuple):
    """Points and the polygons they go to."""

    polygons: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @property
    def points(self) -> np.ndarray:
        return shapely.points(self.x, self.y)


def make_mosaic(n: int, rng: np.random.Generator) -> np.ndarray:
    """Voronoi cells of evened-out seeds whose sides wander like streets and rivers do."""
    box = shapely.box(*CORNER, *(CORNER + SIDE_M))
    seeds = rng.uniform(CORNER, CORNER + SIDE_M, (n, 2))
    for _ in range(3):
        cells = shapely.intersection(_voronoi(seeds), box)
        seeds = shapely.get_coordinates(shapely.centroid(cells))
    cells = shapely.intersection(shapely.set_precision(_voronoi(seeds), 0.001), box)
    outline = shapely.get_parts(shapely.union_all(shapely.boundary(cells)))
    sides = np.vstack(
        [np.stack((xy[:-1], xy[1:]), axis=1) for xy in map(shapely.get_coordinates, outline)]
    )
    wandering = [shapely.linestrings(_wander(side, rng)) for side in sides]
    polygons = shapely.get_parts(shapely.polygonize(wandering))
    assert len(polygons) == n
    assert shapely.is_valid(polygons).all()
    return polygons


def _voronoi(seeds: np.ndarray) -> np.ndarray:
    return shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds)))


def _wander(side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut a side into 16 pieces, each middle moved across by up to 12 % (midpoint displacement)."""
    xy = side
    while len(xy) < 17:
        along = np.diff(xy, axis=0)
        across = np.c_[-along[:, 1], along[:, 0]] * rng.uniform(-0.12, 0.12, (len(along), 1))
        middles = (xy[1:] + xy[:-1]) / 2 + across
        xy = np.insert(xy, np.arange(1, len(xy)), middles, axis=0)
    return xy


def make_points(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Half spread evenly, half around 200 hot places, as incidents are."""
    even = rng.uniform(CORNER, CORNER + SIDE_M, (n - n // 2, 2))
    hot = rng.uniform(CORNER, CORNER + SIDE_M, (200, 2))
    near = hot[rng.integers(0, 200, n // 2)] + rng.normal(0, 400, (n // 2, 2))
    x, y = rng.permutation(np.vstack((even, near))).T
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


class Spent(NamedTuple):
    """Best wall-clock and processor seconds of some runs."""

    wall: float
    processor: float


def timed(run: Callable[[], object], repeat: int) -> Spent:
    """Take the best of at least some runs and two seconds: a busy machine slows the others."""
    wall: list[float] = []
    processor: list[float] = []
    while len(wall) < repeat or sum(wall) < 2:
        start, start_processor = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    return Spent(min(wall), min(processor))


def first_of(points: np.ndarray, polygons: np.ndarray, n: int) -> np.ndarray:
    """Turn pairs into one answer per point: the lowest polygon, -1 for none."""
    answer = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(answer, points, polygons)
    return np.where(answer == np.iinfo(np.int64).max, -1, answer)


def by_sjoin(points: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> np.ndarray:
    pairs = gpd.sjoin(points, areas, predicate="within")
    return first_of(pairs.index.to_numpy(), pairs["index_right"].to_numpy(), len(points))


def by_polygon_tree(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    pairs = shapely.STRtree(polygons).query(points, predicate="within")
    return first_of(pairs[0], pairs[1], points.size)


def by_point_tree(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    pairs = shapely.STRtree(points).query(polygons, predicate="contains")
    return first_of(pairs[1], pairs[0], points.size)


COUNT = "SELECT count(*) FROM areas JOIN points ON ST_Covers(areas.geom, points.geom)"
PAIRS = "SELECT points.id, areas.id FROM areas JOIN points ON ST_Covers(areas.geom, points.geom)"


def load(connection: psycopg.Connection, case: Case) -> float:
    """Copy points and polygons into tables, indexed and analysed; return seconds.

    Not temporary ones, which PostgreSQL's parallel workers cannot read. The caller rolls back.
    """
    start = time.perf_counter()
    connection.execute("CREATE SCHEMA lattice_benchmark")
    connection.execute("SET LOCAL search_path TO lattice_benchmark, public")
    connection.execute(f"CREATE UNLOGGED TABLE points (id bigint, geom geometry(Point, {SRID}))")
    connection.execute(f"CREATE UNLOGGED TABLE areas (id bigint, geom geometry(Polygon, {SRID}))")
    for table, shapes in (("points", case.points), ("areas", case.polygons)):
        wkb = shapely.to_wkb(shapely.set_srid(shapes, SRID), hex=True, include_srid=True)
        with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in enumerate(wkb):
                copy.write_row(row)
        connection.execute(f"CREATE INDEX ON {table} USING gist (geom)")
        connection.execute(f"ANALYZE {table}")
    return time.perf_counter() - start


@contextmanager
def database() -> Iterator[psycopg.Connection]:
    """Connect to the named database, or to a cluster that lives as long as the run."""
    if url := os.environ.get("GRIDBEAT_DATABASE_URL"):
        with psycopg.connect(url) as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="gridbeat-benchmark-") as place:
        Path(place).chmod(0o755)
        cluster = Cluster(Path(place) / "home", durable=False)
        try:
            ensure_running(cluster)
            options = connection_options(cluster, role=OWNER_ROLE, database=DATABASE)
            with psycopg.connect(**options) as connection:  # type: ignore[arg-type]
                yield connection
        finally:
            stop(cluster)


def check(name: str, ours: np.ndarray, theirs: np.ndarray, case: Case) -> int:
    """Return how many answers differ on edges; end the run if one differs elsewhere."""
    differs = np.flatnonzero(ours != theirs)
    edges = shapely.STRtree(shapely.boundary(case.polygons))
    at = case.points[differs]
    near = edges.query(at, predicate="dwithin", distance=EDGE_M)[0] if differs.size else []
    off = np.setdiff1d(np.arange(differs.size), near)
    if off.size:
        raise SystemExit(f"{name}: {off.size} answers differ off the edges, first {at[off[0]]}")
    return int(differs.size)


def compare_polygons(case: Case, repeat: int) -> None:
    n = case.x.size
    index = index_polygons(case.polygons, srid=SRID)
    ours = locate(index, case.x, case.y)
    build = timed(lambda: index_polygons(case.polygons, srid=SRID), repeat)
    find = timed(lambda: locate(index, case.x, case.y), repeat)
    both = timed(lambda: locate(index_polygons(case.polygons, srid=SRID), case.x, case.y), repeat)
    few = timed(
        lambda: locate(index_polygons(case.polygons, srid=SRID), case.x[:500], case.y[:500]), repeat
    )
    peers = dict(peer_times(case, ours, repeat))
    sizes = shapely.get_num_coordinates(case.polygons)
    print(
        f"\n### {n:,} points -> {case.polygons.size} polygons "
        f"({sizes.min()}-{sizes.max()} vertices, median {int(np.median(sizes))})\n"
    )
    print("| way | s | processor s | million points/s | time beside ours | differ on edges |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, spent, count in (
        ("**index_polygons + locate**", both, n),
        ("- index_polygons alone", build, 0),
        ("- locate alone", find, n),
        ("- both, for 500 points", few, 0),
    ):
        print(f"| {name} | {spent.wall:.3f} | {spent.processor:.3f} | {rate(count, spent)} | | |")
    for name, (spent, on_edges) in peers.items():
        # The database's server is another process, whose time is not seen here.
        processor = "" if name.startswith("PostGIS") else f"{spent.processor:.3f}"
        ratio = f"{spent.wall / both.wall:.0f} x"
        print(
            f"| {name} | {spent.wall:.3f} | {processor} | {rate(n, spent)} | {ratio} | {on_edges} |"
        )
    judged = {k: s for k, (s, _) in peers.items() if k.startswith(("geopandas", "PostGIS"))}
    best = min(judged, key=lambda k: judged[k].wall)
    print(
        f"\nBetter of sjoin and ST_Covers: {best}, {judged[best].wall / both.wall:.0f} x our time."
    )


def rate(count: int, spent: Spent) -> str:
    return f"{count / spent.wall / 1e6:.2f}" if count else ""


def peer_times(
    case: Case, ours: np.ndarray, repeat: int
) -> Iterator[tuple[str, tuple[Spent, int]]]:
    """Time each peer without the making of its inputs, which is a gift to it."""
    points, shapes = case.points, case.polygons
    frame = gpd.GeoDataFrame(geometry=points, crs=SRID)
    areas = gpd.GeoDataFrame(geometry=shapes, crs=SRID)
    for name, run in (
        ("geopandas.sjoin", lambda: by_sjoin(frame, areas)),
        ("Shapely STRtree of polygons", lambda: by_polygon_tree(points, shapes)),
        ("Shapely STRtree of points", lambda: by_point_tree(points, shapes)),
    ):
        yield name, (timed(run, repeat), check(name, ours, run(), case))
    with database() as connection:
        loading = load(connection, case)
        seconds = timed(lambda: connection.execute(COUNT).fetchone(), repeat)
        rows = np.array(connection.execute(PAIRS).fetchall(), dtype=np.int64).reshape(-1, 2)
        theirs = first_of(rows[:, 0], rows[:, 1], points.size)
        (version,) = connection.execute("SELECT postgis_lib_version()").fetchone() or ("?",)
        connection.rollback()
    name = f"PostGIS {version} ST_Covers (loading, {loading:.1f} s, not counted)"
    yield name, (seconds, check(name, ours, theirs, case))


def compare_cells(case: Case, repeat: int) -> None:
    city = shapely.union_all(case.polygons)
    n = case.x.size
    print(f"\n### {n:,} points -> {CELL_M:g} m cells of the same area\n")
    print("| lattice | cells | make_lattice s | cell_of s | million points/s | sjoin s | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for kind in ("square", "hexagon"):

        def make(size: float = CELL_M, kind: str = kind) -> Lattice:
            return make_lattice(city, cell_size_m=size, srid=SRID, kind=kind)  # type: ignore[arg-type]

        lattice = make()
        ours = cell_of(lattice, case.x, case.y)
        making = timed(make, repeat).wall
        finding = timed(lambda lattice=lattice: cell_of(lattice, case.x, case.y), repeat).wall
        cells = cell_polygons(lattice)
        frame = gpd.GeoDataFrame(geometry=case.points, crs=SRID)
        areas = gpd.GeoDataFrame(geometry=cells, crs=SRID)
        joining = timed(lambda frame=frame, areas=areas: by_sjoin(frame, areas), 1).wall
        check(kind, ours, by_sjoin(frame, areas), Case(cells, case.x, case.y))
        print(
            f"| {kind} | {lattice.n_cells:,} | {making:.3f} | {finding:.3f} | "
            f"{n / finding / 1e6:.0f} | {joining:.2f} | {joining / finding:.0f} x |"
        )
    seconds = timed(lambda: make(SIDE_M / 1000, "square"), 1).wall
    print(f"\nA lattice of a million {SIDE_M / 1000:g} m squares: {seconds:.2f} s.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--polygons", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    polygons = make_mosaic(options.polygons, rng)
    case = Case(polygons, *make_points(options.points, rng))
    compare_polygons(case, options.repeat)
    compare_cells(case, options.repeat)


if __name__ == "__main__":
    main()
