"""How many patrol hours each grid gets on one day, and how that came about."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from patrol.demand import Demand
from patrol.filling import fill_lowest, fill_proportional, round_to_steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Without a cap of its own, no grid gets more than this many times the even share.
CAP_OVER_EVEN = 4.0


@dataclass(frozen=True)
class AllocationParams:
    """The rules of an allocation.

    Attributes
    ----------
    total_h
        Hours to give, a multiple of the step.
    floor_min
        Minutes that every grid gets, a multiple of the step.
    cap_h
        Most hours that one grid gets, a multiple of the step. None: four even shares.
    explore_share
        Share of the hours that goes where least is known, whatever the need there. It shrinks
        before a floor does.
    explore_cap_h
        Most exploring hours for one grid, unless an even spread needs more.
    step_min
        The unit of hours, in minutes.
    """

    total_h: float
    floor_min: int = 30
    cap_h: float | None = None
    explore_share: float = 0.10
    explore_cap_h: float = 1.0
    step_min: int = 15

    def __post_init__(self) -> None:
        if self.step_min < 1:
            msg = f"step_min must be at least 1 minute, not {self.step_min}"
            raise InputError(msg)
        if not self.total_h > 0 or self.floor_min < 0 or self.explore_cap_h < 0:
            msg = "total_h must be above 0; floor_min and explore_cap_h at least 0"
            raise InputError(msg)
        if not 0 <= self.explore_share <= 1:
            msg = f"explore_share must lie between 0 and 1, not {self.explore_share}"
            raise InputError(msg)
        for name, minutes in (
            ("total_h", self.total_h * 60),
            ("floor_min", self.floor_min),
            ("cap_h", 0 if self.cap_h is None else self.cap_h * 60),
        ):
            self._check_whole(name, float(minutes))

    def _check_whole(self, name: str, minutes: float) -> None:
        if not math.isfinite(minutes):
            msg = f"{name} must be finite"
            raise InputError(msg)
        steps = minutes / self.step_min
        if abs(steps - round(steps)) > 1e-6:
            near = [math.floor(steps) * self.step_min / 60, math.ceil(steps) * self.step_min / 60]
            msg = (
                f"{name} is {minutes:g} minutes, which is no multiple of the step of "
                f"{self.step_min} minutes; nearest are {near[0]:g} h and {near[1]:g} h"
            )
            raise InputError(msg)


@dataclass(frozen=True)
class Allocation:
    """Hours for each grid, in the order of the demand, and their parts.

    Attributes
    ----------
    hours
        Shape ``(n,)``, multiples of the step that sum to the total; ``need_h + explore_h``.
    need_h
        Shape ``(n,)``, hours by need, floor included.
    explore_h
        Shape ``(n,)``, hours for the sake of knowing.
    trend_h
        Shape ``(n,)``, how many more hours than level alone would have given; sums to 0.
    floor_h, cap_h
        The bounds that were used.
    at_floor, at_cap
        Shape ``(n,)``, whether the bound decides.
    params
        The rules; None where a day's shifts and kinds were added up.
    """

    hours: Floats
    need_h: Floats
    explore_h: Floats
    trend_h: Floats
    floor_h: float
    cap_h: float
    at_floor: NDArray[np.bool_]
    at_cap: NDArray[np.bool_]
    params: AllocationParams | None = None


def allocate_hours(
    demand: Demand, *, params: AllocationParams, effort_h: Floats | None = None, turn: int = 0
) -> Allocation:
    """Share hours over grids by expected need, with floor, cap and exploration.

    First the exploring hours fill up the grids that were watched least; the others follow the
    expected need between floor and cap (proportional fairness); both are rounded to whole steps
    by largest remainder. The same input gives the same hours; more need in one grid, the rest
    unchanged, never costs it hours; between grids, `need_h` is ordered as the need is.

    Parameters
    ----------
    demand
        Need of ``n`` grids.
    params
        Total, bounds, exploration, step.
    effort_h
        Shape ``(n,)``, patrol hours of the recent past; NaN where nobody knows, which counts as
        none. None: unknown everywhere, and exploration is spread evenly.
    turn
        Who comes first when steps cannot be split evenly; hand in the day's number.

    Returns
    -------
    Allocation
        ``hours`` sums to ``params.total_h`` exactly.

    Raises
    ------
    InputError
        If there are no grids, or floor and cap do not admit the total; the message says what
        they admit.
    """
    n = len(demand.expected)
    total, floor, cap = _steps(n, params)
    explore = _explore(n, total, floor, cap, params, effort_h, turn)
    lower, upper = np.full(n, float(floor)), cap - explore.astype(np.float64)
    left = total - int(explore.sum())

    def by(need: Floats) -> Ints:
        share = fill_proportional(need, total=left, lower=lower, upper=upper)
        return round_to_steps(share, total=left, turn=turn)

    need = by(demand.expected)
    step_h = params.step_min / 60

    def in_hours(steps: Ints) -> Floats:
        return steps.astype(np.float64) * step_h

    return Allocation(
        hours=in_hours(need + explore),
        need_h=in_hours(need),
        explore_h=in_hours(explore),
        trend_h=in_hours(need - by(demand.level)),
        floor_h=floor * step_h,
        cap_h=cap * step_h,
        at_floor=need == floor,
        at_cap=need + explore == cap,
        params=params,
    )


def _explore(
    n: int,
    total: int,
    floor: int,
    cap: int,
    params: AllocationParams,
    effort_h: Floats | None,
    turn: int,
) -> Ints:
    """Return the exploring steps of each grid."""
    to_give = min(math.floor(params.explore_share * total + 1e-9), total - n * floor)
    most = max(round(params.explore_cap_h * 60 / params.step_min), math.ceil(to_give / n))
    upper = np.full(n, float(min(most, cap - floor)))
    if effort_h is not None and len(effort_h) != n:
        msg = f"effort_h has {len(effort_h)} entries for {n} grids"
        raise InputError(msg)
    known = np.zeros(n) if effort_h is None else np.nan_to_num(effort_h, nan=0.0)
    share = fill_lowest(known * 60 / params.step_min, total=to_give, upper=upper)
    return round_to_steps(share, total=to_give, turn=turn)


def _steps(n: int, params: AllocationParams) -> tuple[int, int, int]:
    """Return total, floor and cap in steps, or say what total the bounds admit."""
    if n == 0:
        msg = "there are no grids to give hours to; import or divide grids first"
        raise InputError(msg)
    total = round(params.total_h * 60 / params.step_min)
    floor = round(params.floor_min / params.step_min)
    cap = (
        max(math.ceil(CAP_OVER_EVEN * total / n), floor)
        if params.cap_h is None
        else round(params.cap_h * 60 / params.step_min)
    )
    if floor > cap or not n * floor <= total <= n * cap:
        raise InputError(_infeasible(n, params))
    return total, floor, cap


def _infeasible(n: int, params: AllocationParams) -> str:
    floor_h = params.floor_min / 60
    if params.cap_h is not None and floor_h > params.cap_h:
        return f"the floor of {floor_h:g} h is above the cap of {params.cap_h:g} h"
    low = f"{n * floor_h:g}"
    range_h = f"at least {low}" if params.cap_h is None else f"{low} to {n * params.cap_h:g}"
    return (
        f"{params.total_h:g} h cannot be planned over {n} grids: the floor of {params.floor_min} "
        f"min for each and the cap admit {range_h} h; change the hours, the floor or the cap"
    )
