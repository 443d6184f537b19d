"""Clusters of points: dense knots in space, or in space and time, without a lattice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which cluster each point belongs to.

    Attributes
    ----------
    label
        0 up, the largest cluster first; -1 for points in none. Shape ``(n,)``.
    core
        Whether the point has enough others near it. All members, where the method knows none.
    """

    label: Ints
    core: NDArray[np.bool_]

    @property
    def n_clusters(self) -> int:
        """Return how many clusters there are."""
        return int(self.label.max(initial=-1)) + 1


def find_dense_clusters(x: Floats, y: Floats, *, radius_m: float, fewest: int = 10) -> Clusters:
    """Return DBSCAN clusters: points that reach each other in steps within a radius.

    Parameters
    ----------
    x, y
        Metres in one metric CRS, shape ``(n,)``. Empty input gives no cluster.
    radius_m
        Reach of a point.
    fewest
        Points within the radius, itself among them, that make a point a core.

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996), KDD-96:226-231.
    """
    from sklearn.cluster import DBSCAN  # heavy: only who looks for clusters waits for it

    xy = _points(x, y)
    _need_positive(radius_m=radius_m, fewest=fewest)
    if len(xy) == 0:
        return _sorted(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_))
    # Incidents often share an address: as one weighted point they cost nothing more.
    places, back, repeats = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    found = DBSCAN(eps=radius_m, min_samples=fewest).fit(places, sample_weight=repeats)
    core = np.zeros(len(places), dtype=np.bool_)
    core[found.core_sample_indices_] = True
    return _sorted(found.labels_[back.ravel()], core[back.ravel()])


def find_nested_clusters(x: Floats, y: Floats, *, smallest: int = 20, fewest: int = 5) -> Clusters:
    """Return HDBSCAN clusters: knots of differing density, no radius asked for.

    Parameters
    ----------
    x, y
        Metres in one metric CRS, shape ``(n,)``.
    smallest
        Fewest points of a cluster.
    fewest
        Points that make a neighbourhood dense; larger smooths more.

    References
    ----------
    Campello, Moulavi and Sander (2013), doi:10.1007/978-3-642-37456-2_14.
    """
    from sklearn.cluster import HDBSCAN  # heavy, as above

    xy = _points(x, y)
    _need_positive(fewest=fewest)
    if smallest < 2:
        raise InputError(f"smallest is {smallest}; a cluster has at least 2 points")
    if len(xy) < max(smallest, fewest, 2):
        return _sorted(np.full(len(xy), -1), np.zeros(len(xy), dtype=np.bool_))
    found = HDBSCAN(min_cluster_size=smallest, min_samples=fewest, copy=True).fit(xy)
    return _sorted(found.labels_, found.labels_ >= 0)


def find_space_time_clusters(
    x: Floats, y: Floats, days: Floats, *, radius_m: float, reach_days: float, fewest: int = 5
) -> Clusters:
    """Return ST-DBSCAN clusters: points near each other both in space and in time.

    Parameters
    ----------
    x, y
        Metres in one metric CRS, shape ``(n,)``.
    days
        Time of each point in days since any moment, shape ``(n,)``.
    radius_m, reach_days
        How near two points must be in space and in time, inclusive.
    fewest
        Points within both, itself among them, that make a point a core.

    Notes
    -----
    Memory grows with the pairs that are near in both.

    References
    ----------
    Birant and Kut (2007), doi:10.1016/j.datak.2006.01.013; without their third distance, of
    values that are not places.
    """
    xy = _points(x, y)
    t = np.asarray(days, dtype=np.float64)
    if t.shape != (len(xy),) or not np.isfinite(t).all():
        raise InputError(f"{len(xy)} points need as many known times, not {t.shape}")
    _need_positive(radius_m=radius_m, reach_days=reach_days, fewest=fewest)
    pairs = near_pairs(xy, t, radius_m=radius_m, reach_days=reach_days)
    degree = 1 + np.bincount(pairs.ravel(), minlength=len(xy))
    core = degree >= fewest
    label = _join(pairs, core)
    return _sorted(label, core)


def near_pairs(xy: Floats, t: Floats, *, radius_m: float, reach_days: float) -> Ints:
    """Return the pairs of points near in space and time, shape ``(n_pairs, 2)``, each once."""
    if len(xy) == 0:
        return np.empty((0, 2), dtype=np.int64)
    # One search in three dimensions: in maximum norm a box holds the cylinder that is meant.
    scaled = np.column_stack((xy / radius_m, t / reach_days))
    boxed = cKDTree(scaled).query_pairs(1.0 + 1e-9, p=np.inf, output_type="ndarray")
    a, b = boxed[:, 0], boxed[:, 1]
    near = ((xy[a] - xy[b]) ** 2).sum(axis=1) <= radius_m**2
    near &= np.abs(t[a] - t[b]) <= reach_days
    return np.asarray(boxed[near], dtype=np.int64)


def _join(pairs: Ints, core: NDArray[np.bool_]) -> Ints:
    """Return a cluster number for each point: cores linked by pairs, others by a core of theirs."""
    n = len(core)
    both = core[pairs[:, 0]] & core[pairs[:, 1]]
    links = sparse.coo_array((np.ones(both.sum()), tuple(pairs[both].T)), shape=(n, n))
    group = np.asarray(sparse.csgraph.connected_components(links, directed=False)[1])
    label = np.where(core, group, -1).astype(np.int64)
    either = np.vstack((pairs, pairs[:, ::-1]))
    border = either[core[either[:, 0]] & ~core[either[:, 1]]]
    order = np.lexsort((border[:, 0], border[:, 1]))[::-1]  # the first core has the last word
    label[border[order, 1]] = label[border[order, 0]]
    return label


def summarise_clusters(clusters: Clusters, x: Floats, y: Floats) -> pd.DataFrame:
    """Return one row a cluster, the largest first.

    Returns
    -------
    DataFrame
        ``cluster``, ``n_points``, centre ``x_m`` and ``y_m``, ``radius_m`` (farthest member from
        the centre).
    """
    member = clusters.label >= 0
    frame = pd.DataFrame({"cluster": clusters.label, "x_m": x, "y_m": y})[member]
    grouped = frame.groupby("cluster")
    centre = grouped[["x_m", "y_m"]].transform("mean")
    frame["radius_m"] = np.hypot(frame["x_m"] - centre["x_m"], frame["y_m"] - centre["y_m"])
    rows: dict[str, Any] = {
        "n_points": grouped.size(),
        "x_m": grouped["x_m"].mean(),
        "y_m": grouped["y_m"].mean(),
        "radius_m": frame.groupby("cluster")["radius_m"].max(),
    }
    return pd.DataFrame(rows).reset_index()


def _sorted(label: NDArray[Any], core: NDArray[np.bool_]) -> Clusters:
    """Return clusters numbered by size, ties by their first member."""
    names, first, sizes = np.unique(label, return_index=True, return_counts=True)
    kept = names >= 0
    order = np.lexsort((first[kept], -sizes[kept]))
    number = np.full(len(names), -1, dtype=np.int64)
    number[np.flatnonzero(kept)[order]] = np.arange(int(kept.sum()))
    renamed = number[np.searchsorted(names, label)] if len(label) else label.astype(np.int64)
    return Clusters(label=renamed, core=core)


def _points(x: Floats, y: Floats) -> Floats:
    xy = np.column_stack((np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)))
    if not np.isfinite(xy).all():
        raise InputError("a point has no coordinates; leave such incidents out")
    return xy


def _need_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"{name} is {value}; it must be more than 0")
