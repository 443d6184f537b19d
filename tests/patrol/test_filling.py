"""Sharing under bounds agrees with general-purpose optimisers and keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from geo.errors import InputError
from patrol.filling import fill_lowest, fill_proportional, round_to_steps


@st.composite
def bounded_problems(draw, max_size=12):
    """Draw weights, bounds and a total that the bounds admit."""
    n = draw(st.integers(1, max_size))
    numbers = st.lists(st.integers(0, 400), min_size=n, max_size=n)
    weight = np.array(draw(numbers), dtype=float)
    lower = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    upper = lower + np.array(draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)))
    part = draw(st.floats(0, 1))
    total = float(np.round(lower.sum() + part * (upper.sum() - lower.sum())))
    return weight, lower, upper, total


@given(bounded_problems())
def test_proportional_shares_sum_to_the_total_within_their_bounds(problem):
    weight, lower, upper, total = problem
    share = fill_proportional(weight, total=total, lower=lower, upper=upper)
    assert share.sum() == pytest.approx(total, abs=1e-7)
    assert (share >= lower - 1e-9).all()
    assert (share <= upper + 1e-9).all()


@given(bounded_problems())
def test_places_between_their_bounds_share_one_rate(problem):
    weight, lower, upper, total = problem
    share = fill_proportional(weight, total=total, lower=lower, upper=upper)
    free = (share > lower + 1e-6) & (share < upper - 1e-6) & (weight > 0)
    rates = share[free] / weight[free]
    if free.any() and total <= upper[weight > 0].sum() + lower[weight == 0].sum():
        assert rates == pytest.approx(np.full(free.sum(), rates[0]), rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_proportional_share_is_the_optimum_that_slsqp_finds(seed):
    rng = np.random.default_rng(seed)
    weight = rng.gamma(1.0, 3.0, 7)
    lower, upper = np.full(7, 0.5), np.full(7, 6.0)
    found = minimize(
        lambda h: -(weight * np.log(h)).sum(),
        np.full(7, 2.5),
        jac=lambda h: -weight / h,
        bounds=list(zip(lower, upper, strict=True)),
        constraints={"type": "eq", "fun": lambda h: h.sum() - 17.5, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    share = fill_proportional(weight, total=17.5, lower=lower, upper=upper)
    assert found.success
    assert -(weight * np.log(share)).sum() <= found.fun + 1e-9
    assert share == pytest.approx(found.x, abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_filling_the_lowest_reaches_the_best_worst_stock_that_linear_programming_finds(seed):
    rng = np.random.default_rng(seed)
    stock, n = rng.uniform(0, 10, 9), 9
    # max t subject to stock + x >= t, 0 <= x <= 4, sum x = 12; variables are x and t.
    worst = np.hstack([-np.eye(n), np.ones((n, 1))])
    found = linprog(
        np.r_[np.zeros(n), -1.0],
        A_ub=worst,
        b_ub=stock,
        A_eq=np.r_[np.ones(n), 0.0][None, :],
        b_eq=[12.0],
        bounds=[(0, 4)] * n + [(None, None)],
    )
    added = fill_lowest(stock, total=12.0, upper=np.full(n, 4.0))
    assert added.sum() == pytest.approx(12.0)
    assert (stock + added).min() == pytest.approx(-found.fun, abs=1e-8)


def test_filling_the_lowest_minimises_the_sum_of_the_variances():
    stock, upper = np.array([0.5, 1.0, 4.0, 2.0]), np.full(4, 2.0)
    added = fill_lowest(stock, total=3.0, upper=upper)
    found = minimize(
        lambda x: (1 / (stock + x)).sum(),
        np.full(4, 0.75),
        bounds=[(0, 2)] * 4,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 3.0},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert added == pytest.approx(found.x, abs=1e-4)


def test_full_places_hand_the_rest_to_those_without_weight_evenly():
    share = fill_proportional(
        np.array([5.0, 0.0, 0.0]), total=8.0, lower=np.zeros(3), upper=np.array([4.0, 4.0, 4.0])
    )
    assert share == pytest.approx([4.0, 2.0, 2.0])


def test_without_any_weight_all_share_evenly():
    share = fill_proportional(np.zeros(4), total=6.0, lower=np.zeros(4), upper=np.full(4, 3.0))
    assert share == pytest.approx([1.5] * 4)


def test_weights_of_very_different_size_stay_exact():
    weight = np.array([1e300, 1e-300, 1.0, 0.0])
    share = fill_proportional(weight, total=6.0, lower=np.full(4, 0.5), upper=np.full(4, 3.0))
    assert share.sum() == pytest.approx(6.0)
    assert share[0] == 3.0


def test_nobody_to_share_between_gives_an_empty_answer():
    empty = np.empty(0)
    assert fill_proportional(empty, total=0.0, lower=empty, upper=empty).shape == (0,)
    assert fill_lowest(empty, total=0.0, upper=empty).shape == (0,)


@given(bounded_problems(), st.integers(0, 20))
def test_rounding_keeps_the_sum_and_whole_bounds(problem, turn):
    weight, lower, upper, total = problem
    share = fill_proportional(weight, total=total, lower=lower, upper=upper)
    steps = round_to_steps(share, total=int(total), turn=turn)
    assert steps.sum() == total
    assert (steps >= lower).all()
    assert (steps <= upper).all()
    assert (np.abs(steps - share) < 1).all()


def test_the_odd_step_goes_round_with_the_turn():
    share = np.full(3, 1 / 3)
    given_to = [int(round_to_steps(share, total=1, turn=turn).argmax()) for turn in range(4)]
    assert given_to == [0, 1, 2, 0]


def test_a_total_outside_the_bounds_is_refused_with_the_range():
    with pytest.raises(InputError, match=r"9 cannot be shared: the bounds admit 2 to 8"):
        fill_proportional(np.ones(2), total=9.0, lower=np.ones(2), upper=np.full(2, 4.0))


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="weight must be one row of finite numbers"):
        fill_proportional(np.array([1.0, -1.0]), total=1.0, lower=np.zeros(2), upper=np.ones(2))


def test_shares_that_do_not_sum_to_the_total_are_refused():
    with pytest.raises(InputError, match="not to the 5 steps"):
        round_to_steps(np.array([1.0, 2.0]), total=5)
