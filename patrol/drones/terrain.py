"""The ground below a flight: a height raster, or a flat one where none is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from geo.errors import CrsError, FormatError, InputError

Floats = NDArray[np.float64]
_GEOD = pyproj.Geod(ellps="WGS84")
_SCALE, _TIEPOINT, _KEYS, _NODATA = 33550, 33922, 34735, 42113
_GEOGRAPHIC_KEY = 2048
# WGS-84 and CGCS2000, which agree to better than a metre.
_DEGREES = (4326, 4490)
STEP_M = 30.0


@dataclass(frozen=True, eq=False)
class Terrain:
    """Heights of the ground on a regular raster in degrees.

    Attributes
    ----------
    height_m
        Shape ``(rows, columns)``, metres above sea level, the first row northernmost; NaN where
        unknown.
    west, north
        Longitude and latitude of the middle of the north-western cell.
    step_lon, step_lat
        Size of a cell in degrees.
    """

    height_m: Floats
    west: float
    north: float
    step_lon: float
    step_lat: float

    def at(self, lon: Floats, lat: Floats) -> Floats:
        """Return the height of the ground (bilinear), shape ``(n,)``.

        Raises
        ------
        InputError
            A position lies outside the raster or where it has no height.
        """
        column, row = (lon - self.west) / self.step_lon, (self.north - lat) / self.step_lat
        rows, columns = self.height_m.shape
        slack = 0.5
        out = (column < -slack) | (column > columns - slack) | (row < -slack) | (row > rows - slack)
        i = np.clip(np.floor(row).astype(np.int64), 0, max(rows - 2, 0))
        j = np.clip(np.floor(column).astype(np.int64), 0, max(columns - 2, 0))
        v, u = np.clip(row - i, 0.0, 1.0), np.clip(column - j, 0.0, 1.0)
        below, right = np.minimum(i + 1, rows - 1), np.minimum(j + 1, columns - 1)
        z = self.height_m
        found = (1 - v) * ((1 - u) * z[i, j] + u * z[i, right]) + v * (
            (1 - u) * z[below, j] + u * z[below, right]
        )
        bad = np.flatnonzero(out | ~np.isfinite(found))
        if len(bad):
            msg = (
                f"the terrain has no height at longitude {lon[bad[0]]:.5f}, latitude "
                f"{lat[bad[0]]:.5f}: give a raster that covers the whole route"
            )
            raise InputError(msg)
        return np.asarray(found)


def read_terrain(path: Path) -> Terrain:
    """Read a raster in degrees: an ESRI ASCII grid (`.asc`) or a GeoTIFF of one band.

    Raises
    ------
    FormatError
        It is neither, or is damaged.
    CrsError
        A GeoTIFF is not in longitude and latitude (EPSG:4326 or 4490).
    """
    if path.suffix.lower() == ".asc":
        return _read_ascii(path)
    if path.suffix.lower() in (".tif", ".tiff"):
        return _read_geotiff(path)
    msg = f"{path.name}: terrain is read from .asc and .tif; convert it with gdal_translate"
    raise FormatError(msg)


def _read_ascii(path: Path) -> Terrain:
    head: dict[str, float] = {}
    try:
        with path.open(encoding="ascii") as file:
            begin = file.tell()
            while (line := file.readline()) and line.split()[0].isalpha() | ("_" in line):
                name, value = line.split()
                head[name.lower()] = float(value)
                begin = file.tell()
            file.seek(begin)
            height = np.loadtxt(file, dtype=np.float64, ndmin=2)
        rows, columns, cell = int(head["nrows"]), int(head["ncols"]), head["cellsize"]
        height = height.reshape(rows, columns)
        west = head["xllcenter"] if "xllcenter" in head else head["xllcorner"] + cell / 2
        south = head["yllcenter"] if "yllcenter" in head else head["yllcorner"] + cell / 2
    except (ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        msg = f"{path.name}: no readable ESRI ASCII grid ({error})"
        raise FormatError(msg) from error
    height[height == head.get("nodata_value", -9999.0)] = np.nan
    return Terrain(height, west, south + (rows - 1) * cell, cell, cell)


def _read_geotiff(path: Path) -> Terrain:
    try:
        with Image.open(path) as image:
            height = np.asarray(image, dtype=np.float64)
            tags = dict(image.tag_v2)  # type: ignore[attr-defined]
        scale, tie, keys = tags[_SCALE], tags[_TIEPOINT], tags[_KEYS]
    except (UnidentifiedImageError, OSError, KeyError, AttributeError, ValueError) as error:
        msg = f"{path.name}: no readable GeoTIFF with a position ({error})"
        raise FormatError(msg) from error
    named = {keys[i]: keys[i + 3] for i in range(4, len(keys) - 3, 4)}
    if named.get(_GEOGRAPHIC_KEY) not in _DEGREES or named.get(1024) == 1:
        msg = f"{path.name}: it is not in longitude and latitude; gdalwarp -t_srs EPSG:4326 first"
        raise CrsError(msg)
    if height.ndim != 2:
        msg = f"{path.name}: one band of heights was expected, it has {height.ndim} dimensions"
        raise FormatError(msg)
    with_gap = str(tags.get(_NODATA, "")).strip("\x00 ")
    if with_gap:
        height = np.where(height == float(with_gap), np.nan, height)
    middle = 0.0 if named.get(1025) == 2 else 0.5
    west = tie[3] + (middle - tie[0]) * scale[0]
    north = tie[4] - (middle - tie[1]) * scale[1]
    return Terrain(height, west, north, scale[0], scale[1])


def true_heights(route: Floats, terrain: Terrain | None) -> list[Floats]:
    """Return each leg with its true heights above ground, sampled every 30 m over terrain.

    Parameters
    ----------
    route
        Longitude, latitude and height above ground at each corner, shape ``(n, 3)``. Between
        corners the aircraft flies straight, whatever the ground does.
    terrain
        None: the ground is taken as flat, so that heights between corners are as at them.

    Returns
    -------
    list of NDArray
        One a leg: longitude, latitude and true height, shape ``(k, 3)`` with k >= 2.
    """
    if terrain is None:
        return [route[i : i + 2].copy() for i in range(len(route) - 1)]
    ground = terrain.at(route[:, 0], route[:, 1])
    _, _, length = _GEOD.inv(route[:-1, 0], route[:-1, 1], route[1:, 0], route[1:, 1])
    legs = []
    for i, metres in enumerate(np.asarray(length)):
        share = np.linspace(0.0, 1.0, max(int(np.ceil(metres / STEP_M)), 1) + 1)[:, None]
        flown = route[i] + (route[i + 1] - route[i]) * share
        above_sea = (ground[i] + route[i, 2]) * (1 - share[:, 0])
        above_sea += (ground[i + 1] + route[i + 1, 2]) * share[:, 0]
        legs.append(
            np.column_stack([flown[:, :2], above_sea - terrain.at(flown[:, 0], flown[:, 1])])
        )
    return legs
