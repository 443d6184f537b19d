"""What `benchmarks.analytics` times: each case prepares its data and returns what to call.

The number beside it scales the time of a sample to the whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

Case = tuple[Callable[[], object], float]
CELL_M = 100.0
BANDWIDTH_M = 500.0
WIDE_M = 2000.0
SAMPLE = 100


def town(side: int) -> tuple[np.ndarray[Any, Any], Any]:
    """Return clustered counts on a square lattice and its queen neighbours."""
    import shapely

    from geo.lattice.lattice import make_lattice, neighbours

    box = shapely.box(0, 0, side * CELL_M, side * CELL_M)
    lattice = make_lattice(box, cell_size_m=CELL_M, srid=32650)
    rng = np.random.default_rng(1)
    return rng.poisson(rng.gamma(0.5, 4.0, side * side)), neighbours(lattice)


def gi(side: int) -> Case:
    from analytics.hotspots import local_g

    y, near = town(side)
    return lambda: local_g(y, near), 1.0


def gi_esda(side: int) -> Case:
    from esda.getisord import G_Local
    from libpysal.weights import lat2W

    def prepare(width: int) -> Callable[[], object]:
        y, weights = town(width)[0].astype(float), lat2W(width, width, rook=False)
        weights.sparse  # noqa: B018 - made once, and not what is compared
        return lambda: G_Local(
            y, weights, star=True, transform="B", n_jobs=1, permutations=999, seed=1,
            keep_simulations=False,
        )  # fmt: skip

    prepare(6)()  # compiles
    return prepare(side), 1.0


def scatter(points: int, side: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).uniform(0, side * CELL_M, (points, 2))


def density(
    points: int, side: int, *, kernel: Any, adaptive: bool = False, bandwidth_m: float = BANDWIDTH_M
) -> Case:
    from analytics.density import adaptive_density, estimate_density
    from analytics.density_kernel import count_points

    x, y = np.ascontiguousarray(scatter(points, side).T)
    share = np.ones((side, side))
    smooth = adaptive_density if adaptive else estimate_density

    def work() -> None:
        counts, _ = count_points(x, y, 0.0, 0.0, CELL_M, side, side)
        smooth(counts, share, cell_size_m=CELL_M, bandwidth_m=bandwidth_m, kernel=kernel)

    return work, 1.0


def kde(points: int, side: int) -> Case:
    return density(points, side, kernel="gaussian")


def kde_quartic(points: int, side: int) -> Case:
    return density(points, side, kernel="quartic")


def kde_quartic_wide(points: int, side: int) -> Case:
    return density(points, side, kernel="quartic", bandwidth_m=WIDE_M)


def kde_adaptive(points: int, side: int) -> Case:
    return density(points, side, kernel="gaussian", adaptive=True)


def kde_kdepy(points: int, side: int, bandwidth_m: float = BANDWIDTH_M) -> Case:
    from KDEpy import FFTKDE

    xy = scatter(points, side)
    return lambda: FFTKDE(bw=bandwidth_m).fit(xy).evaluate((side, side)), 1.0


def kde_kdepy_wide(points: int, side: int) -> Case:
    return kde_kdepy(points, side, WIDE_M)


def series(cells: int, steps: int, mean: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.poisson(rng.gamma(0.5, 2.0 * mean, (cells, 1)), (cells, steps))


def trend(cells: int, steps: int, mean: int) -> Case:
    from analytics.trends import mann_kendall

    values = series(cells, steps, mean)
    return lambda: mann_kendall(values), 1.0


def trend_peer(cells: int, steps: int, mean: int) -> Case:
    import pymannkendall

    sample = series(cells, steps, mean)[:SAMPLE].astype(float)
    return lambda: [pymannkendall.original_test(row) for row in sample], cells / SAMPLE


def rates(cells: int, steps: int, mean: int) -> np.ndarray[Any, Any]:
    """Return counts over households, which are no whole numbers."""
    households = np.random.default_rng(2).integers(100, 900, (cells, 1))
    return series(cells, steps, mean) / households


def trend_rates(cells: int, steps: int, mean: int) -> Case:
    from analytics.trends import mann_kendall

    values = rates(cells, steps, mean)
    return lambda: mann_kendall(values), 1.0


def trend_rates_peer(cells: int, steps: int, mean: int) -> Case:
    import pymannkendall

    sample = rates(cells, steps, mean)[:SAMPLE]
    return lambda: [pymannkendall.original_test(row) for row in sample], cells / SAMPLE


def trend_noise(cells: int, steps: int) -> Case:
    from analytics.trends import mann_kendall

    values = np.random.default_rng(1).gamma(2.0, 1.0, (cells, steps))
    return lambda: mann_kendall(values), 1.0


def trend_noise_peer(cells: int, steps: int) -> Case:
    import pymannkendall

    sample = np.random.default_rng(1).gamma(2.0, 1.0, (cells, steps))[:SAMPLE]
    return lambda: [pymannkendall.original_test(row) for row in sample], cells / SAMPLE


def make_months(side: int, n_steps: int) -> tuple[Any, Any]:
    """Return a cube of clustered counts by month, and its lattice."""
    import shapely

    from analytics.cube import Cube, Units
    from analytics.steps import make_steps
    from geo.lattice.lattice import make_lattice

    rng = np.random.default_rng(1)
    box = shapely.box(0, 0, CELL_M * side, CELL_M * side)
    lattice = make_lattice(box, cell_size_m=CELL_M, srid=32650)
    counts = rng.poisson(rng.gamma(0.5, 2.0, (side * side, 1)), (side * side, n_steps))
    end = date(2016 + n_steps // 12, 1 + n_steps % 12, 1)
    steps = make_steps(date(2016, 1, 1), end, step="month", time_zone="Asia/Shanghai")
    shaped = counts.astype(np.uint32)[:, :, None, None]
    return Cube(shaped, Units("cell", lattice.cells), steps, ("dump",), ("resident",)), lattice


def emerging(side: int, n_steps: int) -> Case:
    from analytics.emerging import find_emerging
    from geo.lattice.lattice import neighbours

    cube, lattice = make_months(side, n_steps)
    near = neighbours(lattice)
    return lambda: find_emerging(cube, near), 1.0


def emerging_pyehsa(side: int, n_steps: int) -> Case:
    import pandas as pd
    from pyehsa import EmergingHotspotAnalysis

    from geo.lattice.lattice import cell_polygons

    cube, lattice = make_months(side, n_steps)
    logging.disable(logging.CRITICAL)
    values = cube.series()
    frame = pd.DataFrame(
        {
            "region": np.repeat([f"{i:06d}" for i in range(len(values))], n_steps),
            "period": np.tile(np.arange(n_steps), len(values)),
            "value": values.ravel().astype(float),
            "geometry": np.repeat([shape.wkt for shape in cell_polygons(lattice)], n_steps),
        }
    )
    hot = EmergingHotspotAnalysis.emerging_hotspot_analysis
    return lambda: hot(frame, "region", "period", "value", nsim=99), 1.0


def events(n: int, side: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return cell and day (with parts) of events over a year, in order of time."""
    rng = np.random.default_rng(1)
    share = rng.gamma(0.5, 2.0, side * side)
    return rng.choice(side * side, n, p=share / share.sum()), np.sort(rng.random(n) * 365)


