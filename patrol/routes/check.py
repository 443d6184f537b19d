"""Hold routes to the problem, independently of how they were found."""

from __future__ import annotations

import math
from collections import Counter

from patrol.routes.problem import Route, Routes, RoutingProblem

# Seconds by which sums of travel times may differ for rounding alone.
TOLERANCE_S = 1e-6


def check_routes(problem: RoutingProblem, routes: Routes) -> list[str]:
    """Add everything up again from the problem and say what is wrong.

    Times, windows, dwell, rests, shifts, bases, who may go, capacity, double visits, prizes and
    the lists of what is left out are computed anew in floating point.

    Returns
    -------
    list of str
        One sentence a fault; empty for sound routes.
    """
    faults = []
    if [route.unit for route in routes.routes] != list(range(len(problem.units))):
        faults.append("there is not one route for each unit in order")
        return faults
    for route in routes.routes:
        faults += _route_faults(problem, route)
    counted = Counter(v for route in routes.routes for v in route.stops)
    faults += [
        f"stop {problem.stops[v].stop_id} is visited {times} times"
        for v, times in counted.items()
        if times > 1
    ]
    left = tuple(v for v in range(problem.n_stops) if v not in counted)
    if left != routes.left_out:
        faults.append("the list of stops left out is wrong")
    if tuple(v for v in left if problem.stops[v].must) != routes.missed:
        faults.append("the list of missed stops is wrong")
    prize = math.fsum(problem.stops[v].prize for v in counted)
    if not math.isclose(prize, routes.prize, rel_tol=1e-9, abs_tol=1e-9):
        faults.append(f"the prizes add up to {prize:g}, not {routes.prize:g}")
    return faults


def _route_faults(problem: RoutingProblem, route: Route) -> list[str]:
    unit, n = problem.units[route.unit], problem.n_stops
    way = problem.travel_s[unit.mode]
    faults, clock, here, rests = [], unit.begin_s, n + unit.start, []
    for visit in route.visits:
        if visit.stop < 0:
            name, there = "the rest", n + unit.start
            rests.append((visit.start_s, visit.leave_s))
        else:
            stop, there = problem.stops[visit.stop], visit.stop
            name = f"stop {stop.stop_id}"
            if stop.units is not None and unit.unit_id not in stop.units:
                faults.append(f"unit {unit.unit_id} may not visit {name}")
            if not stop.opens_s - TOLERANCE_S <= visit.start_s <= stop.closes_s + TOLERANCE_S:
                faults.append(f"{name} begins outside its window")
            if visit.leave_s - visit.start_s < stop.dwell_s - TOLERANCE_S:
                faults.append(f"{name} is left too early")
        clock += float(way[here, there])
        if not abs(visit.arrive_s - clock) <= TOLERANCE_S or visit.start_s < clock - TOLERANCE_S:
            faults.append(f"unit {unit.unit_id} cannot be at {name} at that time")
        clock, here = visit.leave_s, there
    clock += float(way[here, n + unit.end])
    if not abs(route.end_s - clock) <= TOLERANCE_S:
        faults.append(f"unit {unit.unit_id} cannot be back at that time")
    if not clock <= unit.finish_s + TOLERANCE_S:
        faults.append(f"unit {unit.unit_id} is back {clock - unit.finish_s:.0f} s after its shift")
    if unit.capacity is not None and len(route.stops) > unit.capacity:
        faults.append(f"unit {unit.unit_id} takes more than {unit.capacity} stops")
    return faults + _rest_faults(problem, route, rests)


def _rest_faults(
    problem: RoutingProblem, route: Route, taken: list[tuple[float, float]]
) -> list[str]:
    unit = problem.units[route.unit]
    faults = []
    due = [rest for rest in unit.breaks if route.end_s > rest.opens_s + TOLERANCE_S]
    for rest in sorted(due, key=lambda rest: rest.closes_s):
        fits = [
            span
            for span in taken
            if rest.opens_s - TOLERANCE_S <= span[0] <= rest.closes_s + TOLERANCE_S
            and span[1] - span[0] >= rest.dwell_s - TOLERANCE_S
        ]
        if not fits:
            faults.append(f"unit {unit.unit_id} gets no rest in one of its windows")
        else:
            taken.remove(min(fits))
    return faults
