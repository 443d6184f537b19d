"""Results into the database and out of it again. Never commits."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, insert

from analytics import queries
from analytics.cube import UnitKind
from analytics.fetch import fetch
from analytics.listing import FIGURES, Listing, to_json
from analytics.models import ResultRun
from analytics.queries import CubeRequest
from analytics.results import Result
from geo.crs.systems import convert_geometries
from geo.errors import InputError, NotFoundError
from geo.lattice.frame import polygons_of
from geo.lattice.lattice import Contiguity, Lattice
from geo.network.streets import Streets

LIBRARIES = ("numpy", "scipy", "numba", "pandas", "shapely", "pyproj")


@dataclass(frozen=True, eq=False)
class StoredResult:
    """A result as it was stored.

    Attributes
    ----------
    run
        The columns of ``result_run``: parameters, window, code version, seed, summary, ...
    rows
        One row a unit in EPSG:4326: ``unit_no``, ``area_id``, ``code``, ``name`` (areas),
        ``observed``, ``score``, ``p_value``, ``q_value``, ``slope``, ``label``, and a column for
        whatever else the method says.
    """

    run: Mapping[str, Any]
    rows: gpd.GeoDataFrame


@dataclass(frozen=True)
class Origin:
    """Where a result comes from: what makes it possible to compute it again.

    Attributes
    ----------
    request
        What was counted.
    code_version
        Version of Gridbeat.
    seed
        Of the generator that was handed in, None where there was none.
    lattice
        The lattice that was counted on, None for areas.
    contiguity
        Which cells of it were neighbours.
    level
        The level of the areas, None for a lattice.
    streets
        The street segments that were counted on, None for cells and areas.
    """

    request: CubeRequest
    code_version: str
    seed: int | None = None
    lattice: Lattice | None = None
    contiguity: Contiguity = "queen"
    level: str | None = None
    streets: Streets | None = None


def write_result(connection: Connection, result: Result, origin: Origin) -> int:
    """Store a result with all that is needed to compute it again, and return its number.

    Raises
    ------
    InputError
        The result is one of cells or segments, and `origin` has not their lattice or streets.
    """
    kind, ids = result.units.kind, result.units.ids
    ground = {"cell": origin.lattice, "segment": origin.streets}
    if kind in ground and ground[kind] is None:
        raise InputError(f"a result of {kind}s is stored with where they lie; give it in origin")
    run_id = _write_run(connection, _run_values(connection, result, origin))
    values = {
        "result_run_id": run_id,
        "unit_no": (np.arange(len(ids)) if kind == "area" else ids).tolist(),
        "label": result.label.tolist(),
        "details": to_json(result.details, len(ids)),
        **{name: _nullable(values) for name, values in figures(result).items()},
    }
    frame = origin.lattice
    if kind == "cell" and frame is not None and frame.kind == "square":
        # Squares are drawn where they are stored: a fine lattice has very many.
        connection.execute(queries.insert_cell_rows(), values | lattice_values(frame))
        return run_id
    values |= {
        "area_id": ids.tolist() if kind == "area" else [None] * len(ids),
        "geom": _shapes(origin, kind, ids),
    }
    connection.execute(queries.insert_rows(), values)
    return run_id


def write_listing(connection: Connection, listing: Listing, origin: Origin) -> int:
    """Store a list with all that is needed to compute it again, and return its number."""
    run_id = _write_run(connection, _listing_values(connection, listing, origin))
    rows, found = listing.rows, listing.figures()
    connection.execute(
        queries.insert_rows(),
        {
            "result_run_id": run_id,
            "unit_no": list(range(len(rows))),
            "area_id": rows["area_id"].tolist() if listing.unit == "area" else [None] * len(rows),
            "geom": _wkb(listing),
            "label": rows["label"].tolist(),
            "details": to_json(listing.details(), len(rows)),
            **{name: _nullable(found[name].to_numpy()) for name in FIGURES},
        },
    )
    return run_id


def write_found(connection: Connection, found: Result | Listing, origin: Origin) -> int:
    """Store what a method found, of whichever shape, and return its number."""
    if isinstance(found, Listing):
        return write_listing(connection, found, origin)
    return write_result(connection, found, origin)


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that figures depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def read_result(connection: Connection, result_run_id: int) -> StoredResult:
    """Read one stored result.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    run = connection.execute(queries.select_run(result_run_id)).mappings().one_or_none()
    if run is None:
        raise NotFoundError(f"there is no result {result_run_id}; list them or compute one anew")
    rows = fetch(connection, queries.select_rows(result_run_id))
    geometry = shapely.from_wkb([None if geom is None else bytes(geom) for geom in rows["geom"]])
    more = pd.DataFrame(rows.pop("details").tolist(), index=rows.index)
    return StoredResult(
        run=MappingProxyType(dict(run)),
        rows=gpd.GeoDataFrame(rows.drop(columns="geom").join(more), geometry=geometry, crs=4326),
    )


