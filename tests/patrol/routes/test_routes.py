"""Routes keep every rule, collect what they can, and say what cannot be done."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from patrol.routes.balance import balance_routes, least_above, least_longest
from patrol.routes.check import check_routes
from patrol.routes.diagnose import find_blame
from patrol.routes.planning import plan_routes, replan_routes, stand_by_plan
from patrol.routes.problem import Break, Routes, RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes, make_routes
from patrol.routes.travel import Site

SHORT = SearchParams(iterations=600)


def crow(xy):
    return np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))


def problem_of(stops, units, xy, modes=("foot",)):
    return RoutingProblem(tuple(stops), tuple(units), {mode: crow(xy) for mode in modes})


def random_problem(seed, *, n=30, m=3, windows=True, finish=900.0):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 300, (n + 1, 2))
    stops = []
    for v in range(n):
        opens = rng.uniform(0, 500) if windows and rng.random() < 0.5 else -np.inf
        closes = opens + rng.uniform(60, 300) if np.isfinite(opens) else np.inf
        stops.append(Stop(f"s{v}", float(rng.integers(1, 20)), 30.0, opens, closes))
    units = [Unit(f"u{k}", "foot", 0, 0, 0.0, finish) for k in range(m)]
    return problem_of(stops, units, xy)


def find(problem, seed=1, params=SHORT):
    routes = find_routes(problem, rng=np.random.default_rng(seed), params=params)
    assert check_routes(problem, routes) == []
    return routes


def test_a_search_that_has_enough_ends_before_its_time():
    problem = random_problem(3, windows=False)
    whole = find(problem, params=SearchParams(iterations=20_000))
    part = find(problem, params=SearchParams(iterations=20_000, enough=whole.prize / 2))
    assert whole.prize / 2 <= part.prize
    assert part.iterations < 20_000 == whole.iterations


def best_by_hand(problem):
    """Return the most prize of one unit, by trying every order of every set."""
    n = problem.n_stops
    return max(
        routes.prize
        for size in range(n + 1)
        for order in permutations(range(n), size)
        for routes in [make_routes(problem, [order])]
        if not check_routes(problem, routes)
    )


class TestSearch:
    @settings(max_examples=12, deadline=None)
    @given(st.integers(0, 10_000), st.booleans())
    def test_small_problems_are_solved_to_the_optimum(self, seed, windows):
        problem = random_problem(seed, n=5, m=1, windows=windows, finish=500.0)
        assert find(problem).prize == best_by_hand(problem)

    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 10_000), st.booleans())
    def test_routes_keep_every_rule(self, seed, windows):
        problem = random_problem(seed, windows=windows)
        musts = [replace(s, must=v % 10 == 0) for v, s in enumerate(problem.stops)]
        rest = Break(200.0, 400.0, 60.0)
        units = [replace(u, breaks=(rest,), capacity=7 + k) for k, u in enumerate(problem.units)]
        find(replace(problem, stops=tuple(musts), units=tuple(units)))

    def test_seed_and_length_decide_the_routes(self):
        problem = random_problem(3)
        assert find(problem, 5).routes == find(problem, 5).routes

    def test_what_must_be_visited_is_visited_though_it_pays_nothing(self):
        problem = random_problem(4, windows=False)
        stops = tuple(
            replace(s, prize=0.0, must=True) if v == 7 else s for v, s in enumerate(problem.stops)
        )
        assert 7 not in find(replace(problem, stops=stops)).left_out

    def test_cars_and_walkers_use_their_own_times(self):
        xy = np.array([[900.0, 0], [50, 0], [0, 0]])
        stops = [Stop("far", 5), Stop("near", 5)]
        units = [Unit("walker", "foot", 0, 0, 0, 200), Unit("car", "vehicle", 0, 0, 0, 200)]
        travel = {"foot": crow(xy), "vehicle": crow(xy) / 10}
        routes = find(RoutingProblem(tuple(stops), tuple(units), travel))
        assert 0 in routes.routes[1].stops
        assert routes.left_out == ()

    def test_a_stop_goes_only_to_units_that_may_visit_it(self):
        problem = random_problem(6, windows=False)
        stops = tuple(replace(s, units=frozenset({"u1"})) for s in problem.stops)
        routes = find(replace(problem, stops=stops))
        assert routes.routes[0].stops == routes.routes[2].stops == ()

    def test_no_stops_give_empty_routes(self):
        routes = find(problem_of([], [Unit("u", "foot", 0, 0, 0, 10)], np.zeros((1, 2))))
        assert routes.prize == 0
        assert routes.routes[0].stops == ()

    def test_routes_given_first_are_where_the_search_begins(self):
        problem = random_problem(8, windows=False)
        before = find(problem)
        again = find_routes(
            problem, rng=np.random.default_rng(2), params=SearchParams(iterations=1),
            first=[route.stops for route in before.routes],
        )  # fmt: skip
        assert again.prize >= before.prize


class TestCheck:
    @pytest.fixture
    def found(self):
        problem = random_problem(9)
        return problem, find(problem)

    def test_a_visit_outside_its_window_is_found(self, found):
        problem, routes = found
        v = routes.routes[0].stops[0]
        late = replace(problem.stops[v], opens_s=-2.0, closes_s=-1.0)
        stops = tuple(late if i == v else s for i, s in enumerate(problem.stops))
        assert "begins outside its window" in " ".join(
            check_routes(replace(problem, stops=stops), routes)
        )

    def test_a_unit_that_is_back_late_is_found(self, found):
        problem, routes = found
        units = tuple(replace(u, finish_s=100.0) for u in problem.units)
        assert "after its shift" in " ".join(check_routes(replace(problem, units=units), routes))

    def test_a_wrong_prize_and_double_visits_are_found(self, found):
        problem, routes = found
        assert "add up to" in " ".join(check_routes(problem, replace(routes, prize=1.0)))
        v = routes.routes[0].stops[0]
        twice = make_routes(problem, [[v], [v], []])
        assert "visited 2 times" in " ".join(check_routes(problem, twice))

    def test_a_missing_rest_and_full_units_are_found(self, found):
        problem, routes = found
        units = tuple(replace(u, breaks=(Break(0, 500, 10),), capacity=1) for u in problem.units)
        faults = " ".join(check_routes(replace(problem, units=units), routes))
        assert "gets no rest" in faults
        assert "more than 1 stops" in faults


class TestBlame:
    XY = np.array([[100.0, 0.0], [0.0, 0.0], [5000.0, 0.0]])
    UNIT = Unit("walker", "foot", 0, 0, 0.0, 600.0)

    def blame(self, stop, unit=UNIT, xy=XY):
        return [(b.subject, b.rule) for b in find_blame(problem_of([stop], [unit], xy))]

    def test_a_must_that_is_possible_is_not_blamed(self):
        assert self.blame(Stop("a", must=True)) == []

    @pytest.mark.parametrize(
        ("changed", "rule"),
        [
            ({"closes_s": 50.0}, "window"),
            ({"dwell_s": 550.0}, "time"),
            ({"units": frozenset()}, "units"),
        ],
    )
    def test_the_rule_that_forbids_a_must_is_named(self, changed, rule):
        assert self.blame(Stop("a", must=True, **changed)) == [("a", rule)]

    def test_a_stop_without_a_road_is_named(self):
        problem = problem_of([Stop("a", must=True)], [self.UNIT], self.XY)
        cut = problem.travel_s["foot"].copy()
        cut[0, :] = cut[:, 0] = np.inf
        assert [b.rule for b in find_blame(replace(problem, travel_s={"foot": cut}))] == ["reach"]

    def test_shifts_and_rests_that_do_not_fit_are_named(self):
        assert self.blame(Stop("a"), replace(self.UNIT, end=1)) == [("walker", "shift")]
        rest = Break(590.0, 595.0, 100.0)
        assert self.blame(Stop("a"), replace(self.UNIT, breaks=(rest,))) == [("walker", "rest")]

    def test_musts_that_do_not_fit_together_are_named(self):
        stops = [Stop(f"m{i}", must=True, dwell_s=300.0) for i in range(3)]
        xy = np.zeros((3, 2))
        with pytest.raises(InputError, match=r"m\d must be visited but does not fit beside"):
            plan_routes(stops, [self.UNIT], Site(None), stop_xy=xy, base_xy=np.zeros((1, 2)),
                        rng=np.random.default_rng(1), search=SHORT)  # fmt: skip

    @pytest.mark.parametrize(
        ("made", "words"),
        [
            (lambda: Stop("a", prize=-1), "stop a: the prize"),
            (lambda: Stop("a", dwell_s=float("nan")), "stop a: the dwell"),
            (lambda: Stop("a", opens_s=5, closes_s=4), "stop a: its window"),
            (lambda: Unit("u", "foot", 0, 0, 5, 5), "unit u: its shift"),
            (
                lambda: problem_of([Stop("a")] * 2, [TestBlame.UNIT], np.zeros((3, 2))),
                "a occurs twice",
            ),
            (lambda: problem_of([Stop("a")], [], np.zeros((2, 2))), "no unit"),
            (
                lambda: problem_of(
                    [Stop("a", units=frozenset({"x"}))], [TestBlame.UNIT], np.zeros((2, 2))
                ),
                "no unit 'x'",
            ),
        ],
    )
    def test_input_that_cannot_be_is_refused_by_name(self, made, words):
        with pytest.raises(InputError, match=words):
            made()


class TestBalance:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_work_is_shared_for_a_small_loss(self, seed):
        problem = random_problem(seed, n=40, m=4, windows=False, finish=1200.0)
        before = find(problem)
        shared = balance_routes(problem, before, rng=np.random.default_rng(7), search=SHORT)
        assert check_routes(problem, shared.routes) == []
        assert shared.routes.prize >= 0.99 * before.prize
        assert shared.even
        assert shared.routes.makespan_s <= 1.05 * shared.routes.mean_work_s

    def test_many_units_with_few_visits_share_them_by_moves_over_several_routes(self):
        rng = np.random.default_rng(5)
        xy = rng.uniform(0, 2000, (80, 2))
        stops = [Stop(f"s{v}", 30.0, 900.0) for v in range(60)]
        units = [Unit(f"u{k}", "foot", k, k, 0.0, 6 * 3600.0, (Break(7200.0, 14_400.0, 1800.0),))
                 for k in range(20)]  # fmt: skip
        problem = problem_of(stops, units, xy)
        before = find(problem)
        shared = balance_routes(problem, before, rng=np.random.default_rng(7), search=SHORT)
        assert check_routes(problem, shared.routes) == []
        assert shared.routes.prize >= 0.99 * before.prize
        assert shared.over <= 0.05 < before.makespan_s / before.mean_work_s - 1

    def test_work_that_cannot_be_even_is_proved_so_and_the_stop_named(self):
        xy = np.array([[0.0, 50], [0, -50], [4000, 0], [0, 0]])
        stops = [Stop(name, 10.0, 60.0) for name in ("near", "nearer", "far")]
        units = [Unit(f"u{k}", "foot", 0, 0, 0.0, 9000.0) for k in range(3)]
        problem = problem_of(stops, units, xy)
        before = find(problem)
        shared = balance_routes(problem, before, rng=np.random.default_rng(7), search=SHORT)
        assert not shared.even
        assert shared.least_s == pytest.approx(8060.0)
        assert shared.tied_to == 2
        assert shared.proved
        zh, en = shared.why_uneven(problem)
        assert "far" in en
        assert "far" in zh

    def test_fewer_stops_than_units_are_proved_uneven_at_once(self):
        xy = np.array([[0.0, 500], [0, -500], [0, 0]])
        stops = [Stop(name, 10.0, 600.0) for name in ("north", "south")]
        units = [Unit(f"u{k}", "foot", 0, 0, 0.0, 9000.0) for k in range(3)]
        problem = problem_of(stops, units, xy)
        shared = balance_routes(problem, find(problem), rng=np.random.default_rng(7), search=SHORT)
        assert not shared.even
        assert shared.least_over == pytest.approx(0.5)  # two work, three share the mean
        assert shared.over == pytest.approx(0.5)
        assert "50.0% above the mean" in shared.why_uneven(problem)[1]

    @pytest.mark.parametrize("seed", [4, 5, 6, 7])
    def test_no_sharing_comes_nearer_to_the_mean_than_the_bound_or_works_more_than_allowed(
        self, seed
    ):
        problem = random_problem(seed, n=7, m=5)
        before = find(problem)
        shared = balance_routes(problem, before, rng=np.random.default_rng(seed), search=SHORT)
        assert 0 <= shared.least_over <= shared.over + 1e-9
        works = [sum(r.work_s for r in routes.routes) for routes in (before, shared.routes)]
        assert works[1] <= 1.5 * works[0] + 1e-6
        assert least_above(problem, 0.0, most=works[0]) == 0.0

    @pytest.mark.parametrize("seed", [4, 5, 6, 7])
    def test_no_routes_have_less_longest_work_than_the_bound(self, seed):
        problem = random_problem(seed, n=12, m=3)
        found = find(problem)
        least, _ = least_longest(problem, prize=found.prize)
        assert 0 < least <= found.makespan_s + 1e-9
        assert least_longest(problem, prize=0.0) == (0.0, -1)


class TestReplanning:
    def plan(self):
        rng = np.random.default_rng(12)
        xy, bases = rng.uniform(0, 4000, (60, 2)), rng.uniform(1000, 3000, (4, 2))
        stops = [Stop(f"s{v}", float(rng.integers(1, 9)), 600.0) for v in range(60)]
        units = [Unit(f"u{k}", "vehicle", k, k, 0.0, 4 * 3600.0) for k in range(4)]
        return plan_routes(stops, units, Site(None), stop_xy=xy, base_xy=bases,
                           rng=np.random.default_rng(1), search=SHORT)  # fmt: skip

    def test_an_incident_is_reached_and_visited_stops_stay_visited(self):
        plan = self.plan()
        standings = stand_by_plan(plan, 5000.0)
        done = {plan.problem.stops[v].stop_id for s in standings for v in s.done}
        assert done
        incident = Stop("fire", 1.0, 1200.0, 5000.0, 5000.0 + 1800, must=True)
        new = replan_routes(plan, standings, [incident], incident_xy=np.array([[2000.0, 2000.0]]),
                            rng=np.random.default_rng(3))  # fmt: skip
        assert new.routes.missed == ()
        assert done.isdisjoint(stop.stop_id for stop in new.problem.stops)
        fire = new.problem.n_stops - 1
        visit = next(v for r in new.routes.routes for v in r.visits if v.stop == fire)
        assert 5000.0 <= visit.start_s <= 6800.0
        assert all(route.begin_s >= 5000.0 for route in new.routes.routes)

    def test_an_incident_sends_as_few_units_another_way_as_can_be(self):
        rng = np.random.default_rng(5)
        xy, bases = rng.uniform(0, 4000, (40, 2)), rng.uniform(0, 4000, (10, 2))
        stops = [Stop(f"s{v}", float(rng.integers(1, 9)), 600.0) for v in range(40)]
        units = [Unit(f"u{k}", "vehicle", k, k, 0.0, 8 * 3600.0) for k in range(10)]
        plan = plan_routes(stops, units, Site(None), stop_xy=xy, base_xy=bases,
                           rng=np.random.default_rng(1), search=SHORT)  # fmt: skip
        incident = Stop("fire", 1.0, 1200.0, 1000.0, 1900.0, must=True)
        standings = stand_by_plan(plan, 1000.0)
        new = replan_routes(plan, standings, [incident], incident_xy=np.array([[2000.0, 2000.0]]),
                            rng=np.random.default_rng(3))  # fmt: skip
        assert new.routes.left_out == ()  # the shift is long: nothing need be given up
        moved = 0
        for k, stand in enumerate(standings):
            ahead = [plan.problem.stops[v].stop_id for v in plan.routes.routes[k].stops
                     if v not in stand.done]  # fmt: skip
            has = [new.problem.stops[v].stop_id for v in new.routes.routes[k].stops]
            moved += has != ahead
        assert moved == 1

    def test_an_incident_that_nobody_can_reach_is_missed_and_the_rest_goes_on(self):
        plan = self.plan()
        incident = Stop("far", must=True, closes_s=5001.0)
        new = replan_routes(plan, stand_by_plan(plan, 5000.0), [incident],
                            incident_xy=np.array([[90_000.0, 0.0]]), rng=np.random.default_rng(3))  # fmt: skip
        assert new.routes.missed == (new.problem.n_stops - 1,)
        assert isinstance(new.routes, Routes)
        assert new.routes.prize > 0


def test_ways_without_roads_are_straight_and_say_so():
    plan = plan_routes(
        [Stop("a", 1.0)], [Unit("u", "foot", 0, 0, 0.0, 1e4)], Site(None),
        stop_xy=np.array([[100.0, 0.0]]), base_xy=np.zeros((1, 2)),
        rng=np.random.default_rng(1), search=SHORT,
    )  # fmt: skip
    assert not plan.routes.on_roads
    assert plan.line(0).length == pytest.approx(200.0)
    assert plan.travel.metres["foot"][0, 1] == pytest.approx(130.0)
