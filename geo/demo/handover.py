"""What every handed-over file shares: settings of its mapping, coordinates, plain writers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.crs.systems import from_wgs84
from geo.demo.size import DISTRICT_CODE

Written = tuple[str, dict[str, Any]]
"""A file's name and its mapping, with the file's number of rows under ``rows``."""


def with_lon_lat(points: gpd.GeoDataFrame, *, crs: str = "wgs84") -> pd.DataFrame:
    """Return a frame of points as a table with ``lon`` and ``lat`` of a system."""
    lon, lat = points.geometry.x.to_numpy(), points.geometry.y.to_numpy()
    x, y = from_wgs84(lon, lat, crs=crs)
    table = pd.DataFrame(points.drop(columns="geometry"))
    return table.assign(lon=np.round(x, 7), lat=np.round(y, 7))


def settings(
    kind: str, source: str, title: str, *, rows: int, crs: str | None = None
) -> dict[str, Any]:
    """Return the settings that every mapping begins with, and the file's number of rows."""
    made: dict[str, Any] = {"kind": kind, "source": source, "title": title, "rows": rows}
    if kind != "boundaries":
        made["jurisdiction"] = DISTRICT_CODE
    if crs is not None:
        made["crs"] = crs
    return made


def write_geojson(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write a frame as GeoJSON, replacing the file."""
    path.unlink(missing_ok=True)
    table.to_file(path, driver="GeoJSON", COORDINATE_PRECISION=7)


def write_json(content: object, path: Path) -> None:
    """Write readable JSON with Chinese text as it is."""
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
