"""A plan of several shifts and kinds of unit: each row says who goes where, when, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.steps import Step
from patrol.allocate import Allocation
from patrol.allocation.day import DayRules, DayShare, Duty, share_day
from patrol.allocation.explore import unsure_of
from patrol.allocation.margins import cell_margins
from patrol.allocation.needs import need_by_cell, share_shifts
from patrol.demand import Demand, TrendParams
from patrol.plans import UNPLACED, Plan, PlanContext, demand_of, equity_table, grid_reasons
from patrol.prescribe.prescription import Prescription, split_kinds
from patrol.reasons import Reason, explain, explain_parts
from patrol.shifts import PlanShift
from patrol.signals import Signals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Roster:
    """When, by whom and by which rules of thumb a day is patrolled.

    Attributes
    ----------
    shifts
        The shifts of the day.
    duty
        Who is on duty in them.
    profile
        Shape ``(n_classes, 7, 24)``, share of the week of each class of the signals by hour.
    prescriptions
        What is done about each class or group, by code.
    """

    shifts: tuple[PlanShift, ...]
    duty: Duty
    profile: Floats
    prescriptions: Mapping[str, Prescription]


def draft_shift_plan(
    grids: gpd.GeoDataFrame,
    signals: Signals,
    roster: Roster,
    *,
    context: PlanContext,
    rules: DayRules,
    trend: TrendParams | None = None,
    effort_h: Floats | None = None,
    step: Step = "week",
) -> Plan:
    """Draft the plan of one day over shifts and kinds of unit.

    Parameters
    ----------
    grids, signals, context, trend, effort_h
        As of `patrol.plans.draft_plan`; levels and forecasts are those of a week.
    roster
        Shifts, duty, hours of the week, prescriptions.
    rules
        By which hours are shared.

    Raises
    ------
    InputError
        A column is missing, shapes disagree, or the rules admit no plan; the message names the
        rule to blame.
    CrsError
        If the grids have no CRS.
    """
    trend = trend or TrendParams()
    demand = demand_of(grids, signals, trend)
    zone = context.data_from.tzinfo or UTC
    in_shift = share_shifts(
        signals.classes, roster.profile, roster.shifts, roster.prescriptions, zone=zone
    )
    by_kind, unmet = split_kinds(signals.classes, roster.prescriptions, roster.duty.kinds)
    careful = _careful(signals, rules.caution)
    need = need_by_cell(demand.by_class * careful[:, None], in_shift, by_kind)
    level = need_by_cell(demand.level_by_class, in_shift, by_kind)
    names = grids["community"].fillna(UNPLACED).astype(str)
    _, groups = np.unique(names.to_numpy(dtype=str), return_inverse=True)
    day = share_day(
        need, level, roster.duty, rules=rules, codes=grids["code"].tolist(),
        groups=groups.astype(np.int64), effort_h=effort_h, turn=context.plan_date.toordinal(),
        unsure=unsure_of(
            signals.total, signals.level.sum(axis=1), unknown=demand.unknown,
            interval=context.interval, weeks=trend.recent_steps,
        ),
    )  # fmt: skip
    reasons = grid_reasons(demand, _added_up(day), signals, trend, step, context.interval)
    rows = _rows(grids, day, reasons, roster, rules)
    items = _items(grids, demand, day, rows, roster.shifts)
    shares = _shares(day, roster, unmet, sorted(set(names)))
    return Plan(
        context, rules, trend, step, items, reasons, equity_table(items), roster.shifts,
        rows.drop(columns="grid"), shares,
    )  # fmt: skip


def _careful(signals: Signals, caution: float) -> Floats:
    """Return by how much each grid's need is raised towards the upper end of its interval."""
    ones = np.ones(len(signals.reports))
    if signals.total is None or caution == 0:
        return ones
    with np.errstate(divide="ignore", invalid="ignore"):
        upward = signals.total[:, 2] / signals.total[:, 0]
    return np.where(np.isfinite(upward), 1 + caution * (np.maximum(upward, 1) - 1), ones)


def _added_up(day: DayShare) -> Allocation:
    """Return each grid's day, for the figures that are the same in all its rows."""
    problem, step_h = day.problem, day.problem.step_h

    def hours(steps: NDArray[np.int64]) -> Floats:
        return np.asarray(steps.sum(axis=(1, 2)) * step_h)

    total = day.shared.steps.sum(axis=(1, 2))
    visited = (day.shared.steps * problem.visits).sum(axis=(1, 2))
    all_h, explore_h = hours(day.shared.steps), hours(day.explore)
    return Allocation(
        hours=all_h,
        need_h=all_h - explore_h,
        explore_h=explore_h,
        trend_h=hours(day.by_trend),
        floor_h=float(problem.lower.max()) * step_h,
        cap_h=float(problem.upper.max()) * step_h,
        at_floor=visited <= problem.lower,
        at_cap=total >= problem.upper,
    )


