"""How many grids a connected piece of ground gets, and which atoms each takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.grids.bisect import bisect, improve
from geo.grids.coarsen import coarsen
from geo.grids.frames import Floats, Ints
from geo.grids.policy import HouseholdPolicy
from geo.grids.regions import Aim, Graph, Scratch, load_regions

_CANDIDATES = (0, 1, 3, 7, 15)  # by their rank: wider steps where the nearest leave no room
_MOST_ATOMS, _LEAST_ATOMS = 60, 20  # of a grid, in the coarsest graph
_WALL = 10.0
_FINER = 4  # of the rounds on the coarsest graph one in this many on each finer one


def counts_to_try(households: Floats, policy: HouseholdPolicy) -> list[int]:
    """Return numbers of grids worth trying for one piece of ground, the best first.

    Numbers whose mean lies within the bounds come first, nearest the target; where there is
    none (too few households, or for example 550 of a maximum of 500), the two around it.
    A place with more than the maximum takes a grid of its own and is left out of the mean.
    """
    heavy = households > policy.maximum
    rest, alone = float(households[~heavy].sum()), int(heavy.sum())
    places = int((households > 0).sum())
    least = max(1, int(np.ceil(rest / policy.maximum))) if rest or not alone else 0
    most = max(least, int(rest // policy.minimum))
    counts = (
        np.arange(max(1, least - 1), most + 1) if most > least else np.array([least - 1, least])
    )
    counts = counts[counts >= (0 if alone else 1)]
    mean = rest / np.maximum(counts, 1)
    outside = np.maximum(mean - policy.maximum, policy.minimum - mean).clip(min=0)
    order = np.lexsort((np.abs(mean - policy.target), outside))
    tried = [int(counts[order[rank]]) + alone for rank in _CANDIDATES if rank < len(order)]
    return list(dict.fromkeys(min(max(1, n), max(1, places)) for n in tried))


def shortfall(load: Floats, policy: HouseholdPolicy) -> float:
    """Return by how much loads leave the bounds, as a sum of shares of the bound."""
    over = (load - policy.maximum).clip(min=0) / policy.maximum
    under = (policy.minimum - load).clip(min=0) / policy.minimum
    return float((over + under).sum())


def partition(
    graph: Graph,
    area_m2: Floats,
    *,
    policy: HouseholdPolicy,
    compactness: float,
    rounds: int,
    rng: np.random.Generator,
) -> Ints:
    """Return the region of each atom of a connected graph, shape ``(n_atoms,)``.

    Numbers of grids are tried from the best on; the first division without a grid out of
    bounds is taken, or else the one with the least outside.
    """
    best, least = np.zeros(len(graph.weight), dtype=np.int64), np.inf
    for n_regions in counts_to_try(graph.weight, policy):
        aim = _aim(graph.weight, area_m2, n_regions, policy, compactness)
        label = _solve(graph, n_regions, aim, rounds, rng)
        load = load_regions(graph, label, n_regions)
        outside = shortfall(load, policy)
        if len(np.unique(label)) == n_regions and outside < least:
            best, least = label, outside
        if least == 0:
            break
    return best


def _solve(graph: Graph, n_regions: int, aim: Aim, rounds: int, rng: np.random.Generator) -> Ints:
    """Divide a coarse graph, then improve the division from level to level down to the atoms."""
    if n_regions == 1:
        return np.zeros(len(graph.weight), dtype=np.int64)
    heaviest = graph.weight.sum() / n_regions / _LEAST_ATOMS
    levels = coarsen(graph, most=_MOST_ATOMS * n_regions, heaviest=heaviest)
    graphs = [graph, *(level for level, _ in levels)]
    scratch = _scratch(len(graph.weight))
    label = bisect(graphs[-1], n_regions, aim, scratch)
    for wall in (0.0, aim.wall):
        draws = rng.random((rounds * n_regions // 2, 5))
        improve(graphs[-1], label, n_regions, aim._replace(wall=wall), draws, scratch)
    for finer, (_, group) in zip(graphs[-2::-1], levels[::-1], strict=True):
        label = label[group]
        draws = rng.random((rounds * n_regions // _FINER, 5))
        improve(finer, label, n_regions, aim, draws, scratch)
    return label


def _aim(
    households: Floats, area_m2: Floats, n_regions: int, policy: HouseholdPolicy, compactness: float
) -> Aim:
    heavy = households > policy.maximum
    n_rest = max(1, n_regions - int(heavy.sum()))
    side = float(np.sqrt(area_m2.sum() / n_regions))
    return Aim(
        ideal=float(households[~heavy].sum()) / n_rest,
        low=float(policy.minimum),
        high=float(policy.maximum),
        span=max(1.0, (policy.maximum - policy.minimum) / 2),
        wall=_WALL,
        per_metre=compactness / max(side, 1e-9),
    )


def _scratch(n: int) -> Scratch:
    rows = np.zeros((3, n), dtype=np.int64)
    return Scratch(rows[0], rows[1], rows[2], np.zeros(1, dtype=np.int64))


def make_graph(
    left: Ints, right: Ints, cost: Floats, weight: Floats, points: npt.NDArray[np.float64]
) -> Graph:
    """Return the compressed graph of undirected edges, neighbours in ascending order."""
    source, target = np.concatenate((left, right)), np.concatenate((right, left))
    order = np.lexsort((target, source))
    start = np.searchsorted(source[order], np.arange(len(weight) + 1)).astype(np.int64)
    return Graph(
        start,
        target[order],
        np.concatenate((cost, cost))[order],
        np.asarray(weight, dtype=np.float64),
        np.ascontiguousarray(points[:, 0]),
        np.ascontiguousarray(points[:, 1]),
    )


def components(left: Ints, right: Ints, n: int) -> Ints:
    """Return the connected component of each of `n` nodes, shape ``(n,)``."""
    links = coo_array((np.ones(len(left)), (left, right)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
