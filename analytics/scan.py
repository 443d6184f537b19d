"""The space-time scan: the discs and stretches of time that hold more than chance explains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import REPORTED, Cube
from analytics.results import Result
from analytics.scan_kernel import (
    best_of_all,
    best_of_each_centre,
    disc_half_widths,
    expect,
    leave_out,
    sum_along,
)
from geo.errors import InputError
from geo.lattice.lattice import Lattice, cell_centres, from_grid, to_grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Model = Literal["permutation", "poisson"]
Mode = Literal["prospective", "retrospective"]
Draw = Callable[[np.random.Generator], Floats]

MOST_CYLINDERS = 60_000_000
"""Cylinders above which a scan is refused: 8 bytes each are kept."""
COLUMNS = (
    "unit_id",
    "x_m",
    "y_m",
    "radius_m",
    "first_step",
    "last_step",
    "n_cells",
    "observed",
    "expected",
    "ratio",
    "log_likelihood_ratio",
    "p_value",
    "recurrence_days",
)


@dataclass(frozen=True)
class ScanParams:
    """How a cube is scanned.

    Attributes
    ----------
    model
        ``permutation``: expected counts from the cube's own margins, no other data, blind to
        places that always have more; ``poisson``: expected in proportion to a baseline.
    mode
        ``prospective``: only stretches that last to the last step, for alarms; or
        ``retrospective``: all.
    radius_cells
        Largest radius of a disc, in cells.
    longest_steps
        Longest stretch.
    most_share
        Cylinders that expect more than this part of all incidents are left out.
    replicates
        Monte-Carlo runs; 999 allow p down to 0.001.
    most_clusters
        How many clusters are listed, none overlapping another in space.
    alpha
        p up to which a cell of a cluster is labelled ``hot``.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    model: Model = "permutation"
    mode: Mode = "prospective"
    radius_cells: int = 10
    longest_steps: int = 14
    most_share: float = 0.5
    replicates: int = 999
    most_clusters: int = 10
    alpha: float = 0.05
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.model not in ("permutation", "poisson"):
            raise InputError(f"model is {self.model!r}: say 'permutation' or 'poisson'")
        if self.mode not in ("prospective", "retrospective"):
            raise InputError(f"mode is {self.mode!r}: say 'prospective' or 'retrospective'")
        if self.radius_cells < 0 or self.longest_steps < 1 or self.replicates < 0:
            raise InputError("radius_cells and replicates must be 0 or more, longest_steps 1")
        if not 0 < self.most_share < 1:
            raise InputError(f"most_share is {self.most_share}; it must lie between 0 and 1")


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
        Best ratio of each Monte-Carlo run, shape ``(replicates,)``.
    """

    result: Result
    clusters: pd.DataFrame
    replicates: Floats


@dataclass(frozen=True, eq=False)
class _Field:
    """What all runs of a scan share."""

    windows: Ints
    first: int
    half: Ints
    expected: Floats
    total: float
    rest: float

    def table(self, volume: Floats) -> Floats:
        return np.asarray(sum_along(volume[self.first :], self.half.shape[1] // 2))


def find_scan_clusters(
    cube: Cube,
    lattice: Lattice,
    params: ScanParams | None = None,
    *,
    baseline: NDArray[Any] | None = None,
    rng: np.random.Generator,
    workers: int = 1,
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
    volume = _volume(lattice, series)
    mean = _mean(lattice, series, how, baseline)
    field = _field(volume, mean, how)
    draw = _permuted(volume) if how.model == "permutation" else _scattered(mean)
    maxima = _simulate(field, draw, how.replicates if field.total else 0, rng, workers)
    best = best_of_each_centre(
        field.table(volume),
        field.expected,
        field.windows,
        field.half,
        field.total,
    )
    ratio, window, radius = (from_grid(lattice, part) for part in best)
    p = _rank(ratio, maxima)
    members, clusters = _list(lattice, ratio, window, radius, field, volume, mean, how)
    clusters["p_value"] = p[clusters.index]
    clusters["recurrence_days"] = _recurrence(clusters["p_value"], cube, how)
    label = np.full(len(p), "none")
    for centre, cells in members.items():
        if p[centre] <= how.alpha:
            label[cells] = "hot"
    described = asdict(how) | {"cell_size_m": lattice.cell_size_m}
    described |= cube.describe(classes=how.classes, found_by=how.found_by)
    result = Result(
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
    return Scan(result, clusters.reset_index(drop=True)[list(COLUMNS)], maxima)


def _volume(lattice: Lattice, series: NDArray[Any]) -> Floats:
    """Return counts as ``(n_steps, n_rows, n_columns)``."""
    grid = to_grid(lattice, series.astype(np.float64), fill=0.0)
    return np.ascontiguousarray(np.moveaxis(grid, 2, 0))


def _mean(
    lattice: Lattice, series: NDArray[Any], how: ScanParams, baseline: NDArray[Any] | None
) -> Floats:
    """Return the expected count of each bin under no cluster, shaped like the volume."""
    counts = np.asarray(series, dtype=np.float64)
    if (counts != np.floor(counts)).any():
        raise InputError("the scan needs whole counts; count incidents without weights")
    total = float(counts.sum())
    if how.model == "permutation":
        if baseline is not None:
            raise InputError('the permutation model takes no baseline; say model="poisson"')
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(total, 1.0)
        return _volume(lattice, expected)
    if baseline is None:
        raise InputError("the Poisson model needs a baseline, such as households by unit")
    base = np.asarray(baseline, dtype=np.float64)
    base = np.broadcast_to(base[:, None] if base.ndim == 1 else base, counts.shape)
    if (base < 0).any() or not np.isfinite(base).all() or ((base == 0) & (counts > 0)).any():
        raise InputError(
            "the baseline is negative, missing, or 0 where incidents happened; "
            "give such units a small one or leave their incidents out"
        )
    return _volume(lattice, base * (total / base.sum()))


def _field(volume: Floats, mean: Floats, how: ScanParams) -> _Field:
    n_steps, n_rows, n_columns = volume.shape
    longest = min(how.longest_steps, n_steps)
    first = n_steps - longest if how.mode == "prospective" else 0
    spans = [
        (start, end)
        for end in range(1, n_steps - first + 1)
        for start in range(max(0, end - longest), end)
        if how.mode == "retrospective" or end == longest
    ]
    half = disc_half_widths(how.radius_cells)
    many = len(spans) * len(half) * n_rows * n_columns
    if many > MOST_CYLINDERS:
        raise InputError(
            f"{many:,} cylinders are more than {MOST_CYLINDERS:,}; take larger cells, a smaller "
            "radius, shorter stretches or the prospective mode"
        )
    windows = np.array(spans, dtype=np.int64)
    expected = expect(sum_along(mean[first:], how.radius_cells), windows, half, n_columns)
    total = float(volume.sum())
    most = how.most_share * total
    expected = leave_out(expected, total=total, most=most)
    return _Field(windows, first, half, expected, total, total - most)


def _permuted(volume: Floats) -> Draw:
    """Return a draw that deals the incidents' steps out anew among their cells."""
    bins = np.repeat(np.arange(volume.size), volume.ravel().astype(np.int64))
    n_cells = volume[0].size
    step, cell = bins // n_cells, bins % n_cells

    def draw(rng: np.random.Generator) -> Floats:
        flat = rng.permutation(step) * n_cells + cell
        return np.bincount(flat, minlength=volume.size).reshape(volume.shape).astype(np.float64)

    return draw


