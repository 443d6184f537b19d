"""A planned flight as a mission for an autopilot, heights above take-off."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.drones.mission import (
    PHOTO,
    RETURN,
    TAKEOFF,
    TRIGGER_DISTANCE,
    Fence,
    Item,
    Mission,
    action,
    place,
)
from patrol.drones.terrain import Terrain

Floats = NDArray[np.float64]
_FENCE_DEG = 0.0006


def flight_mission(
    points: Floats, camera_on: NDArray[np.bool_], *, name: str, speed_m_s: float,
    trigger_m: float | None = None, hold_s: Floats | None = None, terrain: Terrain | None = None,
) -> Mission:  # fmt: skip
    """Return the commands of one flight: take-off, its corners, pictures by distance, return.

    Parameters
    ----------
    points
        Longitude, latitude and height above ground of the corners, shape ``(n, 3)``, the base
        first and last.
    camera_on
        Whether each leg takes pictures, shape ``(n - 1,)``.
    trigger_m
        Distance between pictures; None: no pictures by distance.
    hold_s
        How long it hovers and takes a picture at each corner, shape ``(n,)``; None: nowhere.
    terrain
        For heights above take-off; None: the ground is flat.
    """
    height = points[:, 2].copy()
    sea = np.nan
    if terrain is not None:
        ground = terrain.at(points[:, 0], points[:, 1])
        height, sea = height + ground - ground[0], float(ground[0])
    items: list[Item] = [
        place(1, float(points[0, 0]), float(points[0, 1]), float(height[0]), command=TAKEOFF)
    ]
    on = False
    for corner, (lon, lat, _) in enumerate(points[:-1]):
        if corner:
            wait = 0.0 if hold_s is None else float(hold_s[corner])
            up = round(float(height[corner]), 2)
            items.append(place(len(items) + 1, lon, lat, up, hold_s=wait))
            if wait > 0:
                items.append(action(len(items) + 1, PHOTO, 0.0, 0.0, 1.0))
        if trigger_m is not None and bool(camera_on[corner]) != on:
            on = bool(camera_on[corner])
            step = (round(trigger_m, 2), 0.0, 1.0) if on else (0.0, 0.0, 0.0)
            items.append(action(len(items) + 1, TRIGGER_DISTANCE, *step))
    if on:
        items.append(action(len(items) + 1, TRIGGER_DISTANCE))
    items.append(action(len(items) + 1, RETURN))
    return Mission(
        name=name, items=tuple(items), home=(float(points[0, 0]), float(points[0, 1]), sea),
        fences=(_fence(points),), speed_m_s=speed_m_s,
    )  # fmt: skip


def _fence(points: Floats) -> Fence:
    """Return a fence around a flight, some 60 m wider than its hull."""
    hull = shapely.MultiPoint(points[:, :2]).convex_hull.buffer(_FENCE_DEG, quad_segs=2)
    return Fence(True, np.round(shapely.get_coordinates(hull)[:-1], 7))
