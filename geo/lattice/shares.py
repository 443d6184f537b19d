"""How much of each lattice cell lies inside a boundary, and the clipped cells themselves."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geo.lattice.frame import QUEEN, Frame, around, centres_of, look_up, polygons_of
from geo.locate.polygons import index_polygons, locate

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

_BLOCK = 16  # cells along one side of a block that shares one clipped piece of the boundary
_CHUNK = 1_000_000
_LEAST_SHARE = 1e-9


def active_cells(frame: Frame, boundary: Polygon | MultiPolygon) -> tuple[Longs, Floats]:
    """Return the cells with a part inside a boundary, and the share of each that is inside.

    Only cells that the boundary's line crosses are cut; the others are in or out by their centre.

    Parameters
    ----------
    frame
        Around the boundary.
    boundary
        Valid, in the frame's CRS.

    Returns
    -------
    tuple
        Linear indices, ascending, and shares in (0, 1], each ``(n_cells,)``. Parts smaller than a
        billionth of the cell (or of the boundary, if that is less) do not count.
    """
    edge = _cells_near(frame, boundary)
    edge = edge[crossed_by(boundary, polygons_of(frame, edge))]
    area = shapely.area(clip_cells(boundary, frame, edge))
    kept = area > _LEAST_SHARE * min(frame.cell_area_m2, boundary.area)
    full = _cells_inside(frame, boundary, but=edge)
    cells = np.concatenate((full, edge[kept]))
    share = np.concatenate((np.ones(full.size), area[kept] / frame.cell_area_m2))
    order = np.argsort(cells)
    return cells[order], np.minimum(share[order], 1.0)


def crossed_by(boundary: Polygon | MultiPolygon, cells: Geometries) -> NDArray[np.bool_]:
    """Tell which cells meet the boundary's line.

    Parameters
    ----------
    boundary
        Metric CRS.
    cells
        Polygons, shape ``(n,)``.
    """
    rings = shapely.get_rings(shapely.get_parts(boundary))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    segments = shapely.linestrings(np.stack((xy[:-1][joined], xy[1:][joined]), axis=1))
    crossed = np.zeros(cells.size, dtype=np.bool_)
    crossed[shapely.STRtree(cells).query(segments, predicate="intersects")[1]] = True
    return crossed


def clip_cells(boundary: Polygon | MultiPolygon, frame: Frame, cells: Longs) -> Geometries:
    """Cut cells to a boundary.

    A boundary of many thousand vertices is first cut into blocks of cells, so that no cell meets
    more than a few of them.

    Parameters
    ----------
    boundary
        Valid, in the frame's CRS.
    frame, cells
        Linear indices in that frame, ``(n,)``.

    Returns
    -------
    ndarray
        ``(n,)``: polygons or multipolygons, empty where nothing is left.
    """
    polygons = polygons_of(frame, cells)
    if cells.size == 0:
        return polygons
    rows, columns = np.divmod(cells, frame.n_columns)
    _, block = np.unique(rows // _BLOCK * frame.n_columns + columns // _BLOCK, return_inverse=True)
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.diff(block[order], prepend=-1))
    bounds = shapely.bounds(polygons[order])
    low = np.minimum.reduceat(bounds[:, :2], starts)
    high = np.maximum.reduceat(bounds[:, 2:], starts)
    blocks = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    pieces = np.asarray(shapely.intersection(blocks, boundary), dtype=np.object_)
    return _areal(shapely.intersection(polygons, pieces[block]))


def _cells_near(frame: Frame, boundary: Polygon | MultiPolygon) -> Longs:
    """Return a superset of the cells that the boundary's line crosses.

    Points every quarter cell along the line, each with the ring of cells around its own: a place
    on the line is at most an eighth from such a point, so its cell is that point's or touches it.
    """
    dense = shapely.segmentize(shapely.boundary(boundary), frame.cell_size_m / 4)
    x, y = np.ascontiguousarray(shapely.get_coordinates(dense).T)
    hit = np.unique(look_up(frame, x, y, np.arange(frame.n_frame, dtype=np.int32)))
    hit = hit[hit >= 0]
    near = np.unique(np.concatenate((hit, around(frame, hit, QUEEN).ravel())))
    return near[near >= 0]


def _cells_inside(frame: Frame, boundary: Polygon | MultiPolygon, *, but: Longs) -> Longs:
    """Return the cells whose centre lies inside the boundary, a million at a time, save some."""
    index = index_polygons([boundary], srid=frame.srid, tolerance_m=0.0)
    wanted = np.ones(frame.n_frame, dtype=np.bool_)
    wanted[but] = False
    for start in range(0, wanted.size, _CHUNK):
        cells = np.arange(start, min(start + _CHUNK, wanted.size), dtype=np.int64)
        wanted[cells] &= locate(index, *centres_of(frame, cells)) == 0
    return np.flatnonzero(wanted)


def _areal(geometries: Geometries) -> Geometries:
    """Drop the points and lines that an intersection leaves where cells only touch."""
    kinds = shapely.get_type_id(geometries)
    fine = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    kept = geometries.copy()
    for i in np.flatnonzero(~fine):
        parts = shapely.get_parts(geometries[i])
        areal = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        kept[i] = shapely.multipolygons(areal) if areal.size else Polygon()
    return kept
