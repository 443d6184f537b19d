"""Cubes out of the database: counted there, filled into arrays here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, TextClause, func, select

from analytics import queries
from analytics.contiguity import touching
from analytics.cube import Cube, Units, count_into
from analytics.hotspots import Neighbours
from analytics.queries import NO_UNIT, OTHER_CLASS, OTHER_SOURCE, CubeRequest, KeyPlan, Query
from analytics.steps import Steps, make_steps
from geo.crs.systems import convert_geometries
from geo.errors import CrsError, InputError, NotFoundError
from geo.lattice.lattice import Lattice, make_lattice

ALL = "all"
Ints = NDArray[np.int64]
ARRAY_HEADER = 20
"""Bytes before the items: dimensions, flags, type, length, lower bound; four each."""
_ITEM = np.dtype([("bytes", ">i4"), ("value", ">i8")])
_REASONS = {"no_unit": NO_UNIT, "other_class": OTHER_CLASS, "other_source": OTHER_SOURCE}


@dataclass(frozen=True, eq=False)
class _Tally:
    """How often each unit, step, category and source occurs, and what was left out by code."""

    unit: Ints
    step: Ints
    kind: Ints
    source: Ints
    n: Ints
    lost: Mapping[int, int]


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
    query, plan = queries.count_by_cell(request, steps, lattice, known.index.tolist())
    area_km2 = lattice.share * lattice.cell_area_m2 / 1e6
    units = Units("cell", lattice.cells, MappingProxyType({"area_km2": area_km2}))
    tally = _tally(connection, query, plan)
    rows = lattice.position_of[tally.unit].astype(np.int64)
    return _fill(tally, rows, units, steps, request, known)


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
    tally = _tally(connection, *queries.count_by_area(request, steps, known.index.tolist()))
    unit_of = _units_of_areas(connection, request.jurisdiction_id, level=level)
    rows = units.locate(unit_of.reindex(tally.unit).fillna(-1).to_numpy(dtype=np.int64))
    polygons = convert_geometries(
        shapely.from_wkb(areas["geom"].map(bytes).to_numpy(dtype=object)),
        crs="wgs84",
        to=place["metric_srid"],
    )
    return _fill(tally, rows, units, steps, request, known), touching(polygons)


def fetch(connection: Connection, query: Query | TextClause) -> pd.DataFrame:
    """Run a query and return its rows as a frame."""
    found = connection.execute(query)
    columns = list(found.keys())
    return pd.DataFrame(found.all(), columns=columns)


def fetch_pairs(connection: Connection, query: Query) -> tuple[Ints, Ints]:
    """Run a query for two bigint columns, ``key`` and ``n``, without NULLs; each ``(n_rows,)``.

    The rows come as two arrays in the server's binary form, which NumPy reads as they are: a
    cursor would make, and COPY would send, each of perhaps millions of rows one by one.
    """
    pairs = query.subquery()
    arrays = select(func.array_agg(pairs.c["key"]), func.array_agg(pairs.c["n"]))
    compiled = arrays.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor(binary=True) as cursor:
        cursor.execute(str(compiled).encode(), compiled.params)
        assert cursor.pgresult is not None
        keys, counts = (cursor.pgresult.get_value(0, column) for column in (0, 1))
    return _read_array(keys), _read_array(counts)


def _read_array(data: bytes | None) -> Ints:
    """Read PostgreSQL's binary form of a one-dimensional bigint array; NULL is empty."""
    if data is None:
        return np.empty(0, dtype=np.int64)
    return np.frombuffer(data, dtype=_ITEM, offset=ARRAY_HEADER)["value"].astype(np.int64)


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


def _name_classes(used: Ints, known: pd.DataFrame) -> dict[int, str]:
    """Name category_ids: by code, with the scheme before it where two schemes share the code."""
    rows = known.loc[np.unique(used)]
    shared = rows.groupby("code")["scheme"].transform("nunique") > 1
    names = rows["code"].where(~shared, rows["scheme"] + "/" + rows["code"])
    return dict(zip(names.index.tolist(), names.tolist(), strict=True))


def _tally(connection: Connection, query: Query, plan: KeyPlan) -> _Tally:
    keys, counts = fetch_pairs(connection, query)
    kept = keys >= 0
    lost = dict(zip(keys[~kept].tolist(), counts[~kept].tolist(), strict=True))
    return _Tally(*plan.unpack(keys[kept]), counts[kept], lost)


def _fill(
    tally: _Tally,
    rows: Ints,
    units: Units,
    steps: Steps,
    request: CubeRequest,
    known: pd.DataFrame,
) -> Cube:
    placed = rows >= 0
    layers = np.unique(tally.source[placed]) if placed.any() else np.array([0])
    if request.by_class:
        names = _name_classes(tally.kind[placed], known)
        classes = tuple(dict.fromkeys([*(request.classes or ()), *sorted(set(names.values()))]))
        row_of = pd.Series({number: classes.index(name) for number, name in names.items()})
        kinds = row_of.reindex(tally.kind[placed]).to_numpy().astype(np.int64)
    else:
        classes, kinds = (ALL,), tally.kind[placed]
    layer = np.searchsorted(layers, tally.source[placed]).astype(np.int64)
    index: list[Ints] = [rows[placed], tally.step[placed], kinds, layer]
    shape = (len(units), len(steps), len(classes), len(layers))
    counts = count_into(shape, index, tally.n[placed])
    left_out = {reason: tally.lost.get(code, 0) for reason, code in _REASONS.items()}
    left_out["no_unit"] += int(tally.n[~placed].sum())
    found_by = tuple(request.found_by[layer] for layer in layers)
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
