"""The linear, or whole-number, program over the steps in a window of each cell, for HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from geo.errors import InputError
from patrol.allocation.prices import TIE, Prices
from patrol.allocation.problem import Floats, Longs, Problem

# A whole-number program looks at so many nodes at most: the same on every machine, unlike a time.
_NODES = 100


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
    """What a program gives: chosen steps, value, prices, and what no rule admits.

    Attributes
    ----------
    bound
        No whole sharing over the window is worth more.
    """

    given: Floats
    value: float
    prices: Prices
    short: tuple[Floats, ...]
    bound: float


def solve(
    problem: Problem, master: Master, *, whole: bool = False,
    group_counts: tuple[Floats, Floats] | None = None,
) -> Answer:  # fmt: skip
    """Solve the program over a window; slack says by how much which rule is not met.

    Parameters
    ----------
    whole
        Whether steps are whole.
    group_counts
        Least and most steps of the window that each community has in all; None: no bound.
    """
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
    model = Program(whole)
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
    if group_counts is not None:
        _bound_counts(model, ys, problem.group[grid], group_counts)
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
    short = tuple(x[part] for part in (short_of, under, over, beyond))
    return Answer(given, value, prices, short, model.bound + done_value)


def _bound_counts(model: Program, ys: Longs, group: Longs, counts: tuple[Floats, Floats]) -> None:
    """Add how many steps of the window each community has in all, at least and at most."""
    totals = model.add_columns(np.zeros(len(counts[0])), 0.0, np.inf)
    rows = model.add_rows(np.zeros(len(totals)), np.zeros(len(totals)))
    model.add_entries(rows[group], ys, 1.0)
    model.add_entries(rows, totals, -1.0)
    model.add_entries(model.add_rows(*counts), totals, 1.0)


class Program:
    """A linear program that grows by columns, rows and entries, for HiGHS."""

    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self.bound = float("inf")
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
                                ("mip_rel_gap", 1e-9), ("mip_max_nodes", _NODES)):  # fmt: skip
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
        info = solver.getInfo()
        best = info.mip_dual_bound if self.whole else info.objective_function_value
        self.bound = float(best) / scale
        return np.asarray(solution.col_value), np.asarray(solution.row_dual) / scale
