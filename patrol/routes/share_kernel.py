"""Take work off the longest route: move, swap and pass on single stops, in compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.routes.schedule_kernel import SLACK, Floats, Ground, Ints, Tour
from patrol.routes.search_kernel import Seed, below, draw

_LEAST_S = 1e-6  # a gain below this is rounding
_HOT, _COLD = 0.3, 0.001  # temperatures, in logarithms of what is made small
_NEAR = 30  # stops next to a stop to whose routes it may go


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
def _set(t: Tour, k: int, order: Ints, size: int) -> None:
    last = t.seq[k, t.size[k] + 1]
    t.seq[k, 1 : size + 1] = order[:size]
    t.seq[k, size + 1] = last
    t.size[k] = size
    for i in range(size):
        t.unit[order[i]] = k


@njit(cache=True, nogil=True)
def even_out(
    g: Ground, t: Tour, n_stops: int, power: float, raised: float, most: float, steps: int,
    state: Seed, best: Tour,
) -> float:  # fmt: skip
    """Move and swap single stops between routes near each other, annealed; keep the most even.

    What is made small is the sum of ``(work / mean ** raised) ** power``: stops wander over
    several routes from where there is much work to where there is little (Kirkpatrick et al. 1983).

    Parameters
    ----------
    power
        The higher, the more the longest work weighs.
    raised
        From 0, a higher mean is worth nothing, to 1, as much as a shorter longest work; detours
        raise it, so that with 1 they are made until `most` is used up.
    most
        Seconds that all units together may work: evenness is not bought with detours for ever.
    steps
        Moves that are tried.
    best
        The routes before, written over by the most even ones.

    Returns
    -------
    float
        Share by which the longest work of `best` lies above the mean.
    """
    m, room = len(t.size), t.seq.shape[1]
    work = works_of(g, t, n_stops)
    total, weight = work.sum(), (work**power).sum()
    over = work.max() / total * m - 1.0
    _copy_orders(best, t)
    own, theirs, held = (np.empty(room, np.int32), np.empty(room, np.int32),
                         np.empty(room, np.int32))  # fmt: skip
    for step in range(steps):
        heat = _HOT * (_COLD / _HOT) ** (step / steps)
        v = below(state, n_stops)
        k = t.unit[v]
        if k < 0:
            continue
        j, r = -1, below(state, m)
        u = -1
        if draw(state) < 0.95 and g.near.shape[1] > 0:  # to the route of a stop nearby
            u = g.near[v, below(state, min(_NEAR, g.near.shape[1]))]
            r = t.unit[u]
        if r < 0 or r == k or not g.allowed[r, v]:
            continue
        i = _place_of(t, k, v)
        without(t.seq[k, 1:], t.size[k], i, own)
        n_own, n_theirs = t.size[k] - 1, t.size[r]
        theirs[:n_theirs] = t.seq[r, 1 : 1 + n_theirs]
        if 0 <= u < n_stops and g.allowed[k, u] and draw(state) < 0.5:
            j = _place_of(t, r, u)
            without(t.seq[r, 1:], t.size[r], j, theirs)
            n_theirs -= 1
        end_r, at_r = insert_best(g, theirs, n_theirs, v, r, n_stops, held)
        at_k = -1
        if j >= 0:
            end_k, at_k = insert_best(g, own, n_own, u, k, n_stops, held)
        else:
            end_k = end_of(g, own, n_own, k, n_stops)
        if not (end_r < np.inf and end_k < np.inf):
            continue
        new_k, new_r = end_k - g.begin[k], end_r - g.begin[r]
        new_sum = total + new_k + new_r - work[k] - work[r]
        if new_sum > most:
            continue
        new_weight = weight + new_k**power + new_r**power - work[k] ** power - work[r] ** power
        gain = np.log(weight / new_weight) - raised * power * np.log(total / new_sum)
        if gain < heat * np.log(draw(state) + 1e-300):
            continue
        total, weight = new_sum, new_weight
        _put(theirs, n_theirs, v, at_r)
        _set(t, r, theirs, n_theirs + 1)
        if j >= 0:
            _put(own, n_own, u, at_k)
            n_own += 1
        _set(t, k, own, n_own)
        work[k], work[r] = new_k, new_r
        if work.max() / total * m - 1.0 < over:
            over = work.max() / total * m - 1.0
            _copy_orders(best, t)
    return float(over)


@njit(cache=True, nogil=True)
def _place_of(t: Tour, k: int, v: int) -> int:
    """Return the place of a stop in a route, from 0."""
    i = 0
    while t.seq[k, 1 + i] != v:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _put(order: Ints, size: int, v: int, at: int) -> None:
    for i in range(size, at, -1):
        order[i] = order[i - 1]
    order[at] = v


@njit(cache=True, nogil=True)
def _copy_orders(to: Tour, t: Tour) -> None:
    to.size[:] = t.size
    to.unit[:] = t.unit
    for k in range(len(t.size)):
        to.seq[k, : t.size[k] + 2] = t.seq[k, : t.size[k] + 2]


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
    _set(t, r, third, n_theirs + 1)
    if q == k:
        _end, at = insert_best(g, own, n_own, u, k, n_stops, held)
        third[:at] = own[:at]
        third[at] = u
        third[at + 1 : n_own + 1] = own[at:n_own]
        _set(t, k, third, n_own + 1)
        return
    _set(t, k, own, n_own)
    if q >= 0:
        n_third = t.size[q]
        theirs[:n_third] = t.seq[q, 1 : 1 + n_third]
        _end, at = insert_best(g, theirs, n_third, u, q, n_stops, held)
        third[:at] = theirs[:at]
        third[at] = u
        third[at + 1 : n_third + 1] = theirs[at:n_third]
        _set(t, q, third, n_third + 1)
