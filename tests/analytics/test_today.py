"""A part of a forecast week has the expectation and the width that the week implies."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.today import disperse_forecast, disperse_history, expect_part, share_hours
from geo.errors import InputError


def test_shares_of_hours_sum_to_one_and_no_hour_is_impossible() -> None:
    counts = np.zeros(168)
    counts[10] = 80.0
    shares = share_hours(counts)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.min() > 0
    assert shares[10] > 0.9


def test_hours_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(168,\)"):
        share_hours(np.zeros(24))


def test_poisson_forecasts_have_dispersion_one_and_wide_ones_more() -> None:
    mean = np.full(50, 40.0)
    half = 1.645 * np.sqrt(40.0)
    exact = disperse_forecast(mean, mean - half, mean + half, interval=0.9)
    assert exact == pytest.approx(1.0, abs=0.01)
    wide = disperse_forecast(mean, mean - 2 * half, mean + 2 * half, interval=0.9)
    assert wide == pytest.approx(4.0, rel=0.01)


def test_too_few_weeks_say_nothing_of_dispersion() -> None:
    assert disperse_history(np.array([1.0, 90.0])) == 1.0
    assert disperse_history(np.zeros(8)) == 1.0


def test_interval_holds_as_many_days_as_it_says() -> None:
    rng = np.random.default_rng(5)
    dispersion = 2.5
    part = expect_part(700.0, 1 / 7, dispersion=dispersion, interval=0.9)
    days = rng.negative_binomial(part.mean / (dispersion - 1), 1 / dispersion, 20_000)
    inside = np.mean((days >= part.low) & (days <= part.high))
    assert 0.89 < inside < 0.93  # whole numbers cover a little more


def test_nothing_expected_is_nothing() -> None:
    assert expect_part(0.0, 0.5, dispersion=1.0).high == 0.0
