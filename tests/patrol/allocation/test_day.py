"""A day's rules: the lot, exploring, hold-outs, and which rule is to blame."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.errors import InputError
from patrol.allocation.day import DayRules, Duty, share_day
from patrol.allocation.exact import share_hours
from patrol.allocation.explore import SEEN_SHARE, unsure_of
from patrol.allocation.margins import cell_margins, hour_margins, if_covers
from patrol.allocation.needs import need_by_cell, share_shifts
from patrol.filling import fill_lowest
from patrol.prescribe.files import shipped
from patrol.shifts import PlanShift, parse_shifts, whole_day

N, CODES = 10, [f"g{i}" for i in range(10)]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def duty(hours=((20.0, 4.0), (12.0, 4.0)), kinds=("foot", "drone"), **given):
    defaults = {
        "kinds": kinds, "hours": np.array(hours), "shift_h": np.full(len(hours), 8.0),
        "serves": np.ones((N, len(kinds)), dtype=np.bool_), "way_min": np.zeros((N, len(kinds))),
    }  # fmt: skip
    return Duty(**(defaults | given))


def share(rules=None, on_duty=None, **given):
    on_duty = on_duty or duty()
    need = np.random.default_rng(3).gamma(0.6, 3.0, (N, len(on_duty.hours), len(on_duty.kinds)))
    return share_day(
        need, need * 0.8, on_duty, rules=rules or DayRules(cap_h=12.0), codes=CODES,
        groups=np.arange(N) // 4, **given,
    )  # fmt: skip


def test_all_hours_are_given_and_every_grid_is_visited():
    day = share()
    assert (day.shared.steps.sum(axis=0) * 0.25 == duty().hours).all()
    assert (day.shared.steps.sum(axis=(1, 2)) >= 1).all()
    assert (day.shared.steps >= day.explore + day.surprise).all()


def test_a_tenth_goes_by_lot_and_a_twentieth_to_explore():
    day = share()
    budget = duty().hours / 0.25
    assert (day.surprise.sum(axis=0) == np.floor(0.1 * budget + 1e-9)).all()
    assert day.explore.sum() == np.floor(0.05 * budget + 1e-9).sum()


def test_the_lot_differs_by_seed_and_day_and_is_the_same_for_the_same():
    one, again = share(DayRules(seed=5, cap_h=12.0)), share(DayRules(seed=5, cap_h=12.0))
    assert (one.shared.steps == again.shared.steps).all()
    others = [share(DayRules(seed=6, cap_h=12.0)), share(DayRules(seed=5, cap_h=12.0), turn=1)]
    assert all((one.surprise != other.surprise).any() for other in others)


def test_exploring_goes_where_least_was_watched():
    effort = np.full(N, 40.0)
    effort[[2, 7]] = 0.0
    day = share(DayRules(cap_h=12.0, explore_share=0.1, floor_min=30), effort_h=effort)
    given = day.explore.sum(axis=(1, 2))
    assert given[[2, 7]].tolist() == [4, 4]  # an hour each, the most that exploring gives
    assert given.max() == 4
    assert (np.delete(given, [2, 7]) <= 1).all()


def test_a_grid_that_is_held_out_gets_its_floor_and_no_more_and_needs_a_name():
    day = share(DayRules(hold_out=("g1", "g4"), asked_by="王", cap_h=12.0))
    assert day.shared.steps.sum(axis=(1, 2))[[1, 4]].tolist() == [1, 1]
    assert day.surprise[[1, 4]].sum() == 0
    with pytest.raises(InputError, match="only when a named person asks"):
        DayRules(hold_out=("g1",))
    with pytest.raises(InputError, match="no grid to hold out has the code 'x'"):
        share(DayRules(hold_out=("x",), asked_by="王"))


def test_a_desk_does_not_count_as_a_visit():
    on_duty = duty(((8.0, 8.0),), ("foot", "camera_desk"))
    day = share(DayRules(cap_h=8.0, floor_min=30), on_duty)
    assert (day.shared.steps[:, :, 0].sum(axis=1) >= 2).all()


def test_a_long_way_leaves_less_of_an_hour():
    way = np.zeros((N, 1))
    way[0] = 60.0
    on_duty = duty(((20.0,),), ("foot",), way_min=way)
    need = np.ones((N, 1, 1))
    day = share_day(
        need, need, on_duty, rules=DayRules(floor_min=0, explore_share=0, surprise_share=0),
        codes=CODES, groups=np.zeros(N, dtype=np.int64),
    )  # fmt: skip
    covered = day.problem.covered(day.shared.steps)[:, 0, 0]
    assert covered[0] < covered[1:].min()
    assert day.problem.presence[0, 0] == 0.5


@pytest.mark.parametrize(
    ("rules", "on_duty", "words"),
    [
        ({"floor_min": 300}, {}, "the floor is to blame: 300 min in each of 10 grids is 50 h"),
        ({"cap_h": 3.0}, {}, "the cap is to blame: 10 grids may take 30 h, and 40 h are on duty"),
        ({}, {"serves": np.arange(N)[:, None] * np.ones((1, 2)) > 0},
         "the floor is to blame: no kind of unit on duty can serve grid g0"),
        ({}, {"shift_h": np.full(2, 0.5)}, "the length of the shift is to blame: 20 h of foot"),
        ({}, {"hours": np.array([[20.1, 4.0], [12.0, 4.0]])}, "20.1 h of foot in shift 1 is no"),
    ],
)  # fmt: skip
def test_rules_that_admit_no_plan_are_blamed_by_name(rules, on_duty, words):
    with pytest.raises(InputError, match=words):
        share(DayRules(**rules), duty(**on_duty))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"floor_min": 20}, "must be a multiple of 15"),
        ({"explore_share": 0.3, "surprise_share": 0.3}, "at most half of the hours"),
        ({"fairness": 1.5}, "fairness must lie between 0 and 1"),
        ({"fairness_price": -0.1}, "fairness_price must lie between 0 and 1"),
        ({"cap_h": 0.1}, "below the floor"),
        ({"cover_h": 0.0}, "cover_h must be above 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules, words):
    with pytest.raises(InputError, match=words):
        DayRules(**rules)


def test_an_hour_more_is_worth_what_sharing_it_anew_adds(make_problem):
    problem = make_problem(6, 1, 1, seed=2, budget=np.array([[12]]), lower=np.ones(6, dtype=int))
    found = share_hours(problem)
    more, less = hour_margins(problem, found.steps)
    anew = share_hours(replace(problem, budget=problem.budget + 4))
    before = problem.covered(found.steps).sum()
    assert more[0, 0] == pytest.approx(problem.covered(anew.steps).sum() - before)
    fewer = share_hours(replace(problem, budget=problem.budget - 4))
    assert less[0, 0] == pytest.approx(before - problem.covered(fewer.steps).sum())
    full = replace(problem, upper=found.steps.sum(axis=(1, 2)))
    assert np.isnan(hour_margins(full, found.steps)[0]).all()


def test_a_week_is_shared_over_shifts_by_its_hours_and_windows():
    rng = np.random.default_rng(1)
    profile = rng.dirichlet(np.ones(168), 2).reshape(2, 7, 24)
    day = date(2026, 11, 23)  # a Monday
    shifts = parse_shifts(["08:00-16:00", "16:00-24:00"], day=day, zone=SHANGHAI)
    share = share_shifts(["x", "y"], profile, shifts, {}, zone=SHANGHAI)
    np.testing.assert_allclose(share[:, 0], profile[:, 0, 8:16].sum(axis=1))
    np.testing.assert_allclose(share[:, 1], profile[:, 0, 16:24].sum(axis=1))
    late = replace(shipped()["0504"], window_from=time(17), window_to=time(20))
    held = share_shifts(["x", "y"], profile, shifts, {"x": late}, zone=SHANGHAI)
    assert held[0].tolist() == pytest.approx([0.0, share[0].sum()])
    assert held[1].tolist() == share[1].tolist()
    early = replace(late, window_from=time(3), window_to=time(4))
    np.testing.assert_allclose(
        share_shifts(["x", "y"], profile, shifts, {"x": early}, zone=SHANGHAI), share
    )
    with pytest.raises(InputError, match="the profile has shape"):
        share_shifts(["x"], profile, shifts, {}, zone=SHANGHAI)


def test_half_hours_and_the_hour_of_a_clock_change_count_as_long_as_they_last():
    profile = np.full((1, 7, 24), 1 / 168)
    half = PlanShift(1, "", "", datetime(2026, 5, 4, 8, 30, tzinfo=UTC),
                     datetime(2026, 5, 4, 10, 0, tzinfo=UTC))  # fmt: skip
    share = share_shifts(["x"], profile, [half], {}, zone=ZoneInfo("UTC"))
    assert share[0, 0] == pytest.approx(1.5 / 168)
    chicago = ZoneInfo("America/Chicago")
    spring = whole_day(date(2026, 3, 8), chicago)
    assert share_shifts(["x"], profile, [spring], {}, zone=chicago)[0, 0] == pytest.approx(23 / 168)


def test_need_by_cell_keeps_the_need():
    rng = np.random.default_rng(2)
    by_class, shifts = rng.random((5, 3)), rng.dirichlet(np.ones(4), 3)
    kinds = rng.dirichlet(np.ones(2), 3)
    need = need_by_cell(by_class, shifts, kinds)
    np.testing.assert_allclose(need.sum(axis=(1, 2)), by_class.sum(axis=1))


def test_the_worst_community_is_lifted_at_no_more_than_the_stated_price():
    rng = np.random.default_rng(11)
    need = rng.gamma(0.5, 2.0, (40, 2, 2))
    need[30:] *= 0.2
    on_duty = replace(duty(((60.0, 20.0), (40.0, 20.0))), serves=np.ones((40, 2), dtype=np.bool_),
                      way_min=np.zeros((40, 2)))  # fmt: skip

    def shared(**rules):
        return share_day(
            need, None, on_duty, rules=DayRules(surprise_share=0.0, explore_share=0.0, **rules),
            codes=[f"c{i}" for i in range(40)], groups=np.arange(40) // 10,
        )  # fmt: skip

    plain = shared(fairness=0.0)
    worst = plain.problem.worst_share(plain.shared.steps)
    whole = plain.problem.covered(plain.shared.steps).sum()
    before = worst
    for price in (0.005, 0.02, 0.08):
        fair = shared(fairness_price=price)
        assert fair.problem.covered(fair.shared.steps).sum() >= whole * (1 - price) - 1e-9
        assert fair.problem.worst_share(fair.shared.steps) >= before - 5e-3
        assert fair.shared.gap < 0.01
        before = fair.problem.worst_share(fair.shared.steps)
    assert before > worst + 0.02
    assert (shared(fairness_price=0.0).shared.steps == plain.shared.steps).all()


def test_an_hour_in_a_cell_covers_what_counting_it_anew_says(make_problem):
    problem = make_problem(3, 1, 1, need=np.array([4.0, 2.0, 1.0]).reshape(3, 1, 1))
    steps = np.array([6, 2, 0]).reshape(3, 1, 1)
    more, less = cell_margins(problem, steps)
    covered = 4 * (1 - np.exp(-1.5))
    assert more[0, 0, 0] == pytest.approx(4 * (1 - np.exp(-2.5)) - covered)
    assert less[0, 0, 0] == pytest.approx(covered - 4 * (1 - np.exp(-0.5)))
    # Where less than an hour stands all of it is taken, and nothing where there is none.
    assert less[1, 0, 0] == pytest.approx(2 * (1 - np.exp(-0.5)))
    assert less[2, 0, 0] == 0


def test_exploring_goes_where_the_forecast_knows_least_for_the_hours_watched():
    n, mean = N, np.full(N, 8.0)
    wide = np.full(n, 10.0)
    wide[[3, 6]] = 30.0
    total = np.column_stack([mean, mean - wide / 2, mean + wide / 2])
    unsure = unsure_of(total, mean, unknown=np.zeros(n, bool), interval=0.9, weeks=6)
    day = share(
        DayRules(cap_h=12.0, explore_share=0.1, floor_min=30), effort_h=np.full(n, 5.0),
        unsure=unsure,
    )  # fmt: skip
    given = day.explore.sum(axis=(1, 2))
    assert set(np.flatnonzero(given == given.max())) == {3, 6}
    plain = share(DayRules(cap_h=12.0, explore_share=0.1, floor_min=30), effort_h=np.full(n, 5.0))
    assert np.ptp(plain.explore.sum(axis=(1, 2))) <= 1  # by hours alone nothing tells them apart


def test_what_is_known_of_a_grid_is_worth_the_hours_whose_finds_would_tell_as_much():
    # A 90 % interval of 2 * 1.645 * 5 is a variance of 25, of which 9 are Poisson's.
    z = 1.6448536269514722
    total = np.array([[9.0, 9 - 5 * z, 9 + 5 * z], [9.0, 9 - 3 * z, 9 + 3 * z], [np.nan] * 3])
    found = unsure_of(
        total, np.array([1.0, 1.0, 4.0]), unknown=np.zeros(3, bool), interval=0.9, weeks=6
    )
    assert found.mean.tolist() == [9.0, 9.0, 4.0]
    gamma = 4.0 / ((4.0 + 0.5 / 6) / 6)  # without a forecast: six weeks of counts
    assert found.worth_h == pytest.approx(np.array([9 / 16, 1 / 0.05, gamma]) / SEEN_SHARE)
    dark = unsure_of(
        None, np.array([0.0, 6.0]), unknown=np.array([True, False]), interval=0.9, weeks=6
    )
    assert dark.worth_h[0] == 0.0
    assert dark.mean.tolist() == [6.0, 6.0]  # unknown is not safe: it counts as the others do


def test_hours_to_explore_leave_the_least_variance_that_any_sharing_of_them_does():
    rng = np.random.default_rng(5)
    mean, stock = rng.gamma(2.0, 3.0, N), rng.gamma(2.0, 4.0, N)
    upper = np.full(N, 4.0)
    found = fill_lowest(stock, total=12.0, upper=upper, weight=np.sqrt(mean))
    assert found.sum() == pytest.approx(12.0)

    def left(x):
        return float((mean / (stock + x)).sum())

    for _ in range(300):
        i, j = rng.choice(N, 2, replace=False)
        step = min(0.05, found[i], upper[j] - found[j])
        other = found.copy()
        other[[i, j]] += (-step, step)
        assert left(other) >= left(found) - 1e-9


def test_a_plan_tells_what_it_is_worth_if_an_hour_covers_more_or_less():
    day = share()
    half, twice = day.if_covers
    assert (half.cover_h, twice.cover_h) == (0.5, 2.0)
    assert half.covered > float(day.problem.covered(day.shared.steps).sum()) > twice.covered
    assert all(
        one.covered <= one.best + 1e-9 or one.worst < one.best_worst for one in day.if_covers
    )
    same = if_covers(day.problem, day.shared.steps, 1.0)
    assert same.best == pytest.approx(same.covered, rel=2e-3)
