"""Whole counts of steps for each community: what they bound, and the counts to aim at."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from patrol.allocation.prices import TIE, Cells, Prices, find_prices
from patrol.allocation.problem import Flags, Floats, Longs, Problem

# How often the weight that a community takes over from the others is narrowed.
_SPLITS = 12
_GOLDEN = (5**0.5 - 1) / 2
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Counts:
    """What whole counts of steps in communities admit.

    Attributes
    ----------
    bound
        No sharing is worth more: proved.
    steps
        Shape ``(n_groups,)``, steps of each community, base aside, that come near the bound.
    """

    bound: float
    steps: Longs


def whole_counts(problem: Problem, prices: Prices) -> Counts:
    """Bound the value by what each community can be lifted to with a whole number of steps.

    A price shares a step between communities in parts, which lifts all of them to one level. But
    set a threshold for each, all together one more than there are steps: then some community has
    fewer than its own. What a sharing can be worth in which it has so few is bounded by giving it
    the weight of the others, as far as that lowers the bound (Lagrangian duality); the highest of
    these bounds holds for every sharing. Thresholds are raised where that costs least.

    Parameters
    ----------
    prices
        Those of `find_prices` for the problem.
    """
    branches = _Branches.of(problem, prices)
    threshold, worth, below = branches.begin()
    heap = [(most, g) for g, most in enumerate(worth)]
    heapq.heapify(heap)
    for _ in range(int(branches.cells.left.sum()) + 1 - int(threshold.sum())):
        below_g, g = heapq.heappop(heap)
        below[g] = below_g
        threshold[g] += 1
        heapq.heappush(heap, (branches.bound(g, int(threshold[g]))[0], g))
    threshold[int(np.argmax(below))] -= 1
    return Counts(float(below.max()), threshold)


@dataclass(frozen=True, eq=False)
class _Branches:
    """Bounds of the value where one community has few steps.

    Attributes
    ----------
    fair, plain
        Prices by the weights of all communities, and by coverage alone: between the two the
        weight of fairness goes from all to one.
    at_fair, at_plain
        Shape ``(n_groups,)``, what each community adds to the bound at either.
    """

    cells: Cells
    members: list[Longs]
    need: Floats
    base: Floats
    beta: float
    fair: Prices
    plain: Prices
    at_fair: Floats
    at_plain: Floats

    @classmethod
    def of(cls, problem: Problem, prices: Prices) -> _Branches:
        cells, need = Cells.of(problem), problem.group_need()
        beta = problem.fairness * (1 - TIE)
        plain = find_prices(replace(problem, fairness=0.0), start=prices)
        plain = replace(
            plain, column=plain.column * (1 - beta), weight=plain.weight * (1 - beta)
        )  # fmt: skip
        order = np.argsort(problem.group, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(problem.group))[:-1])
        covered = problem.covered(problem.base).sum(axis=(1, 2))
        base = np.bincount(problem.group, weights=covered, minlength=len(need)).astype(np.float64)
        none = np.zeros(len(need))
        made = cls(cells, members, need, base, beta, prices, plain, none, none)
        return replace(
            made,
            at_fair=np.array([made._whole(g, prices) for g in range(len(need))]),
            at_plain=np.array([made._whole(g, plain) for g in range(len(need))]),
        )

    def begin(self) -> tuple[Longs, Floats, Floats]:
        """Return a first threshold for each community, and bounds with so many steps and one less.

        A threshold is a little below the steps that pay at the prices; what floors take is there.
        """
        paid = [self._pay(g, self._weight(g, self.fair), self.fair.column) for g in self._groups]
        floors = np.array([floor for _, floor, _ in paid])
        free = np.array([len(more) for _, _, more in paid])
        share = min(1.0, (self.cells.left.sum() - floors.sum()) / max(int(free.sum()), 1))
        threshold = floors + np.maximum(np.floor(free * max(share, 0.0)).astype(np.int64) - 1, 0)
        bounds = [self.bound(g, int(threshold[g])) for g in self._groups]
        worth, price = (np.array(part) for part in zip(*bounds, strict=True))
        return threshold, worth, worth - price

    def bound(self, g: int, most: int) -> tuple[float, float]:
        """Return what no sharing is worth more than in which a community has at most so many steps.

        Returns
        -------
        tuple
            The bound, and by how much at least it falls with one step less.
        """
        if self.need[g] == 0:
            return self._at(g, most, 0.0)
        low, high = 0.0, 1.0
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_left, at_right = self._at(g, most, left), self._at(g, most, right)
        best = min(self._at(g, most, low), self._at(g, most, high), at_left, at_right)
        for _ in range(_SPLITS):
            if at_left < at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = self._at(g, most, left)
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = self._at(g, most, right)
            best = min(best, at_left, at_right)
        return best

    def _at(self, g: int, most: int, moved: float) -> tuple[float, float]:
        """Return the same where a share of the weight has moved to the community.

        What the others are worth is convex in prices and weights: less than along the chord.
        """
        column = (1 - moved) * self.fair.column + moved * self.plain.column
        own = (1 - moved) * self._weight(g, self.fair) + moved * self._weight(g, self.plain)
        own += moved * self.beta / self.need[g] if moved > 0 else 0.0
        others = (1 - moved) * (self.at_fair.sum() - self.at_fair[g])
        others += moved * (self.at_plain.sum() - self.at_plain[g])
        worth, floors, free = self._pay(g, own, column)
        more = most - floors
        if more < 0:
            return -np.inf, np.inf
        whole = others + column @ self.cells.left + own * self.base[g] + worth + free[:more].sum()
        price = np.inf if more == 0 else free[more - 1] if more <= len(free) else 0.0
        return float(whole), float(price)

    @property
    def _groups(self) -> range:
        return range(len(self.need))

    def _weight(self, g: int, prices: Prices) -> float:
        return float(prices.weight[self.members[g]].max(initial=0.0))

    def _whole(self, g: int, prices: Prices) -> float:
        weight = self._weight(g, prices)
        worth, _, free = self._pay(g, weight, prices.column)
        return float(worth + free.sum() + weight * self.base[g])

    def _pay(self, g: int, weight: float, column: Floats) -> tuple[float, int, Floats]:
        rows = self.members[g]
        parts = (self.cells.log_gain, self.cells.reach, self.cells.room)
        rules = (self.cells.lower[rows], self.cells.upper[rows], self.cells.visits)
        worth, floors, free = _pay(*(part[rows] for part in parts), *rules, weight, column)
        return worth, floors, np.sort(free)[::-1]


@njit(cache=True)
def _pay(
    log_gain: Floats, reach: Floats, room: Longs, lower: Longs, upper: Longs, visits: Flags,
    weight: float, column: Floats,
) -> tuple[float, int, Floats]:  # fmt: skip
    """Return what floors are worth beyond their price, their steps, and what each further one is.

    Of each grid the visits that pay best are its floor; further steps follow as long as they pay
    and its cap admits them.
    """
    n, m = log_gain.shape
    worth, floors, free = 0.0, 0, [0.0]
    free.pop()
    ahead, taken = np.empty(m), np.zeros(m, np.int64)
    for i in range(n):
        taken[:] = 0
        for c in range(m):
            ahead[c] = weight * np.exp(log_gain[i, c]) - column[c]
        given = 0
        while given < upper[i]:
            forced = given < lower[i]
            best = -1
            for c in range(m):
                if taken[c] >= room[i, c] or (forced and not visits[c]):
                    continue
                if best < 0 or ahead[c] > ahead[best]:
                    best = c
            if best < 0 or (not forced and ahead[best] <= 0.0):
                break
            if forced:
                worth += ahead[best]
                floors += 1
            else:
                free.append(ahead[best])
            given += 1
            taken[best] += 1
            gain = weight * np.exp(log_gain[i, best] - reach[i, best] * taken[best])
            ahead[best] = gain - column[best]
    return worth, floors, np.array(free)
