from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.forecast.days_off import holiday_share
from analytics.forecast.level import LevelParams, forecast_level
from analytics.steps import make_steps
from geo.errors import InputError


def steps_of(start, end, step, zone="Asia/Shanghai"):
    return make_steps(start, end, step=step, time_zone=zone)


def test_a_day_is_a_holiday_or_not():
    days = steps_of(date(2024, 4, 29), date(2024, 5, 6), "day")
    np.testing.assert_array_equal(
        holiday_share(days, 7, country="CN"), [0, 0, 1, 1, 1, 0, 0]
    )  # Labour Day and what was moved to it


def test_a_week_counts_by_the_part_that_is_holiday():
    weeks = steps_of(date(2024, 4, 22), date(2024, 5, 13), "week")
    np.testing.assert_allclose(holiday_share(weeks, 3, country="CN"), [0, 3 / 7, 0])


def test_hours_are_those_of_the_local_day():
    hours = steps_of(date(2024, 12, 24), date(2024, 12, 27), "hour", "America/Chicago")
    off = holiday_share(hours, len(hours), country="US").reshape(3, 24)
    np.testing.assert_array_equal(off.all(axis=1), [False, True, False])
    assert off.sum() == 24


def test_months_and_steps_past_the_end_are_known_too():
    months = steps_of(date(2024, 1, 1), date(2024, 2, 1), "month", "America/Chicago")
    np.testing.assert_allclose(holiday_share(months, 2, country="US"), [2 / 31, 1 / 29])
    lincoln = holiday_share(months, 2, country="US", subdivision="IL")
    np.testing.assert_allclose(lincoln, [2 / 31, 2 / 29])
    days = steps_of(date(2024, 12, 20), date(2024, 12, 22), "day", "America/Chicago")
    assert list(np.flatnonzero(holiday_share(days, 14, country="US"))) == [5, 12]


def test_an_unknown_country_is_refused_in_words():
    days = steps_of(date(2024, 4, 29), date(2024, 5, 6), "day")
    with pytest.raises(InputError, match="no holidays are known for 'XX'"):
        holiday_share(days, 7, country="XX")
    with pytest.raises(InputError, match="'US, QQ'"):
        holiday_share(days, 7, country="US", subdivision="QQ")


def test_what_holidays_did_is_expected_of_the_next_one():
    days = steps_of(date(2023, 1, 1), date(2025, 1, 1), "day")
    off = holiday_share(days, len(days), country="CN")
    weekday = np.tile([1.0, 1, 1, 1, 1, 1.5, 1.5], 106)[: len(days)]
    totals = np.random.default_rng(0).poisson(100 * weekday * (1 - 0.4 * off))
    cutoff = 730 - 99  # the National Day holidays of October 2024 lie ahead
    rest = np.flatnonzero(off[cutoff : cutoff + 40]) + cutoff
    assert len(rest) == 5
    plain, aware = (
        forecast_level(totals, days, cutoff, 40, LevelParams(country=country))[rest - cutoff]
        for country in (None, "CN")
    )
    true = 100 * weekday[rest] * 0.6
    assert np.abs(aware / true - 1).mean() < 0.1
    assert np.abs(plain / true - 1).mean() > 0.4


def test_holidays_without_effect_leave_the_level_as_it_is():
    days = steps_of(date(2023, 1, 1), date(2024, 1, 1), "day")
    totals = np.full(len(days), 60)
    plain, aware = (
        forecast_level(totals, days, 300, 30, LevelParams(country=country))
        for country in (None, "CN")
    )
    np.testing.assert_allclose(aware, plain, rtol=1e-9)
