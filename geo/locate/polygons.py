"""Point -> polygon: each of millions of points in exactly one polygon of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import require_metric
from geo.errors import GeometryError, InputError
from geo.locate.crossing import locate_points
from geo.locate.edge_raster import cut_into_bands, list_candidates, paint

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

_CELLS_PER_EDGE = 16
_MOST_CELLS = 2**24
_FEWEST_CELLS = 2**12
_ROUNDING = 2.0**-40  # room for the rounding of raster arithmetic, relative to the coordinates


@dataclass(frozen=True, eq=False, slots=True)
class PolygonIndex:
    """A set of polygons prepared for `locate`: plain arrays, picklable, a few megabytes.

    Attributes
    ----------
    srid
        The metric CRS of polygons and points.
    n_polygons
        How many polygons were indexed; answers are positions in that sequence.
    tolerance_m
        See `index_polygons`.
    frame
        ``(x0, y0, 1 / cell size)`` of the raster.
    labels
        Raster ``(rows, columns)`` from the south-west: a polygon, -1 for none, or ``-(i + 2)``
        for the `i`-th cell near an edge.
    candidate_ptr, candidates, covering
        CSR of the (polygon, band) pairs to test in each such cell, and the polygon that fills it,
        or -1.
    band_ptr, band_edges
        CSR of the edges ``(x1, y1, x2, y2)``, lower end first, of a polygon near a raster row.
    """

    srid: int
    n_polygons: int
    tolerance_m: float
    frame: Floats
    labels: Ints
    candidate_ptr: Longs
    candidates: Ints
    covering: Ints
    band_ptr: Longs
    band_edges: Floats


def index_polygons(
    polygons: Sequence[BaseGeometry] | Geometries, *, srid: int, tolerance_m: float = 1e-6
) -> PolygonIndex:
    """Prepare polygons so that `locate` answers at once for most points.

    A raster of about 16 cells per edge is laid under the polygons. A cell that no edge comes
    near has one answer for all its points; elsewhere the exact crossing test decides.

    The rule is half-open: a polygon owns its lower and left edges, not its upper and right ones.
    Where neighbours share their vertices, every point of the union's interior is thus in exactly
    one polygon, points on edges and corners included, and no rounding can change that: the
    crossing test is exact. Where polygons overlap, the one that comes first wins. Points in a gap
    are in none.

    Parameters
    ----------
    polygons
        Valid polygons or multipolygons, holes allowed, in the metric CRS `srid`. Empty sequence:
        every point is in none.
    srid
        EPSG code; geographic systems are refused.
    tolerance_m
        A point in no polygon, but this near (m) to one, goes to the nearest, the first of equals.
        It closes the hairline gaps where a vertex of one polygon lies on a neighbour's edge and
        rounding put it beside the edge (a T-junction: such polygons do not share that edge, so
        the half-open rule alone cannot), and takes in points on the union's outer border. 0: off.

    Raises
    ------
    CrsError
        `srid` is geographic or unknown.
    GeometryError
        A geometry is missing, empty, invalid, no polygon or has coordinates that are not finite.
    InputError
        `tolerance_m` is negative or not finite.

    References
    ----------
    Hormann and Agathos (2001), The point in polygon problem for arbitrary polygons,
    doi:10.1016/S0925-7721(01)00012-8.
    """
    require_metric(srid)
    if not (np.isfinite(tolerance_m) and tolerance_m >= 0):
        raise InputError(f"tolerance_m is {tolerance_m}: give metres, 0 or more")
    geometries = _as_polygons(polygons)
    edges, owners = _edges_of(geometries)
    owner_ptr = np.searchsorted(owners, np.arange(geometries.size + 1)).astype(np.int64)
    frame, rows, columns, pad = _frame_of(geometries, edges.shape[0], tolerance_m)
    bands, band_ptr, band_edges = cut_into_bands(edges, owner_ptr, frame, pad, rows)
    labels, noted = paint(edges, bands, band_ptr, band_edges, frame, pad, rows, columns)
    candidate_ptr, candidates, covering = list_candidates(labels, noted)
    return PolygonIndex(
        srid=srid,
        n_polygons=geometries.size,
        tolerance_m=tolerance_m,
        frame=frame,
        labels=labels,
        candidate_ptr=candidate_ptr,
        candidates=candidates,
        covering=covering.copy(),
        band_ptr=band_ptr,
        band_edges=edges[band_edges],
    )


def locate(index: PolygonIndex, x: ArrayLike, y: ArrayLike) -> Longs:
    """Return for each point the position of its polygon, -1 for none.

    The interpreter lock is released meanwhile, so threads may share one index.

    Parameters
    ----------
    index
        From `index_polygons`.
    x, y
        Points in the index's CRS, shape ``(n,)``. NaN is in no polygon. Empty: empty.

    Returns
    -------
    ndarray
        ``(n,)`` int64.

    Raises
    ------
    InputError
        `x` and `y` are not two sequences of one length.

    Examples
    --------
    >>> halves = [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)]
    >>> locate(index_polygons(halves, srid=32650), [2, 5, 7, 11], [1, 1, 1, 1])
    array([ 0,  1,  1, -1])
    """
    px, py = as_points(x, y)
    return locate_points(
        px,
        py,
        index.frame,
        index.tolerance_m,
        index.labels,
        index.candidate_ptr,
        index.candidates,
        index.covering,
        index.band_ptr,
        index.band_edges,
    )


def as_points(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Return two contiguous float64 arrays of one length.

    Raises
    ------
    InputError
        The two are not one-dimensional or differ in length.
    """
    px = np.ascontiguousarray(x, dtype=np.float64)
    py = np.ascontiguousarray(y, dtype=np.float64)
    if px.ndim != 1 or px.shape != py.shape:
        raise InputError(f"x and y must be two sequences of one length, not {px.shape}, {py.shape}")
    return px, py


