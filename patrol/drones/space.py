"""Where a drone may fly, and the shortest way between two places inside."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from geo.errors import GeometryError

Floats = NDArray[np.float64]
# Lines between points on the border are inside, although their ends are rounded numbers.
_SLACK_M = 0.02
_MOST_CORNERS = 250


class FlightSpace:
    """A region of flight with its shortest paths (visibility graph over its inner corners).

    Parameters
    ----------
    region
        Polygon or multipolygon in a metric CRS. Paths stay within `_SLACK_M` of it.

    References
    ----------
    Lozano-Perez, T. and Wesley, M. A. (1979), doi:10.1145/359156.359164.
    """

    def __init__(self, region: BaseGeometry) -> None:
        self.region = region
        self._inside = region.buffer(_SLACK_M, join_style="mitre")
        shapely.prepare(self._inside)

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Say which points, shape ``(n, 2)``, lie in the region."""
        return np.asarray(shapely.intersects_xy(self._inside, points[:, 0], points[:, 1]))

    def sees(self, a: Floats, b: Floats) -> NDArray[np.bool_]:
        """Say which straight lines from `a` to `b`, shapes ``(n, 2)``, stay inside."""
        lines = shapely.linestrings(np.stack([a, b], axis=1))
        return np.asarray(shapely.covers(self._inside, lines))

    @cached_property
    def _corners(self) -> Floats:
        return inner_corners(self.region)

    @cached_property
    def _graph(self) -> csr_array:
        corners = self._corners
        i, j = np.triu_indices(len(corners), 1)
        seen = self.sees(corners[i], corners[j]) if len(i) else np.zeros(0, dtype=bool)
        i, j = i[seen], j[seen]
        weight = np.hypot(*(corners[i] - corners[j]).T) + 1e-9
        n = len(corners)
        return csr_array((weight, (i, j)), shape=(n, n))

    @cached_property
    def _between(self) -> Floats:
        return np.asarray(dijkstra(self._graph, directed=False))

    def distances(self, a: Floats, b: Floats) -> Floats:
        """Return the length of the shortest ways, shape ``(len(a), len(b))``; inf if there is none.

        Parameters
        ----------
        a, b
            Points inside, shapes ``(n, 2)`` and ``(m, 2)``.
        """
        i, j = (index.ravel() for index in np.indices((len(a), len(b))))
        straight = np.hypot(*(a[i] - b[j]).T)
        seen = self.sees(a[i], b[j])
        if not seen.all():
            straight[~seen] = self._around(a, b)[i[~seen], j[~seen]]
        return np.asarray(straight.reshape(len(a), len(b)))

    def _around(self, a: Floats, b: Floats) -> Floats:
        if not len(self._corners):
            return np.full((len(a), len(b)), np.inf)
        near_a, near_b = self._reach(a), self._reach(b)
        to_corner = np.stack([(row[:, None] + self._between).min(axis=0) for row in near_a])
        return np.stack([(to_corner + row).min(axis=1) for row in near_b], axis=1)

    def _reach(self, points: Floats) -> Floats:
        """Return the distance from each point to each corner that it sees, else inf."""
        corners = self._corners
        i, j = (index.ravel() for index in np.indices((len(points), len(corners))))
        straight = np.hypot(*(points[i] - corners[j]).T)
        return np.where(self.sees(points[i], corners[j]), straight, np.inf).reshape(
            len(points), len(corners)
        )

    def path(self, a: Floats, b: Floats) -> Floats:
        """Return the corners of the shortest way from `a` to `b`, both included, shape ``(n, 2)``.

        Raises
        ------
        GeometryError
            There is no way from one to the other inside.
        """
        if self.sees(a[None], b[None])[0]:
            return np.stack([a, b])
        corners, n = self._corners, len(self._corners)
        if n:
            from_a, from_b = self._reach(a[None])[0], self._reach(b[None])[0]
            length, before = dijkstra(
                self._graph, directed=False, indices=np.flatnonzero(np.isfinite(from_a)),
                return_predecessors=True,
            )  # fmt: skip
            starts = np.flatnonzero(np.isfinite(from_a))
            if len(starts):
                total = from_a[starts, None] + length + from_b[None]
                row, last = np.unravel_index(int(total.argmin()), total.shape)
                if np.isfinite(total[row, last]):
                    chain = [int(last)]
                    while chain[-1] != starts[row]:
                        chain.append(int(before[row, chain[-1]]))
                    return np.vstack([a, corners[chain[::-1]], b])
        msg = (
            f"no way to fly from {a.round(1).tolist()} to {b.round(1).tolist()} without leaving "
            "the area or entering a no-fly zone"
        )
        raise GeometryError(msg)


