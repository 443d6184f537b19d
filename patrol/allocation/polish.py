"""Polish a sharing by moves of a step within its shift and kind: to what adds, to the worst."""

from __future__ import annotations

import numpy as np
from numba import njit

from patrol.allocation.problem import Flags, Floats, Longs

# Moves at most.
_MOVES = 4000


@njit(cache=True)
def step_gain(need: float, reach: float, steps: float) -> float:
    """Return what one more step covers."""
    return float(need * np.exp(-reach * steps) * -np.expm1(-reach))


@njit(cache=True)
def refine(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, lower: Longs,
    upper: Longs, visits: Flags, within: Longs,
) -> None:  # fmt: skip
    """Move one step after the other to where it adds most, within shift, kind and community.

    Best moves are kept by shift and kind and looked at anew when they come first; that none is
    left is said only by a look at all.
    """
    n, m = need.shape
    groups = within.max() + 1 if n > 0 else 0
    given, visited = steps.sum(axis=1), np.zeros(n, np.int64)
    for i in range(n):
        for c in range(m):
            if visits[c]:
                visited[i] += steps[i, c]
    least = 1e-12 * need.sum()
    adds, stale = np.zeros(m), True
    for _ in range(_MOVES):
        if adds.max() <= least:
            if not stale:
                return
            for c in range(m):
                adds[c] = _best_move(
                    need[:, c], reach[:, c], limit[:, c], base[:, c], steps[:, c], given, visited,
                    lower, upper, visits[c], within, groups,
                )[0]  # fmt: skip
            stale = False
            continue
        c = int(np.argmax(adds))
        now, out, to = _best_move(
            need[:, c], reach[:, c], limit[:, c], base[:, c], steps[:, c], given, visited,
            lower, upper, visits[c], within, groups,
        )  # fmt: skip
        if now >= adds[c] and now > least:
            _move(steps, given, visited, out, to, c, visits[c])
            stale = True
            now = _best_move(
                need[:, c], reach[:, c], limit[:, c], base[:, c], steps[:, c], given, visited,
                lower, upper, visits[c], within, groups,
            )[0]  # fmt: skip
        adds[c] = now


@njit(cache=True)
def _move(
    steps: Longs, given: Longs, visited: Longs, out: int, to: int, column: int, visits: bool
) -> None:
    """Give a step of one row's to another row."""
    steps[out, column] -= 1
    steps[to, column] += 1
    given[out] -= 1
    given[to] += 1
    if visits:
        visited[out] -= 1
        visited[to] += 1


@njit(cache=True)
def _best_move(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, given: Longs,
    visited: Longs, lower: Longs, upper: Longs, visits: bool, within: Longs, groups: int,
) -> tuple[float, int, int]:  # fmt: skip
    """Return what the best move in a shift and kind adds, who gives the step and who takes it."""
    high, to = np.full(groups, -np.inf), np.full(groups, -1)
    low, out = np.full(groups, np.inf), np.full(groups, -1)
    for i in range(len(need)):
        g = within[i]
        if steps[i] < limit[i] and given[i] < upper[i]:
            up = step_gain(need[i], reach[i], steps[i])
            if up > high[g]:
                high[g], to[g] = up, i
        if steps[i] > base[i] and not (visits and visited[i] <= lower[i]):
            down = step_gain(need[i], reach[i], steps[i] - 1.0)
            if down < low[g]:
                low[g], out[g] = down, i
    g = int(np.argmax(high - low))
    return high[g] - low[g], out[g], to[g]


@njit(cache=True)
def lift_worst(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, lower: Longs,
    upper: Longs, visits: Flags, group: Longs, group_need: Floats, beta: float, total: float,
) -> Longs:  # fmt: skip
    """Move one step after the other to the community covered worst, within its shift and kind."""
    n, m = need.shape
    groups = len(group_need)
    given, visited = steps.sum(axis=1), np.zeros(n, np.int64)
    share, whole = np.zeros(groups), 0.0
    for i in range(n):
        for c in range(m):
            if visits[c]:
                visited[i] += steps[i, c]
            covered = need[i, c] * -np.expm1(-reach[i, c] * steps[i, c])
            whole += covered
            share[group[i]] += covered
    for g in range(groups):
        share[g] = share[g] / group_need[g] if group_need[g] > 0 else 2.0
    now = (1 - beta) * whole / total + beta * share.min()
    best, kept, idle = now, steps.copy(), 0
    for _ in range(_MOVES):
        worst = int(np.argmin(share))
        most, giver, taker, column = -np.inf, -1, -1, -1
        for c in range(m):
            high, to = -np.inf, -1
            for i in range(n):
                if group[i] != worst:
                    continue
                if steps[i, c] < limit[i, c] and given[i] < upper[i]:
                    up = step_gain(need[i, c], reach[i, c], steps[i, c])
                    if up > high:
                        high, to = up, i
            if to < 0:
                continue
            goal = share[worst] + high / group_need[worst]
            low, out = np.inf, -1
            for i in range(n):
                if i == to or steps[i, c] <= base[i, c]:
                    continue
                if visits[c] and visited[i] <= lower[i]:
                    continue
                down = step_gain(need[i, c], reach[i, c], steps[i, c] - 1.0)
                g = group[i]
                if g != worst and share[g] - down / group_need[g] < goal:
                    continue
                if down < low:
                    low, out = down, i
            if out >= 0 and high - low > most:
                most, giver, taker, column = high - low, out, to, c
        if giver < 0 or (group[giver] == worst and most <= 1e-12 * total):
            break
        up = step_gain(need[taker, column], reach[taker, column], steps[taker, column])
        down = step_gain(need[giver, column], reach[giver, column], steps[giver, column] - 1.0)
        _move(steps, given, visited, giver, taker, column, visits[column])
        whole += up - down
        share[group[taker]] += up / group_need[group[taker]]
        share[group[giver]] -= down / group_need[group[giver]]
        now = (1 - beta) * whole / total + beta * share.min()
        if now > best + 1e-12:
            best, idle = now, 0
            kept[:] = steps
        else:
            idle += 1
            if idle > 3 * groups + 10:
                break
    return kept
