"""What a planned path does not show yet, and the small detours that show it."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from patrol.drones.camera import Footprint
from patrol.drones.space import TurnedSpace, only_polygons

Floats = NDArray[np.float64]
_ROUNDS = 6


def seen_along(paths: list[Floats], footprint: Footprint) -> BaseGeometry:
    """Return the ground that pictures taken along paths show.

    Parameters
    ----------
    paths
        Corners in the frame in which the camera's long side lies along y, shape ``(n, 2)`` each.
    footprint
        Of one picture; its sides stay parallel to the axes, whatever way the aircraft goes.
    """
    legs = [np.stack([path[:-1], path[1:]], axis=1) for path in paths if len(path) > 1]
    dots = [np.repeat(path[:, None], 2, axis=1) for path in paths if len(path) == 1]
    both = np.concatenate([*legs, *dots]) if legs or dots else np.empty((0, 2, 2))
    half = np.array([footprint.along_m, footprint.across_m]) / 2
    corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    around = (both[:, :, None] + corner).reshape(len(both), 8, 2)
    return shapely.union_all(shapely.convex_hull(shapely.multipoints(around)))


def close_gaps(
    paths: list[Floats], area: BaseGeometry, space: TurnedSpace, *, footprint: Footprint,
    share: float,
) -> list[Floats]:  # fmt: skip
    """Lead paths over what they do not show yet, until they show the wanted share.

    Parameters
    ----------
    paths
        See `seen_along`; at least one.
    area
        What is to be seen and can be.
    share
        How much of it must be seen, in (0, 1).

    Returns
    -------
    list of NDArray
        The paths with further corners; what cannot be reached stays unseen.
    """
    found = [path.copy() for path in paths]
    for _ in range(_ROUNDS):
        rest = only_polygons(shapely.difference(area, seen_along(found, footprint)))
        if rest.area <= (1 - share) * area.area:
            break
        spots = _spots(rest, space, footprint, allowed=0.5 * (1 - share) * area.area)
        for spot in spots:
            _lead_over(found, spot, space)
        if not len(spots):
            break
    return found


def _spots(
    rest: BaseGeometry, space: TurnedSpace, footprint: Footprint, *, allowed: float
) -> Floats:
    """Return where pictures of the largest gaps are to be taken, shape ``(n, 2)``."""
    west, south, east, north = rest.bounds
    across = np.arange(south, north, 0.9 * footprint.across_m)
    along = np.arange(west, east, 0.9 * footprint.along_m)
    x, y = (index.ravel() for index in np.meshgrid(along, across))
    tiles = shapely.box(x, y, x + 0.9 * footprint.along_m, y + 0.9 * footprint.across_m)
    parts = shapely.get_parts(rest)
    small = (np.ptp(shapely.bounds(parts)[:, 0::2], axis=1) <= footprint.along_m) & (
        np.ptp(shapely.bounds(parts)[:, 1::2], axis=1) <= footprint.across_m
    )
    large = shapely.union_all(parts[~small])
    shapely.prepare(large)
    cut = shapely.get_parts(shapely.intersection(large, tiles[shapely.intersects(large, tiles)]))
    pieces = np.concatenate([parts[small], cut[shapely.get_dimensions(cut) == 2]])
    size = shapely.area(pieces)
    order = np.argsort(-size, kind="stable")
    left_after = size.sum() - np.cumsum(size[order])
    needed = order[: int(np.searchsorted(-left_after, -allowed)) + 1]
    middle = shapely.centroid(pieces[needed])
    nearest = shapely.shortest_line(space.region, middle)
    return np.asarray(shapely.get_coordinates(shapely.get_point(nearest, 0)))


def _lead_over(paths: list[Floats], spot: Floats, space: TurnedSpace) -> None:
    """Lead a path over a spot where that is shortest; in place.

    Sweep lines (legs along x) stay as they are and are left and met again at their nearest
    point; the ways between them may bend; a path may begin or end later.
    """
    best: tuple[float, int, int, Floats] | None = None
    for number, path in enumerate(paths):
        for cost, at, corners in _ways_over(path, spot):
            near = np.repeat(spot[None], 2, axis=0)
            ends = path[[max(at - 1, 0), min(at, len(path) - 1)]]
            if len(corners) == 3:
                ends = corners[[0, 2]]
            if (best is None or cost < best[0]) and space.sees(near, ends).all():
                best = (cost, number, at, corners)
    if best is not None:
        _, number, at, corners = best
        paths[number] = np.insert(paths[number], at, corners, axis=0)


def _ways_over(path: Floats, spot: Floats) -> list[tuple[float, int, Floats]]:
    """Return the few cheapest ways to lead a path over a spot: metres, where, which corners."""
    far = np.hypot(*(path - spot).T)
    ways = [(float(far[0]), 0, spot[None])]
    ways.append((float(far[-1]), len(path), spot[None]))
    leg = np.diff(path, axis=0)
    length = np.hypot(*leg.T)
    if len(leg):
        share = ((spot - path[:-1]) * leg).sum(axis=1) / np.maximum(length, 1e-9) ** 2
        foot = path[:-1] + np.clip(share, 0.0, 1.0)[:, None] * leg
        line = np.abs(leg[:, 1]) <= 1e-6 * np.maximum(length, 1e-9)
        cost = np.where(line, 2 * np.hypot(*(foot - spot).T), far[:-1] + far[1:] - length)
        for i in np.argsort(cost, kind="stable")[:6]:
            corners = np.array([foot[i], spot, foot[i]]) if line[i] else spot[None]
            ways.append((float(cost[i]), int(i) + 1, corners))
    return ways
