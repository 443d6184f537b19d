"""The ways in which the same numbers could have been meant: swapped, signed, another system."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.gcj import EAST, NORTH, SOUTH, WEST, Floats
from geo.crs.systems import Crs, middle, parse_crs, propose_metric_srid, to_wgs84
from geo.crs.zones import gauss_krueger_srid, in_mainland, utm_srid


@dataclass(frozen=True)
class Reading:
    """One way to read raw coordinates, and how well it fits a boundary.

    Attributes
    ----------
    crs
        The system that the numbers would be in.
    swapped
        Whether x is in the column of y; changed before the signs.
    negate_x, negate_y
        Whether a sign would have to be changed.
    share_inside
        Share of the positions that would fall inside, 0 to 1; NaN before it is measured.
    """

    crs: Crs
    swapped: bool = False
    negate_x: bool = False
    negate_y: bool = False
    share_inside: float = math.nan

    @property
    def changes(self) -> int:
        """Count the swaps and signs that differ; of equal fits the simplest is meant."""
        return int(self.swapped) + int(self.negate_x) + int(self.negate_y)


def read_as(reading: Reading, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Convert raw coordinates, shape ``(n,)``, to WGS-84 degrees as a reading says."""
    if reading.swapped:
        x, y = y, x
    return to_wgs84(-x if reading.negate_x else x, -y if reading.negate_y else y, crs=reading.crs)


def find_inside(
    reading: Reading, x: Floats, y: Floats, boundary: BaseGeometry
) -> npt.NDArray[np.bool_]:
    """Say which positions fall inside the boundary or on its edge, shape ``(n,)``."""
    lon, lat = read_as(reading, x, y)
    return np.asarray(shapely.intersects_xy(boundary, lon, lat), dtype=bool)


def measure(reading: Reading, x: Floats, y: Floats, boundary: BaseGeometry) -> Reading:
    """Return the reading with its share inside; positions without a place are outside."""
    return replace(reading, share_inside=float(find_inside(reading, x, y, boundary).mean()))


def list_other_readings(
    declared: Crs, boundary: BaseGeometry, metric_srid: int | None
) -> list[Reading]:
    """List what else the numbers could plausibly mean where the boundary lies.

    Swapped axes; for degrees a missing minus sign; and the systems in use there, also with
    northing before easting, as Chinese survey files have it. Local grids that cannot be told
    from the place alone are not guessed.
    """
    readings = [Reading(declared, swapped=True)]
    if declared.is_degrees:
        for swapped in (False, True):
            readings += [
                Reading(declared, swapped, negate_x=True),
                Reading(declared, swapped, negate_y=True),
                Reading(declared, swapped, negate_x=True, negate_y=True),
            ]
    for crs in dict.fromkeys(_systems_in_use(boundary, metric_srid)):
        # Another system in degrees is a shift or nothing at all, which shares cannot show.
        if crs != declared and not (crs.is_degrees and declared.is_degrees):
            readings += [Reading(crs), Reading(crs, swapped=True)]
    return readings


def _systems_in_use(boundary: BaseGeometry, metric_srid: int | None) -> Iterator[Crs]:
    lon, lat = middle(boundary)
    yield parse_crs("wgs84")
    yield parse_crs(metric_srid if metric_srid is not None else propose_metric_srid(boundary))
    if in_mainland(lon, lat):
        for near in (lon, lon - 1.5, lon + 1.5):
            yield parse_crs(gauss_krueger_srid(near))
            yield parse_crs(gauss_krueger_srid(near, zone_in_easting=True))
    if -80 <= lat <= 84:
        yield parse_crs(utm_srid(lon, lat))
    yield parse_crs(3857)


def list_shifted_readings(declared: Crs, boundary: BaseGeometry) -> list[Reading]:
    """List the Chinese shifted systems that could be meant in place of the declared one.

    Empty where the declared system is a projection or the boundary is outside the box in
    which GCJ-02 and BD-09 differ from WGS-84.
    """
    lon, lat = middle(boundary)
    if not (declared.is_degrees and WEST < lon < EAST and SOUTH < lat < NORTH):
        return []
    same = ("wgs84", "cgcs2000")
    names = [name for name in ("wgs84", "gcj02", "bd09") if name != declared.name]
    if declared.name in same:
        names = [name for name in names if name not in same]
    return [Reading(parse_crs(name)) for name in names]
