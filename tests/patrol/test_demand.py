"""A trend is believed as far as it is proven; silence is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from geo.errors import InputError
from patrol.demand import TrendParams, expect_demand, trend_belief


def demand_of(level, slope, q, **more):
    columns = np.asarray(level, float).shape[1]
    return expect_demand(
        np.asarray(level, float),
        slope=np.asarray(slope, float),
        q_value=np.asarray(q, float),
        weight=more.pop("weight", np.ones(columns)),
        **more,
    )


@pytest.mark.parametrize("q", [0.001, 0.01, 0.05, 0.2, 0.31])
def test_belief_is_the_james_stein_factor_of_the_z_score(q):
    z = norm.isf(q / 2)
    assert trend_belief(np.array(q)) == pytest.approx(1 - 1 / z**2)


def test_belief_is_whole_at_zero_and_none_at_chance_or_untested():
    assert trend_belief(np.array([0.0, 0.33, 1.0, np.nan])).tolist() == [1.0, 0.0, 0.0, 0.0]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_q_is_never_believed_more(a, b):
    low, high = sorted((a, b))
    believed = trend_belief(np.array([low, high]))
    assert believed[0] >= believed[1]


def test_a_proven_rise_carries_the_level_on_from_the_middle_of_the_recent_steps():
    demand = demand_of([[10.0]], [[0.5]], [[0.0]], params=TrendParams(recent_steps=6))
    assert demand.level.tolist() == [10.0]
    assert demand.expected.tolist() == [10.0 + 0.5 * (3 + 1)]
    # The fitted line went from 8.5 to 11.5.
    assert demand.change[0] == pytest.approx(3.0 / 8.5)


def test_a_trend_never_more_than_doubles_or_halves_a_level():
    demand = demand_of([[1.0], [8.0]], [[9.0], [-9.0]], [[0.0], [0.0]])
    assert demand.expected.tolist() == [2.0, 4.0]
    assert np.isnan(demand.change[0])
    assert demand.change[1] == -1.0, "nothing falls by more than all of it"


def test_the_class_whose_trend_moves_the_weighted_need_most_is_the_driver():
    demand = demand_of(
        [[20.0, 4.0, 1.0]],
        [[0.1, 0.2, -0.01]],
        [[0.5, 0.001, 0.001]],
        weight=np.array([1.0, 2.0, 1.0]),
    )
    assert demand.driver.tolist() == [1]
    assert demand.q_value[0] == 0.001


def test_without_a_believed_trend_the_largest_class_leads():
    demand = demand_of([[3.0, 9.0]], [[0.4, 0.4]], [[0.9, np.nan]])
    assert demand.driver.tolist() == [1]
    assert demand.expected.tolist() == demand.level.tolist() == [12.0]


def test_a_grid_without_reports_takes_a_low_quantile_and_says_that_it_is_unknown():
    demand = demand_of(
        [[0.0], [4.0], [8.0]],
        np.zeros((3, 1)),
        np.ones((3, 1)),
        unknown=np.array([True, False, False]),
    )
    assert demand.expected.tolist() == [5.0, 4.0, 8.0]
    assert demand.unknown.tolist() == [True, False, False]
    assert demand.driver.tolist() == [-1, 0, 0]


def test_no_grids_and_no_classes_give_empty_demands():
    nothing = demand_of(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2)))
    assert nothing.expected.shape == (0,)
    no_class = demand_of(np.empty((2, 0)), np.empty((2, 0)), np.empty((2, 0)))
    assert no_class.expected.tolist() == [0.0, 0.0]
    assert no_class.driver.tolist() == [-1, -1]


def test_wrong_shapes_and_values_are_refused():
    with pytest.raises(InputError, match="one shape"):
        demand_of([[1.0]], [[1.0, 2.0]], [[1.0]])
    with pytest.raises(InputError, match="as many weights"):
        demand_of([[1.0]], [[1.0]], [[1.0]], weight=np.ones(3))
    with pytest.raises(InputError, match="mark absent data as unknown"):
        demand_of([[np.nan]], [[1.0]], [[1.0]])
    with pytest.raises(InputError, match="q-value"):
        demand_of([[1.0]], [[1.0]], [[1.5]])
    with pytest.raises(InputError, match="recent_steps"):
        TrendParams(recent_steps=0)
    with pytest.raises(InputError, match="max_factor"):
        TrendParams(max_factor=0.5)
