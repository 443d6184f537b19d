"""Incidents known only as an interval, spread over the steps that it overlaps."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cube import Units, cube_from_events
from analytics.profile import hour_profile
from analytics.steps import make_steps
from geo.errors import InputError

UNITS = Units("cell", np.array([4, 2]))
ZONE = "Europe/London"
KINDS = ["hour", "hour_of_week", "day", "week"]


def window(step, start=date(2026, 3, 2), end=date(2026, 4, 27)):
    return make_steps(start, end, step=step, time_zone=ZONE)


def events(rows):
    frame = pd.DataFrame(rows, columns=["unit_id", "occurred_at", "occurred_until"])
    for name in ("occurred_at", "occurred_until"):
        frame[name] = pd.to_datetime(frame[name], format="mixed").dt.tz_localize(ZONE)
    return frame.assign(category="noise", found_by="resident")


def test_a_day_is_spread_evenly_over_the_hours_that_it_really_has():
    rows = [(4, "2026-03-29", "2026-03-30")]  # 23 hours
    cube = cube_from_events(events(rows), UNITS, window("hour"))
    part = cube.series()[0]
    assert np.flatnonzero(part).size == 23
    np.testing.assert_allclose(part[part > 0], 1 / 23)
    assert part.sum() == pytest.approx(1, abs=1e-12)


def test_weights_are_the_parts_of_the_interval():
    rows = [(4, "2026-03-10 10:30", "2026-03-10 12:30")]
    series = cube_from_events(events(rows), UNITS, window("hour")).series()[0]
    first = (8 * 24) + 10
    assert series[first - 1 : first + 4].tolist() == [0, 0.25, 0.5, 0.25, 0]


def test_intervals_within_one_step_keep_whole_numbers():
    rows = [
        (4, "2026-03-10 10:00", "2026-03-10 11:00"),
        (4, "2026-03-10 10:59", "2026-03-10 11:00"),
    ]
    cube = cube_from_events(events(rows), UNITS, window("hour"))
    assert cube.counts.dtype == np.uint32
    assert cube.series()[0, 8 * 24 + 10] == 2


def test_days_and_weeks_are_not_spread_unless_asked_for():
    rows = [(4, "2026-03-08 12:00", "2026-03-09 12:00")]
    cube = cube_from_events(events(rows), UNITS, window("week"))
    assert cube.series()[0, :2].tolist() == [1, 0]
    spread = cube_from_events(events(rows), UNITS, window("week"), spread=True)
    assert spread.series()[0, :2].tolist() == [0.5, 0.5]


def test_what_the_window_cuts_is_told_in_parts():
    rows = [(4, "2026-03-01 12:00", "2026-03-02 12:00"), (4, "2026-03-01", "2026-03-02")]
    cube = cube_from_events(events(rows), UNITS, window("hour"))
    assert cube.counts.sum() == pytest.approx(0.5)
    assert cube.left_out["outside_window"] == pytest.approx(1.5)


def test_an_interval_of_more_than_a_month_says_nothing_about_the_hour():
    rows = [(4, "2026-03-02", "2026-04-20")]
    cube = cube_from_events(events(rows), UNITS, window("hour"))
    assert (cube.counts.sum(), cube.left_out["vague_time"]) == (0, 1)


def test_spreading_needs_the_ends_of_the_intervals():
    frame = events([(4, "2026-03-02", "2026-03-03")]).drop(columns="occurred_until")
    assert cube_from_events(frame, UNITS, window("hour")).series()[0, 0] == 1
    with pytest.raises(InputError, match="occurred_until"):
        cube_from_events(frame, UNITS, window("hour"), spread=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([4, 2, 9]),
            st.integers(-20_000, 90_000),
            st.one_of(st.none(), st.integers(0, 60_000)),
        ),
        max_size=40,
    ),
    st.sampled_from(KINDS),
)
def test_parts_and_what_is_left_out_add_up_to_the_incidents(rows, step):
    start = pd.Timestamp("2026-03-02")
    frame = events(
        [
            (
                unit,
                start + pd.Timedelta(at, "min"),
                None if wide is None else start + pd.Timedelta(at + wide, "min"),
            )
            for unit, at, wide in rows
            if not 38_820 <= at <= 38_940 and not 38_820 <= at + (wide or 0) <= 38_940
        ]
    )  # without the hour that the clock skips
    cube = cube_from_events(frame, UNITS, window(step), spread=True, classes=["noise"])
    total = cube.counts.sum(dtype=float) + sum(cube.left_out.values())
    assert total == pytest.approx(len(frame), abs=1e-9)
    assert cube.counts.min() >= 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, 40_000)), max_size=30))
def test_hours_of_the_week_are_the_hours_added_up(rows):
    start = pd.Timestamp("2026-03-02", tz=ZONE)
    frame = events([(4, None, None)] * len(rows))
    frame["occurred_at"] = pd.DatetimeIndex(
        [start + pd.Timedelta(at, "min") for at, _ in rows], tz=ZONE
    )
    frame["occurred_until"] = pd.DatetimeIndex(
        [start + pd.Timedelta(at + wide, "min") for at, wide in rows], tz=ZONE
    )
    by_hour = cube_from_events(frame, UNITS, window("hour"), classes=["noise"])
    of_week = cube_from_events(frame, UNITS, window("hour_of_week"), classes=["noise"])
    starts = by_hour.steps.starts
    bins = (starts.day_of_week * 24 + starts.hour).to_numpy()
    expected = np.bincount(bins, weights=by_hour.series()[0], minlength=168)
    np.testing.assert_allclose(of_week.series()[0], expected, atol=1e-12)
    ours, theirs = hour_profile(of_week), hour_profile(by_hour)
    np.testing.assert_allclose(ours.counts, theirs.counts, atol=1e-12)
    np.testing.assert_array_equal(ours.hours, theirs.hours)


def weeks_of(n, *, known, seed=1):
    """Incidents at 21:xx local, a share of them known to the day only."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2026-03-02") + pd.to_timedelta(rng.integers(0, 56, n), unit="D")
    at = day + pd.to_timedelta(21 * 60 + rng.integers(0, 60, n), unit="min")
    sure = rng.random(n) < known
    return events(
        list(
            zip(
                [4] * n,
                at.where(sure, day),
                at.where(sure, day + pd.Timedelta(1, "D")),
                strict=True,
            )
        )
    )


