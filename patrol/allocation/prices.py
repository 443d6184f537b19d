"""Prices of hours at which every grid's own best choice nearly fits: the dual, smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from patrol.allocation.problem import Floats, Longs, Problem

_SWEEPS = 40
# Share of the dearest price below which no price moves any more.
_STILL = 1e-3
_HALVINGS = 40


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

    def of_cells(self, visits: Longs) -> Floats:
        """Return the price of a step in each cell, shape ``(n, s * k)``."""
        off = np.where(visits[None, :] > 0, self.floor[:, None], 0.0)
        return np.asarray(self.column[None, :] + self.cap[:, None] - off)


def find_prices(problem: Problem) -> Prices:
    """Find prices by turns: grids answer the prices of hours, hours the prices of grids.

    Half a step is added to each cell that pays, for whole steps overshoot by half on average.
    Communities that are covered worst gain weight from turn to turn (multiplicative weights).

    References
    ----------
    Arora, S., Hazan, E. and Kale, S. (2012). The multiplicative weights update method. Theory of
    Computing 8(6). https://doi.org/10.4086/toc.2012.v008a006
    """
    n, s, k = problem.need.shape
    first, room = problem.first_gain.reshape(n, s * k), problem.room.reshape(n, s * k)
    reach = np.ascontiguousarray(np.broadcast_to(problem.reach, (n, s, k)).reshape(n, s * k))
    visits = np.tile(problem.visits, s).astype(np.int64)
    base = problem.base.reshape(n, s * k)
    left = problem.budget.ravel() - base.sum(axis=0)
    lower = problem.lower - base[:, visits > 0].sum(axis=1)
    upper = problem.upper - base.sum(axis=1)
    group_need = problem.group_need()
    total = max(float(problem.need.sum()), 1e-300)
    worst = group_need / total
    column, floor, cap = np.zeros(s * k), np.zeros(n), np.zeros(n)
    with np.errstate(divide="ignore"):
        logs = np.log(first)
    for turn in range(_SWEEPS):
        weight = _weights(problem, group_need, worst)
        gain = logs + np.log(weight)[:, None]
        before = column.copy()
        _answer_columns(
            np.ascontiguousarray(gain.T), np.ascontiguousarray(reach.T),
            np.ascontiguousarray(room.T), left, visits, column, floor, cap,
        )  # fmt: skip
        _answer_rows(gain, reach, room, lower, upper, visits, column, floor, cap)
        if problem.fairness > 0:
            worst = _shift(problem, np.exp(gain), reach, room, Prices(column, floor, cap, weight),
                           visits, worst, 4.0 / (1 + turn / 4))  # fmt: skip
        elif np.abs(column - before).max(initial=0.0) <= _STILL * column.max(initial=0.0):
            break
    return Prices(column, floor, cap, _weights(problem, group_need, worst))


def _weights(problem: Problem, group_need: Floats, worst: Floats) -> Floats:
    own = np.where(group_need > 0, worst / np.maximum(group_need, 1e-300), 0.0)
    total = max(float(group_need.sum()), 1e-300)
    return np.asarray((1 - problem.fairness) / total + problem.fairness * own[problem.group])


def _shift(
    problem: Problem,
    gain: Floats,
    reach: Floats,
    room: Longs,
    prices: Prices,
    visits: Longs,
    worst: Floats,
    rate: float,
) -> Floats:
    """Give weight to the communities that are covered worst."""
    with np.errstate(divide="ignore"):
        steps = np.log(gain / np.maximum(prices.of_cells(visits), 1e-300)) / reach + 0.5
    steps = np.clip(steps, 0, room)
    n, s, k = problem.need.shape
    covered = problem.need * -np.expm1(-(steps.reshape(n, s, k) + problem.base) * problem.reach)
    need = problem.group_need()
    share = np.bincount(problem.group, weights=covered.sum(axis=(1, 2))) / np.maximum(need, 1e-300)
    some = need > 0
    spread = np.where(some, share - share[some].min(initial=0.0), 0.0)
    new = np.where(some, np.maximum(worst, 1e-9) * np.exp(-rate * 10 * spread), 0.0)
    return np.asarray(new / max(new.sum(), 1e-300))


@njit(cache=True)
def _steps(log_gain: float, reach: float, room: int, log_price: float) -> float:
    return min(max((log_gain - log_price) / reach + 0.5, 0.0), float(room))


@njit(cache=True)
def _answer_columns(
    gain: Floats, reach: Floats, room: Longs, left: Longs, visits: Longs,
    column: Floats, floor: Floats, cap: Floats,
) -> None:  # fmt: skip
    """Set the price of each shift and kind at which its steps are just taken."""
    columns, n = gain.shape
    extra = np.empty(n)
    for c in range(columns):
        low, high = 0.0, 0.0
        for i in range(n):
            extra[i] = cap[i] - (floor[i] if visits[c] else 0.0)
            if room[c, i] > 0:
                high = max(high, np.exp(gain[c, i] + reach[c, i]) - extra[i])
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            log_middle = np.log(max(middle, 1e-300))
            given = 0.0
            for i in range(n):
                if room[c, i] <= 0:
                    continue
                if extra[i] == 0.0:
                    given += _steps(gain[c, i], reach[c, i], room[c, i], log_middle)
                else:
                    own = np.log(max(middle + extra[i], 1e-300))
                    given += _steps(gain[c, i], reach[c, i], room[c, i], own)
            if given > left[c]:
                low = middle
            else:
                high = middle
            if high - low < 1e-5 * high:
                break
        column[c] = high


@njit(cache=True)
def _answer_rows(
    gain: Floats, reach: Floats, room: Longs, lower: Longs, upper: Longs, visits: Longs,
    column: Floats, floor: Floats, cap: Floats,
) -> None:  # fmt: skip
    """Set what each grid's floor takes off and its cap adds so that both are kept."""
    n = len(gain)
    logs = np.log(np.maximum(column, 1e-300))
    dearest = column.max()
    for i in range(n):
        floor[i] = _settle(
            gain[i], reach[i], room[i], lower[i], visits, column, logs, dearest, True
        )
        cap[i] = 0.0
        if floor[i] == 0.0:
            most = np.exp((gain[i] + reach[i]).max())
            cap[i] = _settle(
                gain[i], reach[i], room[i], upper[i], visits, column, logs, most, False
            )


@njit(cache=True)
def _settle(
    gain: Floats, reach: Floats, room: Longs, bound: int, visits: Longs, column: Floats,
    logs: Floats, most: float, floor: bool,
) -> float:  # fmt: skip
    """Return what must be taken off (floor) or added (cap) for a grid to keep its bound."""
    low, high = 0.0, 0.0
    for turn in range(_HALVINGS):
        middle = high if turn == 0 else (low + high) / 2
        given = 0.0
        for c in range(len(column)):
            if room[c] <= 0 or (floor and not visits[c]):
                continue
            price = column[c] - middle if floor else column[c] + middle
            log_price = logs[c] if turn == 0 else np.log(max(price, 1e-300))
            given += _steps(gain[c], reach[c], room[c], log_price)
        fits = given >= bound if floor else given <= bound
        if turn == 0:
            if fits:
                return 0.0
            high = most
            continue
        if fits:
            high = middle
        else:
            low = middle
        if high - low < 1e-5 * high:
            break
    return high