class TurnedSpace:
    """A region of flight seen in a frame turned about the origin; its graph is made once.

    Parameters
    ----------
    space
        The region in its own frame.
    angle_rad
        By which points of the turned frame are turned counter-clockwise to lie in it.
    """

    def __init__(self, space: FlightSpace, angle_rad: float) -> None:
        self._space, self._angle = space, angle_rad
        self.region = turn_by(space.region, -angle_rad)

    def sees(self, a: Floats, b: Floats) -> NDArray[np.bool_]:
        """Say which straight lines stay inside, see `FlightSpace.sees`."""
        return self._space.sees(self._own(a), self._own(b))

    def distances(self, a: Floats, b: Floats) -> Floats:
        """Return the length of the shortest ways, see `FlightSpace.distances`."""
        return self._space.distances(self._own(a), self._own(b))

    def path(self, a: Floats, b: Floats) -> Floats:
        """Return the corners of the shortest way, see `FlightSpace.path`."""
        own = turn_points(np.stack([a, b]), self._angle)
        return turn_points(self._space.path(own[0], own[1]), -self._angle)

    def _own(self, points: Floats) -> Floats:
        return turn_points(points, self._angle)


def turn_by(shape: BaseGeometry, angle_rad: float) -> BaseGeometry:
    """Return a shape turned counter-clockwise about the origin."""
    return shapely.transform(shape, lambda xy: turn_points(xy, angle_rad))


def turn_points(points: Floats, angle_rad: float) -> Floats:
    """Return points, shape ``(n, 2)``, turned counter-clockwise about the origin."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))


def inner_corners(region: BaseGeometry) -> Floats:
    """Return the corners that a shortest path may bend around, shape ``(n, 2)``.

    Those are the reflex corners of outlines and the convex ones of holes.
    """
    found = []
    for part in shapely.get_parts(region):
        for ring in shapely.get_rings(shapely.orient_polygons(part)):
            xy = shapely.get_coordinates(ring)[:-1]
            before, after = xy - np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0) - xy
            turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
            # Material lies to the left of each ring: a right turn is a corner to bend around.
            found.append(xy[turn < 0])
    return np.vstack(found) if found else np.empty((0, 2))


def shrink(region: BaseGeometry, *, margin_m: float, detail_m: float) -> BaseGeometry:
    """Return a simpler region inside `region`, at least `margin_m` from its border.

    Parameters
    ----------
    region
        Polygon or multipolygon in a metric CRS.
    detail_m
        How much more than the margin may be given up for fewer corners.
    """
    inner: BaseGeometry
    while True:
        room = margin_m + detail_m + 2 * _SLACK_M
        inner = shapely.make_valid(region).buffer(-room, join_style="mitre", mitre_limit=2.0)
        inner = only_polygons(shapely.make_valid(inner.simplify(0.9 * detail_m)))
        if len(inner_corners(inner)) <= _MOST_CORNERS:
            return inner
        detail_m *= 1.6


def only_polygons(shape: BaseGeometry) -> BaseGeometry:
    """Return the areas of a shape, without the lines and points that an overlay may leave."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
