"""Coordinate reference systems: names, conversion to and from WGS-84, and the metric one.

WGS-84 longitude and latitude are the edge of the house; everything that measures works in the
jurisdiction's one metric system. CGCS2000 and WGS-84 agree to better than a metre, which is
below what patrol data can show: coordinates pass between them unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from geo.crs.gcj import (
    Floats,
    bd09_from_wgs84,
    gcj02_from_wgs84,
    wgs84_from_bd09,
    wgs84_from_gcj02,
)
from geo.crs.tiles import WORTH, project_by_tiles
from geo.crs.zones import gauss_krueger_srid, in_mainland, utm_srid
from geo.errors import CrsError, GeometryError

ACCEPTED = (
    "wgs84, cgcs2000, gcj02 (Amap, Tencent), bd09 (Baidu, degrees) or EPSG:<number>, "
    "such as EPSG:4549 or EPSG:32650"
)
_ALIASES = {
    "wgs84": ("wgs84", "wgs1984", "crs84", "gps"),
    "cgcs2000": ("cgcs2000", "国家2000", "2000国家大地坐标系", "大地2000"),
    "gcj02": ("gcj02", "gcj", "火星坐标系", "火星", "高德", "腾讯", "amap"),
    "bd09": ("bd09", "bd09ll", "百度", "baidu"),
}
_NAME_OF_ALIAS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_SRID_OF_NAME = {"wgs84": 4326, "cgcs2000": 4490}
_NAME_OF_SRID = {srid: name for name, srid in _SRID_OF_NAME.items()}
_CRS84 = re.compile(r"(?:urn:ogc:def:crs:)?OGC:[\d.]*:?CRS84", re.IGNORECASE)
_EPSG = re.compile(r"(?:(?:urn:ogc:def:crs:)?EPSG:(?:[\d.]*:)?)?(\d{4,6})", re.IGNORECASE)

_OWN_NUMBER = re.compile(r"""(?:AUTHORITY|ID)\["EPSG",\s*"?(\d{4,6})"?\]\s*\]\s*$""")


@dataclass(frozen=True)
class Crs:
    """A coordinate reference system that Gridbeat can read.

    Attributes
    ----------
    name
        Canonical name: ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:n``.
    srid
        EPSG number; None for GCJ-02 and BD-09, which have none.
    """

    name: str
    srid: int | None

    @property
    def label(self) -> str:
        """Return the name as people write it, such as ``GCJ-02``."""
        written = {"wgs84": "WGS-84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}
        return written.get(self.name, self.name)

    @property
    def is_degrees(self) -> bool:
        """Say whether coordinates are longitude and latitude in degrees."""
        return self.srid is None or epsg(self.srid).is_geographic


def parse_crs(crs: str | int | Crs) -> Crs:
    """Name a coordinate reference system.

    Parameters
    ----------
    crs
        ``wgs84``, ``cgcs2000``, ``gcj02`` or ``bd09`` in any usual spelling, ``EPSG:n``, the
        number alone, an OGC URN, or the WKT of a ``.prj`` file that EPSG knows.

    Raises
    ------
    CrsError
        If the name is unknown; the message lists what is accepted.

    Examples
    --------
    >>> parse_crs("GCJ-02").name, parse_crs("EPSG:4490").name, parse_crs(4549).srid
    ('gcj02', 'cgcs2000', 4549)
    """
    if isinstance(crs, Crs):
        return crs
    text = str(crs).strip()
    if name := _NAME_OF_ALIAS.get(re.sub(r"[\s_-]", "", text.lower())):
        return Crs(name, _SRID_OF_NAME.get(name))
    if _CRS84.fullmatch(text):
        return Crs("wgs84", 4326)
    srid = int(match[1]) if (match := _EPSG.fullmatch(text)) else _srid_of_wkt(text)
    epsg(srid)
    return Crs(_NAME_OF_SRID.get(srid, f"EPSG:{srid}"), srid)


def _srid_of_wkt(text: str) -> int:
    srid: int | None = None
    if "[" in text:
        with suppress(CRSError):
            srid = CRS.from_wkt(text).to_epsg()
        if srid is None and (match := _OWN_NUMBER.search(text)):
            # Old WKT with easting first is no certain match for PROJ, yet it names itself.
            srid = int(match[1])
    if srid is None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise CrsError(f"unknown coordinate reference system {shown!r}; accepted: {ACCEPTED}")
    return srid


@lru_cache(maxsize=256)
def epsg(srid: int) -> CRS:
    """Look up an EPSG number.

    Raises
    ------
    CrsError
        If EPSG has no such coordinate reference system.
    """
    try:
        return CRS.from_epsg(srid)
    except CRSError as error:
        raise CrsError(f"EPSG:{srid} does not exist; accepted: {ACCEPTED}") from error


@lru_cache(maxsize=256)
def _transformer(srid: int, *, inverse: bool) -> Transformer:
    system = epsg(srid)
    datum = system.geodetic_crs
    on_cgcs2000 = datum is not None and datum.to_epsg() == 4490
    degrees, metric = epsg(4490 if on_cgcs2000 else 4326), system
    source, target = (metric, degrees) if inverse else (degrees, metric)
    try:
        return Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise CrsError(
            f"EPSG:{srid} ({system.name}) has no published transformation to WGS-84; convert the "
            "data to CGCS2000 or WGS-84 with the parameters of the local surveying office first"
        ) from error


def to_wgs84(x: npt.ArrayLike, y: npt.ArrayLike, *, crs: str | int | Crs) -> tuple[Floats, Floats]:
    """Convert coordinates of any system to WGS-84 longitude and latitude.

    Parameters
    ----------
    x, y
        Coordinates, shape ``(n,)``: easting and northing, or longitude and latitude, whatever
        axis order the system's registry entry has.
    crs
        Anything that `parse_crs` accepts.

    Returns
    -------
    lon, lat
        Degrees, shape ``(n,)``, new arrays. NaN where x or y is NaN and where the projection
        cannot hold the position.

    Raises
    ------
    CrsError
        If the system is unknown or has no transformation to WGS-84.
    """
    system = parse_crs(crs)
    if system.name == "gcj02":
        return _both_or_neither(*wgs84_from_gcj02(x, y))
    if system.name == "bd09":
        return _both_or_neither(*wgs84_from_bd09(x, y))
    return _transform(x, y, system, inverse=True)


def from_wgs84(
    lon: npt.ArrayLike, lat: npt.ArrayLike, *, crs: str | int | Crs
) -> tuple[Floats, Floats]:
    """Convert WGS-84 longitude and latitude to any system: the inverse of `to_wgs84`."""
    system = parse_crs(crs)
    if system.name == "gcj02":
        return _both_or_neither(*gcj02_from_wgs84(lon, lat))
    if system.name == "bd09":
        return _both_or_neither(*bd09_from_wgs84(lon, lat))
    return _transform(lon, lat, system, inverse=False)


def project(lon: npt.ArrayLike, lat: npt.ArrayLike, *, srid: int) -> tuple[Floats, Floats]:
    """Project longitude and latitude to x and y of an EPSG system, shape ``(n,)``.

    Many points are projected by tiles, which agrees with PROJ to 1e-7 m.
    """
    return from_wgs84(lon, lat, crs=srid)


def unproject(x: npt.ArrayLike, y: npt.ArrayLike, *, srid: int) -> tuple[Floats, Floats]:
    """Turn x and y of an EPSG system back into longitude and latitude, shape ``(n,)``."""
    return to_wgs84(x, y, crs=srid)


def _transform(
    x: npt.ArrayLike, y: npt.ArrayLike, system: Crs, *, inverse: bool
) -> tuple[Floats, Floats]:
    u, v = (np.atleast_1d(np.asarray(column, np.float64)) for column in (x, y))
    if u.shape != v.shape or u.ndim != 1:
        raise CrsError(f"x and y must be two arrays of one shape (n,), got {u.shape}, {v.shape}")
    if system.srid is None or system.name in _SRID_OF_NAME or not u.size:
        return _both_or_neither(u.copy(), v.copy())
    transformer = _transformer(system.srid, inverse=inverse)

    def one_by_one(a: Floats, b: Floats) -> tuple[Floats, Floats]:
        return _both_or_neither(*transformer.transform(a, b))

    if inverse or u.size < WORTH or not _is_smooth(transformer):
        return one_by_one(u, v)
    return project_by_tiles(u, v, one_by_one)


def _is_smooth(transformer: Transformer) -> bool:
    """Say whether a transformation is one formula, and looks into no grid of shifts."""
    return transformer.definition.startswith("proj=") and "grid" not in transformer.definition


def _both_or_neither(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    # PROJ writes inf where it fails; half a position is none.
    lost = ~(np.isfinite(u) & np.isfinite(v))
    u[lost] = v[lost] = np.nan
    return u, v


def convert_geometries(
    geometries: Sequence[BaseGeometry | None] | npt.NDArray[np.object_],
    *,
    crs: str | int | Crs,
    to: str | int | Crs = "wgs84",
) -> npt.NDArray[np.object_]:
    """Convert geometries of any type from one system to another, vertex by vertex.

    Parameters
    ----------
    geometries
        Shapely geometries, shape ``(n,)``; None and empty ones pass through, z is kept.
    crs, to
        The systems they are in and shall be in.

    Returns
    -------
    geometries
        New array, shape ``(n,)``. None where a vertex has no place in the target system, so
        that a broken row can be told from a good one.
    """
    source, target = parse_crs(crs), parse_crs(to)
    result = np.empty(len(geometries), dtype=object)
    result[:] = list(geometries)
    for has_z in (False, True):
        chosen = np.flatnonzero(shapely.has_z(result) == has_z)
        if chosen.size:
            result[chosen] = _convert_alike(result[chosen], source, target, has_z=has_z)
    return result


def _convert_alike(
    geometries: npt.NDArray[np.object_], source: Crs, target: Crs, *, has_z: bool
) -> npt.NDArray[np.object_]:
    coordinates, owner = shapely.get_coordinates(geometries, include_z=has_z, return_index=True)
    u, v = from_wgs84(*to_wgs84(coordinates[:, 0], coordinates[:, 1], crs=source), crs=target)
    lost = np.zeros(len(geometries), dtype=bool)
    lost[owner[np.isnan(u)]] = True
    kept = ~lost[owner]
    coordinates[:, 0], coordinates[:, 1] = u, v
    result = geometries.copy()
    result[lost] = None
    moved: Any = shapely.set_coordinates(result, coordinates[kept])
    return np.asarray(moved, dtype=object)


def require_metric(srid: int) -> None:
    """Refuse a system in which lengths and areas cannot be measured in metres.

    Raises
    ------
    CrsError
        If `srid` is unknown, geographic, geocentric, in other units than metres, or web
        Mercator, whose metres are stretched by 1 / cos(latitude).
    """
    system = epsg(srid)
    use = (
        "; use the metric system of the jurisdiction: a CGCS2000 3-degree zone (EPSG:4534 to "
        "4554), a UTM zone (EPSG:32601 to 32760), or what propose_metric_srid(boundary) returns"
    )
    if not system.is_projected:
        raise CrsError(f"EPSG:{srid} ({system.name}) has no plane metres to measure in{use}")
    units = sorted({axis.unit_name for axis in system.axis_info[:2]})
    if units != ["metre"]:
        raise CrsError(f"EPSG:{srid} ({system.name}) is in {', '.join(units)}, not metres{use}")
    operation = system.coordinate_operation
    if operation is not None and "Pseudo Mercator" in operation.method_name:
        raise CrsError(f"EPSG:{srid} ({system.name}) stretches lengths by 1 / cos(latitude){use}")


def propose_metric_srid(boundary: BaseGeometry) -> int:
    """Propose the metric system of a jurisdiction from its boundary.

    In mainland China the CGCS2000 three-degree Gauss-Krueger zone without zone number in the
    easting (EPSG:4534 to 4554), elsewhere the WGS-84 UTM zone, both by the centroid.

    Parameters
    ----------
    boundary
        Polygon or multipolygon, longitude and latitude in degrees; it may cross the
        antimeridian.

    Raises
    ------
    GeometryError
        If the boundary is empty or no polygon.
    CrsError
        If it is not in longitude and latitude, or lies where UTM has no zone.
    """
    lon, lat = middle(boundary)
    return gauss_krueger_srid(lon) if in_mainland(lon, lat) else utm_srid(lon, lat)


def middle(boundary: BaseGeometry) -> tuple[float, float]:
    """Find the centroid of a boundary in degrees, also across the antimeridian.

    Raises
    ------
    GeometryError
        If the boundary is empty or no polygon.
    CrsError
        If it is not in longitude and latitude.
    """
    if boundary.is_empty or boundary.geom_type not in ("Polygon", "MultiPolygon"):
        raise GeometryError(
            f"a boundary is a polygon or multipolygon with an area, not {boundary.geom_type}"
            + (" EMPTY" if boundary.is_empty else "")
        )
    west, south, east, north = boundary.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise CrsError(
            "the boundary must be longitude and latitude in degrees, but reaches from "
            f"{west:.6g}, {south:.6g} to {east:.6g}, {north:.6g}: convert it with "
            "convert_geometries first"
        )
    if east - west > 180:
        boundary = shapely.transform(boundary, _eastern)
    centre = boundary.centroid
    return (centre.x + 180) % 360 - 180, centre.y


def _eastern(coordinates: Floats) -> Floats:
    return np.column_stack([coordinates[:, 0] % 360, coordinates[:, 1]])
