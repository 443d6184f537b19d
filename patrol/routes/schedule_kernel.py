"""Times along a route, and what an insertion costs: the innermost loops of the search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

# Rounding of sums of travel times must not make a route that is exactly full infeasible.
SLACK = 1e-9
# The price of an insertion that has not been looked for yet.
STALE = -1.0


class Ground(NamedTuple):
    """What a search may read: places are stops (0 to n - 1), then bases.

    Attributes
    ----------
    travel
        Shape ``(n_profiles, n_places, n_places)``, seconds; infinite where there is no way.
    dwell, opens, closes
        Shape ``(n_places,)``, seconds; a visit starts within opens to closes.
    prize
        Shape ``(n_stops,)``; what must be visited has more than all others together.
    allowed
        Shape ``(n_units, n_stops)``.
    profile, start, end
        Shape ``(n_units,)``: travel profile, first and last place.
    begin, finish
        Shape ``(n_units,)``, seconds.
    room
        Shape ``(n_units,)``, the most stops of each.
    near
        Shape ``(n_stops, n_near)``, the nearest stops of each, nearest first.
    timed
        Whether any stop has a window.
    """

    travel: Floats
    dwell: Floats
    opens: Floats
    closes: Floats
    prize: Floats
    allowed: Flags
    profile: Ints
    start: Ints
    end: Ints
    begin: Floats
    finish: Floats
    room: Ints
    near: Ints
    timed: bool


class Tour(NamedTuple):
    """Routes as a search changes them.

    Attributes
    ----------
    seq
        Shape ``(n_units, n_stops + 2)``: start, stops in order, end.
    size
        Shape ``(n_units,)``, stops of each route.
    at, latest
        Shape of `seq`: when a visit starts at the earliest, and may start at the latest.
    unit
        Shape ``(n_stops,)``, the unit that visits, -1 for none.
    cost, place
        Shape ``(n_stops, n_units)``: seconds that the cheapest insertion adds (infinite: none),
        and after which position it stands.
    """

    seq: Ints
    size: Ints
    at: Floats
    latest: Floats
    unit: Ints
    cost: Floats
    place: Ints


@njit(cache=True, nogil=True)
def time_route(g: Ground, t: Tour, k: int) -> bool:
    """Compute earliest and latest times of a route; return whether it keeps every window."""
    way = g.travel[g.profile[k]]
    seq, at, latest, last = t.seq[k], t.at[k], t.latest[k], t.size[k] + 1
    at[0] = g.begin[k]
    for i in range(1, last + 1):
        came = at[i - 1] + (g.dwell[seq[i - 1]] if i > 1 else 0.0) + way[seq[i - 1], seq[i]]
        at[i] = max(came, g.opens[seq[i]]) if i < last else came
    latest[last] = g.finish[k]
    for i in range(last - 1, -1, -1):
        spent = (g.dwell[seq[i]] if i > 0 else 0.0) + way[seq[i], seq[i + 1]]
        latest[i] = latest[i + 1] - spent
        if i > 0:
            latest[i] = min(latest[i], g.closes[seq[i]])
    for i in range(last + 1):  # noqa: SIM110 - compiled
        if not at[i] <= latest[i] + SLACK:
            return False
    return True


@njit(cache=True, nogil=True)
def price_insertion(g: Ground, t: Tour, v: int, k: int) -> None:
    """Find the cheapest place of stop `v` in route `k`.

    Without windows anywhere the cheapest place is kept even if the shift is too short for it:
    `fits` asks that when a stop is chosen, and a price then stays right while the route grows.
    """
    way = g.travel[g.profile[k]]
    seq, at, latest = t.seq[k], t.at[k], t.latest[k]
    best, where = np.inf, -1
    stay, opens, closes = g.dwell[v], g.opens[v], g.closes[v] + SLACK
    for i in range(t.size[k] + 1):
        here, following = seq[i], seq[i + 1]
        if g.timed:
            leave = at[i] + (g.dwell[here] if i > 0 else 0.0)
            there = leave + way[here, v]
            if there > closes:
                continue
            after = max(there, opens) + stay + way[v, following]
            if after > latest[i + 1] + SLACK:
                continue
            added = after - leave - way[here, following]
        else:
            added = way[here, v] + stay + way[v, following] - way[here, following]
        if added < best:
            best, where = added, i
    t.cost[v, k] = best if g.allowed[k, v] else np.inf
    t.place[v, k] = where


@njit(cache=True, nogil=True)
def room_left(g: Ground, t: Tour, k: int) -> float:
    """Return the most that an insertion into route `k` may cost, below 0 if none may be.

    With windows a stop that comes too late has an infinite price already.
    """
    if t.size[k] >= g.room[k]:
        return -1.0
    last = t.size[k] + 1
    return 1e300 if g.timed else t.latest[k, last] - t.at[k, last] + SLACK


@njit(cache=True, nogil=True)
def fits(g: Ground, t: Tour, v: int, k: int) -> bool:
    """Say whether route `k` has room and time for stop `v` at its cheapest place."""
    return bool(t.cost[v, k] <= room_left(g, t, k))


@njit(cache=True, nogil=True)
def price_route(g: Ground, t: Tour, k: int) -> None:
    """Price every stop without a unit in route `k`."""
    for v in range(len(g.prize)):
        if t.unit[v] < 0:
            price_insertion(g, t, v, k)


@njit(cache=True, nogil=True)
def put(g: Ground, t: Tour, v: int, k: int, i: int) -> None:
    """Insert stop `v` after position `i` of route `k`."""
    seq = t.seq[k]
    for j in range(t.size[k] + 1, i, -1):
        seq[j + 1] = seq[j]
    seq[i + 1] = v
    t.size[k] += 1
    t.unit[v] = k
    time_route(g, t, k)


@njit(cache=True, nogil=True)
def reprice_after_put(g: Ground, t: Tour, k: int, i: int) -> None:
    """Bring prices in route `k` up to date after an insertion behind position `i`."""
    if g.timed:  # what did not fit does not fit a longer route either
        for v in range(len(g.prize)):
            if t.unit[v] < 0 and STALE < t.cost[v, k] < np.inf:
                price_insertion(g, t, v, k)
        return
    way, unit, price, place = g.travel[g.profile[k]], t.unit, t.cost, t.place
    a, u, b = t.seq[k, i], t.seq[k, i + 1], t.seq[k, i + 2]
    for v in range(len(unit)):
        if unit[v] >= 0 or price[v, k] == STALE or not g.allowed[k, v]:
            continue
        if place[v, k] == i:
            price_insertion(g, t, v, k)
            continue
        if place[v, k] > i:
            place[v, k] += 1
        before = way[a, v] + way[v, u] - way[a, u] + g.dwell[v]
        behind = way[u, v] + way[v, b] - way[u, b] + g.dwell[v]
        if min(before, behind) < price[v, k]:
            price[v, k] = min(before, behind)
            place[v, k] = i if before <= behind else i + 1


@njit(cache=True, nogil=True)
def take(g: Ground, t: Tour, k: int, first: int, count: int) -> None:
    """Remove `count` stops from position `first` of route `k` and bring its prices up to date."""
    seq, last = t.seq[k], t.size[k] + 1
    for i in range(first, first + count):
        t.unit[seq[i]] = -1
        t.cost[seq[i], :] = STALE
    for i in range(first + count, last + 1):
        seq[i - count] = seq[i]
    t.size[k] -= count
    time_route(g, t, k)
    way, unit, price, place = g.travel[g.profile[k]], t.unit, t.cost, t.place
    a, b = seq[first - 1], seq[first]
    for v in range(len(unit)):
        if unit[v] >= 0 or price[v, k] == STALE or not g.allowed[k, v]:
            continue
        if g.timed or first - 1 <= place[v, k] < first + count:
            price_insertion(g, t, v, k)
            continue
        if place[v, k] >= first + count:
            place[v, k] -= count
        added = way[a, v] + way[v, b] - way[a, b] + g.dwell[v]
        if added < price[v, k]:
            price[v, k] = added
            place[v, k] = first - 1


@njit(cache=True, nogil=True)
def spent(g: Ground, t: Tour, k: int) -> float:
    """Return the seconds of travel of route `k`."""
    way = g.travel[g.profile[k]]
    total = 0.0
    for i in range(t.size[k] + 1):
        total += way[t.seq[k, i], t.seq[k, i + 1]]
    return total