def test_unknown_hours_do_not_pile_up_on_midnight():
    frame = weeks_of(4000, known=0.4)
    profile = hour_profile(cube_from_events(frame, UNITS, window("hour_of_week")))
    by_hour = profile.share[0].sum(axis=0)
    assert by_hour[21] == pytest.approx(0.4 + 0.6 / 24, abs=0.03)
    assert by_hour[0] == pytest.approx(0.6 / 24, abs=0.005)
    np.testing.assert_allclose(np.delete(by_hour, 21), 0.6 / 24, atol=0.005)
    piled = hour_profile(cube_from_events(frame, UNITS, window("hour_of_week"), spread=False))
    assert piled.share[0].sum(axis=0)[0] == pytest.approx(0.6, abs=0.03)


def test_the_profile_is_of_rates_so_that_a_doubled_hour_counts_once():
    steps = window("hour_of_week", date(2026, 10, 19), date(2026, 10, 26))
    every_hour = pd.date_range(*steps.window, freq="h", inclusive="left", tz=ZONE)
    frame = pd.DataFrame({"unit_id": 4, "occurred_at": every_hour}).assign(
        category="noise", found_by="resident"
    )
    profile = hour_profile(cube_from_events(frame, UNITS, steps))
    assert profile.counts[0, 6, 1] == profile.hours[6, 1] == 2
    np.testing.assert_allclose(profile.per_hour, 1.0)
    np.testing.assert_allclose(profile.share, 1 / 168)


def test_a_rare_class_leans_on_the_week_of_all():
    frame = pd.concat(
        [weeks_of(500, known=1.0), weeks_of(2, known=1.0, seed=9).assign(category="dump")]
    )
    cube = cube_from_events(frame, UNITS, window("hour_of_week"))
    alone, shrunk = hour_profile(cube), hour_profile(cube, pooled_events=50)
    np.testing.assert_allclose(shrunk.share.sum(axis=(1, 2)), 1)
    assert alone.share[0].max() >= 0.5 > 0.2 > shrunk.share[0].max()
    none = cube_from_events(
        frame.assign(category="noise"), UNITS, window("hour_of_week"), classes=["noise", "park"]
    )
    assert np.isnan(hour_profile(none).share[1]).all()
    np.testing.assert_allclose(
        hour_profile(none, pooled_events=1).share[1], hour_profile(none).share[0]
    )


def test_a_profile_needs_hours():
    frame = events([(4, "2026-03-02", "2026-03-03")])
    with pytest.raises(InputError, match="by day does not say at which hour"):
        hour_profile(cube_from_events(frame, UNITS, window("day")))
    with pytest.raises(InputError, match="must not be negative"):
        hour_profile(cube_from_events(frame, UNITS, window("hour")), pooled_events=-1)
    short = window("hour", date(2026, 3, 2), date(2026, 3, 5))
    with pytest.raises(InputError, match="every hour of the week"):
        hour_profile(cube_from_events(frame, UNITS, short))
    with pytest.raises(InputError, match="none by drone"):
        hour_profile(cube_from_events(frame, UNITS, window("hour")), found_by=["drone"])
