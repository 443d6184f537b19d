"""What is to be shared: need by grid, shift and kind of unit, hours, floors and caps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """Hours of ``k`` kinds of unit in ``s`` shifts for ``n`` grids, in whole steps.

    ``j`` steps in one cell (grid, shift, kind) cover ``need * (1 - exp(-j * reach))`` of its
    expected reports, ``reach = step_h * presence / cover_h``: each further step covers the same
    share of what is left. The curve is piecewise linear between whole steps, and only whole
    steps are given, so that nothing is lost by it.

    Attributes
    ----------
    need
        Shape ``(n, s, k)``, expected reports of the shift that such a unit sees to, at least 0.
    budget
        Shape ``(s, k)``, steps to give; all of them are given.
    lower, upper
        Shape ``(n,)``, least steps of the kinds in `visits`, and most steps of all kinds.
    cell_upper
        Shape ``(n, s, k)``, most steps in one cell; 0 where such a unit cannot serve.
    base
        Shape ``(n, s, k)``, steps given beforehand (to explore, by surprise); part of all bounds
        and of the budget.
    visits
        Shape ``(k,)``, kinds that count towards the floor.
    group
        Shape ``(n,)``, number of the community of each grid.
    presence
        Shape ``(n, k)``, share of an hour that is spent on the spot, the rest being the way.
    step_h, cover_h
        Length of a step, and hours on the spot in one shift that cover 63 % (``1 - 1/e``).
    fairness
        Weight of the worst covered community, 0 to 1; the rest weighs the need covered of all.
    """

    need: Floats
    budget: Longs
    lower: Longs
    upper: Longs
    cell_upper: Longs
    base: Longs
    visits: Flags
    group: Longs
    presence: Floats
    step_h: float = 0.25
    cover_h: float = 1.0
    fairness: float = 0.0

    def __post_init__(self) -> None:
        n, s, k = self.need.shape
        shapes = {
            "budget": (s, k), "lower": (n,), "upper": (n,), "cell_upper": (n, s, k),
            "base": (n, s, k), "visits": (k,), "group": (n,), "presence": (n, k),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if not np.isfinite(self.need).all() or (self.need < 0).any():
            raise InputError("every need must be finite and at least 0")
        if not 0 <= self.fairness <= 1 or not self.step_h > 0 or not self.cover_h > 0:
            raise InputError("fairness lies between 0 and 1; step_h and cover_h are above 0")
        if (self.presence <= 0).any() or (self.presence > 1).any():
            raise InputError("presence must be above 0 and at most 1: shorten the ways")

    @property
    def reach(self) -> Floats:
        """Return how much each step covers, shape ``(n, 1, k)``."""
        return (self.step_h / self.cover_h * self.presence)[:, None, :]

    @property
    def first_gain(self) -> Floats:
        """Return what the first step after the base covers, shape ``(n, s, k)``."""
        left = self.need * np.exp(-self.base * self.reach)
        return np.asarray(left * -np.expm1(-self.reach))

    @property
    def room(self) -> Longs:
        """Return how many steps after the base each cell can take, shape ``(n, s, k)``."""
        left = (self.budget - self.base.sum(axis=0))[None]
        return np.asarray(np.minimum(self.cell_upper - self.base, left))

    def covered(self, steps: Longs) -> Floats:
        """Return the expected reports that `steps` cover, shape ``(n, s, k)``."""
        return np.asarray(self.need * -np.expm1(-steps * self.reach))

    def group_need(self) -> Floats:
        """Return the need of each community."""
        return np.bincount(self.group, weights=self.need.sum(axis=(1, 2))).astype(np.float64)

    def value(self, steps: Longs) -> float:
        """Return the share of need that is covered, weighed with that of the worst community."""
        covered = self.covered(steps).sum(axis=(1, 2))
        total = float(self.need.sum())
        whole = float(covered.sum()) / total if total > 0 else 1.0
        return (1 - self.fairness) * whole + self.fairness * self.worst_share(steps)

    def worst_share(self, steps: Longs) -> float:
        """Return the covered share of the community that is covered worst."""
        need = self.group_need()
        covered = np.bincount(self.group, weights=self.covered(steps).sum(axis=(1, 2)))
        some = need > 0
        return float((covered[some] / need[some]).min()) if some.any() else 1.0


@dataclass(frozen=True, eq=False)
class Shared:
    """A sharing of the hours and how good it is proved to be.

    Attributes
    ----------
    steps
        Shape ``(n, s, k)``, whole steps, base included.
    value
        Share of need covered, weighed with the worst community's, see `Problem.value`.
    bound
        No sharing has more than this: proved.
    method
        ``"exact"``, or ``"greedy"`` where that was asked for or HiGHS gave no answer.
    why
        Why it is greedy; empty where it was asked for.
    greedy_value
        What the greedy sharing has; NaN where it found none.
    hour_price
        Shape ``(s, k)``, what the budget of a shift and kind is worth at the margin, in covered
        reports an hour; NaN of a greedy sharing.
    """

    steps: Longs
    value: float
    bound: float
    method: str
    why: str
    greedy_value: float
    hour_price: Floats

    @property
    def gap(self) -> float:
        """Return how far the value may lie under the best, as a share of the bound."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0
