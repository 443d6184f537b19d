"""Cubes out of the database: counted there, filled into arrays here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics import queries
from analytics.contiguity import touching
from analytics.cube import Cube, Units
from analytics.cube_days import read_days
from analytics.cube_fill import Tally, empty_counts, fill_parts, fill_whole
from analytics.cube_keys import AT_ONCE, REASONS, Columns, Counted, Ground, placed, unpack
from analytics.cube_layers import name_layers, name_lost
from analytics.cube_queries import Counting, count_by_area, count_by_cell
from analytics.fetch import fetch, fetch_columns
from analytics.hotspots import Neighbours
from analytics.queries import CubeRequest
from analytics.steps import Steps, make_steps
from geo.crs.systems import convert_geometries
from geo.errors import CrsError, InputError, NotFoundError
from geo.lattice.frame import Kind
from geo.lattice.lattice import Lattice, make_lattice

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DAYS_AT_ONCE = 92
"""How much of a window is read at a time, which bounds the memory that the server takes."""


def read_lattice(
    connection: Connection, jurisdiction_id: int, *, cell_size_m: float, kind: Kind = "square"
) -> Lattice:
    """Lay square or hexagonal cells over a jurisdiction's boundary in its metric CRS.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction.
    """
    place = read_jurisdiction(connection, jurisdiction_id)
    boundary = np.array([shapely.from_wkb(bytes(place["boundary"]))], dtype=object)
    metric = convert_geometries(boundary, crs="wgs84", to=place["metric_srid"])[0]
    return make_lattice(metric, cell_size_m=cell_size_m, srid=place["metric_srid"], kind=kind)


def read_cell_cube(connection: Connection, request: CubeRequest, lattice: Lattice) -> Cube:
    """Count a jurisdiction's incidents on a lattice of squares or hexagons.

    Returns
    -------
    Cube
        Units are the lattice's active cells in their order, with exposure ``area_km2``. Only
        sources that occur have a layer.

    Raises
    ------
    CrsError
        The lattice lies in another CRS than the jurisdiction's stored coordinates.
    InputError
        A class is unknown.
    NotFoundError
        There is no such jurisdiction.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    check_frame(lattice, place)
    counting, known = prepare(connection, request, place)
    units, where = cell_units(lattice), lattice.position_of.astype(np.int64)
    return make_cube(
        connection, counting, known, units, frame=lattice, locate=lambda cells: where[cells]
    )


def check_frame(lattice: Lattice, place: Mapping[str, Any]) -> None:
    """Refuse a lattice that lies in another CRS than a jurisdiction's stored coordinates.

    Raises
    ------
    CrsError
        Says which two.
    """
    if lattice.srid != place["metric_srid"]:
        raise CrsError(
            f"the lattice lies in EPSG:{lattice.srid}, the incidents in "
            f"EPSG:{place['metric_srid']}; make the lattice with read_lattice"
        )


def cell_units(lattice: Lattice) -> Units:
    """Return the active cells of a lattice with exposure ``area_km2``."""
    area_km2 = lattice.share * lattice.cell_area_m2 / 1e6
    return Units("cell", lattice.cells, MappingProxyType({"area_km2": area_km2}))


def read_area_cube(
    connection: Connection, request: CubeRequest, *, level: str = "grid"
) -> tuple[Cube, Neighbours]:
    """Count a jurisdiction's incidents in its areas of one level.

    The areas are those valid on the last day of the window. An incident keeps the grid of its
    own time; above grids it is counted in the area that this grid belongs to.

    Returns
    -------
    tuple
        The cube, with exposure ``area_km2`` and ``households`` (NaN where unknown), and which of
        its areas touch.

    Raises
    ------
    InputError
        A class is unknown.
    NotFoundError
        There is no such jurisdiction, or it has no area of that level.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    counting, known = prepare(connection, request, place)
    last_day = (counting.steps.window[1] - pd.Timedelta(1, "us")).date()
    areas = _read_areas(connection, request.jurisdiction_id, level=level, day=last_day)
    units = _area_units(areas)
    unit_of = units_of_areas(connection, request.jurisdiction_id, level=level)
    where = np.full(max([0, *unit_of.index]) + 1, -1, dtype=np.int64)
    where[unit_of.index.to_numpy(dtype=np.int64)] = units.locate(unit_of)
    polygons = convert_geometries(
        shapely.from_wkb(areas["geom"].map(bytes).to_numpy(dtype=object)),
        crs="wgs84",
        to=place["metric_srid"],
    )
    cube = make_cube(
        connection,
        counting,
        known,
        units,
        frame=None,
        locate=lambda ids: where[np.where(ids < len(where), ids, 0)],
    )
    return cube, touching(polygons)


def prepare(
    connection: Connection, request: CubeRequest, place: Mapping[str, Any]
) -> tuple[Counting, pd.DataFrame]:
    """Return what to count, and scheme and code by category_id."""
    steps = make_steps(request.start, request.end, step=request.step, time_zone=place["time_zone"])
    known = _read_classes(connection, request.classes)
    feeds = fetch(connection, queries.select_feeds(request.jurisdiction_id))["feed_id"]
    counting = Counting(request, steps, tuple(feeds.tolist()), tuple(known.index.tolist()))
    return counting, known


def read_jurisdiction(connection: Connection, jurisdiction_id: int) -> Mapping[str, Any]:
    """Return zone, metric SRID and boundary of a jurisdiction.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction.
    """
    query = queries.select_jurisdiction(jurisdiction_id)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"there is no jurisdiction {jurisdiction_id}; import one first")
    return dict(found)


def _read_classes(connection: Connection, wanted: Sequence[str] | None) -> pd.DataFrame:
    """Return scheme and code by category_id, of all or the wanted classes."""
    known = fetch(connection, queries.select_categories()).set_index("category_id")
    if wanted is None:
        return known
    full = known["scheme"] + "/" + known["code"]
    missing = [name for name in wanted if name not in {*known["code"], *full}]
    if missing:
        raise InputError(f"class {missing[0]!r} is in no category scheme; import its scheme first")
    return known[known["code"].isin(wanted) | full.isin(wanted)]


def count(connection: Connection, counting: Counting, frame: Ground | None) -> Counted:
    """Place a request's incidents on a lattice, or in areas, and unpack what comes."""
    found = fetch_counts(connection, counting, frame)
    return unpack(found, counting.plan(frame), counting.steps, frame)


