"""The checks that every frame of grids, parents or households passes first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyproj

from geo.errors import CrsError, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

Shapes = npt.NDArray[np.object_]


def require_metric(srid: int) -> pyproj.CRS:
    """Return the reference system `srid`, refusing one that does not measure in metres.

    Raises
    ------
    CrsError
        If `srid` is unknown, geographic, or has another unit than the metre.
    """
    try:
        crs = pyproj.CRS.from_epsg(srid)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(f"EPSG:{srid} is not a known reference system.") from error
    units = {axis.unit_name for axis in crs.axis_info}
    if not crs.is_projected or units != {"metre"}:
        raise CrsError(
            f"EPSG:{srid} ({crs.name}) does not measure in metres. "
            "Give the metric reference system of the jurisdiction."
        )
    return crs


def require_frame(frame: gpd.GeoDataFrame, *, srid: int, name: str, columns: Iterable[str]) -> None:
    """Refuse a frame in another reference system than `srid` or without some of `columns`.

    Raises
    ------
    CrsError
        If the frame has no reference system or another one.
    InputError
        If a column is missing.
    """
    crs = require_metric(srid)
    if frame.crs is None:
        raise CrsError(f"{name}: no reference system is set. Call set_crs or to_crs({srid}).")
    if not pyproj.CRS.from_user_input(frame.crs).equals(crs, ignore_axis_order=True):
        found = frame.crs.to_string()
        raise CrsError(f"{name}: is in {found}, not in EPSG:{srid}. Call to_crs({srid}) first.")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        has = ", ".join(map(str, frame.columns))
        raise InputError(f"{name}: lacks the column(s) {', '.join(missing)}; it has {has}.")


def shapes_of(frame: gpd.GeoDataFrame) -> Shapes:
    """Return the geometries of `frame` as an object array, shape ``(n,)``."""
    return np.asarray(frame.geometry.array, dtype=object)


def shape_array(shapes: Iterable[BaseGeometry | None]) -> Shapes:
    """Return geometries as an object array, also when there is none or just one."""
    listed = list(shapes)
    array: Shapes = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
