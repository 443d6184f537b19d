"""Share the work: the longest route close to the mean, for a small loss of prize."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from geo.errors import InputError
from patrol.routes.check import check_routes
from patrol.routes.problem import Routes, RoutingProblem, Unit
from patrol.routes.search import SearchParams, find_routes


@dataclass(frozen=True)
class BalanceParams:
    """What even work may cost.

    Attributes
    ----------
    over
        How far the longest work may lie above the mean, as a share.
    loss
        Share of the prize that may be given up.
    steps
        Lengths of the longest work that are tried.
    """

    over: float = 0.05
    loss: float = 0.01
    steps: int = 7

    def __post_init__(self) -> None:
        if not (self.over > 0 and 0 <= self.loss < 1 and self.steps >= 1):
            raise InputError("over must be above 0, loss from 0 to below 1, steps 1 or more")


@dataclass(frozen=True)
class Balanced:
    """Routes after the work was shared.

    Attributes
    ----------
    routes
        The most even ones within the loss allowed.
    even
        Whether their longest work is as close to the mean as asked.
    over
        How far it is above the mean, as a share.
    prize_before
        The prize without sharing.
    """

    routes: Routes
    even: bool
    over: float
    prize_before: float


def balance_routes(
    problem: RoutingProblem,
    routes: Routes,
    *,
    rng: np.random.Generator,
    search: SearchParams,
    params: BalanceParams | None = None,
) -> Balanced:
    """Shorten the longest work as far as the prize allows, by bisection over its length.

    Each try gives every unit no more than a length of work and searches again from the routes
    before; musts and rests are never given up.

    Parameters
    ----------
    routes
        The best routes without sharing.
    search
        The length of each of the tries.
    """
    params = params or BalanceParams()
    floor = (1 - params.loss) * routes.prize
    best, low, high = routes, 0.0, routes.makespan_s
    for _ in range(params.steps):
        if _over(best) <= params.over:
            break
        cap = max((low + high) / 2, best.mean_work_s * 0.5)
        tried = _within(problem, best, cap, rng, search)
        if tried is None or tried.prize < floor or len(tried.missed) > len(routes.missed):
            low = cap
            continue
        high = min(cap, tried.makespan_s)
        if _over(tried) < _over(best):
            best = tried
    return Balanced(best, _over(best) <= params.over, _over(best), routes.prize)


def _over(routes: Routes) -> float:
    return routes.makespan_s / routes.mean_work_s - 1 if routes.mean_work_s > 0 else 0.0


def _within(
    problem: RoutingProblem,
    routes: Routes,
    cap: float,
    rng: np.random.Generator,
    search: SearchParams,
) -> Routes | None:
    """Search for routes whose work is at most `cap` seconds, or None where a unit cannot."""
    units = tuple(_shorter(unit, cap) for unit in problem.units)
    n = problem.n_stops
    for unit in units:
        way = problem.travel_s[unit.mode][n + unit.start, n + unit.end]
        late = max((rest.opens_s + rest.dwell_s for rest in unit.breaks), default=-np.inf)
        if unit.begin_s + way > unit.finish_s or late + way > unit.finish_s:
            return None
    first = [route.stops for route in routes.routes]
    tried = find_routes(replace(problem, units=units), rng=rng, params=search, first=first)
    return tried if not check_routes(problem, tried) else None


def _shorter(unit: Unit, cap: float) -> Unit:
    """Return a unit that works at most `cap` seconds, without rests that are then not due."""
    finish = min(unit.finish_s, unit.begin_s + cap)
    breaks = tuple(rest for rest in unit.breaks if rest.opens_s < finish)
    return replace(unit, finish_s=finish, breaks=breaks)
