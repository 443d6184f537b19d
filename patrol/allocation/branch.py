"""A bound by whole counts of steps in each community, where single steps alone divide badly."""

from __future__ import annotations

import heapq

import numpy as np

from patrol.allocation.problem import Problem
from patrol.allocation.program import Master, solve

_WHOLE = 1e-6


def count_bound(problem: Problem, master: Master, *, value: float, most: int) -> float:
    """Return what no whole sharing over a window is worth more than.

    Two free steps lie in halves with four communities as long as steps may be divided: no sharing
    comes near that. Here the steps that a community has in all are branched on (Land and Doig
    1960), best bound first; below them steps may still be divided.

    Parameters
    ----------
    value
        Branches that are worth no more are not followed.
    most
        Linear programs at most.

    References
    ----------
    Land, A. and Doig, A. (1960). An automatic method of solving discrete programming problems.
    Econometrica 28(3). https://doi.org/10.2307/1910129
    """
    groups = int(problem.group.max(initial=-1)) + 1
    root = (np.zeros(groups), np.full(groups, np.inf))
    waiting = [(-np.inf, 0, root)]
    done, closed, asked = 0, value, 0
    while waiting and -waiting[0][0] > closed and done < most:
        _, _, (least, largest) = heapq.heappop(waiting)
        done += 1
        answer = solve(problem, master, group_counts=(least, largest))
        counts = np.bincount(
            problem.group, weights=(answer.given - master.low).sum(axis=1), minlength=groups
        )
        part = np.abs(counts - np.rint(counts))
        if answer.bound <= closed:
            continue
        if part.max(initial=0.0) <= _WHOLE:
            closed = max(closed, answer.bound)
            continue
        g = int(np.argmax(part))
        for low, high in ((0.0, np.floor(counts[g])), (np.ceil(counts[g]), np.inf)):
            branch = (least.copy(), largest.copy())
            branch[0][g] = max(branch[0][g], low)
            branch[1][g] = min(branch[1][g], high)
            asked += 1
            heapq.heappush(waiting, (-answer.bound, asked, branch))
    return max(closed, -waiting[0][0]) if waiting else closed
