"""Share the work: the longest route close to the mean, for a small loss of prize."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from geo.errors import InputError
from patrol.routes.check import check_routes
from patrol.routes.even_kernel import even_out
from patrol.routes.problem import Floats, Routes, RoutingProblem, Unit
from patrol.routes.schedule_kernel import Ground, Tour
from patrol.routes.search import SearchParams, find_routes, read_tour
from patrol.routes.share_kernel import shorten_longest, works_of
from patrol.routes.tours import copied, make_ground, start_tour

_STEPS = 2000  # moves of one stop, at most
_STEP = 1.07  # how many times as much the units together work from one try to the next
_INSIDE = 0.999  # of the distance to the mean that is allowed: rounding must not go beyond
_STARTS = 2  # sharings from the start, until one is even
_TRIES = 5000  # single stops that are tried elsewhere in a try, for each stop


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
    more
        How much all units together may work, as a multiple of what they did before: evenness is
        paid in ways, and not more of them are made than it needs.
    """

    over: float = 0.05
    loss: float = 0.01
    steps: int = 7
    more: float = 1.5

    def __post_init__(self) -> None:
        if not (self.over > 0 and 0 <= self.loss < 1 and self.steps >= 1 and self.more >= 1):
            raise InputError(
                "over must be above 0, loss from 0 to below 1, steps and more 1 or more"
            )


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
    prize_before, way_before_s
        The prize and the seconds of travel without sharing.
    least_s, tied_to
        No routes within the loss allowed have a longest work of less than so many seconds,
        because this stop (its row; -1: none) alone takes its nearest unit so long, out and back.
    least_over
        No routes within the loss and the work allowed have a longest work nearer to the mean than
        this share above it.
    """

    routes: Routes
    even: bool
    over: float
    prize_before: float
    least_s: float
    tied_to: int
    least_over: float
    way_before_s: float

    @property
    def more_way_s(self) -> float:
        """Seconds of travel that sharing costs, all units together."""
        return sum(route.travel_s for route in self.routes.routes) - self.way_before_s

    @property
    def proved(self) -> bool:
        """Whether it is proved that the longest work cannot be made shorter (by a hundredth)."""
        return self.tied_to >= 0 and self.routes.makespan_s <= self.least_s * 1.01

    def why_uneven(self, problem: RoutingProblem) -> tuple[str, str]:
        """Return in Chinese and English why the work is not even; empty where it is."""
        if self.even:
            return "", ""
        longest, mean = self.routes.makespan_s / 60, self.routes.mean_work_s / 60
        zh = f"最长 {longest:.0f} 分钟，比平均 {mean:.0f} 分钟高 {self.over:.1%}"
        en = f"longest work {longest:.0f} min, {self.over:.1%} above the mean of {mean:.0f} min"
        least = self.least_s / 60
        if self.proved:
            stop = problem.stops[self.tied_to].stop_id
            return (
                f"{zh}：仅点位 {stop} 往返并停留就需 {least:.0f} 分钟，最长者无法再缩短；"
                "增加点位或减少单元可提高平均",
                f"{en}: stop {stop} alone takes its nearest unit {least:.0f} min out and back, so "
                "the longest cannot be shorter; more visits or fewer units would lift the mean",
            )
        bound_zh, bound_en = f"已证明最长不低于 {least:.0f} 分钟", f"no less than {least:.0f} min"
        if self.least_over > 0:
            bound_zh += f"、至少比平均高 {self.least_over:.0%}"
            bound_en += f", and not nearer than {self.least_over:.0%} above the mean,"
        bound_en += " is proved"
        return (
            f"{zh}：未找到更均衡的方案，{bound_zh}；"
            "整个点位无法拆分，增加点位、减少单元或延长计算可改善",
            f"{en}: nothing more even was found, {bound_en}; whole "
            "visits cannot be split: more visits, fewer units or a longer search would help",
        )


def balance_routes(
    problem: RoutingProblem,
    routes: Routes,
    *,
    rng: np.random.Generator,
    search: SearchParams,
    params: BalanceParams | None = None,
) -> Balanced:
    """Shorten the longest work as far as the prize allows.

    First stops are moved, swapped and passed on between routes, from the start again where that
    ends uneven. Where that is not enough, by bisection over the longest work: each try gives every
    unit no more than a length of work, searches again from the routes before, and shares what it
    found. Musts and rests are never given up.

    Parameters
    ----------
    routes
        The best routes without sharing.
    search
        The length of each of the tries.
    """
    params = params or BalanceParams()
    floor = (1 - params.loss) * routes.prize
    before_s = sum(route.work_s for route in routes.routes)
    least, tied_to = least_longest(problem, prize=floor)
    bound = least_above(problem, least, most=params.more * before_s)
    best, low, high = routes, 0.0, routes.makespan_s
    for _ in range(_STARTS):
        if _over(best) <= max(params.over, bound) or best.makespan_s <= least * 1.01:
            break
        totals = _totals(problem, routes, least, params)
        best = min(best, _shared(problem, routes, floor, params, totals, rng), key=_over)
    for _ in range(params.steps):
        if _over(best) <= max(params.over, bound):
            break
        cap = max((low + high) / 2, best.mean_work_s * 0.5)
        tried = _within(problem, best, cap, rng, search)
        if tried is None or tried.prize < floor or len(tried.missed) > len(routes.missed):
            low = cap
            continue
        high = min(cap, tried.makespan_s)
        most = np.array([params.more * before_s])
        best = min(best, _shared(problem, tried, floor, params, most, rng), key=_over)
    return Balanced(
        best, _over(best) <= params.over, _over(best), routes.prize, least, tied_to, bound,
        sum(route.travel_s for route in routes.routes),
    )  # fmt: skip


def _totals(problem: RoutingProblem, routes: Routes, least: float, params: BalanceParams) -> Floats:
    """Return how much all units together are to work, from what no sharing stays below upwards.

    What they work before says little: one that waits for its rest works long.
    """
    dwell = sum(problem.stops[v].dwell_s for route in routes.routes for v in route.stops)
    low = max(dwell, least * len(problem.units) / (1 + params.over), 1.0)
    high = params.more * sum(route.work_s for route in routes.routes)
    steps = max(0, int(np.log(max(high / low, 1.0)) / np.log(_STEP)))
    return np.append(low * _STEP ** np.arange(1, steps + 1), high)


def _shared(
    problem: RoutingProblem, routes: Routes, floor: float, params: BalanceParams,
    totals: Floats, rng: np.random.Generator,
) -> Routes:  # fmt: skip
    """Move stops off the longest route while that helps; give some up where the loss allows it.

    Parameters
    ----------
    totals
        Seconds that all units together are to work, from one try to the next.
    """
    ground = make_ground(problem)
    tour = start_tour(ground, problem, [route.stops for route in routes.routes])
    n, over = problem.n_stops, params.over * _INSIDE
    state = np.array([int(rng.integers(1, 2**62))], dtype=np.uint64)
    for total in totals.tolist() if n > 0 else ():
        longest = (1 + over) * total / len(problem.units)
        even = copied(tour)
        left_over = even_out(ground, tour, n, longest, total, _TRIES * n, state, even)
        tour = even
        if left_over <= 0:
            break
    _give_up(ground, tour, problem, over=params.over, spare=routes.prize - floor)
    made = read_tour(problem, tour, iterations=routes.iterations)
    kept = sum(route.work_s for route in made.routes) <= totals[-1] * (1 + 1e-9)
    sound = kept and not check_routes(problem, made)
    return made if sound and _over(made) < _over(routes) else routes


def _give_up(
    ground: Ground, tour: Tour, problem: RoutingProblem, *, over: float, spare: float
) -> None:
    """Shorten the longest route step by step; where that ends, give up its cheapest visit."""
    n = problem.n_stops
    while not shorten_longest(ground, tour, n, over, _STEPS):
        k = int(np.argmax(works_of(ground, tour, n)))
        may = [
            v for v in tour.seq[k, 1 : tour.size[k] + 1].tolist()
            if v < n and not problem.stops[v].must and problem.stops[v].prize <= spare
        ]  # fmt: skip
        if not may:
            return
        gone = min(may, key=lambda v: problem.stops[v].prize)
        spare -= problem.stops[gone].prize
        left = [v for v in tour.seq[k, 1 : tour.size[k] + 1].tolist() if v != gone]
        tour.seq[k, 1 : len(left) + 2] = [*left, ground.end[k]]
        tour.size[k] = len(left)
        tour.unit[gone] = -1


def least_above(problem: RoutingProblem, least_s: float, *, most: float) -> float:
    """Return a bound on how far the longest work of any routes lies above the mean, as a share.

    All units together work at most `most`; and at most as many units as there are stops, of
    those that can make any, go out: each works no longer than the longest, the others no longer
    than their way from base to base. Both bounds of the mean grow slower than the longest, so that
    a longest work of `least_s` comes nearest.

    Parameters
    ----------
    most
        Seconds that all units together may work.
    """
    if least_s <= 0:
        return 0.0
    n, m = problem.n_stops, len(problem.units)
    ways = np.array([
        problem.travel_s[u.mode][n + u.start, n + u.end] + sum(rest.dwell_s for rest in u.breaks)
        for u in problem.units
    ])  # fmt: skip
    out = min(n, int(np.isfinite(_alone(problem)).any(axis=1).sum()))
    resting = float(np.sort(ways)[out:].sum())
    return max(0.0, least_s * m / min(most, out * least_s + resting) - 1)


def least_longest(problem: RoutingProblem, *, prize: float) -> tuple[float, int]:
    """Return a bound on the longest work of any routes that collect so much, and its stop.

    Each stop takes the unit nearest to it some time for itself, out and back. Musts have to be
    visited; beside them the stops that take least are enough to reach the prize, and the last of
    those is the bound. Rests would only add to it.

    Returns
    -------
    tuple
        Seconds (0 where nothing has to be visited), and the row of the stop, -1 for none.
    """
    alone = _alone(problem).min(axis=0)
    must = np.array([stop.must for stop in problem.stops], dtype=bool)
    rank = np.where(must, -1.0, alone)
    order = np.argsort(rank, kind="stable")
    order = order[np.isfinite(alone[order])]
    worth = np.cumsum([problem.stops[v].prize for v in order])
    n_musts = int((must & np.isfinite(alone)).sum())
    enough = int(np.searchsorted(worth, prize * (1 - 1e-9))) + 1 if prize > 0 else 0
    needed = order[: max(n_musts, min(enough, len(order)))]
    if not len(needed):
        return 0.0, -1
    worst = int(needed[np.argmax(alone[needed])])
    return float(alone[worst]), worst


def _alone(problem: RoutingProblem) -> Floats:
    """Return what each stop takes each unit alone, out and back.

    Returns
    -------
    ndarray
        Seconds, shape ``(n_units, n_stops)``; infinite where the unit cannot.
    """
    alone = np.full((len(problem.units), problem.n_stops), np.inf)
    n, may = problem.n_stops, problem.may_visit()
    dwell, opens, closes = (
        np.array([getattr(stop, name) for stop in problem.stops], dtype=np.float64)
        for name in ("dwell_s", "opens_s", "closes_s")
    )
    for k, unit in enumerate(problem.units):
        way = problem.travel_s[unit.mode]
        start = np.maximum(unit.begin_s + way[n + unit.start, :n], opens)
        back = start + dwell + way[:n, n + unit.end]
        good = may[k] & (start <= closes) & (back <= unit.finish_s) & (unit.capacity != 0)
        alone[k] = np.where(good, back - unit.begin_s, np.inf)
    return alone


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
