"""The space-time scan with 999 runs, beside PredictCode's scan without any.

    python -m benchmarks.scan [--side 100] [--steps 28] [--replicates 999] [--workers 1]

PredictCode (`open_cp`, https://github.com/QuantCrimAtLeeds/PredictCode) is no longer on a package
index; where its folder is on the path, its STSTrainer is run once on the same incidents, with the
same largest radius and stretch. All times are processor seconds. It gives no p-values unless the scan is repeated by hand.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from datetime import date, timedelta

import numpy as np
import shapely

from analytics.cube import Cube, Units
from analytics.scan import find_scan_clusters
from analytics.scan_params import ScanParams
from analytics.steps import make_steps
from geo.lattice.lattice import Lattice, cell_centres, make_lattice

RADIUS_CELLS = 10
LONGEST_STEPS = 14
FIRST = date(2026, 3, 2)


def make_town(side: int, n_steps: int, incidents: int) -> tuple[Cube, Lattice]:
    """Return incidents by day that fall more often in some cells, and their lattice."""
    rng = np.random.default_rng(1)
    box = shapely.box(0, 0, 100 * side, 100 * side)
    lattice = make_lattice(box, cell_size_m=100, srid=32650)
    share = rng.gamma(0.5, 2.0, lattice.n_cells)
    cell = rng.choice(lattice.n_cells, incidents, p=share / share.sum())
    flat = cell * n_steps + rng.integers(0, n_steps, incidents)
    counts = np.bincount(flat, minlength=lattice.n_cells * n_steps)
    end = FIRST + timedelta(days=n_steps)
    steps = make_steps(FIRST, end, step="day", time_zone="Asia/Shanghai")
    shaped = counts.astype(np.uint32).reshape(lattice.n_cells, n_steps, 1, 1)
    units = Units("cell", lattice.cells)
    return Cube(shaped, units, steps, ("dump",), ("resident",)), lattice


def time_ours(cube: Cube, lattice: Lattice, replicates: int, workers: int) -> float:
    params = ScanParams(
        radius_cells=RADIUS_CELLS, longest_steps=LONGEST_STEPS, replicates=replicates
    )
    start = time.process_time()
    find_scan_clusters(cube, lattice, params, rng=np.random.default_rng(2), workers=workers)
    return time.process_time() - start


def time_open_cp(cube: Cube, lattice: Lattice) -> float:
    for name, kind in (("int", int), ("float", float), ("bool", bool), ("object", object)):
        if name not in np.__dict__:
            setattr(np, name, kind)  # names that NumPy 1.24 took away
    import open_cp
    from open_cp.stscan import STSTrainer

    series = cube.series()
    cell, step = np.nonzero(series)
    again = np.repeat(np.arange(len(cell)), series[cell, step])
    order = again[np.argsort(step[again], kind="stable")]
    x, y = cell_centres(lattice)
    noon = np.datetime64(FIRST) + step[order].astype("timedelta64[D]") + np.timedelta64(12, "h")
    trainer = STSTrainer()
    trainer.data = open_cp.TimedPoints.from_coords(noon, x[cell[order]], y[cell[order]])
    trainer.geographic_radius_limit = RADIUS_CELLS * lattice.cell_size_m
    trainer.time_max_interval = np.timedelta64(LONGEST_STEPS, "D")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.process_time()
        trainer.predict()
        return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--side", type=int, default=100)
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--replicates", type=int, default=999)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    peer = importlib.util.find_spec("open_cp") is not None
    for incidents in (1000, 5000, 30_000):
        cube, lattice = make_town(args.side, args.steps, incidents)
        time_ours(cube, lattice, 1, 1)
        once = time_ours(cube, lattice, 0, 1)
        full = time_ours(cube, lattice, args.replicates, args.workers)
        print(
            f"{args.side} x {args.side} x {args.steps}, {incidents} incidents: one scan {once:.3f} "
            f"s; with {args.replicates} runs {full:.2f} s"
        )
        if peer and incidents <= 1000:
            theirs = time_open_cp(cube, lattice)
            print(
                f"  open_cp, one scan without p: {theirs:.2f} s, {theirs / once:.0f} x one of ours"
            )


if __name__ == "__main__":
    main()
