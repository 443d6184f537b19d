"""A plan: the hours of one day for each grid with their reasons, until a person approves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.steps import Step
from geo.errors import CrsError, InputError
from patrol.allocate import Allocation, AllocationParams, allocate_hours
from patrol.allocation.day import DayRules
from patrol.demand import Demand, TrendParams, expect_demand
from patrol.reasons import Reason, explain
from patrol.shifts import PlanShift, whole_day
from patrol.signals import Signals

Floats = NDArray[np.float64]

GRID_COLUMNS = ("code", "name", "community", "households")
UNPLACED = "—"
# Hours that name no kind of unit are hours on foot.
ANY_KIND = "foot"


@dataclass(frozen=True)
class PlanContext:
    """What a plan is for and what it was made from.

    Attributes
    ----------
    plan_date
        The day that is planned.
    jurisdiction, name_zh, name_en
        Code and names of the place.
    data_from, data_until
        The window of the incidents, with time zone; the end is not part of it.
    made_at
        When the plan was made, with time zone.
    code_version
        Version of Gridbeat.
    simulated
        The data are made up; every surface says so.
    method_zh, method_en
        By which method what is needed was forecast, and why; empty without a forecast.
    interval
        Probability of the forecast's intervals.
    forecast_run
        Number of the stored forecast.
    level
        Of the areas that are planned: a place without grids is planned by what it has.
    """

    plan_date: date
    jurisdiction: str
    name_zh: str
    name_en: str
    data_from: datetime
    data_until: datetime
    made_at: datetime
    code_version: str
    simulated: bool = False
    method_zh: str = ""
    method_en: str = ""
    interval: float = 0.9
    forecast_run: int | None = None
    level: str = "grid"

    def __post_init__(self) -> None:
        for name in ("data_from", "data_until", "made_at"):
            if getattr(self, name).tzinfo is None:
                msg = f"{name} has no time zone"
                raise InputError(msg)
        if self.data_from >= self.data_until:
            msg = "data_from must be before data_until"
            raise InputError(msg)


@dataclass(frozen=True, eq=False)
class Plan:
    """A draft: nobody goes out on it before a named person approved it.

    Attributes
    ----------
    context
        What it is for and from.
    params, trend
        The rules of allocation, and how far trends are believed.
    step
        The time step of levels and slopes.
    items
        One row a grid in EPSG:4326: the columns of the grids, ``hours``, ``explore_h``,
        ``trend_h``, ``level`` and ``expected`` (weighted reports a step), ``unknown``,
        ``reason_zh``, ``reason_en``.
    reasons
        The figures of each row.
    equity
        Hours, need and households by community, see `equity_table`.
    shifts
        The shifts of the day; one, the whole day, where none are told apart.
    rows
        One row an area, shift and kind of unit: ``area_id`` where the grids have it, ``code``,
        ``shift_no``, ``unit_kind``, ``minutes``, ``reason`` (the figures), ``reason_zh``,
        ``reason_en``.
    shares
        How good the sharing is and what an hour more or less would change, as JSON types; empty
        of a plan of one shift and kind.
    """

    context: PlanContext
    params: AllocationParams | DayRules
    trend: TrendParams
    step: Step
    items: gpd.GeoDataFrame
    reasons: tuple[Reason, ...]
    equity: pd.DataFrame
    shifts: tuple[PlanShift, ...]
    rows: pd.DataFrame
    shares: Mapping[str, Any] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Return how many days it plans."""
        return self.params.days if isinstance(self.params, DayRules) else 1


def draft_plan(
    grids: gpd.GeoDataFrame,
    signals: Signals,
    *,
    context: PlanContext,
    params: AllocationParams,
    trend: TrendParams | None = None,
    effort_h: Floats | None = None,
    step: Step = "week",
) -> Plan:
    """Draft the plan of one day.

    Parameters
    ----------
    grids
        One row a grid: ``code``, ``name``, ``community``, ``households`` (may be empty for an
        exclusive grid) and polygons in any CRS.
    signals
        Levels and trends, in the order of `grids`.
    context
        The day, the place and the data.
    params, trend
        Rules of allocation, and how far trends are believed.
    effort_h
        Shape ``(n,)``, patrol hours of the recent past, NaN where unknown. None: unknown.
    step
        The time step of `signals`.

    Returns
    -------
    Plan
        Its hours sum to ``params.total_h``.

    Raises
    ------
    InputError
        If a column is missing, codes repeat, rows and signals disagree, or floor and cap do not
        admit the hours.
    CrsError
        If the grids have no CRS.
    """
    trend = trend or TrendParams()
    demand = demand_of(grids, signals, trend)
    turn = context.plan_date.toordinal()
    given = allocate_hours(demand, params=params, effort_h=effort_h, turn=turn)
    reasons = grid_reasons(demand, given, signals, trend, step, context.interval)
    items = _items(grids, demand, given, reasons)
    shift = whole_day(context.plan_date, context.data_from.tzinfo or UTC)
    rows = _rows(items, reasons, shift)
    return Plan(context, params, trend, step, items, reasons, equity_table(items), (shift,), rows)


