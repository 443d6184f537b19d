"""A stored result computed again from its stored parameters, and compared row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analytics.answers import ASKED, answer, read_cube
from analytics.cube_store import read_lattice
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.listing import FIGURES, Listing, to_json
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.store import Origin, StoredResult, figures, lattice_values, street_values
from analytics.street_store import read_streets
from geo.errors import ConflictError, InputError
from geo.lattice.lattice import Lattice
from geo.network.streets import Streets

COLUMNS = (*FIGURES, "label", "details")
KNOWN = frozenset({*FIGURES, "label", "unit_no", "area_id", "code", "name", "geometry"})
"""Columns of stored rows that are no details."""
UNSAID: Mapping[str, Any] = MappingProxyType({"contiguity": "queen", "share": True})
"""What the first results were made with and did not say."""
P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Comparison:
    """How a result computed again compares with the stored one.

    Attributes
    ----------
    n_rows
        Rows stored.
    differences
        One row for each figure, label or details that differ: ``unit`` (cell number, area_id, or
        place in a list), ``column``, ``stored``, ``now``. Figures must be equal bit by bit.
    only_stored, only_now
        Units that one of the two does not have.
    """

    n_rows: int
    differences: pd.DataFrame
    only_stored: tuple[int, ...]
    only_now: tuple[int, ...]

    @property
    def identical(self) -> bool:
        """Whether every row is there with the same figures and label."""
        return self.differences.empty and not self.only_stored and not self.only_now

    @property
    def n_differing(self) -> int:
        """How many rows differ or are there only once."""
        return self.differences["unit"].nunique() + len(self.only_stored) + len(self.only_now)


def recompute(connection: Connection, stored: StoredResult) -> Result | Listing:
    """Compute a stored result again: the same question to the data as they are now.

    Raises
    ------
    ConflictError
        The boundary was changed, so that the lattice has other cells.
    InputError
        This version knows no such kind of result, or a class is no longer there.
    NotFoundError
        The areas are no longer there.
    """
    run = stored.run
    method = run["parameters"]["method"]
    known, _ = ASKED.get(run["kind"], ((), None))
    if not known:
        raise InputError(
            f"this version of Gridbeat cannot compute {run['kind']} over {run['unit']}s again"
        )
    # The adjusted trends alone say by which method they were tested.
    params = _params(known["method" in method and len(known) > 1], method)
    on_cells = "lattice" in run["parameters"]
    if run["kind"] == "hotspots" and on_cells and not method.get("share", UNSAID["share"]):
        return _unweighted(connection, stored, params)
    return answer(connection, run["kind"], read_origin(connection, stored), params)


def read_origin(connection: Connection, stored: StoredResult) -> Origin:
    """Return what a stored result was counted from.

    Raises
    ------
    ConflictError
        The boundary or the roads were changed, so that there are other cells or segments.
    """
    run = stored.run
    parameters = run["parameters"]
    request = read_request(parameters["request"])
    frame = parameters.get("lattice")
    return Origin(
        request,
        run["code_version"],
        seed=run["seed"],
        lattice=frame and _same_lattice(connection, request.jurisdiction_id, frame),
        contiguity=parameters.get("neighbours", UNSAID)["contiguity"],
        level=parameters.get("level", {}).get("level"),
        streets=_same_streets(connection, request.jurisdiction_id, parameters.get("streets")),
    )


def _unweighted(connection: Connection, stored: StoredResult, params: HotspotParams) -> Result:
    """Find hotspots as they were found where cells cut by the boundary counted in full."""
    origin = read_origin(connection, stored)
    cube, near, _ = read_cube(connection, origin)
    rng = None if origin.seed is None else np.random.default_rng(origin.seed)
    return find_hotspots(cube, near, params, share=None, rng=rng)


def compare(rows: gpd.GeoDataFrame, result: Result | Listing) -> Comparison:
    """Compare stored rows with a result, figure by figure; NaN equals NaN.

    Parameters
    ----------
    rows
        As `analytics.store.read_result` gives them.
    """
    of_areas = isinstance(result, Result) and result.units.kind == "area"
    before = _stored(rows).set_index(rows["area_id" if of_areas else "unit_no"])
    now = _computed(result)
    both = before.index.intersection(now.index, sort=False)
    # Results of earlier versions kept no details.
    columns = COLUMNS if set(rows.columns) - KNOWN else COLUMNS[:-1]
    differing = [_differing(before.loc[both, name], now.loc[both, name]) for name in columns]
    return Comparison(
        n_rows=len(before),
        differences=pd.concat(differing, ignore_index=True),
        only_stored=tuple(before.index.difference(both).tolist()),
        only_now=tuple(now.index.difference(both).tolist()),
    )


def read_request(stored: Mapping[str, Any]) -> CubeRequest:
    """Return what was counted from its stored JSON."""
    days = {name: date.fromisoformat(stored[name]) for name in ("start", "end")}
    return _params(CubeRequest, {**stored, **days})


def _same_lattice(
    connection: Connection, jurisdiction_id: int, stored: Mapping[str, Any]
) -> Lattice:
    shape = stored.get("kind", "square")
    lattice = read_lattice(connection, jurisdiction_id, cell_size_m=stored["size"], kind=shape)
    if lattice_values(lattice) != stored:
        raise ConflictError(
            "the boundary or the metric system was changed since, so that the lattice has other "
            "cells; compute the result anew with `gridbeat hotspots`"
        )
    return lattice


def _same_streets(
    connection: Connection, jurisdiction_id: int, stored: Mapping[str, Any] | None
) -> Streets | None:
    if stored is None:
        return None
    streets = read_streets(connection, jurisdiction_id, reach_m=stored["reach_m"])
    if street_values(streets) != stored:
        raise ConflictError(
            "the roads were changed since, so that there are other street segments; compute the "
            "result anew with `gridbeat streets`"
        )
    return streets


def _params(kind: type[P], stored: Mapping[str, Any]) -> P:
    """Build parameters from stored JSON, which knows lists only and may hold more."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    values = {name: stored[name] for name in names if name in stored}
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _stored(rows: gpd.GeoDataFrame) -> pd.DataFrame:
    more = [name for name in rows.columns if name not in KNOWN]
    return _table(rows, rows["label"], pd.DataFrame(rows[more]) if more else None)


def _computed(result: Result | Listing) -> pd.DataFrame:
    if isinstance(result, Listing):
        return _table(result.figures(), result.rows["label"], result.details())
    found = pd.DataFrame(figures(result))
    return _table(found, pd.Series(result.label), result.details).set_index(result.units.ids)


def _table(found: pd.DataFrame, label: pd.Series, details: pd.DataFrame | None) -> pd.DataFrame:
    numbers = {name: pd.to_numeric(found[name]).astype(np.float64) for name in FIGURES}
    return pd.DataFrame(
        numbers
        | {
            "label": label.astype(object).to_numpy(),
            "details": [_ordered(text) for text in to_json(details, len(label))],
        }
    )


def _ordered(text: str) -> str:
    """Return JSON with its keys in order and all numbers alike: the database keeps no order."""
    values = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in json.loads(text).items()
        if value is not None
    }
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _differing(stored: pd.Series, now: pd.Series) -> pd.DataFrame:
    same = (stored == now) | (stored.isna() & now.isna())
    return pd.DataFrame(
        {
            "unit": stored.index[~same],
            "column": stored.name,
            "stored": stored[~same].astype(object).to_numpy(),
            "now": now[~same].astype(object).to_numpy(),
        }
    )
