"""Let two routes change over where they pass near each other: each goes on as the other did."""

from __future__ import annotations

import numpy as np
from numba import njit

from patrol.routes.draw_kernel import Seed, below, draw
from patrol.routes.ruin_kernel import eject
from patrol.routes.schedule_kernel import Flags, Ground, Tour, price_route, time_route

_PASSED = 6  # near stops of other routes that may be passed over


@njit(cache=True, nogil=True)
def cross(
    g: Ground, t: Tour, v: int, power: float, noise: float, touched: Flags, state: Seed
) -> bool:
    """Exchange the ends of the route of `v` and of one that has a stop near it.

    The exchange of Potvin and Rousseau (1995), doi:10.1057/jors.1995.204. Without windows a route
    that is then too long gives up what is worth least, which leads from two routes that cross to
    two that share the ground anew; with windows both must keep them.

    Returns
    -------
    bool
        Whether it was done; if not, nothing is changed.
    """
    touched[:] = False
    a = t.unit[v]
    if a < 0:
        return False
    u = _near_on_another(g, t, v, below(state, 1 + below(state, _PASSED)))
    if u < 0:
        return False
    b = t.unit[u]
    i, j = _position(t, a, v), _position(t, b, u)
    if draw(state) < 0.5:
        j -= 1  # u follows v
    else:
        i -= 1  # v follows u
    if not _may_exchange(g, t, a, i, b, j):
        return False
    exchange_ends(g, t, a, i, b, j)
    fit = time_route(g, t, a)
    fit = time_route(g, t, b) and fit
    if g.timed and not fit:
        exchange_ends(g, t, a, i, b, j)
        time_route(g, t, a)
        time_route(g, t, b)
        return False
    held = np.zeros(len(t.unit), np.bool_)
    for side in range(2):
        k = a if side == 0 else b
        touched[k] = True
        price_route(g, t, k)
        if not g.timed:
            eject(g, t, k, held, power, noise, state)
    return True


@njit(cache=True, nogil=True)
def exchange_ends(g: Ground, t: Tour, a: int, i: int, b: int, j: int) -> None:
    """Exchange what comes after position `i` of route `a` and after `j` of `b`.

    The same once more undoes it. Times and prices are left as they were.
    """
    n, m = t.size[a] - i, t.size[b] - j
    held = t.seq[a, i + 1 : i + 1 + n].copy()
    t.seq[a, i + 1 : i + 1 + m] = t.seq[b, j + 1 : j + 1 + m]
    t.seq[b, j + 1 : j + 1 + n] = held
    t.size[a], t.size[b] = i + m, j + n
    t.seq[a, i + m + 1], t.seq[b, j + n + 1] = g.end[a], g.end[b]
    for h in range(i + 1, i + 1 + m):
        t.unit[t.seq[a, h]] = a
    for h in range(j + 1, j + 1 + n):
        t.unit[t.seq[b, h]] = b


@njit(cache=True, nogil=True)
def _near_on_another(g: Ground, t: Tour, v: int, passed: int) -> int:
    """Return the nearest stop of another route after `passed` others, the last if it has fewer."""
    found = -1
    for c in range(g.near.shape[1]):
        u = g.near[v, c]
        if t.unit[u] < 0 or t.unit[u] == t.unit[v]:
            continue
        found = u
        passed -= 1
        if passed < 0:
            break
    return found


@njit(cache=True, nogil=True)
def _position(t: Tour, k: int, v: int) -> int:
    pos = 1
    while t.seq[k, pos] != v:
        pos += 1
    return pos


@njit(cache=True, nogil=True)
def _may_exchange(g: Ground, t: Tour, a: int, i: int, b: int, j: int) -> bool:
    """Say whether both units may visit what they get, and that not too many stops."""
    n, m = t.size[a] - i, t.size[b] - j
    if i + m > g.room[a] or j + n > g.room[b]:
        return False
    for h in range(i + 1, i + 1 + n):
        if not g.allowed[b, t.seq[a, h]]:
            return False
    for h in range(j + 1, j + 1 + m):  # noqa: SIM110 - compiled
        if not g.allowed[a, t.seq[b, h]]:
            return False
    return True
