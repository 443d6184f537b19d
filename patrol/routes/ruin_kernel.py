"""Make room in routes: take stops out near each other, or put in others and take out the worst."""

from __future__ import annotations

import numpy as np
from numba import njit

from patrol.routes.draw_kernel import Seed, below, draw
from patrol.routes.schedule_kernel import (
    SLACK,
    STALE,
    Flags,
    Ground,
    Tour,
    fits,
    price_insertion,
    put,
    reprice_after_put,
    take,
)

_MOST = 12  # stops put into a route at once, whether they fit or not
_PASSED = 0.3  # chance that a stop near the first is passed over
_HELD = 1e3  # what was just put in is worth so many times as much


@njit(cache=True, nogil=True)
def ruin(g: Ground, t: Tour, mean: float, touched: Flags, state: Seed) -> int:
    """Take strings of neighbouring stops out of routes that pass near a random stop.

    Christiaens and Vanden Berghe (2020), doi:10.1287/trsc.2019.0914, section 5.1, with the
    strings of all routes sharing one number of stops.

    Returns
    -------
    int
        The random stop if nobody visited it, else -1.
    """
    touched[:] = False
    left = 1 + below(state, int(2 * mean))
    seed = below(state, len(g.prize))
    unvisited = seed if t.unit[seed] < 0 else -1
    n_routes = 0
    limit = 1 + below(state, len(t.size))
    for c in range(-1, g.near.shape[1]):
        v = seed if c < 0 else g.near[seed, c]
        k = t.unit[v]
        if k < 0 or touched[k]:
            continue
        touched[k] = True
        pos = 1
        while t.seq[k, pos] != v:
            pos += 1
        count = min(t.size[k], 1 + below(state, left))
        low = max(1, pos - count + 1)
        high = min(pos, t.size[k] - count + 1)
        first = low + below(state, high - low + 1)
        take(g, t, k, first, count)
        left -= count
        n_routes += 1
        if left <= 0 or n_routes >= limit:
            break
    return unvisited


@njit(cache=True, nogil=True)
def force(g: Ground, t: Tour, v: int, touched: Flags) -> None:
    """Insert stop `v` where it adds least, whatever else that time would be worth."""
    best, at = np.inf, -1
    for k in range(len(t.size)):
        if t.cost[v, k] == STALE:
            price_insertion(g, t, v, k)
        if t.cost[v, k] < best and fits(g, t, v, k):
            best, at = t.cost[v, k], k
    if at >= 0:
        i = t.place[v, at]
        put(g, t, v, at, i)
        touched[at] = True
        reprice_after_put(g, t, at, i)


@njit(cache=True, nogil=True)
def overfill(
    g: Ground, t: Tour, v: int, power: float, noise: float, touched: Flags, state: Seed
) -> None:
    """Insert stop `v` and others near it that nobody visits; then take out what is worth least.

    The route may be too long in between, which leads where no way over feasible routes does.
    Without windows only: with them a stop that comes too late has no price.
    """
    touched[:] = False
    best, k = np.inf, -1
    for other in range(len(t.size)):
        if t.cost[v, other] == STALE:
            price_insertion(g, t, v, other)
        cost = t.cost[v, other] * (1.0 + draw(state))
        if cost < best and t.size[other] < g.room[other]:
            best, k = cost, other
    if k < 0:
        return
    touched[k] = True
    held = np.zeros(len(t.unit), np.bool_)
    left = 1 + below(state, 1 + below(state, _MOST))
    for c in range(-1, g.near.shape[1]):
        u = v if c < 0 else g.near[v, c]
        if t.unit[u] >= 0 or t.size[k] >= g.room[k] or (c >= 0 and draw(state) < _PASSED):
            continue
        if t.cost[u, k] == STALE:
            price_insertion(g, t, u, k)
        if t.cost[u, k] == np.inf:
            continue
        i = t.place[u, k]
        put(g, t, u, k, i)
        reprice_after_put(g, t, k, i)
        held[u] = True
        left -= 1
        if left == 0:
            break
    eject(g, t, k, held, power, noise, state)


@njit(cache=True, nogil=True)
def eject(g: Ground, t: Tour, k: int, held: Flags, power: float, noise: float, state: Seed) -> None:
    """Take stops out of route `k` where prize ** power a second saved is least, until it fits.

    Those that are `held` go last.
    """
    worth = np.empty(len(t.unit))
    for i in range(1, t.size[k] + 1):
        u = t.seq[k, i]
        worth[u] = g.prize[u] ** power * np.exp(noise * (draw(state) + draw(state) - 1.0))
        if held[u]:
            worth[u] *= _HELD
    way, seq = g.travel[g.profile[k]], t.seq[k]
    while t.size[k] > 0 and t.at[k, t.size[k] + 1] > g.finish[k] + SLACK:
        least, where = np.inf, 1
        for i in range(1, t.size[k] + 1):
            before, u, behind = seq[i - 1], seq[i], seq[i + 1]
            saved = way[before, u] + way[u, behind] - way[before, behind] + g.dwell[u]
            rate = worth[u] / (max(saved, 0.0) + 1e-6)
            if rate < least:
                least, where = rate, i
        take(g, t, k, where, 1)
