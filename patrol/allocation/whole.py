"""A whole sharing from prices: what pays best first, mended and polished step by step."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

from patrol.allocation.polish import lift_worst, refine, step_gain
from patrol.allocation.prices import TIE, Prices
from patrol.allocation.problem import Flags, Floats, Longs, Problem
from patrol.allocation.swaps import swap_steps

# Chains of moves that mend a sharing.
_CHAINS = 500
# How often communities are weighed anew by what whole steps gave them, at most and without a gain,
# and how eagerly.
_AGAIN = 8
_IDLE = 3
_EAGER = 0.7
# A value so near to its bound that nobody looks further.
NEAR = 1e-3


def share_by_prices(
    problem: Problem, prices: Prices, *, bound: float = np.inf, counts: Longs | None = None
) -> tuple[Longs, bool]:
    """Give the steps by what they cover beyond their price, floors kept in reserve throughout.

    At the best prices only steps that pay just their price are in doubt, so that this is near
    the best; how near, the bound of the prices says. Places that are left short are served by
    chains of two moves; at last steps go over to the community that is covered worst, and to
    where they cover more, as long as that adds, and grids swap steps.

    Parameters
    ----------
    bound
        Near this value the search ends.
    counts
        Shape ``(n_groups,)``, how many steps each community gets before steps are polished, base
        aside; None: as many as pay.

    Returns
    -------
    tuple
        Steps, shape ``(n, s, k)``, base included; and whether floors are met and all is given.
    """
    best, met = _share_once(problem, prices, prices.weight, counts)
    if not met or problem.fairness == 0:
        return best, met
    value, weight = problem.value(best), prices.weight
    steps, idle = best, 0
    for _ in range(_AGAIN):
        if value >= bound * (1 - NEAR) or idle == _IDLE:
            break
        weight = _reweighed(problem, steps, weight)
        steps, met = _share_once(problem, prices, weight, counts)
        idle += 1
        if met and problem.value(steps) > value:
            best, value, idle = steps, problem.value(steps), 0
    return (best if value >= bound * (1 - NEAR) else swap_steps(problem, best)), True


def _reweighed(problem: Problem, steps: Longs, weight: Floats) -> Floats:
    """Give more weight to communities that whole steps left below the others."""
    need = problem.group_need()
    covered = problem.covered(steps).sum(axis=(1, 2))
    covered = np.bincount(problem.group, weights=covered, minlength=len(need))
    share = np.where(need > 0, covered / np.maximum(need, 1e-300), 1.0)
    low = (1 - problem.fairness * (1 - TIE)) / max(float(problem.need.sum()), 1e-300)

    lifted = np.unique(problem.group[weight > low * (1 + 1e-9)])
    level = float(share[lifted].mean()) if len(lifted) else float(share.min())
    factor = np.clip(level / np.maximum(share, 1e-9), 0.5, 2.0) ** _EAGER
    return np.maximum(weight * factor[problem.group], low)


def _share_once(
    problem: Problem, prices: Prices, weight: Floats, counts: Longs | None
) -> tuple[Longs, bool]:
    n, s, k = problem.need.shape
    shape = (n, s * k)
    visits = np.tile(problem.visits, s)
    reach = np.ascontiguousarray(np.broadcast_to(problem.reach, (n, s, k)).reshape(shape))
    need, base = problem.need.reshape(shape), problem.base.reshape(shape)
    limit = np.maximum(problem.cell_upper.reshape(shape), base)
    steps, left = base.copy(), problem.budget.ravel() - base.sum(axis=0)
    rules = (problem.lower, problem.upper, visits)
    spare = _beyond_floors(problem, counts)
    _fill(
        need, reach, limit, steps, left, *rules, weight, prices.of_cells(visits), problem.group,
        spare,
    )  # fmt: skip
    _mend(need, reach, limit, base, steps, left, *rules, weight, problem.group, spare)
    met = (steps[:, visits].sum(axis=1) >= problem.lower).all() and (left == 0).all()
    if met:
        within = np.zeros(n, dtype=np.int64) if counts is None else problem.group
        refine(need * weight[:, None], reach, limit, base, steps, *rules, within)
    if met and problem.fairness > 0:
        steps = lift_worst(
            need, reach, limit, base, steps, *rules, problem.group, problem.group_need(),
            problem.fairness * (1 - TIE), max(float(problem.need.sum()), 1e-300),
        )  # fmt: skip
    return steps.reshape(n, s, k), bool(met)


def _beyond_floors(problem: Problem, counts: Longs | None) -> Longs:
    """Return how many steps each community may take beyond its floors, shape ``(n_groups,)``."""
    groups = len(problem.group_need())
    if counts is None:
        return np.full(groups, problem.budget.sum())
    visited = problem.base[:, :, problem.visits].sum(axis=(1, 2))
    short = np.maximum(problem.lower - visited, 0)
    floors = np.bincount(problem.group, weights=short, minlength=groups)
    return np.asarray(counts - floors.astype(np.int64))


@njit(cache=True)
def _fill(
    need: Floats, reach: Floats, limit: Longs, steps: Longs, left: Longs, lower: Longs,
    upper: Longs, visits: Flags, weight: Floats, price: Floats, group: Longs, spare: Longs,
) -> None:  # fmt: skip
    n, m = need.shape
    given, visited = steps.sum(axis=1), np.zeros(n, np.int64)
    for i in range(n):
        for c in range(m):
            if visits[c]:
                visited[i] += steps[i, c]
    short, free = 0, 0
    for i in range(n):
        short += max(lower[i] - visited[i], 0)
    for c in range(m):
        if visits[c]:
            free += left[c]
    heap = [(0.0, 0, 0)]
    heap.pop()
    for i in range(n):
        for c in range(m):
            if steps[i, c] < limit[i, c] and left[c] > 0:
                first = weight[i] * step_gain(need[i, c], reach[i, c], steps[i, c])
                heap.append((price[i, c] - first, i, c))
    heapq.heapify(heap)
    while len(heap) > 0:
        _, i, c = heapq.heappop(heap)
        wanted = visits[c] and visited[i] < lower[i]
        if left[c] == 0 or given[i] >= upper[i]:
            continue
        # Steps of visitors that no floor asks for wait until the floors can be paid.
        if visits[c] and not wanted and free <= short:
            continue
        # The room that a floor still asks for is not given to those who do not visit.
        if not visits[c] and upper[i] - given[i] <= lower[i] - visited[i]:
            continue
        if not wanted:
            if spare[group[i]] <= 0:
                continue
            spare[group[i]] -= 1
        steps[i, c] += 1
        left[c] -= 1
        given[i] += 1
        if visits[c]:
            free -= 1
            visited[i] += 1
            if wanted:
                short -= 1
        if steps[i, c] < limit[i, c]:
            first = weight[i] * step_gain(need[i, c], reach[i, c], steps[i, c])
            heapq.heappush(heap, (price[i, c] - first, i, c))


@njit(cache=True)
def _mend(
    need: Floats, reach: Floats, limit: Longs, base: Longs, steps: Longs, left: Longs,
    lower: Longs, upper: Longs, visits: Flags, weight: Floats, group: Longs, spare: Longs,
) -> None:  # fmt: skip
    """Place what is left: somebody moves a step into its column, and hands on the other one."""
    n, m = need.shape
    given, visited = steps.sum(axis=1), np.zeros(n, np.int64)
    for i in range(n):
        for c in range(m):
            if visits[c]:
                visited[i] += steps[i, c]
    for _ in range(_CHAINS):
        column = -1
        for c in range(m):
            if left[c] > 0:
                column = c
                break
        if column < 0:
            return
        best, giver, taker, other = -np.inf, -1, -1, -1
        for c in range(m):
            if c == column or visits[c] != visits[column]:
                continue
            # Who would take a step of this column: one that is short comes before all others.
            most, who = -np.inf, -1
            for i in range(n):
                if steps[i, c] >= limit[i, c] or given[i] >= upper[i]:
                    continue
                worth = weight[i] * step_gain(need[i, c], reach[i, c], steps[i, c])
                if visits[c] and visited[i] < lower[i]:
                    worth += 1e6
                elif spare[group[i]] <= 0:
                    continue
                if worth > most:
                    most, who = worth, i
            if who < 0:
                continue
            for i in range(n):
                if i == who or steps[i, c] <= base[i, c] or steps[i, column] >= limit[i, column]:
                    continue
                change = step_gain(need[i, column], reach[i, column], steps[i, column]) - step_gain(
                    need[i, c], reach[i, c], steps[i, c] - 1.0
                )
                if most + weight[i] * change > best:
                    best, giver, taker, other = most + weight[i] * change, i, who, c
        if giver < 0:
            return
        steps[giver, other] -= 1
        steps[giver, column] += 1
        steps[taker, other] += 1
        left[column] -= 1
        given[taker] += 1
        if not (visits[other] and visited[taker] < lower[taker]):
            spare[group[taker]] -= 1
        if visits[other]:
            visited[taker] += 1
