"""One day's draft from what is stored: grids, reports, trends, hours, and the reason of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.cube import Cube
from analytics.cube_store import read_area_cube
from analytics.effort_exposure import add_effort
from analytics.outlook_store import Outlook, read_outlook
from analytics.queries import CubeRequest
from analytics.trends import find_class_trends
from geo.errors import InputError
from patrol.allocate import AllocationParams
from patrol.allocation.day import DayRules
from patrol.duty_store import DutyRequest, read_roster
from patrol.equity import explain_finds
from patrol.plans import Plan, PlanContext, draft_plan
from patrol.shift_plans import draft_shift_plan
from patrol.shifts import repeat_shifts
from patrol.signals import Signals, add_forecast, gather_signals
from patrol.store import find_planning_level, read_class_names, read_planning_grids


@dataclass(frozen=True)
class Subject:
    """The jurisdiction that is planned for.

    Attributes
    ----------
    code, name_zh, name_en
        Code and names.
    simulated
        Its data are made up.
    """

    code: str
    name_zh: str
    name_en: str
    simulated: bool


@dataclass(frozen=True)
class DayRequest:
    """A day that tells shifts and kinds of unit apart.

    Attributes
    ----------
    shifts
        As `patrol.shifts.parse_shifts` reads them, of every day; empty: one shift, the whole day.
    duty
        Who is on duty.
    rules
        By which hours are shared.
    """

    shifts: tuple[str, ...]
    duty: DutyRequest
    rules: DayRules


def draft_day(
    connection: Connection,
    request: CubeRequest,
    subject: Subject,
    *,
    plan_date: date,
    params: AllocationParams | None = None,
    recent_steps: int,
    now: datetime,
    code_version: str,
    day: DayRequest | None = None,
) -> Plan:
    """Draft the plan of `plan_date` from the reports that `request` counts, class by class.

    Where a forecast of the week after these data is stored, its expected reports are planned for;
    otherwise recent levels, carried on by proven trends.

    Parameters
    ----------
    request
        With ``by_class``; its window ends before the plan's data do.
    params
        Rules of a plan of one shift and kind of unit; see `day` for others.
    recent_steps
        Last steps that make up a grid's level.
    now
        When the plan is made, with time zone.
    day
        Shifts, kinds of unit and rules of a plan that tells them apart; then no `params`.

    Raises
    ------
    NotFoundError
        There are no grids on that day, or nobody is on duty.
    InputError
        The window holds no whole step, or floor and cap do not admit the hours.
    """
    if request.step == "hour":
        raise InputError("a plan reads levels by day, week or month, not by hour")
    ground = _read_ground(connection, request, day=plan_date, recent_steps=recent_steps)
    context = _describe(ground, subject, plan_date=plan_date, now=now, code_version=code_version)
    if day is not None:
        return _draft_shifts(connection, request, ground, context, day)
    if params is None:
        raise InputError("a plan needs its hours: say params, or shifts and kinds of unit")
    return draft_plan(
        ground.grids, ground.signals, context=context, params=params, step=request.step,
        effort_h=ground.effort_h,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Ground:
    """What is known of the areas to plan: their reports, trends, forecast, hours watched."""

    grids: gpd.GeoDataFrame
    signals: Signals
    window: tuple[datetime, datetime]
    outlook: Outlook | None
    effort_h: NDArray[np.float64] | None
    level: str


def _read_ground(
    connection: Connection, request: CubeRequest, *, day: date, recent_steps: int
) -> _Ground:
    level = find_planning_level(connection, request.jurisdiction_id, day=day)
    grids = read_planning_grids(connection, request.jurisdiction_id, day=day, level=level)
    cube, _ = read_area_cube(connection, request, level=level)
    found = find_class_trends(cube, recent_steps=recent_steps)
    unit_ids = grids["area_id"].tolist()
    signals = gather_signals(
        unit_ids,
        found[found["unit_id"].isin(unit_ids)],  # grids that ended before the day are left out
        names=read_class_names(connection),
        recent_steps=recent_steps,
    )
    outlook = _read_outlook(connection, request, until=cube.steps.window[1], level=level)
    if outlook is not None:
        signals = add_forecast(signals, unit_ids, expected=outlook.expected, total=outlook.total)
    finds = explain_finds(connection, request, unit_ids, level=level)
    effort_h = _watched_hours(connection, cube, request, unit_ids)
    return _Ground(
        grids, replace(signals, finds=finds), cube.steps.window, outlook, effort_h, level
    )


def _describe(
    ground: _Ground, subject: Subject, *, plan_date: date, now: datetime, code_version: str
) -> PlanContext:
    outlook, (first, last) = ground.outlook, ground.window
    return PlanContext(
        plan_date=plan_date,
        jurisdiction=subject.code,
        name_zh=subject.name_zh,
        name_en=subject.name_en,
        data_from=first,
        data_until=last,
        made_at=now,
        code_version=code_version,
        simulated=subject.simulated,
        method_zh=outlook.why_zh if outlook else "",
        method_en=outlook.why_en if outlook else "",
        interval=outlook.interval if outlook else 0.9,
        forecast_run=outlook.result_run_id if outlook else None,
        level=ground.level,
    )


def _draft_shifts(
    connection: Connection, request: CubeRequest, ground: _Ground, context: PlanContext,
    day: DayRequest,
) -> Plan:  # fmt: skip
    if request.step != "week":
        raise InputError("a plan of shifts reads levels by week, whose hours it shares out")
    zone = context.data_from.tzinfo or UTC
    shifts = repeat_shifts(day.shifts, day=context.plan_date, zone=zone, days=day.rules.days)
    roster = read_roster(
        connection, request, day.duty, shifts=shifts, area_ids=ground.grids["area_id"].tolist(),
        classes=ground.signals.classes, step_min=day.rules.step_min, level=ground.level,
    )  # fmt: skip
    return draft_shift_plan(
        ground.grids, ground.signals, roster, context=context, rules=day.rules,
        step=request.step, effort_h=ground.effort_h,
    )  # fmt: skip


def _watched_hours(
    connection: Connection, cube: Cube, request: CubeRequest, unit_ids: list[int]
) -> NDArray[np.float64] | None:
    """Return the patrol hours of each grid in the window; None where no track was ever stored."""
    exposure = add_effort(connection, cube, request).units.exposure
    if "patrol_hours" not in exposure:
        return None
    row = cube.units.locate(np.array(unit_ids, dtype=np.int64))
    hours = np.asarray(exposure["patrol_hours"], dtype=np.float64)
    return np.where(row >= 0, hours[row], np.nan)


def _read_outlook(
    connection: Connection, request: CubeRequest, *, until: datetime, level: str
) -> Outlook | None:
    """Read the forecast that fits what is counted: by week, of all classes."""
    if request.step != "week" or request.classes is not None:
        return None
    return read_outlook(connection, request.jurisdiction_id, level=level, until=until)
