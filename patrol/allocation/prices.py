"""Prices of hours at which every grid's own best choice nearly fits: the dual, and its bound."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from patrol.allocation.price_kernel import (
    answer_prices,
    cover_groups,
    most_worth,
    price_columns,
)
from patrol.allocation.problem import Flags, Floats, Longs, Problem

# Width of the ramp over which a step is taken, from wide, where prices settle fast, to narrow,
# where they are those of whole steps; and sweeps at most for each.
_WIDTHS = (1.0, 0.4, 0.15, 0.06, 0.025)
_SWEEPS = 40
# Gain of a sweep, as a share of the dual, below which the prices stand still.
_STILL = 3e-6
# The least slope that damps the price of a shift and kind, as a share of the mean one.
_FLAT = 0.1
_TINY = 1e-300
_NOTHING = 28.0
# A share so small that it only settles which of equally fair sharings covers more.
TIE = 1e-4


@dataclass(frozen=True, eq=False)
class Prices:
    """What a step costs and what rules add to it, in covered need times weight.

    Attributes
    ----------
    column
        Shape ``(s * k,)``, a step of a shift and kind.
    floor, cap
        Shape ``(n,)``, what a grid's floor takes off and its cap adds, at least 0.
    weight
        Shape ``(n,)``, what covered need counts in a grid, by its community.
    """

    column: Floats
    floor: Floats
    cap: Floats
    weight: Floats

    def of_cells(self, visits: Flags | Longs) -> Floats:
        """Return the price of a step in each cell, shape ``(n, s * k)``."""
        off = np.where(visits[None, :] > 0, self.floor[:, None], 0.0)
        return np.asarray(self.column[None, :] + self.cap[:, None] - off)


@dataclass(frozen=True, eq=False)
class Cells:
    """A problem as rows of grids and columns of shifts and kinds, what is given beforehand aside.

    Attributes
    ----------
    log_gain, reach, room
        Shape ``(n, s * k)``: logarithm of what the first step covers, by how much each further
        one covers less, and how many steps there is room for.
    left
        Shape ``(s * k,)``, steps to give.
    lower, upper
        Shape ``(n,)``, least visiting steps and most steps.
    visits
        Shape ``(s * k,)``.
    """

    log_gain: Floats
    reach: Floats
    room: Longs
    left: Longs
    lower: Longs
    upper: Longs
    visits: Flags

    @classmethod
    def of(cls, problem: Problem) -> Cells:
        """Return the cells of a problem."""
        n, s, k = problem.need.shape
        base = problem.base.reshape(n, s * k)
        visits = np.tile(problem.visits, s)
        with np.errstate(divide="ignore"):
            logs = np.log(problem.first_gain.reshape(n, s * k))
        return cls(
            # Nothing to cover is next to nothing, so that no price has to be 0.
            log_gain=np.maximum(logs, max(float(logs.max(initial=-700.0)), -600.0) - _NOTHING),
            reach=np.ascontiguousarray(np.broadcast_to(problem.reach, (n, s, k)).reshape(n, s * k)),
            room=np.maximum(problem.room.reshape(n, s * k), 0),
            left=problem.budget.ravel() - base.sum(axis=0),
            lower=problem.lower - base[:, visits].sum(axis=1),
            upper=problem.upper - base.sum(axis=1),
            visits=visits,
        )


def find_prices(problem: Problem, *, start: Prices | None = None) -> Prices:
    """Find prices by turns: hours answer the rules of grids, grids the prices of hours.

    A step is taken over a ramp around its price, which makes the dual smooth, so that settling
    one block of prices after the other converges; the ramp is narrowed from turn to turn. The
    weights of communities are settled by water filling: all communities with weight are lifted
    to one level, and the level is the one at which the weights spend what fairness has.

    Parameters
    ----------
    start
        Prices of a problem that differs little, to begin with.

    References
    ----------
    Tseng, P. (2001). Convergence of a block coordinate descent method for nondifferentiable
    minimization. Journal of Optimization Theory and Applications 109.
    https://doi.org/10.1023/A:1017501703105
    """
    cells = Cells.of(problem)
    weights = _Weights.of(problem, np.empty(0) if start is None else start.weight)
    prices = start or _first_prices(cells, weights.of_grids())
    prices = replace(prices, weight=weights.of_grids())
    best, bound = prices, np.inf
    for width in _WIDTHS if start is None else _WIDTHS[-2:]:
        prices = _settle(cells, prices, weights, width)
        proved = dual_bound(problem, prices)
        if proved < bound:
            best, bound = prices, proved
    return best


def _settle(cells: Cells, prices: Prices, weights: _Weights, width: float) -> Prices:
    """Settle prices and weights for a ramp, each by Newton steps that are taken if they help."""
    now = _respond(cells, prices, width)
    damping, caution = 1e-3, 1.0
    for _ in range(_SWEEPS):
        before = now.worth
        ahead = _respond(cells, _newton(cells, now, damping), width)
        better = ahead.worth < now.worth
        damping = max(damping / 4, 1e-9) if better else damping * 6
        now = ahead if better else now
        if weights.beta > 0:
            other = weights.settled(cells, now.prices, width, caution)
            ahead = _respond(cells, replace(now.prices, weight=other.of_grids()), width)
            fairer = ahead.worth + other.given() < now.worth + weights.given()
            caution = max(caution / 3, 0.1) if fairer else caution * 4
            if fairer:
                now, weights.share, better = ahead, other.share, True
        if (better and before - now.worth <= _STILL * abs(now.worth)) or damping > 1e6:
            break
    return now.prices


def _newton(cells: Cells, now: _Response, damping: float) -> Prices:
    """Return prices a step on, damped as Levenberg and Marquardt do.

    Grids answer the prices of hours at once, so that there are as many unknowns as there are
    shifts and kinds.
    """
    own = np.diag(now.slope)
    # Where no step is on the ramp the slope says nothing: others' slope damps that price.
    least = _FLAT * float(own.sum()) / max(int((own > 0).sum()), 1)
    damp = damping * np.maximum(own, least) + 1e-9 * own.max(initial=0.0) + _TINY
    step = np.linalg.solve(now.slope + np.diag(damp), now.given - cells.left)
    most = np.abs(now.prices.column).max(initial=0.0)
    return replace(now.prices, column=now.prices.column + np.clip(step, -most, most))


@dataclass(frozen=True, eq=False)
class _Response:
    """What grids take at prices, floors and caps settled: steps, their slope, and the dual."""

    prices: Prices
    given: Floats
    slope: Floats
    worth: float


def _respond(cells: Cells, prices: Prices, width: float) -> _Response:
    floor, cap = prices.floor.copy(), prices.cap.copy()
    logs = np.log(np.maximum(prices.weight, _TINY))
    given, slope, worth = answer_prices(
        cells.log_gain, cells.reach, cells.room, logs, cells.lower, cells.upper, cells.visits,
        prices.column, floor, cap, width,
    )  # fmt: skip
    worth += prices.column @ cells.left + cap @ cells.upper - floor @ cells.lower
    return _Response(replace(prices, floor=floor, cap=cap), given, slope, float(worth))


def _first_prices(cells: Cells, weight: Floats) -> Prices:
    """Return the prices of hours without floors and caps."""
    n, m = cells.room.shape
    logs = np.log(np.maximum(weight, _TINY))
    parts = [np.ascontiguousarray(part.T) for part in (cells.log_gain + logs[:, None], cells.reach)]
    column = np.zeros(m)
    price_columns(*parts, np.ascontiguousarray(cells.room.T), cells.left, column)
    return Prices(column, np.zeros(n), np.zeros(n), weight)


def dual_bound(problem: Problem, prices: Prices) -> float:
    """Return a value that no whole sharing passes, by any prices (Lagrangian duality).

    The weights of communities must be those of `find_prices`, or spend the same.
    """
    cells = Cells.of(problem)
    price = prices.of_cells(cells.visits)
    most = most_worth(cells.log_gain, cells.reach, cells.room, prices.weight, price)
    base = problem.covered(problem.base).sum(axis=(1, 2))
    return float(
        most
        + prices.column @ cells.left
        + prices.cap @ cells.upper
        - prices.floor @ cells.lower
        + prices.weight @ base
    )


class _Weights:
    """What covered need counts in each community: what all count alike, and a share of fairness."""

    def __init__(self, problem: Problem, share: Floats) -> None:
        self.beta = problem.fairness * (1 - TIE)
        self.need = problem.group_need()
        self.total = max(float(self.need.sum()), _TINY)
        self.group = problem.group
        self.some = self.need > 0
        covered = problem.covered(problem.base).sum(axis=(1, 2))
        self.base = np.bincount(self.group, weights=covered, minlength=len(self.need))
        self.share = share

    @classmethod
    def of(cls, problem: Problem, given: Floats) -> _Weights:
        """Begin with the weights that grids were given, or with need's."""
        made = cls(problem, np.empty(0))
        share = made.need / made.total
        if len(given):
            first = np.zeros(len(made.need))
            first[problem.group] = given
            share = np.maximum(first - (1 - made.beta) / made.total, 0.0) * made.need
        whole = float(share.sum())
        even = made.some / max(int(made.some.sum()), 1)
        made.share = made.beta * (share / whole if whole > 0 else even)
        return made

    def of_grids(self) -> Floats:
        """Return the weight of each grid."""
        own = np.where(self.some, self.share / np.maximum(self.need, _TINY), 0.0)
        return np.asarray((1 - self.beta) / self.total + own[self.group])

    def settled(self, cells: Cells, prices: Prices, width: float, caution: float) -> _Weights:
        """Return weights a Newton step towards the level to which all with weight are lifted."""
        groups = len(self.need)
        covered, rise = cover_groups(
            cells.log_gain, cells.reach, cells.room, prices.weight,
            prices.of_cells(cells.visits), self.group, groups, width,
        )  # fmt: skip
        need = np.maximum(self.need, _TINY)
        level, slope = (covered + self.base) / need, (1 + caution) * rise / need
        even = (1 - self.beta) / self.total
        now = np.log(even + self.share / need)

        def at(goal: float) -> Floats:
            far = np.sign(goal - level)
            wanted = np.where(slope > 1e-12, (goal - level) / np.maximum(slope, 1e-12), far)
            most = 2.0 / (1 + caution)
            weight = np.exp(now + np.clip(wanted, -most, most))
            return np.asarray(np.where(self.some, np.maximum(weight - even, 0.0) * need, 0.0))

        low, high = -1.0, 2.0
        for _ in range(60):
            middle = (low + high) / 2
            if at(middle).sum() > self.beta:
                high = middle
            else:
                low = middle
        share = at((low + high) / 2)
        made = copy(self)
        made.share = self.beta * share / max(float(share.sum()), _TINY)
        return made

    def given(self) -> float:
        """Return what is covered beforehand, as it counts: the part of the dual without prices."""
        own = np.where(self.some, self.share / np.maximum(self.need, _TINY), 0.0)
        return float(own @ self.base)
