"""The best sharing is the best: beside trying all, greedy, and SciPy's program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import InputError
from patrol.allocation import exact
from patrol.allocation.exact import share_hours
from patrol.allocation.greedy import share_greedily, water_bound


def drawn(make_problem, seed, *, fairness=0.0):
    """Draw rules that bind: floors, caps, kinds that cannot serve, steps given beforehand."""
    rng = np.random.default_rng(seed)
    n, s, k = 3, *[(2, 1), (1, 2), (2, 2)][seed % 3]
    cell = np.where(rng.random((n, 1, k)) < 0.2, 0, rng.integers(1, 4, (n, s, k)))
    base = np.minimum((rng.random((n, s, k)) < 0.15).astype(np.int64), cell)
    budget = np.maximum(rng.integers(0, 4, (s, k)), base.sum(axis=0))
    upper = rng.integers(2, 8, n)
    base = np.where((base.sum(axis=(1, 2)) > upper)[:, None, None], 0, base)
    return make_problem(
        n, s, k, seed=seed, budget=budget, cell_upper=cell, base=base, upper=upper,
        lower=rng.integers(0, 2, n), visits=np.array([True, rng.random() < 0.6])[:k],
        presence=rng.uniform(0.3, 1.0, (n, k)), fairness=fairness,
    )  # fmt: skip


@pytest.mark.parametrize("fairness", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("seed", range(24))
def test_the_exact_sharing_equals_the_best_of_all_or_both_find_none(
    make_problem, best_by_hand, seed, fairness
):
    problem = drawn(make_problem, seed, fairness=fairness)
    best = best_by_hand(problem)
    if best is None:
        with pytest.raises(InputError, match="these rules admit no plan"):
            share_hours(problem)
        return
    found = share_hours(problem)
    assert found.method == "exact"
    # Of equally fair sharings the one that covers more is taken, by a weight of 1e-4.
    assert found.value == pytest.approx(best, abs=2e-4 if fairness == 1 else 1e-6)
    assert found.bound >= best - 1e-6


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), fairness=st.sampled_from([0.0, 0.3]))
def test_hours_are_conserved_and_every_rule_is_kept(make_problem, seed, fairness):
    rng = np.random.default_rng(seed)
    n, s, k = 12, 3, 2
    problem = make_problem(
        n, s, k, seed=seed, budget=rng.integers(8, 20, (s, k)), lower=rng.integers(0, 3, n),
        upper=rng.integers(9, 20, n), cell_upper=np.full((n, s, k), 6), fairness=fairness,
        base=(rng.random((n, s, k)) < 0.05).astype(np.int64), group=np.arange(n) // 3,
    )  # fmt: skip
    if problem.upper.sum() < problem.budget.sum():
        problem = replace(problem, upper=problem.upper + problem.budget.sum() // n)
    found = share_hours(problem)
    steps = found.steps
    assert (steps.sum(axis=0) == problem.budget).all()
    assert (steps >= problem.base).all()
    assert (steps <= problem.cell_upper).all()
    assert (steps.sum(axis=(1, 2)) >= problem.lower).all()
    assert (steps.sum(axis=(1, 2)) <= problem.upper).all()
    assert found.value <= found.bound + 1e-9
    assert found.bound <= water_bound(problem) + 1e-9
    if not np.isnan(found.greedy_value):
        assert found.greedy_value <= found.bound + 1e-9
        if fairness == 0:
            assert found.greedy_value <= found.value + 1e-9
    assert (share_hours(problem).steps == steps).all()


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 10_000), grid=st.integers(0, 7), more=st.floats(1.01, 5.0))
def test_more_need_in_a_grid_never_costs_it_coverage(make_problem, seed, grid, more):
    rng = np.random.default_rng(seed)
    problem = make_problem(
        8, 2, 2, seed=seed, budget=rng.integers(3, 12, (2, 2)), lower=np.ones(8, dtype=np.int64)
    )
    raised = problem.need.copy()
    raised[grid] *= more
    before = problem.covered(share_hours(problem).steps)[grid].sum()
    after = problem.covered(share_hours(replace(problem, need=raised)).steps)[grid].sum()
    assert after >= before - 1e-9


def test_in_one_shift_of_one_kind_more_need_never_costs_hours(make_problem):
    rng = np.random.default_rng(4)
    for seed in range(10):
        problem = make_problem(8, 1, 1, seed=seed, budget=np.array([[17]]))
        raised = problem.need.copy()
        raised[seed % 8] *= rng.uniform(1.1, 3)
        before = share_hours(problem).steps[seed % 8].sum()
        assert share_hours(replace(problem, need=raised)).steps[seed % 8].sum() >= before


def test_a_large_problem_by_prices_agrees_with_scipy_over_all_steps(make_problem, monkeypatch):
    rng = np.random.default_rng(5)
    n, s, k = 60, 3, 2
    problem = make_problem(
        n, s, k, seed=5, budget=rng.integers(40, 90, (s, k)), lower=np.full(n, 2),
        upper=np.full(n, 14), cell_upper=np.full((n, s, k), 6), group=np.arange(n) // 10,
    )  # fmt: skip
    for limit in ("_TINY", "_SMALL"):
        monkeypatch.setattr(exact, limit, 0)
    by_prices = share_hours(problem)
    assert by_prices.method == "prices"
    monkeypatch.setattr(exact, "_ENOUGH", 0.0)
    found = share_hours(problem)
    assert found.value >= by_prices.value
    j = np.arange(6)
    gain = (problem.first_gain[..., None] * np.exp(-problem.reach[..., None] * j)).ravel()
    column = np.tile(np.repeat(np.arange(s * k), 6), n)
    grid = np.repeat(np.arange(n), s * k * 6)
    equal = np.zeros((s * k, len(gain)))
    equal[column, np.arange(len(gain))] = 1
    rows = np.zeros((n, len(gain)))
    rows[grid, np.arange(len(gain))] = 1
    peer = linprog(
        -gain, A_eq=equal, b_eq=problem.budget.ravel(), A_ub=np.vstack([rows, -rows]),
        b_ub=np.concatenate([problem.upper, -problem.lower]), bounds=(0, 1),
    )  # fmt: skip
    best = -peer.fun / problem.need.sum()
    assert found.value <= best + 1e-9
    assert found.value >= best * (1 - 2e-4)
    assert found.bound >= best - 1e-9
    assert best * 0.995 <= by_prices.value <= best + 1e-9 <= by_prices.bound + 2e-9


@pytest.mark.parametrize("fairness", [0.0, 0.3])
@pytest.mark.parametrize("floor", [0, 2])
def test_prices_share_a_large_problem_within_a_hundredth_of_what_is_proved(
    make_problem, fairness, floor
):
    rng = np.random.default_rng(9)
    n, s, k = 400, 6, 3
    size = rng.gamma(0.5, 1.0, (n, 1, 1))
    budget = rng.integers(60, 100, (s, k))
    serves = rng.random((n, 1, k)) < 0.8
    serves[:, :, 0] = True
    problem = make_problem(
        n, s, k, need=size * rng.dirichlet(np.full(s * k, 3.0), n).reshape(n, s, k), budget=budget,
        lower=np.full(n, floor), upper=np.full(n, 14), cell_upper=np.where(serves, 8, 0) * np.ones(
            (n, s, k), dtype=np.int64), group=np.arange(n) // 40,
        visits=np.array([True, True, False]), fairness=fairness,
    )  # fmt: skip
    found = share_hours(problem)
    assert found.gap < 0.01
    assert found.bound <= water_bound(problem) + 1e-9
    assert (found.steps.sum(axis=0) == budget).all()
    assert (found.steps[:, :, :2].sum(axis=(1, 2)) >= floor).all()
    assert (found.steps.sum(axis=(1, 2)) <= 14).all()
    assert (found.steps <= problem.cell_upper).all()
    assert (share_hours(problem).steps == found.steps).all()
    if fairness == 0 and floor == 0:
        assert found.value >= found.greedy_value - 1e-9


def test_greedy_is_best_where_no_rule_binds(make_problem):
    problem = make_problem(20, 2, 2, seed=3, budget=np.full((2, 2), 15))
    steps, whole = share_greedily(problem)
    assert whole
    assert problem.value(steps) == pytest.approx(share_hours(problem).value)
    assert problem.value(steps) == pytest.approx(water_bound(problem))


def test_weight_on_the_worst_community_lifts_it(make_problem):
    need = np.array([9.0, 8.0, 0.4, 0.4]).reshape(4, 1, 1)
    problem = make_problem(4, 1, 1, need=need, budget=np.array([[8]]), group=np.array([0, 0, 1, 1]))
    plain, fair = share_hours(problem), share_hours(replace(problem, fairness=1.0))
    assert problem.worst_share(fair.steps) > problem.worst_share(plain.steps)
    covered = problem.covered(plain.steps).sum()
    assert problem.covered(fair.steps).sum() < covered


def test_where_highs_has_no_answer_the_greedy_one_is_named(make_problem, monkeypatch):
    def none(*_given, **_more):
        raise exact.NoAnswerError("HiGHS ended with Time limit reached")

    monkeypatch.setattr(exact, "solve", none)
    found = share_hours(make_problem())
    assert (found.method, found.why) == ("greedy", "HiGHS ended with Time limit reached")
    assert np.isnan(found.hour_price).all()
    assert found.gap >= 0
    asked = share_hours(make_problem(), method="greedy")
    assert (asked.method, asked.why) == ("greedy", "")


def test_the_price_of_an_hour_is_what_the_next_step_covers(make_problem):
    problem = make_problem(6, 1, 2, seed=8, budget=np.array([[5, 9]]))
    found = share_hours(problem)
    for kind in range(2):
        budget = problem.budget.copy()
        budget[0, kind] += 1
        more = share_hours(replace(problem, budget=budget))
        gained = (more.value - found.value) * problem.need.sum() / problem.step_h
        budget[0, kind] -= 2
        less = share_hours(replace(problem, budget=budget))
        lost = (found.value - less.value) * problem.need.sum() / problem.step_h
        assert gained - 1e-6 <= found.hour_price[0, kind] <= lost + 1e-6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "best"}, "no method 'best'"),
    ],
)
def test_a_method_that_is_none_is_refused(make_problem, change, words):
    with pytest.raises(InputError, match=words):
        share_hours(make_problem(), **change)
