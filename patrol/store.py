"""Plans into the database and out of it again. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection, Select, insert

from geo.errors import InputError, NotFoundError
from patrol import queries
from patrol.exports import plan_parameters
from patrol.models import Plan as PlanRow
from patrol.planning.states import Act
from patrol.planning.steps import read_head, write_step
from patrol.plans import Plan
from patrol.row_store import (
    read_rows,
    read_shifts,
    row_values,
    sum_rows,
    write_rows,
    write_shifts,
)
from patrol.shifts import PlanShift

FINEST_FIRST = ("grid", "community", "street", "district")


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """A plan as it was stored.

    Attributes
    ----------
    head
        The columns of ``plan``: day, version, hours, status, parameters, who approved it, ...
    items
        One row a grid in EPSG:4326: ``area_id``, ``code``, ``name``, ``community``,
        ``households``, ``hours``, ``explore_h``, ``trend_h``, ``unknown``, ``reason`` (the
        figures), ``reason_zh``, ``reason_en``; a map shows it as it is.
    rows
        One row an area, shift and kind of unit, see `patrol.row_store.read_rows`.
    shifts
        The shifts of its day.
    """

    head: Mapping[str, Any]
    items: gpd.GeoDataFrame
    rows: pd.DataFrame
    shifts: tuple[PlanShift, ...]


def find_planning_level(connection: Connection, jurisdiction_id: int, *, day: date) -> str:
    """Return the finest level of which a place has areas on a day; ``"grid"`` where it has none."""
    levels = set(connection.execute(queries.select_levels(jurisdiction_id, day=day)).scalars())
    return next((level for level in FINEST_FIRST if level in levels), "grid")


def read_planning_grids(
    connection: Connection, jurisdiction_id: int, *, day: date, level: str = "grid"
) -> gpd.GeoDataFrame:
    """Read the grids to plan for: basic and exclusive ones that are valid on a day.

    Where there are no grids, `level` names the areas that stand for them.

    Returns
    -------
    GeoDataFrame
        EPSG:4326, by code: ``area_id``, ``code``, ``name``, ``community``, ``households``,
        ``kind``.

    Raises
    ------
    NotFoundError
        There are none.
    """
    query = queries.select_grids(jurisdiction_id, day=day, level=level)
    grids = _fetch_shapes(connection, query)
    if grids.empty:
        msg = f"no grid is valid on {day}; import grids first or divide the communities"
        raise NotFoundError(msg)
    return grids


def read_class_names(connection: Connection) -> dict[str, tuple[str, str]]:
    """Read Chinese and English names by ``code`` and by ``scheme/code``; newer ones win."""
    names: dict[str, tuple[str, str]] = {"all": ("各类问题", "reports of all classes")}
    for scheme, code, name, name_en in connection.execute(queries.select_class_names()):
        names[code] = names[f"{scheme}/{code}"] = (name, name_en)
    return names


def write_plan(
    connection: Connection,
    plan: Plan,
    *,
    jurisdiction_id: int,
    trend_run_id: int | None = None,
    hotspot_run_id: int | None = None,
) -> int:
    """Store a draft as the newest version of its day and return its number.

    If the newest version is a draft with the same rules, results and hours, nothing is written
    and its number is returned.

    Parameters
    ----------
    plan
        Its items need ``area_id``, as `read_planning_grids` gives them.
    trend_run_id, hotspot_run_id
        The stored results that it rests on.

    Raises
    ------
    InputError
        The items have no ``area_id``.
    """
    if "area_id" not in plan.rows.columns:
        msg = "the plan's grids have no area_id; draft it with the grids of the database"
        raise InputError(msg)
    day = plan.context.plan_date
    connection.execute(queries.lock_plans(jurisdiction_id, day))
    values = _plan_values(plan) | {
        "jurisdiction_id": jurisdiction_id,
        "trend_run_id": trend_run_id,
        "hotspot_run_id": hotspot_run_id,
    }
    items = row_values(plan.rows)
    newest = connection.execute(
        queries.select_newest_plan(jurisdiction_id, plan_date=day, days=plan.days)
    ).one_or_none()
    if newest is not None and _is_same_draft(
        connection, newest.plan_id, values, plan.shifts, items
    ):
        return int(newest.plan_id)
    values |= {"version": 1 if newest is None else newest.version + 1}
    values |= {"created_at": plan.context.made_at}
    plan_id = connection.execute(
        insert(PlanRow).values(values).returning(PlanRow.plan_id)
    ).scalar_one()
    write_shifts(connection, plan_id, plan.shifts)
    write_rows(connection, plan_id, plan.rows)
    act = Act(f"Gridbeat {plan.context.code_version}", "drafted 起草", plan.context.made_at)
    write_step(connection, int(plan_id), "draft", act)
    return int(plan_id)


def read_plan(connection: Connection, plan_id: int) -> StoredPlan:
    """Read one plan.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    head = read_head(connection, plan_id)
    rows, shifts = read_rows(connection, plan_id), read_shifts(connection, plan_id)
    areas = _fetch_shapes(connection, queries.select_planned_areas(plan_id))
    items = areas.join(sum_rows(rows, shifts), on="area_id")
    return StoredPlan(head=MappingProxyType(head), items=items, rows=rows, shifts=shifts)


def read_newest_plan(
    connection: Connection, jurisdiction_id: int, *, plan_date: date, days: int = 1
) -> StoredPlan:
    """Read the newest version of the plan of a day, or of so many days that begin there.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = queries.select_newest_plan(jurisdiction_id, plan_date=plan_date, days=days)
    newest = connection.execute(query).one_or_none()
    if newest is None:
        raise NotFoundError(f"there is no plan for {plan_date} yet; run `gridbeat plan`")
    return read_plan(connection, newest.plan_id)


def read_last_plan(connection: Connection, jurisdiction_id: int) -> StoredPlan:
    """Read the plan that was made last, be it of a day or of several; withdrawn ones are left out.

    Raises
    ------
    NotFoundError
        There is none.
    """
    last = connection.execute(queries.select_last_plan(jurisdiction_id)).scalar()
    if last is None:
        raise NotFoundError("there is no plan yet; run `gridbeat plan`")
    return read_plan(connection, last)


def _plan_values(plan: Plan) -> dict[str, Any]:
    context = plan.context
    data = {"from": context.data_from.isoformat(), "until": context.data_until.isoformat()}
    return {
        "plan_date": context.plan_date,
        "days": plan.days,
        "hours": float(plan.items["hours"].sum()),
        "parameters": plan_parameters(plan) | {"data": data},
        "code_version": context.code_version,
    }


def _is_same_draft(
    connection: Connection,
    plan_id: int,
    values: dict[str, Any],
    shifts: tuple[PlanShift, ...],
    items: list[dict[str, Any]],
) -> bool:
    head = read_head(connection, plan_id)
    if head["status"] != "draft" or any(head[name] != value for name, value in values.items()):
        return False
    if read_shifts(connection, plan_id) != shifts:
        return False
    stored = row_values(read_rows(connection, plan_id))
    return _by_key(stored) == _by_key(items)


def _by_key(items: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {(item["area_id"], item["shift_no"], item["unit_kind"]): item for item in items}


def _fetch_shapes(connection: Connection, query: Select[*tuple[Any, ...]]) -> gpd.GeoDataFrame:
    found = connection.execute(query)
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    geometry = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=4326)
