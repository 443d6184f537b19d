"""Step by step where it covers most: the fast sharing, and a bound that no sharing passes."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.allocation.problem import Floats, Longs, Problem


def share_greedily(problem: Problem) -> tuple[Longs, bool]:
    """Give floors first, then every step where it covers most.

    Without floors, caps and fairness that bind this is the best sharing, for the gains of a cell
    fall from step to step; otherwise it is a good one. Grids that few kinds can serve get their
    floor first.

    Returns
    -------
    tuple
        Steps, shape ``(n, s, k)``, base included; and whether floors are met and all is given.
    """
    n, s, k = problem.need.shape
    steps = problem.base.reshape(n, s * k).copy()
    left = (problem.budget - problem.base.sum(axis=0)).ravel()
    served = (problem.room > 0) & problem.visits
    hard = (served.sum(axis=(1, 2)) < served.sum(axis=(1, 2)).max(initial=0)).astype(np.int64)
    counts = np.tile(problem.visits, s)
    _fill(
        problem.first_gain.reshape(n, s * k),
        np.exp(-np.broadcast_to(problem.reach, (n, s, k))).reshape(n, s * k),
        problem.room.reshape(n, s * k),
        steps, left, problem.lower, problem.upper, counts, hard,
    )  # fmt: skip
    met = (steps[:, counts].sum(axis=1) >= problem.lower).all()
    return steps.reshape(n, s, k), bool(met and (left == 0).all())


def water_bound(problem: Problem) -> float:
    """Return a value that no sharing passes: each shift and kind alone, without floors and caps.

    The worst community never has a greater share than all together have, so fairness lifts
    nothing above the covered share.
    """
    gain, reach = problem.first_gain, problem.reach
    total = float(problem.need.sum())
    if total == 0:
        return 1.0
    covered = float(problem.covered(problem.base).sum())
    budget = problem.budget - problem.base.sum(axis=0)
    room = problem.room
    for shift, kind in np.ndindex(budget.shape):
        most = int(room[:, shift, kind].max(initial=0))
        j = np.arange(most)
        steps = gain[:, shift, kind, None] * np.exp(-reach[:, 0, kind, None] * j)
        steps = np.where(j < room[:, shift, kind, None], steps, 0.0).ravel()
        take = min(int(budget[shift, kind]), len(steps))
        if take > 0:
            covered += float(np.partition(steps, len(steps) - take)[len(steps) - take :].sum())
    return min(covered / total, 1.0)


@njit(cache=True)
def _fill(
    gain: Floats,
    decay: Floats,
    room: Longs,
    steps: Longs,
    left: Longs,
    lower: Longs,
    upper: Longs,
    counts: NDArray[np.bool_],
    hard: Longs,
) -> None:
    n, columns = gain.shape
    given = np.zeros(n, np.int64)
    visited = np.zeros(n, np.int64)
    for i in range(n):
        for c in range(columns):
            given[i] += steps[i, c]
            if counts[c]:
                visited[i] += steps[i, c]
    used = np.zeros_like(room)
    # Phases 0 and 1: floors, of grids that few can serve before the others; phase 2: the rest.
    for phase in range(3):
        heap = [(0.0, -1, -1)]
        heap.pop()
        for i in range(n):
            if phase == 0 and hard[i] == 0:
                continue
            for c in range(columns):
                if used[i, c] < room[i, c] and left[c] > 0 and (phase == 2 or counts[c]):
                    heap.append((-gain[i, c] * decay[i, c] ** used[i, c], i, c))  # noqa: PERF401 - Numba
        heapq.heapify(heap)
        while len(heap) > 0:
            key, i, c = heapq.heappop(heap)
            if left[c] == 0 or given[i] >= upper[i]:
                continue
            if phase < 2 and visited[i] >= lower[i]:
                continue
            steps[i, c] += 1
            used[i, c] += 1
            left[c] -= 1
            given[i] += 1
            if counts[c]:
                visited[i] += 1
            if used[i, c] < room[i, c]:
                heapq.heappush(heap, (key * decay[i, c], i, c))
