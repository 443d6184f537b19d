"""Take work off the longest route: move, swap and pass on single stops, in compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.routes.schedule_kernel import SLACK, Floats, Ground, Ints, Tour

_LEAST_S = 1e-6  # a gain below this is rounding


@njit(cache=True, nogil=True)
def end_of(g: Ground, order: Ints, size: int, k: int, n_stops: int) -> float:
    """Return when a unit is back from stops in an order; infinite if that breaks a rule.

    A rest at the end whose window has not opened when the work is done is not due.
    """
    core = size
    while core > 0 and order[core - 1] >= n_stops:
        core -= 1
    end = _drive(g, order, core, k)
    for i in range(core, size):
        if end > g.opens[order[i]]:
            end = _drive(g, order, i + 1, k)
    return float(end)


@njit(cache=True, nogil=True)
def _drive(g: Ground, order: Ints, size: int, k: int) -> float:
    if size > g.room[k]:
        return float(np.inf)
    way = g.travel[g.profile[k]]
    clock, here = g.begin[k], g.start[k]
    for i in range(size):
        v = order[i]
        clock = max(clock + way[here, v], g.opens[v])
        if not (g.allowed[k, v] and clock <= g.closes[v] + SLACK):
            return float(np.inf)
        clock += g.dwell[v]
        here = v
    clock += way[here, g.end[k]]
    return float(clock) if clock <= g.finish[k] + SLACK else float(np.inf)


@njit(cache=True, nogil=True)
def insert_best(
    g: Ground, order: Ints, size: int, v: int, k: int, n_stops: int, held: Ints
) -> tuple[float, int]:
    """Return when a unit is back at the earliest with one stop more, and before which it stands."""
    best, where = np.inf, -1
    for i in range(size + 1):
        held[:i] = order[:i]
        held[i] = v
        held[i + 1 : size + 1] = order[i:size]
        end = end_of(g, held, size + 1, k, n_stops)
        if end < best:
            best, where = end, i
    return best, where


@njit(cache=True, nogil=True)
def without(order: Ints, size: int, i: int, out: Ints) -> None:
    """Write an order less the stop at `i` into `out`."""
    out[:i] = order[:i]
    out[i : size - 1] = order[i + 1 : size]


@njit(cache=True, nogil=True)
def works_of(g: Ground, t: Tour, n_stops: int) -> Floats:
    """Return the seconds that each unit works, ``(n_units,)``."""
    work = np.empty(len(t.size))
    for k in range(len(work)):
        work[k] = end_of(g, t.seq[k, 1:], t.size[k], k, n_stops) - g.begin[k]
    return work


@njit(cache=True, nogil=True)
def set_route(t: Tour, k: int, order: Ints, size: int) -> None:
    """Give a unit other stops in an order."""
    last = t.seq[k, t.size[k] + 1]
    t.seq[k, 1 : size + 1] = order[:size]
    t.seq[k, size + 1] = last
    t.size[k] = size
    for i in range(size):
        t.unit[order[i]] = k


@njit(cache=True, nogil=True)
def shorten_longest(g: Ground, t: Tour, n_stops: int, over: float, most: int) -> bool:
    """Take work off the longest route step by step; return whether it is close to the mean.

    A step moves one stop of the longest route to another, swaps it for one of another, or passes
    one of that other on to a third; of all such steps the one is made after which the longest of
    the routes concerned is shortest, as long as that is a gain.

    Parameters
    ----------
    over
        Share by which the longest may lie above the mean.
    most
        Steps at most.
    """
    m = len(t.size)
    room = t.seq.shape[1]
    work = works_of(g, t, n_stops)
    own, theirs, third, held = (np.empty(room, np.int32), np.empty(room, np.int32),
                                np.empty(room, np.int32), np.empty(room, np.int32))  # fmt: skip
    for _ in range(most):
        k = int(np.argmax(work))
        if work[k] <= (1.0 + over) * work.mean():
            return True
        goal = work[k] - _LEAST_S
        best, plan = goal, np.full(4, -1, np.int64)  # i, route, j (-1: moved), third route
        for i in range(t.size[k]):
            v = t.seq[k, 1 + i]
            if v >= n_stops:
                continue
            without(t.seq[k, 1:], t.size[k], i, own)
            left = end_of(g, own, t.size[k] - 1, k, n_stops) - g.begin[k]
            for r in range(m):
                if r == k or not g.allowed[r, v] or work[r] >= best:
                    continue
                if left < best:
                    end, _where = insert_best(g, t.seq[r, 1:], t.size[r], v, r, n_stops, held)
                    if max(left, end - g.begin[r]) < best:
                        best = max(left, end - g.begin[r])
                        plan[0], plan[1], plan[2], plan[3] = i, r, -1, -1
                for j in range(t.size[r]):
                    u = t.seq[r, 1 + j]
                    if u >= n_stops:
                        continue
                    without(t.seq[r, 1:], t.size[r], j, theirs)
                    end, _where = insert_best(g, theirs, t.size[r] - 1, v, r, n_stops, held)
                    new_r = end - g.begin[r]
                    if new_r >= best:
                        continue
                    if g.allowed[k, u]:
                        end, _where = insert_best(g, own, t.size[k] - 1, u, k, n_stops, held)
                        if max(new_r, end - g.begin[k]) < best:
                            best = max(new_r, end - g.begin[k])
                            plan[0], plan[1], plan[2], plan[3] = i, r, j, k
                    if left >= best:
                        continue
                    for q in range(m):
                        if q in (k, r) or not g.allowed[q, u] or work[q] >= best:
                            continue
                        end, _where = insert_best(g, t.seq[q, 1:], t.size[q], u, q, n_stops, held)
                        if max(left, new_r, end - g.begin[q]) < best:
                            best = max(left, new_r, end - g.begin[q])
                            plan[0], plan[1], plan[2], plan[3] = i, r, j, q
        if plan[1] < 0:
            return False
        _make(g, t, k, plan, n_stops, own, theirs, third, held)
        for changed in (k, plan[1], plan[3]):
            if changed >= 0:
                end = end_of(g, t.seq[changed, 1:], t.size[changed], changed, n_stops)
                work[changed] = end - g.begin[changed]
    return False


@njit(cache=True, nogil=True)
def _make(
    g: Ground, t: Tour, k: int, plan: NDArray[np.int64], n_stops: int, own: Ints, theirs: Ints,
    third: Ints, held: Ints,
) -> None:  # fmt: skip
    """Make a step: stop i of route k to r; its stop j, if any, to the third route."""
    i, r, j, q = plan[0], plan[1], plan[2], plan[3]
    v = t.seq[k, 1 + i]
    without(t.seq[k, 1:], t.size[k], i, own)
    n_own, n_theirs = t.size[k] - 1, t.size[r]
    u = -1
    if j >= 0:
        u = t.seq[r, 1 + j]
        without(t.seq[r, 1:], t.size[r], j, theirs)
        n_theirs -= 1
    else:
        theirs[:n_theirs] = t.seq[r, 1 : 1 + n_theirs]
    _end, at = insert_best(g, theirs, n_theirs, v, r, n_stops, held)
    third[:at] = theirs[:at]
    third[at] = v
    third[at + 1 : n_theirs + 1] = theirs[at:n_theirs]
    set_route(t, r, third, n_theirs + 1)
    if q == k:
        _end, at = insert_best(g, own, n_own, u, k, n_stops, held)
        third[:at] = own[:at]
        third[at] = u
        third[at + 1 : n_own + 1] = own[at:n_own]
        set_route(t, k, third, n_own + 1)
        return
    set_route(t, k, own, n_own)
    if q >= 0:
        n_third = t.size[q]
        theirs[:n_third] = t.seq[q, 1 : 1 + n_third]
        _end, at = insert_best(g, theirs, n_third, u, q, n_stops, held)
        third[:at] = theirs[:at]
        third[at] = u
        third[at + 1 : n_third + 1] = theirs[at:n_third]
        set_route(t, q, third, n_third + 1)
