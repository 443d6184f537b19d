"""Week after week patrols go where the counts say, and find what is where they go.

Two areas have the same true rate for ever; only the patrols of the first half year were unequal.
The planner is the real one: recent level, carried on by the trend as far as it is proven, shared
out with the default floor of half an hour. What differs is what becomes of the incidents found.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from analytics.bias.effort import EffortParams, correct_for_effort
from analytics.bias.equity import equity_table
from analytics.bias.sensitivity import sweep_reporting
from analytics.cube import Cube, Units
from analytics.fdr import adjust_fdr
from analytics.steps import make_steps
from analytics.trends import mann_kendall
from patrol.allocate import AllocationParams, allocate_hours
from patrol.demand import expect_demand

BOTH = ("resident", "patrol")
WINDOW, RECENT = 26, 6
STEPS = make_steps(date(2024, 1, 1), date(2024, 7, 1), step="week", time_zone="Asia/Shanghai")
TOTAL_H, FOUND_PER_H = 40.0, 0.2
SEEDS, FEW_SEEDS = range(12), range(4)
SETTLED = 0.1
"""How far from its true share an area's mean share over the last 100 of 200 weeks may lie."""


def by_plan(series, week):
    """Return the hours of the real planner."""
    test = mann_kendall(series)
    demand = expect_demand(
        series[:, -RECENT:].mean(axis=1)[:, None],
        slope=test.slope[:, None],
        q_value=adjust_fdr(test.p)[:, None],
        weight=np.ones(1),
    )
    rules = AllocationParams(total_h=TOTAL_H, explore_share=0.0)
    return allocate_hours(demand, params=rules, turn=week).hours


def to_the_worst(series, week):
    """Return all hours, but a floor of two, for the area with the most incidents."""
    hours = np.full(len(series), 2.0)
    hours[series[:, -RECENT:].sum(axis=1).argmax()] += TOTAL_H - hours.sum()
    return hours


def cube_of(reported, found, hours):
    counts = np.stack([np.transpose(reported), np.transpose(found)], axis=-1)
    units = Units("area", np.arange(len(counts)), {"patrol_hours": np.transpose(hours)})
    return Cube(counts[:, :, None, :].astype(np.uint32), units, STEPS, ("dump",), BOTH)


def signal(cube, method, rng):
    """Return what the planner sees, ``(n_units, n_steps)``."""
    if method != "as-is":
        cube = correct_for_effort(cube, EffortParams(method, least_h=0.5), rng=rng).cube
    return cube.series(found_by=BOTH).astype(np.float64)


@cache
def final_share(method, seed, *, rule=by_plan, reports=0.0, true=(1.0, 1.0), start=0.7, weeks=200):
    """Return the first area's share of hours, the mean over the last 100 weeks."""
    rng = np.random.default_rng(seed)
    rate = np.array(true)
    hours = [np.array([start, 1 - start]) * TOTAL_H] * WINDOW
    found = [rng.poisson(FOUND_PER_H * rate * h) for h in hours]
    reported = [rng.poisson(reports * rate) for _ in hours]
    for week in range(weeks):
        cube = cube_of(reported[-WINDOW:], found[-WINDOW:], hours[-WINDOW:])
        hours.append(rule(signal(cube, method, rng), week))
        found.append(rng.poisson(FOUND_PER_H * rate * hours[-1]))
        reported.append(rng.poisson(reports * rate))
    return float(np.mean([h[0] for h in hours[-100:]]) / TOTAL_H)


def shares(method, *, seeds=SEEDS, **how):
    return np.array([final_share(method, seed, **how) for seed in seeds])


def ran_away(share):
    return (share > 0.9) | (share < 0.1)


def test_without_correction_patrols_run_away_to_one_of_two_equal_areas():
    share = shares("as-is")
    assert ran_away(share).mean() > 0.6
    assert (np.abs(share - 0.5) > SETTLED).mean() > 0.8


def test_without_correction_the_worst_area_first_rule_runs_away_every_time():
    assert ran_away(shares("as-is", rule=to_the_worst)).all()
    # It is the head start that decides, not the need.
    assert (shares("as-is", rule=to_the_worst) > 0.9).all()
    assert (shares("as-is", rule=to_the_worst, start=0.3) < 0.1).all()


@pytest.mark.parametrize("method", ["by-dose", "thinned"])
def test_with_either_correction_equal_areas_settle_near_half_and_half(method):
    share = shares(method)
    assert (np.abs(share - 0.5) < SETTLED).all()
    assert abs(share.mean() - 0.5) < 0.03


@pytest.mark.parametrize("method", ["by-dose", "thinned"])
def test_even_the_worst_first_rule_does_not_run_away_with_a_correction(method):
    assert not ran_away(shares(method, rule=to_the_worst)).any()


@pytest.mark.parametrize("method", ["leave-out", "by-dose", "thinned"])
def test_with_reports_mixed_in_equal_areas_settle_too(method):
    share = shares(method, seeds=FEW_SEEDS, reports=4.0)
    assert (np.abs(share - 0.5) < SETTLED).all()


def test_reports_mixed_in_weaken_the_loop_and_do_not_cure_it():
    """Of five incidents three happen in the first area; as many are reported as found."""
    true = (1.5, 1.0)
    as_is = shares("as-is", seeds=FEW_SEEDS, reports=4.0, true=true)
    assert (as_is > 0.6 + SETTLED / 2).all()
    for method in ("leave-out", "by-dose", "thinned"):
        share = shares(method, seeds=FEW_SEEDS, reports=4.0, true=true)
        assert abs(share.mean() - 0.6) < 0.03
        assert (share < as_is).all()


@pytest.fixture(scope="module")
def quiet():
    """Three equal areas watched alike; the third reports half as often. Half a year of counts."""
    rng = np.random.default_rng(4)
    reported = [rng.poisson([20.0, 20.0, 10.0]) for _ in range(WINDOW)]
    hours = [np.full(3, 12.0)] * WINDOW
    found = [rng.poisson(0.5 * h) for h in hours]
    return cube_of(reported, found, hours)


def plan_hours(need):
    """Return hours by level alone, between the default floor and cap."""
    nothing = np.full((len(need), 1), np.nan)
    demand = expect_demand(need[:, None], slope=nothing, q_value=nothing, weight=np.ones(1))
    rules = AllocationParams(total_h=60.0, explore_share=0.0)
    return allocate_hours(demand, params=rules).hours


def test_an_area_that_reports_half_as_often_gets_too_little_and_the_sweep_says_how_much(quiet):
    """Leaving found incidents out closes the loop and does not hear who stays silent."""
    reported = quiet.totals(found_by=("resident",)).astype(np.float64)
    sweep = sweep_reporting(reported, plan_hours).set_index("row")
    assert sweep.loc[2, "hours"] == pytest.approx(60 * 0.2, abs=1.0)
    assert sweep.loc[2, "hours_if_mended"] == pytest.approx(60 / 3, abs=1.0)
    assert sweep.loc[2, "lack"] == pytest.approx(8.0, abs=1.0)
    assert sweep.loc[2, "moved_share"] == pytest.approx(8.0 / 60, abs=0.02)


def test_finds_by_effort_show_who_stays_silent(quiet):
    table = equity_table(quiet, ["a", "b", "quiet"], hours=plan_hours(quiet.totals()))
    ratio = table.set_index("group")["reporting_ratio"]
    assert ratio["quiet"] / ratio[["a", "b"]].mean() == pytest.approx(0.5, abs=0.1)
    given = table.set_index("group")["hours_per_need"]
    assert given["quiet"] < 0.9 < 1.0 < given["a"]
