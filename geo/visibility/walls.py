"""The walls that cut views: edges of buildings in buckets, with the heights that are known."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.crs.systems import require_metric
from geo.errors import GeometryError
from geo.visibility.placed import place_shapes

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

BUCKET_M = 40.0


@dataclass(frozen=True, eq=False)
class Buckets:
    """Things with a bounding box, listed in each square bucket that the box touches.

    Attributes
    ----------
    x0, y0, size_m, columns, rows
        The buckets, from the south-west.
    ptr, items
        CSR: what lies in each bucket, row by row.
    first
        ``(n, 2)`` column and row of each thing's first bucket, to meet it once in a search.
    """

    x0: float
    y0: float
    size_m: float
    columns: int
    rows: int
    ptr: Longs
    items: Longs
    first: Longs


@dataclass(frozen=True, eq=False)
class Walls:
    """Edges of buildings in one metric CRS.

    Attributes
    ----------
    srid
        The metric CRS.
    buildings
        Polygons, shape ``(n_buildings,)``.
    height_m
        Heights of the buildings; NaN where unknown.
    edges
        ``(n_edges, 4)``: x1, y1, x2, y2, building by building.
    owner
        ``(n_edges,)`` building of each edge.
    buckets
        The edges by place.
    """

    srid: int
    buildings: Geometries
    height_m: Floats
    edges: Floats
    owner: Longs
    buckets: Buckets


def make_walls(buildings: gpd.GeoDataFrame | None, *, srid: int, storey_m: float = 3.0) -> Walls:
    """Take the edges of buildings.

    Parameters
    ----------
    buildings
        Polygons in any CRS with, where known, ``height_m`` and ``levels``; they may touch and
        overlap. None or no rows: open ground.
    storey_m
        Height of a storey where levels alone are known.

    Raises
    ------
    CrsError
        `srid` is no metric CRS, or the buildings have no CRS.
    GeometryError
        A shape is no polygon; the message names its row.
    """
    require_metric(srid)
    if buildings is None or not len(buildings):
        return _walls(srid, np.empty(0, dtype=object), np.empty(0))
    shapes = np.asarray(buildings.geometry.array, dtype=object)
    kinds = shapely.get_type_id(shapes)
    wrong = ~np.isin(kinds, (3, 6)) | shapely.is_empty(shapes)
    if wrong.any():
        msg = f"building {np.flatnonzero(wrong)[0]} is no polygon; buildings must be polygons"
        raise GeometryError(msg)
    shapes = place_shapes(buildings, srid=srid)
    unknown = pd.Series(np.nan, index=buildings.index)
    height, levels = (
        pd.to_numeric(buildings.get(name, unknown)).to_numpy(dtype=np.float64)
        for name in ("height_m", "levels")
    )
    return _walls(srid, shapes, np.where(np.isnan(height), levels * storey_m, height))


def _walls(srid: int, shapes: Geometries, height_m: Floats) -> Walls:
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, of_point = shapely.get_coordinates(rings, return_index=True)
    same = of_point[1:] == of_point[:-1]
    edges = np.hstack((xy[:-1], xy[1:]))[same] if len(xy) else np.empty((0, 4))
    owner = of_part[of_ring[of_point[1:]]][same] if len(xy) else np.empty(0, dtype=np.int64)
    boxes = np.column_stack(
        (
            np.minimum(edges[:, :2], edges[:, 2:]),
            np.maximum(edges[:, :2], edges[:, 2:]),
        )
    )
    return Walls(
        srid=srid,
        buildings=shapes,
        height_m=height_m,
        edges=np.ascontiguousarray(edges),
        owner=owner.astype(np.int64),
        buckets=fill_buckets(boxes, size_m=BUCKET_M),
    )


def fill_buckets(boxes: Floats, *, size_m: float) -> Buckets:
    """List things by the buckets that their boxes touch.

    Parameters
    ----------
    boxes
        ``(n, 4)``: least x, least y, greatest x, greatest y.
    size_m
        Side of a bucket; it grows where there would be far more buckets than things.
    """
    if not len(boxes):
        nothing = np.empty(0, dtype=np.int64)
        return Buckets(0.0, 0.0, size_m, 0, 0, np.zeros(1, dtype=np.int64), nothing,
                       np.empty((0, 2), dtype=np.int64))  # fmt: skip
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = max(size_m, float(np.sqrt(np.prod(high - low + size_m) / (4e6 + 8 * len(boxes)))))
    first = np.floor((boxes[:, :2] - low) / size).astype(np.int64)
    last = np.floor((boxes[:, 2:] - low) / size).astype(np.int64)
    columns, rows = (last.max(axis=0) + 1).tolist()
    wide, tall = (last - first + 1).T
    count = wide * tall
    thing = np.repeat(np.arange(len(boxes)), count)
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    column = first[thing, 0] + nth % wide[thing]
    row = first[thing, 1] + nth // wide[thing]
    bucket = row * columns + column
    order = np.argsort(bucket, kind="stable")
    ptr = np.zeros(rows * columns + 1, dtype=np.int64)
    np.cumsum(np.bincount(bucket, minlength=rows * columns), out=ptr[1:])
    return Buckets(float(low[0]), float(low[1]), size, columns, rows, ptr, thing[order], first)