def _rows(
    grids: gpd.GeoDataFrame,
    day: DayShare,
    reasons: Sequence[Reason],
    roster: Roster,
    rules: DayRules,
) -> pd.DataFrame:
    steps, step_h = day.shared.steps, day.problem.step_h
    covered, (more, less) = day.problem.covered(steps), cell_margins(day.problem, steps)
    cells = np.argwhere(steps > 0)
    idle = np.flatnonzero(steps.sum(axis=(1, 2)) == 0)
    cells = np.vstack([cells, np.column_stack([idle, np.zeros((len(idle), 2), dtype=int)])])
    cells = cells[np.lexsort(cells.T[::-1])]
    held = set(rules.hold_out)
    made = []
    for i, s, k in cells.tolist():
        shift, code = roster.shifts[s], str(grids["code"].iloc[i])
        reason = replace(
            reasons[i],
            hours=float(steps[i, s, k] * step_h),
            explore_h=float(day.explore[i, s, k] * step_h),
            surprise_h=float(day.surprise[i, s, k] * step_h),
            trend_h=float(day.by_trend[i, s, k] * step_h),
            when_zh=shift.name_zh,
            when_en=shift.name_en,
            unit_kind=roster.duty.kinds[k],
            need=float(day.problem.need[i, s, k]),
            covered=float(covered[i, s, k]),
            hour_more=float(more[i, s, k]),
            hour_less=float(less[i, s, k]),
            held_by=rules.asked_by if code in held else "",
        )
        made.append(
            {
                "grid": i, "code": code, "shift_no": shift.shift_no,
                "unit_kind": roster.duty.kinds[k],
                "minutes": int(steps[i, s, k]) * rules.step_min, "reason": asdict(reason),
                "reason_zh": explain(reason, "zh"), "reason_en": explain(reason, "en"),
            }
        )  # fmt: skip
    rows = pd.DataFrame(made)
    if "area_id" in grids.columns:
        rows.insert(0, "area_id", grids["area_id"].to_numpy()[rows["grid"].to_numpy()])
    return rows


def _items(
    grids: gpd.GeoDataFrame,
    demand: Demand,
    day: DayShare,
    rows: pd.DataFrame,
    shifts: Sequence[PlanShift],
) -> gpd.GeoDataFrame:
    names = {shift.shift_no: (shift.name_zh, shift.name_en) for shift in shifts}
    words: dict[int, tuple[str, str]] = {}
    for i, part in rows.groupby("grid", sort=False):
        longest = part.iloc[int(part["minutes"].to_numpy().argmax())]
        when = [
            (*names[row["shift_no"]], row["unit_kind"], row["minutes"] / 60)
            for row in part.to_dict("records")
        ]
        words[int(str(i))] = (
            explain_parts(when, longest["reason_zh"], "zh"),
            explain_parts(when, longest["reason_en"], "en"),
        )
    whole = _added_up(day)
    return grids.to_crs(4326).reset_index(drop=True).assign(
        hours=whole.hours, explore_h=whole.explore_h, trend_h=whole.trend_h, level=demand.level,
        expected=demand.expected, unknown=demand.unknown,
        reason_zh=[words[i][0] for i in range(len(grids))],
        reason_en=[words[i][1] for i in range(len(grids))],
    )  # fmt: skip


def _shares(
    day: DayShare, roster: Roster, unmet: tuple[str, ...], communities: Sequence[str]
) -> dict[str, Any]:
    problem, shared = day.problem, day.shared
    covered = problem.covered(shared.steps).sum(axis=(1, 2))
    by_group = np.bincount(problem.group, weights=covered)
    need = problem.group_need()
    return {
        "method": shared.method,
        "why": shared.why,
        "value": shared.value,
        "bound": shared.bound,
        "gap": shared.gap,
        "greedy_value": _plain(shared.greedy_value),
        "fairness": float(problem.fairness),
        "need": float(problem.need.sum()),
        "covered": float(covered.sum()),
        "worst_community": float(problem.worst_share(shared.steps)),
        "unmet_classes": list(unmet),
        "cover_h": float(problem.cover_h),
        "if_covers": [asdict(one) for one in day.if_covers],
        "communities": [
            {"community": name, "need": float(need[g]), "covered": float(by_group[g])}
            for g, name in enumerate(communities)
        ],
        "hours": [
            {
                "shift_no": shift.shift_no,
                "unit_kind": kind,
                "hours": float(problem.budget[s, k] * problem.step_h),
                "one_more": _plain(day.hour_more[s, k]),
                "one_less": _plain(day.hour_less[s, k]),
                "price": _plain(shared.hour_price[s, k]),
            }
            for s, shift in enumerate(roster.shifts)
            for k, kind in enumerate(roster.duty.kinds)
            if problem.budget[s, k] > 0
        ],
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
