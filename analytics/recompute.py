"""A stored result computed again from its stored parameters, and compared row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analytics.adjusted_trends import AdjustedTrendParams, find_adjusted_trends
from analytics.cube import Cube
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.density import DensityParams, find_density
from analytics.emerging import EmergingParams, find_emerging
from analytics.hotspots import HotspotParams, Neighbours, find_hotspots
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.store import StoredResult, lattice_values
from analytics.trends import TrendParams, find_trends
from geo.errors import ConflictError, InputError
from geo.lattice.lattice import Lattice, neighbours

COLUMNS = ("observed", "score", "p_value", "q_value", "slope", "label")
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
        One row for each figure or label that differs: ``unit`` (cell number or area_id),
        ``column``, ``stored``, ``now``. Figures must be equal bit by bit.
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


def recompute(connection: Connection, stored: StoredResult) -> Result:
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
    parameters = run["parameters"]
    request = read_request(parameters["request"])
    if run["unit"] == "area":
        cube, near = read_area_cube(connection, request, level=parameters["level"]["level"])
        return _find(run, cube, near, None)
    lattice = _same_lattice(connection, request.jurisdiction_id, parameters["lattice"])
    contiguity = parameters.get("neighbours", UNSAID)["contiguity"]
    near = neighbours(lattice, contiguity=contiguity)
    return _find(run, read_cell_cube(connection, request, lattice), near, lattice)


def compare(rows: gpd.GeoDataFrame, result: Result) -> Comparison:
    """Compare stored rows with a result, figure by figure; NaN equals NaN.

    Parameters
    ----------
    rows
        As `analytics.store.read_result` gives them.
    """
    key = "unit_no" if result.units.kind == "cell" else "area_id"
    before = _figures(rows.set_index(key))
    now = _figures(
        pd.DataFrame(
            {
                "observed": result.observed,
                "score": result.score,
                "p_value": result.p,
                "q_value": result.q,
                "slope": result.slope,
                "label": result.label,
            },
            index=result.units.ids,
        )
    )
    both = before.index.intersection(now.index, sort=False)
    differing = [_differing(before.loc[both, name], now.loc[both, name]) for name in COLUMNS]
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


def _find(run: Mapping[str, Any], cube: Cube, near: Neighbours, lattice: Lattice | None) -> Result:
    kind, method = run["kind"], run["parameters"]["method"]
    if kind == "hotspots":
        rng = None if run["seed"] is None else np.random.default_rng(run["seed"])
        share = (
            lattice.share if lattice is not None and method.get("share", UNSAID["share"]) else None
        )
        return find_hotspots(cube, near, _params(HotspotParams, method), share=share, rng=rng)
    if kind == "trends" and "method" in method:
        return find_adjusted_trends(cube, _params(AdjustedTrendParams, method))
    if kind == "trends":
        return find_trends(cube, _params(TrendParams, method))
    if kind == "density" and lattice is not None:
        return find_density(cube, lattice, _params(DensityParams, method))
    if kind == "emerging":
        return find_emerging(cube, near, _params(EmergingParams, method)).result
    raise InputError(f"this version of Gridbeat cannot compute {kind} over {run['unit']}s again")


def _same_lattice(
    connection: Connection, jurisdiction_id: int, stored: Mapping[str, Any]
) -> Lattice:
    lattice = read_lattice(connection, jurisdiction_id, cell_size_m=stored["size"])
    if lattice_values(lattice) != stored:
        raise ConflictError(
            "the boundary or the metric system was changed since, so that the lattice has other "
            "cells; compute the result anew with `gridbeat hotspots`"
        )
    return lattice


def _params(kind: type[P], stored: Mapping[str, Any]) -> P:
    """Build parameters from stored JSON, which knows lists only and may hold more."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    values = {name: stored[name] for name in names if name in stored}
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _figures(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = {name: pd.to_numeric(frame[name]).astype(np.float64) for name in COLUMNS[:-1]}
    return pd.DataFrame(numbers | {"label": frame["label"].astype(object)})


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
