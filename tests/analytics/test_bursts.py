"""A burst is what chance does not give, measured by the area's own rate and the hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma, poisson

from analytics.bursts import (
    BurstParams,
    find_bursts,
    find_class_bursts,
    is_silent,
    share_of_span,
)
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
    with pytest.raises(InputError, match="false discovery"):
        BurstParams(fdr=1.0)


def test_chance_of_a_class_averages_poisson_over_what_its_rate_may_be() -> None:
    history, share = np.array([[0, 40]]), 2 / 168
    found = find_class_bursts(
        np.array([[1, 4]]), history, np.array([0, 0]), share=share, params=BurstParams()
    )
    shares = 50 * share / (history[0] + 50)  # no report of the class in these hours so far
    rates = gamma(history[0] + 0.5, scale=shares / 8)
    grid = (np.arange(20_000) + 0.5) / 20_000
    means = poisson.sf(np.array([0, 3]), np.array([rates.ppf(u) for u in grid])).mean(axis=0)
    assert found.p[0] == pytest.approx(means, rel=0.02)
    assert found.expected[0] == pytest.approx(rates.mean())
    assert (found.low <= found.expected).all()
    assert (found.high >= found.low).all()


def test_a_class_with_hours_of_its_own_is_measured_by_these() -> None:
    recent, history = np.array([[8, 8]]), np.array([[672, 672]])  # one an hour, each
    found = find_class_bursts(
        recent, history, np.array([8, 80]), share=2 / 168, params=BurstParams()
    )
    assert found.is_burst[0].tolist() == [True, False]


def test_looks_with_a_false_alarm_are_as_rare_as_the_rate_of_false_discovery() -> None:
    rng = np.random.default_rng(5)
    params = BurstParams(fdr=0.05, fewest=1)
    rates = rng.gamma(0.5, 60.0, (60, 12))  # a week; most pairs are nearly empty
    alarmed = 0
    for _ in range(300):
        history = rng.poisson(rates * 8)
        found = find_class_bursts(
            rng.poisson(rates * 2 / 168), history, (history.sum(axis=0) * 2) // 168,
            share=2 / 168, params=params,
        )  # fmt: skip
        alarmed += bool(found.is_burst.any())
    assert alarmed / 300 <= 0.08


def test_forecast_stands_in_for_the_recent_rate_where_there_is_one() -> None:
    history = np.array([[8 * 84], [8 * 84]])
    recent = np.array([[4], [4]])
    share, params = 2 / 168, BurstParams()
    plain = find_class_bursts(recent, history, history[:1, 0], share=share, params=params)
    told = find_class_bursts(
        recent, history, history[:1, 0], share=share, params=params,
        weekly=np.array([[42.0], [np.nan]]),
    )  # fmt: skip
    assert told.expected[0, 0] / plain.expected[0, 0] == pytest.approx(42 / (84 + 0.5 / 8))
    assert told.p[0, 0] < plain.p[0, 0]
    assert told.p[1, 0] == pytest.approx(plain.p[1, 0])
    whole = find_bursts(
        np.array([4, 4]), history[:, 0], EVEN, hour=3.0, params=params,
        weekly=np.array([0.0, np.nan]),
    )  # fmt: skip
    assert whole.expected == pytest.approx([0.5 / 8 * share, 84 * share])