def fetch_counts(connection: Connection, counting: Counting, frame: Ground | None) -> Columns:
    """Place a request's incidents out of their days' packed columns, the others one by one.

    The others are those of days that changed and were not packed since; the server places them,
    by several processes if it has them.
    """
    packed, rest = read_days(connection, counting, frame)
    if not rest:
        return packed
    if frame is None:
        query = count_by_area(counting, stretches=rest)
    else:
        query = count_by_cell(counting, frame, stretches=rest)
    found = fetch_columns(connection, query)
    return {name: np.concatenate([column, found[name]]) for name, column in packed.items()}


def make_cube(
    connection: Connection,
    counting: Counting,
    known: pd.DataFrame,
    units: Units,
    *,
    frame: Ground | None,
    locate: Callable[[Ints], Ints],
) -> Cube:
    """Count a request's incidents into a cube, some months and then some rows at a time.

    `locate` gives the rows of flat cells, segments or area_ids among the units, -1 for none.
    """
    found = [
        placed(
            fetch_counts(connection, replace(counting, within=span, reaching=i == 0), frame), frame
        )
        for i, span in enumerate(spans_at_once(counting.steps))
    ]
    occurs = np.zeros((counting.n_kinds, len(counting.request.found_by)), dtype=np.int64)
    lost, any_spread = np.zeros(len(REASONS), dtype=np.int64), False
    for counted, groups in _some_at_a_time(found, counting, frame, locate):
        lost += counted.lost.sum(axis=0)
        lost[REASONS.index("no_unit")] += len(counted.tally) - len(groups)
        place = groups.kind * occurs.shape[1] + groups.source
        occurs += np.bincount(place, minlength=occurs.size).reshape(occurs.shape)
        any_spread |= bool((groups.begin < groups.end).any())
    kinds, sources = (np.flatnonzero(occurs.sum(axis=axis)) for axis in (1, 0))
    layers = name_layers(kinds, sources, counting, known)
    shape = (len(units), len(counting.steps), len(layers.classes), len(layers.found_by))
    counts = empty_counts(shape, np.float64 if any_spread else np.uint32)
    parts = [
        fill_whole(counts, layers.place(groups))
        for _, groups in _some_at_a_time(found, counting, frame, locate)
    ]
    outside = fill_parts(counts, parts, counting.steps)
    left_out = name_lost(lost, outside, counting)
    return Cube(counts, units, counting.steps, layers.classes, layers.found_by, left_out)


def _some_at_a_time(
    found: Sequence[Columns],
    counting: Counting,
    frame: Ground | None,
    locate: Callable[[Ints], Ints],
) -> Iterator[tuple[Counted, Tally]]:
    """Yield what was read, and those of it that lie in a unit, by row of the cube."""
    plan = counting.plan(frame)
    for months in found:
        for first in range(0, len(months["key"]), AT_ONCE):
            some = {name: column[first : first + AT_ONCE] for name, column in months.items()}
            counted = unpack(some, plan, counting.steps, frame)
            rows = locate(counted.tally.unit)
            groups = replace(counted.tally, unit=rows)
            inside = rows >= 0
            yield counted, groups if inside.all() else groups.take(inside)


def spans_at_once(steps: Steps) -> list[tuple[int, int]]:
    """Cut a window into spans between its edges, each of about `DAYS_AT_ONCE`."""
    edges = steps.edges
    days = (edges - edges[0]) / np.timedelta64(1, "D")
    cuts = np.flatnonzero(np.diff(days // DAYS_AT_ONCE) > 0) + 1
    return list(pairwise(sorted({0, *cuts.tolist(), len(edges) - 1})))


def _read_areas(
    connection: Connection, jurisdiction_id: int, *, level: str, day: date
) -> pd.DataFrame:
    areas = fetch(connection, queries.select_areas(jurisdiction_id, level=level, day=day))
    if areas.empty:
        raise NotFoundError(f"no area of level {level!r} is valid on {day}; import areas first")
    return areas


def _area_units(areas: pd.DataFrame) -> Units:
    exposure = {
        name: pd.to_numeric(areas[name]).to_numpy(dtype=np.float64)
        for name in ("area_km2", "households")
    }
    return Units("area", areas["area_id"].to_numpy(dtype=np.int64), MappingProxyType(exposure))


def units_of_areas(connection: Connection, jurisdiction_id: int, *, level: str) -> pd.Series:
    """Return the area_id of a level by the area_id of each area that lies in one."""
    found = fetch(connection, queries.select_units_of_areas(jurisdiction_id, level=level))
    return found.set_index("area_id")["unit"]
