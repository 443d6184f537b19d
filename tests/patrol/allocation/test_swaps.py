"""Swaps keep every rule and lift the worst community; a bound by whole counts stays a bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.allocation.branch import count_bound
from patrol.allocation.exact import share_hours
from patrol.allocation.program import Master, solve
from patrol.allocation.swaps import swap_steps


def tight(make_problem, seed, *, n=9, fairness=1.0):
    """Draw a problem of three communities in which all steps but one are floors."""
    budget = np.full((2, 2), n // 2)
    budget[0, 0] += 2 * n + 1 - budget.sum()
    return make_problem(
        n, 2, 2, seed=seed, budget=budget, lower=np.full(n, 2), upper=np.full(n, 5),
        cell_upper=np.full((n, 2, 2), 3), group=np.arange(n) % 3, fairness=fairness,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_swaps_keep_budgets_floors_and_caps_and_never_lower_the_value(make_problem, seed):
    problem = tight(make_problem, seed, fairness=[0.3, 1.0][seed % 2])
    steps = share_hours(problem, method="greedy").steps
    swapped = swap_steps(problem, steps)
    assert (swapped.sum(axis=0) == problem.budget).all()
    assert (swapped.sum(axis=(1, 2)) == steps.sum(axis=(1, 2))).all()
    assert (swapped >= problem.base).all()
    assert (swapped <= problem.cell_upper).all()
    assert problem.value(swapped) >= problem.value(steps)


def test_two_grids_exchange_their_shifts_where_that_lifts_the_worst():
    from patrol.allocation.problem import Problem

    need = np.array([[[5.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]]])
    problem = Problem(
        need=need, budget=np.array([[1], [2]]), lower=np.ones(3, dtype=np.int64),
        upper=np.ones(3, dtype=np.int64), cell_upper=np.ones((3, 2, 1), dtype=np.int64),
        base=np.zeros((3, 2, 1), dtype=np.int64), visits=np.ones(1, dtype=np.bool_),
        group=np.array([0, 1, 2]), presence=np.ones((3, 1)), fairness=1.0,
    )  # fmt: skip
    late = np.array([[[0], [1]], [[0], [1]], [[1], [0]]])
    swapped = swap_steps(problem, late)
    assert swapped[0, 0, 0] == 1
    assert swapped[2, 1, 0] == 1


def test_without_fairness_nothing_is_swapped(make_problem):
    problem = tight(make_problem, 1, fairness=0.0)
    steps = share_hours(problem, method="greedy").steps
    assert swap_steps(problem, steps) is steps


@pytest.mark.parametrize("seed", range(6))
def test_a_bound_by_whole_counts_lies_between_the_best_sharing_and_that_of_parts(
    make_problem, best_by_hand, seed
):
    problem = replace(tight(make_problem, seed, n=3), group=np.arange(3))
    full = Master(np.zeros((3, 4), dtype=np.int64), problem.room.reshape(3, 4))
    best = best_by_hand(problem)
    assert best is not None
    loose = solve(problem, full).bound
    bound = count_bound(problem, full, value=best, most=60)
    assert best - 1e-9 <= bound <= loose + 1e-9
    assert count_bound(problem, full, value=best, most=1) <= loose + 1e-9