def _as_polygons(polygons: Sequence[BaseGeometry] | Geometries) -> Geometries:
    """Return an object array of polygons, or say which one cannot be used."""
    geometries = np.empty(len(polygons), dtype=np.object_)
    geometries[:] = list(polygons)
    kinds = shapely.get_type_id(geometries)
    areal = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    for bad, what in (
        (~areal, "is missing or no polygon"),
        (shapely.is_empty(geometries), "is empty"),
        (~np.isfinite(shapely.bounds(geometries)).all(axis=1), "has coordinates beyond all bounds"),
    ):
        if bad.any():
            raise _complaint(geometries, np.asarray(bad), what)
    broken = np.asarray(~shapely.is_valid(geometries))
    if broken.any():
        reason = shapely.is_valid_reason(geometries[int(np.flatnonzero(broken)[0])])
        raise _complaint(geometries, broken, f"is not valid ({reason})")
    return geometries


def _complaint(geometries: Geometries, bad: NDArray[np.bool_], what: str) -> GeometryError:
    first, count = int(np.flatnonzero(bad)[0]), int(bad.sum())
    return GeometryError(
        f"polygon {first} {what}; {count} of {geometries.size} are so: "
        "mend (shapely.make_valid) or drop them before indexing"
    )


def _edges_of(geometries: Geometries) -> tuple[Floats, Longs]:
    """Return all ring edges, lower end first, and the polygon each belongs to (ascending).

    Orienting each edge the same way for both neighbours is what makes their answers agree.
    """
    parts, owner_of_part = shapely.get_parts(geometries, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    joined = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
    start, end = xy[:-1][joined], xy[1:][joined]
    down = (end[:, 1] < start[:, 1]) | ((end[:, 1] == start[:, 1]) & (end[:, 0] < start[:, 0]))
    edges = np.where(down[:, None], np.hstack((end, start)), np.hstack((start, end)))
    owners = owner_of_part[part_of_ring[ring[:-1][joined]]]
    return np.ascontiguousarray(edges), owners.astype(np.int64)


def _frame_of(
    geometries: Geometries, n_edges: int, tolerance_m: float
) -> tuple[Floats, int, int, float]:
    """Choose the raster: frame, rows, columns, and how near (m) an edge must be to matter."""
    if n_edges == 0:
        return np.array([0.0, 0.0, 1.0]), 1, 1, 0.0
    bounds = shapely.total_bounds(geometries)
    pad = tolerance_m + _ROUNDING * float(np.abs(bounds).max())
    low, high = bounds[:2] - 2 * pad, bounds[2:] + 2 * pad
    n_cells = min(max(_CELLS_PER_EDGE * n_edges, _FEWEST_CELLS), _MOST_CELLS)
    extent = high - low
    size = max(float(np.sqrt(extent.prod() / n_cells)), float(extent.max()) / n_cells, 4 * pad)
    columns, rows = (np.floor(extent / size).astype(int) + 1).tolist()
    return np.array([low[0], low[1], 1.0 / size]), rows, columns, pad
