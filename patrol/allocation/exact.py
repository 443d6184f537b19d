"""The best sharing by linear programming: steps are priced in until none would pay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy import sparse

from geo.errors import InputError
from patrol.allocation.greedy import share_greedily, water_bound
from patrol.allocation.prices import TIE, Prices, dual_bound, find_prices
from patrol.allocation.problem import Floats, Longs, Problem, Shared
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
# Up to so many steps, all of them are in the whole-number program; past it the window is.
_SMALL = 5_000
# Beyond this gap of the sharing by prices, a program of at most so many steps is tried.
_ENOUGH = 5e-3
_WORTH = 30_000


class NoAnswerError(InputError):
    """HiGHS gave no optimal answer."""


@dataclass(frozen=True, eq=False)
class Master:
    """The program over the steps in a window of each cell.

    Attributes
    ----------
    low, high
        Shape ``(n, s * k)``: steps below ``low`` are given, those from ``high`` on are not,
        those between are to be decided.
    """

    low: Longs
    high: Longs


@dataclass(frozen=True, eq=False)
class Answer:
    """What a program gives: chosen steps, value, prices, and what no rule admits."""

    given: Floats
    value: float
    prices: Prices
    short: tuple[Floats, ...]


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
    if room.sum() <= _SMALL:
        return _by_program(problem, Master(np.zeros_like(room), room), None)
    prices = find_prices(problem)
    bound = min(dual_bound(problem, prices), water_bound(problem))
    steps, whole = share_by_prices(problem, prices, bound=bound)
    found = None
    if whole:
        value = problem.value(steps)
        price = prices.column.reshape(s, k) * problem.need.sum() / problem.step_h
        found = Shared(steps, value, max(bound, value), "prices", "", float("nan"), price)
        if found.gap <= _ENOUGH:
            return found
    window = _window(problem, prices, _BAND)
    if found is not None and int((window.high - window.low).sum()) > _WORTH:
        return found
    try:
        better = _by_program(problem, window, prices)
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
        answer = _solve(problem, master)
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
        steps = _round(problem, answer)
    steps = steps.reshape(n, s, k) + problem.base
    price = answer.prices.column.reshape(s, k) * problem.need.sum() / problem.step_h
    value = problem.value(steps)
    return Shared(steps, value, max(bound, value), "exact", "", float("nan"), price)


def _round(problem: Problem, answer: Answer) -> Longs:
    """Make an answer whole: by a whole-number program if it is small, else step by step."""
    n, s, k = problem.need.shape
    room = problem.room.reshape(n, s * k)
    if room.sum() <= _SMALL:
        full = Master(np.zeros_like(room), room)
        return np.rint(_solve(problem, full, whole=True).given).astype(np.int64)
    down = np.floor(answer.given + 1e-6).astype(np.int64).reshape(n, s, k) + problem.base
    weighted = replace(problem, base=down, need=problem.need * answer.prices.weight[:, None, None])
    steps, whole = share_greedily(weighted)
    if not whole:
        raise NoAnswerError("the best sharing with parts of steps could not be made whole")
    return (steps - problem.base).reshape(n, s * k)


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


def _solve(problem: Problem, master: Master, *, whole: bool = False) -> Answer:
    """Solve the program over a window; slack says by how much which rule is not met."""
    n, s, k = problem.need.shape
    low, high = master.low, master.high
    counts = high - low
    cell = np.repeat(np.arange(n * s * k), counts.ravel())
    begin = np.cumsum(counts.ravel()) - counts.ravel()
    j = np.arange(len(cell)) - begin[cell] + low.ravel()[cell]
    grid, column = cell // (s * k), cell % (s * k)
    kind = column % k
    reach = problem.reach[grid, 0, kind]
    gain = problem.first_gain.ravel()[cell] * np.exp(-reach * j)
    total = max(float(problem.need.sum()), 1e-300)
    beta = problem.fairness * (1 - TIE)
    model = _Program(whole)
    ys = model.add_columns((1 - beta) / total * gain, 0.0, 1.0)
    penalty = 1e3 * max(float((gain / total).max(initial=0.0)), 1e-9)
    fixed = low + problem.base.reshape(n, s * k)
    # Each shift and kind gives all its hours.
    short_of = model.add_columns(np.full(s * k, -penalty), 0.0, np.inf)
    beyond = model.add_columns(np.full(s * k, -penalty), 0.0, np.inf)
    left = (problem.budget.ravel() - fixed.sum(axis=0)).astype(np.float64)
    budget_rows = model.add_rows(left, left)
    model.add_entries(budget_rows[column], ys, 1.0)
    model.add_entries(budget_rows, short_of, 1.0)
    model.add_entries(budget_rows, beyond, -1.0)
    # Floors count visits, caps count everything.
    visits = np.tile(problem.visits, s)
    broken = fixed[:, visits].sum(axis=1) < problem.lower
    broken |= fixed.sum(axis=1) > problem.upper
    touched = np.union1d(grid, np.flatnonzero(broken))
    row_of = np.full(n, -1)
    row_of[touched] = np.arange(len(touched))
    under = model.add_columns(np.full(len(touched), -penalty), 0.0, np.inf)
    over = model.add_columns(np.full(len(touched), -penalty), 0.0, np.inf)
    need_more = (problem.lower - fixed[:, visits].sum(axis=1))[touched].astype(np.float64)
    may_more = (problem.upper - fixed.sum(axis=1))[touched].astype(np.float64)
    floor_rows = model.add_rows(need_more, np.full(len(touched), np.inf))
    cap_rows = model.add_rows(np.full(len(touched), -np.inf), may_more)
    visiting = visits[column]
    model.add_entries(floor_rows[row_of[grid[visiting]]], ys[visiting], 1.0)
    model.add_entries(floor_rows, under, 1.0)
    model.add_entries(cap_rows[row_of[grid]], ys, 1.0)
    model.add_entries(cap_rows, over, -1.0)
    group_need = problem.group_need()
    fair_rows = np.empty(0, dtype=np.int64)
    if beta > 0:
        some = np.flatnonzero(group_need > 0)
        place = np.full(len(group_need), -1)
        place[some] = np.arange(len(some))
        done = problem.covered(fixed.reshape(n, s, k)).sum(axis=(1, 2))
        done = np.bincount(problem.group, weights=done, minlength=len(group_need))[some]
        worst = model.add_columns(np.array([beta]), 0.0, 1.0)
        fair_rows = model.add_rows(np.full(len(some), -np.inf), done / group_need[some])
        own = place[problem.group[grid]]
        mine = own >= 0
        model.add_entries(
            fair_rows[own[mine]], ys[mine],
            -(gain / np.maximum(group_need, 1e-300)[problem.group[grid]])[mine],
        )  # fmt: skip
        model.add_entries(fair_rows, np.repeat(worst, len(some)), 1.0)
    x, duals = model.solve(whole_columns=ys)
    given = low.astype(np.float64)
    np.add.at(given.reshape(-1), cell, x[ys])
    weight = np.full(n, (1 - beta) / total)
    if beta > 0:
        by_group = np.zeros(len(group_need))
        by_group[some] = np.maximum(duals[fair_rows], 0.0) / group_need[some]
        weight = weight + by_group[problem.group]
    floor, cap = np.zeros(n), np.zeros(n)
    floor[touched], cap[touched] = -duals[floor_rows], duals[cap_rows]
    done_value = (1 - beta) / total * float(problem.covered(fixed.reshape(n, s, k)).sum())
    value = (
        done_value + float(model.cost[ys] @ x[ys]) + (beta * float(x[worst[0]]) if beta > 0 else 0)
    )
    prices = Prices(duals[budget_rows], np.maximum(floor, 0.0), np.maximum(cap, 0.0), weight)
    return Answer(given, value, prices, tuple(x[part] for part in (short_of, under, over, beyond)))


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


class _Program:
    """A linear program that grows by columns, rows and entries, for HiGHS."""

    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self.cost = np.empty(0)
        self._bounds: list[tuple[Floats, Floats]] = []
        self._rows: list[tuple[Floats, Floats]] = []
        self._n_rows = 0
        self._entries: list[tuple[Longs, Longs, Floats]] = []

    def add_columns(self, gain: Floats, low: float, high: float) -> Longs:
        """Add variables with their gain and return their numbers."""
        first = len(self.cost)
        self.cost = np.concatenate([self.cost, gain])
        self._bounds.append((np.full(len(gain), low), np.full(len(gain), high)))
        return np.arange(first, len(self.cost))

    def add_rows(self, low: Floats, high: Floats) -> Longs:
        """Add rules and return their numbers."""
        first = self._n_rows
        self._rows.append((low, high))
        self._n_rows += len(low)
        return np.arange(first, self._n_rows)

    def add_entries(self, rows: Longs, columns: Longs, values: Floats | float) -> None:
        """Say how much each variable counts in a rule."""
        self._entries.append((rows, columns, np.broadcast_to(np.float64(values), rows.shape)))

    def solve(self, *, whole_columns: Longs) -> tuple[Floats, Floats]:
        """Return the values of the variables and the prices of the rules."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = sparse.csc_array((values, (rows, columns)), shape=(self._n_rows, len(self.cost)))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), self._n_rows
        # Gains of a share of the need are tiny numbers: HiGHS compares with absolute tolerances.
        scale = 1.0 / max(float(np.abs(self.cost).max(initial=0.0)) / 1e3, 1e-300)
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_ = self.cost * scale
        lp.col_lower_, lp.col_upper_ = (
            np.concatenate(part) for part in zip(*self._bounds, strict=True)
        )
        lp.row_lower_, lp.row_upper_ = (
            np.concatenate(part) for part in zip(*self._rows, strict=True)
        )
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        if self.whole:
            kinds = np.full(len(self.cost), highspy.HighsVarType.kContinuous, dtype=object)
            kinds[whole_columns] = highspy.HighsVarType.kInteger
            lp.integrality_ = kinds.tolist()
        solver = highspy.Highs()
        for option, setting in (("output_flag", False), ("random_seed", 1), ("threads", 1),
                                ("mip_rel_gap", 1e-9), ("mip_max_nodes", 2000)):  # fmt: skip
            solver.setOptionValue(option, setting)
        solver.passModel(lp)
        solver.run()
        status = solver.getModelStatus()
        good = {highspy.HighsModelStatus.kOptimal}
        if self.whole:
            good.add(highspy.HighsModelStatus.kSolutionLimit)
        solution = solver.getSolution()
        if status not in good or not solution.value_valid:
            raise NoAnswerError(f"HiGHS ended with {solver.modelStatusToString(status)}")
        return np.asarray(solution.col_value), np.asarray(solution.row_dual) / scale
