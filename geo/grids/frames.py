"""The checks that every frame of grids, parents or households passes first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from geo.crs.systems import epsg, require_metric
from geo.errors import CrsError, InputError
from geo.locate.polygons import index_polygons, locate

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def require_frame(frame: gpd.GeoDataFrame, *, srid: int, name: str, columns: Iterable[str]) -> None:
    """Refuse a frame in another reference system than `srid` or without some of `columns`.

    Raises
    ------
    CrsError
        If the frame has no reference system or another one.
    InputError
        If a column is missing.
    """
    require_metric(srid)
    if frame.crs is None:
        raise CrsError(f"{name}: no reference system is set. Call set_crs or to_crs({srid}).")
    if not pyproj.CRS.from_user_input(frame.crs).equals(epsg(srid), ignore_axis_order=True):
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


def polygon_of(points: Floats, polygons: Shapes, *, srid: int) -> Ints:
    """Return the polygon of each point by the half-open rule, -1 for none.

    Parameters
    ----------
    points
        Metres, shape ``(n, 2)``.
    """
    return locate(index_polygons(polygons, srid=srid), points[:, 0], points[:, 1])


def spots_of(shapes: Shapes) -> Floats:
    """Return a point of each shape that surely lies on it, shape ``(n, 2)``."""
    return shapely.get_coordinates(shapely.point_on_surface(shapes))


def numbers_of(frame: pd.DataFrame, column: str, *, absent: float) -> Floats:
    """Return a column as numbers, shape ``(n,)``: `absent` without it, NaN for no number."""
    if column not in frame.columns:
        return np.full(len(frame), absent)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
