"""What `gridbeat plan` is asked about shifts, kinds and rules, and how its sharing is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import typer

from patrol.allocation.day import DayRules
from patrol.drafting import DayRequest
from patrol.duty_store import DutyRequest
from patrol.plans import Plan
from patrol.reasons import UNIT_WORDS

Objective = Literal["covered", "fair", "both"]


@dataclass(frozen=True)
class Asked:
    """The options of a plan of shifts and kinds, as they were typed."""

    shifts: Sequence[str]
    units: Sequence[str]
    calendar: bool
    floor: int | None
    cap: float | None
    explore: float | None
    lot: float
    objective: Objective
    fairness: float | None
    price: float
    cover_h: float
    caution: float
    method: str
    hold_out: Sequence[str]
    asked_by: str | None
    seed: int | None
    days: int = 1

    @property
    def given(self) -> bool:
        """Return whether shifts or kinds are told apart at all."""
        return bool(self.shifts or self.units or self.calendar or self.days > 1)


def as_request(asked: Asked, *, seed: int) -> DayRequest:
    """Return what the options ask for."""
    if asked.calendar and asked.units:
        raise typer.BadParameter("say --unit or --on-duty, not both: hours come from one of them")
    if not asked.calendar and not asked.units:
        raise typer.BadParameter("say who goes: --unit foot=40, or --on-duty for the calendar")
    weight = {"covered": 0.0, "fair": 1.0, "both": asked.fairness}[asked.objective]
    rules = DayRules(
        days=asked.days, cap_h=asked.cap, surprise_share=asked.lot, cover_h=asked.cover_h,
        fairness=weight, fairness_price=asked.price, caution=asked.caution, method=asked.method,
        seed=seed, hold_out=tuple(asked.hold_out), asked_by=asked.asked_by or "",
        **bounds(asked.floor, asked.explore),
    )  # fmt: skip
    hours = dict(_hours(text) for text in asked.units)
    return DayRequest(tuple(asked.shifts), DutyRequest(hours), rules)


def bounds(floor: int | None, explore: float | None) -> dict[str, Any]:
    """Return floor and exploration as far as they were said; rules have their own defaults."""
    said = {"floor_min": floor, "explore_share": explore}
    return {name: value for name, value in said.items() if value is not None}


def _hours(text: str) -> tuple[str, tuple[float, ...]]:
    kind, _, numbers = text.partition("=")
    try:
        return kind.strip(), tuple(float(part) for part in numbers.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no kind of unit with hours; write --unit foot=40, or --unit "
            "foot=40,32,16 for three shifts"
        ) from error


def describe_shares(draft: Plan) -> list[str]:
    """Say how good the sharing is, what each community has, and what an hour more would change."""
    shares = draft.shares
    if not shares:
        return []
    names = {shift.shift_no: (shift.name_zh, shift.name_en) for shift in draft.shifts}
    how = f"{shares['method']}" + (f" ({shares['why']})" if shares["why"] else "")
    greedy = "-" if shares["greedy_value"] is None else f"{shares['greedy_value']:.4f}"
    lines = [
        f"Expected to be covered 预计覆盖: {shares['covered']:.2f} of {shares['need']:.2f} reports "
        f"件 ({shares['covered'] / max(shares['need'], 1e-12):.1%}); worst community 最低社区 "
        f"{shares['worst_community']:.1%}",
        f"  method 方法 {how}: {shares['value']:.4f}, bound 上界 {shares['bound']:.4f} (gap 差距 "
        f"{shares['gap']:.2%}), greedy 贪心 {greedy}",
        *_if_covers(shares),
        "One hour more or less 增减一小时 (reports covered 覆盖件数):",
    ]
    for row in shares["hours"]:
        zh, en = names[row["shift_no"]]
        kind = UNIT_WORDS[row["unit_kind"]][0]
        lines.append(
            f"  {zh if zh == en else f'{zh} {en}'} {kind} {row['unit_kind']} {row['hours']:g} h: "
            f"{_signed(row['one_more'], '+')} / {_signed(row['one_less'], '-')}"
        )
    lines.append("Coverage by community 各社区覆盖:")
    lines += [
        f"  {row['covered'] / max(row['need'], 1e-12):6.1%} of {row['need']:7.2f}  "
        f"{row['community']}"
        for row in shares["communities"]
    ]
    if shares["unmet_classes"]:
        lines.append(
            "None of the prescribed means is on duty for 未派出所需力量的类别: "
            + ", ".join(shares["unmet_classes"])
        )
    return lines


def _if_covers(shares: Mapping[str, Any]) -> list[str]:
    """Say what the plan would be worth if an hour covered more or less than was assumed."""
    said = [
        f"  if 若 {one['cover_h']:g} h: {one['covered']:.2f}, best for that 为此最优 "
        f"{one['best']:.2f} ({one['covered'] / max(one['best'], 1e-12) - 1:+.1%}); worst community "
        f"最低社区 {one['worst']:.1%}, best for that 为此最优 {one['best_worst']:.1%}"
        for one in shares.get("if_covers", ())
    ]
    head = (
        f"Assumed 假设: {shares.get('cover_h', 1.0):g} h in a shift cover 63 % of its need "
        "一班次内该时长覆盖其需求的63%"
    )
    return [head, *said] if said else []


def _signed(value: float | None, sign: str) -> str:
    return "—" if value is None else f"{sign}{value:.3f}"
