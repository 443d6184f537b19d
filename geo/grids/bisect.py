"""Divide a connected graph of atoms into regions: bisection, boundary moves, recombination."""

from __future__ import annotations

from typing import Final

import numpy as np

from geo.grids.frames import Floats, Ints
from geo.grids.regions import (
    Aim,
    Graph,
    Scratch,
    border_between,
    compiled,
    hand_over_loose,
    load_regions,
    misfit,
    refine,
)

_ANGLES: Final = 12
_PASSES: Final = 20
_PATIENCE: Final = 0.2


@compiled
def _turn(nodes: Ints, graph: Graph, angle: float) -> Floats:
    """Return the position of each node along a direction."""
    position: Floats = np.cos(angle) * graph.x[nodes] + np.sin(angle) * graph.y[nodes]
    return position


@compiled
def _distance_from(graph: Graph, label: Ints, nodes: Ints, v: int, scratch: Scratch) -> Floats:
    """Return the rank in which a breadth-first search from `v` within its region meets nodes."""
    scratch.mark[0] += 1
    mark = scratch.mark[0]
    rank = np.zeros(len(label))
    scratch.queue[0] = v
    scratch.seen[v] = mark
    head, tail = 0, 1
    while head < tail:
        w = scratch.queue[head]
        rank[w] = head
        head += 1
        for e in range(graph.start[w], graph.start[w + 1]):
            u = graph.neighbour[e]
            if label[u] == label[v] and scratch.seen[u] != mark:
                scratch.seen[u] = mark
                scratch.queue[tail] = u
                tail += 1
    ranks: Floats = rank[nodes]
    return ranks


@compiled
def _cut(
    graph: Graph,
    label: Ints,
    nodes: Ints,
    position: Floats,
    wanted: float,
    p: int,
    q: int,
    scratch: Scratch,
) -> float:
    """Give the nodes first by position, up to `wanted` households, to `p`, the rest to `q`.

    Loose pieces change sides, so that both are in one piece. Return the households of `p`.
    """
    order = nodes[np.argsort(position, kind="mergesort")]
    total = 0.0
    for k in range(len(order)):
        w = graph.weight[order[k]]
        first = k == 0 or total + w / 2 < wanted
        label[order[k]] = p if first and k < len(order) - 1 else q
        if label[order[k]] == p:
            total += w
        else:
            wanted = -1.0
    hand_over_loose(graph, label, nodes, p, q, scratch)
    hand_over_loose(graph, label, nodes, q, p, scratch)
    load = 0.0
    for v in nodes:
        load += graph.weight[v] if label[v] == p else 0.0
    return load


@compiled
def _split(
    graph: Graph, label: Ints, p: int, n_first: int, n_second: int, aim: Aim, scratch: Scratch
) -> None:
    """Split region `p` in the ratio of two numbers of grids, along the best of many lines."""
    nodes = np.flatnonzero(label == p)
    q, whole = p + n_first, graph.weight[nodes].sum()
    wanted = whole * n_first / (n_first + n_second)
    best_score, best = np.inf, label[nodes].copy()
    for trial in range(_ANGLES + 2):
        if trial < _ANGLES:
            position = _turn(nodes, graph, 2.0 * np.pi * trial / _ANGLES)
        else:
            far = nodes[np.argmax(_turn(nodes, graph, 0.7 + np.pi * trial))]
            label[nodes] = p
            position = _distance_from(graph, label, nodes, far, scratch)
        load = _cut(graph, label, nodes, position, wanted, p, q, scratch)
        count = (label[nodes] == p).sum()
        if count < n_first or len(nodes) - count < n_second:
            continue
        off = (load - wanted) / aim.span
        score = off * off / min(n_first, n_second) + aim.per_metre * border_between(
            graph, label, nodes, p, q
        )
        if score < best_score:
            best_score, best = score, label[nodes].copy()
    label[nodes] = best


@compiled
def bisect(graph: Graph, n_regions: int, aim: Aim, scratch: Scratch) -> Ints:
    """Return labels 0 to ``n_regions - 1`` by halving again and again, shape ``(n_atoms,)``."""
    label = np.zeros(len(graph.weight), dtype=np.int64)
    todo = [(0, n_regions)]
    while len(todo) > 0:
        p, n = todo.pop()
        if n > 1:
            first = n // 2
            _split(graph, label, p, first, n - first, aim, scratch)
            todo.append((p, first))
            todo.append((p + first, n - first))
    return label


@compiled
def _recombine(
    graph: Graph,
    label: Ints,
    load: Floats,
    p: int,
    q: int,
    draw: Floats,
    patience: float,
    aim: Aim,
    scratch: Scratch,
) -> float:
    """Put two neighbouring regions together and part them anew; return what that costs.

    A change for the worse is kept with a chance that falls with what it costs over `patience`.
    """
    nodes = np.flatnonzero((label == p) | (label == q))
    before, old_p, old_q = label[nodes].copy(), load[p], load[q]
    cost = misfit(old_p, aim) + misfit(old_q, aim)
    cost += aim.per_metre * border_between(graph, label, nodes, p, q)
    if draw[0] < 0.6:
        position = _turn(nodes, graph, 2.0 * np.pi * draw[1])
    else:
        label[nodes] = p
        v = nodes[int(draw[1] * len(nodes))]
        position = _distance_from(graph, label, nodes, v, scratch)
    wanted = (old_p + old_q) * (0.4 + 0.2 * draw[2])
    load[p] = _cut(graph, label, nodes, position, wanted, p, q, scratch)
    load[q] = old_p + old_q - load[p]
    refine(graph, label, load, nodes, aim, scratch, _PASSES, p, q)
    after = misfit(load[p], aim) + misfit(load[q], aim)
    after += aim.per_metre * border_between(graph, label, nodes, p, q)
    both = (label[nodes] == p).any() and (label[nodes] == q).any()
    if both and after - cost <= -patience * np.log(1.0 - draw[4]):
        return float(after - cost)
    label[nodes] = before
    load[p], load[q] = old_p, old_q
    return 0.0


@compiled
def improve(
    graph: Graph, label: Ints, n_regions: int, aim: Aim, draws: Floats, scratch: Scratch
) -> None:
    """Improve a division in place: moves over borders, then one recombination for each draw.

    Parameters
    ----------
    draws
        Numbers in [0, 1), shape ``(n_rounds, 5)``: they choose the pair, how it is cut and
        whether a change for the worse is kept, ever more rarely (simulated annealing).

    References
    ----------
    DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for
    redistricting. doi:10.1162/99608f92.eb30390f
    """
    load = load_regions(graph, label, n_regions)
    everything = np.arange(len(label))
    refine(graph, label, load, everything, aim, scratch, _PASSES, -1, -1)
    n_edges = len(graph.neighbour)
    cost, least, best = 0.0, 0.0, label.copy()
    for k in range(len(draws)):
        patience = _PATIENCE * (1.0 - k / len(draws))
        e = int(draws[k, 3] * n_edges)
        for step in range(n_edges):
            edge = (e + step) % n_edges
            v = np.searchsorted(graph.start, edge, side="right") - 1
            p, q = label[v], label[graph.neighbour[edge]]
            if p != q:
                cost += _recombine(graph, label, load, p, q, draws[k], patience, aim, scratch)
                break
        if cost < least - 1e-9:
            least = cost
            best[:] = label
    label[:] = best
    load[:] = load_regions(graph, label, n_regions)
    refine(graph, label, load, everything, aim, scratch, _PASSES, -1, -1)
