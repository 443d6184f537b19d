"""A grid as one typed record, read from any frame that has its columns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo.grids.frames import numbers_of, shapes_of
from geo.grids.policy import MICRO

GRID_COLUMNS = ("code", "parent_code", "grid_kind", "households")
PARENT_COLUMNS = ("code", "level")


@dataclass(frozen=True)
class Parent:
    """An area that grids belong to."""

    code: str
    level: str
    shape: BaseGeometry


@dataclass(frozen=True)
class GridRecord:
    """One grid as it was handed in; a blank, NaN or missing text is None.

    `row` counts from 1 as a reader of the file would.
    """

    row: int
    code: str | None
    parent_code: str | None
    grid_kind: str | None
    households: float | None
    host_unit: str | None
    host_kind: str | None
    exempt_reason: str | None
    shape: BaseGeometry | None
    parent: Parent | None

    @property
    def is_micro(self) -> bool:
        """Whether it is a micro-grid, which belongs to a grid."""
        return self.grid_kind == MICRO


def read_parents(parents: gpd.GeoDataFrame) -> dict[str, Parent]:
    """Return the parents by code, in the order of the frame."""
    rows = zip(_texts(parents, "code"), _texts(parents, "level"), shapes_of(parents), strict=True)
    return {code: Parent(code, level or "", shape) for code, level, shape in rows if code}


def read_grids(grids: gpd.GeoDataFrame, parents: dict[str, Parent]) -> list[GridRecord]:
    """Return one record a row; a basic or exclusive grid may be the parent of a micro-grid."""
    shapes = shapes_of(grids)
    codes, kinds = _texts(grids, "code"), _texts(grids, "grid_kind")
    own = {
        code: Parent(code, "grid", shape)
        for code, kind, shape in zip(codes, kinds, shapes, strict=True)
        if code is not None and kind != MICRO and shape is not None
    }
    texts = [
        _texts(grids, name) for name in ("parent_code", "host_unit", "host_kind", "exempt_reason")
    ]
    counts = numbers_of(grids, "households", absent=np.nan)
    return [
        GridRecord(
            row=row + 1,
            code=codes[row],
            parent_code=parent,
            grid_kind=kinds[row],
            households=None if pd.isna(counts[row]) else float(counts[row]),
            host_unit=unit,
            host_kind=kind,
            exempt_reason=reason,
            shape=shapes[row],
            parent=None if parent is None else parents.get(parent, own.get(parent)),
        )
        for row, (parent, unit, kind, reason) in enumerate(zip(*texts, strict=True))
    ]


def _texts(frame: gpd.GeoDataFrame, column: str) -> list[str | None]:
    if column not in frame.columns:
        return [None] * len(frame)
    return [_text(value) for value in frame[column].tolist()]


def _text(value: Hashable) -> str | None:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(value).strip() or None


def parts_of(shape: BaseGeometry | None) -> int:
    """Return how many polygons a shape has, 1 for none at all."""
    return 1 if shape is None else max(1, int(shapely.get_num_geometries(shape)))
