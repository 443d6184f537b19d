"""A burst is what chance does not give, measured by the area's own rate and the hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from analytics.bursts import BurstParams, find_bursts, is_silent, share_of_span
from geo.errors import InputError

EVEN = np.full(168, 1 / 168)


def test_chance_is_the_upper_tail_of_poisson() -> None:
    history = np.array([8 * 84])  # 84 a week: one in two hours
    found = find_bursts(np.array([7]), history, EVEN, hour=50.0, params=BurstParams())
    assert found.expected[0] == pytest.approx(1.0)
    assert found.p[0] == pytest.approx(poisson.sf(6, 1.0))
    assert found.is_burst[0]


def test_few_reports_are_no_burst_in_the_quietest_area() -> None:
    found = find_bursts(np.array([3]), np.array([0]), EVEN, hour=3.0, params=BurstParams())
    assert found.p[0] < 1e-4
    assert not found.is_burst[0]


def test_the_same_reports_are_a_burst_at_night_and_not_at_noon() -> None:
    shares = np.tile(np.where(np.arange(24) < 6, 0.1, 1.0), 7)
    shares = shares / shares.sum()
    history = np.array([8 * 168])
    night = find_bursts(np.array([6]), history, shares, hour=4.0, params=BurstParams())
    noon = find_bursts(np.array([6]), history, shares, hour=12.0, params=BurstParams())
    assert night.is_burst[0]
    assert not noon.is_burst[0]


def test_false_alarms_come_as_often_as_alpha_says() -> None:
    rng = np.random.default_rng(11)
    rates = rng.uniform(0.5, 6.0, 40_000)
    recent = rng.poisson(rates)
    history = (rates * 84 * 8).round().astype(np.int64)
    params = BurstParams(alpha=0.01, fewest=1)
    found = find_bursts(recent, history, EVEN, hour=80.0, params=params)
    assert found.is_burst.mean() <= 0.012


@given(until=st.floats(0, 167.9), length=st.floats(0, 900))
def test_share_of_a_span_is_its_length_where_hours_are_even(until: float, length: float) -> None:
    assert share_of_span(EVEN, until=until, length_h=length) == pytest.approx(
        length / 168, abs=1e-9
    )


def test_silence_is_alarming_only_where_reports_were_to_be_expected() -> None:
    assert is_silent(700.0, 0.05)
    assert not is_silent(7.0, 0.05)


def test_a_burst_without_history_length_is_refused() -> None:
    with pytest.raises(InputError, match="one week"):
        BurstParams(weeks=0)
