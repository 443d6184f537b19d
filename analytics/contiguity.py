"""Who neighbours whom, for places that are no regular lattice."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from analytics.hotspots import Neighbours
from geo.errors import GeometryError, InputError


def touching(polygons: NDArray[np.object_], *, gap_m: float = 1.0) -> Neighbours:
    """Return which polygons come as near to each other as `gap_m`, corners included.

    Official outlines of neighbours seldom share their vertices exactly; the gap forgives that.

    Parameters
    ----------
    polygons
        Shape ``(n,)``, in a metric CRS. Empty input gives no neighbours.
    gap_m
        Metres, not negative.

    Returns
    -------
    tuple
        CSR ``(indptr, indices)``, symmetric, ascending in each row; a polygon alone has none.

    Raises
    ------
    GeometryError
        A polygon is missing or empty.
    """
    if gap_m < 0:
        raise InputError(f"gap_m is {gap_m}; it must not be negative")
    if (shapely.is_missing(polygons) | shapely.is_empty(polygons)).any():
        raise GeometryError("an area has no geometry, so its neighbours are not known")
    rows, columns = shapely.STRtree(polygons).query(polygons, "dwithin", distance=gap_m)
    return _as_csr(rows, columns, len(polygons))


def within_distance(
    x: NDArray[np.float64], y: NDArray[np.float64], *, distance_m: float
) -> Neighbours:
    """Return which points (cell centres, stations) lie within a distance band.

    Parameters
    ----------
    x, y
        Shape ``(n,)``, in a metric CRS.
    distance_m
        Metres, inclusive.

    Returns
    -------
    tuple
        CSR ``(indptr, indices)``, symmetric, ascending in each row.
    """
    if not distance_m > 0:
        raise InputError(f"distance_m is {distance_m}; it must be more than 0")
    if len(x) == 0:
        return _as_csr(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), 0)
    pairs = cKDTree(np.column_stack((x, y))).query_pairs(distance_m, output_type="ndarray")
    both = np.vstack((pairs, pairs[:, ::-1]))
    return _as_csr(both[:, 0], both[:, 1], len(x))


def _as_csr(rows: NDArray[np.integer], columns: NDArray[np.integer], n: int) -> Neighbours:
    other = rows != columns
    rows, columns = rows[other], columns[other]
    order = np.lexsort((columns, rows))
    indptr = np.searchsorted(rows[order], np.arange(n + 1))
    return indptr.astype(np.int64), columns[order].astype(np.int64)
