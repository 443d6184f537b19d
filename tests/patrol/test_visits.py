"""Visits are drawn fairly, as often as they should be, and at times that do not collide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import InputError
from patrol.visits import VisitParams, cover_fairly, draw_places, draw_times


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


@given(st.floats(0, 1000), st.floats(0, 1500), st.floats(0, 0.5), st.integers(0, 9999))
def test_visits_lie_in_the_shift_and_never_overlap(start, length, jitter, seed):
    params = VisitParams(jitter_share=jitter)
    times = draw_times(start, start + length, rng=np.random.default_rng(seed), params=params)
    assert (times[:, 0] >= start - 1e-9).all()
    assert (times[:, 1] <= start + length + 1e-9).all()
    assert (times[1:, 0] >= times[:-1, 1] - 1e-9).all()
    if length >= params.dwell_min[1]:
        assert len(times) >= 1


def test_two_days_differ_and_one_seed_repeats_its_day():
    first, second = (draw_times(0, 480, rng=np.random.default_rng(s)) for s in (1, 2))
    again = draw_times(0, 480, rng=np.random.default_rng(1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, again)
