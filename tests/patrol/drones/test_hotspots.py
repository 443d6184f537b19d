"""Hotspot missions: the most prize that batteries allow, around every zone."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
import shapely
from shapely.geometry import box

from geo.errors import InputError
from patrol.drones.aircraft import Aircraft, Wind, path_time
from patrol.drones.hotspots import HotspotParams, plan_hotspots
from patrol.drones.sorties import Crew
from patrol.routes.search import SearchParams

PARAMS = HotspotParams(dwell_s=20.0, search=SearchParams(iterations=4000))


def make_crew(**changes):
    facts = {"base": (0.0, 0.0), "height_m": 60.0, "aircraft": Aircraft(endurance_s=500)}
    return Crew(**(facts | changes))


def plan(spots, prizes, *, no_fly=(), params=PARAMS, **changes):
    rng = np.random.default_rng(5)
    return plan_hotspots(
        spots, prizes, crew=make_crew(**changes), no_fly=no_fly, params=params, rng=rng
    )


def test_the_best_set_of_few_hotspots_is_found():
    rng = np.random.default_rng(2)
    spots, prizes = rng.uniform(-900, 900, (6, 2)), rng.uniform(1, 9, 6)
    crew, found = make_crew(), plan(spots, prizes)

    def lasts(order):
        stops = [np.zeros(2), *spots[list(order)], np.zeros(2)]
        legs = pairwise(stops)
        seconds = sum(path_time(np.stack(leg), crew.aircraft) for leg in legs)
        return seconds + 20 * len(order) + crew.aircraft.vertical_s(60) <= crew.aircraft.usable_s

    best = max(
        prizes[list(chosen)].sum()
        for size in range(7)
        for chosen in combinations(range(6), size)
        if any(lasts(order) for order in permutations(chosen))
    )
    assert found.prize_share * prizes.sum() == pytest.approx(best)


def test_flights_last_no_longer_than_the_battery_and_count_each_spot_once():
    rng = np.random.default_rng(4)
    spots, prizes = rng.uniform(-800, 800, (40, 2)), rng.uniform(1, 9, 40)
    found = plan(spots, prizes, drones=2, wind=Wind(5.0, 120.0))
    seen = [spot for flight in found.flights for spot in flight.spots]
    assert len(seen) == len(set(seen)) == 40 - len(found.left_out)
    assert {flight.drone for flight in found.flights} == {0, 1}
    for flight in found.flights:
        assert flight.duration_s <= make_crew().aircraft.usable_s + 1.0
        np.testing.assert_allclose(flight.path[flight.hold_s > 0], spots[list(flight.spots)])


def test_ways_lead_around_zones_and_spots_inside_them_are_left_out():
    zone = box(100, -300, 200, 300)
    spots = np.array([(400.0, 0.0), (150.0, 0.0)])
    found = plan(spots, np.ones(2), no_fly=[zone])
    assert found.left_out == found.unreachable == (1,)
    assert not shapely.intersects(zone, shapely.LineString(found.flights[0].path))


def test_a_spot_too_far_for_a_battery_is_named():
    found = plan(np.array([(100.0, 0.0), (9000.0, 0.0)]), np.ones(2))
    assert (found.unreachable, found.prize_share) == ((1,), 0.5)


def test_no_hotspots_give_no_flights():
    found = plan(np.empty((0, 2)), np.empty(0))
    assert (found.flights, found.prize_share) == ((), 1.0)


def test_bad_prizes_and_a_base_in_a_zone_are_refused():
    with pytest.raises(InputError, match="prize of 0 or more"):
        plan(np.zeros((1, 2)) + 50, np.array([-1.0]))
    with pytest.raises(InputError, match=r"base at 0\.0, 0\.0"):
        plan(np.zeros((1, 2)) + 50, np.ones(1), no_fly=[box(-5, -5, 5, 5)])
