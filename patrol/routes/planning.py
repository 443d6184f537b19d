"""From places, units and roads to checked routes; the front door of the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import InputError
from patrol.routes.balance import Balanced, BalanceParams, balance_routes
from patrol.routes.check import check_routes
from patrol.routes.diagnose import blame_missed, find_blame
from patrol.routes.problem import Routes, RoutingProblem, Stop, Unit
from patrol.routes.reroute import reroute_few
from patrol.routes.search import SearchParams, find_routes
from patrol.routes.travel import Site, Travel, draw_way, measure_travel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RoutePlan:
    """Routes with the ground that they lie on.

    Attributes
    ----------
    site, travel
        The roads, and the times between stops and bases (stops first).
    problem, routes
        What was asked, and what was found.
    balanced
        How even the work is; None when that was not asked.
    """

    site: Site
    travel: Travel
    problem: RoutingProblem
    routes: Routes
    balanced: Balanced | None = None

    def line(self, unit: int) -> shapely.LineString:
        """Return the line of one unit's route, metric coordinates."""
        who, n = self.problem.units[unit], self.problem.n_stops
        stops = list(self.routes.routes[unit].stops)
        return draw_way(self.travel, who.mode, [n + who.start, *stops, n + who.end])


def plan_routes(
    stops: Sequence[Stop],
    units: Sequence[Unit],
    site: Site,
    *,
    stop_xy: Floats,
    base_xy: Floats,
    rng: np.random.Generator,
    search: SearchParams | None = None,
    balance: BalanceParams | None = None,
) -> RoutePlan:
    """Plan who goes where, and check it.

    Parameters
    ----------
    stops, units
        What to visit and who goes; `Unit.start` and `Unit.end` are rows of `base_xy`.
    stop_xy, base_xy
        Shapes ``(n_stops, 2)`` and ``(n_bases, 2)``, metres in the network's system.
    search, balance
        How long to search, and how even the work shall be (None: not asked).

    Raises
    ------
    InputError
        If something that must be done cannot be done; the message names each stop, unit and
        rule.
    """
    if not units:
        raise InputError("there is no unit; give at least one with a shift")
    _check_places("stop", [stop.stop_id for stop in stops], stop_xy)
    _check_bases(units, base_xy)
    travel = measure_travel(
        site, np.concatenate([stop_xy, base_xy]), modes={unit.mode for unit in units}
    )
    problem = RoutingProblem(tuple(stops), tuple(units), travel.seconds, travel.on_roads)
    search = search or SearchParams()
    routes = find_whole(problem, rng=rng, search=search)
    shared = None
    if balance is not None:
        shared = balance_routes(problem, routes, rng=rng, search=search, params=balance)
        routes = shared.routes
    require_sound(problem, routes)
    return RoutePlan(site, travel, problem, routes, shared)


def find_whole(
    problem: RoutingProblem, *, rng: np.random.Generator, search: SearchParams
) -> Routes:
    """Find routes that make every visit that must be made.

    Raises
    ------
    InputError
        There are none, or none were found; the message names each stop, unit and rule to blame.
    """
    blame = find_blame(problem)
    if blame:
        raise InputError("; ".join(each.text_en for each in blame))
    routes = _with_musts(
        problem, find_routes(problem, rng=rng, params=search), rng=rng, search=search
    )
    if routes.missed:
        raise InputError("; ".join(b.text_en for b in blame_missed(problem, routes.missed)))
    return routes


def _with_musts(
    problem: RoutingProblem, routes: Routes, *, rng: np.random.Generator, search: SearchParams
) -> Routes:
    """Search once more where a must was missed, from routes of the musts alone.

    A search puts in first what pays most for its time; a stop that takes none may fill a unit's
    last place again and again before a must does.
    """
    if not routes.missed:
        return routes
    musts = [v for v, stop in enumerate(problem.stops) if stop.must]
    n = problem.n_stops
    alone = RoutingProblem(
        tuple(problem.stops[v] for v in musts), problem.units,
        {mode: way[np.ix_(rows, rows)] for mode, way in problem.travel_s.items()
         for rows in [[*musts, *range(n, len(way))]]},
        problem.on_roads,
    )  # fmt: skip
    found = find_routes(alone, rng=rng, params=search)
    first = [[musts[v] for v in route.stops] for route in found.routes]
    again = find_routes(problem, rng=rng, params=search, first=first)
    return again if len(again.missed) < len(routes.missed) else routes


def _check_places(what: str, names: Sequence[str], xy: Floats) -> None:
    if xy.shape != (len(names), 2):
        count = len(xy) if xy.ndim else 0
        raise InputError(
            f"there are {len(names)} {what}s and {count} places; give one x, y each, shape (n, 2)"
        )
    wrong = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(wrong):
        k = int(wrong[0])
        raise InputError(f"{what} {names[k]}: its place {xy[k].tolist()} is not two finite numbers")


def _check_bases(units: Sequence[Unit], xy: Floats) -> None:
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise InputError(f"bases are x, y pairs of shape (n, 2), not {xy.shape}")
    finite = [bool(np.isfinite(place).all()) for place in xy]
    for unit in units:
        for base in (unit.start, unit.end):
            if not 0 <= base < len(xy):
                raise InputError(
                    f"unit {unit.unit_id}: base {base} is missing; there are {len(xy)}"
                )
            if not finite[base]:
                raise InputError(
                    f"unit {unit.unit_id}: its base {xy[base].tolist()} is not two finite numbers"
                )


