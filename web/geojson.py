"""GeoJSON files for other programs: degrees, what each file is, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs.systems import convert_geometries
from web.write_file import write_whole

# A tenth of a millimetre: coarser ones would part a corner from the neighbour's straight edge.
DECIMALS = 9


def to_geojson(frame: gpd.GeoDataFrame, *, srid: int, about: Mapping[str, Any]) -> str:
    """Return a frame as GeoJSON (RFC 7946).

    Longitude and latitude on WGS-84 with 9 decimals, exterior rings anticlockwise; a missing
    shape is null.

    Parameters
    ----------
    frame
        Rows in `srid`; may be empty.
    about
        What the file is and how it can be made again, for the foreign member ``gridbeat``.
    """
    shapes = convert_geometries(np.asarray(frame.geometry.array, dtype=object), crs=srid)
    shapes = shapely.transform(shapely.orient_polygons(shapes), lambda xy: np.round(xy, DECIMALS))
    rows = pd.DataFrame(frame.drop(columns=frame.geometry.name)).to_dict("records")
    features = [
        {
            "type": "Feature",
            "geometry": None if shape is None else shapely.geometry.mapping(shape),
            "properties": {str(name): _plain(value) for name, value in row.items()},
        }
        for shape, row in zip(shapes, rows, strict=True)
    ]
    collection = {"type": "FeatureCollection", "gridbeat": dict(about), "features": features}
    return json.dumps(collection, ensure_ascii=False, allow_nan=False, default=str)


def write_geojson(
    path: Path, frame: gpd.GeoDataFrame, *, srid: int, about: Mapping[str, Any]
) -> Path:
    """Write what `to_geojson` returns, whole or not at all, and return the path."""
    return write_whole(path, to_geojson(frame, srid=srid, about=about) + "\n")


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it; missing values are null."""
    if isinstance(value, date):
        return value.isoformat()
    if value is None or pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
