"""Find routes that collect the most prize: annealed ruin and recreate in compiled loops.

The moves are those of Christiaens and Vanden Berghe (2020), doi:10.1287/trsc.2019.0914, with
stops put in by prize against added time as in Vansteenwegen et al. (2009),
doi:10.1016/j.cor.2009.03.008; what is accepted cools down as in Kirkpatrick et al. (1983).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.errors import InputError
from patrol.routes.problem import Route, Routes, RoutingProblem, Visit
from patrol.routes.schedule_kernel import (
    STALE,
    Ground,
    Tour,
    fits,
    price_insertion,
    price_route,
    put,
    time_route,
)
from patrol.routes.search_kernel import copy_tour, search, value

_CHUNK = 256


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
        stops leave room for more.
    chains
        Searches from the start before the last one from the best of them; fewer where each would
        have less than 600 iterations.
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
    chains: int = 9
    enough: float | None = None

    def __post_init__(self) -> None:
        if (self.iterations is None) == (self.cpu_s is None):
            raise InputError("give either iterations or cpu_s")
        length = self.cpu_s if self.iterations is None else self.iterations
        if length is None or not length > 0 or not 0 < self.cold <= self.hot:
            raise InputError("iterations and cpu_s must be above 0, and 0 < cold <= hot")
        if not self.hotter >= 1:
            raise InputError("hotter must be 1 or more")


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


def make_ground(problem: RoutingProblem) -> Ground:
    """Return what the compiled search reads: stops, then rests as stops of one unit, then bases."""
    stops, units, n = problem.stops, problem.units, problem.n_stops
    rests = [(k, rest) for k, unit in enumerate(units) for rest in unit.breaks]
    modes = sorted({unit.mode for unit in units})
    n_bases = problem.travel_s[modes[0]].shape[0] - n
    bases = n + np.arange(n_bases)
    row = np.concatenate([np.arange(n), [n + units[k].start for k, _ in rests], bases])
    row = row.astype(np.int64)
    offset = n + len(rests)
    windows = [(s.dwell_s, s.opens_s, s.closes_s) for s in stops]
    windows += [(r.dwell_s, r.opens_s, r.closes_s) for _, r in rests]
    windows += [(0.0, -np.inf, np.inf)] * n_bases
    dwell, opens, closes = np.array(windows, dtype=np.float64).reshape(-1, 3).T
    n_musts = sum(stop.must for stop in stops)
    own = np.array([s.prize for s in stops] + [0.0] * len(rests), dtype=np.float64)
    # A must is worth more than all prizes together, a rest more than all musts.
    rank = np.array([float(s.must) for s in stops] + [n_musts + 1.0] * len(rests))
    may = np.zeros((len(units), offset), dtype=np.bool_)
    may[:, :n] = problem.may_visit()
    may[[k for k, _ in rests], n + np.arange(len(rests))] = True
    travel = np.stack([problem.travel_s[mode][np.ix_(row, row)] for mode in modes])
    room = [n if u.capacity is None else u.capacity for u in units]
    return Ground(
        travel=np.ascontiguousarray(travel, dtype=np.float64),
        dwell=np.ascontiguousarray(dwell), opens=np.ascontiguousarray(opens),
        closes=np.ascontiguousarray(closes),
        prize=own + rank * (own.sum() + 1.0), allowed=may,
        profile=np.array([modes.index(u.mode) for u in units], dtype=np.int32),
        start=np.array([offset + u.start for u in units], dtype=np.int32),
        end=np.array([offset + u.end for u in units], dtype=np.int32),
        begin=np.array([u.begin_s for u in units], dtype=np.float64),
        finish=np.array([u.finish_s for u in units], dtype=np.float64),
        room=np.array(
            [r + len(u.breaks) for r, u in zip(room, units, strict=True)], dtype=np.int32
        ),
        near=_nearest(travel[:, :offset, :offset].min(axis=0)),
        timed=bool(np.isfinite(opens[:offset]).any() or np.isfinite(closes[:offset]).any()),
    )  # fmt: skip


def _nearest(travel: npt.NDArray[np.float64], most: int = 100) -> npt.NDArray[np.int32]:
    """Return for each stop the nearest others there and back, nearest first."""
    n = len(travel)
    both = travel + travel.T
    np.fill_diagonal(both, -1.0)
    order = np.argsort(both, axis=1, kind="stable")[:, 1 : min(n, most + 1)]
    return np.ascontiguousarray(order, dtype=np.int32)


def start_tour(g: Ground, problem: RoutingProblem, first: Sequence[Sequence[int]]) -> Tour:
    """Return routes with the stops of `first` in their order where that keeps every window."""
    m, n = g.allowed.shape
    tour = Tour(
        seq=np.zeros((m, n + 3), dtype=np.int32), size=np.zeros(m, dtype=np.int32),
        at=np.zeros((m, n + 3)), latest=np.zeros((m, n + 3)),
        unit=np.full(n, -1, dtype=np.int32), cost=np.full((n, m), STALE),
        place=np.zeros((n, m), dtype=np.int32),
    )  # fmt: skip
    tour.seq[:, 0], tour.seq[:, 1] = g.start, g.end
    for k, stops in enumerate(first):
        for v in stops:
            put(g, tour, v, k, int(tour.size[k]))
            if not (g.allowed[k, v] and tour.size[k] <= g.room[k] and time_route(g, tour, k)):
                _drop_last(g, tour, k)
        if not time_route(g, tour, k):
            unit = problem.units[k].unit_id
            raise InputError(f"unit {unit} cannot get from its first to its last base in its shift")
        for rest in problem.n_stops + np.flatnonzero(g.allowed[k, problem.n_stops :]):
            _make_room(g, tour, int(rest), k, problem.n_stops)
    for k in range(m):
        price_route(g, tour, k)
    return tour


def _make_room(g: Ground, tour: Tour, rest: int, k: int, n_stops: int) -> None:
    """Put a rest into a route, giving up its last stops until it fits."""
    while True:
        time_route(g, tour, k)
        price_insertion(g, tour, rest, k)
        if fits(g, tour, rest, k):
            put(g, tour, rest, k, int(tour.place[rest, k]))
            return
        if tour.size[k] == 0 or tour.seq[k, tour.size[k]] >= n_stops:
            return
        _drop_last(g, tour, k)


def _drop_last(g: Ground, tour: Tour, k: int) -> None:
    last = int(tour.size[k])
    tour.unit[tour.seq[k, last]] = -1
    tour.seq[k, last] = tour.seq[k, last + 1]
    tour.size[k] = last - 1
    time_route(g, tour, k)


def _anneal(
    g: Ground, now: Tour, params: SearchParams, state: npt.NDArray[np.uint64],
    problem: RoutingProblem,
) -> tuple[Tour, int]:  # fmt: skip
    """Cool down several times from the first routes, then once more from the best of them all."""
    first, best, trial = (copied(now) for _ in range(3))
    n = len(g.prize)
    if n == 0:
        return best, 0
    unit, weight = _scales(g, problem, params)
    taken = min(params.taken, max(1.0, n / 2))
    marks = np.array(value(g, now, weight))
    clock = _Clock(params)
    paid = np.array([stop.prize for stop in problem.stops] + [0.0] * (n - problem.n_stops))
    chains = params.chains
    if params.iterations is not None:
        chains = max(1, min(chains, params.iterations // 1000))
    for chain in range(chains + 1):
        until = 0.6 * (chain + 1) / chains if chain < chains else 1.0
        hot = params.hot * (params.hotter if chain % 2 else 1.0)
        if chain == chains:
            hot = params.hot / 3
        copy_tour(now, first if chain < chains else best)
        marks[0] = value(g, now, weight)[0]
        begun = share = clock.share
        while share < until:
            if params.enough is not None and paid[best.unit >= 0].sum() >= params.enough:
                return best, clock.done
            cooled = (share - begun) / (until - begun)
            heat = unit * hot * (params.cold / hot) ** cooled
            size = clock.next_chunk()
            search(g, now, trial, best, marks, state, size, heat, taken, weight)
            share = clock.share
    return best, clock.done


def copied(t: Tour) -> Tour:
    """Return routes of their own with the same stops."""
    return Tour(
        t.seq.copy(), t.size.copy(), t.at.copy(), t.latest.copy(), t.unit.copy(), t.cost.copy(),
        t.place.copy(),
    )  # fmt: skip


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
