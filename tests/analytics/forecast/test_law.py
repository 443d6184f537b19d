from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics.forecast.law import count_cdf, count_crps, count_log_pmf, count_quantiles

LAWS = [
    (0.01, 0.5),
    (0.3, 2.0),
    (3.0, 0.7),
    (40.0, 5.0),
    (900.0, 30.0),
    (5.0, np.inf),
    (0.05, np.inf),
]


def peer(mean, size):
    return stats.poisson(mean) if np.isinf(size) else stats.nbinom(size, size / (size + mean))


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_probabilities_agree_with_scipy(mean, size):
    y = np.array([0, 1, 2, 7, 40, 800])
    law = peer(mean, size)
    np.testing.assert_allclose(count_log_pmf(y, mean, size), law.logpmf(y), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(count_cdf(y, mean, size), law.cdf(y), rtol=1e-9, atol=1e-12)
    assert count_cdf(np.array(-1), mean, size) == 0


@pytest.mark.parametrize(("mean", "size"), LAWS)
@pytest.mark.parametrize("y", [0, 1, 4, 50])
def test_crps_is_the_sum_of_squared_distances_between_distributions(mean, size, y):
    k = np.arange(20_000)
    expected = ((peer(mean, size).cdf(k) - (k >= y)) ** 2).sum()
    assert count_crps(np.array(y), mean, size) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    mean=st.floats(1e-4, 300),
    size=st.one_of(st.floats(0.05, 1e5), st.just(np.inf)),
    level=st.floats(0.01, 0.99),
)
def test_quantile_is_the_first_count_whose_cdf_reaches_the_level(mean, size, level):
    q = count_quantiles(level, np.array([mean]), np.array([size]))
    assert count_cdf(q, mean, size)[0] >= level - 1e-9
    assert count_cdf(q - 1, mean, size)[0] < level + 1e-9


@pytest.mark.parametrize(("mean", "size"), [(0.02, 3e4), (8.0, 1e5), (1000.0, 300.0), (2e4, 1e3)])
def test_crps_of_large_sizes_is_near_the_sum(mean, size):
    k = np.arange(60_000)
    y = round(mean)
    expected = ((peer(mean, size).cdf(k) - (k >= y)) ** 2).sum()
    assert count_crps(np.array(y), mean, size) == pytest.approx(expected, rel=2e-3)


def test_a_large_size_is_poisson_without_a_jump():
    y, mean = np.arange(30), np.full(30, 8.0)
    for score in (count_log_pmf, count_cdf, count_crps):
        below, above = score(y, mean, np.full(30, 9.9e5)), score(y, mean, np.full(30, 1e6))
        np.testing.assert_allclose(below, above, atol=5e-4)
