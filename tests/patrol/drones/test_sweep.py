"""Sweeps: all of what can be seen is seen, nobody leaves the area, and no battery runs empty."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from geo.errors import GeometryError, InputError
from patrol.drones.aircraft import Aircraft, Wind, ground_speeds, leg_times, path_time
from patrol.drones.camera import Camera, footprint_at, height_for, resolution_at
from patrol.drones.gaps import seen_along
from patrol.drones.lines import count_rows
from patrol.drones.space import FlightSpace, turn_by, turn_points
from patrol.drones.sweep import SweepParams, plan_sweep
from patrol.drones.tour import TourCosts, order_cells

# A camera that sees 60 by 45 m from 60 m.
CAMERA = Camera(sensor_width_mm=10, sensor_height_mm=7.5, focal_mm=10)


def make_params(**changes):
    return SweepParams(**({"height_m": 60.0, "camera": CAMERA} | changes))


def stays_inside(plan, free):
    """Say whether every leg with pictures lies in the free ground, to the last bit."""
    return all(
        shapely.covers(free, shapely.linestrings(np.stack([f.path[:-1], f.path[1:]], 1)))[
            f.camera_on
        ].all()
        for f in plan.flights
    )


def shown(plan, params):
    """Return the ground that the flights show, from nothing but their corners."""
    angle = np.radians(plan.angle_deg)
    paths = [
        turn_points(flight.path[i : i + 2], -angle)
        for flight in plan.flights
        for i in np.flatnonzero(flight.camera_on)
    ]
    return turn_by(seen_along(paths, params.footprint), angle)


@st.composite
def areas(draw):
    """Draw a star-shaped area of up to 40 ha, perhaps with a hole, and perhaps a zone."""
    n = draw(st.integers(4, 12))
    radii = draw(st.lists(st.floats(130, 360), min_size=n, max_size=n))
    turn = draw(st.floats(0, 1))
    angles = (np.arange(n) + turn) * 2 * np.pi / n
    area = Polygon(np.column_stack([np.cos(angles), np.sin(angles)]) * np.array(radii)[:, None])
    if draw(st.booleans()):
        area = area - Point(draw(st.floats(-60, 60)), 20).buffer(draw(st.floats(10, 60)))
    zones = [box(40, -70, draw(st.floats(50, 140)), -20)] if draw(st.booleans()) else []
    return area, zones


@given(drawn=areas(), wind=st.floats(0, 6), drones=st.integers(1, 3))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_sweep_shows_everything_that_can_be_seen_and_never_leaves_the_area(drawn, wind, drones):
    area, zones = drawn
    free = area - shapely.union_all(zones)
    base = (-400.0, -400.0)
    params = make_params(wind=Wind(wind, 250.0), drones=drones)
    plan = plan_sweep(area, base=base, no_fly=zones, params=params)
    assert stays_inside(plan, free)
    # What can be seen is what lies within half a picture of where the aircraft may be.
    room = free.buffer(-params.margin_m - 2.0)
    reach = free.intersection(room.buffer(params.footprint.along_m / 2 - 0.1))
    assert shown(plan, params).intersection(reach).area >= 0.995 * reach.area
    assert plan.covered >= 0.995
    for flight in plan.flights:
        assert flight.duration_s <= params.aircraft.usable_s + 1e-6
        assert tuple(flight.path[0]) == tuple(flight.path[-1]) == base
        legs = shapely.linestrings(np.stack([flight.path[:-1], flight.path[1:]], 1))
        assert not shapely.intersects(shapely.union_all(zones), legs).any()


def test_what_one_picture_shows_is_taken_though_the_aircraft_does_not_move():
    area = Polygon([(0, -130), (-130, 0), (0, 130), (130, 0)]) - Point(0, 20).buffer(43)
    plan = plan_sweep(area, base=(-400.0, -400.0), params=make_params(angle_deg=45.0))
    still = [
        flight.camera_on & (np.hypot(*np.diff(flight.path, axis=0).T) < 1e-6)
        for flight in plan.flights
    ]
    assert sum(one.sum() for one in still) == 1
    reach = area.buffer(-7.0).buffer(22.0).intersection(area)
    assert shown(plan, make_params()).intersection(reach).area >= 0.995 * reach.area


def test_a_rectangle_takes_little_more_than_its_lines():
    params = make_params(side_overlap=0.0, margin_m=0.0)
    plan = plan_sweep(box(0, 0, 900, 600), base=(450.0, 0.0), params=params)
    assert plan.angle_deg in (0.0, 90.0)
    assert plan.covered >= 0.997
    assert plan.bound_s == pytest.approx(900 * 600 / 60 / 10, rel=0.01)
    assert plan.flight_s <= 1.25 * plan.bound_s + params.aircraft.vertical_s(60)


def test_lines_run_along_a_long_strip_whatever_its_direction():
    strip = turn_by(box(0, 0, 1500, 170), np.radians(33))
    plan = plan_sweep(strip, base=(0.0, -30.0), params=make_params())
    assert plan.angle_deg == pytest.approx(33, abs=1)


def test_wind_across_the_lines_is_avoided_where_the_shape_does_not_care():
    square = box(0, 0, 700, 700)
    params = make_params(wind=Wind(7.0, 0.0))
    assert plan_sweep(square, base=(0.0, -50.0), params=params).angle_deg in (0.0, 90.0)


def test_flights_stay_inside_when_the_base_is():
    comb = MultiPolygon([box(0, 0, 900, 150) | box(0, 0, 120, 700) | box(700, 0, 820, 700)])
    plan = plan_sweep(comb, base=(60.0, 600.0), params=make_params())
    for flight in plan.flights:
        assert shapely.covers(comb, shapely.LineString(flight.path))


def test_no_battery_runs_empty_and_more_drones_are_done_sooner():
    area, craft = box(0, 0, 1500, 1200), Aircraft(endurance_s=900, reserve_share=0.2)
    made = [
        plan_sweep(area, base=(0.0, 0.0), params=make_params(aircraft=craft, drones=n))
        for n in (1, 2, 4)
    ]
    for plan in made:
        assert max(f.duration_s for f in plan.flights) <= 720
        assert plan.covered >= 0.995
    spans = [plan.makespan_s for plan in made]
    assert spans[1] < 0.62 * spans[0]
    assert spans[2] < 0.62 * spans[1]


def test_the_same_plan_comes_out_twice():
    area = box(0, 0, 800, 500) - box(200, 200, 300, 300)
    a, b = (plan_sweep(area, base=(0.0, 0.0), params=make_params()) for _ in range(2))
    for one, other in zip(a.flights, b.flights, strict=True):
        np.testing.assert_array_equal(one.path, other.path)


def test_narrow_ground_that_no_aircraft_fits_is_said_to_be_unreachable():
    area = box(0, 0, 300, 300) | box(300, 140, 800, 143)
    plan = plan_sweep(area, base=(10.0, 10.0), params=make_params(margin_m=5.0))
    assert 1000 < plan.unreachable_m2 < 1500


@pytest.mark.parametrize(
    ("area", "base", "zones", "error", "words"),
    [
        (Polygon(), (0.0, 0.0), [], GeometryError, "must be a polygon"),
        (shapely.LineString([(0, 0), (9, 9)]), (0.0, 0.0), [], GeometryError, "must be a polygon"),
        (box(0, 0, 8, 800), (0.0, 0.0), [], GeometryError, "nowhere to fly"),
        (box(0, 0, 90, 90), (-9.0, 0.0), [box(-1, -1, 91, 91)], GeometryError, "cover the whole"),
        (box(0, 0, 90, 90), (5.0, 5.0), [box(0, 0, 10, 10)], InputError, "base at 5.0, 5.0"),
        (box(0, 0, 300, 300), (90_000.0, 0.0), [], InputError, "battery allows"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_reason(area, base, zones, error, words):
    with pytest.raises(error, match=words):
        plan_sweep(area, base=base, no_fly=zones, params=make_params())


def test_a_wind_that_no_aircraft_makes_way_against_is_refused():
    with pytest.raises(InputError, match="too strong"):
        plan_sweep(box(0, 0, 300, 300), base=(0.0, 0.0), params=make_params(wind=Wind(9.5, 0.0)))


def test_camera_figures_follow_the_lens():
    camera = Camera(13.2, 8.8, 8.8, 5472, 3648)
    assert resolution_at(camera, height_m=100) == pytest.approx(0.02741, abs=1e-5)
    assert height_for(camera, resolution_m=0.02741) == pytest.approx(100, abs=0.01)
    footprint = footprint_at(camera, height_m=100)
    assert (footprint.across_m, footprint.along_m) == pytest.approx((150, 100))


def test_ground_speed_is_the_wind_triangle():
    ways = np.array([(0.0, 1.0), (0.0, -1.0), (1.0, 0.0)])
    speeds = ground_speeds(ways, speed_m_s=10.0, wind=Wind(6.0, 0.0))
    np.testing.assert_allclose(speeds, [4.0, 16.0, 8.0])


def test_a_straight_leg_takes_its_length_and_one_start_and_stop():
    aircraft = Aircraft(speed_m_s=10, acceleration_m_s2=2)
    assert path_time(np.array([(0.0, 0.0), (500.0, 0.0)]), aircraft) == pytest.approx(55.0)
    halved = np.array([(0.0, 0.0), (250.0, 0.0), (500.0, 0.0)])
    assert path_time(halved, aircraft) == pytest.approx(55.0)
    back = np.array([(0.0, 0.0), (250.0, 0.0), (0.0, 0.0)])
    assert path_time(back, aircraft) == pytest.approx(60.0)
    assert leg_times(halved[:1], aircraft).shape == (0,)


def test_short_legs_never_reach_cruise():
    aircraft = Aircraft(speed_m_s=10, acceleration_m_s2=2)
    assert path_time(np.array([(0.0, 0.0), (8.0, 0.0)]), aircraft) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("height", "rows"), [(10, 1), (60, 1), (61, 2), (110, 2), (111, 3), (160, 3)]
)
def test_outer_rows_see_beyond_themselves(height, rows):
    assert count_rows(height, across_m=60, spacing_m=50) == rows


def test_the_shortest_way_bends_around_corners_only():
    space = FlightSpace(box(0, 0, 100, 100) - box(40, -1, 60, 80))
    path = space.path(np.array([20.0, 10.0]), np.array([80.0, 10.0]))
    np.testing.assert_allclose(path, [(20, 10), (40, 80), (60, 80), (80, 10)])
    both = np.array([(20.0, 10.0), (80.0, 10.0)])
    assert space.distances(both[:1], both[1:])[0, 0] == pytest.approx(
        2 * np.hypot(20, 70) + 20, abs=1e-6
    )


def test_there_is_no_way_between_separate_parts():
    space = FlightSpace(MultiPolygon([box(0, 0, 10, 10), box(20, 0, 30, 10)]))
    a, b = np.array([5.0, 5.0]), np.array([25.0, 5.0])
    assert np.isinf(space.distances(a[None], b[None])).all()
    with pytest.raises(GeometryError, match="no way to fly"):
        space.path(a, b)


def test_the_order_of_few_cells_is_the_best_of_all():
    from itertools import permutations, product

    rng = np.random.default_rng(3)
    for _ in range(5):
        k = 4
        costs = TourCosts(
            rng.random((k, 4)), rng.random((k, 4, k, 4)), rng.random((k, 4)), rng.random((k, 4))
        )

        def price(order, ways, costs=costs):
            total = costs.first[order[0], ways[0]] + costs.last[order[-1], ways[-1]]
            total += sum(costs.inner[c, w] for c, w in zip(order, ways, strict=True))
            steps = zip(order[:-1], ways[:-1], order[1:], ways[1:], strict=True)
            return total + sum(costs.between[step] for step in steps)

        best = min(
            price(order, ways)
            for order in permutations(range(k))
            for ways in product(range(4), repeat=k)
        )
        found = order_cells(costs)
        assert price(*zip(*found, strict=True)) <= best * 1.1
