"""Whole counts of steps bound every sharing, and a sharing that aims at them comes near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.allocation.counts import whole_counts
from patrol.allocation.exact import share_hours
from patrol.allocation.prices import dual_bound, find_prices
from patrol.allocation.whole import share_by_prices


def nearly_all_floors(make_problem, n, s, k, *, groups, fairness, seed=1):
    """Draw need as skewed as reports are, with two visits a grid and one hour in a hundred free."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(0.5, 1.0, (n, 1, 1))
    budget = np.full((s, k), 2 * n // (s * k))
    budget[0, 0] += int(2.02 * n) - budget.sum()
    return make_problem(
        n, s, k, need=size * rng.dirichlet(np.full(s * k, 3.0), n).reshape(n, s, k), budget=budget,
        lower=np.full(n, 2), upper=np.full(n, 10), cell_upper=np.full((n, s, k), 8),
        group=rng.integers(0, groups, n), fairness=fairness,
    )  # fmt: skip


@pytest.mark.parametrize("fairness", [0.3, 1.0])
@pytest.mark.parametrize("seed", range(12))
def test_no_sharing_is_worth_more_than_whole_counts_admit(
    make_problem, best_by_hand, seed, fairness
):
    rng = np.random.default_rng(seed)
    problem = make_problem(
        4, 2, 1, seed=seed, budget=rng.integers(2, 6, (2, 1)), fairness=fairness,
        lower=rng.integers(0, 2, 4), upper=rng.integers(4, 7, 4), cell_upper=np.full((4, 2, 1), 3),
        base=(rng.random((4, 2, 1)) < 0.2).astype(np.int64), group=np.array([0, 1, 2, 2]),
    )  # fmt: skip
    problem = replace(problem, budget=np.maximum(problem.budget, problem.base.sum(axis=0)))
    best = best_by_hand(problem)
    assert best is not None
    prices = find_prices(problem)
    counts = whole_counts(problem, prices)
    assert counts.bound >= best - 1e-9
    assert counts.bound <= dual_bound(problem, prices) * (1 + 1e-6)


@pytest.mark.parametrize("empty", [False, True])
def test_a_community_without_need_or_grids_leaves_the_bound_a_bound(
    make_problem, best_by_hand, empty
):
    need = np.array([3.0, 2.0, 0.0, 1.0]).reshape(4, 1, 1)
    problem = make_problem(
        4, 1, 1, need=need, budget=np.array([[6]]), lower=np.ones(4, dtype=np.int64),
        group=np.array([0, 0, 1, 3 if empty else 2]), fairness=1.0,
    )  # fmt: skip
    best = best_by_hand(problem)
    bound = whole_counts(problem, find_prices(problem)).bound
    assert best - 1e-9 <= bound < 1.0


def test_a_sharing_gives_each_community_the_counts_it_is_asked_for(make_problem):
    problem = nearly_all_floors(make_problem, 200, 3, 2, groups=5, fairness=1.0)
    prices = find_prices(problem)
    asked = whole_counts(problem, prices).steps
    assert asked.sum() == problem.budget.sum()
    # Without fairness nothing goes over to the worst community afterwards.
    steps, met = share_by_prices(replace(problem, fairness=0.0), prices, counts=asked)
    assert met
    assert (np.bincount(problem.group, weights=steps.sum(axis=(1, 2))) == asked).all()
    assert (steps.sum(axis=0) == problem.budget).all()
    assert (steps.sum(axis=(1, 2)) >= 2).all()


@pytest.mark.parametrize("fairness", [0.25, 1.0])
def test_where_nearly_all_hours_are_floors_the_gap_is_proved_to_be_under_half_a_hundredth(
    make_problem, fairness
):
    problem = nearly_all_floors(make_problem, 500, 3, 4, groups=5, fairness=fairness)
    found = share_hours(problem)
    assert found.method == "prices"
    assert found.gap < 0.005
    assert (found.steps.sum(axis=0) == problem.budget).all()
    assert (found.steps.sum(axis=(1, 2)) >= 2).all()
    assert found.steps.max() <= 8
