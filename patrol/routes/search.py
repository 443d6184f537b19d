"""Find routes that collect the most prize: annealed ruin and recreate in compiled loops.

The moves are those of Christiaens and Vanden Berghe (2020), doi:10.1287/trsc.2019.0914, with
stops put in by prize against added time as in Vansteenwegen et al. (2009),
doi:10.1016/j.cor.2009.03.008, and exchanges of the ends of two routes (`cross_kernel`); what is
accepted cools down as in Kirkpatrick et al. (1983). Several such searches are run, and their good
routes put together anew (`route_pool`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.errors import InputError
from patrol.routes.problem import Route, Routes, RoutingProblem, Visit
from patrol.routes.route_pool import RoutePool
from patrol.routes.schedule_kernel import Ground, Tour
from patrol.routes.search_kernel import copy_tour, search, value
from patrol.routes.tours import copied, make_ground, start_tour

_CHUNK = 256
_EARLY = 0.6  # share of a search for chains from the start
_LEAST = 1000  # iterations that make a chain worth while
_USUAL, _USUAL_S = 60_000, 3.0  # length of a search from which its chains are more than asked for


@dataclass(frozen=True)
class SearchParams:
    """How long and how boldly to search.

    Attributes
    ----------
    iterations
        The length of the search; the same seed and length give the same routes.
    cpu_s
        Instead: CPU seconds of this process, which no two runs use alike.
    hot, cold
        First and last temperature, in mean prizes.
    hotter
        Every other chain begins so many times as hot: where what is best looks like nothing
        near it, a cool search ends beside it.
    taken
        Stops taken out in one step on average.
    way_weight
        Value of the median way between two stops, in mean prizes: shorter routes with the same
        stops leave room for more. It cools as well, from `hot` on: in the end the prize decides.
    chains
        Searches from the first routes; fewer where each would have less than 600 iterations, more
        in a search of more than 60,000 iterations or 3 CPU seconds.
    combined
        Searches from good routes of different chains, before the last one from the best of all.
    enough
        A search that has collected so much prize stops before its time. None: none does.
    """

    iterations: int | None = 40_000
    cpu_s: float | None = None
    hot: float = 0.2
    cold: float = 0.01
    taken: float = 20.0
    way_weight: float = 0.5
    hotter: float = 5.0
    chains: int = 12
    combined: int = 8
    enough: float | None = None

    def __post_init__(self) -> None:
        if (self.iterations is None) == (self.cpu_s is None):
            raise InputError("give either iterations or cpu_s")
        length = self.cpu_s if self.iterations is None else self.iterations
        if length is None or not length > 0 or not 0 < self.cold <= self.hot:
            raise InputError("iterations and cpu_s must be above 0, and 0 < cold <= hot")
        if not self.hotter >= 1:
            raise InputError("hotter must be 1 or more")
        if self.chains < 1 or self.combined < 0:
            raise InputError("chains is 1 or more, combined 0 or more")


def find_routes(
    problem: RoutingProblem,
    *,
    rng: np.random.Generator,
    params: SearchParams | None = None,
    first: Sequence[Sequence[int]] | None = None,
) -> Routes:
    """Find the routes of all units.

    Parameters
    ----------
    rng
        Its next number decides the search.
    first
        Rows of stops by unit to begin with; what does not fit is left out. None: nothing.

    Returns
    -------
    Routes
        Never infeasible; what must be visited and was not is `Routes.missed`. No stops give
        empty routes.
    """
    params = params or SearchParams()
    seed = int(rng.integers(1, 2**62))
    g = make_ground(problem)
    state = np.array([seed], dtype=np.uint64)
    now = start_tour(g, problem, first or [()] * len(problem.units))
    best, done = _anneal(g, now, params, state, problem)
    return read_tour(problem, best, iterations=done)


def _anneal(
    g: Ground, now: Tour, params: SearchParams, state: npt.NDArray[np.uint64],
    problem: RoutingProblem,
) -> tuple[Tour, int]:  # fmt: skip
    """Cool down chain after chain, each from routes of its own; return the best of all."""
    first, best, trial = (copied(now) for _ in range(3))
    n = len(g.prize)
    if n == 0:
        return best, 0
    unit, weight = _scales(g, problem, params)
    taken = min(params.taken, max(1.0, n / 2))
    tie = 1e-5 * weight
    marks = np.array(value(g, now, weight, tie))
    paid = np.array([stop.prize for stop in problem.stops] + [0.0] * (n - problem.n_stops))
    pool, rng, clock = RoutePool(g), np.random.default_rng(int(state[0])), _Clock(params)
    for origin, until, hot in _chains(params):
        if origin == "pool":
            copy_tour(now, start_tour(g, problem, pool.combine(rng)))
        else:
            copy_tour(now, first if origin == "first" else best)
        begun = share = clock.share
        while share < until:
            if params.enough is not None and paid[best.unit >= 0].sum() >= params.enough:
                return best, clock.done
            cooled = (share - begun) / (until - begun)
            heat = unit * hot * (params.cold / hot) ** cooled
            way = weight * min(1.0, heat / (unit * params.hot))
            marks[0] = value(g, now, way, tie)[0]
            size = clock.next_chunk()
            search(g, now, trial, best, marks, state, size, heat, taken, way, tie)
            if cooled > 0.5:
                pool.add(now)
            share = clock.share
        pool.add(now)
        pool.add(best)
    return best, clock.done


def _chains(params: SearchParams) -> list[tuple[str, float, float]]:
    """Return where each chain begins, at which share of the search it ends, and how hot it is.

    In a longer search chains are both more and longer, as the root of its length.
    """
    if params.iterations is None:
        longer = max(1.0, (params.cpu_s or 0.0) / _USUAL_S) ** 0.5
        n = round(params.chains * longer)
    else:
        longer = max(1.0, params.iterations / _USUAL) ** 0.5
        n = min(round(params.chains * longer), params.iterations // _LEAST)
    n = max(1, n)
    again = min(n - 1, round(params.combined * longer))
    hots = [params.hot * (params.hotter if i % 2 else 1.0) for i in range(n)]
    early = [("first", _EARLY * (i + 1) / n, hot) for i, hot in enumerate(hots)]
    ends = _EARLY + (1.0 - _EARLY) * np.arange(1, again + 2) / (again + 1)
    late = [("pool" if i < again else "best", end, params.hot / 3) for i, end in enumerate(ends)]
    return early + late


def _scales(g: Ground, problem: RoutingProblem, params: SearchParams) -> tuple[float, float]:
    """Return the mean prize, and the value of a second of travel."""
    n = len(g.prize)
    paid = np.array([s.prize for s in problem.stops if s.prize > 0 and not s.must] or [1.0])
    ways = g.travel[:, :n, :n]
    middle = float(np.median(ways[np.isfinite(ways)])) or 1.0
    return float(paid.mean()), params.way_weight * float(paid.mean()) / middle


class _Clock:
    """How much of a search is done, by iterations or by CPU time."""

    def __init__(self, params: SearchParams) -> None:
        self.params = params
        self.begun = time.process_time()
        self.done = 0

    @property
    def share(self) -> float:
        if self.params.cpu_s is None:
            return self.done / (self.params.iterations or 1)
        return (time.process_time() - self.begun) / self.params.cpu_s

    def next_chunk(self) -> int:
        left = _CHUNK if self.params.iterations is None else self.params.iterations - self.done
        self.done += min(_CHUNK, left)
        return min(_CHUNK, left)


def read_tour(problem: RoutingProblem, tour: Tour, *, iterations: int) -> Routes:
    """Return the routes of a search with their times, rests among the visits."""
    orders = [tour.seq[k, 1 : size + 1].tolist() for k, size in enumerate(tour.size)]
    return make_routes(problem, orders, iterations=iterations)


def make_routes(
    problem: RoutingProblem, orders: Sequence[Sequence[int]], *, iterations: int = 0
) -> Routes:
    """Time routes as early as can be.

    Parameters
    ----------
    orders
        Rows of stops by unit; ``n_stops + i`` is rest i, counted over the units. A rest whose
        window opens after the work is done is not due.
    """
    routes = tuple(_time(problem, k, _due(problem, k, order)) for k, order in enumerate(orders))
    seen = {v for route in routes for v in route.stops}
    left = tuple(v for v in range(problem.n_stops) if v not in seen)
    return Routes(
        routes=routes,
        prize=float(sum(problem.stops[v].prize for v in sorted(seen))),
        left_out=left,
        missed=tuple(v for v in left if problem.stops[v].must),
        on_roads=problem.on_roads,
        iterations=iterations,
    )


def _due(problem: RoutingProblem, k: int, order: Sequence[int]) -> Sequence[int]:
    """Leave out rests at the end whose window opens when the work is already done."""
    before = sum(len(other.breaks) for other in problem.units[:k])
    while order and order[-1] >= problem.n_stops:
        rest = problem.units[k].breaks[order[-1] - problem.n_stops - before]
        if _time(problem, k, order[:-1]).end_s > rest.opens_s:
            break
        order = order[:-1]
    return order


def _time(problem: RoutingProblem, k: int, order: Sequence[int]) -> Route:
    unit, n = problem.units[k], problem.n_stops
    way = problem.travel_s[unit.mode]
    before = sum(len(other.breaks) for other in problem.units[:k])
    here, clock, travelled = n + unit.start, unit.begin_s, 0.0
    visits = []
    for v in order:
        what = problem.stops[v] if v < n else unit.breaks[v - n - before]
        there = v if v < n else n + unit.start
        arrive = clock + float(way[here, there])
        start = max(arrive, what.opens_s)
        travelled += float(way[here, there])
        here, clock = there, start + what.dwell_s
        visits.append(Visit(v if v < n else -1, arrive, start, clock))
    home = float(way[here, n + unit.end])
    return Route(k, tuple(visits), unit.begin_s, clock + home, travelled + home)
