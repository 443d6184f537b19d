"""In which order cells are flown, and each from which corner."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WAYS = 4
_MOST_TRIALS = 20_000


@dataclass(frozen=True, eq=False)
class TourCosts:
    """What a tour of `k` cells costs; each cell can be flown in four ways.

    Attributes
    ----------
    inner
        Shape ``(k, 4)``: flying the cell.
    between
        Shape ``(k, 4, k, 4)``: from the end of one way to the start of another.
    first, last
        Shape ``(k, 4)``: from the base to the start, from the end to the base.
    """

    inner: Floats
    between: Floats
    first: Floats
    last: Floats


def order_cells(costs: TourCosts) -> list[tuple[int, int]]:
    """Return the cells in flying order, each with its way.

    A nearest-neighbour tour, bettered by moving and turning stretches of it until nothing
    helps; for each order the best ways are found exactly. Deterministic.
    """
    k = len(costs.inner)
    if not k:
        return []
    order = _nearest(costs)
    best, trials, better = _price(costs, order), 0, True
    while better and trials < _MOST_TRIALS:
        better = False
        for trial in _neighbours(order):
            trials += 1
            price = _price(costs, trial)
            if price < best - 1e-9:
                order, best, better = trial, price, True
                break
            if trials >= _MOST_TRIALS:
                break
    return list(zip(order, _best_ways(costs, order), strict=True))


def _nearest(costs: TourCosts) -> list[int]:
    left = set(range(len(costs.inner)))
    order = [int(costs.first.min(axis=1).argmin())]
    left.remove(order[0])
    gap = costs.between.min(axis=(1, 3))
    while left:
        order.append(min(left, key=lambda i: (gap[order[-1], i], i)))
        left.remove(order[-1])
    return order


def _neighbours(order: list[int]) -> list[list[int]]:
    k = len(order)
    turned = [
        order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
        for i in range(k)
        for j in range(i + 1, k)
    ]
    moved = []
    for size in (1, 2, 3):
        for i in range(k - size + 1):
            part, rest = order[i : i + size], order[:i] + order[i + size :]
            moved += [rest[:j] + part + rest[j:] for j in range(len(rest) + 1) if j != i]
    return turned + moved


def _price(costs: TourCosts, order: list[int]) -> float:
    value = costs.first[order[0]] + costs.inner[order[0]]
    for before, cell in pairwise(order):
        value = (value[:, None] + costs.between[before, :, cell]).min(axis=0) + costs.inner[cell]
    return float((value + costs.last[order[-1]]).min())


def _best_ways(costs: TourCosts, order: list[int]) -> list[int]:
    value = costs.first[order[0]] + costs.inner[order[0]]
    came: list[NDArray[np.int64]] = []
    for before, cell in pairwise(order):
        table = value[:, None] + costs.between[before, :, cell]
        came.append(table.argmin(axis=0))
        value = table.min(axis=0) + costs.inner[cell]
    ways = [int((value + costs.last[order[-1]]).argmin())]
    for step in reversed(came):
        ways.append(int(step[ways[-1]]))
    return ways[::-1]
