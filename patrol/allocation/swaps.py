"""Lift the worst covered community by swaps: two grids exchange the shift or kind of a step."""

from __future__ import annotations

import numpy as np
from numba import njit

from patrol.allocation.prices import TIE
from patrol.allocation.problem import Flags, Floats, Longs, Problem

# Swaps at most, and how many pairs of places are looked at in all: bounds the time by size.
_SWAPS = 2000
_LOOKS = 600_000_000
_LEAST = 1e-12


def swap_steps(problem: Problem, steps: Longs) -> Longs:
    """Return steps after swaps that raise the value, of a sharing that keeps all rules.

    Where nearly all hours are floors no grid can give a step away; but two can exchange, say, a
    morning for an evening: every floor, cap and budget stays as it was. Of all swaps that give the
    worst community more, the one is made after which the weighed value is highest.

    Parameters
    ----------
    steps
        Shape ``(n, s, k)``, base included.
    """
    n, s, k = problem.need.shape
    if problem.fairness == 0 or problem.need.sum() <= 0:
        return steps
    shape = (n, s * k)
    reach = np.ascontiguousarray(np.broadcast_to(problem.reach, (n, s, k)).reshape(shape))
    base = problem.base.reshape(shape)
    limit = np.maximum(problem.cell_upper.reshape(shape), base)
    swapped = steps.reshape(shape).copy()
    most = min(_SWAPS, _LOOKS // max(n * (s * k) ** 2, 1))
    _swap(
        problem.need.reshape(shape), reach, limit, base, swapped, np.tile(problem.visits, s),
        problem.group, problem.group_need(), problem.fairness * (1 - TIE),
        float(problem.need.sum()), most,
    )  # fmt: skip
    made = swapped.reshape(n, s, k)
    return made if problem.value(made) > problem.value(steps) else steps


@njit(cache=True)
def _swap(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, visits: Flags,
    group: Longs, group_need: Floats, beta: float, total: float, most: int,
) -> None:  # fmt: skip
    up, down = np.empty(need.shape), np.empty(need.shape)
    share = np.zeros(len(group_need))
    for i in range(need.shape[0]):
        _price(need, reach, limit, base, steps, i, up, down)
        for c in range(need.shape[1]):
            share[group[i]] += need[i, c] * -np.expm1(-reach[i, c] * steps[i, c])
    for g in range(len(share)):
        share[g] = share[g] / group_need[g] if group_need[g] > 0 else np.inf
    for _ in range(most):
        i, j, c, d = _best_swap(up, down, visits, group, group_need, share, beta, total)
        if i < 0:
            return
        share[group[i]] += (up[i, d] - down[i, c]) / group_need[group[i]]
        if group_need[group[j]] > 0:
            share[group[j]] += (up[j, c] - down[j, d]) / group_need[group[j]]
        steps[i, c] -= 1
        steps[i, d] += 1
        steps[j, d] -= 1
        steps[j, c] += 1
        _price(need, reach, limit, base, steps, i, up, down)
        _price(need, reach, limit, base, steps, j, up, down)


@njit(cache=True)
def _price(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, i: int, up: Floats,
    down: Floats,
) -> None:  # fmt: skip
    """Write what the next step of a grid's cells covers, and what the last one does.

    No step is taken from what is given beforehand, nor put beyond the most of a cell.
    """
    for c in range(need.shape[1]):
        unit = need[i, c] * -np.expm1(-reach[i, c])
        free = steps[i, c] < limit[i, c]
        up[i, c] = unit * np.exp(-reach[i, c] * steps[i, c]) if free else -np.inf
        held = steps[i, c] > base[i, c]
        down[i, c] = unit * np.exp(-reach[i, c] * (steps[i, c] - 1.0)) if held else np.inf


@njit(cache=True)
def _best_swap(
    up: Floats, down: Floats, visits: Flags, group: Longs, group_need: Floats, share: Floats,
    beta: float, total: float,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Return who moves from `c` to `d`, and who from `d` to `c`; -1 where no swap adds anything."""
    n, m = up.shape
    worst = int(np.argmin(share))
    second = np.inf
    for g in range(len(share)):
        if g != worst:
            second = min(second, share[g])
    best, found = _LEAST, (-1, -1, -1, -1)
    loss, who = np.empty(len(share)), np.empty(len(share), np.int64)
    for c in range(m):
        for d in range(m):
            if c == d or visits[c] != visits[d]:
                continue
            most, taker = -np.inf, -1
            loss[:] = np.inf
            for i in range(n):
                if group[i] == worst and up[i, d] - down[i, c] > most:
                    most, taker = up[i, d] - down[i, c], i
            if taker < 0 or most <= 0:
                continue
            for j in range(n):
                if j != taker and down[j, d] - up[j, c] < loss[group[j]]:
                    loss[group[j]], who[group[j]] = down[j, d] - up[j, c], j
            for g in range(len(share)):
                if not loss[g] < np.inf:
                    continue
                if g == worst:
                    low = min(share[g] + (most - loss[g]) / group_need[g], second)
                else:
                    left = share[g] - loss[g] / group_need[g] if group_need[g] > 0 else np.inf
                    low = min(share[worst] + most / group_need[worst], second, left)
                added = beta * (low - share[worst]) + (1 - beta) * (most - loss[g]) / total
                if added > best:
                    best, found = added, (taker, who[g], c, d)
    return found
