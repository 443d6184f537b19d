"""What a division of a community starts from: homes, seams, exclusive ground, and how to seek."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.errors import GeometryError, InputError
from geo.grids.frames import (
    Floats,
    Shapes,
    numbers_of,
    polygon_of,
    require_frame,
    shapes_of,
    spots_of,
)
from geo.grids.topology import is_sound


@dataclass(frozen=True)
class DivisionParams:
    """How a division is sought; stored with its result so that it can be made again.

    Attributes
    ----------
    compactness
        What a border as long as the side of a mean grid costs, beside 1 for a number of
        households at the edge of the bounds.
    seam_strength
        How much cheaper a border is along a seam: 0 for as dear as elsewhere, 1 for free. A
        column `strength` of the seams overrules it line by line.
    rounds
        Attempts to recombine two neighbours, for each grid.
    sample_step_m
        Distance of points along outlines of buildings, between which borders run.
    smooth_m
        Borders are straightened by triangles up to the square of this; 0 leaves them.
    """

    compactness: float = 2.0
    seam_strength: float = 0.75
    rounds: int = 200
    sample_step_m: float = 10.0
    smooth_m: float = 15.0

    def __post_init__(self) -> None:
        if self.compactness < 0 or self.smooth_m < 0 or self.sample_step_m <= 0:
            raise InputError("a division needs compactness, smooth_m >= 0 and sample_step_m > 0.")
        if not 0 <= self.seam_strength <= 1 or self.rounds < 0:
            raise InputError("a division needs 0 <= seam_strength <= 1 and rounds >= 0.")


@dataclass(frozen=True)
class Ground:
    """What lies in a community beside its boundary.

    Attributes
    ----------
    households
        Points or building polygons with a column `households`; 1 each where it is absent.
    seams
        Roads, rivers and other lines that borders should follow; they may have `strength`.
    exclusive
        Exclusive grids to cut out first, with `host_unit` and `host_kind`; where they overlap
        the first keeps the ground.
    """

    households: gpd.GeoDataFrame
    seams: gpd.GeoDataFrame | None = None
    exclusive: gpd.GeoDataFrame | None = None


@dataclass(frozen=True, eq=False)
class Site:
    """One community as arrays: places and households by home, strength by seam, hosts' shapes."""

    community: BaseGeometry
    places: Shapes
    households: Floats
    seams: Shapes
    strength: Floats
    exclusive: gpd.GeoDataFrame
    hosts: Shapes
    srid: int


def read_site(
    community: BaseGeometry, ground: Ground, *, srid: int, params: DivisionParams
) -> Site:
    """Check what was handed in and return it as arrays; homes without households are left out.

    Raises
    ------
    CrsError, InputError, GeometryError
        As `divide_community` says.
    """
    require_frame(ground.households, srid=srid, name="households", columns=())
    if not is_sound(np.array([community], dtype=object))[0]:
        raise GeometryError("the community is not a valid polygon. Mend its boundary first.")
    places, counts = _count_places(ground.households)
    outside = polygon_of(spots_of(places), np.array([community], dtype=object), srid=srid) < 0
    if outside.any():
        raise InputError(
            f"households: {int(outside.sum())} of {len(places)} places lie outside the "
            f"community, the first at {places[outside][0].representative_point().wkt}. "
            "Move or leave them out."
        )
    seams, strength = _read_seams(ground.seams, srid, params.seam_strength)
    exclusive = _read_exclusive(ground.exclusive, community, srid)
    return Site(community, places, counts, seams, strength, exclusive, shapes_of(exclusive), srid)


def _count_places(households: gpd.GeoDataFrame) -> tuple[Shapes, Floats]:
    """Return the shapes with households and their counts."""
    shapes = shapes_of(households)
    counts = numbers_of(households, "households", absent=1.0)
    bad = ~(counts >= 0) | shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bad.any():
        row = int(np.flatnonzero(bad)[0]) + 1
        raise InputError(
            f"households: row {row} has no geometry or not a count of 0 or more "
            f"({int(bad.sum())} rows in all). Mend or leave them out."
        )
    return shapes[counts > 0], counts[counts > 0]


def _read_seams(
    seams: gpd.GeoDataFrame | None, srid: int, strength: float
) -> tuple[Shapes, Floats]:
    if seams is None or not len(seams):
        return np.empty(0, dtype=object), np.empty(0)
    require_frame(seams, srid=srid, name="seams", columns=())
    given = numbers_of(seams, "strength", absent=strength)
    force = np.clip(np.where(np.isnan(given), strength, given), 0.0, 1.0)
    return shapes_of(seams), force


def _read_exclusive(
    exclusive: gpd.GeoDataFrame | None, community: BaseGeometry, srid: int
) -> gpd.GeoDataFrame:
    if exclusive is None:
        empty: dict[str, list[str]] = {"host_unit": [], "host_kind": []}
        return gpd.GeoDataFrame(empty, geometry=[], crs=srid)
    require_frame(exclusive, srid=srid, name="exclusive", columns=("host_unit", "host_kind"))
    shapes = shapes_of(exclusive)
    if not is_sound(shapes).all():
        raise GeometryError("exclusive: a polygon is missing or not valid. Mend it first.")
    return exclusive[shapely.relate_pattern(shapes, community, "T********")]
