"""Points that stand for ground, streets and incidents when coverage is counted."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.lattice.lattice import cell_centres, make_lattice
from geo.locate.polygons import PolygonIndex, index_polygons, locate
from geo.visibility.placed import place_shapes
from geo.visibility.walls import Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

GROUND_M = 5.0
STREET_M = 5.0
_MOST_POINTS = 20_000_000


@dataclass(frozen=True, eq=False)
class Samples:
    """Points in a metric CRS, each with the grid it lies in and what it stands for.

    Attributes
    ----------
    x, y
        Shape ``(n,)``.
    unit
        Row of the grid; points outside all grids are left out.
    weight
        Square metres, metres of street, or 1 an incident.
    """

    x: Floats
    y: Floats
    unit: Longs
    weight: Floats

    def __len__(self) -> int:
        return len(self.x)


def sample_ground(grids: gpd.GeoDataFrame, walls: Walls, *, spacing_m: float = GROUND_M) -> Samples:
    """Return points every `spacing_m` on the open ground of grids, outside buildings.

    The share of ground that is seen is then known to about ``spacing_m`` times the length of
    what bounds the views over the area: some tenths of a percent for a grid at 5 m.

    Parameters
    ----------
    grids
        Polygons in any CRS.
    walls
        Buildings, and the metric CRS to work in.

    Raises
    ------
    InputError
        There would be more than 20 million points; take a wider spacing.
    """
    shapes = place_shapes(grids, srid=walls.srid)
    if shapely.area(shapes).sum() > _MOST_POINTS * spacing_m**2:
        msg = f"ground points every {spacing_m:g} m are over 20 million; take a wider spacing"
        raise InputError(msg)
    whole = shapely.MultiPolygon(
        [part for part in shapely.get_parts(shapely.union_all(shapes)) if part.area > 0]
    )
    lattice = make_lattice(whole, cell_size_m=spacing_m, srid=walls.srid)
    x, y = cell_centres(lattice)
    unit = locate(index_polygons(list(shapes), srid=walls.srid), x, y)
    kept = (unit >= 0) & ~_indoors(walls, x, y)
    weight = np.full(int(kept.sum()), spacing_m**2)
    return Samples(x[kept], y[kept], unit[kept], weight)


def sample_streets(
    roads: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, *, srid: int, spacing_m: float = STREET_M
) -> Samples:
    """Return points along streets, each for the same length of its street."""
    lines = place_shapes(roads, srid=srid)
    length = shapely.length(lines)
    parts = np.maximum(np.ceil(length / spacing_m).astype(np.int64), 1)
    line = np.repeat(np.arange(len(lines)), parts)
    nth = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    at = (nth + 0.5) / parts[line]
    points = shapely.line_interpolate_point(lines[line], at, normalized=True)
    x, y = shapely.get_coordinates(points).T
    return place_samples(grids, x, y, srid=srid, weight=(length / parts)[line])[0]


def place_samples(
    grids: gpd.GeoDataFrame, x: Floats, y: Floats, *, srid: int, weight: Floats | None = None
) -> tuple[Samples, Longs]:
    """Return the points that lie in a grid, and their rows among those handed in."""
    unit = locate(_index(grids, srid), x, y)
    rows = np.flatnonzero(unit >= 0)
    weights = np.ones(len(x)) if weight is None else weight
    return Samples(x[rows], y[rows], unit[rows], weights[rows]), rows


def _index(grids: gpd.GeoDataFrame, srid: int) -> PolygonIndex:
    return index_polygons(list(place_shapes(grids, srid=srid)), srid=srid)


def _indoors(walls: Walls, x: Floats, y: Floats) -> NDArray[np.bool_]:
    if not len(walls.buildings):
        return np.zeros(len(x), dtype=bool)
    index = index_polygons(list(walls.buildings), srid=walls.srid)
    return np.asarray(locate(index, x, y) >= 0)
