"""Households -> grids of 300 to 500, beside spopt's MaxP and SKATER and a plain bisection.

    python benchmarks/districting.py [--cells 20 50] [--limit 120] [--seed 1]

All ways get the same square cells with the same households (5 to 80 each) and the same rook
neighbours; a way that needs longer than the limit is stopped and shown as such. Needs `spopt`
for the first two peers, which are left out without it. Then two districts are divided from
homes to polygons (buildings, and single households as points), and 5,184 grids are checked.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo.grids.borders import find_borders
from geo.grids.district import divide_district
from geo.grids.partition import make_graph, partition
from geo.grids.policy import HouseholdPolicy
from geo.grids.site import DivisionParams, Ground
from geo.grids.validate import validate_grids

SRID = 4549
CELL_M = 60.0
POLICY = HouseholdPolicy()
PARAMS = DivisionParams()


class Case(NamedTuple):
    """Square cells, row by row, and their households."""

    side: int
    cells: np.ndarray
    households: np.ndarray


class Outcome(NamedTuple):
    """The region of each cell (-1 for none) and the processor seconds it took."""

    label: np.ndarray
    seconds: float


def make_case(side: int, seed: int) -> Case:
    """Return `side` by `side` cells of 60 m with 5 to 80 households."""
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    x, y = column.ravel() * CELL_M, row.ravel() * CELL_M
    households = np.random.default_rng(seed).integers(5, 81, side * side).astype(float)
    return Case(side, shapely.box(x, y, x + CELL_M, y + CELL_M), households)


def borders_of(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = find_borders(
        case.cells,
        np.zeros(len(case.cells), dtype=np.int64),
        seams=np.empty(0, dtype=object),
        strength=np.empty(0),
    )
    return found.left, found.right, found.length_m


def by_ours(case: Case, seed: int) -> np.ndarray:
    left, right, length = borders_of(case)
    points = shapely.get_coordinates(shapely.centroid(case.cells))
    return partition(
        make_graph(left, right, length, case.households, points),
        shapely.area(case.cells),
        policy=POLICY,
        compactness=PARAMS.compactness,
        rounds=PARAMS.rounds,
        rng=np.random.default_rng(seed),
    )


def by_plain_bisection(case: Case, _seed: int) -> np.ndarray:
    """Cut across the longer side at the median household, again and again."""
    points = shapely.get_coordinates(shapely.centroid(case.cells))
    label = np.zeros(len(points), dtype=np.int64)
    n_regions = int(np.ceil(case.households.sum() / POLICY.maximum))
    todo = [(np.arange(len(points)), n_regions)]
    n_done = 0
    while todo:
        mine, n = todo.pop()
        if n == 1:
            label[mine], n_done = n_done, n_done + 1
            continue
        axis = int(np.argmax(np.ptp(points[mine], axis=0)))
        mine = mine[np.lexsort((points[mine, 1 - axis], points[mine, axis]))]
        share = np.cumsum(case.households[mine]) / case.households[mine].sum()
        cut = int(np.searchsorted(share, (n // 2) / n))
        todo += [(mine[:cut], n // 2), (mine[cut:], n - n // 2)]
    return label


def by_max_p(case: Case, seed: int) -> np.ndarray:
    from libpysal.weights import lat2W
    from spopt.region import MaxPHeuristic

    np.random.seed(seed)  # noqa: NPY002 - the peer draws from the global state
    frame = gpd.GeoDataFrame({"households": case.households}, geometry=list(case.cells))
    weights = lat2W(case.side, case.side)
    model = MaxPHeuristic(frame, weights, ["households"], "households", POLICY.minimum, 2)
    model.solve()
    return np.asarray(model.labels_, dtype=np.int64)


def by_skater(case: Case, _seed: int) -> np.ndarray:
    from libpysal.weights import lat2W
    from spopt.region import Skater

    frame = gpd.GeoDataFrame({"households": case.households}, geometry=list(case.cells))
    n_regions = int(np.ceil(case.households.sum() / POLICY.maximum))
    model = Skater(frame, lat2W(case.side, case.side), ["households"], n_clusters=n_regions)
    model.solve()
    return np.asarray(model.labels_, dtype=np.int64)


def _child(way: Callable[[Case, int], np.ndarray], case: Case, seed: int, end: Connection) -> None:
    if way is by_ours:
        way(make_case(8, 0), seed)  # compiled kernels are kept from run to run: not counted
    start = time.process_time()
    label = way(case, seed)
    end.send(Outcome(label, time.process_time() - start))


def run(
    way: Callable[[Case, int], np.ndarray], case: Case, *, seed: int, limit_s: float
) -> Outcome | None:
    """Run one way in a process of its own; None where it does not end in time."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(way, case, seed, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(limit_s) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def describe(case: Case, outcome: Outcome, ours_s: float) -> str:
    """Return one row of the table."""
    label = outcome.label
    regions = [np.flatnonzero(label == r) for r in np.unique(label[label >= 0])]
    load = np.array([case.households[mine].sum() for mine in regions])
    shapes = np.array([shapely.union_all(case.cells[mine]) for mine in regions], dtype=object)
    broken = int((shapely.get_num_geometries(shapes) > 1).sum())
    compact = 4 * np.pi * shapely.area(shapes) / shapely.length(shapes) ** 2
    fine = ((load >= POLICY.minimum) & (load <= POLICY.maximum)).mean()
    spread = load.std() / load.mean()
    return (
        f"{len(regions)} | {load.min():.0f} / {np.median(load):.0f} / {load.max():.0f} | "
        f"{fine:.0%} | {spread:.1%} | {broken} | {compact.mean():.2f} / {compact.min():.2f} | "
        f"{outcome.seconds:.3f} | {outcome.seconds / ours_s:.2f} x"
    )


