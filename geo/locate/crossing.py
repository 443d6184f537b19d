"""Which polygon holds a point: the even-odd crossing test, exact on shared edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])

_compiled: Callable[[F], F] = njit(cache=True, nogil=True)

# Shewchuk's bound on the rounding of the plain determinant: (3 + 16 eps) eps, eps = 2**-53.
_ORIENTATION_BOUND = 3.3306690738754716e-16
_SPLITTER = 134217729.0  # 2**27 + 1, halves a double into two of 26 bits


@_compiled
def _product_tail(a: float, b: float, product: float) -> float:
    """Return what rounding took from ``product = a * b`` (Dekker's exact product)."""
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@_compiled
def _grow(parts: Floats, count: int, term: float) -> None:
    """Add `term` to the exact sum held in ``parts[:count]``, writing ``parts[:count + 1]``."""
    total = term
    for i in range(count):
        part = parts[i]
        new = total + part
        virtual = new - total
        parts[i] = (total - (new - virtual)) + (part - virtual)
        total = new
    parts[count] = total


@_compiled
def _exact_side(px: float, py: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the exact determinant's leading part: its sign is right whatever the rounding."""
    left = (x2, -x2, -x1, -px, px, x1)
    right = (py, y1, py, y2, y1, y2)
    parts = np.empty(12, dtype=np.float64)
    count = 0
    for i in range(6):
        product = left[i] * right[i]
        _grow(parts, count, _product_tail(left[i], right[i], product))
        _grow(parts, count + 1, product)
        count += 2
    for i in range(11, -1, -1):
        if parts[i] != 0.0:
            return float(parts[i])
    return 0.0


@_compiled
def is_left_of(px: float, py: float, x1: float, y1: float, x2: float, y2: float) -> bool:
    """Tell whether a point lies strictly left of an upward edge, without rounding error.

    The usual determinant decides when it is larger than its own rounding; otherwise the sum is
    made exactly. Two polygons that share an edge therefore always get the same answer for it.

    Parameters
    ----------
    px, py
        The point.
    x1, y1, x2, y2
        The edge from its lower to its upper end, ``y1 <= y2``, same units.

    References
    ----------
    Shewchuk (1997), Adaptive precision floating-point arithmetic and fast robust geometric
    predicates, doi:10.1007/PL00009321.
    """
    a = (x2 - x1) * (py - y1)
    b = (px - x1) * (y2 - y1)
    side = a - b
    if abs(side) > _ORIENTATION_BOUND * (abs(a) + abs(b)):
        return bool(side > 0.0)
    return _exact_side(px, py, x1, y1, x2, y2) > 0.0


@_compiled
def _holds(px: float, py: float, edges: Floats, start: int, stop: int) -> bool:
    """Cast a ray to the right and count the edges it crosses; odd means inside."""
    inside = False
    for e in range(start, stop):
        y1 = edges[e, 1]
        y2 = edges[e, 3]
        if y1 <= py < y2:
            x1 = edges[e, 0]
            x2 = edges[e, 2]
            if px < min(x1, x2) or (px < max(x1, x2) and is_left_of(px, py, x1, y1, x2, y2)):
                inside = not inside
    return inside


@_compiled
def _nearest_squared(px: float, py: float, edges: Floats, start: int, stop: int) -> float:
    """Return the squared distance from the point to the nearest of some edges."""
    best = np.inf
    for e in range(start, stop):
        dx = edges[e, 2] - edges[e, 0]
        dy = edges[e, 3] - edges[e, 1]
        wx = px - edges[e, 0]
        wy = py - edges[e, 1]
        t = min(1.0, max(0.0, (wx * dx + wy * dy) / (dx * dx + dy * dy)))
        best = min(best, (wx - t * dx) ** 2 + (wy - t * dy) ** 2)
    return best


@_compiled
def _decide(
    px: float,
    py: float,
    tolerance: float,
    first: int,
    last: int,
    candidates: Ints,
    covering: int,
    band_ptr: Longs,
    band_edges: Floats,
) -> int:
    """Return the answer for one point in a cell that edges come near."""
    for j in range(first, last):
        band = candidates[j, 1]
        if _holds(px, py, band_edges, band_ptr[band], band_ptr[band + 1]):
            return int(candidates[j, 0])
    answer = covering
    if answer < 0 and tolerance > 0.0:
        best = tolerance * tolerance
        for j in range(first, last):
            band = candidates[j, 1]
            distance = _nearest_squared(px, py, band_edges, band_ptr[band], band_ptr[band + 1])
            if distance < best or (distance == best and answer < 0):
                best = distance
                answer = int(candidates[j, 0])
    return answer


@_compiled
def locate_points(
    x: Floats,
    y: Floats,
    frame: Floats,
    tolerance: float,
    labels: Ints,
    candidate_ptr: Longs,
    candidates: Ints,
    covering: Ints,
    band_ptr: Longs,
    band_edges: Floats,
) -> Longs:
    """Return for each point the lowest polygon that holds it, -1 for none.

    Parameters
    ----------
    x, y
        Points, shape ``(n,)``, metric CRS of the index. NaN gives -1.
    frame
        ``(x0, y0, 1 / cell size)`` of the raster.
    tolerance
        Distance (m) within which a point in no polygon goes to the nearest one; 0: never.
    labels
        Raster ``(rows, columns)`` from the south: a polygon, -1 for none, ``-(i + 2)`` for the
        `i`-th cell that an edge comes near.
    candidate_ptr, candidates
        CSR: for each such cell the (polygon, band) pairs to test, ascending.
    covering
        The polygon that fills such a cell and answers when no candidate does, or -1.
    band_ptr, band_edges
        CSR: the edges ``(x1, y1, x2, y2)``, lower end first, of a polygon near a raster row.
    """
    found = np.full(x.size, -1, dtype=np.int64)
    rows, columns = labels.shape
    x0, y0, per_m = frame[0], frame[1], frame[2]
    for i in range(x.size):
        u = (x[i] - x0) * per_m
        v = (y[i] - y0) * per_m
        if u >= 0.0 and v >= 0.0 and u < columns and v < rows:
            label = labels[int(v), int(u)]
            if label < -1:
                cell = -label - 2
                first, last = candidate_ptr[cell], candidate_ptr[cell + 1]
                filled = covering[cell]
                label = _decide(
                    x[i], y[i], tolerance, first, last, candidates, filled, band_ptr, band_edges
                )
            found[i] = label
    return found
