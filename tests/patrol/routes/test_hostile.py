"""Input that cannot be done is refused with the stop, unit or rule to blame, before any search."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.network.build import make_network
from patrol.routes.planning import plan_routes
from patrol.routes.problem import Break, RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes
from patrol.routes.travel import Site

NAN = float("nan")
UNIT = Unit("team 1", "foot", 0, 0, 0.0, 3600.0)
HERE = np.array([[0.0, 0.0]])


def roads(*lines: list[tuple[float, float]]) -> Site:
    frame = gpd.GeoDataFrame(
        {"kind": ["residential"] * len(lines)},
        geometry=[shapely.LineString(line) for line in lines], crs=32650,
    )  # fmt: skip
    return Site(make_network(frame))


def plan(stops, units=(UNIT,), *, xy=None, base=HERE, site=None):
    place = np.array([[100.0 * (v + 1), 0.0] for v in range(len(stops))]) if xy is None else xy
    return plan_routes(
        stops, units, site or Site(None), stop_xy=np.reshape(place, (-1, 2)), base_xy=base,
        rng=np.random.default_rng(1), search=SearchParams(iterations=200),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "blame"),
    [
        ({"opens_s": 500.0, "closes_s": 100.0}, "window closes at 100 s, before it opens"),
        ({"opens_s": NAN, "closes_s": 100.0}, "stop depot: its window"),
        ({"closes_s": NAN}, "stop depot: its window"),
        ({"dwell_s": NAN}, "stop depot: the dwell"),
        ({"dwell_s": -1.0}, "stop depot: the dwell"),
        ({"dwell_s": float("inf")}, "stop depot: the dwell"),
        ({"prize": NAN}, "stop depot: the prize"),
        ({"prize": -5.0}, "stop depot: the prize"),
    ],
)
def test_a_stop_that_cannot_be_is_named_with_its_field(values, blame):
    with pytest.raises(InputError, match=blame):
        Stop("depot", **values)


@pytest.mark.parametrize(
    ("values", "blame"),
    [
        ({"begin_s": NAN}, "unit team: its shift"),
        ({"finish_s": NAN}, "unit team: its shift"),
        ({"finish_s": 0.0}, "unit team: its shift ends at 0 s"),
        ({"finish_s": float("inf")}, "unit team: its shift"),
        ({"capacity": -1}, "unit team: the capacity"),
    ],
)
def test_a_unit_that_cannot_be_is_named_with_its_field(values, blame):
    with pytest.raises(InputError, match=blame):
        Unit(**{"unit_id": "team", "mode": "foot", "start": 0, "end": 0, "begin_s": 0.0,
                "finish_s": 10.0} | values)  # fmt: skip


@pytest.mark.parametrize("values", [(NAN, 5.0, 1.0), (0.0, NAN, 1.0), (9.0, 5.0, 1.0),
                                    (0.0, 5.0, -1.0), (0.0, 5.0, NAN)])  # fmt: skip
def test_a_rest_that_cannot_be_is_refused(values):
    with pytest.raises(InputError, match="rest"):
        Break(*values)


def test_no_units_no_places_and_places_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="no unit"):
        plan([Stop("a", 1.0)], units=())
    with pytest.raises(InputError, match=r"stop b.*finite"):
        plan([Stop("a", 1.0), Stop("b", 1.0)], xy=[[0, 0], [NAN, 0]])
    with pytest.raises(InputError, match=r"unit team 1.*finite"):
        plan([Stop("a", 1.0)], base=np.array([[np.inf, 0.0]]))
    with pytest.raises(InputError, match="2 stops and 1 places"):
        plan([Stop("a", 1.0), Stop("b", 1.0)], xy=[[0, 0]])


def test_no_stops_give_empty_routes():
    made = plan([])
    assert made.routes.prize == 0
    assert [route.stops for route in made.routes.routes] == [()]


def test_travel_times_that_are_no_times_are_refused():
    for wrong in (np.array([[0, NAN], [1, 0]]), np.array([[0, -1], [1, 0]]), np.zeros((2, 3))):
        with pytest.raises(InputError, match="travel times by foot"):
            RoutingProblem((Stop("a", 1.0),), (UNIT,), {"foot": wrong})


@pytest.mark.parametrize(
    ("stop", "blame"),
    [
        (Stop("far", 1.0, must=True, closes_s=1.0), "stop far.*before its window closes"),
        (Stop("far", 1.0, 4000.0, must=True), "stop far.*dwell and the way home"),
        (Stop("far", 1.0, 60.0, opens_s=3590.0, must=True), "stop far.*dwell and the way home"),
        (Stop("far", 1.0, must=True, units=frozenset()), "stop far.*no unit may visit"),
    ],
)
def test_a_must_that_nobody_can_make_is_named_with_its_rule(stop, blame):
    with pytest.raises(InputError, match=blame):
        plan([Stop("near", 1.0, 60.0), stop])


def test_a_must_on_roads_that_lead_nowhere_is_named_and_others_are_left_out():
    town = roads([(0, 0), (500, 0)], [(500, 0), (500, 500)], [(9000, 0), (9100, 0)])
    island = np.array([[100.0, 0.0], [9050.0, 0.0]])
    with pytest.raises(InputError, match=r"stop island.*no road"):
        plan([Stop("near", 1.0, 60.0), Stop("island", 1.0, 60.0, must=True)], xy=island, site=town)
    made = plan([Stop("near", 1.0, 60.0), Stop("island", 9.0, 60.0)], xy=island, site=town)
    assert made.routes.left_out == (1,)
    with pytest.raises(InputError, match=r"unit team 1.*∞|unit team 1.*road"):
        plan([Stop("near", 1.0, 60.0)], xy=island[:1], site=town,
             units=[Unit("team 1", "foot", 0, 1, 0.0, 3600.0)],
             base=np.array([[0.0, 0.0], [9050.0, 0.0]]))  # fmt: skip


def test_musts_that_fit_alone_and_not_together_are_named():
    stops = [Stop(f"m{k}", 1.0, 1500.0, must=True) for k in range(4)]
    with pytest.raises(InputError, match="does not fit beside the other musts"):
        plan(stops)


def test_what_need_not_be_visited_and_cannot_is_left_out_without_a_word():
    stops = [Stop("ok", 1.0, 60.0), Stop("shut", 99.0, 60.0, closes_s=0.0),
             Stop("long", 99.0, 9000.0)]  # fmt: skip
    assert plan(stops).routes.left_out == (1, 2)


def test_no_budget_of_search_is_refused():
    for values in ({"iterations": 0}, {"iterations": None}, {"iterations": None, "cpu_s": -1.0}):
        with pytest.raises(InputError, match="iterations"):
            SearchParams(**values)


def test_a_search_without_a_chain_is_refused():
    for values in ({"chains": 0}, {"combined": -1}):
        with pytest.raises(InputError, match="chains is 1 or more, combined 0 or more"):
            SearchParams(**values)


def test_one_stop_and_one_iteration_work():
    problem = RoutingProblem((Stop("a", 1.0),), (UNIT,), {"foot": np.zeros((2, 2))})
    found = find_routes(problem, rng=np.random.default_rng(1), params=SearchParams(iterations=1))
    assert found.prize in (0.0, 1.0)
