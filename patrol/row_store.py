"""A plan's shifts and items into the database and out of it again. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, delete, insert

from geo.errors import InputError
from geo.models.base import UNIT_KINDS
from patrol import queries
from patrol.models import PlanItem
from patrol.models import PlanShift as ShiftRow
from patrol.reasons import explain_parts
from patrol.shifts import PlanShift

ROW_COLUMNS = ("area_id", "shift_no", "unit_kind", "minutes", "reason", "reason_zh", "reason_en")
_PARTS = ("explore_h", "trend_h")


def write_shifts(connection: Connection, plan_id: int, shifts: Sequence[PlanShift]) -> int:
    """Store the shifts of a plan that has none yet, and return their number.

    Raises
    ------
    InputError
        There are none, or a number comes twice.
    """
    numbers = [shift.shift_no for shift in shifts]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError("a plan has at least one shift, and each its own number")
    connection.execute(insert(ShiftRow), [vars(shift) | {"plan_id": plan_id} for shift in shifts])
    return len(shifts)


def write_rows(connection: Connection, plan_id: int, rows: pd.DataFrame) -> int:
    """Make `rows` the items of a plan, whose shifts are stored, and return their number.

    Items that the plan had are replaced. Who changes a plan's hours also sets ``plan.hours``.

    Parameters
    ----------
    rows
        `ROW_COLUMNS`: one row an area, shift and kind of unit. An area that gets nothing needs
        one row of 0 minutes, or it is no part of the plan.

    Raises
    ------
    InputError
        A column is missing, a kind is not known, minutes are negative or no whole number, or an
        area, shift and kind comes twice.
    """
    items = row_values(rows)
    connection.execute(delete(PlanItem).where(PlanItem.plan_id == plan_id))
    if items:
        connection.execute(insert(PlanItem), [item | {"plan_id": plan_id} for item in items])
    return len(items)


def row_values(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return checked rows as values of ``plan_item``."""
    absent = [column for column in ROW_COLUMNS if column not in rows.columns]
    if absent:
        raise InputError(f"the rows of the plan lack the column {absent[0]!r}")
    twice = rows[rows.duplicated(["area_id", "shift_no", "unit_kind"])]
    if len(twice):
        first = twice.iloc[0]
        where = f"area {first['area_id']}, shift {first['shift_no']}, {first['unit_kind']}"
        raise InputError(f"{where} comes twice in the plan")
    strange = set(rows["unit_kind"]) - set(UNIT_KINDS)
    if strange:
        kinds = ", ".join(UNIT_KINDS)
        raise InputError(f"{min(strange)!r} is no kind of unit; there are {kinds}")
    minutes = rows["minutes"].to_numpy(dtype=np.float64)
    if (minutes < 0).any() or (minutes != np.rint(minutes)).any():
        raise InputError("the minutes of a plan's row are a whole number of at least 0")
    return [
        {
            "area_id": int(row["area_id"]),
            "shift_no": int(row["shift_no"]),
            "unit_kind": str(row["unit_kind"]),
            "minutes": int(row["minutes"]),
            "reason": dict(row["reason"]),
            "reason_zh": str(row["reason_zh"]),
            "reason_en": str(row["reason_en"]),
        }
        for row in rows[list(ROW_COLUMNS)].to_dict("records")
    ]


def read_shifts(connection: Connection, plan_id: int) -> tuple[PlanShift, ...]:
    """Read the shifts of a plan by number; none for a plan that does not exist."""
    found = connection.execute(queries.select_shifts(plan_id)).mappings()
    return tuple(PlanShift(**shift) for shift in found)


def read_rows(connection: Connection, plan_id: int) -> pd.DataFrame:
    """Read the items of a plan: ``code`` and `ROW_COLUMNS`, by code, shift and kind of unit."""
    found = connection.execute(queries.select_rows(plan_id))
    return pd.DataFrame(found.all(), columns=list(found.keys()))


def sum_rows(rows: pd.DataFrame, shifts: Sequence[PlanShift]) -> pd.DataFrame:
    """Return what each area gets in all its shifts and by all kinds of unit.

    Parameters
    ----------
    rows
        As `read_rows` gives them.
    shifts
        The shifts that they name.

    Returns
    -------
    DataFrame
        By ``area_id``: ``hours``, ``explore_h``, ``trend_h``, ``unknown``, ``reason`` (the
        figures of the longest row), ``reason_zh`` and ``reason_en``, which of several rows say
        who goes when before the reason of the longest.
    """
    names = {shift.shift_no: (shift.name_zh, shift.name_en) for shift in shifts}
    return pd.DataFrame(
        [_sum_area(number, part, names) for number, part in rows.groupby("area_id", sort=False)],
        columns=[
            "area_id", "hours", *_PARTS, "unknown", "reason", "reason_zh", "reason_en",
        ],
    ).set_index("area_id")  # fmt: skip


def _sum_area(
    area_id: Any, part: pd.DataFrame, names: dict[int, tuple[str, str]]
) -> dict[str, Any]:
    longest = part.iloc[int(part["minutes"].to_numpy().argmax())]
    figures = part["reason"].tolist()
    when = [
        (*names[row["shift_no"]], row["unit_kind"], row["minutes"] / 60)
        for row in part.to_dict("records")
    ]
    return {
        "area_id": area_id,
        "hours": part["minutes"].sum() / 60,
        "unknown": any(bool(reason.get("unknown", False)) for reason in figures),
        "reason": longest["reason"],
        "reason_zh": explain_parts(when, longest["reason_zh"], "zh"),
        "reason_en": explain_parts(when, longest["reason_en"], "en"),
    } | {name: float(sum(reason.get(name) or 0.0 for reason in figures)) for name in _PARTS}
