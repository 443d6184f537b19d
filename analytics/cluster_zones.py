"""Clusters of points as zones: where they lie, how many, of which class, since when."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analytics.clusters import (
    Clusters,
    find_dense_clusters,
    find_nested_clusters,
    find_space_time_clusters,
)
from analytics.listing import Listing
from analytics.points import Points, iso_day
from geo.errors import InputError

Method = Literal["dbscan", "hdbscan", "space-time"]
Ints = NDArray[np.int64]
MARGIN_M = 15.0
"""How far a zone reaches beyond its outermost point: about a street's width."""
COLUMNS = (
    "category", "observed", "score", "radius_m", "first_day", "last_day", "x_m", "y_m", "label",
    "geometry",
)  # fmt: skip


@dataclass(frozen=True)
class ClusterParams:
    """How clusters are found.

    Attributes
    ----------
    method
        ``dbscan``, ``hdbscan`` or ``space-time`` (ST-DBSCAN).
    radius_m, reach_days
        How near points must be in space, and for ``space-time`` in time. Not for ``hdbscan``.
    fewest
        Points that make a neighbourhood dense.
    smallest
        Fewest points of a cluster.
    by_class
        Each class by itself; otherwise all incidents together.
    """

    method: Method = "dbscan"
    radius_m: float = 100.0
    reach_days: float = 7.0
    fewest: int = 10
    smallest: int = 20
    by_class: bool = True

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(f"method is {self.method!r}: say one of {', '.join(get_args(Method))}")


def find_cluster_zones(points: Points, params: ClusterParams | None = None) -> Listing:
    """Find clusters and return them as zones, those with most incidents first.

    Returns
    -------
    Listing
        Zones: ``observed`` incidents, score incidents per km2, ``category`` (``all`` if classes
        are not told apart), ``radius_m``, ``first_day``, ``last_day``, centre ``x_m, y_m``; shape
        the convex hull and `MARGIN_M` around it. They describe and do not test.
    """
    how = params or ClusterParams()
    groups = points.by_class() if how.by_class else {"all": np.arange(len(points))}
    rows = [
        _zone(points, code, rows[clusters.label == number])
        for code, rows in groups.items()
        for clusters in [_find(points, rows, how)]
        for number in range(clusters.n_clusters)
        if np.count_nonzero(clusters.label == number) >= how.smallest
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    order = ["observed", "category", "x_m", "y_m"]
    return Listing(
        kind="clusters",
        unit="zone",
        window=points.window,
        rows=frame.sort_values(order, ascending=[False, True, True, True], ignore_index=True),
        parameters=MappingProxyType(asdict(how) | points.describe()),
        srid=points.srid,
    )


def _find(points: Points, rows: Ints, how: ClusterParams) -> Clusters:
    x, y = points.x[rows], points.y[rows]
    if how.method == "hdbscan":
        return find_nested_clusters(x, y, smallest=how.smallest, fewest=how.fewest)
    if how.method == "dbscan":
        return find_dense_clusters(x, y, radius_m=how.radius_m, fewest=how.fewest)
    return find_space_time_clusters(
        x, y, points.day[rows],
        radius_m=how.radius_m, reach_days=how.reach_days, fewest=how.fewest,
    )  # fmt: skip


def _zone(points: Points, code: str, members: Ints) -> dict[str, object]:
    x, y, day = points.x[members], points.y[members], points.day[members]
    hull = shapely.MultiPoint(np.column_stack((x, y))).convex_hull.buffer(MARGIN_M)
    middle = float(x.mean()), float(y.mean())
    return {
        "category": code,
        "observed": float(len(members)),
        "score": len(members) / (hull.area / 1e6),
        "radius_m": float(np.hypot(x - middle[0], y - middle[1]).max()),
        "first_day": iso_day(day.min()),
        "last_day": iso_day(day.max()),
        "x_m": middle[0],
        "y_m": middle[1],
        "label": "cluster",
        "geometry": hull,
    }
