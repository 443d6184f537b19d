"""What makes room in routes leaves them sound, and a pool puts good halves together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.routes.cross_kernel import cross
from patrol.routes.problem import RoutingProblem, Stop, Unit
from patrol.routes.route_pool import RoutePool
from patrol.routes.ruin_kernel import force, overfill, ruin
from patrol.routes.schedule_kernel import STALE, price_insertion, time_route
from patrol.routes.search import SearchParams, find_routes
from patrol.routes.search_kernel import recreate
from patrol.routes.tours import copied, make_ground, start_tour


def scattered(seed, *, n=24, m=3, finish=700.0, capacity=None, windows=False):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 300, (n + 1, 2))
    way = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    stops = tuple(Stop(f"s{v}", float(rng.integers(1, 20)), 20.0) for v in range(n))
    if windows:
        opens = rng.uniform(0, finish / 2, n)
        stops = tuple(
            replace(stop, opens_s=float(t), closes_s=float(t) + finish / 2)
            for stop, t in zip(stops, opens, strict=True)
        )
    units = tuple(Unit(f"u{k}", "foot", 0, 0, 0.0, finish, (), capacity) for k in range(m))
    return RoutingProblem(stops, units, {"foot": way})


def full_tour(problem, seed):
    ground = make_ground(problem)
    tour = start_tour(ground, problem, [()] * len(problem.units))
    touched = np.zeros(len(problem.units), dtype=np.bool_)
    state = np.array([seed + 1], dtype=np.uint64)
    recreate(ground, tour, touched, 1.0, 1.5, state)
    return ground, tour, touched, state


def assert_sound(ground, tour):
    visited = []
    for k, size in enumerate(tour.size):
        order = tour.seq[k, 1 : size + 1].tolist()
        visited += order
        assert size <= ground.room[k]
        assert (tour.unit[order] == k).all()
        assert time_route(ground, tour, k)
    assert len(set(visited)) == len(visited) == (tour.unit >= 0).sum()
    fresh = copied(tour)
    for v in np.flatnonzero(tour.unit < 0):
        for k in np.flatnonzero(tour.cost[v] != STALE):
            price_insertion(ground, fresh, int(v), int(k))
            assert tour.cost[v, k] == pytest.approx(fresh.cost[v, k], abs=1e-6)


@pytest.mark.parametrize("capacity", [None, 5])
@pytest.mark.parametrize("seed", range(8))
def test_an_overfilled_route_fits_again_and_its_prices_are_right(seed, capacity):
    problem = scattered(seed, capacity=capacity)
    ground, tour, touched, state = full_tour(problem, seed)
    left_out = np.flatnonzero(tour.unit < 0)
    assert len(left_out)
    for v in left_out:
        trial = copied(tour)
        overfill(ground, trial, int(v), 1.0, 0.5, touched, state)
        assert_sound(ground, trial)
        assert touched.any() or (trial.size == ground.room).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_stop_that_is_put_in_by_overfilling_stays_while_others_go(seed):
    problem = scattered(seed)
    ground, tour, touched, state = full_tour(problem, seed)
    v = int(np.flatnonzero(tour.unit < 0)[0])
    overfill(ground, tour, v, 1.0, 0.0, touched, state)
    assert tour.unit[v] >= 0


@pytest.mark.parametrize("seed", range(8))
def test_a_forced_stop_goes_in_where_it_fits_and_nowhere_else(seed):
    problem = scattered(seed)
    ground, tour, touched, state = full_tour(problem, seed)
    for v in np.flatnonzero(tour.unit < 0):
        full = copied(tour)
        force(ground, full, int(v), touched)
        assert full.unit[v] == -1  # full routes have no room
        for _ in range(5):
            trial = copied(tour)
            if ruin(ground, trial, 8.0, touched, state) < 0:
                continue
            force(ground, trial, int(v), touched)
            ends = np.array([trial.at[k, size + 1] for k, size in enumerate(trial.size)])
            assert trial.unit[v] >= 0 or (ends + trial.cost[v] > 700.0).all()
            assert_sound(ground, trial)


@pytest.mark.parametrize("capacity", [None, 5])
@pytest.mark.parametrize("windows", [False, True])
def test_routes_that_exchange_their_ends_fit_and_their_prices_are_right(windows, capacity):
    done = 0
    for seed in range(8):
        problem = scattered(seed, capacity=capacity, windows=windows)
        ground, tour, touched, state = full_tour(problem, seed)
        for v in range(problem.n_stops):
            trial = copied(tour)
            crossed = cross(ground, trial, v, 1.0, 0.5, touched, state)
            assert_sound(ground, trial)
            assert touched.sum() == (2 if crossed else 0)
            assert crossed or orders_of(trial) == orders_of(tour)
            done += crossed
    assert done > 0


def orders_of(tour):
    return [tour.seq[k, : size + 2].tolist() for k, size in enumerate(tour.size)]


def test_two_routes_that_cross_change_over():
    xy = np.array([[1, 0], [2, 0], [3, 1], [4, 1], [1, 1], [2, 1], [3, 0], [4, 0],
                   [0, 0], [5, 0], [0, 1], [5, 1]], dtype=float)  # fmt: skip
    way = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    stops = tuple(Stop(f"s{v}", 1.0) for v in range(8))
    units = (Unit("low", "foot", 0, 1, 0.0, 9.0), Unit("high", "foot", 2, 3, 0.0, 9.0))
    problem = RoutingProblem(stops, units, {"foot": way})
    ground = make_ground(problem)
    tour = start_tour(ground, problem, [[0, 1, 2, 3], [4, 5, 6, 7]])
    crossed = [tour.at[k, 5] for k in range(2)]
    touched, state = np.zeros(2, dtype=np.bool_), np.array([3], dtype=np.uint64)
    ends = set()
    for _ in range(40):
        trial = copied(tour)
        assert cross(ground, trial, 1, 1.0, 0.5, touched, state)
        assert_sound(ground, trial)
        ends.add((trial.at[0, 5], trial.at[1, 5]))
    assert (5.0, 5.0) in ends
    assert min(crossed) > 5.8


def test_no_unit_gets_a_stop_by_exchange_that_it_may_not_visit():
    problem = scattered(4)
    only = [replace(stop, units=frozenset({f"u{v % 3}"})) for v, stop in enumerate(problem.stops)]
    problem = RoutingProblem(tuple(only), problem.units, dict(problem.travel_s))
    ground, tour, touched, state = full_tour(problem, 4)
    for v in np.tile(np.arange(problem.n_stops), 20):
        cross(ground, tour, int(v), 1.0, 0.5, touched, state)
        visited = np.flatnonzero(tour.unit >= 0)
        assert (tour.unit[visited] == visited % 3).all()


def test_a_pool_puts_the_good_halves_of_two_tours_together():
    problem = scattered(1, n=12, m=2, finish=5000.0)
    ground = make_ground(problem)
    pool = RoutePool(ground)
    for orders in ([[0, 1, 2, 3, 4, 5], [6]], [[0], [6, 7, 8, 9, 10, 11]]):
        pool.add(start_tour(ground, problem, orders))
    rng = np.random.default_rng(1)
    found = [sorted(v for order in pool.combine(rng) for v in order) for _ in range(60)]
    assert list(range(12)) in found
    assert all(len(set(stops)) == len(stops) for stops in found)


def test_a_pool_gives_no_unit_the_route_of_another_kind():
    problem = scattered(2, n=12, m=2, finish=5000.0)
    units = (problem.units[0], Unit("v", "vehicle", 0, 0, 0.0, 5000.0))
    problem = RoutingProblem(
        problem.stops, units, dict.fromkeys(("foot", "vehicle"), problem.travel_s["foot"])
    )
    ground = make_ground(problem)
    pool = RoutePool(ground)
    pool.add(start_tour(ground, problem, [[0, 1, 2], [6, 7]]))
    pool.add(start_tour(ground, problem, [[3, 4], [8, 9, 10]]))
    for seed in range(20):
        on_foot, by_car = pool.combine(np.random.default_rng(seed))
        assert set(on_foot) <= {0, 1, 2, 3, 4}
        assert set(by_car) <= {6, 7, 8, 9, 10}


def test_a_pool_forgets_the_oldest_routes():
    problem = scattered(3, n=12, m=1, finish=5000.0)
    ground = make_ground(problem)
    pool = RoutePool(ground, most=2)
    for v in range(4):
        pool.add(start_tour(ground, problem, [[v]]))
    kept = {tuple(pool.combine(np.random.default_rng(seed))[0]) for seed in range(20)}
    assert kept == {(2,), (3,)}


def test_a_search_of_several_chains_is_decided_by_its_seed():
    problem = scattered(4)
    params = SearchParams(iterations=5000)
    one, other = (
        find_routes(problem, rng=np.random.default_rng(7), params=params) for _ in range(2)
    )
    assert one == other
