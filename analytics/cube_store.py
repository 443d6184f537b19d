"""Cubes out of the database: counted there, filled into arrays here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, TextClause, func, select, text

from analytics import queries
from analytics.contiguity import touching
from analytics.cube import Cube, Units
from analytics.cube_fill import Tally, fill
from analytics.cube_queries import REASONS, Counting, count_by_area, count_by_cell
from analytics.hotspots import Neighbours
from analytics.queries import CubeRequest, Query
from analytics.steps import make_steps
from geo.crs.systems import convert_geometries
from geo.errors import CrsError, InputError, NotFoundError
from geo.lattice.frame import Kind
from geo.lattice.lattice import Lattice, make_lattice

ALL = "all"
WORK_MEM = "256MB"
"""Room for the groups of one counting; beyond it PostgreSQL goes on in files."""
Ints = NDArray[np.int64]
ARRAY_HEADER = 20
"""Bytes before the items: dimensions, flags, type, length, lower bound; four each."""
_ITEMS = {
    20: np.dtype([("bytes", ">i4"), ("value", ">i8")]),
    23: np.dtype([("bytes", ">i4"), ("value", ">i4")]),
}
"""How bigint and integer lie in an array, by the number of the type."""


@dataclass(frozen=True, eq=False)
class Counted:
    """What the database counted, before it is given rows along the axes of a cube.

    Attributes
    ----------
    tally
        Groups by the database's numbers: flat cell or area_id, step, category_id, source.
    lost_step, lost_reason, lost
        How many incidents were left out, by span of the step edges and place in `REASONS`.
    """

    tally: Tally
    lost_step: Ints
    lost_reason: Ints
    lost: Ints


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
    counted = count(connection, counting, count_by_cell(counting, lattice))
    rows = lattice.position_of[counted.tally.unit].astype(np.int64)
    return make_cube(counted, rows, cell_units(lattice), counting, known)


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
    counted = count(connection, counting, count_by_area(counting))
    unit_of = units_of_areas(connection, request.jurisdiction_id, level=level)
    rows = units.locate(unit_of.reindex(counted.tally.unit).fillna(-1).to_numpy(dtype=np.int64))
    polygons = convert_geometries(
        shapely.from_wkb(areas["geom"].map(bytes).to_numpy(dtype=object)),
        crs="wgs84",
        to=place["metric_srid"],
    )
    return make_cube(counted, rows, units, counting, known), touching(polygons)


def prepare(
    connection: Connection, request: CubeRequest, place: Mapping[str, Any]
) -> tuple[Counting, pd.DataFrame]:
    """Return what to count, and scheme and code by category_id."""
    steps = make_steps(request.start, request.end, step=request.step, time_zone=place["time_zone"])
    known = _read_classes(connection, request.classes)
    feeds = fetch(connection, queries.select_feeds(request.jurisdiction_id))["feed_id"]
    counting = Counting(request, steps, tuple(feeds.tolist()), tuple(known.index.tolist()))
    return counting, known


def fetch(connection: Connection, query: Query | TextClause) -> pd.DataFrame:
    """Run a query and return its rows as a frame."""
    found = connection.execute(query)
    columns = list(found.keys())
    return pd.DataFrame(found.all(), columns=columns)


def fetch_columns(connection: Connection, query: Query) -> dict[str, Ints]:
    """Run a query for integer columns; each by name, without its NULLs.

    The rows come as arrays in the server's binary form, which NumPy reads as they are: a
    cursor would make, and COPY would send, each of perhaps millions of rows one by one.
    """
    rows = query.subquery()
    arrays = select(*(func.array_agg(item).filter(item.is_not(None)) for item in rows.c))
    compiled = arrays.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor(binary=True) as cursor:
        cursor.execute(str(compiled).encode(), compiled.params)
        result = cursor.pgresult
        assert result is not None
        return {
            name: _read_array(result.get_value(0, place))
            for place, name in enumerate(rows.c.keys())
        }


def _read_array(data: bytes | None) -> Ints:
    """Read PostgreSQL's binary form of a one-dimensional array of integers; NULL is empty."""
    if not data or len(data) < ARRAY_HEADER:
        return np.empty(0, dtype=np.int64)
    item = _ITEMS[int.from_bytes(data[8:12])]
    return np.frombuffer(data, dtype=item, offset=ARRAY_HEADER)["value"].astype(np.int64)


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


def name_classes(used: Ints, known: pd.DataFrame) -> dict[int, str]:
    """Name category_ids: by code, with the scheme before it where two schemes share the code."""
    rows = known.loc[np.unique(used)]
    shared = rows.groupby("code")["scheme"].transform("nunique") > 1
    names = rows["code"].where(~shared, rows["scheme"] + "/" + rows["code"])
    return dict(zip(names.index.tolist(), names.tolist(), strict=True))


