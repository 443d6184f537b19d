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


def sharing_sides(polygons: NDArray[np.object_], *, gap_m: float = 1.0) -> Neighbours:
    """Return which polygons share a side, not a corner alone (rook).

    Parameters
    ----------
    polygons, gap_m
        As in `touching`. A side counts from five times the gap on: around a corner the outlines
        of two polygons are nearer than the gap for less than that.

    Returns
    -------
    tuple
        CSR ``(indptr, indices)``, symmetric, ascending in each row.
    """
    indptr, indices = touching(polygons, gap_m=gap_m)
    rows = np.repeat(np.arange(len(polygons)), np.diff(indptr))
    wide = shapely.buffer(polygons[rows], gap_m)
    shared = shapely.length(shapely.intersection(wide, shapely.boundary(polygons[indices])))
    side = shared > 5 * gap_m
    pairs = rows * len(polygons) + indices
    both = side & np.isin(pairs, (indices * len(polygons) + rows)[side])
    return _as_csr(rows[both], indices[both], len(polygons))


def nearest(x: NDArray[np.float64], y: NDArray[np.float64], *, k: int) -> Neighbours:
    """Return the `k` nearest other points of each point; equally near ones by their order.

    Parameters
    ----------
    x, y
        Shape ``(n,)``, in a metric CRS, with more than `k` points.

    Returns
    -------
    tuple
        CSR ``(indptr, indices)``, ascending in each row. Not symmetric: the nearest of a lonely
        place has nearer ones of its own. Not for join counts.
    """
    n = len(x)
    if not 1 <= k < n:
        raise InputError(f"k is {k}; of {n} places each has 1 to {max(n - 1, 0)} others")
    _, found = cKDTree(np.column_stack((x, y))).query(np.column_stack((x, y)), k=k + 1)
    rows = np.repeat(np.arange(n), k + 1)
    columns = found.ravel()
    own = rows == columns
    # Of several points at one place the query may leave out the point itself: then its last goes.
    lost = np.flatnonzero(np.bincount(rows[own], minlength=n) == 0)
    own[lost * (k + 1) + k] = True
    return _as_csr(rows[~own], columns[~own], n)


def _as_csr(rows: NDArray[np.integer], columns: NDArray[np.integer], n: int) -> Neighbours:
    other = rows != columns
    rows, columns = rows[other], columns[other]
    order = np.lexsort((columns, rows))
    indptr = np.searchsorted(rows[order], np.arange(n + 1))
    return indptr.astype(np.int64), columns[order].astype(np.int64)
