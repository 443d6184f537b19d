"""Say which stop, unit or rule makes routes impossible, before anybody searches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from patrol.routes.problem import Break, RoutingProblem, Unit


@dataclass(frozen=True)
class Blame:
    """One reason why what must be done cannot be done.

    Attributes
    ----------
    subject
        Name of the stop or unit.
    rule
        ``shift``, ``rest``, ``units``, ``reach``, ``window``, ``time``, ``beside`` (a rest) or
        ``together``.
    text_zh, text_en
        What is wrong, and what would help.
    """

    subject: str
    rule: str
    text_zh: str
    text_en: str


def find_blame(problem: RoutingProblem) -> list[Blame]:
    """Return what is impossible for itself: shifts, rests, and stops that must be visited.

    Returns
    -------
    list of Blame
        Empty does not prove that all musts fit together; what the search could not place is
        told by `blame_missed`.
    """
    found = []
    for unit in problem.units:
        found += _unit_blame(problem, unit)
    found += [
        _stop_blame(problem, v, may)
        for v, may in enumerate(problem.may_visit().T)
        if problem.stops[v].must and not _can_any(problem, v, may)
    ]
    return found


def blame_missed(problem: RoutingProblem, missed: tuple[int, ...]) -> list[Blame]:
    """Explain stops that must be visited, each possible alone, but found no place together."""
    dwell = sum(stop.dwell_s for stop in problem.stops if stop.must) / 3600
    shifts = sum(unit.finish_s - unit.begin_s for unit in problem.units) / 3600
    return [
        Blame(
            problem.stops[v].stop_id,
            "together",
            f"必到点 {problem.stops[v].stop_id} 与其他必到点无法同时排入："
            f"必到停留共 {dwell:.1f} 小时，班次共 {shifts:.1f} 小时；"
            "请增派单元、放宽时间窗或减少必到点",
            f"stop {problem.stops[v].stop_id} must be visited but does not fit beside the other "
            f"musts ({dwell:.1f} h of dwell, {shifts:.1f} h of shifts, travel comes on top); add a "
            "unit, widen its window or release another must",
        )
        for v in missed
    ]


def _unit_blame(problem: RoutingProblem, unit: Unit) -> list[Blame]:
    n = problem.n_stops
    way = problem.travel_s[unit.mode]
    straight = float(way[n + unit.start, n + unit.end])
    shift = unit.finish_s - unit.begin_s
    if not straight <= shift:
        need = f"{straight / 60:.0f}" if np.isfinite(straight) else "∞"
        return [
            Blame(
                unit.unit_id, "shift",
                f"单元 {unit.unit_id}：从起点到终点需 {need} 分钟，班次只有 {shift / 60:.0f} 分钟",
                f"unit {unit.unit_id}: the way from its first to its last base takes {need} min, "
                f"its shift has {shift / 60:.0f} min",
            )
        ]  # fmt: skip
    return [
        Blame(
            unit.unit_id, "rest",
            f"单元 {unit.unit_id}：{rest.dwell_s / 60:.0f} 分钟的休息在其时间窗与班次内无法安排",
            f"unit {unit.unit_id}: its rest of {rest.dwell_s / 60:.0f} min does not fit between "
            "its window and its shift; move the window or shorten the rest",
        )
        for rest in unit.breaks
        if not _rest_fits(unit, rest, straight)
    ]  # fmt: skip


def _rest_fits(unit: Unit, rest: Break, straight: float) -> bool:
    start = max(unit.begin_s, rest.opens_s)
    return start <= rest.closes_s and start + rest.dwell_s + straight <= unit.finish_s


def _can_any(problem: RoutingProblem, v: int, may: np.ndarray) -> bool:
    return any(
        may[k] and unit.capacity != 0 and _latest_fault(problem, v, unit) is None
        for k, unit in enumerate(problem.units)
    )


def _fits_beside_rests(problem: RoutingProblem, v: int, unit: Unit) -> bool:
    """Say whether a unit can visit one stop and take the rests that are then due, in some order."""
    return any(
        _is_possible(problem, v, unit, rests, at)
        for rests in permutations(unit.breaks)
        for at in range(len(rests) + 1)
    )


def _is_possible(
    problem: RoutingProblem, v: int, unit: Unit, rests: tuple[Break, ...], at: int
) -> bool:
    """Say whether a stop can be visited after the first `at` of the rests, before the others.

    Rests that open only when the unit is home are not due.
    """
    n, stop, way = problem.n_stops, problem.stops[v], problem.travel_s[unit.mode]
    there, back = float(way[n + unit.start, v]), float(way[v, n + unit.start])
    home = float(way[v, n + unit.end])
    clock = _rested(unit.begin_s, rests[:at])
    clock = max(clock + there, stop.opens_s)
    if not clock <= stop.closes_s:
        return False
    clock += stop.dwell_s
    straight = float(way[n + unit.start, n + unit.end])
    for due in range(at, len(rests) + 1):
        taken = rests[at:due]
        end = _rested(clock + back, taken) + straight if taken else clock + home
        if end <= unit.finish_s and all(rest.opens_s >= end for rest in rests[due:]):
            return True
    return False


def _rested(clock: float, rests: tuple[Break, ...]) -> float:
    """Return when rests are over that are taken one after the other; infinite if one is shut."""
    for rest in rests:
        clock = max(clock, rest.opens_s)
        if clock > rest.closes_s:
            return float("inf")
        clock += rest.dwell_s
    return clock


def _latest_fault(problem: RoutingProblem, v: int, unit: Unit) -> str | None:
    """Return which rule forbids that a unit goes to one stop and home, or None."""
    n, stop, way = problem.n_stops, problem.stops[v], problem.travel_s[unit.mode]
    there, home = float(way[n + unit.start, v]), float(way[v, n + unit.end])
    if not np.isfinite(there + home):
        return "reach"
    start = max(unit.begin_s + there, stop.opens_s)
    if start > stop.closes_s:
        return "window"
    if start + stop.dwell_s + home > unit.finish_s:
        return "time"
    return None if _fits_beside_rests(problem, v, unit) else "beside"


_WORDS = {
    "units": ("没有单元被允许前往", "no unit may visit it; allow one"),
    "reach": ("没有道路通达", "no road leads there and back; check its place and the roads"),
    "window": (
        "任何单元都无法在其时间窗关闭前到达",
        "no unit can be there before its window closes; widen it or begin a shift earlier",
    ),
    "time": (
        "停留加返程超出所有班次",
        "dwell and the way home end after every shift; shorten the dwell or extend a shift",
    ),
    "beside": (
        "与单元的休息时间无法兼顾",
        "it does not fit beside the rest of any unit; move the rest or widen the stop's window",
    ),
}


def _stop_blame(problem: RoutingProblem, v: int, may: np.ndarray) -> Blame:
    order = ("reach", "window", "time", "beside")
    faults = [
        _latest_fault(problem, v, unit)
        for k, unit in enumerate(problem.units)
        if may[k] and unit.capacity != 0
    ]
    known = [fault for fault in faults if fault is not None]
    # The unit that comes nearest to success tells most.
    rule = max(known, key=order.index) if known else "units"
    name = problem.stops[v].stop_id
    zh, en = _WORDS[rule]
    return Blame(name, rule, f"必到点 {name}：{zh}", f"stop {name} must be visited: {en}")
