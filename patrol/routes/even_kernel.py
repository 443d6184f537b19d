"""Even the work out by moving and swapping single stops, annealed, in compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from patrol.routes.draw_kernel import Seed, below, draw
from patrol.routes.schedule_kernel import Floats, Ground, Ints, Tour
from patrol.routes.share_kernel import end_of, insert_best, set_route, without, works_of

_HOT, _COLD = 0.1, 0.0005  # first and last temperature, as shares of the longest work allowed
_NEAR = 30  # stops next to a stop to whose routes it may go
_FAR = 0.05  # share of the moves that go to any route
_SWAPS = 0.5  # share of the moves that take a stop in return


class Bench(NamedTuple):
    """Room to lay out two routes before they are changed.

    Attributes
    ----------
    own, theirs, held
        Shape ``(n_stops + 3,)``: the stops of the giving and of the taking route, and scratch.
    """

    own: Ints
    theirs: Ints
    held: Ints


@njit(cache=True, nogil=True)
def even_out(
    g: Ground, t: Tour, n_stops: int, longest: float, total: float, steps: int, state: Seed,
    best: Tour,
) -> float:  # fmt: skip
    """Anneal routes until none is longer than wished and their sum is large enough.

    What is made small is the time that routes have above `longest`, and what all together lack
    of `total`: with ``total = n_units * longest / 1.05`` nothing left over means that the longest
    work is within 5 % of the mean (annealed as in Kirkpatrick et al. 1983).

    Parameters
    ----------
    longest, total
        Seconds: no route above the one, all routes together not below the other.
    steps
        Moves that are tried, at most.
    best
        The routes before, written over by those with the least left over.

    Returns
    -------
    float
        Seconds left over, 0 where the routes are as even as asked.
    """
    room = t.seq.shape[1]
    bench = Bench(np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32))
    work = works_of(g, t, n_stops)
    lacking = left_over(work, longest, total)
    least = lacking
    copy_orders(best, t)
    for step in range(steps):
        if least <= 0.0:
            break
        heat = longest * _HOT * (_COLD / _HOT) ** (step / steps)
        v, u, r = _propose(g, t, n_stops, state)
        if r < 0:
            continue
        k = t.unit[v]
        work_k, work_r, at_k, at_r = _try(g, t, n_stops, v, u, r, bench)
        if not work_k + work_r < np.inf:
            continue
        old_k, old_r = work[k], work[r]
        work[k], work[r] = work_k, work_r
        changed = left_over(work, longest, total)
        if lacking - changed < heat * np.log(draw(state) + 1e-300):
            work[k], work[r] = old_k, old_r
            continue
        _apply(t, v, u, r, at_k, at_r, bench)
        lacking = changed
        if lacking < least:
            least = lacking
            copy_orders(best, t)
    return float(least)


@njit(cache=True, nogil=True)
def left_over(work: Floats, longest: float, total: float) -> float:
    """Return the seconds above the longest work, and those that all lack together."""
    above, together = 0.0, 0.0
    for k in range(len(work)):
        above += max(0.0, work[k] - longest)
        together += work[k]
    return above + max(0.0, total - together)


@njit(cache=True, nogil=True)
def _propose(g: Ground, t: Tour, n_stops: int, state: Seed) -> tuple[int, int, int]:
    """Draw a stop, one that it is swapped for (-1: none) and its new route (-1: no move)."""
    v = below(state, n_stops)
    k = t.unit[v]
    if k < 0:
        return v, -1, -1
    u, r = -1, below(state, len(t.size))
    if draw(state) >= _FAR and g.near.shape[1] > 0:
        u = g.near[v, below(state, min(_NEAR, g.near.shape[1]))]
        r = t.unit[u]
    if r < 0 or r == k or not g.allowed[r, v]:
        return v, -1, -1
    if not (0 <= u < n_stops and g.allowed[k, u] and draw(state) < _SWAPS):
        u = -1
    return v, u, r


@njit(cache=True, nogil=True)
def _try(
    g: Ground, t: Tour, n_stops: int, v: int, u: int, r: int, bench: Bench
) -> tuple[float, float, int, int]:
    """Lay out both routes after a move; return their work and where the stops go in."""
    k = t.unit[v]
    without(t.seq[k, 1:], t.size[k], _place_of(t, k, v), bench.own)
    n_own, n_theirs = t.size[k] - 1, t.size[r]
    bench.theirs[:n_theirs] = t.seq[r, 1 : 1 + n_theirs]
    if u >= 0:
        without(t.seq[r, 1:], n_theirs, _place_of(t, r, u), bench.theirs)
        n_theirs -= 1
    end_r, at_r = insert_best(g, bench.theirs, n_theirs, v, r, n_stops, bench.held)
    at_k = -1
    if u >= 0:
        end_k, at_k = insert_best(g, bench.own, n_own, u, k, n_stops, bench.held)
    else:
        end_k = end_of(g, bench.own, n_own, k, n_stops)
    return end_k - g.begin[k], end_r - g.begin[r], at_k, at_r


@njit(cache=True, nogil=True)
def _apply(t: Tour, v: int, u: int, r: int, at_k: int, at_r: int, bench: Bench) -> None:
    """Make the move that was laid out."""
    k = t.unit[v]
    n_own, n_theirs = t.size[k] - 1, t.size[r] - (u >= 0)
    _put(bench.theirs, n_theirs, v, at_r)
    if u >= 0:
        _put(bench.own, n_own, u, at_k)
    set_route(t, r, bench.theirs, n_theirs + 1)
    set_route(t, k, bench.own, n_own + (u >= 0))


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
def copy_orders(to: Tour, t: Tour) -> None:
    """Write the stops of all routes over those of another tour."""
    to.size[:] = t.size
    to.unit[:] = t.unit
    for k in range(len(t.size)):
        to.seq[k, : t.size[k] + 2] = t.seq[k, : t.size[k] + 2]
