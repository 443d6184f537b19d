"""The shapes of a frame in the metric CRS in which cameras and buildings meet."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geo.crs.systems import convert_geometries, require_metric
from geo.errors import CrsError


def place_shapes(frame: gpd.GeoDataFrame, *, srid: int) -> NDArray[np.object_]:
    """Return the shapes of a frame in a metric CRS, shape ``(n,)``.

    Raises
    ------
    CrsError
        The frame says no CRS, or `srid` is no metric one.
    """
    require_metric(srid)
    if frame.crs is None:
        raise CrsError("the shapes have no coordinate reference system; set the frame's crs")
    shapes = np.asarray(frame.geometry.array, dtype=object)
    return convert_geometries(shapes, crs=frame.crs.to_wkt(), to=srid)
