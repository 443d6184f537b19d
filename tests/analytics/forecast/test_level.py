from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.forecast.level import LevelParams, forecast_level, step_days
from analytics.steps import make_steps


def steps_of(n, step="week"):
    days = {"week": 7, "day": 1}[step] * n
    start = date(2024, 1, 1)
    return make_steps(start, start + timedelta(days=days), step=step, time_zone="America/Chicago")


def test_a_constant_level_goes_on():
    ahead = forecast_level(np.full(40, 100), steps_of(40), 40, 3)
    np.testing.assert_allclose(ahead, 100, rtol=0.02)


def test_a_new_level_is_followed_within_weeks():
    totals = np.r_[np.full(30, 50), np.full(12, 100)]
    assert 80 < forecast_level(totals, steps_of(42), 42, 1)[0] < 100


def test_each_weekday_keeps_its_share():
    week = np.array([10, 20, 30, 40, 50, 60, 70])
    steps = steps_of(140, "day")
    ahead = forecast_level(np.tile(week, 20), steps, 133, 14)
    np.testing.assert_allclose(ahead, np.tile(week, 2), rtol=0.12)


def test_a_day_that_loses_an_hour_expects_less():
    steps = make_steps(date(2024, 1, 1), date(2024, 3, 25), step="day", time_zone="America/Chicago")
    short = int(np.flatnonzero(steps.hours == 23)[0])
    ahead = forecast_level(np.full(len(steps), 48), steps, short - 3, 6)
    assert ahead[3] / ahead[2] == pytest.approx(23 / 24, rel=1e-6)


def test_a_yearly_wave_is_used_once_a_year_was_seen():
    steps = steps_of(120)
    mid = step_days(steps)
    totals = 200 * np.exp(0.3 * np.cos(2 * np.pi * mid / 365.25))
    errors = {
        days: np.abs(
            [
                forecast_level(totals, steps, c, 1, LevelParams(season_days=days))[0] / totals[c]
                - 1
                for c in range(60, 119)
            ]
        ).mean()
        for days in (35.0, 1e9)
    }
    assert errors[35.0] < 0.4 * errors[1e9]


def test_nothing_at_or_past_the_cutoff_is_used():
    totals = np.arange(80.0)
    later = totals.copy()
    later[60:] = 1e6
    steps = steps_of(80)
    np.testing.assert_array_equal(
        forecast_level(totals, steps, 60, 5), forecast_level(later, steps, 60, 5)
    )


def test_no_incident_yet_still_leaves_a_positive_level():
    ahead = forecast_level(np.zeros(60), steps_of(60), 60, 4)
    assert (ahead > 0).all()
    assert ahead.max() < 0.2