def require_sound(problem: RoutingProblem, routes: Routes) -> None:
    """Refuse routes that break a rule: a fault of the program, never of the input."""
    faults = check_routes(problem, routes)
    if faults:
        raise AssertionError("; ".join(faults))


@dataclass(frozen=True)
class Standing:
    """What a unit has done and where it is.

    Attributes
    ----------
    done
        Rows of the stops that it has visited or is at.
    xy
        Where it is, or will be free, metres.
    free_s
        When it can go on.
    rests_taken
        How many of its breaks are behind it.
    """

    done: tuple[int, ...]
    xy: tuple[float, float]
    free_s: float
    rests_taken: int = 0


def stand_by_plan(plan: RoutePlan, now_s: float) -> list[Standing]:
    """Return where units are if all goes by plan; on the way, on the straight line of the leg."""
    return [_stand(plan, k, now_s) for k in range(len(plan.problem.units))]


def _stand(plan: RoutePlan, k: int, now_s: float) -> Standing:
    unit, n, xy = plan.problem.units[k], plan.problem.n_stops, plan.travel.xy
    here, left, rests = n + unit.start, unit.begin_s, 0
    done: list[int] = []
    for visit in plan.routes.routes[k].visits:
        there = visit.stop if visit.stop >= 0 else n + unit.start
        if visit.start_s > now_s:
            span = max(visit.arrive_s - left, 1e-9)
            share = min(max((now_s - left) / span, 0.0), 1.0)
            x, y = xy[here] + share * (xy[there] - xy[here])
            return Standing(tuple(done), (float(x), float(y)), max(now_s, left), rests)
        here, left = there, visit.leave_s
        done += [visit.stop] if visit.stop >= 0 else []
        rests += visit.stop < 0
    return Standing(tuple(done), (float(xy[here][0]), float(xy[here][1])), max(now_s, left), rests)


def replan_routes(
    plan: RoutePlan,
    standings: Sequence[Standing],
    incidents: Sequence[Stop],
    *,
    incident_xy: Floats,
    rng: np.random.Generator,
    search: SearchParams | None = None,
) -> RoutePlan:
    """Plan the rest of a shift around what has happened.

    What was visited stays visited; units go on from where they are, along their routes as far as
    these stay good. An incident with ``must`` and a window is reached in it, and as few units as
    can be are sent another way; only where that cannot be done all routes are searched anew.

    Parameters
    ----------
    standings
        One a unit, from positions reported or from `stand_by_plan`.
    incidents, incident_xy
        New stops and their places, shape ``(n, 2)``.
    search
        Default: 1,500 iterations.

    Returns
    -------
    RoutePlan
        Stops: those not visited, then the incidents. Bases: those of before, then where the
        units are. A must without a place is in `Routes.missed`: in the middle of a shift the
        best that can be done counts.
    """
    old, n_bases = plan.problem, len(plan.travel.xy) - plan.problem.n_stops
    if len(standings) != len(old.units):
        raise InputError(f"there are {len(old.units)} units and {len(standings)} standings")
    places = np.reshape(np.asarray(incident_xy, dtype=np.float64), (-1, 2))
    _check_places("stop", [stop.stop_id for stop in incidents], places)
    gone = {v for standing in standings for v in standing.done}
    rest = [v for v in range(old.n_stops) if v not in gone]
    here = np.array([standing.xy for standing in standings], dtype=np.float64).reshape(-1, 2)
    bases = np.concatenate([plan.travel.xy[old.n_stops :], here])
    stop_xy = np.concatenate([plan.travel.xy[rest], places])
    units = tuple(
        replace(
            unit, start=n_bases + k, begin_s=stand.free_s, breaks=unit.breaks[stand.rests_taken :],
            finish_s=max(unit.finish_s, stand.free_s + 1.0),
            capacity=None if unit.capacity is None else max(unit.capacity - len(stand.done), 0),
        )
        for k, (unit, stand) in enumerate(zip(old.units, standings, strict=True))
    )  # fmt: skip
    travel = measure_travel(
        plan.site, np.concatenate([stop_xy, bases]), modes={unit.mode for unit in units}
    )
    stops = tuple(old.stops[v] for v in rest) + tuple(incidents)
    units = _home_in_time(units, travel, len(stops))
    problem = RoutingProblem(stops, units, travel.seconds, travel.on_roads)
    new_row = {v: i for i, v in enumerate(rest)}
    first = [[new_row[v] for v in r.stops if v in new_row] for r in plan.routes.routes]
    search = search or SearchParams(iterations=1500, hot=0.05, chains=1)
    came = range(len(rest), len(stops))
    routes = reroute_few(problem, first, came, rng=rng, search=search) if incidents else None
    if routes is None:
        routes = find_routes(problem, rng=rng, params=search, first=first)
        routes = _with_musts(problem, routes, rng=rng, search=search)
    require_sound(problem, routes)
    return RoutePlan(plan.site, travel, problem, routes)


def _home_in_time(units: tuple[Unit, ...], travel: Travel, n: int) -> tuple[Unit, ...]:
    """Let a unit that is late already come home late, and drop rests that no longer fit."""
    made = []
    for unit in units:
        home = float(travel.seconds[unit.mode][n + unit.start, n + unit.end])
        breaks = tuple(
            rest
            for rest in unit.breaks
            if max(unit.begin_s, rest.opens_s) <= rest.closes_s
            and max(unit.begin_s, rest.opens_s) + rest.dwell_s + home <= unit.finish_s
        )
        late = unit.begin_s + (home if np.isfinite(home) else 0.0)
        made.append(replace(unit, finish_s=max(unit.finish_s, late + 1e-3), breaks=breaks))
    return tuple(made)
