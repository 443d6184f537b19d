"""The reference systems that features are given in, and which axis of theirs comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pyproj

from geo.errors import InputError

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ALWAYS = (4326, 4490, 3857)
FORM = re.compile(r"(?:http://www\.opengis\.net/def/crs/EPSG/(?:0|\d+\.\d+)/|EPSG:)(\d{4,6})")


@dataclass(frozen=True)
class FeatureCrs:
    """One system: its URI, its number, and whether north or latitude comes first."""

    uri: str
    srid: int
    flipped: bool


WGS84 = FeatureCrs(CRS84, 4326, flipped=False)


def read_crs(text: str | None, *, metric: tuple[int, ...] = ()) -> FeatureCrs:
    """Return the system that a parameter names; CRS84 where it names none.

    Parameters
    ----------
    metric
        The metric systems of the jurisdictions, which are served, too.

    Raises
    ------
    InputError
        It is unknown or not served.
    """
    if text is None or text.strip("[]") in {CRS84, "OGC:CRS84"}:
        return WGS84
    match = FORM.fullmatch(text.strip("[]"))
    srid = int(match[1]) if match else 0
    if srid not in {*ALWAYS, *metric}:
        served = ", ".join([CRS84, *(f"{EPSG}{number}" for number in (*ALWAYS, *metric))])
        raise InputError(
            f"the reference system {text[:80]!r} is not served; these are: {served}", code="no-crs"
        )
    return FeatureCrs(f"{EPSG}{srid}", srid, flipped=_is_flipped(srid))


@cache
def _is_flipped(srid: int) -> bool:
    return pyproj.CRS.from_epsg(srid).axis_info[0].direction == "north"


def box_in_degrees(box: tuple[float, ...], crs: FeatureCrs) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a box that is given in `crs`, axes as it has them."""
    a, b, c, d = box
    if crs.flipped:
        a, b, c, d = b, a, d, c
    if crs.srid == 4326:
        return a, b, c, d
    turn = pyproj.Transformer.from_crs(crs.srid, 4326, always_xy=True)
    west, south, east, north = turn.transform_bounds(a, b, c, d, densify_pts=21)
    return west, south, east, north
