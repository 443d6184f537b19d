"""Ruin and recreate: make room in routes, put stops in, keep what is worth it."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.routes.cross_kernel import cross
from patrol.routes.draw_kernel import Seed, below, draw
from patrol.routes.ruin_kernel import force, overfill, ruin
from patrol.routes.schedule_kernel import (
    STALE,
    Floats,
    Ground,
    Tour,
    price_insertion,
    price_route,
    put,
    reprice_after_put,
    room_left,
    spent,
    time_route,
)

_CROSSED = 0.2  # chance that two routes that pass near each other exchange their ends
_FORCED = 0.5  # chance that a stop nobody visits goes in first where room was made for it
_OVERFILLED = 0.5  # chance that it goes in at once, with others, and what is too much comes out


@njit(cache=True, nogil=True)
def copy_tour(a: Tour, b: Tour) -> None:
    """Write tour `b` over tour `a`."""
    for k in range(len(b.size)):
        n = b.size[k] + 2
        a.size[k] = b.size[k]
        a.seq[k, :n] = b.seq[k, :n]
        a.at[k, :n] = b.at[k, :n]
        a.latest[k, :n] = b.latest[k, :n]
    a.unit[:] = b.unit
    a.cost[:] = b.cost
    a.place[:] = b.place


@njit(cache=True, nogil=True)
def value(g: Ground, t: Tour, weight: float, tie: float) -> tuple[float, float]:
    """Return the prize less `weight` a second of travel, and the prize less `tie` a second.

    The first guides a search, because short routes leave room; the second decides what is best.
    """
    total, way = 0.0, 0.0
    for k in range(len(t.size)):
        for i in range(1, t.size[k] + 1):
            total += g.prize[t.seq[k, i]]
        way += spent(g, t, k)
    return total - weight * way, total - tie * way


@njit(cache=True, nogil=True)
def recreate(
    g: Ground, t: Tour, touched: NDArray[np.bool_], power: float, noise: float, state: Seed
) -> None:
    """Insert stops where prize ** power a second is most, shaken by `noise`, until none fits.

    A stop that does not fit a route is not looked at again: routes only grow here, and where no
    way is longer than one over a third place it cannot fit later.
    """
    n, m = t.cost.shape
    worth, free = np.empty(n), np.empty(m)
    for k in range(m):
        free[k] = room_left(g, t, k)
    held, n_held = np.empty(n * m, np.int32), 0  # pairs of stop and route that may still fit
    for v in range(n):
        if t.unit[v] >= 0:
            continue
        worth[v] = g.prize[v] ** power * np.exp(noise * (draw(state) + draw(state) - 1.0))
        for k in range(m):
            if t.cost[v, k] == STALE:
                price_insertion(g, t, v, k)
            if t.cost[v, k] <= free[k]:
                held[n_held] = v * m + k
                n_held += 1
    while True:
        best, v_best, k_best = 0.0, -1, -1
        kept = 0
        for h in range(n_held):
            v = held[h] // m
            k = held[h] - v * m
            cost = t.cost[v, k]
            if t.unit[v] >= 0 or cost > free[k]:
                continue
            if worth[v] > best * (cost + 1e-6):
                best, v_best, k_best = worth[v] / (cost + 1e-6), v, k
            held[kept] = held[h]
            kept += 1
        if v_best < 0:
            return
        n_held = kept
        i = t.place[v_best, k_best]
        put(g, t, v_best, k_best, i)
        touched[k_best] = True
        reprice_after_put(g, t, k_best, i)
        free[k_best] = room_left(g, t, k_best)


@njit(cache=True, nogil=True)
def shorten(g: Ground, t: Tour, k: int) -> bool:
    """Reverse stretches and move short ones while that saves travel and keeps every window."""
    way = g.travel[g.profile[k]]
    seq = t.seq[k]
    held = np.empty(t.size[k] + 2, dtype=np.int32)
    gained = False
    improved = True
    while improved:
        improved = False
        n = t.size[k]
        for i in range(n):
            for j in range(i + 2, n + 1):
                delta = way[seq[i], seq[j]] + way[seq[i + 1], seq[j + 1]]
                delta -= way[seq[i], seq[i + 1]] + way[seq[j], seq[j + 1]]
                if delta > -1e-7:
                    continue
                before = spent(g, t, k)
                held[: n + 2] = seq[: n + 2]
                seq[i + 1 : j + 1] = held[i + 1 : j + 1][::-1]
                if time_route(g, t, k) and spent(g, t, k) < before - 1e-7:
                    improved = True
                    gained = True
                else:
                    seq[: n + 2] = held[: n + 2]
        for length in range(1, 4):
            for i in range(1, n - length + 2):
                j = i + length - 1
                saved = (
                    way[seq[i - 1], seq[i]] + way[seq[j], seq[j + 1]] - way[seq[i - 1], seq[j + 1]]
                )
                for h in range(n + 1):
                    if i - 1 <= h <= j:
                        continue
                    added = way[seq[h], seq[i]] + way[seq[j], seq[h + 1]] - way[seq[h], seq[h + 1]]
                    if added > saved - 1e-7:
                        continue
                    before = spent(g, t, k)
                    held[: n + 2] = seq[: n + 2]
                    if h < i:
                        seq[h + 1 : h + 1 + length] = held[i : j + 1]
                        seq[h + 1 + length : j + 1] = held[h + 1 : i]
                    else:
                        seq[i : i + h - j] = held[j + 1 : h + 1]
                        seq[i + h - j : h + 1] = held[i : j + 1]
                    if time_route(g, t, k) and spent(g, t, k) < before - 1e-7:
                        improved = True
                        gained = True
                        break
                    seq[: n + 2] = held[: n + 2]
    time_route(g, t, k)
    if gained:
        price_route(g, t, k)
    return gained


@njit(cache=True, nogil=True)
def make_room(
    g: Ground, t: Tour, v: int, mean: float, power: float, noise: float,
    touched: NDArray[np.bool_], state: Seed,
) -> None:  # fmt: skip
    """Overfill a route from stop `v` if nobody visits it, or take stops out near another."""
    if not g.timed and t.unit[v] < 0 and draw(state) < _OVERFILLED:
        overfill(g, t, v, power, noise, touched, state)
        return
    v = ruin(g, t, mean, touched, state)
    if v >= 0 and draw(state) < _FORCED:
        force(g, t, v, touched)


@njit(cache=True, nogil=True)
def search(
    g: Ground, now: Tour, trial: Tour, best: Tour, marks: Floats, state: Seed,
    n_iterations: int, heat: float, mean: float, weight: float, tie: float,
) -> None:  # fmt: skip
    """Run `n_iterations` of ruin and recreate at one temperature.

    Parameters
    ----------
    now, trial, best
        The routes accepted last, room to try others, the best routes seen.
    marks
        Shape ``(2,)``: the value of `now`, and the prize of `best` less next to nothing.
    heat
        A loss of so much value is accepted in one case of e.
    mean
        Stops taken out on average.
    weight, tie
        Value of a second of travel, for what is accepted and for what is best.
    """
    m = len(now.size)
    touched = np.zeros(m, dtype=np.bool_)
    again = np.zeros(m, dtype=np.bool_)
    for _ in range(n_iterations):
        copy_tour(trial, now)
        power = 0.5 + 2.0 * draw(state)
        noise = 1.5 * draw(state)
        v = below(state, len(g.prize))
        crossed = m > 1 and draw(state) < _CROSSED
        crossed = crossed and cross(g, trial, v, power, noise, touched, state)
        if not crossed:
            make_room(g, trial, v, mean, power, noise, touched, state)
        recreate(g, trial, touched, power, noise, state)
        got, worth = value(g, trial, weight, tie)
        if crossed or got > marks[0]:
            for k in range(m):
                again[k] = touched[k] and shorten(g, trial, k)
            if again.any():
                recreate(g, trial, again, power, noise, state)
                got, worth = value(g, trial, weight, tie)
        if got > marks[0] + heat * np.log(draw(state) + 1e-300):
            marks[0] = got
            copy_tour(now, trial)
        if worth > marks[1]:
            marks[1] = worth
            copy_tour(best, trial)
