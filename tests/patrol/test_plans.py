"""A draft holds every grid, its hours and why, and leaves its inputs alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

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


def test_signals_refuse_rows_that_fit_no_grid_or_come_twice(grids):
    codes = list(grids["code"])
    counts = pd.DataFrame({"grid": [codes[0]], "category": ["a"], "recent": [1], "total": [2]})
    trends = pd.DataFrame(columns=["grid", "category", "slope", "q_value"])
    given = {"names": {"a": ("甲", "a")}, "recent_steps": 6}
    with pytest.raises(InputError, match="'nowhere' is not among the grids"):
        gather_signals(codes, counts=counts.assign(grid="nowhere"), trends=trends, **given)
    with pytest.raises(InputError, match="occurs twice"):
        gather_signals(codes, counts=pd.concat([counts, counts]), trends=trends, **given)
    with pytest.raises(InputError, match="trends lacks the column 'slope'"):
        gather_signals(codes, counts=counts, trends=trends.drop(columns="slope"), **given)
    with pytest.raises(InputError, match="class 'a' has no name"):
        gather_signals(codes, counts=counts, trends=trends, names={}, recent_steps=6)


def test_times_without_a_zone_and_empty_windows_are_refused(context):
    with pytest.raises(InputError, match="made_at has no time zone"):
        replace(context, made_at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InputError, match="before data_until"):
        replace(context, data_from=context.data_until)
