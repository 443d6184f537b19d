from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sqlalchemy import text

from analytics.cube import Cube, Units
from analytics.delay import (
    FEWEST,
    MOST_FACTOR,
    DelayTriangle,
    correct_recent,
    delay_factors,
    describe_delay,
    overall_completeness,
    propose_embargo,
    recent_completeness,
    recent_factors,
)
from analytics.delay_store import read_delay_triangle
from analytics.latest_changes import find_latest_changes
from analytics.queries import CubeRequest
from analytics.steps import make_steps
from geo.demo.categories import FOUND_BY
from geo.demo.events import DAY_S
from geo.demo.reports import DELAY_MIN, reported_seconds
from geo.errors import InputError

DAYS, LAGS = 90, 30


def triangle_of(step, lag, *, n_steps=DAYS, n_lags=LAGS, kind=None, source=None, names=("all",)):
    counts = np.zeros((n_steps, n_lags, len(names), 1), dtype=np.int64)
    kept = (lag < n_lags) & (step + lag < n_steps)
    kind = np.zeros(len(step), np.int64) if kind is None else kind
    np.add.at(counts, (step[kept], lag[kept], kind[kept], 0), 1)
    return DelayTriangle(counts, names, ("resident",), "day", n_seen=n_steps, age=0.0)


