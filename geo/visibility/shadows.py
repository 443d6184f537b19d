"""The ground that low buildings hide from a camera that looks over them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.visibility.walls import Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]


def cut_low_shadows(
    shapes: Geometries,
    looks: Floats,
    walls: Walls,
    low: Longs,
    low_ptr: Longs,
    *,
    target_height_m: float,
) -> Geometries:
    """Take the buildings that a camera looks over, and the strips behind them, out of its view.

    A point of a wall of height b at distance d from a camera of height H hides the ground from
    d to ``d (H - t) / (H - b)``, t being the target's height.

    Parameters
    ----------
    shapes
        Views, shape ``(n_looks,)``.
    looks
        x, y, start, width, reach and height, ``(n_looks, 6)``.
    low, low_ptr
        CSR by look of edges in `walls`.

    Returns
    -------
    numpy.ndarray
        New array, same shape.
    """
    cut = shapes.copy()
    for k in np.flatnonzero(np.diff(low_ptr)):
        x, y, _, _, reach, eye = looks[k]
        edges = low[low_ptr[k] : low_ptr[k + 1]]
        owner = walls.owner[edges]
        longer = (eye - target_height_m) / (eye - walls.height_m[owner])
        strips = _strips(walls.edges[edges], longer, x, y, reach)
        hidden = shapely.union_all([*strips, *walls.buildings[np.unique(owner)]])
        cut[k] = shapely.difference(shapes[k], hidden)
    return cut


def _strips(edges: Floats, longer: Floats, x: float, y: float, reach: float) -> Geometries:
    """Return the strip behind each edge: from it to its image `longer` times as far."""
    eye = np.array([x, y])
    a, b = edges[:, :2] - eye, edges[:, 2:] - eye
    nearest = shapely.distance(shapely.points(0.0, 0.0), shapely.linestrings(np.stack((a, b), 1)))
    # Past the range nothing is seen: images need not lie farther than twice of it.
    longer = np.minimum(longer, np.maximum(2.0 * reach / np.maximum(nearest, 1e-3), 1.0))[:, None]
    corners = np.stack((a, b, b * longer, a * longer), axis=1) + eye
    strips = shapely.polygons(corners)
    thin = ~shapely.is_valid(strips) | (shapely.area(strips) < 1e-9)
    return np.asarray(strips[~thin], dtype=object)
