"""Rounds of looks: need first, nobody forgotten, half of the best at least, and the same again."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from patrol.coverage.cameras import Watch
from patrol.rounds.needs import camera_needs, main_classes
from patrol.rounds.schedule import RoundParams, expected_finds, plan_round, round_table
from patrol.rounds.sheet import round_html

PLAIN = RoundParams(watchers=1, screens=1, slot_min=5, visible_min=30, jitter=0.0, explore=0.0)


def needs(*rates: float) -> np.ndarray:
    return np.repeat(np.array(rates, dtype=float)[:, None], 24, axis=1)


def plan(need, n_slots=12, params=PLAIN, seed=0, **kwargs):
    hours = np.full(n_slots, 9)
    return plan_round(need, hours, params, rng=np.random.default_rng(seed), **kwargs)


def test_needier_cameras_are_looked_at_more_often() -> None:
    order = plan(needs(4.0, 2.0, 1.0), n_slots=60).ravel()
    count = np.bincount(order, minlength=3)
    assert count[0] > count[1] >= count[2] > 0


def test_equal_cameras_take_turns() -> None:
    order = plan(needs(1.0, 1.0, 1.0, 1.0), n_slots=8).ravel()
    assert sorted(order[:4].tolist()) == sorted(order[4:].tolist()) == [0, 1, 2, 3]


def test_a_share_of_looks_goes_to_the_camera_that_waited_longest() -> None:
    need = needs(9.0, *[0.0] * 4)
    assert set(plan(need, n_slots=50).ravel()[6:].tolist()) == {0}
    exploring = RoundParams(watchers=1, screens=1, visible_min=30, jitter=0.0, explore=0.2)
    count = np.bincount(plan(need, n_slots=50, params=exploring).ravel(), minlength=5)
    assert count.sum() == 50
    assert (count[1:] >= 2).all()
    assert count[0] >= 35


def test_hour_of_need_decides() -> None:
    need = np.zeros((2, 24))
    need[0, 8], need[1, 20] = 1.0, 1.0
    order = plan_round(need, np.array([8, 20]), PLAIN, rng=np.random.default_rng(0))
    assert order.ravel().tolist() == [0, 1]


def test_what_was_looked_at_just_now_waits() -> None:
    order = plan(needs(1.0, 1.0), n_slots=1, last_look_min=np.array([1.0, 60.0]))
    assert order.ravel().tolist() == [1]


def test_no_camera_twice_in_a_slot_and_seed_decides_all() -> None:
    params = RoundParams(watchers=3, screens=4, jitter=0.3)
    need = np.random.default_rng(1).gamma(0.5, size=(40, 24))
    one, two, other = (plan(need, params=params, seed=s) for s in (7, 7, 8))
    assert one.shape == (12, 3, 4)
    assert (one == two).all()
    assert (one != other).any()
    assert all(len(set(slot.ravel().tolist())) == 12 for slot in one)
    few = plan(needs(1.0, 2.0), params=params)
    assert sorted(few[0].ravel().tolist()) == [-1] * 10 + [0, 1]
    assert sorted(few[0, :, 0].tolist()) == [-1, 0, 1]  # one camera a watcher before a second


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_round_finds_at_least_half_of_what_the_best_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    need = np.repeat(rng.gamma(0.7, size=(3, 1)), 24, axis=1)
    params = RoundParams(
        watchers=1,
        screens=1,
        slot_min=5,
        visible_min=int(rng.choice([5, 10, 20])),
        jitter=0.0,
        explore=0.0,
    )
    hours = np.full(6, 12)
    found = expected_finds(plan(need, n_slots=6, params=params), need, hours, params)
    best = max(
        expected_finds(np.array(order).reshape(6, 1, 1), need, hours, params)
        for order in product(range(3), repeat=6)
    )
    assert found >= best / 2 - 1e-9


def test_needs_are_reports_in_view_by_hour() -> None:
    watch = Watch(np.array([0, 0, 1]), np.array([0, 1, 1]), n_cameras=3, n_points=2)
    need = camera_needs(watch, np.array([0, 12]), weeks=2.0)
    assert need.shape == (3, 24)
    assert need.sum(axis=1) == pytest.approx([2 / 14, 1 / 14, 0])
    assert need[0, [23, 0, 1]] == pytest.approx(np.array([0.25, 0.5, 0.25]) / 14)
    assert main_classes(watch, pd.Series(["dump", "park"])) == ["dump", "park", ""]


def test_sheet_has_a_page_a_watcher_and_hides_no_sign() -> None:
    start = datetime(2026, 11, 23, 22, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    params = RoundParams(watchers=2, screens=2, slot_min=30)
    table = round_table(
        plan(needs(1, 2, 3, 4), n_slots=5, params=params), starts_at=start, params=params
    )
    assert len(table) == 20
    assert table["due_at"].iloc[-1].isoformat() == "2026-11-24T00:00:00+08:00"
    table = table.assign(camera_name="<b>东门</b>", look_for="占道经营")
    page = round_html(table, name_zh="模拟区", name_en="Demo", simulated=True)
    assert page.count("<h2>") == 2
    assert "&lt;b&gt;东门" in page
    assert "<b>" not in page
    assert "SIMULATED" in page
    assert "Camera round" not in round_html(
        table, name_zh="区", name_en="D", simulated=False, lang="zh"
    )


def test_impossible_desks_are_refused() -> None:
    for change in ({"watchers": 0}, {"visible_min": 1}, {"jitter": 0.9}):
        with pytest.raises(InputError):
            RoundParams(**change)
    with pytest.raises(InputError, match="hour of the day"):
        plan(np.ones((3, 7)))
    with pytest.raises(InputError, match="time zone"):
        round_table(plan(needs(1.0)), starts_at=datetime(2026, 1, 1), params=PLAIN)  # noqa: DTZ001
