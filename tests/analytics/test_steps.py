from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.steps import make_steps
from geo.errors import InputError

ZONES = [
    "Asia/Shanghai",
    "Europe/London",
    "America/Chicago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
]


def local_hours(steps):
    return [start.strftime("%H:%M %z") for start in steps.starts]


def test_london_skips_an_hour_in_spring_and_the_day_has_23():
    steps = make_steps(date(2026, 3, 29), date(2026, 3, 30), step="hour", time_zone="Europe/London")
    assert len(steps) == 23
    assert local_hours(steps)[:3] == ["00:00 +0000", "02:00 +0100", "03:00 +0100"]


def test_chicago_has_one_o_clock_twice_in_autumn_and_the_day_has_25_hours():
    steps = make_steps(
        date(2026, 11, 1), date(2026, 11, 2), step="hour", time_zone="America/Chicago"
    )
    assert len(steps) == 25
    assert local_hours(steps)[1:3] == ["01:00 -0500", "01:00 -0600"]
    day = make_steps(date(2026, 11, 1), date(2026, 11, 2), step="day", time_zone="America/Chicago")
    assert day.hours.tolist() == [25.0]


def test_doubled_local_hour_counts_by_instant_not_by_wall_clock():
    steps = make_steps(
        date(2026, 11, 1), date(2026, 11, 2), step="hour", time_zone="America/Chicago"
    )
    both = pd.DatetimeIndex(["2026-11-01 06:30", "2026-11-01 07:30"], tz="UTC")
    assert steps.locate(both).tolist() == [1, 2]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu"])
def test_zones_off_the_full_hour_start_their_hours_at_their_own_full_hour(zone):
    steps = make_steps(date(2026, 5, 1), date(2026, 5, 3), step="hour", time_zone=zone)
    assert len(steps) == 48
    assert (steps.starts.minute == 0).all()
    assert (steps.hours == 1).all()


def test_half_hour_daylight_saving_makes_one_long_and_one_short_hour():
    zone = "Australia/Lord_Howe"
    autumn = make_steps(date(2026, 4, 5), date(2026, 4, 6), step="hour", time_zone=zone)
    spring = make_steps(date(2026, 10, 4), date(2026, 10, 5), step="hour", time_zone=zone)
    assert (len(autumn), autumn.hours.sum(), autumn.hours.max()) == (24, 24.5, 1.5)
    assert (len(spring), spring.hours.sum(), spring.hours.min()) == (24, 23.5, 0.5)


def test_day_without_a_midnight_starts_at_its_first_instant():
    steps = make_steps(date(2026, 9, 5), date(2026, 9, 8), step="day", time_zone="America/Santiago")
    assert local_hours(steps) == ["00:00 -0400", "01:00 -0300", "00:00 -0300"]
    assert steps.hours.tolist() == [24.0, 23.0, 24.0]


def test_weeks_start_on_monday_and_cut_weeks_are_left_out():
    steps = make_steps(date(2026, 1, 1), date(2026, 1, 28), step="week", time_zone="Asia/Shanghai")
    assert [str(start.date()) for start in steps.starts] == [
        "2026-01-05",
        "2026-01-12",
        "2026-01-19",
    ]


def test_months_are_calendar_months():
    steps = make_steps(date(2024, 1, 1), date(2024, 4, 1), step="month", time_zone="Asia/Shanghai")
    assert (steps.hours / 24).tolist() == [31.0, 29.0, 31.0]


def test_window_may_be_given_as_instants():
    start = datetime(2025, 12, 31, 16, tzinfo=UTC)
    end = datetime(2026, 1, 2, 16, tzinfo=UTC)
    steps = make_steps(start, end, step="day", time_zone="Asia/Shanghai")
    assert [str(first.date()) for first in steps.starts] == ["2026-01-01", "2026-01-02"]
    assert steps.window == (start, end)


