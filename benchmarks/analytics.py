"""Hotspots, trends and density beside the libraries that people use, in one run.

    python -m benchmarks.analytics [--side 60] [--steps 52] [--points 100000] [--large]

Peers: esda (Gi* with z alone and with 999 permutations, after its compiling), pymannkendall (a
sample of the cells), scikit-learn's KernelDensity (exact kernels on a coarse grid) and, where it
is installed, KDEpy's FFT. `--large` adds sizes at which the peers are not run. Our own compiled
functions are cached; the first call of each is timed apart.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymannkendall
import shapely
from numpy.typing import NDArray
from sklearn.neighbors import KernelDensity

from analytics.density import estimate_density
from analytics.hotspots import HotspotParams, Neighbours, local_g
from analytics.trends import mann_kendall
from geo.lattice.lattice import make_lattice, neighbours

REPEATS = 3
PERMUTATIONS = 999
SAMPLE = 100
CELL_M = 100.0
BANDWIDTH_M = 500.0


@dataclass(frozen=True)
class Timing:
    """Seconds of one task at one size."""

    task: str
    size: str
    ours: float
    first: float
    peer: str = ""
    theirs: float | None = None

    def __str__(self) -> str:
        line = f"{self.task:28} {self.size:>18} {self.ours:10.4f} s (first {self.first:7.3f} s)"
        if self.theirs is None:
            return line
        return f"{line}   {self.peer:26} {self.theirs:10.4f} s   {self.theirs / self.ours:9.1f} x"


def best_of(work: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Return the best time of some runs after a first one, and the time of that first one."""
    spent = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent[1:] or spent), spent[0]


def scatter(side: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Neighbours]:
    """Return clustered counts on a square lattice and its queen neighbours."""
    lattice = make_lattice(
        shapely.box(0, 0, side * CELL_M, side * CELL_M), cell_size_m=CELL_M, srid=32650
    )
    return rng.poisson(rng.gamma(0.5, 4.0, side * side)), neighbours(lattice)


def time_hotspots(side: int, rng: np.random.Generator, *, peers: bool) -> list[Timing]:
    y, near = scatter(side, rng)
    size = f"{side} x {side}"
    z = best_of(lambda: local_g(y, near, HotspotParams(chance="normal")))
    p = best_of(lambda: local_g(y, near))
    if not peers:
        return [Timing("Gi* z", size, *z), Timing("Gi* z and exact p", size, *p)]
    esda_z, esda_p = time_esda(y, side)
    many = f"esda, {PERMUTATIONS} permutations"
    return [
        Timing("Gi* z", size, *z, "esda, no permutations", esda_z),
        Timing("Gi* z and exact p", size, *p, many, esda_p),
    ]


def time_esda(y: NDArray[np.int64], side: int) -> tuple[float, float]:
    """Return esda's times without and with permutations; compiling is not counted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local
        from libpysal.weights import lat2W

        def run(width: int, values: NDArray[np.int64], permutations: int) -> float:
            weights = lat2W(width, width, rook=False)
            weights.sparse  # noqa: B018 - made once, and not what is compared
            spent, _ = best_of(
                lambda: G_Local(
                    values.astype(float), weights, star=True, transform="B", n_jobs=1,
                    permutations=permutations, seed=1, keep_simulations=False,
                ),
                repeats=1,
            )  # fmt: skip
            return spent

        run(6, y[:36], PERMUTATIONS)
        return run(side, y, 0), run(side, y, PERMUTATIONS)


def time_trends(cells: int, steps: int, rng: np.random.Generator, *, peers: bool) -> list[Timing]:
    series = rng.poisson(rng.gamma(0.5, 4.0, (cells, 1)), (cells, steps)).astype(float)
    ours = best_of(lambda: mann_kendall(series))
    size = f"{cells} x {steps} steps"
    if not peers:
        return [Timing("Mann-Kendall, Sen slope", size, *ours)]
    sample = series[:SAMPLE]
    theirs, _ = best_of(lambda: [pymannkendall.original_test(row) for row in sample], repeats=1)
    peer = f"pymannkendall ({SAMPLE} cells)"
    return [Timing("Mann-Kendall, Sen slope", size, *ours, peer, theirs / SAMPLE * cells)]


def time_density(points: int, side: int, rng: np.random.Generator, *, peers: bool) -> list[Timing]:
    xy = rng.uniform(0, side * CELL_M, (points, 2))
    share = np.ones((side, side))

    def ours(kernel: str) -> None:
        column, row = (xy // CELL_M).astype(np.int64).T
        counts = np.bincount(row * side + column, minlength=side * side).reshape(side, side)
        estimate_density(
            counts, share, cell_size_m=CELL_M, bandwidth_m=BANDWIDTH_M,
            kernel="gaussian" if kernel == "gaussian" else "quartic",
        )  # fmt: skip

    size = f"{points} to {side} x {side}"
    gaussian = best_of(lambda: ours("gaussian"))
    quartic = best_of(lambda: ours("quartic"))
    timings = [Timing("density, quartic", size, *quartic)]
    if not peers:
        return [Timing("density, gaussian", size, *gaussian), *timings]
    theirs = time_sklearn(xy, side)
    timings.append(Timing("density, gaussian", size, *gaussian, "scikit-learn, exact", theirs))
    if importlib.util.find_spec("KDEpy"):
        timings.append(
            Timing("density, gaussian", size, *gaussian, "KDEpy FFT", time_kdepy(xy, side))
        )
    return timings


def time_sklearn(xy: NDArray[np.float64], side: int) -> float:
    """Return the time at all cells, scaled from a sample of them."""
    centres = (np.arange(side) + 0.5) * CELL_M
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    sample = grid[:: max(1, len(grid) // SAMPLE)]
    model = KernelDensity(bandwidth=BANDWIDTH_M).fit(xy)
    spent, _ = best_of(lambda: model.score_samples(sample), repeats=1)
    return spent / len(sample) * len(grid)


def time_kdepy(xy: NDArray[np.float64], side: int) -> float:
    from KDEpy import FFTKDE

    spent, _ = best_of(lambda: FFTKDE(bw=BANDWIDTH_M).fit(xy).evaluate((side, side)))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--side", type=int, default=60, help="cells along a side of the lattice")
    parser.add_argument("--steps", type=int, default=52)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--large", action="store_true", help="also 300 and 1000 cells a side")
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    timings = [
        *time_hotspots(args.side, rng, peers=True),
        *time_trends(args.side**2, args.steps, rng, peers=True),
        *time_density(args.points, args.side, rng, peers=True),
    ]
    for side in (300, 1000) if args.large else ():
        timings += time_hotspots(side, rng, peers=False)
        timings += time_trends(side**2, args.steps, rng, peers=False)
        timings += time_density(1_000_000, side, rng, peers=False)
    for timing in timings:
        print(timing)


if __name__ == "__main__":
    main()
