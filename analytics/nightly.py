"""The night's analytics: count once, then hotspots, density and trends, all stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.density import DensityParams, find_density
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.store import Origin, write_result
from analytics.trends import TrendParams, find_trends
from geo.errors import InputError
from geo.lattice.lattice import Contiguity, Lattice, neighbours


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
    seed
        For p-values that must be simulated.
    """

    cell_size_m: float = 100.0
    contiguity: Contiguity = "queen"
    level: str | None = "grid"
    hotspots: HotspotParams = field(default_factory=HotspotParams)
    trends: TrendParams = field(default_factory=TrendParams)
    density: DensityParams | None = field(default_factory=lambda: DensityParams(bandwidth_m=400.0))
    seed: int = 20_260_101

    def __post_init__(self) -> None:
        if self.density and self.density.bandwidth_m < self.cell_size_m:
            raise InputError(
                f"a bandwidth of {self.density.bandwidth_m} m is less than one cell of "
                f"{self.cell_size_m} m; widen it or take smaller cells"
            )


@dataclass(frozen=True, eq=False)
class Night:
    """Results and their numbers by name: ``hotspots``, ``trends``, ``density``, ``area_trends``.

    The first three are over the cells of `lattice`.
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
    return Night(results=results, run_ids=run_ids, lattice=lattice)
