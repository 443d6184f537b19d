from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from analytics.adjusted_trends import AdjustedTrendParams, Method, find_adjusted_trends
from analytics.trends import TrendParams, find_trends
from geo.errors import InputError

RISE = 0.35


@pytest.fixture
def seasonal_cube(cube_of):
    """A cube of 36 months: the first ten units rise, all swing with the year."""
    t = np.arange(36)
    mean = 13 - 12 * np.cos(t * 2 * np.pi / 12) + np.zeros((30, 1))
    mean[:10] += RISE * t
    return cube_of(np.random.default_rng(1).poisson(mean))


def test_the_plain_method_is_find_trends(seasonal_cube):
    ours = find_adjusted_trends(seasonal_cube, AdjustedTrendParams(method="plain"))
    theirs = find_trends(seasonal_cube, TrendParams())
    np.testing.assert_array_equal(ours.q, theirs.q)
    assert ours.label.tolist() == theirs.label.tolist()


@pytest.mark.parametrize("method", get_args(Method))
def test_each_method_gives_a_result_of_the_same_shape(seasonal_cube, method):
    found = find_adjusted_trends(seasonal_cube, AdjustedTrendParams(method=method))
    assert found.label.shape == (30,)
    assert found.parameters["method"] == method
    assert set(found.label[10:]) <= {
        "none",
        "untested",
    }  # a season may leave Hamed and Rao no variance


def test_the_seasonal_test_finds_what_the_season_hides(seasonal_cube):
    found = find_adjusted_trends(seasonal_cube)
    assert (found.label[:10] == "rising").sum() >= 8
    assert found.parameters["period"] == 12
    assert found.slope[:10].mean() == pytest.approx(RISE * 12, abs=1.5)
    plain = find_adjusted_trends(seasonal_cube, AdjustedTrendParams(method="plain"))
    assert (plain.label[:10] == "rising").sum() <= 5


def test_less_than_two_cycles_and_unknown_methods_are_refused(cube_of):
    with pytest.raises(InputError, match="no two cycles of 12"):
        find_adjusted_trends(cube_of(np.ones((3, 20))))
    with pytest.raises(InputError, match="say one of"):
        AdjustedTrendParams(method="loess")
