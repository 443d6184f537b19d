"""An incident into routes that are walked: as few units as can be are sent another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from patrol.routes.problem import Route, Routes, RoutingProblem, Unit, Visit
from patrol.routes.search import SearchParams, find_routes, read_tour
from patrol.routes.tours import make_ground, start_tour

# How many of the nearest units are tried alone, then how many together.
_ALONE = 6
_TOGETHER = (3, 8)


def reroute_few(
    problem: RoutingProblem, first: Sequence[Sequence[int]], incidents: Sequence[int], *,
    rng: np.random.Generator, search: SearchParams,
) -> Routes | None:  # fmt: skip
    """Put incidents into routes; units that are not needed keep theirs as they are.

    Of the nearest units each is tried alone, then the nearest three and eight together: people
    have their order in hand, and a search over all would send most of them another way for a few
    seconds saved. What gives up least counts, then who is there first.

    Parameters
    ----------
    first
        Rows of the stops of each unit, in the order that it walks now.
    incidents
        Rows of the stops that came.

    Returns
    -------
    Routes, None
        None where no such group of units makes every must.
    """
    kept = read_tour(problem, start_tour(make_ground(problem), problem, first), iterations=0)
    musts = {v for v, stop in enumerate(problem.stops) if stop.must}
    near = _nearest_units(problem, incidents)
    best: tuple[float, float, Routes] | None = None
    tried: list[list[list[int]]] = [[[k] for k in near[:_ALONE]]]
    tried += [[near[:size]] for size in _TOGETHER]
    for groups in tried:
        for group in groups:
            made = _reroute(problem, kept, group, incidents, rng=rng, search=search)
            if musts & set(made.left_out):
                continue
            rank = (-made.prize, _reached(made, incidents), made)
            if best is None or rank[:2] < best[:2]:
                best = rank
        if best is not None and not best[2].left_out:
            break
    return None if best is None else best[2]


def _nearest_units(problem: RoutingProblem, incidents: Sequence[int]) -> list[int]:
    n = problem.n_stops
    seconds = [
        unit.begin_s + min(float(problem.travel_s[unit.mode][n + unit.start, v]) for v in incidents)
        for unit in problem.units
    ]
    return [int(k) for k in np.argsort(seconds, kind="stable") if np.isfinite(seconds[k])]


def _reroute(
    problem: RoutingProblem, kept: Routes, group: Sequence[int], incidents: Sequence[int], *,
    rng: np.random.Generator, search: SearchParams,
) -> Routes:  # fmt: skip
    """Search the routes of a group anew, with its own stops and what came."""
    rows = [*(v for k in group for v in kept.routes[k].stops), *incidents]
    units = tuple(problem.units[k] for k in group)
    found = find_routes(
        _part(problem, rows, units), rng=rng, params=search,
        first=[[rows.index(v) for v in kept.routes[k].stops] for k in group],
    )  # fmt: skip
    routes = list(kept.routes)
    for k, route in zip(group, found.routes, strict=True):
        routes[k] = replace(route, unit=k, visits=tuple(_of(visit, rows) for visit in route.visits))
    return _gather(problem, routes)


def _part(problem: RoutingProblem, rows: list[int], units: tuple[Unit, ...]) -> RoutingProblem:
    names = {unit.unit_id for unit in units}
    stops = tuple(
        stop if stop.units is None else replace(stop, units=stop.units & names)
        for stop in (problem.stops[v] for v in rows)
    )
    travel = {}
    for mode, way in problem.travel_s.items():
        places = [*rows, *range(problem.n_stops, len(way))]
        travel[mode] = way[np.ix_(places, places)]
    return RoutingProblem(stops, units, travel, problem.on_roads)


def _of(visit: Visit, rows: list[int]) -> Visit:
    return visit if visit.stop < 0 else replace(visit, stop=rows[visit.stop])


def _gather(problem: RoutingProblem, routes: Sequence[Route]) -> Routes:
    seen = {v for route in routes for v in route.stops}
    left = tuple(v for v in range(problem.n_stops) if v not in seen)
    return Routes(
        routes=tuple(routes),
        prize=float(sum(problem.stops[v].prize for v in sorted(seen))),
        left_out=left, missed=tuple(v for v in left if problem.stops[v].must),
        on_roads=problem.on_roads, iterations=0,
    )  # fmt: skip


def _reached(routes: Routes, incidents: Sequence[int]) -> float:
    """Return when the last of the incidents that are visited is begun."""
    starts = [v.start_s for route in routes.routes for v in route.visits if v.stop in incidents]
    return max(starts, default=float("inf"))
