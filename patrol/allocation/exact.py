"""The best sharing by linear programming: steps are priced in until none would pay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geo.errors import InputError
from patrol.allocation.branch import count_bound
from patrol.allocation.counts import whole_counts
from patrol.allocation.greedy import share_greedily, water_bound
from patrol.allocation.highs import NoAnswerError
from patrol.allocation.prices import Prices, dual_bound, find_prices
from patrol.allocation.problem import Floats, Longs, Problem, Shared
from patrol.allocation.program import Answer, Master, solve
from patrol.allocation.swaps import swap_steps
from patrol.allocation.whole import share_by_prices

# Rounds of pricing; each adds steps that pay at the prices of the last, so it ends long before.
_ROUNDS = 14
# A program of more steps than this takes minutes: the greedy sharing is taken, and named.
_LARGEST = 150_000
# What further steps could add, as a share of the value, at which an answer counts as the best.
_PROVED = 2e-4
# How near to its price a step must pay to be decided by the program, at first and at most.
_BAND = 0.03
_FIRST = 0.9
_WIDEST = 0.99
# Up to so many steps the program over all of them is asked at once, before prices.
_TINY = 5_000
# Up to so many steps, all of them are in the whole-number program; past it the window is.
_SMALL = 8_000
# Beyond this gap of the sharing by prices, of a large and of a small problem, a program of at most
# so many steps is tried.
_ENOUGH = 5e-3
_SMALL_ENOUGH = 3e-3
_WORTH = 30_000
# Linear programs that a bound by whole counts of steps in communities may take.
_BRANCHES = 60


def share_hours(problem: Problem, *, method: str = "exact") -> Shared:
    """Share the hours so that the weighed need covered is greatest.

    The problem is a network flow with concave gains, of which each step is an arc: its linear
    program has whole answers as long as fairness has no weight. Steps start in a window around
    the greedy sharing; whatever pays at the prices of the window is added until nothing does,
    which proves the answer best among all. With fairness the linear program is a bound and a
    whole-number one follows, over all steps of a small problem and over the window of a large.

    Parameters
    ----------
    method
        ``"exact"``, or ``"greedy"`` for the fast one alone.

    Raises
    ------
    InputError
        The rules admit no sharing: the message names the rule to blame.

    References
    ----------
    Ibaraki, T. and Katoh, N. (1988). Resource Allocation Problems. MIT Press.
    Ahuja, R., Magnanti, T. and Orlin, J. (1993). Network Flows, chapter 14 (convex costs).
    """
    if method not in ("exact", "greedy"):
        raise InputError(f"there is no method {method!r}: exact or greedy")
    steps, whole = share_greedily(problem)
    greedy = problem.value(steps) if whole else float("nan")
    bound, why = water_bound(problem), ""
    if method == "exact" or not whole:
        try:
            found = _optimise(problem)
        except NoAnswerError as error:
            if not whole:
                raise
            why = str(error)
        else:
            return replace(found, bound=min(found.bound, bound), greedy_value=greedy)
    price = np.full(problem.budget.shape, np.nan)
    return Shared(steps, greedy, max(bound, greedy), "greedy", why, greedy, price)


def _optimise(problem: Problem) -> Shared:
    n, s, k = problem.need.shape
    room = problem.room.reshape(n, s * k)
    if room.sum() <= _TINY:
        return _by_program(problem, Master(np.zeros_like(room), room), None)
    small = room.sum() <= _SMALL
    prices = find_prices(problem)
    bound = min(dual_bound(problem, prices), water_bound(problem))
    steps, whole = share_by_prices(problem, prices, bound=bound)
    value, found = problem.value(steps), None
    if whole and problem.fairness > 0 and value < bound * (1 - _ENOUGH):
        counts = whole_counts(problem, prices)
        bound = min(bound, counts.bound)
        aimed, met = share_by_prices(problem, prices, bound=bound, counts=counts.steps)
        if met and problem.value(aimed) > value:
            steps, value = aimed, problem.value(aimed)
    if whole:
        price = prices.column.reshape(s, k) * problem.need.sum() / problem.step_h
        found = Shared(steps, value, max(bound, value), "prices", "", float("nan"), price)
        if found.gap <= (_SMALL_ENOUGH if small else _ENOUGH):
            return found
    if small:
        window = Master(np.zeros_like(room), room)
        prices_of = None
    else:
        window, prices_of = _window(problem, prices, _BAND), prices
    if found is not None and int((window.high - window.low).sum()) > _WORTH:
        return found
    try:
        better = _by_program(problem, window, prices_of)
    except NoAnswerError:
        if found is None:
            raise
        return found
    if found is None or better.value >= found.value:
        return replace(better, bound=max(min(better.bound, bound), better.value))
    return replace(found, bound=max(min(better.bound, bound), found.value))


def _by_program(problem: Problem, master: Master, prices: Prices | None) -> Shared:
    """Solve over a window that grows by the steps that pay; without prices it is all steps."""
    n, s, k = problem.need.shape
    band = _BAND
    for turn in range(_ROUNDS):
        if int((master.high - master.low).sum()) > _LARGEST:
            raise NoAnswerError(f"more than {_LARGEST:,} steps pay about their price")
        answer = solve(problem, master)
        if _short(answer) and prices is not None and band < _WIDEST:
            band *= 2
            master = _join(master, _window(problem, prices, band))
            continue
        wider, surplus = _price_in(problem, master, answer, _FIRST if turn < 3 else 1.0)
        if prices is None or surplus <= _PROVED * answer.value:
            break
        master = wider
    else:
        if _short(answer):
            raise NoAnswerError("no sharing that keeps all rules was found within the rounds")
    _blame(problem, answer)
    bound = answer.value + surplus
    steps = np.rint(answer.given).astype(np.int64)
    if np.abs(answer.given - steps).max(initial=0.0) > 1e-6:
        steps, whole_bound = _round(problem, answer)
        bound = min(bound, whole_bound)
    steps = steps.reshape(n, s, k) + problem.base
    price = answer.prices.column.reshape(s, k) * problem.need.sum() / problem.step_h
    value = problem.value(steps)
    return Shared(steps, value, max(bound, value), "exact", "", float("nan"), price)


def _round(problem: Problem, answer: Answer) -> tuple[Longs, float]:
    """Make an answer whole: by a whole-number program if it is small, else step by step.

    Returns
    -------
    tuple
        The steps, and what no whole sharing is worth more than; infinite where that is not known.
    """
    n, s, k = problem.need.shape
    room = problem.room.reshape(n, s * k)
    if room.sum() <= _SMALL:
        full = Master(np.zeros_like(room), room)
        found = solve(problem, full, whole=True)
        given = np.rint(found.given).astype(np.int64).reshape(n, s, k) + problem.base
        given = swap_steps(problem, given)
        bound = found.bound
        if problem.fairness > 0 and bound > problem.value(given) * (1 + _ENOUGH):
            least = problem.value(given)
            bound = min(bound, count_bound(problem, full, value=least, most=_BRANCHES))
        return (given - problem.base).reshape(n, s * k), bound
    down = np.floor(answer.given + 1e-6).astype(np.int64).reshape(n, s, k) + problem.base
    weighted = replace(problem, base=down, need=problem.need * answer.prices.weight[:, None, None])
    steps, whole = share_greedily(weighted)
    if not whole:
        raise NoAnswerError("the best sharing with parts of steps could not be made whole")
    return (steps - problem.base).reshape(n, s * k), float("inf")


def _window(problem: Problem, prices: Prices, band: float) -> Master:
    """Return the steps that pay about what they cost: those within a band of the price."""
    n, s, k = problem.need.shape
    room = problem.room.reshape(n, s * k)
    gain = prices.weight[:, None] * problem.first_gain.reshape(n, s * k)
    reach = np.broadcast_to(problem.reach, (n, s, k)).reshape(n, s * k)
    price = prices.of_cells(np.tile(problem.visits, s))
    low = np.minimum(_count(gain, reach, price * (1 + band)), room)
    high = np.minimum(_count(gain, reach, price * (1 - band)), room)
    return Master(low, np.maximum(low, high))


def _join(one: Master, other: Master) -> Master:
    return Master(np.minimum(one.low, other.low), np.maximum(one.high, other.high))


def _short(answer: Answer) -> bool:
    return max(float(part.max(initial=0.0)) for part in answer.short) > 1e-6


def _price_in(
    problem: Problem, master: Master, answer: Answer, share: float
) -> tuple[Master, float]:
    """Widen the window by the steps that pay at the prices, and say how much they could add.

    Together with the answer's value that surplus is a bound for every sharing (Lagrangian
    duality), so that a surplus of nothing proves the answer best. Cells that make up most of the
    surplus come first; the others mostly stop paying once those are in.
    """
    n, s, k = problem.need.shape
    price = answer.prices.of_cells(np.tile(problem.visits, s))
    gain = answer.prices.weight[:, None] * problem.first_gain.reshape(n, s * k)
    reach = np.broadcast_to(problem.reach, (n, s, k)).reshape(n, s * k)
    pays = np.minimum(_count(gain, reach, price), problem.room.reshape(n, s * k))
    high, low = np.maximum(pays, master.high), np.minimum(pays, master.low)

    def worth(steps: Longs) -> Floats:
        return np.asarray(gain * np.expm1(-reach * steps) / np.expm1(-reach) - price * steps)

    surplus = (worth(high) - worth(master.high)) + (worth(low) - worth(master.low))
    surplus = np.maximum(surplus, 0.0).ravel()
    order = np.argsort(-surplus, kind="stable")
    most = int(np.searchsorted(np.cumsum(surplus[order]), share * surplus.sum())) + 1
    most = int((surplus > 0).sum()) if share >= 1 else most
    chosen = np.zeros(surplus.shape, dtype=np.bool_)
    chosen[order[:most]] = True
    wide = chosen.reshape(low.shape)
    wider = Master(np.where(wide, low, master.low), np.where(wide, high, master.high))
    return wider, float(surplus.sum())


def _count(gain: Floats, reach: Floats, price: Floats) -> Longs:
    """Return how many steps of a cell cover more than a price: ``gain * exp(-reach * j)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        j = np.log(gain / price) / reach
    j = np.where(price <= 0, np.inf, np.where(gain <= 0, 0.0, j))
    return np.asarray(np.ceil(np.clip(j, 0.0, 1e9)), dtype=np.int64)


def _blame(problem: Problem, answer: Answer) -> None:
    """Say which rule cannot be met, if one cannot."""
    unused, under, over, _ = answer.short
    if not _short(answer):
        return
    hours = problem.step_h
    parts = []
    if under.sum() > 1e-6:
        parts.append(
            f"the floor is {under.sum() * hours:g} h short in {int((under > 1e-6).sum())} grids: "
            "lower it, give more hours of the kinds that visit, or let more kinds serve"
        )
    if unused.sum() > 1e-6:
        parts.append(
            f"{unused.sum() * hours:g} h find no place under the caps: raise the cap, or give "
            "fewer hours"
        )
    if over.sum() > 1e-6:
        parts.append(
            f"the cap is passed by {over.sum() * hours:g} h in {int((over > 1e-6).sum())} grids: "
            "raise it, or explore less"
        )
    raise InputError("these rules admit no plan: " + "; ".join(parts))
