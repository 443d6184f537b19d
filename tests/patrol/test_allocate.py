"""Hours follow need and trend, keep floor, cap and sum, and are the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from patrol.allocate import CAP_OVER_EVEN, AllocationParams, allocate_hours
from patrol.demand import Demand, expect_demand


def demand_of(need, level=None):
    need = np.asarray(need, dtype=float)
    n = len(need)
    return Demand(
        level=need if level is None else np.asarray(level, dtype=float),
        expected=need,
        driver=np.zeros(n, dtype=np.intp),
        change=np.zeros(n),
        q_value=np.ones(n),
        belief=np.zeros(n),
        unknown=np.zeros(n, dtype=np.bool_),
        by_class=need[:, None],
        level_by_class=(need if level is None else np.asarray(level, dtype=float))[:, None],
    )


@st.composite
def cases(draw):
    n = draw(st.integers(1, 25))
    need = draw(st.lists(st.integers(0, 300), min_size=n, max_size=n))
    step = draw(st.sampled_from([5, 15, 30]))
    floor = draw(st.integers(0, 4)) * step
    cap = floor + draw(st.integers(1, 20)) * step
    total = draw(st.integers(max(n * floor // step, 1), n * cap // step)) * step
    effort = draw(st.none() | st.lists(st.floats(0, 40) | st.just(np.nan), min_size=n, max_size=n))
    params = AllocationParams(
        total_h=total / 60,
        floor_min=floor,
        cap_h=cap / 60,
        step_min=step,
        explore_share=draw(st.sampled_from([0.0, 0.1, 0.35, 1.0])),
    )
    return need, params, None if effort is None else np.array(effort), draw(st.integers(0, 9))


@given(cases())
def test_hours_sum_exactly_in_whole_steps_between_floor_and_cap(case):
    need, params, effort, turn = case
    plan = allocate_hours(demand_of(need), params=params, effort_h=effort, turn=turn)
    steps = plan.hours * 60 / params.step_min
    assert np.round(steps).sum() == round(params.total_h * 60 / params.step_min)
    assert steps == pytest.approx(np.round(steps), abs=1e-9)
    assert plan.hours.min() * 60 >= params.floor_min - 1e-6
    assert plan.hours.max() <= params.cap_h + 1e-6
    assert plan.hours == pytest.approx(plan.need_h + plan.explore_h)
    assert plan.trend_h.sum() == pytest.approx(0, abs=1e-9)


@given(cases(), st.integers(0, 24), st.integers(1, 200))
@settings(max_examples=200)
def test_more_need_in_one_grid_never_costs_it_hours(case, which, more):
    need, params, effort, turn = case
    which %= len(need)
    before = allocate_hours(demand_of(need), params=params, effort_h=effort, turn=turn)
    need[which] += more
    after = allocate_hours(demand_of(need), params=params, effort_h=effort, turn=turn)
    assert after.hours[which] >= before.hours[which] - 1e-9


@given(cases())
def test_the_part_by_need_is_ordered_as_the_need_is(case):
    need, params, _, turn = case
    params = AllocationParams(
        total_h=params.total_h,
        floor_min=params.floor_min,
        cap_h=params.cap_h,
        step_min=params.step_min,
        explore_share=0.0,
    )
    plan = allocate_hours(demand_of(need), params=params, turn=turn)
    order = np.argsort(need, kind="stable")
    ranked, hours = np.asarray(need)[order], plan.need_h[order]
    rises = np.diff(ranked) > 0
    assert (np.diff(hours)[rises] >= -1e-9).all()


@given(cases())
def test_the_same_question_has_the_same_answer(case):
    need, params, effort, turn = case
    first = allocate_hours(demand_of(need), params=params, effort_h=effort, turn=turn)
    again = allocate_hours(demand_of(need), params=params, effort_h=effort, turn=turn)
    assert first.hours.tolist() == again.hours.tolist()


def test_exploring_hours_go_where_least_was_patrolled_whatever_the_need():
    params = AllocationParams(total_h=40, floor_min=30, cap_h=20, explore_share=0.1)
    effort = np.array([0.0, 30.0, np.nan, 20.0, 10.0])
    plan = allocate_hours(demand_of([1, 90, 1, 50, 50]), params=params, effort_h=effort)
    assert plan.explore_h.tolist() == [1.0, 0.0, 1.0, 1.0, 1.0]
    few = AllocationParams(total_h=20, floor_min=30, cap_h=20, explore_share=0.1)
    plan = allocate_hours(demand_of([1, 90, 1, 50, 50]), params=few, effort_h=effort)
    assert plan.explore_h.tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


def test_exploration_is_even_when_nobody_knows_who_was_where():
    params = AllocationParams(total_h=120, cap_h=30)
    plan = allocate_hours(demand_of(range(12)), params=params)
    assert plan.explore_h.tolist() == [1.0] * 12


def test_exploration_gives_way_to_the_floor():
    params = AllocationParams(total_h=10.5, floor_min=60, cap_h=8, explore_share=0.5)
    plan = allocate_hours(demand_of(np.ones(10)), params=params)
    assert plan.explore_h.sum() == 0.5
    assert plan.need_h.tolist() == [1.0] * 10


def test_trend_hours_are_the_difference_to_level_alone():
    params = AllocationParams(total_h=20, floor_min=30, cap_h=12, explore_share=0.0)
    plan = allocate_hours(demand_of([10, 10, 20, 10], [10, 10, 10, 10]), params=params)
    assert plan.hours.tolist() == [4.0, 4.0, 8.0, 4.0]
    assert plan.trend_h.tolist() == [-1.0, -1.0, 3.0, -1.0]


def test_a_rising_grid_gets_more_than_its_like_and_an_unproven_rise_does_not():
    level = np.array([[10.0], [10.0], [10.0]])
    demand = expect_demand(
        level,
        slope=np.array([[0.0], [0.6], [0.6]]),
        q_value=np.array([[1.0], [0.001], [0.8]]),
        weight=np.ones(1),
    )
    plan = allocate_hours(demand, params=AllocationParams(total_h=12))
    assert plan.hours[1] > plan.hours[0]
    assert abs(plan.hours[2] - plan.hours[0]) <= 0.25


def test_nobody_gets_more_than_four_even_shares_without_a_cap_of_their_own():
    plan = allocate_hours(demand_of([1000] + [1] * 15), params=AllocationParams(total_h=32))
    assert plan.hours[0] == plan.cap_h == CAP_OVER_EVEN * 2
    assert plan.at_cap.tolist() == [True] + [False] * 15


@pytest.mark.parametrize(("hours", "cap"), [(10.0, 8.0), (600.0, 8.0)])
def test_an_infeasible_total_names_the_feasible_range(hours, cap):
    params = AllocationParams(total_h=hours, cap_h=cap)
    with pytest.raises(InputError, match=r"over 63 grids.* admit 31\.5 to 504 h"):
        allocate_hours(demand_of(np.ones(63)), params=params)


def test_too_few_hours_name_the_least_that_would_do():
    with pytest.raises(InputError, match=r"admit at least 31\.5 h"):
        allocate_hours(demand_of(np.ones(63)), params=AllocationParams(total_h=20))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"total_h": 10.1}, "nearest are 10 h and 10.25 h"),
        ({"total_h": 10, "floor_min": 20}, "no multiple of the step"),
        ({"total_h": 10, "cap_h": 1.1}, "no multiple of the step"),
        ({"total_h": 0}, "total_h must be above 0"),
        ({"total_h": float("inf")}, "finite"),
        ({"total_h": 10, "explore_share": 2}, "explore_share"),
        ({"total_h": 10, "step_min": 0}, "step_min"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        AllocationParams(**wrong)


def test_a_floor_above_the_cap_and_no_grids_are_refused():
    with pytest.raises(InputError, match="floor of 2 h is above the cap of 1 h"):
        allocate_hours(demand_of([1.0]), params=AllocationParams(total_h=1, floor_min=120, cap_h=1))
    with pytest.raises(InputError, match="no grids"):
        allocate_hours(demand_of([]), params=AllocationParams(total_h=1))
    with pytest.raises(InputError, match="2 entries for 1 grids"):
        allocate_hours(demand_of([1.0]), params=AllocationParams(total_h=1), effort_h=np.zeros(2))


def test_five_thousand_grids_are_shared_exactly():
    rng = np.random.default_rng(5)
    need = rng.gamma(0.6, 4.0, 5_000)
    plan = allocate_hours(demand_of(need), params=AllocationParams(total_h=9_000))
    assert plan.hours.sum() == 9_000
