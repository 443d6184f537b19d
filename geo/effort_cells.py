"""The cells in which effort and looks are counted: squares of 50 m, numbered by i and j."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import convert_geometries
from geo.errors import GeometryError
from geo.lattice.lattice import Lattice, cell_centres, cell_polygons, make_lattice

CELL_M = 50.0
Longs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ground:
    """The cells with ground of a jurisdiction, by row from the south-west.

    Attributes
    ----------
    lattice
        Squares of `CELL_M`, aligned to (0, 0) of the metric system.
    i, j
        ``floor(x / CELL_M)``, ``floor(y / CELL_M)`` of each cell, ``(n_cells,)``.
    """

    lattice: Lattice
    i: Longs
    j: Longs


def ground_of(boundary: BaseGeometry, *, srid: int) -> Ground:
    """Return the cells that have a part inside a boundary.

    Parameters
    ----------
    boundary
        Polygon or multipolygon in longitude and latitude, WGS-84.
    srid
        The jurisdiction's metric system.

    Raises
    ------
    GeometryError
        The boundary is no polygon.
    """
    metric = convert_geometries(np.array([boundary]), crs="wgs84", to=srid)[0]
    if not isinstance(metric, shapely.Polygon | shapely.MultiPolygon):
        raise GeometryError(f"the boundary is a {metric.geom_type}: give a polygon")
    lattice = make_lattice(metric, cell_size_m=CELL_M, srid=srid)
    i, j = indices_of(lattice)
    return Ground(lattice, i, j)


def indices_of(lattice: Lattice) -> tuple[Longs, Longs]:
    """Return i and j of the active cells of a lattice that is aligned to (0, 0)."""
    x, y = cell_centres(lattice)
    size = lattice.cell_size_m
    return np.floor(x / size).astype(np.int64), np.floor(y / size).astype(np.int64)


def position_in(ground: Ground, i: Longs, j: Longs) -> Longs:
    """Return the position in the lattice's cells of each (i, j); -1 where there is no ground."""
    lattice = ground.lattice
    column = i - round(lattice.x0 / CELL_M)
    row = j - round(lattice.y0 / CELL_M)
    inside = (column >= 0) & (column < lattice.n_columns) & (row >= 0) & (row < lattice.n_rows)
    linear = np.where(inside, row * lattice.n_columns + column, 0)
    return np.where(inside, lattice.position_of[linear], -1).astype(np.int64)


def cell_shapes(ground: Ground, boundary: BaseGeometry) -> NDArray[np.object_]:
    """Return the cells cut to the boundary (WGS-84) as multipolygons in WGS-84, ``(n_cells,)``."""
    srid = ground.lattice.srid
    metric = convert_geometries(np.array([boundary]), crs="wgs84", to=srid)[0]
    cut = cell_polygons(ground.lattice, clipped_to=metric)
    return convert_geometries(_as_multi(cut), crs=srid, to="wgs84")


def _as_multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    out = np.empty(len(shapes), dtype=object)
    for row, shape in enumerate(shapes):
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        out[row] = shapely.MultiPolygon(parts)
    return out
