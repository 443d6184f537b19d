"""Forecasts on the database's incidents: made by what backtests chose, stored, read for plans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Integer, cast, select

from analytics.backtest_design import ALL, BacktestDesign, Suite
from analytics.backtest_store import ask_backtest, read_arena, read_choices
from analytics.cube import REPORTED
from analytics.delay import correct_recent, propose_embargo
from analytics.delay_store import read_delay_triangle
from analytics.history import read_first_day
from analytics.models import ResultRun
from analytics.outlook import OutlookParams, find_outlook
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.store import Origin, read_result, write_listing, write_result

FEWEST_ORIGINS = 4
WARM_UP = 12
"""Steps that must lie before the first origin."""


@dataclass(frozen=True)
class ForecastParams:
    """How the night forecasts where nobody has run a backtest yet.

    Attributes
    ----------
    history_weeks
        Length of the window that methods learn from.
    n_origins, suite
        Of the backtest that is run if none is stored: few origins and cheap methods by default.
    """

    history_weeks: int = 104
    n_origins: int = 12
    suite: Suite = "light"


@dataclass(frozen=True, eq=False)
class Outlook:
    """A stored forecast as a plan reads it.

    Attributes
    ----------
    expected
        Expected reports a step by area_id (rows) and class code (columns).
    total
        By area_id: ``expected``, ``low``, ``high`` of all classes together, over the horizon.
    interval
        Probability of the interval.
    why_zh, why_en
        Which method and why.
    result_run_id
        Its number.
    """

    expected: pd.DataFrame
    total: pd.DataFrame
    interval: float
    why_zh: str
    why_en: str
    result_run_id: int


def ask_outlook(connection: Connection, origin: Origin, params: OutlookParams) -> Result:
    """Forecast the incidents as they are now; nothing is written."""
    arena = read_arena(connection, origin)
    if params.correct_delay:
        triangle = read_delay_triangle(connection, origin.request)
        if triangle is not None:
            arena = replace(arena, cube=correct_recent(arena.cube, triangle))
    return find_outlook(arena, params)


def choose_methods(
    connection: Connection, origin: Origin, params: ForecastParams
) -> tuple[OutlookParams, int | None]:
    """Take the methods that the newest backtest chose, or run a light one now and store it.

    Returns
    -------
    tuple
        What to forecast by, and the number of the backtest if one was run. Where the window is
        too short for a backtest, reports are counted and the reason says so.
    """
    triangle = read_delay_triangle(connection, origin.request)
    embargo = 0 if triangle is None else propose_embargo(triangle)
    choices, made = read_choices(connection, origin), None
    if not choices:
        made = _judge_now(connection, origin, params, embargo)
        choices = read_choices(connection, origin)
    whole = choices.get(ALL)
    return OutlookParams(
        methods=tuple((code, one.method) for code, one in sorted(choices.items())),
        embargo_steps=embargo,
        why_zh=whole.why_zh if whole else "数据时段太短，无法回测，故采用历史计数。",
        why_en=whole.why_en if whole else "Too little history for a backtest: counting is used.",
        backtest_run=whole.result_run_id if whole else None,
    ), made


def _judge_now(
    connection: Connection, origin: Origin, params: ForecastParams, embargo: int
) -> int | None:
    arena = read_arena(connection, origin)
    room = len(arena.cube.steps) - embargo - WARM_UP
    if room < FEWEST_ORIGINS or not set(arena.cube.found_by) & set(REPORTED):
        return None
    design = BacktestDesign(
        n_origins=min(params.n_origins, room), embargo_steps=embargo, suite=params.suite
    )
    return write_listing(connection, ask_backtest(connection, origin, design), origin)


def read_outlook(
    connection: Connection, jurisdiction_id: int, *, level: str, until: datetime
) -> Outlook | None:
    """Read the newest forecast of all classes over the areas of a level that begins at a moment.

    Returns
    -------
    Outlook or None
        None if the data of no stored forecast end then.
    """
    query = (
        select(ResultRun.result_run_id)
        .where(ResultRun.jurisdiction_id == jurisdiction_id, ResultRun.kind == "forecast")
        .where(ResultRun.unit == "area", ResultRun.window_to == until)
        .where(ResultRun.parameters.contains({"level": {"level": level}}))
        .where(ResultRun.parameters["request"]["classes"].astext.is_(None))
        .order_by(ResultRun.result_run_id.desc())
        .limit(1)
    )
    number = connection.execute(query).scalar_one_or_none()
    return None if number is None else _as_outlook(connection, number)


def read_outlook_at(
    connection: Connection, jurisdiction_id: int, *, level: str, at: datetime
) -> Outlook | None:
    """Read the newest forecast of all classes over the areas of a level whose weeks hold a moment.

    Returns
    -------
    Outlook or None
        None if no stored forecast is about that moment.
    """
    weeks = cast(ResultRun.parameters["method"]["horizon_steps"].astext, Integer)
    query = (
        select(ResultRun.result_run_id)
        .where(ResultRun.jurisdiction_id == jurisdiction_id, ResultRun.kind == "forecast")
        .where(ResultRun.unit == "area", ResultRun.window_to <= at)
        .where(ResultRun.window_to > at - weeks * timedelta(weeks=1))
        .where(ResultRun.parameters.contains({"level": {"level": level}}))
        .where(ResultRun.parameters["request"]["classes"].astext.is_(None))
        .where(ResultRun.parameters["request"]["step"].astext == "week")
        .order_by(ResultRun.result_run_id.desc())
        .limit(1)
    )
    number = connection.execute(query).scalar_one_or_none()
    return None if number is None else _as_outlook(connection, number)


def _as_outlook(connection: Connection, number: int) -> Outlook:
    stored = read_result(connection, number)
    method: dict[str, Any] = stored.run["parameters"]["method"]
    rows = stored.rows.set_index("area_id")
    by_class = [classes or {} for classes in rows.get("classes", pd.Series({}, index=rows.index))]
    total = pd.DataFrame({"expected": rows["score"], "low": rows["low"], "high": rows["high"]})
    expected = pd.DataFrame(by_class, index=rows.index).fillna(0.0) / method["horizon_steps"]
    return Outlook(
        expected,
        total.astype(float),
        method["interval"],
        method["why_zh"],
        method["why_en"],
        number,
    )


def store_outlook(
    connection: Connection,
    request: CubeRequest,
    params: ForecastParams,
    *,
    level: str,
    code_version: str,
    seed: int,
) -> dict[str, int]:
    """Forecast the week after a window over the areas of a level, by class, and store it.

    Returns
    -------
    dict
        The number of the ``forecast``, and of the ``backtest`` if one had to be run first; empty
        where the data are too few to forecast from.
    """
    first = read_first_day(connection, request.jurisdiction_id)
    if first is None:
        return {}
    start = max(first, request.end - timedelta(weeks=params.history_weeks))
    if request.end - start < timedelta(weeks=WARM_UP + 2):
        return {}
    weekly = replace(request, start=start, step="week", by_class=True, spread=None)
    origin = Origin(weekly, code_version, seed=seed, level=level)
    how, made = choose_methods(connection, origin, params)
    number = write_result(connection, ask_outlook(connection, origin, how), origin)
    return {"forecast": number} | ({} if made is None else {"backtest": made})
