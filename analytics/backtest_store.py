"""Backtests on the database's incidents: what to count, and what was chosen last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, text

from analytics import queries
from analytics.backtest_design import WHOLE, Arena, BacktestDesign, Task, run_tasks
from analytics.backtest_rows import CHOSEN, SCORED, list_backtest
from analytics.cube import Cube
from analytics.cube_store import read_area_cube, read_cell_cube, read_jurisdiction
from analytics.delay import DelayTriangle, describe_delay
from analytics.delay_store import read_delay_triangle
from analytics.fetch import fetch
from analytics.forecast.protocol import Places
from analytics.listing import Listing
from analytics.models import ResultRow, ResultRun
from analytics.store import Origin, lattice_values, street_values
from analytics.street_store import read_street_cube
from geo.crs.systems import convert_geometries
from geo.errors import InputError
from geo.lattice.lattice import cell_centres
from geo.locate.polygons import index_polygons, locate
from geo.models.places import Area

Report = Callable[[int, int, Task], None]
Runner = Callable[[Mapping[str, Arena], BacktestDesign], pd.DataFrame]


@dataclass(frozen=True)
class Chosen:
    """Which method a stored backtest chose for a class, and why.

    Attributes
    ----------
    method, why_zh, why_en
        The method and the sentence that says why it.
    result_run_id
        The backtest.
    """

    method: str
    why_zh: str
    why_en: str
    result_run_id: int


def read_arena(connection: Connection, origin: Origin, *, communities: bool = False) -> Arena:
    """Count incidents by class and find the places of the units.

    Parameters
    ----------
    origin
        What to count, on its lattice, its street segments or in the areas of its level.
    communities
        Also tell which units lie in which community, by its code.

    Raises
    ------
    InputError
        `origin` names neither lattice, streets nor level, or there are no communities.
    NotFoundError
        There is no such jurisdiction, or no area of the level.
    """
    request = replace(origin.request, by_class=True)
    if origin.lattice is not None:
        cube = read_cell_cube(connection, request, origin.lattice)
        x, y = cell_centres(origin.lattice)
        places = Places(np.asarray(x, np.float64), np.asarray(y, np.float64))
    elif origin.streets is not None:
        cube = read_street_cube(connection, request, origin.streets)
        places = Places(*origin.streets.middles)
    elif origin.level is not None:
        cube, _ = read_area_cube(connection, request, level=origin.level)
        places = _places_of_areas(connection, cube, request.jurisdiction_id)
    else:
        raise InputError(
            "say where to forecast: on a lattice, on streets, or in the areas of a level"
        )
    cube = replace(cube, counts=np.ascontiguousarray(cube.counts))
    groups = _communities(connection, origin, places) if communities else {}
    return Arena(cube, places, MappingProxyType(groups))


def _places_of_areas(connection: Connection, cube: Cube, jurisdiction_id: int) -> Places:
    srid = read_jurisdiction(connection, jurisdiction_id)["metric_srid"]
    inside = func.ST_AsBinary(func.ST_PointOnSurface(Area.geom)).label("geom")
    ids = cube.units.ids.tolist()
    found = fetch(connection, select(Area.area_id, inside).where(Area.area_id.in_(ids)))
    wkb = found.set_index("area_id")["geom"].reindex(ids).map(bytes).to_numpy(dtype=object)
    points = convert_geometries(shapely.from_wkb(wkb), crs="wgs84", to=srid)
    return Places(shapely.get_x(points), shapely.get_y(points))


def _communities(
    connection: Connection, origin: Origin, places: Places
) -> dict[str, NDArray[np.int64]]:
    """Return the rows of the units whose place lies in, or nearest to, each community, by code."""
    request = origin.request
    query = queries.select_areas(request.jurisdiction_id, level="community", day=request.end)
    areas = fetch(connection, query)
    if areas.empty:
        raise InputError("there are no communities to tell apart; import them first")
    srid = read_jurisdiction(connection, request.jurisdiction_id)["metric_srid"]
    wkb = areas["geom"].map(bytes).to_numpy(dtype=object)
    polygons = convert_geometries(shapely.from_wkb(wkb), crs="wgs84", to=srid)
    at = locate(index_polygons(polygons, srid=srid), places.x, places.y)
    # The middle of a cell that the border cuts may lie outside: it goes to the nearest community.
    outside = np.flatnonzero(at < 0)
    points = shapely.points(places.x[outside], places.y[outside])
    at[outside] = shapely.STRtree(polygons).nearest(points)
    return {
        str(code): rows
        for number, code in enumerate(areas["code"])
        if len(rows := np.flatnonzero(at == number))
    }


def ask_backtest(
    connection: Connection, origin: Origin, design: BacktestDesign, *, run: Runner = run_tasks
) -> Listing:
    """Run a backtest on the incidents as they are now; nothing is written.

    Parameters
    ----------
    run
        Who does the tasks: here one after another, or a cluster.
    """
    arena = read_arena(connection, origin, communities="community" in design.by)
    triangle = read_delay_triangle(connection, origin.request)
    table = run({WHOLE: arena}, design)
    return list_backtest(table, arena, design, delay=describe_delay(triangle))


def read_delay(connection: Connection, origin: Origin) -> DelayTriangle | None:
    """Read the delay of the sources and classes that are forecast."""
    return read_delay_triangle(connection, origin.request)


def read_choices(connection: Connection, origin: Origin) -> dict[str, Chosen]:
    """Read what the newest backtest over the same units chose for each class of reports.

    Returns
    -------
    dict
        By class code, ``all`` for all reports; empty if there is no such backtest.
    """
    frame: dict[str, Any] = {"level": {"level": origin.level}}
    if origin.lattice is not None:
        frame = {"lattice": lattice_values(origin.lattice)}
    elif origin.streets is not None:
        frame = {"streets": street_values(origin.streets)}
    wanted = frame | {"request": {"step": origin.request.step}}
    newest = (
        select(func.max(ResultRun.result_run_id))
        .where(ResultRun.kind == "backtest")
        .where(ResultRun.jurisdiction_id == origin.request.jurisdiction_id)
        .where(ResultRun.parameters.contains(wanted))
    )
    details = ResultRow.details
    query = (
        select(ResultRow.result_run_id, details)
        .where(ResultRow.result_run_id == newest.scalar_subquery(), ResultRow.label == CHOSEN)
        .where(details["found_by"].astext == "reported", details["area"].astext == WHOLE)
    )
    return {
        row.details["category"]: Chosen(
            row.details["method"],
            row.details["why_zh"],
            row.details["why_en"],
            row.result_run_id,
        )
        for row in connection.execute(query)
    }


def read_scores(connection: Connection, result_run_id: int) -> pd.DataFrame:
    """Read the scores of a stored backtest, as `run_task` gave them."""
    query = text(
        "SELECT observed, details FROM result_row "
        "WHERE result_run_id = :number AND label = :label ORDER BY unit_no"
    )
    rows = connection.execute(query, {"number": result_run_id, "label": SCORED}).all()
    frame = pd.DataFrame([row.details | {"incidents": row.observed} for row in rows])
    return frame.dropna(axis=1, how="all")
