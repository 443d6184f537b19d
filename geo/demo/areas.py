"""Communities and streets: neighbourhoods joined until each holds its share of households."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
BARRIER_M = 1.0
"""A border this near to a barrier runs along it."""


@dataclass(frozen=True)
class Borders:
    """Which areas touch along which length; each pair once, ``first < second``.

    Attributes
    ----------
    first, second
        Numbers of the two areas, shape (n,).
    length_m
        Length of their common border, shape (n,).
    """

    first: Labels
    second: Labels
    length_m: Array


def shared_borders(areas: NDArray[np.object_], *, barrier: shapely.Geometry) -> Borders:
    """Return the common borders of polygons that share their vertices exactly.

    Parameters
    ----------
    areas
        Polygons in a metric CRS, shape (n,).
    barrier
        A line, such as a river; borders along it do not count.

    Returns
    -------
    Borders
        Pairs in ascending order.
    """
    rings, ring_area = shapely.get_rings(areas, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, stop = points[:-1][same], points[1:][same]
    swap = (start[:, 0] > stop[:, 0]) | ((start[:, 0] == stop[:, 0]) & (start[:, 1] > stop[:, 1]))
    low, high = np.where(swap[:, None], stop, start), np.where(swap[:, None], start, stop)
    table = pd.DataFrame(
        np.round(np.hstack((low, high)) * 1e3).astype(np.int64), columns=["a", "b", "c", "d"]
    ).assign(area=ring_area[ring[:-1][same]], length=np.hypot(*(high - low).T))
    middle = shapely.points((low + high) / 2.0)
    table = table[shapely.distance(middle, barrier) > BARRIER_M]
    pairs = table.merge(table, on=["a", "b", "c", "d"], suffixes=("_1", "_2"))
    pairs = pairs[pairs["area_1"] < pairs["area_2"]]
    length = pairs.groupby(["area_1", "area_2"], sort=True)["length_1"].sum()
    return Borders(
        length.index.get_level_values(0).to_numpy(dtype=np.int64),
        length.index.get_level_values(1).to_numpy(dtype=np.int64),
        length.to_numpy(dtype=np.float64),
    )


def join_areas(
    label: Labels, weight: Array, area_m2: Array, borders: Borders, *, count: int
) -> Labels:
    """Join neighbouring groups, the lightest first, until `count` groups are left.

    Parameters
    ----------
    label
        First grouping of the areas, shape (n,).
    weight
        What the groups should share fairly, such as households, shape (n,).
    area_m2
        Areas' sizes, so that empty land does not gather in one group, shape (n,).
    borders
        Common borders of the areas.
    count
        Number of groups wanted.

    Returns
    -------
    numpy.ndarray
        Group numbers 0 .. count - 1, every group connected, shape (n,).
    """
    _, group = np.unique(label, return_inverse=True)
    size = int(group.max()) + 1
    load = np.bincount(group, weights=weight + area_m2 * weight.sum() / area_m2.sum() * 0.15)
    touch = np.zeros((size, size))
    np.add.at(touch, (group[borders.first], group[borders.second]), borders.length_m)
    touch = touch + touch.T
    np.fill_diagonal(touch, 0.0)
    alive = np.ones(size, dtype=bool)
    mean = load.sum() / count
    parent = np.arange(size)
    while int(alive.sum()) > count:
        weak = int(np.argmin(np.where(alive, load, np.inf)))
        share = touch[weak] / max(touch[weak].sum(), 1e-9)
        cost = np.where(alive & (touch[weak] > 0.0), load / mean - 1.6 * share, np.inf)
        other = int(np.argmin(cost))
        load[other] += load[weak]
        touch[other] += touch[weak]
        touch[:, other] += touch[:, weak]
        touch[other, other] = 0.0
        touch[weak, :] = touch[:, weak] = 0.0
        alive[weak] = False
        parent[parent == weak] = other
    number: Labels = np.unique(parent[group], return_inverse=True)[1].astype(np.int64)
    return number


def reading_rank(areas: NDArray[np.object_], *, rows: int) -> Labels:
    """Return the rank of each area: rows from north to south, in a row from west to east."""
    centre = shapely.get_coordinates(shapely.centroid(areas))
    low, high = centre[:, 1].min(), centre[:, 1].max()
    row = np.minimum((high - centre[:, 1]) / max(high - low, 1.0) * rows, rows - 1).astype(np.int64)
    order = np.lexsort((centre[:, 0], row))
    rank = np.empty(len(areas), dtype=np.int64)
    rank[order] = np.arange(len(areas))
    return rank


def grid_quota(capacity: Array, *, grids: int) -> Labels:
    """Return how many basic grids each community gets: at least one, `grids` in all."""
    wish = np.maximum(capacity / capacity.sum() * grids, 1.0)
    quota: Labels = np.maximum(np.floor(wish), 1.0).astype(np.int64)
    while quota.sum() != grids:
        if quota.sum() < grids:
            quota[int(np.argmax(wish - quota))] += 1
        else:
            quota[int(np.argmax(np.where(quota > 1, quota - wish, -np.inf)))] -= 1
    return quota