def compare(side: int, *, seed: int, limit_s: float) -> None:
    case = make_case(side, seed)
    ways: dict[str, Callable[[Case, int], np.ndarray]] = {
        "**ours (partition)**": by_ours,
        "plain recursive bisection": by_plain_bisection,
    }
    if find_spec("spopt") is not None:
        ways |= {"spopt MaxP, floor 300": by_max_p, "spopt SKATER": by_skater}
    print(f"\n## {side * side:,} cells, {case.households.sum():,.0f} households, target 500\n")
    print(
        "| way | grids | households least / median / most | in 300-500 | spread | broken | "
        "compactness mean / least | processor s | beside ours |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    ours_s = 1.0
    for name, way in ways.items():
        outcome = run(way, case, seed=seed, limit_s=limit_s)
        if outcome is None:
            print(f"| {name} | no answer in {limit_s:.0f} s | | | | | | | |")
            continue
        ours_s = outcome.seconds if way is by_ours else ours_s
        print(f"| {name} | {describe(case, outcome, ours_s)} |", flush=True)


def make_district(seed: int) -> tuple[gpd.GeoDataFrame, Ground]:
    """Return 14 communities, roads every 420 m and about 1,250 buildings of 29,000 households."""
    rng = np.random.default_rng(seed)
    width = 3600.0
    outline = np.array([(0, 0), (0.6, -0.05), (1, 0.1), (1.1, 0.7), (0.7, 1), (0.03, 0.9)]) * width
    whole = shapely.Polygon(outline)
    seeds = shapely.multipoints(rng.uniform(200, width - 200, (14, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=whole))
    codes = [f"330102001{n:03d}" for n in range(1, 15)]
    communities = gpd.GeoDataFrame(
        {"code": codes}, geometry=shapely.intersection(cells, whole), crs=SRID
    )
    at = np.arange(180, 1.1 * width, 420)
    along = [shapely.LineString([(-500, y), (1.3 * width, y + 150)]) for y in at]
    across = [shapely.LineString([(x, -500), (x - 100, 1.3 * width)]) for x in at]
    roads = gpd.GeoDataFrame(geometry=along + across, crs=SRID)
    x, y = (part.ravel() for part in np.meshgrid(np.arange(0, 3960, 78), np.arange(-180, 3600, 95)))
    x, y = x + rng.uniform(-8, 8, x.size), y + rng.uniform(-15, 15, y.size)
    blocks = shapely.box(x, y, x + 50, y + 12)
    blocks = blocks[shapely.within(blocks, whole)]
    lanes = shapely.union_all(shapely.buffer(roads.geometry.to_numpy(), 10))
    blocks = blocks[~shapely.intersects(blocks, lanes)]
    counts = rng.integers(8, 40, len(blocks))
    homes = gpd.GeoDataFrame({"households": counts}, geometry=blocks, crs=SRID)
    return communities, Ground(homes, seams=roads)


def as_points(ground: Ground, seed: int) -> Ground:
    """Return the same households as one point each, about their building."""
    rng = np.random.default_rng(seed)
    counts = ground.households["households"].to_numpy()
    spots = shapely.get_coordinates(shapely.centroid(ground.households.geometry.to_numpy()))
    points = np.repeat(spots, counts, axis=0) + rng.uniform((-24, -5), (24, 5), (counts.sum(), 2))
    return Ground(gpd.GeoDataFrame(geometry=shapely.points(points), crs=SRID), seams=ground.seams)


def time_districts(seed: int) -> None:
    communities, ground = make_district(seed)
    print("\n## A district of 14 communities, from homes to polygons\n")
    print(
        "| homes | households | grids | in 300-500 | outside without reason | compactness | "
        "border on seams | processor s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, case in (("buildings", ground), ("points", as_points(ground, seed))):
        start = time.process_time()
        grids = divide_district(
            communities, case, policy=POLICY, srid=SRID, rng=np.random.default_rng(seed)
        )
        seconds = time.process_time() - start
        fine = grids["households"].between(POLICY.minimum, POLICY.maximum)
        silent = int((~fine & grids["reason_en"].isna()).sum())
        print(
            f"| {len(case.households):,} {name} | {grids['households'].sum():,} | {len(grids)} | "
            f"{fine.mean():.0%} | {silent} | {grids['compactness'].mean():.2f} | "
            f"{grids['seam_share'].mean():.0%} | {seconds:.2f} |"
        )


def time_validation() -> None:
    """Check 72 by 72 grids of 40 corners in 576 communities, sound and with every tenth moved."""
    column, row = (part.ravel() for part in np.meshgrid(np.arange(72), np.arange(72)))
    shapes = shapely.segmentize(
        shapely.box(200.0 * column, 200.0 * row, 200.0 * column + 200, 200.0 * row + 200), 20.0
    )
    community = (row // 3) * 24 + column // 3
    codes = np.array([f"330102{c // 100:03d}{c % 100:03d}" for c in range(576)])
    number = (row % 3) * 3 + column % 3 + 1
    grids = gpd.GeoDataFrame(
        {
            "code": [f"{codes[c]}{n:03d}" for c, n in zip(community, number, strict=True)],
            "parent_code": codes[community],
            "grid_kind": "basic",
            "households": 400,
        },
        geometry=shapes,
        crs=SRID,
    )
    grounds = [shapely.union_all(shapes[community == c]) for c in range(576)]
    parents = gpd.GeoDataFrame({"code": codes, "level": "community"}, geometry=grounds, crs=SRID)
    moved = shapes.copy()
    moved[::10] = shapely.transform(shapes[::10], lambda points: points + (3.0, 1.0))  # noqa: RUF005
    print("\n## Validation\n\n| grids | findings | processor s |\n|--:|--:|--:|")
    for case in (grids, grids.set_geometry(gpd.GeoSeries(moved, crs=SRID))):
        start = time.process_time()
        found = validate_grids(case, parents=parents, policy=POLICY, srid=SRID)
        print(f"| {len(case):,} | {len(found):,} | {time.process_time() - start:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[20, 50], help="cells a side")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each peer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for side in options.cells:
        compare(side, seed=options.seed, limit_s=options.limit)
    time_districts(options.seed)
    time_validation()


if __name__ == "__main__":
    main()
