"""The space-time scan: the discs and stretches of time that hold more than chance explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.results import Result
from analytics.scan_discs import COLUMNS, find_best, list_discs
from analytics.scan_field import expect_volume, lay_field, lay_volume
from analytics.scan_null import Tell, rank, simulate
from analytics.scan_params import ScanParams
from geo.errors import InputError
from geo.lattice.lattice import Lattice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scan:
    """What a scan found.

    Attributes
    ----------
    result
        Score the best log likelihood ratio of a cylinder around each cell, p and q its chance
        among all cylinders (already corrected for having looked at all of them), label ``hot``
        in a listed cluster with p up to alpha.
    clusters
        One row a cluster, the most unusual first; columns `COLUMNS`. ``recurrence_days`` is how
        often chance alone would raise such an alarm if the scan ran every step (prospective).
    replicates
        Best ratio of each Monte-Carlo run, shape ``(runs,)``; fewer than asked for where enough of
        them reached what was observed.
    """

    result: Result
    clusters: pd.DataFrame
    replicates: Floats


def find_scan_clusters(
    cube: Cube,
    lattice: Lattice,
    params: ScanParams | None = None,
    *,
    baseline: NDArray[Any] | None = None,
    rng: np.random.Generator,
    workers: int = 1,
    tell: Tell = lambda stage: None,
) -> Scan:
    """Scan a cube for clusters in space and time.

    Parameters
    ----------
    cube
        Whole counts on a square lattice, steps in order.
    lattice
        The lattice that the cube was counted on.
    baseline
        For the Poisson model, what incidents should be in proportion to: shape ``(n_units,)``
        or ``(n_units, n_steps)``, not negative.
    rng
        Each run has a generator spawned from it, so `workers` change nothing but the time.
    workers
        Threads that share the Monte-Carlo runs.
    tell
        Told how far the runs are, see `analytics.scan_null.simulate`.

    Returns
    -------
    Scan
        Without incidents no clusters, and p is 1.

    Raises
    ------
    InputError
        The lattice does not fit, the baseline is missing or 0 where incidents happened, counts
        are not whole, or there would be too many cylinders.

    References
    ----------
    Kulldorff et al. (2005), doi:10.1371/journal.pmed.0020059 (permutation); Kulldorff (2001),
    doi:10.1111/1467-985X.00186 (prospective Poisson); Kulldorff (1997),
    doi:10.1080/03610929708831995.
    """
    how = params or ScanParams()
    if not np.array_equal(cube.units.ids, lattice.cells):
        raise InputError("the cube was counted on another lattice; hand in the one it came from")
    series = cube.series(classes=how.classes, found_by=how.found_by)
    mean = expect_volume(lattice, series, how, baseline)
    field = lay_field(lay_volume(lattice, series), mean, how)
    best = find_best(lattice, field)
    seen = float(best.ratio.max(initial=0.0))
    maxima = simulate(field, how, rng, seen=seen, workers=workers, tell=tell)
    p = rank(best.ratio, maxima)
    members, clusters = list_discs(lattice, field, best, most=how.most_clusters)
    clusters["p_value"] = p[clusters.index]
    clusters["recurrence_days"] = _recurrence(clusters["p_value"], cube, how)
    result = _result(cube, lattice, how, best.ratio, p, members, len(maxima))
    return Scan(result, clusters.reset_index(drop=True)[list(COLUMNS)], maxima)


def _recurrence(p: pd.Series, cube: Cube, how: ScanParams) -> pd.Series:
    if how.mode == "retrospective":
        return p * np.nan
    return float(cube.steps.hours.mean()) / 24 / p


def _result(
    cube: Cube,
    lattice: Lattice,
    how: ScanParams,
    ratio: Floats,
    p: Floats,
    members: Mapping[int, Ints],
    n_runs: int,
) -> Result:
    label = np.full(len(p), "none")
    for centre, cells in members.items():
        if p[centre] <= how.alpha:
            label[cells] = "hot"
    described = asdict(how) | {"cell_size_m": lattice.cell_size_m, "runs": n_runs}
    described |= cube.describe(classes=how.classes, found_by=how.found_by)
    series = cube.series(classes=how.classes, found_by=how.found_by)
    return Result(
        kind="scan",
        units=cube.units,
        steps=cube.steps,
        observed=series.sum(axis=1).astype(np.float64),
        score=ratio,
        p=p,
        q=p,
        slope=np.full(len(p), np.nan),
        label=label,
        parameters=MappingProxyType(described),
    )
