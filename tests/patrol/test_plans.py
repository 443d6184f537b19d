"""A draft holds every grid, its hours and why, and leaves its inputs alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from analytics.cube import Cube, Units
from analytics.steps import make_steps
from analytics.trends import find_class_trends
from geo.errors import CrsError, InputError
from patrol.allocate import AllocationParams
from patrol.plans import draft_plan, equity_table
from patrol.signals import gather_signals


def test_a_plan_spends_its_hours_and_names_every_grid(plan, grids):
    assert plan.items["hours"].sum() == 18.0
    assert plan.items["code"].tolist() == grids["code"].tolist()
    assert plan.items.crs == 4326
    assert len(plan.reasons) == 6


def test_the_proven_rise_gets_most_and_says_why(plan):
    items = plan.items
    assert items["hours"].idxmax() == 1
    assert items["trend_h"][1] > 0
    assert "dumping up 35 % in 6 weeks (q < 0.01)" in items["reason_en"][1]
    assert "暴露垃圾6周上升35%（q<0.01）" in items["reason_zh"][1]
    assert "no proven trend (q = 0.60)" in items["reason_en"][2]
    assert "no proven trend (not tested)" in items["reason_en"][4]


def test_a_grid_without_reports_is_unknown_and_still_gets_its_floor(plan):
    assert plan.items["unknown"].tolist() == [False] * 5 + [True]
    assert plan.items["hours"][5] >= 0.5
    assert "not safe" in plan.items["reason_en"][5]


def test_drafting_leaves_the_grids_as_they_were(grids, signals, context):
    before = grids.copy()
    draft_plan(grids, signals, context=context, params=AllocationParams(total_h=18))
    pd.testing.assert_frame_equal(pd.DataFrame(grids), pd.DataFrame(before))


def test_unpatrolled_grids_get_the_exploring_hours(grids, signals, context):
    effort = np.array([5.0, 5.0, 5.0, 0.0, 5.0, 5.0])
    params = AllocationParams(total_h=10, explore_share=0.1)
    plan = draft_plan(grids, signals, context=context, params=params, effort_h=effort)
    assert plan.items["explore_h"].tolist() == [0, 0, 0, 1.0, 0, 0]


def test_odd_steps_move_on_with_the_date(grids, signals, context):
    params = AllocationParams(total_h=18, explore_share=0.05)
    explored = set()
    for day in (23, 24, 25, 26):
        later = replace(context, plan_date=context.plan_date.replace(day=day))
        plan = draft_plan(grids, signals, context=later, params=params)
        explored.add(tuple(plan.items["explore_h"] > 0))
    assert len(explored) == 4


def test_the_equity_table_adds_up_by_community(plan):
    table = plan.equity.set_index("community")
    assert table["hours"].sum() == 18.0
    assert table["hours_share"].sum() == pytest.approx(1)
    assert table["need_share"].sum() == pytest.approx(1)
    assert table.loc["东社区", "households"] == 1490
    assert table.loc["西社区", "unknown_grids"] == 1
    assert table.loc["东社区", "hours_per_1000_households"] == pytest.approx(
        1000 * table.loc["东社区", "hours"] / 1490
    )


def test_a_community_without_households_has_no_hours_per_household():
    items = pd.DataFrame(
        {
            "community": [None],
            "households": [None],
            "hours": [2.0],
            "expected": [0.0],
            "unknown": [True],
        }
    )
    table = equity_table(items)
    assert table["community"].tolist() == ["—"]
    assert np.isnan(table["hours_per_1000_households"][0])
    assert table["need_share"].tolist() == [0.0]


def test_signals_and_grids_must_agree(grids, signals, context):
    params = AllocationParams(total_h=18)
    with pytest.raises(InputError, match="6 rows of signals for 5 grids"):
        draft_plan(grids.iloc[:5], signals, context=context, params=params)
    with pytest.raises(InputError, match="lack the column 'households'"):
        draft_plan(grids.drop(columns="households"), signals, context=context, params=params)
    with pytest.raises(CrsError, match="no coordinate reference system"):
        draft_plan(
            grids.set_crs(None, allow_override=True), signals, context=context, params=params
        )
    with pytest.raises(InputError, match="occurs twice"):
        draft_plan(grids.assign(code="1"), signals, context=context, params=params)


@pytest.fixture
def found():
    return pd.DataFrame(
        {
            "unit_id": [7],
            "category": ["a"],
            "total": [9],
            "recent": [6],
            "slope": [0.5],
            "q_value": [0.1],
        }
    )


def test_signals_stand_by_grid_and_class_and_silence_is_no_report(found):
    signals = gather_signals([3, 7], found, names={}, recent_steps=6, weights={"a": 2.0})
    assert signals.level.tolist() == [[0.0], [1.0]]
    assert signals.reports.tolist() == [0.0, 9.0]
    assert np.isnan(signals.q_value[0, 0])
    assert signals.weight.tolist() == [2.0]
    assert signals.names["a"] == ("a", "a")


def test_signals_refuse_rows_that_fit_no_grid_or_come_twice(found):
    with pytest.raises(InputError, match="grid 7, which is not among the grids"):
        gather_signals([3], found, names={}, recent_steps=6)
    with pytest.raises(InputError, match="occurs twice"):
        gather_signals([7], pd.concat([found, found]), names={}, recent_steps=6)
    with pytest.raises(InputError, match="lack the column 'slope'"):
        gather_signals([7], found.drop(columns="slope"), names={}, recent_steps=6)


def test_trends_of_analytics_fit_without_change():
    rng = np.random.default_rng(3)
    counts = rng.poisson(3, (4, 20, 2, 1))
    counts[0, :, 0, 0] += np.arange(20)
    counts[3] = 0
    steps = make_steps(date(2026, 1, 5), date(2026, 5, 25), step="week", time_zone="Asia/Shanghai")
    cube = Cube(counts, Units("area", np.array([5, 6, 8, 9])), steps, ("a", "b"), ("resident",))
    signals = gather_signals(
        [5, 6, 8, 9], find_class_trends(cube, recent_steps=6), names={}, recent_steps=6
    )
    assert signals.level == pytest.approx(counts[:, -6:, :, 0].mean(axis=1))
    assert signals.slope[0, 0] > 0.5
    assert signals.q_value[0, 0] < 0.01
    assert signals.reports[3] == 0


def test_times_without_a_zone_and_empty_windows_are_refused(context):
    with pytest.raises(InputError, match="made_at has no time zone"):
        replace(context, made_at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InputError, match="before data_until"):
        replace(context, data_from=context.data_until)