def count(connection: Connection, counting: Counting, query: Query) -> Counted:
    """Run a counting query and unpack what it returns."""
    return unpack(fetch_counts(connection, query), counting)


def fetch_counts(connection: Connection, query: Query) -> dict[str, Ints]:
    """Run a counting query with room for its groups in memory."""
    with _room_to_count(connection):
        return fetch_columns(connection, query)


def unpack(found: Mapping[str, Ints], counting: Counting) -> Counted:
    """Read the keys that a counting query returned."""
    keys, n = found["key"], found.get("n", np.ones(len(found["key"]), dtype=np.int64))
    kept, parts = keys >= 0, found.get("part_key", keys[:0])
    place = counting.plan.unpack(np.r_[keys[kept], parts])
    n_parts, whole = np.ones(len(parts), dtype=np.int64), np.zeros(kept.sum(), dtype=np.int64)
    begin, end = (np.r_[whole, found.get(name, parts)] for name in ("begin_us", "end_us"))
    lost_step, lost_reason = counting.plan.unpack_lost(keys[~kept])
    tally = Tally(*place, np.r_[n[kept], n_parts], begin, end)
    return Counted(tally, lost_step, lost_reason, n[~kept])


@contextmanager
def _room_to_count(connection: Connection) -> Iterator[None]:
    """Let a transaction group in memory instead of sorting on disk, for a while."""
    before = connection.execute(text("SELECT current_setting('work_mem')")).scalar_one()
    setting = text("SELECT set_config('work_mem', :size, true)")
    connection.execute(setting, {"size": WORK_MEM})
    yield
    connection.execute(setting, {"size": before})


def make_cube(
    counted: Counted, rows: Ints, units: Units, counting: Counting, known: pd.DataFrame
) -> Cube:
    """Fill a cube with what was counted; `rows` are the units' rows, -1 for none of them."""
    kept = replace(counted.tally, unit=rows).take(rows >= 0)
    layers = name_layers(np.unique(kept.kind), np.unique(kept.source), counting, known)
    shape = (len(units), len(counting.steps), len(layers.classes), len(layers.found_by))
    counts, outside = fill(shape, layers.place(kept), counting.steps)
    lost = np.bincount(counted.lost_reason, counted.lost, minlength=len(REASONS))
    lost[REASONS.index("no_unit")] += counted.tally.n[rows < 0].sum()
    left_out = name_lost(lost, outside, counting)
    return Cube(counts, units, counting.steps, layers.classes, layers.found_by, left_out)


def name_lost(lost: NDArray[Any], outside: float, counting: Counting) -> Mapping[str, int | float]:
    """Return `Cube.left_out` of incidents by place in `REASONS` and of parts past the window."""
    named: dict[str, int | float] = dict(zip(REASONS, lost.astype(int).tolist(), strict=True))
    if counting.spread:
        return MappingProxyType(named | {"outside_window": outside})
    named.pop("vague_time")
    return MappingProxyType(named)


@dataclass(frozen=True, eq=False)
class Layers:
    """The classes and sources of a cube, and where the database's numbers of them go.

    Attributes
    ----------
    classes, found_by
        Names along the cube's last two axes.
    kind_rows, source_rows
        Row of each category_id and of each source of the request that occurs, -1 of the others.
    """

    classes: tuple[str, ...]
    found_by: tuple[str, ...]
    kind_rows: Ints
    source_rows: Ints

    def place(self, tally: Tally) -> Tally:
        """Return the groups with rows along the cube's axes for class and source."""
        kind, source = self.kind_rows[tally.kind], self.source_rows[tally.source]
        return replace(tally, kind=kind, source=source)


def name_layers(kinds: Ints, sources: Ints, counting: Counting, known: pd.DataFrame) -> Layers:
    """Return the layers of a cube in which these categories and sources occur."""
    request = counting.request
    layers = sources if len(sources) else np.array([0])
    source_rows = np.full(len(request.found_by), -1, dtype=np.int64)
    source_rows[layers] = np.arange(len(layers))
    found_by = tuple(request.found_by[layer] for layer in layers)
    if not request.by_class:
        return Layers((ALL,), found_by, np.zeros(1, dtype=np.int64), source_rows)
    names = name_classes(kinds, known)
    classes = tuple(dict.fromkeys([*(request.classes or ()), *sorted(set(names.values()))]))
    kind_rows = np.full(counting.plan.n_kinds, -1, dtype=np.int64)
    for number, name in names.items():
        kind_rows[number] = classes.index(name)
    return Layers(classes, found_by, kind_rows, source_rows)


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
