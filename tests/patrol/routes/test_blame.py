"""What cannot be done is always refused with what is to blame, and what can be done never is."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations, product

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from patrol.routes.check import check_routes
from patrol.routes.diagnose import find_blame
from patrol.routes.planning import find_whole
from patrol.routes.problem import Break, RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, make_routes

SEARCH = SearchParams(iterations=1500, chains=3)
TENS = st.integers(0, 20).map(lambda n: 10.0 * n)
NAMES = ("north", "south", "market")


@st.composite
def problems(draw: st.DrawFn) -> RoutingProblem:
    """Draw up to three stops that must be visited, one that may, and two units on a line.

    A unit with a rest ends where it begins.
    """
    units = []
    for k in range(draw(st.integers(1, 2))):
        begin, base = draw(TENS), k
        rest = draw(st.none() | st.none() | st.builds(
            lambda opens, more, long: Break(opens, opens + more, long), TENS, TENS, TENS))  # fmt: skip
        end = base if rest else draw(st.integers(0, 1))
        units.append(Unit(
            f"team {k}", "foot", base, end, begin, begin + 10.0 + draw(TENS) * draw(st.sampled_from([2, 6])),
            breaks=(rest,) if rest else (), capacity=draw(st.sampled_from([None, None, None, 0, 1, 2])),
        ))  # fmt: skip
    names = frozenset(unit.unit_id for unit in units)
    stops = [_stop(draw, name, names) for name in NAMES[: draw(st.integers(1, 3))]]
    stops.append(Stop("park", 5.0, draw(TENS)))
    x = np.array([draw(TENS) for _ in range(len(stops) + 2)])
    travel = np.abs(x[:, None] - x[None])
    for v in range(len(stops)):
        if draw(st.integers(0, 9)) == 9:  # on an island
            travel[v, :] = travel[:, v] = np.inf
            travel[v, v] = 0.0
    return RoutingProblem(tuple(stops), tuple(units), {"foot": travel})


def _stop(draw: st.DrawFn, name: str, units: frozenset[str]) -> Stop:
    opens = draw(st.just(-np.inf) | st.just(-np.inf) | TENS)
    closes = draw(st.just(np.inf) | st.just(np.inf) | (TENS if np.isinf(opens) else TENS.map(lambda more: opens + more)))  # fmt: skip
    who = draw(st.none() | st.none() | st.none() | st.frozensets(st.sampled_from(sorted(units))))
    return Stop(name, draw(TENS), draw(TENS) / 2, opens, closes, must=True, units=who)


def orders_of(problem: RoutingProblem, k: int, stops: tuple[int, ...]) -> list[list[int]]:
    """Return every order of a unit's stops, with its rest at every place."""
    before = sum(len(unit.breaks) for unit in problem.units[:k])
    rests = [problem.n_stops + before + i for i in range(len(problem.units[k].breaks))]
    with_rests = [*stops, *rests]
    every = {order for part in (list(stops), with_rests) for order in permutations(part)}
    return [list(order) for order in sorted(every)]


def is_possible(problem: RoutingProblem) -> bool:
    """Say by trying everything whether all musts can be visited by units that get their rest."""
    musts = [v for v, stop in enumerate(problem.stops) if stop.must]
    units = range(len(problem.units))
    for owners in product(units, repeat=len(musts)):
        mine = [tuple(v for v, k in zip(musts, owners, strict=True) if k == j) for j in units]
        for orders in product(*(orders_of(problem, k, mine[k]) for k in units)):
            routes = make_routes(problem, orders)
            if not routes.missed and not check_routes(problem, routes):
                return True
    return False


def rests_fit(problem: RoutingProblem) -> bool:
    """Say whether each rest, alone, can be begun in its window and ended within the shift."""
    return all(
        max(unit.begin_s, rest.opens_s) <= rest.closes_s
        and max(unit.begin_s, rest.opens_s) + rest.dwell_s <= unit.finish_s
        for unit in problem.units
        for rest in unit.breaks
    )


@settings(max_examples=60, deadline=None)
@given(problems())
def test_what_cannot_be_done_names_who_is_to_blame_and_what_can_is_never_refused(
    problem: RoutingProblem,
) -> None:
    possible = is_possible(problem) and rests_fit(problem)
    try:
        routes = find_whole(problem, rng=np.random.default_rng(1), search=SEARCH)
    except InputError as error:
        said = str(error)
        event("refused")
        assert not possible, said
        named = re.findall(r"(stop|unit) (north|south|market|team \d)", said)
        assert named, said
    else:
        event("routed")
        assert possible
        assert check_routes(problem, routes) == []
        assert routes.missed == ()


@settings(max_examples=60, deadline=None)
@given(problems())
def test_whatever_is_blamed_alone_cannot_be_done_alone(problem: RoutingProblem) -> None:
    for blame in find_blame(problem):
        event(blame.rule)
        assert blame.subject in blame.text_en
        assert blame.subject in blame.text_zh
        if blame.rule == "rest":
            mine = [unit for unit in problem.units if unit.unit_id == blame.subject]
            assert not rests_fit(replace(problem, units=tuple(mine), stops=_free(problem)))
            continue
        stops = tuple(
            replace(stop, must=stop.must and stop.stop_id == blame.subject)
            for stop in problem.stops
        )
        assert not is_possible(replace(problem, stops=stops))


def test_a_must_is_not_crowded_out_by_what_pays_more_for_its_time() -> None:
    stops = (Stop("north", 0.0, 5.0, must=True), Stop("park", 5.0, 0.0))
    unit = Unit("team 0", "foot", 0, 0, 0.0, 10.0, capacity=1)
    problem = RoutingProblem(stops, (unit,), {"foot": np.zeros((3, 3))})
    routes = find_whole(problem, rng=np.random.default_rng(1), search=SEARCH)
    assert [route.stops for route in routes.routes] == [(0,)]


def test_a_must_that_only_the_rest_forbids_is_told_so() -> None:
    market = Stop("market", 1.0, 50.0, 100.0, 100.0, must=True)
    unit = Unit("team 0", "foot", 0, 0, 0.0, 200.0, breaks=(Break(90.0, 120.0, 60.0),))
    problem = RoutingProblem((market,), (unit,), {"foot": np.zeros((2, 2))})
    (blame,) = find_blame(problem)
    assert (blame.subject, blame.rule) == ("market", "beside")
    assert "rest" in blame.text_en
    assert "休息" in blame.text_zh


def _free(problem: RoutingProblem) -> tuple[Stop, ...]:
    return tuple(replace(stop, must=False, units=None) for stop in problem.stops)
