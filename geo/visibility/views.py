"""What each look sees: swept exactly around the camera, as polygons and for points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.errors import CrsError, InputError
from geo.visibility.cameras import Looks
from geo.visibility.shadows import cut_low_shadows
from geo.visibility.sweep import draw_outlines, sight_points, sweep_looks
from geo.visibility.walls import Buckets, Walls, fill_buckets

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

ARC_STEP_DEG = 2.0
"""Arcs are drawn by chords of this angle at most: 0.02 % less area than the circle."""
SNAP_M = 15.0
"""A camera drawn within a building is taken to hang on its wall, if that is no farther."""
CLEAR_M = 0.05
"""How far before the wall it then stands."""
POINT_BUCKET_M = 25.0


@dataclass(frozen=True, eq=False)
class Views:
    """What looks see.

    Attributes
    ----------
    looks
        The looks, their cameras moved out of the walls; a range of 0 is a camera deep inside a
        building, which sees nothing outdoors.
    walls
        What cuts them.
    pieces, ptr
        CSR by look of the nearest walls: (from, to, p, q), directions in radians anticlockwise
        from the right edge of the look, the wall on the line ``p x + q y = 1`` from the camera.
    low, low_ptr
        CSR by look of the edges of buildings that the camera looks over.
    """

    looks: Looks
    walls: Walls
    pieces: Floats
    ptr: Longs
    low: Longs
    low_ptr: Longs

    @property
    def kernel_looks(self) -> Floats:
        """Looks as the kernels take them: x, y, start, width, reach, height."""
        return _as_array(self.looks)


@dataclass(frozen=True, eq=False)
class Sightings:
    """Which points each look sees: CSR, ``points[ptr[i]:ptr[i + 1]]`` are look i's, unordered."""

    ptr: Longs
    points: Longs
    n_points: int

    @property
    def look(self) -> Longs:
        """The look of each of `points`."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


def find_views(looks: Looks, walls: Walls) -> Views:
    """Find what each look sees, cut by walls.

    The rule of heights: a building as high as the camera or higher, or where either height is
    unknown, hides all behind it. A lower one hides its own ground and what lies behind it as
    far as the line over its roof is above the target's height.

    Parameters
    ----------
    looks, walls
        In one metric CRS.

    Raises
    ------
    CrsError
        They are not in one CRS.
    """
    if looks.srid != walls.srid:
        msg = f"the looks lie in EPSG:{looks.srid}, the walls in EPSG:{walls.srid}; use one"
        raise CrsError(msg)
    looks = stand_outside(looks, walls)
    buckets = walls.buckets
    pieces, ptr, low, low_ptr = sweep_looks(
        _as_array(looks), looks.target_height_m, walls.edges, _edge_heights(walls),
        buckets.first, buckets.ptr, buckets.items, *_frame(buckets),
    )  # fmt: skip
    return Views(looks, walls, pieces, ptr, low, low_ptr)


def view_polygons(views: Views) -> Geometries:
    """Draw the ground that each look sees.

    Returns
    -------
    numpy.ndarray
        Polygons and multipolygons in the metric CRS, shape ``(n_looks,)``; empty where nothing
        is seen.
    """
    xy, view = draw_outlines(views.kernel_looks, views.pieces, views.ptr, np.radians(ARC_STEP_DEG))
    shapes = np.full(len(views.looks), shapely.Polygon(), dtype=object)
    long_enough = np.bincount(view, minlength=len(shapes)) >= 3
    kept = long_enough[view]
    numbers, index = np.unique(view[kept], return_inverse=True)
    if len(numbers):
        rings = shapely.linearrings(xy[kept], indices=index)
        shapes[numbers] = _sound(np.asarray(shapely.polygons(rings), dtype=object))
    return cut_low_shadows(
        shapes, views.kernel_looks, views.walls, views.low, views.low_ptr,
        target_height_m=views.looks.target_height_m,
    )  # fmt: skip


def find_sightings(views: Views, x: ArrayLike, y: ArrayLike) -> Sightings:
    """Find which points each look sees.

    Parameters
    ----------
    views
        As `find_views` returns them.
    x, y
        Points in the same metric CRS, shape ``(n_points,)``.

    Raises
    ------
    InputError
        The coordinates are not of one length, or not finite.
    """
    px, py = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if px.shape != py.shape or px.ndim != 1 or not (np.isfinite(px) & np.isfinite(py)).all():
        raise InputError("points need finite x and y, two arrays of one length")
    buckets = fill_buckets(np.column_stack((px, py, px, py)), size_m=POINT_BUCKET_M)
    order = buckets.items
    walls = views.walls
    ptr, found = sight_points(
        views.kernel_looks, views.looks.target_height_m, views.pieces, views.ptr,
        walls.edges, _edge_heights(walls), views.low, views.low_ptr,
        px[order], py[order], buckets.ptr, *_frame(buckets),
    )  # fmt: skip
    ptr, points = _without_roofs(views, ptr, order[found], px, py)
    return Sightings(ptr=ptr, points=points, n_points=len(px))


def _without_roofs(
    views: Views, ptr: Longs, points: Longs, px: Floats, py: Floats
) -> tuple[Longs, Longs]:
    """Take out points within buildings, where cameras that look over buildings count them."""
    looks_over = np.repeat(np.diff(views.low_ptr) > 0, np.diff(ptr))
    asked = np.unique(points[looks_over])
    hides = ~(views.walls.height_m <= views.looks.target_height_m)
    tree = shapely.STRtree(views.walls.buildings[hides])
    inside = np.zeros(len(px), dtype=bool)
    if len(asked):
        inside[asked[tree.query(shapely.points(px[asked], py[asked]), predicate="within")[0]]] = (
            True
        )
    kept = ~(looks_over & inside[points])
    counted = np.concatenate(([0], np.cumsum(kept)))
    return counted[ptr], points[kept]


def stand_outside(looks: Looks, walls: Walls) -> Looks:
    """Move cameras that are drawn in or on a building `CLEAR_M` before its nearest wall.

    Cameras higher than the building stand on its roof and stay. Those farther than `SNAP_M`
    from the open get a range of 0.
    """
    x, y, reach = looks.x.copy(), looks.y.copy(), looks.range_m.copy()
    points = np.asarray(shapely.points(x, y), dtype=object)
    tree = shapely.STRtree(walls.buildings)
    look, building = tree.query(points, predicate="dwithin", distance=0.9 * CLEAR_M)
    on_roof = walls.height_m[building] < looks.height_m[look]
    for k in np.unique(look[~on_roof]):
        near = tree.query(points[k], predicate="dwithin", distance=SNAP_M)
        near = near[~(walls.height_m[near] < looks.height_m[k])]
        block = shapely.buffer(shapely.union_all(walls.buildings[near]), CLEAR_M, quad_segs=2)
        line = shapely.shortest_line(points[k], shapely.boundary(block))
        if shapely.length(line) > SNAP_M:
            reach[k] = 0.0
        else:
            x[k], y[k] = shapely.get_coordinates(line)[1]
    return replace(looks, x=x, y=y, range_m=reach)


def _as_array(looks: Looks) -> Floats:
    start = 90.0 - looks.azimuth_deg - looks.fov_deg / 2.0
    return np.column_stack(
        (looks.x, looks.y, np.radians(start), np.radians(looks.fov_deg), looks.range_m,
         looks.height_m)
    )  # fmt: skip


def _edge_heights(walls: Walls) -> Floats:
    return walls.height_m[walls.owner]


def _frame(buckets: Buckets) -> tuple[Floats, Longs]:
    frame = np.array([buckets.x0, buckets.y0, buckets.size_m])
    return frame, np.array([buckets.columns, buckets.rows], dtype=np.int64)


def _sound(shapes: Geometries) -> Geometries:
    """Mend outlines that touch themselves, and keep their polygons."""
    bad = ~shapely.is_valid(shapes)
    if bad.any():
        shapes = shapes.copy()
        shapes[bad] = polygons_alone(shapely.make_valid(shapes[bad]))
    return shapes


def polygons_alone(shapes: Geometries) -> Geometries:
    """Return the polygons of mixed collections, as one shape each."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    parts, of = shapely.get_parts(parts), np.repeat(of, shapely.get_num_geometries(parts))
    flat = shapely.get_dimensions(parts) == 2
    kept = np.full(len(shapes), shapely.Polygon(), dtype=object)
    numbers, index = np.unique(of[flat], return_inverse=True)
    if len(numbers):
        kept[numbers] = shapely.multipolygons(parts[flat], indices=index)
    return kept
