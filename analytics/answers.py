"""One question to the stored incidents, answered: counted, computed, in the shape for storing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.adjusted_trends import AdjustedTrendParams, find_adjusted_trends
from analytics.area_rates import RateParams, find_rates
from analytics.backtest_design import BacktestDesign
from analytics.backtest_store import ask_backtest
from analytics.bias.listing import EquityParams, list_equity
from analytics.cell_association import AssociationParams, find_association
from analytics.change_rows import list_changes
from analytics.cluster_zones import ClusterParams, find_cluster_zones
from analytics.contiguity import nearest, sharing_sides, within_distance
from analytics.cube import Cube
from analytics.cube_choice import read_ground_cube
from analytics.cube_store import read_area_cube, read_cell_cube, units_of_areas
from analytics.delay import recent_completeness
from analytics.delay_store import read_delay_triangle
from analytics.density import DensityParams, find_density
from analytics.effect import EffectParams, find_effect
from analytics.emerging import EmergingParams, find_emerging
from analytics.emerging_words import history
from analytics.exposure_store import read_area_shapes, read_exposure
from analytics.fetch import fetch
from analytics.hot_streets import StreetParams, find_hot_streets
from analytics.hotspots import HotspotParams, Neighbours, find_hotspots
from analytics.join_rows import JoinParams, list_joins
from analytics.latest_changes import LatestParams
from analytics.listing import Listing
from analytics.outlook import OutlookParams
from analytics.outlook_store import ask_outlook
from analytics.point_store import read_points
from analytics.profile_rows import ProfileParams, list_profile
from analytics.queries import select_area_codes
from analytics.repeat_bands import RepeatParams, find_repeat_bands
from analytics.results import Result
from analytics.scan_null import Tell
from analytics.scan_params import ScanParams
from analytics.scan_zones import find_scan_zones
from analytics.store import Origin
from analytics.trends import TrendParams, find_trends
from geo.errors import InputError
from geo.lattice.lattice import Lattice, cell_centres, neighbours
from geo.network.streets import segment_neighbours, snap_points

SEED = 20_260_101
"""Of the generator, where nobody asks for another."""
Found = Result | Listing
Ask = Callable[[Connection, Origin, Any], Found]


def answer(
    connection: Connection,
    kind: str,
    origin: Origin,
    params: Any,
    *,
    tell: Tell = lambda stage: None,
) -> Found:
    """Answer one question to the incidents as they are now; nothing is written.

    Parameters
    ----------
    kind
        A key of `ASKED`.
    origin
        What is counted, on which lattice or level, and the seed.
    params
        An instance of one of the kind's parameter classes in `ASKED`.
    tell
        Told how far a scan is; other kinds take seconds and say nothing.

    Raises
    ------
    InputError
        The kind is unknown, does not fit the units, or the data do not allow it.
    NotFoundError
        There is no such jurisdiction, or no area of the level.
    """
    if kind not in ASKED:
        raise InputError(f"this version of Gridbeat knows no {kind!r}; it knows {', '.join(ASKED)}")
    if kind == "scan":
        return _scan(connection, origin, params, tell=tell)
    return ASKED[kind][1](connection, origin, params)


def read_cube(connection: Connection, origin: Origin) -> tuple[Cube, Neighbours, Lattice | None]:
    """Count what `origin` says: on its lattice, its streets, or in the areas of its level."""
    if origin.lattice is not None:
        near = neighbours(origin.lattice, contiguity=origin.contiguity)
        cube = read_ground_cube(connection, origin.request, origin.lattice)
        return cube, near, origin.lattice
    if origin.streets is not None:
        cube = read_ground_cube(connection, origin.request, origin.streets)
        return cube, segment_neighbours(origin.streets), None
    if origin.level is None:
        raise InputError("say where to count: on a lattice, on streets, or in areas of a level")
    cube, near = read_area_cube(connection, origin.request, level=origin.level)
    return cube, near, None


def _rng(origin: Origin) -> np.random.Generator | None:
    return None if origin.seed is None else np.random.default_rng(origin.seed)


def _drawn(origin: Origin) -> np.random.Generator:
    return np.random.default_rng(SEED if origin.seed is None else origin.seed)


def _hotspots(connection: Connection, origin: Origin, params: HotspotParams) -> Found:
    cube, near, lattice = read_cube(connection, origin)
    if params.near != "touching":
        near = _neighbours(connection, origin, cube, params)
    share = None if lattice is None else lattice.share
    return find_hotspots(cube, near, params, share=share, rng=_rng(origin))


def _neighbours(
    connection: Connection, origin: Origin, cube: Cube, params: HotspotParams
) -> Neighbours:
    """Return the neighbours that are asked for, where they are not those that touch."""
    if params.near == "rook":
        if origin.lattice is not None:
            return neighbours(origin.lattice, contiguity="rook")
        if origin.streets is not None:
            raise InputError("streets have no sides: take touching, distance or nearest")
        return sharing_sides(read_area_shapes(connection, cube, origin.request.jurisdiction_id))
    if origin.lattice is not None:
        x, y = cell_centres(origin.lattice)
    elif origin.streets is not None:
        x, y = origin.streets.middles
    else:
        shapes = read_area_shapes(connection, cube, origin.request.jurisdiction_id)
        middle = shapely.centroid(shapes)
        x, y = shapely.get_x(middle), shapely.get_y(middle)
    if params.near_m is not None:
        return within_distance(x, y, distance_m=params.near_m)
    return nearest(x, y, k=params.near_k or 1)


def _trends(
    connection: Connection, origin: Origin, params: TrendParams | AdjustedTrendParams
) -> Found:
    cube, _, _ = read_cube(connection, origin)
    if isinstance(params, AdjustedTrendParams):
        return find_adjusted_trends(cube, params)
    return find_trends(cube, params)


def _density(connection: Connection, origin: Origin, params: DensityParams) -> Found:
    cube, _, lattice = read_cube(connection, origin)
    if lattice is None:
        raise InputError("density is a surface over cells, not over areas")
    return find_density(cube, lattice, params)


def _emerging(connection: Connection, origin: Origin, params: EmergingParams) -> Found:
    cube, near, _ = read_cube(connection, origin)
    found = find_emerging(cube, near, params)
    return replace(found.result, details=history(found).drop(columns=["unit_id", "label"]))


def _association(connection: Connection, origin: Origin, params: AssociationParams) -> Found:
    cube, near, _ = read_cube(connection, origin)
    return find_association(cube, near, params, rng=_rng(origin))


def _joins(connection: Connection, origin: Origin, params: JoinParams) -> Found:
    cube, near, _ = read_cube(connection, origin)
    return list_joins(cube, near, params)


def _profile(connection: Connection, origin: Origin, params: ProfileParams) -> Found:
    cube, _, _ = read_cube(connection, origin)
    return list_profile(cube, params)


def _rates(connection: Connection, origin: Origin, params: RateParams) -> Found:
    cube, _, lattice = read_cube(connection, origin)
    if params.per not in cube.units.exposure:
        number = origin.request.jurisdiction_id
        cube = read_exposure(connection, cube, jurisdiction_id=number, lattice=lattice)
    return find_rates(cube, params)


def _changes(connection: Connection, origin: Origin, params: LatestParams) -> Found:
    cube, _, _ = read_cube(connection, origin)
    triangle = read_delay_triangle(connection, origin.request)
    complete = None if triangle is None else recent_completeness(triangle)
    return list_changes(cube, params, complete=complete)


def _streets(connection: Connection, origin: Origin, params: StreetParams) -> Found:
    if origin.streets is None:
        raise InputError("hot streets are looked for on street segments, not cells or areas")
    cube, near, _ = read_cube(connection, origin)
    points = read_points(connection, origin.request)
    snapped = snap_points(origin.streets, points.x, points.y)
    return find_hot_streets(cube, origin.streets, near, snapped, params, rng=_drawn(origin))


def _clusters(connection: Connection, origin: Origin, params: ClusterParams) -> Found:
    return find_cluster_zones(read_points(connection, origin.request), params)


def _scan(
    connection: Connection,
    origin: Origin,
    params: ScanParams,
    *,
    tell: Tell = lambda stage: None,
) -> Found:
    cube, _, lattice = read_cube(connection, origin)
    if lattice is None:
        raise InputError("the scan looks at cells of a lattice, not at areas")
    baseline = None
    if params.model == "poisson":
        baseline = _earlier(connection, origin, lattice, params)
    return find_scan_zones(
        cube, lattice, params, baseline=baseline, rng=_drawn(origin),
        workers=os.cpu_count() or 1, tell=tell,
    )  # fmt: skip


def _earlier(
    connection: Connection, origin: Origin, lattice: Lattice, params: ScanParams
) -> NDArray[np.float64]:
    """Return what was usual: the counts of a year before the window, and a little everywhere."""
    request = origin.request
    start = request.start.replace(year=request.start.year - 1, day=min(request.start.day, 28))
    before = replace(request, start=start, end=request.start)
    cube = read_cell_cube(connection, before, lattice)
    totals = cube.totals(classes=params.classes, found_by=params.found_by)
    return np.asarray(totals + 0.5, dtype=np.float64)


def _repeats(connection: Connection, origin: Origin, params: RepeatParams) -> Found:
    points = read_points(connection, origin.request)
    return find_repeat_bands(points, params, rng=_drawn(origin))


def _effect(connection: Connection, origin: Origin, params: EffectParams) -> Found:
    cube, _, _ = read_cube(connection, origin)
    return find_effect(cube, read_codes(connection, cube).tolist(), params)


def _bias(connection: Connection, origin: Origin, params: EquityParams) -> Found:
    cube, _, _ = read_cube(connection, origin)
    above = units_of_areas(connection, origin.request.jurisdiction_id, level="community")
    community = above.reindex(cube.units.ids)
    if community.isna().any():
        raise InputError("a grid lies in no community; import communities, or name them as parents")
    codes = read_codes(connection, cube)
    return list_equity(cube, codes, community.to_numpy(dtype=np.int64), params)


def read_codes(connection: Connection, cube: Cube) -> NDArray[np.object_]:
    """Return the code of each area of a cube, ``(n_units,)``."""
    rows = fetch(connection, select_area_codes(cube.units.ids.tolist()))
    return np.asarray(rows.set_index("area_id")["code"].reindex(cube.units.ids), dtype=object)


ASKED: Mapping[str, tuple[tuple[type[Any], ...], Ask]] = MappingProxyType(
    {
        "hotspots": ((HotspotParams,), _hotspots),
        "trends": ((TrendParams, AdjustedTrendParams), _trends),
        "density": ((DensityParams,), _density),
        "emerging": ((EmergingParams,), _emerging),
        "association": ((AssociationParams,), _association),
        "joins": ((JoinParams,), _joins),
        "profile": ((ProfileParams,), _profile),
        "rates": ((RateParams,), _rates),
        "changes": ((LatestParams,), _changes),
        "streets": ((StreetParams,), _streets),
        "clusters": ((ClusterParams,), _clusters),
        "scan": ((ScanParams,), _scan),
        "near_repeat": ((RepeatParams,), _repeats),
        "effect": ((EffectParams,), _effect),
        "bias": ((EquityParams,), _bias),
        "backtest": ((BacktestDesign,), ask_backtest),
        "forecast": ((OutlookParams,), ask_outlook),
    }
)
"""What can be asked: the classes of parameters, and what answers."""
