"""Where roads of one level cross without a common point, and lines with those points added."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

Shapes = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


def add_crossings(lines: Shapes, layer: Ints) -> Shapes:
    """Return lines with a vertex wherever they meet another line of the same layer.

    Parameters
    ----------
    lines
        Shape ``(n,)``, LineStrings in a metric system.
    layer
        Shape ``(n,)``, the level of each: a bridge above a street is on another one.

    Returns
    -------
    NDArray
        Shape ``(n,)``. Vertices stay; both lines of a pair get the same coordinates. Where two
        lines run along each other, the ends of the common stretch count.
    """
    tree = shapely.STRtree(lines)
    a, b = tree.query(lines, predicate="intersects")
    once = (a < b) & (layer[a] == layer[b])
    a, b = a[once], b[once]
    points, pair = _ends_of(shapely.intersection(lines[a], lines[b]))
    at = np.concatenate([a[pair], b[pair]])
    both = np.concatenate([points, points])
    made = lines.copy()
    for i in np.unique(at):
        made[i] = _with_points(lines[i], both[at == i])
    return made


def _ends_of(shapes: Shapes) -> tuple[npt.NDArray[np.float64], Ints]:
    """Return the points of intersections, and which pair each belongs to."""
    parts, pair = shapely.get_parts(shapes, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    return xy, pair[part]


def _with_points(line: Any, points: npt.NDArray[np.float64]) -> Any:
    """Return a line with `points` among its vertices, at their place along it."""
    xy = shapely.get_coordinates(line)
    known = {tuple(p) for p in np.round(xy, 2)}
    new = np.array([p for p in points if tuple(np.round(p, 2)) not in known]).reshape(-1, 2)
    if not len(new):
        return line
    steps = np.hypot(*np.diff(xy, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    where = shapely.line_locate_point(line, shapely.points(new))
    order = np.argsort(np.concatenate([along, where]), kind="stable")
    return shapely.LineString(np.concatenate([xy, new])[order])
