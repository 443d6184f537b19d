"""Cubes out of the database: counted there, filled into arrays here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, TextClause

from analytics import queries
from analytics.contiguity import touching
from analytics.cube import Cube, Units, count_into
from analytics.hotspots import Neighbours
from analytics.queries import NO_UNIT, OTHER_CLASS, OTHER_SOURCE, CubeRequest
from analytics.steps import Steps, make_steps
from geo.crs import convert_geometries
from geo.errors import CrsError, InputError, NotFoundError
from geo.lattice import Lattice, make_lattice

ALL = "all"
_REASONS = {"no_unit": NO_UNIT, "other_class": OTHER_CLASS, "other_source": OTHER_SOURCE}


def read_lattice(connection: Connection, jurisdiction_id: int, *, cell_size_m: float) -> Lattice:
    """Lay square cells over a jurisdiction's boundary in its metric CRS.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction.
    """
    place = _jurisdiction(connection, jurisdiction_id)
    boundary = np.array([shapely.from_wkb(bytes(place["boundary"]))], dtype=object)
    metric = convert_geometries(boundary, crs="wgs84", to=place["metric_srid"])[0]
    return make_lattice(metric, cell_size_m=cell_size_m, srid=place["metric_srid"])


def read_cell_cube(connection: Connection, request: CubeRequest, lattice: Lattice) -> Cube:
    """Count a jurisdiction's incidents on a square lattice.

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
        A class is unknown, or the lattice is hexagonal.
    NotFoundError
        There is no such jurisdiction.
    """
    place = _jurisdiction(connection, request.jurisdiction_id)
    if lattice.srid != place["metric_srid"]:
        raise CrsError(
            f"the lattice lies in EPSG:{lattice.srid}, the incidents in "
            f"EPSG:{place['metric_srid']}; make the lattice with read_lattice"
        )
    steps = _steps(request, place)
    known = _read_classes(connection, request.classes)
    query = queries.count_by_cell(request, steps, lattice, _ids(request, known))
    area_km2 = lattice.share * lattice.cell_area_m2 / 1e6
    units = Units("cell", lattice.cells, MappingProxyType({"area_km2": area_km2}))
    table = fetch(connection, query)
    where = table["unit"].to_numpy(dtype=np.int64)
    rows = np.where(where >= 0, lattice.position_of[np.maximum(where, 0)], where)
    return _fill(table, rows.astype(np.int64), units, steps, request, known)


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
    place = _jurisdiction(connection, request.jurisdiction_id)
    steps = _steps(request, place)
    last_day = (steps.window[1] - pd.Timedelta(1, "us")).date()
    areas = _read_areas(connection, request.jurisdiction_id, level=level, day=last_day)
    known = _read_classes(connection, request.classes)
    units = _area_units(areas)
    table = fetch(connection, queries.count_by_area(request, steps, _ids(request, known)))
    unit_of = _units_of_areas(connection, request.jurisdiction_id, level=level)
    where = table["unit"].to_numpy(dtype=np.int64)
    rows = np.where(where >= 0, units.locate(unit_of.reindex(where).fillna(-1)), where)
    polygons = convert_geometries(
        shapely.from_wkb(areas["geom"].map(bytes).to_numpy(dtype=object)),
        crs="wgs84",
        to=place["metric_srid"],
    )
    return _fill(table, rows, units, steps, request, known), touching(polygons)


def fetch(connection: Connection, query: Select[*tuple[Any, ...]] | TextClause) -> pd.DataFrame:
    """Run a query and return its rows as a frame."""
    found = connection.execute(query)
    columns = list(found.keys())
    return pd.DataFrame(found.all(), columns=columns)


def _jurisdiction(connection: Connection, jurisdiction_id: int) -> Mapping[str, Any]:
    query = queries.select_jurisdiction(jurisdiction_id)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"there is no jurisdiction {jurisdiction_id}; import one first")
    return dict(found)


def _steps(request: CubeRequest, place: Mapping[str, Any]) -> Steps:
    return make_steps(request.start, request.end, step=request.step, time_zone=place["time_zone"])


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


def _ids(request: CubeRequest, known: pd.DataFrame) -> list[int] | None:
    return None if request.classes is None else [int(number) for number in known.index]


def _name_classes(kinds: pd.Series, known: pd.DataFrame) -> pd.Series:
    """Return the name of each category_id: its code, with the scheme where two schemes share it."""
    used = known.loc[kinds.unique()]
    shared = used.groupby("code")["scheme"].transform("nunique") > 1
    return kinds.map(used["code"].where(~shared, used["scheme"] + "/" + used["code"]))


def _fill(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    units: Units,
    steps: Steps,
    request: CubeRequest,
    known: pd.DataFrame,
) -> Cube:
    kept = rows >= 0
    counted = table[kept]
    sources = [name for name in request.found_by if name in set(counted["source"])]
    found_by = tuple(sources or request.found_by[:1])
    if request.by_class:
        kinds = _name_classes(counted["kind"], known)
        classes = tuple(dict.fromkeys([*(request.classes or ()), *sorted(kinds.unique())]))
    else:
        kinds, classes = pd.Series(ALL, counted.index), (ALL,)
    index = [
        rows[kept],
        counted["step"].to_numpy(dtype=np.int64),
        pd.Index(classes).get_indexer(pd.Index(kinds)).astype(np.int64),
        pd.Index(found_by).get_indexer(pd.Index(counted["source"])).astype(np.int64),
    ]
    shape = (len(units), len(steps), len(classes), len(found_by))
    counts = count_into(shape, index, counted["n"].to_numpy(dtype=np.int64))
    left_out = {name: int(table["n"][rows == code].sum()) for name, code in _REASONS.items()}
    return Cube(counts, units, steps, classes, found_by, MappingProxyType(left_out))


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


def _units_of_areas(connection: Connection, jurisdiction_id: int, *, level: str) -> pd.Series:
    found = fetch(connection, queries.select_units_of_areas(jurisdiction_id, level=level))
    return found.set_index("area_id")["unit"]