def equity_table(items: pd.DataFrame) -> pd.DataFrame:
    """Return hours beside need and households by community, for people to judge.

    Parameters
    ----------
    items
        Rows with ``community``, ``households``, ``hours``, ``expected`` and ``unknown``.

    Returns
    -------
    DataFrame
        One row a community, sorted: ``community``, ``grids``, ``unknown_grids``, ``households``,
        ``need`` (reports a step), ``hours``, ``need_share`` and ``hours_share`` (0 to 1),
        ``hours_per_1000_households`` (NaN without households). Empty for no items.
    """
    frame = pd.DataFrame(
        {
            "community": items["community"].fillna(UNPLACED).astype(str),
            "grids": 1,
            "unknown_grids": items["unknown"].astype(int),
            "households": items["households"].fillna(0),
            "need": items["expected"],
            "hours": items["hours"],
        }
    )
    table = frame.groupby("community", sort=True, as_index=False).sum()
    for share, column in (("need_share", "need"), ("hours_share", "hours")):
        table[share] = table[column] / (table[column].sum() or 1.0)
    homes = table["households"].where(table["households"] > 0)
    table["hours_per_1000_households"] = 1000 * table["hours"] / homes
    return table


def demand_of(grids: gpd.GeoDataFrame, signals: Signals, trend: TrendParams) -> Demand:
    """Return what the signals let expect of each grid, after checking that they fit each other."""
    check_grids(grids, signals)
    return expect_demand(
        signals.level, slope=signals.slope, q_value=signals.q_value, weight=signals.weight,
        unknown=signals.reports == 0, forecast=signals.forecast, params=trend,
    )  # fmt: skip


def check_grids(grids: gpd.GeoDataFrame, signals: Signals) -> None:
    """Refuse grids that lack a column, a system or their own code, or do not fit the signals."""
    absent = [column for column in GRID_COLUMNS if column not in grids.columns]
    if absent:
        msg = f"the grids lack the column {absent[0]!r}"
        raise InputError(msg)
    if grids.crs is None:
        msg = "the grids have no coordinate reference system; set the one they were drawn in"
        raise CrsError(msg)
    if len(signals.reports) != len(grids):
        msg = f"{len(signals.reports)} rows of signals for {len(grids)} grids"
        raise InputError(msg)
    twice = grids["code"][grids["code"].duplicated()]
    if len(twice):
        msg = f"grid code {twice.iloc[0]!r} occurs twice"
        raise InputError(msg)


def _items(
    grids: gpd.GeoDataFrame, demand: Demand, given: Allocation, reasons: tuple[Reason, ...]
) -> gpd.GeoDataFrame:
    items = grids.to_crs(4326).reset_index(drop=True)
    return items.assign(
        hours=given.hours,
        explore_h=given.explore_h,
        trend_h=given.trend_h,
        level=demand.level,
        expected=demand.expected,
        unknown=demand.unknown,
        reason_zh=[explain(reason, "zh") for reason in reasons],
        reason_en=[explain(reason, "en") for reason in reasons],
    )


def _rows(items: gpd.GeoDataFrame, reasons: tuple[Reason, ...], shift: PlanShift) -> pd.DataFrame:
    keys = [name for name in ("area_id", "code") if name in items.columns]
    minutes = np.rint(items["hours"].to_numpy(dtype=np.float64) * 60).astype(np.int64)
    return pd.DataFrame(items[[*keys, "reason_zh", "reason_en"]]).assign(
        shift_no=shift.shift_no,
        unit_kind=ANY_KIND,
        minutes=minutes,
        reason=pd.Series([asdict(reason) for reason in reasons], index=items.index, dtype=object),
    )


def grid_reasons(
    demand: Demand,
    given: Allocation,
    signals: Signals,
    trend: TrendParams,
    step: Step,
    interval: float,
) -> tuple[Reason, ...]:
    """Return the figures behind each grid's hours."""
    names = [signals.names[code] for code in signals.classes] + [("", "")]
    codes = [*signals.classes, ""]
    level = signals.level.sum(axis=1)
    none = np.full((len(level), 3), np.nan)
    ahead = none if signals.total is None else signals.total
    finds = none if signals.finds is None else signals.finds
    return tuple(
        Reason(
            hours=float(given.hours[i]),
            explore_h=float(given.explore_h[i]),
            trend_h=float(given.trend_h[i]),
            floor_h=given.floor_h,
            cap_h=given.cap_h,
            at_floor=bool(given.at_floor[i]),
            at_cap=bool(given.at_cap[i]),
            level=float(level[i]),
            driver_zh=names[demand.driver[i]][0],
            driver_en=names[demand.driver[i]][1],
            change=_known(demand.change[i]),
            q_value=_known(demand.q_value[i]),
            belief=float(demand.belief[i]),
            recent_steps=trend.recent_steps,
            step=step,
            unknown=bool(demand.unknown[i]),
            expected=_known(ahead[i, 0]),
            expected_low=_known(ahead[i, 1]),
            expected_high=_known(ahead[i, 2]),
            interval=interval,
            driver=codes[demand.driver[i]],
            found=_known(finds[i, 0]) or 0.0,
            share_before=_known(finds[i, 1]),
            share_after=_known(finds[i, 2]),
        )
        for i in range(len(given.hours))
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
