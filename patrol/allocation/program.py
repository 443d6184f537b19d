"""The program over the steps in a window of each cell: hours, floors, caps and fairness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.allocation.highs import Program
from patrol.allocation.prices import TIE, Prices
from patrol.allocation.problem import Flags, Floats, Longs, Problem


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
    steps = _Steps.of(problem, master)
    total = max(float(problem.need.sum()), 1e-300)
    even = (1 - problem.fairness * (1 - TIE)) / total
    model = Program(whole)
    chosen = model.add_columns(even * steps.gain, 0.0, 1.0)
    penalty = 1e3 * max(float((steps.gain / total).max(initial=0.0)), 1e-9)
    hours = _give_hours(model, problem, steps, chosen, penalty)
    floors, caps = _keep_floors_and_caps(model, problem, steps, chosen, penalty)
    fair = _lift_worst(model, problem, steps, chosen)
    if group_counts is not None:
        _bound_counts(model, chosen, problem.group[steps.grid], group_counts)
    x, duals = model.solve(whole_columns=chosen)
    given = master.low.astype(np.float64)
    np.add.at(given.reshape(-1), steps.cell, x[chosen])
    beforehand = even * float(_covered(problem, steps.fixed).sum())
    gained = float(model.cost[chosen] @ x[chosen]) + float(model.cost[fair.level] @ x[fair.level])
    prices = Prices(
        duals[hours.rows],
        np.maximum(-floors.of_grids(duals, len(given)), 0.0),
        np.maximum(caps.of_grids(duals, len(given)), 0.0),
        even + fair.weights(duals)[problem.group],
    )
    short = (x[hours.unused], x[floors.slack], x[caps.slack], x[hours.beyond])
    return Answer(given, beforehand + gained, prices, short, model.bound + beforehand)


@dataclass(frozen=True, eq=False)
class _Steps:
    """The steps to decide on: cell, grid, shift and kind as one column, and gain of each.

    Attributes
    ----------
    fixed
        Shape ``(n, s * k)``, steps that are given whatever is decided, base included.
    visiting
        Shape ``(s * k,)``.
    """

    cell: Longs
    grid: Longs
    column: Longs
    gain: Floats
    fixed: Longs
    visiting: Flags

    @classmethod
    def of(cls, problem: Problem, master: Master) -> _Steps:
        n, s, k = problem.need.shape
        counts = (master.high - master.low).ravel()
        cell = np.repeat(np.arange(n * s * k), counts)
        begin = np.cumsum(counts) - counts
        j = np.arange(len(cell)) - begin[cell] + master.low.ravel()[cell]
        grid, column = cell // (s * k), cell % (s * k)
        reach = problem.reach[grid, 0, column % k]
        return cls(
            cell, grid, column,
            gain=problem.first_gain.ravel()[cell] * np.exp(-reach * j),
            fixed=master.low + problem.base.reshape(n, s * k),
            visiting=np.tile(problem.visits, s),
        )  # fmt: skip


def _covered(problem: Problem, steps: Longs) -> Floats:
    """Return what steps of shape ``(n, s * k)`` cover in each grid."""
    return np.asarray(problem.covered(steps.reshape(problem.need.shape)).sum(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class _Hours:
    """Rules that all hours are given, and the slack of each: steps unused, and steps too many."""

    rows: Longs
    unused: Longs
    beyond: Longs


def _give_hours(
    model: Program, problem: Problem, steps: _Steps, chosen: Longs, penalty: float
) -> _Hours:
    left = (problem.budget.ravel() - steps.fixed.sum(axis=0)).astype(np.float64)
    unused = model.add_columns(np.full(len(left), -penalty), 0.0, np.inf)
    beyond = model.add_columns(np.full(len(left), -penalty), 0.0, np.inf)
    rows = model.add_rows(left, left)
    model.add_entries(rows[steps.column], chosen, 1.0)
    model.add_entries(rows, unused, 1.0)
    model.add_entries(rows, beyond, -1.0)
    return _Hours(rows, unused, beyond)


@dataclass(frozen=True, eq=False)
class _GridRules:
    """One rule for each of some grids, and by how much it is not met."""

    grids: Longs
    rows: Longs
    slack: Longs

    def of_grids(self, duals: Floats, n: int) -> Floats:
        """Return the price of the rule in each of all grids."""
        price = np.zeros(n)
        price[self.grids] = duals[self.rows]
        return price


def _keep_floors_and_caps(
    model: Program, problem: Problem, steps: _Steps, chosen: Longs, penalty: float
) -> tuple[_GridRules, _GridRules]:
    """Add floors, which count visits, and caps, which count everything, where they may bind."""
    n = len(steps.fixed)
    short = problem.lower - steps.fixed[:, steps.visiting].sum(axis=1)
    room = problem.upper - steps.fixed.sum(axis=1)
    grids = np.union1d(steps.grid, np.flatnonzero((short > 0) | (room < 0)))
    place = np.full(n, -1)
    place[grids] = np.arange(len(grids))
    under = model.add_columns(np.full(len(grids), -penalty), 0.0, np.inf)
    over = model.add_columns(np.full(len(grids), -penalty), 0.0, np.inf)
    none = np.full(len(grids), np.inf)
    floors = model.add_rows(short[grids].astype(np.float64), none)
    caps = model.add_rows(-none, room[grids].astype(np.float64))
    visit = steps.visiting[steps.column]
    model.add_entries(floors[place[steps.grid[visit]]], chosen[visit], 1.0)
    model.add_entries(floors, under, 1.0)
    model.add_entries(caps[place[steps.grid]], chosen, 1.0)
    model.add_entries(caps, over, -1.0)
    return _GridRules(grids, floors, under), _GridRules(grids, caps, over)


@dataclass(frozen=True, eq=False)
class _Fairness:
    """The level under which no community lies, as a variable, and a rule for each of those."""

    level: Longs
    rows: Longs
    some: Longs
    group_need: Floats

    def weights(self, duals: Floats) -> Floats:
        """Return what need covered in each community counts for fairness."""
        weight = np.zeros(len(self.group_need))
        weight[self.some] = np.maximum(duals[self.rows], 0.0) / self.group_need[self.some]
        return weight


def _lift_worst(model: Program, problem: Problem, steps: _Steps, chosen: Longs) -> _Fairness:
    beta, need = problem.fairness * (1 - TIE), problem.group_need()
    none = np.empty(0, dtype=np.int64)
    if beta == 0:
        return _Fairness(none, none, none, need)
    some = np.flatnonzero(need > 0)
    place = np.full(len(need), -1)
    place[some] = np.arange(len(some))
    fixed = np.bincount(
        problem.group, weights=_covered(problem, steps.fixed), minlength=len(need)
    )[some]  # fmt: skip
    level = model.add_columns(np.array([beta]), 0.0, 1.0)
    rows = model.add_rows(np.full(len(some), -np.inf), fixed / need[some])
    group = problem.group[steps.grid]
    mine = place[group] >= 0
    lifts = steps.gain[mine] / need[group[mine]]
    model.add_entries(rows[place[group[mine]]], chosen[mine], -lifts)
    model.add_entries(rows, np.repeat(level, len(some)), 1.0)
    return _Fairness(level, rows, some, need)


def _bound_counts(
    model: Program, chosen: Longs, group: Longs, counts: tuple[Floats, Floats]
) -> None:
    """Add how many steps of the window each community has in all, at least and at most."""
    totals = model.add_columns(np.zeros(len(counts[0])), 0.0, np.inf)
    rows = model.add_rows(np.zeros(len(totals)), np.zeros(len(totals)))
    model.add_entries(rows[group], chosen, 1.0)
    model.add_entries(rows, totals, -1.0)
    model.add_entries(model.add_rows(*counts), totals, 1.0)