def demo_triangle(name, rng, n=60_000):
    """Return the triangle of events at even times, reported as the demo district plants it."""
    at = rng.uniform(0, DAYS * DAY_S, n)
    finder = np.full(n, FOUND_BY.index(name))
    reported = reported_seconds(at, finder, rng)
    return triangle_of((at // DAY_S).astype(int), (reported // DAY_S - at // DAY_S).astype(int))


def planted_share(name):
    """Return the planted law as the share in by lag, of what comes within all lags."""
    law, minutes, spread = DELAY_MIN[name]
    delay = (
        stats.lognorm(spread, scale=minutes) if law == "lognormal" else stats.expon(scale=minutes)
    )
    rest = 1440 * (1 - (np.arange(5000) + 0.5) / 5000)
    share = np.array([delay.cdf(rest + 1440 * lag).mean() for lag in range(LAGS)])
    return share / share[-1]


@pytest.mark.parametrize("name", ["resident", "other", "drone", "sensor"])
def test_the_delay_that_the_demo_plants_is_recovered(name):
    found = overall_completeness(demo_triangle(name, np.random.default_rng(11)))
    truth = planted_share(name)
    assert np.abs(found.share - truth).max() < 0.01
    unsure = np.maximum(found.sd * found.share, 1e-4)
    assert (np.abs(found.share - truth) < 4 * unsure + 1e-3).all()


def test_the_interval_holds_the_truth_as_often_as_it_says():
    truth, inside = planted_share("other"), []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        low, high = overall_completeness(demo_triangle("other", rng, n=1500)).bounds()
        inside.append([(low[lag] <= truth[lag]) & (truth[lag] <= high[lag]) for lag in (0, 1, 3)])
    assert (np.abs(np.mean(inside, axis=0) - 0.95) < 0.05).all()


def test_the_share_rises_to_one_and_an_embargo_keeps_what_is_complete_enough():
    triangle = demo_triangle("other", np.random.default_rng(2))
    share = overall_completeness(triangle).share
    assert (np.diff(share) >= 0).all()
    assert share[-1] == 1
    for least in (0.1, 0.5, 0.9, 0.99):
        embargo = propose_embargo(triangle, least=least)
        assert share[embargo] >= least
        assert embargo == 0 or share[embargo - 1] < least


def test_reports_at_once_ask_for_no_embargo_and_no_correction():
    step = np.repeat(np.arange(DAYS), 10)
    triangle = triangle_of(step, np.zeros(len(step), np.int64))
    assert propose_embargo(triangle) == 0
    assert (overall_completeness(triangle).share == 1).all()
    one = cube(np.ones((2, DAYS), dtype=np.uint16))
    assert correct_recent(one, triangle) is one


def cube(series, classes=("all",)):
    days = series.shape[1]
    start = date(2024, 1, 1)
    end = date.fromordinal(start.toordinal() + days)
    steps = make_steps(start, end, step="day", time_zone="Asia/Shanghai")
    counts = series[:, :, None, None] * np.ones((1, 1, len(classes), 1), dtype=series.dtype)
    return Cube(counts, Units("cell", np.arange(len(series))), steps, classes, ("resident",))


def test_what_is_missing_at_the_end_is_put_right_on_average_and_old_steps_stay():
    triangle = demo_triangle("other", np.random.default_rng(7))
    seen = np.where(triangle.known[:, :, None, None], triangle.counts, 0).sum(axis=(1, 2, 3))
    right = correct_recent(cube(seen[None]), triangle).series()[0]
    usual = seen[: DAYS - LAGS].mean()
    assert seen[-1] < 0.35 * usual
    # The last day is raised by no more than the limit; those before it come out level.
    assert right[-6:-1] == pytest.approx(np.full(5, usual), rel=0.12)
    assert right[-1] <= MOST_FACTOR * seen[-1] + 1e-9
    np.testing.assert_array_equal(right[: DAYS - LAGS], seen[: DAYS - LAGS])


def test_a_class_with_few_incidents_takes_the_law_of_its_source():
    rng = np.random.default_rng(1)
    many = rng.integers(0, DAYS, 5000), rng.geometric(0.5, 5000) - 1
    few = rng.integers(0, DAYS, FEWEST // 4), np.full(FEWEST // 4, 5)
    step, lag = (np.r_[a, b] for a, b in zip(many, few, strict=True))
    kind = np.repeat([0, 1], [5000, FEWEST // 4])
    share = delay_factors(triangle_of(step, lag, kind=kind, names=("often", "seldom"))).share
    pooled = overall_completeness(triangle_of(step, lag, kind=kind, names=("often", "seldom")))
    np.testing.assert_array_equal(share[:, 1, 0], pooled.share)
    assert share[0, 0, 0] == pytest.approx(0.5, abs=0.03)


def test_older_data_are_nearly_complete_so_little_is_added():
    triangle = replace(demo_triangle("other", np.random.default_rng(3)), age=20.0)
    factors = recent_factors(cube(np.ones((1, DAYS), dtype=np.int64)), triangle)
    assert factors.max() < 1.02
    assert (np.diff(factors[:, 0, 0]) >= 0).all()


def test_late_reports_do_not_look_like_a_fall_on_the_weekly_list():
    triangle = demo_triangle("other", np.random.default_rng(5))
    seen = np.where(triangle.known[:, :, None, None], triangle.counts, 0).sum(axis=(1, 2, 3))
    cut = DAYS - 1  # the day before the newest, of which two thirds are in
    steps = cube(seen[None])
    one = replace(
        steps,
        counts=np.array(steps.counts[:, :cut]),
        steps=replace(steps.steps, edges=steps.steps.edges[: cut + 1]),
    )
    now = replace(triangle, counts=triangle.counts[:cut], age=1.0)
    assert find_latest_changes(one)["direction"].tolist() == ["fall"]
    assert find_latest_changes(one, complete=recent_completeness(now)).empty


def test_wrong_shapes_steps_and_shares_are_refused():
    triangle = demo_triangle("sensor", np.random.default_rng(0), n=100)
    with pytest.raises(InputError, match="between 0 and 1"):
        propose_embargo(triangle, least=1.0)
    week = make_steps(date(2024, 1, 1), date(2024, 2, 1), step="week", time_zone="UTC")
    counts = np.ones((1, len(week), 1, 1))
    weekly = Cube(counts, Units("cell", np.arange(1)), week, ("all",), ("resident",))
    with pytest.raises(InputError, match="by day cannot correct a cube by week"):
        correct_recent(weekly, triangle)
    with pytest.raises(InputError, match="steps x lags"):
        replace(triangle, classes=("a", "b"))
    assert describe_delay(None) is None


@pytest.mark.db
def test_the_database_counts_the_triangle_in_local_days(db, district):
    """Delays of 0 to 9 days by hash, over both changes of the clock; some without any time."""
    db.execute(
        text(
            "UPDATE incident SET reported_at = CASE WHEN incident_id % 11 < 10 THEN "
            "occurred_at + (incident_id % 11) * interval '30 hours' END"
        )
    )
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2020, 12, 1), step="day")
    triangle = read_delay_triangle(db, request, n_lags=8)
    rows = pd.DataFrame(
        db.execute(
            text(
                "SELECT (occurred_at AT TIME ZONE 'America/Chicago')::date AS day, "
                "(reported_at AT TIME ZONE 'America/Chicago')::date AS reported, found_by, code "
                "FROM incident JOIN category USING (category_id) "
                "WHERE found_by IN ('resident', 'sensor', 'other')"
            )
        ).all()
    )
    rows = rows[pd.to_datetime(rows["day"]) < pd.Timestamp("2020-12-01")]
    rows["lag"] = (pd.to_datetime(rows["reported"]) - pd.to_datetime(rows["day"])).dt.days
    assert triangle is not None
    assert triangle.no_report_time == rows["lag"].isna().sum()
    assert triangle.beyond == (rows["lag"] >= 8).sum()
    kept = rows[rows["lag"] < 8]
    assert triangle.counts.sum() == len(kept)
    by_lag = kept.groupby("lag").size()
    np.testing.assert_array_equal(triangle.counts.sum(axis=(0, 2, 3)), by_lag.to_numpy())
    one = kept[(kept["found_by"] == "sensor") & (kept["code"] == "park")]
    place = triangle.classes.index("park"), triangle.found_by.index("sensor")
    assert triangle.counts[:, :, *place].sum() == len(one)
    assert triangle.age > 8  # reports of December came in after the window


@pytest.mark.db
def test_without_any_time_of_report_nothing_is_claimed(db, district):
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2021, 1, 1))
    assert read_delay_triangle(db, request) is None
    with pytest.raises(InputError, match="hours of the week"):
        read_delay_triangle(db, replace(request, step="hour_of_week"))
