from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.cube import Units
from analytics.forecast.hours import spread_over_hours, week_of
from analytics.forecast.law import count_log_pmf
from analytics.forecast.protocol import Forecast, Target
from analytics.profile import HourProfile
from analytics.steps import make_steps
from geo.errors import InputError

ZONE = "America/Chicago"


@pytest.fixture
def ahead():
    mean = np.array([[7.0, 14.0], [0.5, 0.25]])
    return Forecast(mean, np.full((2, 2), 3.0), Units("cell", np.arange(2)), 30)


def weeks(start=date(2024, 6, 3)):
    return make_steps(start, date(2024, 6, 17), step="week", time_zone=ZONE)


def profile(counts):
    counts = np.asarray(counts, dtype=float)
    total = counts.sum(axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore"):
        share = counts / total
    return HourProfile(("dump", "noise"), counts, np.full((7, 24), 10.0), share)


def test_hours_of_a_week_add_up_to_it_and_follow_the_profile(ahead):
    week = np.zeros((7, 24))
    week[4, 22] = 0.75
    week[5, 3] = 0.25
    hourly, hours = spread_over_hours(ahead, week, weeks())
    assert hourly.mean.shape == (2, 336)
    np.testing.assert_allclose(hourly.mean.reshape(2, 2, 168).sum(axis=2), ahead.mean)
    np.testing.assert_allclose(hourly.mean[0, 4 * 24 + 22], 7 * 0.75, rtol=1e-6)
    assert hours.starts[4 * 24 + 22].day_name() == "Friday"


def test_a_day_with_a_doubled_hour_gives_it_to_both():
    days = make_steps(date(2024, 11, 3), date(2024, 11, 4), step="day", time_zone=ZONE)
    one = Forecast(np.array([[25.0]]), np.array([[np.inf]]), Units("cell", np.arange(1)), 1)
    hourly, hours = spread_over_hours(one, np.full((7, 24), 1 / 168), days)
    assert len(hours) == 25
    np.testing.assert_allclose(hourly.mean, 1.0)


def test_the_law_of_an_hour_is_that_of_a_thinned_count(ahead):
    week = np.random.default_rng(0).gamma(1.0, size=(7, 24))
    hourly, _ = spread_over_hours(ahead, week / week.sum(), weeks())
    part = hourly.mean[0, 10] / ahead.mean[0, 0]
    totals = np.arange(400)
    law = np.exp(count_log_pmf(totals, ahead.mean[0, 0], ahead.size[0, 0]))
    none = float(law @ (1 - part) ** totals)
    zero = np.exp(count_log_pmf(np.zeros(1), hourly.mean[0, 10], hourly.size[0, 10]))[0]
    assert zero == pytest.approx(none, rel=1e-9)


def test_the_week_of_several_classes_weighs_them_by_their_incidents():
    counts = np.zeros((2, 7, 24))
    counts[0, 0, 8], counts[1, 6, 23] = 30, 10
    whole = week_of(profile(counts), Target())
    assert whole[0, 8] == pytest.approx(0.75)
    assert whole[6, 23] == pytest.approx(0.25)
    assert week_of(profile(counts), Target(("noise",)))[6, 23] == 1


def test_a_class_without_incidents_is_spread_evenly():
    counts = np.zeros((2, 7, 24))
    counts[0, 0, 8] = 5
    np.testing.assert_allclose(week_of(profile(counts), Target(("noise",))), 1 / 168)


def test_what_does_not_fit_is_refused(ahead):
    even = np.full((7, 24), 1 / 168)
    with pytest.raises(InputError, match="1 steps of kind 'week' for 2 columns"):
        spread_over_hours(ahead, even, weeks(date(2024, 6, 10)))
    with pytest.raises(InputError, match="7 x 24"):
        spread_over_hours(ahead, even.ravel(), weeks())
    with pytest.raises(InputError, match="'theft' is not in the profile"):
        week_of(profile(np.ones((2, 7, 24))), Target(("theft",)))