def test_an_instant_on_an_edge_belongs_to_the_later_step_and_the_last_edge_to_none():
    steps = make_steps(date(2026, 1, 1), date(2026, 1, 3), step="day", time_zone="Asia/Shanghai")
    instants = pd.DatetimeIndex([*steps.edges, pd.NaT], tz="UTC")
    assert steps.locate(instants).tolist() == [0, 1, -1, -1]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    step=st.sampled_from(["hour", "day", "week", "month"]),
    start=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
)
def test_steps_follow_each_other_and_every_instant_has_the_calendar_of_its_step(zone, step, start):
    end = (pd.Timestamp(start) + pd.Timedelta(days=70)).date()
    steps = make_steps(start, end, step=step, time_zone=zone)
    assert (steps.hours > 0).all()
    spans = {"hour": (0.5, 1.5), "day": (23, 25), "week": (167, 169), "month": (671, 745)}
    assert steps.hours.min() >= spans[step][0]
    assert steps.hours.max() <= spans[step][1]
    middle = steps.edges[:-1] + (steps.edges[1:] - steps.edges[:-1]) // 2
    local = pd.DatetimeIndex(middle).tz_localize("UTC").tz_convert(zone)
    key = {"hour": "%Y-%m-%d %H", "day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}[step]
    assert local.strftime(key).tolist() == steps.starts.strftime(key).tolist()
    assert steps.locate(local).tolist() == list(range(len(steps)))


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match="IANA"):
        make_steps(date(2026, 1, 1), date(2026, 1, 3), step="day", time_zone="Peking")
    with pytest.raises(InputError, match="no whole week"):
        make_steps(date(2026, 1, 6), date(2026, 1, 12), step="week", time_zone="Asia/Shanghai")
    with pytest.raises(InputError, match="end must come after"):
        make_steps(date(2026, 1, 6), date(2026, 1, 6), step="day", time_zone="Asia/Shanghai")
    with pytest.raises(InputError, match="carries no time zone"):
        make_steps(
            datetime(2026, 1, 6),  # noqa: DTZ001
            date(2026, 1, 12),
            step="day",
            time_zone="Asia/Shanghai",
        )
    steps = make_steps(date(2026, 1, 1), date(2026, 1, 3), step="day", time_zone="Asia/Shanghai")
    with pytest.raises(InputError, match="tz_localize"):
        steps.locate(pd.DatetimeIndex(["2026-01-01"]))
    with pytest.raises(InputError, match="step 'year' is unknown"):
        make_steps(date(2026, 1, 1), date(2026, 1, 3), step="year", time_zone="UTC")


def test_edges_are_utc_microseconds():
    steps = make_steps(date(2026, 1, 1), date(2026, 1, 2), step="day", time_zone="Asia/Shanghai")
    assert steps.edges.dtype == np.dtype("datetime64[us]")
    assert steps.edges[0] == np.datetime64("2025-12-31T16:00")


def test_hours_of_the_week_begin_on_monday_at_midnight_and_say_how_often_they_came():
    steps = make_steps(
        date(2026, 10, 19), date(2026, 11, 9), step="hour_of_week", time_zone="America/Chicago"
    )
    assert len(steps) == 168
    sunday_one = 6 * 24 + 1
    assert steps.hours[sunday_one] == 4.0
    assert steps.hours.sum() == 3 * 168 + 1
    assert np.delete(steps.hours, sunday_one).tolist() == [3.0] * 167
    both = pd.DatetimeIndex(["2026-11-01 06:30", "2026-11-01 07:30", "2026-10-19 05:00"], tz="UTC")
    assert steps.locate(both).tolist() == [sunday_one, sunday_one, 0]
    outside = pd.DatetimeIndex(["2026-10-19 04:59", "2026-11-09 06:00", pd.NaT], tz="UTC")
    assert steps.locate(outside).tolist() == [-1, -1, -1]
    assert steps.starts[0] == pd.Timestamp("2026-10-19", tz="America/Chicago")


def test_a_window_that_misses_an_hour_of_the_week_is_refused():
    for start, end in (
        (date(2026, 3, 23), date(2026, 3, 29)),
        (date(2026, 3, 23), date(2026, 3, 30)),  # the clock skips Sunday 01:00
    ):
        with pytest.raises(InputError, match="every hour of the week"):
            make_steps(start, end, step="hour_of_week", time_zone="Europe/London")


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    minutes=st.lists(st.integers(0, 30 * 24 * 60 - 1), min_size=1, max_size=30),
)
def test_an_instant_falls_into_the_hour_of_the_week_of_its_wall_clock(zone, start, minutes):
    end = (pd.Timestamp(start) + pd.Timedelta(days=40)).date()
    steps = make_steps(start, end, step="hour_of_week", time_zone=zone)
    assert steps.hours.sum() == (steps.edges[-1] - steps.edges[0]) / np.timedelta64(1, "h")
    times = pd.DatetimeIndex([steps.window[0]] * len(minutes)) + pd.to_timedelta(minutes, unit="m")
    local = times.tz_convert(zone)
    assert steps.locate(times).tolist() == (local.day_of_week * 24 + local.hour).tolist()
