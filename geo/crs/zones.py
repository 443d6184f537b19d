"""Which zone of CGCS2000 Gauss-Krueger or UTM a place belongs to."""

from __future__ import annotations

import math

import shapely

from geo.errors import CrsError

# fmt: off
_MAINLAND = shapely.Polygon([
    (73.3, 39.6), (74.0, 40.4), (76.3, 40.8), (78.3, 41.7), (80.1, 42.5), (80.0, 45.3),
    (82.4, 45.8), (82.9, 47.4), (85.5, 47.4), (85.8, 48.6), (87.3, 49.4), (88.2, 49.0),
    (90.3, 47.9), (91.4, 46.6), (91.2, 45.3), (93.6, 45.1), (95.5, 44.4), (96.6, 43.0),
    (100.3, 42.9), (105.0, 41.8), (107.5, 42.7), (110.0, 43.0), (111.8, 44.0), (111.6, 45.3),
    (113.8, 45.1), (115.8, 46.0), (119.5, 46.9), (119.3, 47.3), (117.5, 47.5), (115.4, 47.6),
    (115.6, 48.3), (116.6, 50.0), (119.1, 50.3), (119.6, 51.6), (120.1, 53.0), (121.3, 53.5),
    (123.5, 53.7), (125.9, 53.3), (127.8, 50.3), (128.4, 49.8), (130.2, 49.0), (131.0, 48.1),
    (134.9, 48.7), (135.2, 48.3), (133.2, 45.1), (131.8, 45.1), (131.3, 43.4), (131.1, 42.8),
    (130.4, 42.3), (129.8, 42.7), (128.2, 41.4), (127.3, 41.3), (126.9, 41.6), (125.0, 40.2),
    (124.3, 39.7), (122.5, 38.9), (123.0, 37.0), (120.5, 35.5), (122.5, 32.0), (123.2, 30.5),
    (121.6, 27.5), (119.9, 25.3), (118.4, 23.9), (117.0, 23.0), (115.5, 22.3), (114.4, 22.55),
    (113.5, 22.0), (111.5, 21.2), (111.4, 19.0), (109.5, 17.9), (108.4, 18.5), (108.3, 21.4),
    (107.9, 21.5), (106.6, 21.9), (106.5, 22.8), (105.3, 23.2), (103.9, 22.4), (102.3, 22.3),
    (101.9, 21.0), (99.9, 21.6), (99.2, 22.1), (98.7, 23.9), (97.4, 23.8), (98.1, 25.5),
    (98.6, 27.4), (97.3, 27.7), (91.5, 27.6), (89.0, 27.2), (88.6, 28.0), (85.8, 27.8),
    (84.0, 28.8), (81.4, 29.9), (78.6, 31.0), (78.5, 32.6), (79.3, 33.0), (78.0, 35.4),
    (76.0, 35.8), (74.4, 37.1),
])
# fmt: on
"""Coarse reach of CGCS2000 zones: it picks one of two equally good projections, never a border."""


def in_mainland(lon: float, lat: float) -> bool:
    """Say whether a place is where CGCS2000 is the usual system (tens of kilometres coarse)."""
    return bool(shapely.contains_xy(_MAINLAND, lon, lat))


def gauss_krueger_srid(lon: float, *, zone_in_easting: bool = False) -> int:
    """Find the CGCS2000 three-degree zone whose central meridian is nearest.

    Parameters
    ----------
    lon
        Degrees; beyond 73.5 to 136.5 the outermost zone is meant.
    zone_in_easting
        Choose the series whose eastings start with the zone number (EPSG:4513 to 4533)
        instead of the "CM" series (EPSG:4534 to 4554).

    Examples
    --------
    >>> gauss_krueger_srid(120.4), gauss_krueger_srid(120.4, zone_in_easting=True)
    (4549, 4528)
    """
    zone = min(max(math.floor(lon / 3 + 0.5), 25), 45)
    return (4513 if zone_in_easting else 4534) + zone - 25


def utm_srid(lon: float, lat: float) -> int:
    """Find the WGS-84 UTM zone; the exceptions of Norway and Svalbard are not made.

    Raises
    ------
    CrsError
        Beyond 84 degrees north and 80 degrees south, where UTM ends.

    Examples
    --------
    >>> utm_srid(-87.7, 41.9), utm_srid(149.1, -35.3)
    (32616, 32755)
    """
    if not -80 <= lat <= 84:
        raise CrsError(f"UTM ends before latitude {lat:.2f}: name a metric EPSG number yourself")
    zone = math.floor((lon + 180) / 6) % 60 + 1
    return (32600 if lat >= 0 else 32700) + zone
