"""Put small atoms together before a graph is divided, and take them apart again after."""

from __future__ import annotations

import numpy as np

from geo.grids.frames import Floats, Ints
from geo.grids.regions import Graph, compiled


@compiled
def _match(graph: Graph, order: Ints, heaviest: float) -> Ints:
    """Return groups of at most two neighbours, numbered from 0: each takes its dearest border."""
    n = len(graph.weight)
    group = np.full(n, -1, dtype=np.int64)
    count = 0
    for v in order:
        if group[v] >= 0:
            continue
        partner, dearest = -1, 0.0
        for e in range(graph.start[v], graph.start[v + 1]):
            u = graph.neighbour[e]
            light = graph.weight[u] + graph.weight[v] <= heaviest
            if light and group[u] < 0 and graph.cost[e] > dearest:
                partner, dearest = u, graph.cost[e]
        group[v] = count
        if partner >= 0:
            group[partner] = count
        count += 1
    return group


def coarsen(graph: Graph, *, most: int, heaviest: float) -> list[tuple[Graph, Ints]]:
    """Return ever coarser graphs, each with the group of every node of the one before.

    Light atoms are matched first, each with the neighbour that it shares most border with and
    least seam, as long as both together stay light. It ends at `most` nodes or when a step
    saves less than a tenth; a graph that is small enough gives an empty list.

    Parameters
    ----------
    heaviest
        Households that a group may reach.

    References
    ----------
    Karypis, G., Kumar, V. (1998). A fast and high quality multilevel scheme for partitioning
    irregular graphs. doi:10.1137/S1064827595287997
    """
    levels: list[tuple[Graph, Ints]] = []
    while len(graph.weight) > most:
        order = np.lexsort((np.arange(len(graph.weight)), graph.weight))
        group = _match(graph, order, heaviest)
        if int(group.max()) + 1 > 0.9 * len(group):
            break
        graph = _contract(graph, group)
        levels.append((graph, group))
    return levels


def _contract(graph: Graph, group: Ints) -> Graph:
    """Return the graph of groups: households add up, borders between two groups add up."""
    n = int(group.max()) + 1
    source = group[np.repeat(np.arange(len(group)), np.diff(graph.start))]
    key = source * n + group[graph.neighbour]
    size = _sums(np.ones(len(group)), group, n)
    outer = key // n != key % n
    pair, place = np.unique(key[outer], return_inverse=True)
    return Graph(
        start=np.searchsorted(pair // n, np.arange(n + 1)).astype(np.int64),
        neighbour=pair % n,
        cost=_sums(graph.cost[outer], place, len(pair)),
        weight=_sums(graph.weight, group, n),
        x=_sums(graph.x, group, n) / size,
        y=_sums(graph.y, group, n) / size,
    )


def _sums(values: Floats, group: Ints, n: int) -> Floats:
    sums = np.zeros(n)
    np.add.at(sums, group, values)
    return sums
