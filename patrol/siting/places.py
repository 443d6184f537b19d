"""What a new site would reach: a radius for posts, a view cut by buildings for cameras."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from geo.errors import InputError
from geo.visibility.cameras import Looks
from geo.visibility.views import find_sightings, find_views
from geo.visibility.walls import Walls
from patrol.siting.cover import Reach

Floats = NDArray[np.float64]


def reach_within(
    site_x: ArrayLike, site_y: ArrayLike, x: ArrayLike, y: ArrayLike, *, radius_m: float
) -> Reach:
    """Return the demand points within a radius of each site, for stations and patrol posts.

    Raises
    ------
    InputError
        The radius is not over 0.
    """
    if not radius_m > 0:
        raise InputError("the radius must be over 0 m")
    points = np.column_stack((x, y)).astype(np.float64)
    sites = np.column_stack((site_x, site_y)).astype(np.float64)
    pairs = KDTree(sites).sparse_distance_matrix(KDTree(points), radius_m, output_type="ndarray")
    order = np.lexsort((pairs["j"], pairs["i"]))
    size = np.bincount(pairs["i"], minlength=len(sites))
    ptr = np.concatenate(([0], np.cumsum(size))).astype(np.int64)
    return Reach(ptr, pairs["j"][order].astype(np.int64), len(points))


def reach_by_sight(looks: Looks, walls: Walls, x: ArrayLike, y: ArrayLike) -> Reach:
    """Return the demand points that each look would see, for cameras."""
    sighted = find_sightings(find_views(looks, walls), x, y)
    return Reach(sighted.ptr, sighted.points, sighted.n_points)


def aim_sites(
    site_x: ArrayLike,
    site_y: ArrayLike,
    *,
    srid: int,
    range_m: float,
    fov_deg: float = 360.0,
    height_m: float = 5.0,
    n_ways: int = 8,
    target_height_m: float = 1.5,
) -> Looks:
    """Return the looks that a camera at each site could have: `n_ways` azimuths, or one all round.

    Raises
    ------
    InputError
        Range, field of view or number of ways is out of range.
    """
    if not (range_m > 0 and 0 < fov_deg <= 360 and n_ways >= 1):
        raise InputError("range and ways must be over 0, the field of view over 0 to 360 degrees")
    ways = 1 if fov_deg >= 360 else n_ways
    x, y = (np.repeat(np.asarray(v, dtype=np.float64), ways) for v in (site_x, site_y))
    number = np.repeat(np.arange(len(x) // ways), ways)
    same = np.ones(len(x))
    return Looks(
        srid=srid, camera=number, preset=np.zeros(len(x), dtype=np.int64), x=x, y=y,
        azimuth_deg=np.tile(np.arange(ways) * 360.0 / ways, len(x) // ways),
        fov_deg=fov_deg * same, range_m=range_m * same, height_m=height_m * same,
        basis=np.full(len(x), 2), target_height_m=target_height_m,
    )  # fmt: skip
