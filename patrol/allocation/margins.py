"""What a sharing would be worth with an hour more or less, and if an hour covered more or less."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from patrol.allocation.exact import share_hours
from patrol.allocation.problem import Floats, Longs, Problem


@dataclass(frozen=True)
class IfCovers:
    """What the sharing would be worth if an hour covered more or less than was assumed.

    Attributes
    ----------
    cover_h
        Hours that cover 63 %, had it been so.
    covered, best
        Expected reports covered by the sharing as it is, and by the best one made for that.
    worst, best_worst
        Share covered of the worst covered community, likewise.
    """

    cover_h: float
    covered: float
    best: float
    worst: float
    best_worst: float


# Half and twice what is assumed of an hour are told beside the plan.
COVER_FACTORS = (0.5, 2.0)


def if_covers(problem: Problem, steps: Longs, factor: float, *, method: str = "exact") -> IfCovers:
    """Judge a sharing by another `cover_h`, beside the best for that with the same weights."""
    other = replace(problem, cover_h=problem.cover_h * factor)
    best = share_hours(other, method=method).steps
    # A sharing made for less than all (whole steps, ties) is never said to be the better one.
    if other.value(best) < other.value(steps):
        best = steps
    return IfCovers(
        cover_h=other.cover_h,
        covered=float(other.covered(steps).sum()), best=float(other.covered(best).sum()),
        worst=float(other.worst_share(steps)), best_worst=float(other.worst_share(best)),
    )  # fmt: skip


def cell_margins(problem: Problem, steps: Longs) -> tuple[Floats, Floats]:
    """Return what an hour more or less in each cell would cover or uncover, all else as it is.

    Shape ``(n, s, k)`` each, in expected reports; where less than an hour stands, all of it is
    taken.
    """
    count = max(round(1 / problem.step_h), 1)
    here = problem.covered(steps)
    more = problem.covered(steps + count) - here
    return more, here - problem.covered(np.maximum(steps - count, 0))


def hour_margins(problem: Problem, steps: Longs) -> tuple[Floats, Floats]:
    """Return what one hour more or less of each shift and kind would cover or uncover.

    The hour is added where it covers most without passing a cap, and taken where it covers least
    without breaking a floor, all else as it is; expected reports, shape ``(s, k)`` each.
    """
    count = max(round(1 / problem.step_h), 1)
    return _margin(problem, steps, count), _margin(problem, steps, -count)


def _margin(problem: Problem, steps: Longs, count: int) -> Floats:
    _, s, k = steps.shape
    answer = np.full((s, k), np.nan)
    way = 1 if count > 0 else -1
    reach = problem.reach[:, 0, :]
    for shift, kind in np.ndindex(s, k):
        now = steps[:, shift, kind].copy()
        total = steps.sum(axis=(1, 2))
        visited = (steps * problem.visits).sum(axis=(1, 2))
        changed = 0.0
        for _ in range(abs(count)):
            at = now if way > 0 else now - 1
            gain = problem.need[:, shift, kind] * np.exp(-at * reach[:, kind])
            gain = gain * -np.expm1(-reach[:, kind])
            if way > 0:
                free = (now < problem.cell_upper[:, shift, kind]) & (total < problem.upper)
            else:
                free = now > problem.base[:, shift, kind]
                if problem.visits[kind]:
                    free &= visited > problem.lower
            if not free.any():
                break
            best = np.where(free, gain * way, -np.inf).argmax()
            changed += float(gain[best])
            for part in (now, total, visited):
                part[best] += way
        else:
            answer[shift, kind] = changed
    return answer