def read_newest_result(
    connection: Connection, jurisdiction_id: int, *, kind: str, unit: str = "cell"
) -> StoredResult:
    """Read the newest stored result of a kind over cells or areas.

    Raises
    ------
    NotFoundError
        There is none yet.
    """
    query = queries.select_newest_run(jurisdiction_id, kind=kind, unit=unit)
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        raise NotFoundError(f"no {kind} over {unit}s are stored yet; run `gridbeat hotspots` first")
    return read_result(connection, number)


def _write_run(connection: Connection, values: Mapping[str, Any]) -> int:
    query = insert(ResultRun).values(values).returning(ResultRun.result_run_id)
    return int(connection.execute(query).scalar_one())


def _run_values(connection: Connection, result: Result, origin: Origin) -> dict[str, Any]:
    values = _common_values(connection, origin, result.steps.window, result.parameters)
    parameters = values["parameters"]
    if result.units.kind == "area":
        parameters["level"] = {"level": origin.level}
    elif result.units.kind == "segment" and origin.streets is not None:
        parameters["streets"] = street_values(origin.streets)
    elif origin.lattice is not None:
        parameters["lattice"] = lattice_values(origin.lattice)
        parameters["neighbours"] = {"contiguity": origin.contiguity}
    summary = {"labels": result.count_labels(), "observed": float(result.observed.sum())}
    return values | {"kind": result.kind, "unit": result.units.kind, "summary": summary}


def _listing_values(connection: Connection, listing: Listing, origin: Origin) -> dict[str, Any]:
    values = _common_values(connection, origin, listing.window, listing.parameters)
    parameters = values["parameters"]
    if origin.level is not None:
        parameters["level"] = {"level": origin.level}
    if origin.streets is not None:
        parameters["streets"] = street_values(origin.streets)
    if origin.lattice is not None:
        parameters["lattice"] = lattice_values(origin.lattice)
    observed = float(np.nansum(listing.figures()["observed"]))
    summary = {"labels": listing.count_labels(), "observed": observed}
    return values | {"kind": listing.kind, "unit": listing.unit, "summary": summary}


def _common_values(
    connection: Connection,
    origin: Origin,
    window: tuple[datetime, datetime],
    method: Mapping[str, Any],
) -> dict[str, Any]:
    number = origin.request.jurisdiction_id
    request = asdict(origin.request)
    request |= {"start": str(origin.request.start), "end": str(origin.request.end)}
    last_import = connection.execute(queries.select_last_import(number)).scalar_one()
    return {
        "jurisdiction_id": number,
        "parameters": {
            "method": dict(method),
            "request": request,
            "versions": library_versions(),
        },
        "window_from": window[0],
        "window_to": window[1],
        "last_import_run_id": last_import,
        "code_version": origin.code_version,
        "seed": origin.seed,
    }


def _wkb(listing: Listing) -> list[bytes | None]:
    """Return the shapes of a listing's zones in EPSG:4326, None for rows without one."""
    if listing.unit != "zone" or listing.srid is None:
        return [None] * len(listing.rows)
    shapes = np.asarray(listing.rows["geometry"], dtype=object)
    return [shapely.to_wkb(shape) for shape in convert_geometries(shapes, crs=listing.srid)]


def _shapes(origin: Origin, kind: UnitKind, ids: NDArray[np.int64]) -> list[bytes | None]:
    """Return the shapes of hexagons and segments in EPSG:4326; areas have theirs stored."""
    ground = origin.streets if kind == "segment" else origin.lattice
    if kind == "area" or ground is None:
        return [None] * len(ids)
    shapes = polygons_of(ground, ids) if isinstance(ground, Lattice) else ground.lines[ids]
    return [shapely.to_wkb(shape) for shape in convert_geometries(shapes, crs=ground.srid)]


def lattice_values(frame: Lattice) -> dict[str, Any]:
    """Return what says where the cells of a lattice lie, as plain JSON values."""
    shape = {} if frame.kind == "square" else {"kind": frame.kind}
    return {
        "x0": frame.x0,
        "y0": frame.y0,
        "size": frame.cell_size_m,
        "n_columns": frame.n_columns,
        "srid": frame.srid,
        **shape,
    }


def street_values(streets: Streets) -> dict[str, Any]:
    """Return what tells street segments from others, as plain JSON values."""
    return {"segments": len(streets), "reach_m": streets.reach_m, "digest": streets.digest}


def figures(result: Result) -> dict[str, NDArray[np.float64]]:
    """Return the figures of each unit by the names of their columns."""
    return {
        "observed": result.observed,
        "score": result.score,
        "p_value": result.p,
        "q_value": result.q,
        "slope": result.slope,
    }


def _nullable(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
