"""The compiled part of map matching: Viterbi over candidates, ways by bounded Dijkstra."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
_BACK_M = 15.0  # a fix may lie this far behind the last one without having turned round


@njit(cache=True, nogil=True)
def _push(
    heap: Floats, node: Longs, size: int, cost: float, v: int
) -> int:  # pragma: no cover - compiled
    k = size
    while k > 0 and heap[(k - 1) // 2] > cost:
        heap[k], node[k] = heap[(k - 1) // 2], node[(k - 1) // 2]
        k = (k - 1) // 2
    heap[k], node[k] = cost, v
    return size + 1


@njit(cache=True, nogil=True)
def _pop(heap: Floats, node: Longs, size: int) -> int:  # pragma: no cover - compiled
    """Take the root away; the caller has read it."""
    size -= 1
    cost, v = heap[size], node[size]
    k = 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= cost:
            break
        heap[k], node[k] = heap[child], node[child]
        k = child
    heap[k], node[k] = cost, v
    return size


@njit(cache=True, nogil=True)
def _spread(
    seg: int, along: float, limit: float, ends: Longs, length: Floats, there: Flags, back: Flags,
    first: Longs, to: Longs, over: Longs, far: Floats, by: Longs, before: Longs, seen: Longs,
    heap: Floats, node: Longs,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    """Find the nodes within `limit` metres of a place on a segment; returns how many."""
    n_seen, size = 0, 0
    for side in range(2):
        if (side == 1 and not there[seg]) or (side == 0 and not back[seg]):
            continue
        v = ends[seg, side]
        cost = length[seg] - along if side == 1 else along
        if cost <= limit and cost < far[v]:
            if far[v] == np.inf:
                seen[n_seen] = v
                n_seen += 1
            far[v], by[v], before[v] = cost, seg, -1
            size = _push(heap, node, size, cost, v)
    while size > 0:
        cost, v = heap[0], node[0]
        size = _pop(heap, node, size)
        if cost > far[v]:
            continue
        for e in range(first[v], first[v + 1]):
            w = to[e]
            total = cost + length[over[e]]
            if total <= limit and total < far[w]:
                if far[w] == np.inf:
                    seen[n_seen] = w
                    n_seen += 1
                far[w], by[w], before[w] = total, over[e], v
                if size < len(heap):
                    size = _push(heap, node, size, total, w)
    return n_seen


@njit(cache=True, nogil=True)
def _arrive(
    seg_a: int, along_a: float, seg_b: int, along_b: float, ends: Longs, length: Floats,
    there: Flags, back: Flags, far: Floats,
) -> tuple[float, int]:  # fmt: skip  # pragma: no cover - compiled
    """Return metres to a place on a segment, and its side entered; 2 within the segment."""
    best, side = np.inf, -1
    if seg_a == seg_b:
        step = along_b - along_a
        if (step >= 0 and there[seg_a]) or (step <= 0 and back[seg_a]) or abs(step) <= _BACK_M:
            best, side = abs(step), 2
    if there[seg_b] and far[ends[seg_b, 0]] + along_b < best:
        best, side = far[ends[seg_b, 0]] + along_b, 0
    if back[seg_b] and far[ends[seg_b, 1]] + length[seg_b] - along_b < best:
        best, side = far[ends[seg_b, 1]] + length[seg_b] - along_b, 1
    return best, side


@njit(cache=True, nogil=True)
def choose_candidates(
    x: Floats, y: Floats, begin: Longs, seg: Longs, along: Floats, away: Floats, ends: Longs,
    length: Floats, there: Flags, back: Flags, first: Longs, to: Longs, over: Longs,
    sigma: float, beta: float, detour: float,
) -> Longs:  # fmt: skip  # pragma: no cover - compiled
    """Return the candidate of each fix on the most likely way; -1 where there is none.

    Newson and Krumm (2009), section 3: the fix is normal around the road (equation 1), how much
    longer the way is than the straight line is exponential (equation 2). Where no way joins two
    fixes the chain begins anew.
    """
    n, n_cand, n_nodes = len(x), len(seg), len(first) - 1
    score = np.full(n_cand, -np.inf)
    came = np.full(n_cand, -1, np.int64)
    far = np.full(n_nodes, np.inf)
    by, before = np.full(n_nodes, -1, np.int64), np.full(n_nodes, -1, np.int64)
    seen = np.empty(n_nodes + 2, np.int64)
    heap, node = np.empty(4 * len(to) + 8), np.empty(4 * len(to) + 8, np.int64)
    chosen = np.full(n, -1, np.int64)
    last = -1
    for k in range(n):
        emit = -0.5 * (away[begin[k] : begin[k + 1]] / sigma) ** 2
        joined = False
        if last >= 0 and last == k - 1:
            straight = np.hypot(x[k] - x[last], y[k] - y[last])
            for a in range(begin[last], begin[last + 1]):
                if score[a] == -np.inf:
                    continue
                n_seen = _spread(seg[a], along[a], straight + detour, ends, length, there, back,
                                 first, to, over, far, by, before, seen, heap, node)  # fmt: skip
                for b in range(begin[k], begin[k + 1]):
                    way, _ = _arrive(seg[a], along[a], seg[b], along[b], ends, length, there,
                                     back, far)  # fmt: skip
                    if way <= straight + detour:
                        value = score[a] + emit[b - begin[k]] - abs(way - straight) / beta
                        if value > score[b]:
                            score[b], came[b] = value, a
                            joined = True
                for s in range(n_seen):
                    far[seen[s]] = np.inf
        if begin[k + 1] > begin[k]:
            if not joined:
                if last >= 0:
                    _back_track(chosen, score, came, begin, last)
                for b in range(begin[k], begin[k + 1]):
                    score[b], came[b] = emit[b - begin[k]], -1
            last = k
    if last >= 0:
        _back_track(chosen, score, came, begin, last)
    return chosen


@njit(cache=True, nogil=True)
def _back_track(
    chosen: Longs, score: Floats, came: Longs, begin: Longs, last: int
) -> None:  # pragma: no cover - compiled
    if chosen[last] >= 0:
        return
    best = begin[last]
    for b in range(begin[last], begin[last + 1]):
        if score[b] > score[best]:
            best = b
    k = last
    while best >= 0:
        chosen[k] = best
        best = came[best]
        k -= 1


def workspace(n_nodes: int, n_edges: int) -> tuple[Floats, Longs, Longs, Longs, Floats, Longs]:
    """Return what a search on a graph needs, to be used for many pairs."""
    return (
        np.full(n_nodes, np.inf), np.full(n_nodes, -1, np.int64), np.full(n_nodes, -1, np.int64),
        np.empty(n_nodes + 2, np.int64), np.empty(4 * n_edges + 8),
        np.empty(4 * n_edges + 8, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def trace_pair(
    seg_a: int, along_a: float, seg_b: int, along_b: float, ends: Longs, length: Floats,
    there: Flags, back: Flags, first: Longs, to: Longs, over: Longs, corner_first: Longs,
    corners: Floats, corner_at: Floats, limit: float, far: Floats, by: Longs, before: Longs,
    seen: Longs, heap: Floats, node: Longs,
) -> Floats:  # fmt: skip  # pragma: no cover - compiled
    """Return the corners of the way between two places, both left out, ``(n, 2)``.

    The last six are `workspace`; they are left as they were found.
    """
    n_seen = _spread(seg_a, along_a, limit, ends, length, there, back, first, to, over, far, by,
                     before, seen, heap, node)  # fmt: skip
    _, side = _arrive(seg_a, along_a, seg_b, along_b, ends, length, there, back, far)
    # Pieces of the way from its end to its beginning: segment, from, to.
    piece_seg, piece_from, piece_to = [seg_b], [0.0], [along_b]
    if side == 2 or side < 0:
        piece_from[0] = along_a
    else:
        piece_from[0] = 0.0 if side == 0 else length[seg_b]
        v = ends[seg_b, side]
        while before[v] >= 0:
            s, u = by[v], before[v]
            piece_seg.append(s)
            onward = ends[s, 1] == v and (ends[s, 0] == u)
            piece_from.append(0.0 if onward else length[s])
            piece_to.append(length[s] if onward else 0.0)
            v = u
        piece_seg.append(seg_a)
        piece_from.append(along_a)
        piece_to.append(length[seg_a] if ends[seg_a, 1] == v and there[seg_a] and
                        far[v] == length[seg_a] - along_a else 0.0)  # fmt: skip
    for k in range(n_seen):
        far[seen[k]] = np.inf
    out = np.empty((0, 2))
    count = 0
    for p in range(len(piece_seg)):
        count += corner_first[piece_seg[p] + 1] - corner_first[piece_seg[p]]
    out = np.empty((count, 2))
    n = 0
    for q in range(len(piece_seg)):
        p = len(piece_seg) - 1 - q
        s, a, b = piece_seg[p], piece_from[p], piece_to[p]
        begin, end = corner_first[s], corner_first[s + 1]
        if b >= a:
            for c in range(begin, end):
                inner = a < corner_at[c] <= b if p > 0 else a < corner_at[c] < b
                if inner:
                    out[n] = corners[c]
                    n += 1
        else:
            for c in range(end - 1, begin - 1, -1):
                inner = b <= corner_at[c] < a if p > 0 else b < corner_at[c] < a
                if inner:
                    out[n] = corners[c]
                    n += 1
    return out[:n]