def _scattered(mean: Floats) -> Draw:
    """Return a draw that lets as many incidents fall anywhere in proportion to their mean."""
    upto = np.cumsum(mean.ravel())
    many = round(float(upto[-1]))

    def draw(rng: np.random.Generator) -> Floats:
        flat = np.searchsorted(upto, rng.random(many) * upto[-1], side="right")
        return np.bincount(flat, minlength=mean.size).reshape(mean.shape).astype(np.float64)

    return draw


def _simulate(
    field: _Field, draw: Draw, replicates: int, rng: np.random.Generator, workers: int
) -> Floats:
    def run(own: np.random.Generator) -> float:
        table = field.table(draw(own))
        return float(
            best_of_all(table, field.expected, field.windows, field.half, field.total, field.rest)
        )

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return np.array(list(pool.map(run, rng.spawn(replicates))))


def _rank(ratio: Floats, maxima: Floats) -> Floats:
    """Return the Monte-Carlo p of each ratio among the best ratios of all runs."""
    ordered = np.sort(maxima)
    above = len(ordered) - np.searchsorted(ordered, ratio - 1e-9, side="left")
    return np.where(ratio > 0, (above + 1) / (len(ordered) + 1), 1.0)


def _list(
    lattice: Lattice,
    ratio: Floats,
    window: Ints,
    radius: Ints,
    field: _Field,
    volume: Floats,
    mean: Floats,
    how: ScanParams,
) -> tuple[dict[int, Ints], pd.DataFrame]:
    """Return the cells of the best discs that do not overlap, and what they hold."""
    taken = np.zeros(len(ratio), dtype=np.bool_)
    x, y = cell_centres(lattice)
    members: dict[int, Ints] = {}
    rows: list[dict[str, Any]] = []
    for centre in np.argsort(-ratio, kind="stable"):
        if len(rows) == how.most_clusters or ratio[centre] <= 0:
            break
        reach = float(radius[centre]) * lattice.cell_size_m
        cells = np.flatnonzero(np.hypot(x - x[centre], y - y[centre]) <= reach + 1e-6)
        if taken[cells].any():
            continue
        taken[cells] = True
        members[int(centre)] = cells
        start, end = (int(step) + field.first for step in field.windows[window[centre]])
        flat = lattice.cells[cells]
        observed = float(volume[start:end].reshape(end - start, -1)[:, flat].sum())
        expected = float(mean[start:end].reshape(end - start, -1)[:, flat].sum())
        rows.append(
            {
                "unit_id": int(lattice.cells[centre]),
                "x_m": x[centre],
                "y_m": y[centre],
                "radius_m": reach,
                "first_step": start,
                "last_step": end - 1,
                "n_cells": len(cells),
                "observed": observed,
                "expected": expected,
                "ratio": observed / expected,
                "log_likelihood_ratio": ratio[centre],
            }
        )
    return members, pd.DataFrame(rows, index=list(members), columns=list(COLUMNS[:-2]))


def _recurrence(p: pd.Series, cube: Cube, how: ScanParams) -> pd.Series:
    if how.mode == "retrospective":
        return p * np.nan
    return float(cube.steps.hours.mean()) / 24 / p
