"""The need behind each row of a stored plan, and how a day's need is spread over its shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from patrol.shifts import PlanShift, days_of

DAYS_OF_STEP = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4375}


def with_needs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a plan with the needs behind them.

    Returns
    -------
    DataFrame
        With ``need_day`` (expected reports of the area a day: the forecast where the plan rests
        on one, else the recent level; NaN for an area of which nobody knows anything) and
        ``need_row`` (reports of the row's shift that its kind of unit sees to, as a plan of
        shifts was shared by; NaN for the rows of other plans, and for a row added by hand).
    """
    return rows.assign(
        need_day=[need_of(reason) for reason in rows["reason"]],
        need_row=[own_need(reason) for reason in rows["reason"]],
    )


def own_need(reason: Mapping[str, Any]) -> float:
    """Return the reports that a row of a plan of shifts sees to; NaN where none are stored."""
    need = reason.get("need")
    return float("nan") if need is None or reason.get("unknown") else float(need)


def need_of(reason: Mapping[str, Any]) -> float:
    """Return expected reports a day by the figures of a reason; NaN where unknown."""
    if reason.get("unknown"):
        return float("nan")
    need = reason.get("expected")
    if need is not None:
        return float(need) / 7.0  # the forecast is of a week
    level = reason.get("level")
    return (
        float("nan") if level is None else float(level) / DAYS_OF_STEP[reason.get("step", "week")]
    )


def shift_lengths(shifts: Sequence[PlanShift]) -> pd.DataFrame:
    """Return ``shift_no``, ``day`` (from 0), ``minutes`` and ``need_share`` of the shifts.

    A day's need is taken to be spread evenly over its hours, so that a shift has the share of
    its length.
    """
    hours, day = np.array([shift.hours for shift in shifts]), np.array(days_of(shifts), dtype=int)
    of_day = np.bincount(day, weights=hours)[day]
    return pd.DataFrame(
        {
            "shift_no": [shift.shift_no for shift in shifts],
            "day": day,
            "minutes": hours * 60,
            "need_share": hours / np.maximum(24.0, of_day),
        }
    )
