"""Regions on a graph of atoms: what a division costs, and moves that keep regions whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numba import njit

from geo.grids.frames import Floats, Ints

F = TypeVar("F", bound=Callable[..., object])
compiled: Callable[[F], F] = njit(cache=True, nogil=True)

_OUTSIDE: Final = 20.0
_GAIN: Final = 1e-9


class Graph(NamedTuple):
    """Atoms and their neighbours, compressed by rows.

    `neighbour[start[v]:start[v + 1]]` are the neighbours of `v` and `cost` what a border with
    each costs, in metres; `weight` are households, `x`, `y` a point of each in metres.
    """

    start: Ints
    neighbour: Ints
    cost: Floats
    weight: Floats
    x: Floats
    y: Floats


class Aim(NamedTuple):
    """What a good region is: near `ideal` households, within `low` and `high`, short borders.

    A load costs the square of its distance from `ideal` in units of `span`. Outside the bounds
    it costs far more: `wall` at once, and growing with the square, so that one large surplus is
    worse than several small ones and is passed on from neighbour to neighbour.
    """

    ideal: float
    low: float
    high: float
    span: float
    wall: float
    per_metre: float


class Scratch(NamedTuple):
    """Room for searches: marks that need no clearing, and a queue, each shape ``(n_atoms,)``."""

    seen: Ints
    near: Ints
    queue: Ints
    mark: Ints


@compiled
def misfit(load: float, aim: Aim) -> float:
    """Return how badly a load fits, 0 at the ideal."""
    off = (load - aim.ideal) / aim.span
    over = max(load - aim.high, aim.low - load) / aim.span
    outside = aim.wall + _OUTSIDE * over * (1.0 + over) if over > 0.0 else 0.0
    return float(off * off + outside)


@compiled
def load_regions(graph: Graph, label: Ints, n_regions: int) -> Floats:
    """Return the households of each region, shape ``(n_regions,)``."""
    load = np.zeros(n_regions)
    for v in range(len(label)):
        load[label[v]] += graph.weight[v]
    return load


@compiled
def border_with(graph: Graph, label: Ints, v: int, region: int) -> float:
    """Return what the borders of atom `v` with a region cost."""
    total = 0.0
    for e in range(graph.start[v], graph.start[v + 1]):
        if label[graph.neighbour[e]] == region:
            total += graph.cost[e]
    return total


@compiled
def border_between(graph: Graph, label: Ints, nodes: Ints, p: int, q: int) -> float:
    """Return what the border between regions `p` and `q` costs; `nodes` holds both."""
    total = 0.0
    for v in nodes:
        if label[v] == p:
            total += border_with(graph, label, v, q)
    return total


@compiled
def can_leave(graph: Graph, label: Ints, v: int, scratch: Scratch) -> bool:
    """Return whether the region of `v` stays in one piece, and not empty, without it."""
    region, wanted, first = label[v], 0, -1
    scratch.mark[0] += 1
    mark = scratch.mark[0]
    for e in range(graph.start[v], graph.start[v + 1]):
        u = graph.neighbour[e]
        if label[u] == region:
            wanted, first = wanted + 1, u
            scratch.near[u] = mark
    if wanted < 2:
        return wanted == 1
    scratch.seen[v] = scratch.seen[first] = mark
    scratch.queue[0] = first
    head, tail, reached = 0, 1, 1
    while head < tail:
        w = scratch.queue[head]
        head += 1
        for e in range(graph.start[w], graph.start[w + 1]):
            u = graph.neighbour[e]
            if label[u] == region and scratch.seen[u] != mark:
                scratch.seen[u] = mark
                scratch.queue[tail] = u
                tail += 1
                reached += scratch.near[u] == mark
        if reached == wanted:
            return True
    return False


@compiled
def best_move(
    graph: Graph, label: Ints, load: Floats, v: int, aim: Aim, p: int, q: int
) -> tuple[int, float]:
    """Return the neighbouring region that gains most from atom `v`, and the gain (below zero).

    With `p` not negative only moves between `p` and `q` count.
    """
    a, w = label[v], graph.weight[v]
    here = -1.0
    best, best_gain = -1, -_GAIN
    for e in range(graph.start[v], graph.start[v + 1]):
        b = label[graph.neighbour[e]]
        elsewhere = p >= 0 and b != p and b != q
        if b in (a, best) or elsewhere:
            continue
        if here < 0.0:
            here = border_with(graph, label, v, a)
        gain = aim.per_metre * (here - border_with(graph, label, v, b))
        if w > 0:
            gain += misfit(load[a] - w, aim) - misfit(load[a], aim)
            gain += misfit(load[b] + w, aim) - misfit(load[b], aim)
        if gain < best_gain:
            best, best_gain = b, gain
    return best, best_gain


@compiled
def refine(
    graph: Graph,
    label: Ints,
    load: Floats,
    nodes: Ints,
    aim: Aim,
    scratch: Scratch,
    passes: int,
    p: int,
    q: int,
) -> None:
    """Move atoms over borders while that gains, keeping every region in one piece.

    Changes `label` and `load`. With `p` not negative only moves between `p` and `q` count.
    """
    for _ in range(passes):
        moved = False
        for v in nodes:
            b, _gain = best_move(graph, label, load, v, aim, p, q)
            if b >= 0 and can_leave(graph, label, v, scratch):
                load[label[v]] -= graph.weight[v]
                load[b] += graph.weight[v]
                label[v] = b
                moved = True
        if not moved:
            return


@compiled
def _flood(
    graph: Graph, label: Ints, v: int, region: int, scratch: Scratch, tail: int
) -> tuple[int, float]:
    """Append the piece of `region` around `v` to the queue; return its end and households."""
    mark = scratch.mark[0]
    scratch.queue[tail] = v
    scratch.seen[v] = mark
    head, tail, weight = tail, tail + 1, 0.0
    while head < tail:
        w = scratch.queue[head]
        head += 1
        weight += graph.weight[w]
        for e in range(graph.start[w], graph.start[w + 1]):
            u = graph.neighbour[e]
            if label[u] == region and scratch.seen[u] != mark:
                scratch.seen[u] = mark
                scratch.queue[tail] = u
                tail += 1
    return tail, weight


@compiled
def hand_over_loose(
    graph: Graph, label: Ints, nodes: Ints, p: int, q: int, scratch: Scratch
) -> None:
    """Give all pieces of region `p` but the one with most households to region `q`."""
    scratch.mark[0] += 1
    tail, best_from, best_to, best_weight = 0, 0, 0, -1.0
    for v in nodes:
        if label[v] == p and scratch.seen[v] != scratch.mark[0]:
            begin = tail
            tail, weight = _flood(graph, label, v, p, scratch, tail)
            if weight > best_weight:
                best_from, best_to, best_weight = begin, tail, weight
    for k in range(tail):
        if not best_from <= k < best_to:
            label[scratch.queue[k]] = q