def exciting(n: int, side: int) -> Case:
    """Fit the process by 20 rounds; how cells spread to each other is laid out before."""
    from analytics.forecast.exciting import others_only, spread_matrix
    from analytics.forecast.exciting_fit import ExcitingParams, fit_process, gather_incidents
    from analytics.forecast.protocol import Places

    cell, day = events(n, side)
    past = np.zeros((side * side, 365))
    np.add.at(past, (cell, day.astype(int)), 1.0)
    row, column = np.divmod(np.arange(side * side), side)
    places = Places((column + 0.5) * CELL_M, (row + 0.5) * CELL_M)
    how = ExcitingParams()
    wide = spread_matrix(places, reach_m=how.background_m)
    near = others_only(spread_matrix(places, reach_m=how.near_m))
    ages = np.arange(365.0)[::-1].copy()
    return lambda: fit_process(gather_incidents(past, near), wide, ages, how, rounds=20), 1.0


def exciting_open_cp(n: int, side: int) -> Case:
    for name, kind in (("int", int), ("float", float), ("bool", bool), ("object", object)):
        if name not in np.__dict__:
            setattr(np, name, kind)  # names that NumPy 1.24 took away
    import open_cp
    from open_cp.seppexp import SEPPTrainer

    cell, day = events(n, side)
    x, y = (cell % side + 0.5) * CELL_M, (cell // side + 0.5) * CELL_M
    times = np.datetime64("2023-01-01") + (day * 86_400_000).astype("timedelta64[ms]")
    region = open_cp.RectangularRegion(0, side * CELL_M, 0, side * CELL_M)
    trainer = SEPPTrainer(region, grid_size=CELL_M)
    trainer.data = open_cp.TimedPoints.from_coords(times, x, y)
    return lambda: trainer.train(iterations=20), 1.0


def scanned(side: int, n_steps: int, replicates: int) -> Case:
    from analytics.scan import find_scan_clusters
    from analytics.scan_params import ScanParams
    from benchmarks.scan import LONGEST_STEPS, RADIUS_CELLS, make_town

    cube, lattice = make_town(side, n_steps, 5000)
    how = ScanParams(radius_cells=RADIUS_CELLS, longest_steps=LONGEST_STEPS, replicates=replicates)
    return lambda: find_scan_clusters(cube, lattice, how, rng=np.random.default_rng(2)), 1.0


def scan(side: int, n_steps: int) -> Case:
    return scanned(side, n_steps, 999)


def scan_once(side: int, n_steps: int) -> Case:
    return scanned(side, n_steps, 0)


def seasonal(side: int, n_steps: int) -> Case:
    from analytics.seasonal import seasonal_mann_kendall

    values = series(side * side, n_steps, 2)
    return lambda: seasonal_mann_kendall(values, period=12), 1.0


def autocorrelated(side: int, n_steps: int) -> Case:
    from analytics.autocorrelation import hamed_rao, pre_whitened
    from analytics.sen_interval import sen_interval
    from analytics.trends import mann_kendall

    values = series(side * side, n_steps, 2)
    return lambda: (
        hamed_rao(values),
        pre_whitened(values),
        sen_interval(values, mann_kendall(values).var_s),
    ), 1.0


def changed(side: int, n_steps: int) -> Case:
    from analytics.changes import find_change_points, poisson_e_test
    from analytics.cusum import poisson_cusum

    values = series(side * side, n_steps, 2)
    return lambda: (
        find_change_points(values),
        poisson_e_test(values[:, 0], values[:, 1]),
        poisson_cusum(values, 2.0, threshold=4.0),
    ), 1.0


FIRST_CALLS = {
    "local_g": (gi, (20,)),
    "mann_kendall": (trend, (400, 24, 2)),
    "seasonal_mann_kendall": (seasonal, (10, 24)),
    "hamed_rao, pre_whitened, sen_interval": (autocorrelated, (10, 24)),
    "estimate_density": (kde, (1000, 20)),
    "adaptive_density": (kde_adaptive, (1000, 20)),
    "find_emerging": (emerging, (10, 24)),
    "find_scan_clusters, 0 runs": (scan_once, (20, 28)),
    "find_change_points, poisson_e_test, poisson_cusum": (changed, (10, 24)),
    "fit_process (self-exciting)": (exciting, (1000, 20)),
}


def time_first(name: str) -> None:
    """Print clock and processor time of importing and preparing a case, and of its first call."""
    begin, used = time.perf_counter(), time.process_time()
    maker, size = FIRST_CALLS[name]
    work, _ = maker(*size)
    ready, prepared = time.perf_counter(), time.process_time()
    work()
    called, done = time.perf_counter(), time.process_time()
    print(ready - begin, prepared - used, called - ready, done - prepared)
