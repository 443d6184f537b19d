"""Visits are drawn fairly, as often as they should be, and at times that do not collide."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import InputError
from patrol.shifts import PlanShift
from patrol.visit_times import visit_times
from patrol.visits import VisitParams, cover_fairly, draw_places, spread_visits


def worst_by_linear_program(need: np.ndarray, visits: float, floor: float) -> float:
    n = len(need)
    cost = np.concatenate([np.zeros(n), [1.0]])
    above = np.column_stack([-np.diag(need), -np.ones(n)])
    answer = linprog(
        cost,
        A_ub=above,
        b_ub=-need,
        A_eq=np.concatenate([np.ones(n), [0.0]])[None],
        b_eq=[visits],
        bounds=[(floor, 1.0)] * n + [(0.0, None)],
    )
    return float(answer.fun)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.floats(0, 1), st.floats(0, 0.5), st.integers(0, 9999))
def test_the_worst_place_is_as_well_off_as_a_linear_program_can_make_it(n, part, floor, seed):
    need = np.random.default_rng(seed).gamma(0.5, 3.0, n).round(3)
    visits = n * (floor + (1 - floor) * part)
    cover = cover_fairly(need, visits=visits, floor=floor)
    assert cover.chance.sum() == pytest.approx(visits, abs=1e-6)
    assert (cover.chance >= floor - 1e-12).all()
    assert (cover.chance <= 1).all()
    assert cover.worst == pytest.approx(worst_by_linear_program(need, visits, floor), abs=1e-6)


def test_held_out_places_get_no_visit_and_the_others_share_them_all():
    out = np.array([True, False, False, False])
    cover = cover_fairly(np.array([9.0, 3.0, 2.0, 1.0]), visits=2, hold_out=out)
    assert cover.chance[0] == 0
    assert cover.chance.sum() == pytest.approx(2)


def test_more_visits_than_places_are_refused_with_what_is_possible():
    with pytest.raises(InputError, match="between 0 and 2 visits"):
        cover_fairly(np.ones(2), visits=3)


def test_no_places_and_no_visits_give_an_empty_answer():
    assert len(cover_fairly(np.empty(0), visits=0).chance) == 0


def test_every_day_has_its_number_and_each_place_comes_as_often_as_its_chance():
    chance = cover_fairly(np.random.default_rng(1).gamma(1, 2, 50), visits=12, floor=0.1).chance
    rng = np.random.default_rng(2)
    days = [draw_places(chance, rng=rng) for _ in range(4000)]
    assert {len(day) for day in days} == {12}
    often = np.bincount(np.concatenate(days), minlength=50) / len(days)
    assert np.abs(often - chance).max() < 0.04


@given(
    st.floats(0, 1000), st.floats(1, 1500), st.floats(0, 1), st.floats(0, 0.5), st.integers(0, 9999)
)
def test_visits_lie_in_the_shift_never_overlap_and_last_as_long_as_given(
    start, length, part, jitter, seed
):
    params = VisitParams(jitter_share=jitter)
    rng = np.random.default_rng(seed)
    times = spread_visits(start, start + length, minutes=part * length, rng=rng, params=params)
    assert (times[:, 0] >= start - 1e-9).all()
    assert (times[:, 1] <= start + length + 1e-9).all()
    assert (times[1:, 0] >= times[:-1, 1] - 1e-9).all()
    stays = np.diff(times, axis=1)
    assert stays.sum() == pytest.approx(part * length)
    assert (stays <= params.dwell_min[1] + 1e-9).all()


def test_two_days_differ_and_one_seed_repeats_its_day():
    first, second, again = (
        spread_visits(0, 480, minutes=60, rng=np.random.default_rng(s)) for s in (1, 2, 1)
    )
    assert len(first) == 4
    assert not np.array_equal(first, second)
    assert np.array_equal(first, again)


def test_visits_that_do_not_fit_into_the_shift_are_refused():
    rng = np.random.default_rng(1)
    assert spread_visits(0, 480, minutes=0, rng=rng).shape == (0, 2)
    with pytest.raises(InputError, match="500 minutes do not fit into a shift of 480"):
        spread_visits(0, 480, minutes=500, rng=rng)
    with pytest.raises(InputError, match="before its start"):
        spread_visits(480, 0, minutes=0, rng=rng)


def test_a_plan_gives_the_same_visits_again_and_a_changed_row_changes_its_own_alone():
    day = datetime(2026, 11, 23, tzinfo=UTC)
    shift = PlanShift(1, "早班", "early", day.replace(hour=8), day.replace(hour=16))
    rows = pd.DataFrame(
        {
            "area_id": [1, 2, 3], "code": ["a", "b", "c"], "shift_no": 1,
            "unit_kind": ["foot", "foot", "drone"], "minutes": [60, 30, 0],
        }
    )  # fmt: skip
    times = visit_times(rows, [shift], seed=4)
    pd.testing.assert_frame_equal(times, visit_times(rows, [shift], seed=4))
    assert times["code"].value_counts().to_dict() == {"a": 4, "b": 2}
    assert (times["begins_at"] >= shift.starts_at).all()
    assert (times["ends_at"] <= shift.ends_at).all()
    changed = visit_times(rows.assign(minutes=[60, 45, 0]), [shift], seed=4)
    mine = [frame[frame["code"] == "a"].reset_index(drop=True) for frame in (times, changed)]
    pd.testing.assert_frame_equal(*mine)
    assert not visit_times(rows, [shift], seed=5).equals(times)
    with pytest.raises(InputError, match="has no shift 1"):
        visit_times(rows, [], seed=4)
    long = visit_times(rows.assign(minutes=[600, 0, 0]), [shift], seed=4)
    stays = (long["ends_at"] - long["begins_at"]).dt.total_seconds().sum() / 60
    assert stays == pytest.approx(600, abs=40)
