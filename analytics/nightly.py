"""The night's analytics: hotspots, trends, density, and what emerges, changes, breaks out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from analytics.answers import SEED, answer
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.density import DensityParams, find_density
from analytics.emerging import EmergingParams
from analytics.history import last_weeks, long_request, read_first_day
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.latest_changes import LatestParams
from analytics.outlook_store import ForecastParams, store_outlook
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.scan_params import ScanParams
from analytics.store import Origin, write_found, write_result
from analytics.trends import TrendParams, find_trends
from geo.errors import InputError
from geo.lattice.lattice import Contiguity, Lattice, neighbours

SCAN_WEEKS = 8
"""Weeks whose days are scanned: long enough to say what is usual, too short for seasons."""


@dataclass(frozen=True)
class NightlyParams:
    """How a night's results are made.

    Attributes
    ----------
    cell_size_m, contiguity
        The square lattice and what counts as a neighbour on it.
    level
        Level of the areas that get trends of their own; None for none.
    density
        None leaves the surface out.
    emerging, changes, scan
        How places are classed by their history, last week is compared, and outbreaks are looked
        for on cells twice as wide; None leaves each out. Data too few for one leave it out too.
    forecast
        How next week is forecast over the areas of `level`, by the methods that the newest
        backtest chose; None leaves it out, and so do data of single classes.
    seed
        For p-values that must be simulated.
    """

    cell_size_m: float = 100.0
    contiguity: Contiguity = "queen"
    level: str | None = "grid"
    hotspots: HotspotParams = field(default_factory=HotspotParams)
    trends: TrendParams = field(default_factory=TrendParams)
    density: DensityParams | None = field(default_factory=lambda: DensityParams(bandwidth_m=400.0))
    emerging: EmergingParams | None = field(default_factory=EmergingParams)
    changes: LatestParams | None = field(default_factory=LatestParams)
    scan: ScanParams | None = field(default_factory=lambda: ScanParams(radius_cells=5))
    forecast: ForecastParams | None = field(default_factory=ForecastParams)
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.density and self.density.bandwidth_m < self.cell_size_m:
            raise InputError(
                f"a bandwidth of {self.density.bandwidth_m} m is less than one cell of "
                f"{self.cell_size_m} m; widen it or take smaller cells"
            )


@dataclass(frozen=True, eq=False)
class Night:
    """Results and their numbers by name: ``hotspots``, ``trends``, ``density``, ``area_trends``.

    The first three are over the cells of `lattice`. What more was found has a number in `run_ids`
    under the name of its kind: ``emerging``, ``changes``, ``scan``, ``forecast``, and ``backtest``
    if one had to be run first.
    """

    results: Mapping[str, Result]
    run_ids: Mapping[str, int]
    lattice: Lattice


def run_night(
    connection: Connection,
    request: CubeRequest,
    params: NightlyParams | None = None,
    *,
    code_version: str,
) -> Night:
    """Count a jurisdiction's incidents, find hotspots, density and trends, and store them.

    Returns
    -------
    Night
        Trends over cells and, as ``area_trends``, over areas. Nothing is committed.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction, or no area of the level.
    InputError
        The window holds no whole step, or a class is unknown.
    """
    how = params or NightlyParams()
    lattice = read_lattice(connection, request.jurisdiction_id, cell_size_m=how.cell_size_m)
    cube = read_cell_cube(connection, request, lattice)
    near = neighbours(lattice, contiguity=how.contiguity)
    rng = np.random.default_rng(how.seed)
    results = {
        "hotspots": find_hotspots(cube, near, how.hotspots, share=lattice.share, rng=rng),
        "trends": find_trends(cube, how.trends),
    }
    if how.density is not None:
        results["density"] = find_density(cube, lattice, how.density)
    if how.level is not None:
        area_cube, _ = read_area_cube(connection, request, level=how.level)
        results["area_trends"] = find_trends(area_cube, how.trends)
    run_ids = {
        name: write_result(
            connection,
            result,
            Origin(
                request,
                code_version,
                seed=how.seed,
                lattice=lattice if result.units.kind == "cell" else None,
                contiguity=how.contiguity,
                level=how.level if result.units.kind == "area" else None,
            ),
        )
        for name, result in results.items()
    }
    more = {
        kind: write_found(connection, answer(connection, kind, origin, asked), origin)
        for kind, origin, asked in _more(connection, request, how, lattice, code_version)
    }
    ahead = {}
    if how.forecast is not None and how.level is not None and request.classes is None:
        ahead = store_outlook(
            connection, request, how.forecast,
            level=how.level, code_version=code_version, seed=how.seed,
        )  # fmt: skip
    return Night(results=results, run_ids=run_ids | more | ahead, lattice=lattice)


def _more(
    connection: Connection,
    request: CubeRequest,
    how: NightlyParams,
    lattice: Lattice,
    code_version: str,
) -> Iterator[tuple[str, Origin, Any]]:
    """Yield the other questions of the night that the data are enough for."""
    first = read_first_day(connection, request.jurisdiction_id) or request.end
    long = long_request(connection, request)
    if how.emerging is not None and long is not None:
        origin = Origin(
            long, code_version, seed=how.seed, lattice=lattice, contiguity=how.contiguity
        )
        yield "emerging", origin, how.emerging
    if how.changes is not None and how.level is not None:
        recent = last_weeks(request, how.changes.baseline_steps + 3)
        if recent.start >= first:
            weekly = replace(recent, step="week", by_class=True)
            yield "changes", Origin(weekly, code_version, level=how.level), how.changes
    daily = replace(last_weeks(request, SCAN_WEEKS), step="day")
    if how.scan is not None and daily.start >= first:
        number = request.jurisdiction_id
        wide = read_lattice(connection, number, cell_size_m=2 * how.cell_size_m)
        yield "scan", Origin(daily, code_version, seed=how.seed, lattice=wide), how.scan
