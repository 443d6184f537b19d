"""WGS-84 to the two shifted Chinese systems, GCJ-02 and BD-09, and exactly back.

GCJ-02 (Amap, Tencent) adds a smooth displacement of 100 to 700 m to WGS-84; BD-09 (Baidu)
adds a second one to GCJ-02. Neither is a projection and neither has an EPSG code. The map
services leave positions outside a rough box around China alone, and so do these functions:
there, every system is WGS-84. The box also covers Korea, northern Indochina and other
neighbours; positions there are shifted as the services' published formula would.

The inverse is solved by fixed-point iteration. It returns the position inside the box whose
forward image is the given one. Within one displacement of the box's edge (open sea or foreign
land) two sources share an image; the one inside the box is meant.

References
----------
The formula has no official publication; it is known from independent re-implementations, of
which the public-domain PRCoords (M. Wang, 2016) is the oracle of the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.errors import InputError

Floats = npt.NDArray[np.float64]
Loop = Callable[[Floats, Floats, Floats, Floats], None]
F = TypeVar("F", bound=Callable[..., object])
_kernel: Callable[[F], F] = njit(cache=True, nogil=True)

WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
"""The box outside which GCJ-02 and BD-09 are WGS-84, in degrees."""

# Krasovsky 1940, which the formula mixes with WGS-84 positions.
_AXIS_M = 6378245.0
_ECCENTRICITY_2 = 0.00669342162296594323
_BD_LON, _BD_LAT = 0.0065, 0.0060
_TOLERANCE = 1e-11  # degrees; what is left after such a step is a fiftieth of it at most
_MAX_STEPS = 30


@_kernel
def _in_china(lon: float, lat: float) -> bool:
    return WEST <= lon <= EAST and SOUTH <= lat <= NORTH


@_kernel
def _gcj_forward(lon: float, lat: float) -> tuple[float, float]:
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    both = 20.0 * math.sin(6.0 * pi * x) + 20.0 * math.sin(2.0 * pi * x)
    wave_lat = (
        both
        + 20.0 * math.sin(pi * y)
        + 40.0 * math.sin(pi * y / 3.0)
        + 160.0 * math.sin(pi * y / 12.0)
        + 320.0 * math.sin(pi * y / 30.0)
    )
    wave_lon = (
        both
        + 20.0 * math.sin(pi * x)
        + 40.0 * math.sin(pi * x / 3.0)
        + 150.0 * math.sin(pi * x / 12.0)
        + 300.0 * math.sin(pi * x / 30.0)
    )
    root, cross = 0.1 * math.sqrt(abs(x)), 0.1 * x * y
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + cross + 2.0 * root + wave_lat * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + cross + root + wave_lon * 2.0 / 3.0
    phi = math.radians(lat)
    w2 = 1.0 - _ECCENTRICITY_2 * math.sin(phi) ** 2
    w = math.sqrt(w2)
    degree_north_m = math.radians(_AXIS_M * (1.0 - _ECCENTRICITY_2) / (w2 * w))
    degree_east_m = math.radians(_AXIS_M * math.cos(phi) / w)
    return lon + east_m / degree_east_m, lat + north_m / degree_north_m


@_kernel
def _baidu_forward(lon: float, lat: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 2e-5 * math.sin(math.radians(lat) * 3000.0)
    angle = math.atan2(lat, lon) + 3e-6 * math.cos(math.radians(lon) * 3000.0)
    return radius * math.cos(angle) + _BD_LON, radius * math.sin(angle) + _BD_LAT


@_kernel
def _bd_forward(lon: float, lat: float) -> tuple[float, float]:
    gcj_lon, gcj_lat = _gcj_forward(lon, lat)
    return _baidu_forward(gcj_lon, gcj_lat)


@_kernel
def _gcj_inverse(lon: float, lat: float) -> tuple[float, float]:
    # The displacement changes by less than 1 % of a step (BD-09's by 2 %), hence two digits each.
    u, v = lon, lat
    for _ in range(_MAX_STEPS):
        image_lon, image_lat = _gcj_forward(u, v)
        du, dv = image_lon - lon, image_lat - lat
        u, v = u - du, v - dv
        if abs(du) < _TOLERANCE and abs(dv) < _TOLERANCE:
            break
    return u, v


@_kernel
def _bd_inverse(lon: float, lat: float) -> tuple[float, float]:
    u, v = lon - _BD_LON, lat - _BD_LAT
    for _ in range(_MAX_STEPS):
        image_lon, image_lat = _baidu_forward(u, v)
        du, dv = image_lon - lon, image_lat - lat
        u, v = u - du, v - dv
        if abs(du) < _TOLERANCE and abs(dv) < _TOLERANCE:
            break
    return _gcj_inverse(u, v)


@_kernel
def _gcj_from_wgs(lon: Floats, lat: Floats, out_lon: Floats, out_lat: Floats) -> None:
    for i in range(lon.size):
        out_lon[i], out_lat[i] = lon[i], lat[i]
        if _in_china(lon[i], lat[i]):
            out_lon[i], out_lat[i] = _gcj_forward(lon[i], lat[i])


@_kernel
def _bd_from_wgs(lon: Floats, lat: Floats, out_lon: Floats, out_lat: Floats) -> None:
    for i in range(lon.size):
        out_lon[i], out_lat[i] = lon[i], lat[i]
        if _in_china(lon[i], lat[i]):
            out_lon[i], out_lat[i] = _bd_forward(lon[i], lat[i])


@_kernel
def _wgs_from_gcj(lon: Floats, lat: Floats, out_lon: Floats, out_lat: Floats) -> None:
    for i in range(lon.size):
        u, v = lon[i], lat[i]
        # One degree of margin: no displacement reaches that far.
        if WEST - 1 < u < EAST + 1 and SOUTH - 1 < v < NORTH + 1:
            u, v = _gcj_inverse(u, v)
        inside = _in_china(u, v)
        out_lon[i], out_lat[i] = (u, v) if inside else (lon[i], lat[i])


@_kernel
def _wgs_from_bd(lon: Floats, lat: Floats, out_lon: Floats, out_lat: Floats) -> None:
    for i in range(lon.size):
        u, v = lon[i], lat[i]
        if WEST - 1 < u < EAST + 1 and SOUTH - 1 < v < NORTH + 1:
            u, v = _bd_inverse(u, v)
        inside = _in_china(u, v)
        out_lon[i], out_lat[i] = (u, v) if inside else (lon[i], lat[i])


def _run(loop: Loop, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
    if lon.shape != lat.shape or lon.ndim != 1:
        raise InputError(
            f"lon and lat must be two arrays of one shape (n,), got {lon.shape} and {lat.shape}"
        )
    out_lon, out_lat = np.empty_like(lon), np.empty_like(lat)
    loop(lon, lat, out_lon, out_lat)
    return out_lon, out_lat


def gcj02_from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS-84 positions to GCJ-02.

    Parameters
    ----------
    lon, lat
        Degrees, shape ``(n,)``. NaN gives NaN; positions outside China's box stay as they are.

    Returns
    -------
    lon, lat
        Degrees in GCJ-02, shape ``(n,)``, new arrays.

    Examples
    --------
    >>> lon, lat = gcj02_from_wgs84([121.4737, 2.2945], [31.2304, 48.8584])
    >>> lon.round(5).tolist(), lat.round(5).tolist()
    ([121.47822, 2.2945], [31.22846, 48.8584])
    """
    return _run(_gcj_from_wgs, lon, lat)


def wgs84_from_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Take the displacement out of GCJ-02 positions, exact to better than 1e-9 degree.

    Shapes, units and the box as in `gcj02_from_wgs84`.
    """
    return _run(_wgs_from_gcj, lon, lat)


def bd09_from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS-84 positions to BD-09 (longitude and latitude, not Baidu's Mercator metres).

    Shapes, units and the box as in `gcj02_from_wgs84`.
    """
    return _run(_bd_from_wgs, lon, lat)


def wgs84_from_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Take both displacements out of BD-09 positions, exact to better than 1e-9 degree.

    Shapes, units and the box as in `gcj02_from_wgs84`.
    """
    return _run(_wgs_from_bd, lon, lat)
