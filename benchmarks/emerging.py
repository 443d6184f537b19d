"""Emerging hot spots beside pyehsa, and by size.

    python -m benchmarks.emerging [--peer-side 10] [--simulations 99] [--large]

pyehsa is run where it is installed (`pip install pyehsa`, in an environment of its own); its time
is that of its one public function on a ready-made frame, with the least of `--simulations` that its
own p-values need. All times are processor seconds of one thread, which other work on the machine
changes little. Ours is `find_emerging` with exact p-values, unless another way is named.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import logging
import time
import warnings
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analytics.cube import Cube, Units
from analytics.emerging import EmergingParams, find_emerging
from analytics.emerging_words import explain
from analytics.steps import make_steps
from geo.lattice.lattice import cell_polygons, make_lattice, neighbours

N_STEPS = 24


def best_of(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Return the best processor time of some runs after a first one, and that of the first."""
    spent = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent[1:]), spent[0]


def make_town(side: int) -> tuple[Cube, object]:
    """Return a cube of clustered counts over two years of months, and its lattice."""
    rng = np.random.default_rng(1)
    box = shapely.box(0, 0, 100 * side, 100 * side)
    lattice = make_lattice(box, cell_size_m=100, srid=32650)
    series = rng.poisson(rng.gamma(0.5, 2.0, (side * side, 1)), (side * side, N_STEPS))
    steps = make_steps(date(2024, 1, 1), date(2026, 1, 1), step="month", time_zone="Asia/Shanghai")
    counts = series.astype(np.uint32)[:, :, None, None]
    return Cube(counts, Units("cell", lattice.cells), steps, ("dump",), ("resident",)), lattice


def time_ours(side: int) -> float:
    cube, lattice = make_town(side)
    near = neighbours(lattice)
    exact, first = best_of(lambda: find_emerging(cube, near))
    normal, _ = best_of(lambda: find_emerging(cube, near, EmergingParams(chance="normal")))
    window, _ = best_of(lambda: find_emerging(cube, near, EmergingParams(reference="window")))
    found = find_emerging(cube, near)
    words, _ = best_of(lambda: explain(found, "zh"), repeats=1)
    print(
        f"{side} x {side} x {N_STEPS}: exact {exact:.3f} s (first {first:.3f} s), "
        f"normal {normal:.3f} s, window {window:.3f} s; a sentence for each place {words:.3f} s"
    )
    return exact


def time_pyehsa(side: int, simulations: int) -> float:
    from pyehsa import EmergingHotspotAnalysis

    cube, lattice = make_town(side)
    frame = as_frame(cube.series(), [shape.wkt for shape in cell_polygons(lattice)])
    logging.disable(logging.CRITICAL)
    start = time.process_time()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        EmergingHotspotAnalysis.emerging_hotspot_analysis(
            frame, "region", "period", "value", nsim=simulations
        )
    return time.process_time() - start


def as_frame(series: NDArray[np.int64], shapes: list[str]) -> pd.DataFrame:
    n_units, n_steps = series.shape
    return pd.DataFrame(
        {
            "region": np.repeat([f"{i:06d}" for i in range(n_units)], n_steps),
            "period": np.tile(np.arange(n_steps), n_units),
            "value": series.ravel().astype(float),
            "geometry": np.repeat(shapes, n_steps),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--peer-side", type=int, default=10)
    parser.add_argument("--simulations", type=int, default=99)
    parser.add_argument("--large", action="store_true", help="also 300 x 300")
    args = parser.parse_args()
    ours = time_ours(args.peer_side)
    if importlib.util.find_spec("pyehsa"):
        theirs = time_pyehsa(args.peer_side, args.simulations)
        print(f"pyehsa, {args.simulations} simulations: {theirs:.2f} s, {theirs / ours:.0f} x")
    else:
        print("pyehsa is not installed")
    for side in (30, 100, 300) if args.large else (30,):
        time_ours(side)


if __name__ == "__main__":
    main()
