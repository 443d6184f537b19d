"""Versions of plans and their edits into the database and out of it again. Never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import Connection, delete, func, insert, select, text, tuple_

from geo.errors import InputError
from patrol.models import Plan, PlanDone, PlanEdit
from patrol.planning.cover import CoverParams
from patrol.planning.done import Done
from patrol.planning.edits import Edit, Mark, apply_edits, fold_marks, name_marks
from patrol.planning.needs import shift_lengths, with_needs
from patrol.planning.states import IN_FORCE, Act
from patrol.planning.steps import lock_day, require_newest, write_step
from patrol.row_store import write_rows, write_shifts
from patrol.store import StoredPlan, read_plan

_EDIT = ("kind", "area_id", "shift_no", "unit_kind", "minutes", "mark", "reason")
_ANCESTRY = """
WITH RECURSIVE line AS (
    SELECT plan_id, parent_id, version FROM plan WHERE plan_id = :plan_id
    UNION
    SELECT p.plan_id, p.parent_id, p.version FROM plan p JOIN line l ON p.plan_id = l.parent_id)
SELECT e.*, l.version, ST_AsBinary(e.geom) AS wkb FROM plan_edit e JOIN line l USING (plan_id)
ORDER BY l.version, e.ordinal
"""


@dataclass(frozen=True, eq=False)
class Desk:
    """A plan as it lies on the desk: with the needs behind it, its marks and its shifts.

    Attributes
    ----------
    plan
        As it is stored.
    marks
        Pins and forbidden grounds that hold, by name.
    items
        The plan's rows with ``need_day``, see `patrol.planning.cover.expected_coverage`.
    shifts
        ``shift_no``, ``minutes``, ``need_share``.
    """

    plan: StoredPlan
    marks: Mapping[str, Mark]
    items: pd.DataFrame
    shifts: pd.DataFrame

    @property
    def cover(self) -> CoverParams:
        """Return by what assumption the plan was shared, and its edits are judged."""
        rules = self.plan.head["parameters"].get("allocation", {})
        return CoverParams(cover_h=rules.get("cover_h"))

    def edited(self, edits: Sequence[Edit], *, person: str) -> pd.DataFrame:
        """Return the rows after edits, with their needs; nothing is written."""
        return apply_edits(self.items, edits, marks=self.marks, person=person)


def read_desk(connection: Connection, plan_id: int) -> Desk:
    """Read a plan with what is needed to edit it.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    plan = read_plan(connection, plan_id)
    return Desk(
        plan, read_marks(connection, plan_id), with_needs(plan.rows), shift_lengths(plan.shifts)
    )


def write_version(
    connection: Connection, desk: Desk, edits: Sequence[Edit], act: Act,
    *, rows: pd.DataFrame | None = None,
) -> int:  # fmt: skip
    """Store edits as a new version whose parent is the plan, and return its number.

    Parameters
    ----------
    desk
        The newest version of its day.
    rows
        What the edits lead to, where more was changed than they say (balanced hours); None: what
        they say.

    Raises
    ------
    ConflictError
        Another version was made meanwhile.
    InputError
        There are no edits, they do not hold, or nothing would be left.
    """
    if not edits:
        raise InputError("there is nothing to change: give at least one edit")
    head = lock_day(connection, desk.plan.head["plan_id"])
    require_newest(connection, head)
    made = desk.edited(edits, person=act.person) if rows is None else rows
    minutes = int(made["minutes"].sum())
    if minutes == 0:
        raise InputError("a plan without any minutes is no plan: withdraw it instead")
    version = head["version"] + 1
    kept = ("jurisdiction_id", "plan_date", "days", "parameters", "trend_run_id", "hotspot_run_id",
            "code_version")  # fmt: skip
    values = {name: head[name] for name in kept} | {
        "version": version, "hours": minutes / 60, "parent_id": head["plan_id"],
        "status": "edited", "created_at": act.at,
    }  # fmt: skip
    number = int(
        connection.execute(insert(Plan).values(values).returning(Plan.plan_id)).scalar_one()
    )
    write_shifts(connection, number, desk.plan.shifts)
    write_rows(connection, number, made)
    named = name_marks(edits, version=version)
    connection.execute(insert(PlanEdit), _edit_values(number, named, desk.items, act))
    write_step(connection, number, "edit", act)
    return number


def read_marks(connection: Connection, plan_id: int) -> dict[str, Mark]:
    """Read the pins and forbidden grounds that hold in a version, by name."""
    history = [
        (str(row["mark"]), _edit(row), str(row["edited_by"]))
        for row in connection.execute(text(_ANCESTRY), {"plan_id": plan_id}).mappings()
    ]
    return fold_marks(history)


def read_edits(connection: Connection, plan_id: int) -> list[dict[str, Any]]:
    """Read the edits that made a version, in order: who, when, why and what."""
    columns = [column for column in PlanEdit.__table__.columns if column.name != "geom"]
    query = (
        select(*columns, func.ST_AsGeoJSON(PlanEdit.geom).label("geometry"))
        .where(PlanEdit.plan_id == plan_id)
        .order_by(PlanEdit.ordinal)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def list_plans(
    connection: Connection, jurisdiction_id: int, *, day: date | None = None,
    status: str | None = None, after: tuple[date, int] | None = None, most: int = 50,
) -> list[dict[str, Any]]:  # fmt: skip
    """Read heads of plans, the newest day and plan first, from after a day and plan on."""
    names = ("plan_id", "plan_date", "days", "version", "parent_id", "hours", "status",
             "approved_by", "approved_at", "approval_reason", "created_at")  # fmt: skip
    query = (
        select(*(Plan.__table__.columns[name] for name in names))
        .where(Plan.jurisdiction_id == jurisdiction_id)
        .order_by(Plan.plan_date.desc(), Plan.plan_id.desc())
        .limit(most)
    )
    if day is not None:
        query = query.where(Plan.plan_date == day)
    if status is not None:
        query = query.where(Plan.status == status)
    if after is not None:
        query = query.where(tuple_(Plan.plan_date, Plan.plan_id) < tuple_(*after))
    return [dict(row) for row in connection.execute(query).mappings()]


def find_in_force(connection: Connection, jurisdiction_id: int, *, day: date) -> int | None:
    """Return the plan that stands for a day: the latest that holds it, else the last before.

    A day's own plan comes before that of a week that begins on it.
    """
    holds = Plan.plan_date + Plan.days > day
    query = (
        select(Plan.plan_id)
        .where(Plan.jurisdiction_id == jurisdiction_id, Plan.plan_date <= day)
        .where(Plan.status.in_(IN_FORCE))
        .order_by(holds.desc(), Plan.plan_date.desc(), Plan.days)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def find_before(connection: Connection, head: Mapping[str, Any]) -> int | None:
    """Return the plan that a plan is compared with: the last of an earlier day, if there is one.

    That day's plan in force if it has one, else its newest version.
    """
    in_force = Plan.status.in_(IN_FORCE)
    query = (
        select(Plan.plan_id)
        .where(Plan.jurisdiction_id == head["jurisdiction_id"])
        .where(Plan.plan_date < head["plan_date"], Plan.status != "withdrawn")
        .where(Plan.days == head["days"])
        .order_by(Plan.plan_date.desc(), in_force.desc(), Plan.version.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


def write_done(connection: Connection, plan_id: int, done: Done, act: Act) -> None:
    """Store what was done beside what was planned, and take the steps that follow from it.

    Raises
    ------
    ConflictError
        The plan was never published.
    """
    head = lock_day(connection, plan_id)
    if head["status"] == "published":
        write_step(connection, plan_id, "execute", act)
    write_step(connection, plan_id, "compare", act)
    connection.execute(delete(PlanDone).where(PlanDone.plan_id == plan_id))
    rows = [
        {"plan_id": plan_id, "area_id": int(row["area_id"]), "shift_no": int(row["shift_no"]),
         "source": str(row["source"]), "planned_min": float(row["planned_min"]),
         "compared_at": act.at,
         "done_min": None if pd.isna(row["done_min"]) else float(row["done_min"])}
        for row in done.rows.to_dict("records")
    ]  # fmt: skip
    if rows:
        connection.execute(insert(PlanDone), rows)


def read_done(connection: Connection, plan_id: int) -> pd.DataFrame:
    """Read ``area_id``, ``shift_no``, ``source``, ``planned_min``, ``done_min`` (NaN unknown)."""
    names = ("area_id", "shift_no", "source", "planned_min", "done_min")
    query = select(*(PlanDone.__table__.columns[name] for name in names)).where(
        PlanDone.plan_id == plan_id
    )
    frame = pd.DataFrame(connection.execute(query).all(), columns=list(names))
    return frame.astype({"planned_min": float, "done_min": float})


def _edit(row: Mapping[Any, Any]) -> Edit:
    shape = None if row["wkb"] is None else shapely.from_wkb(bytes(row["wkb"]))
    return Edit(**{name: row[name] for name in _EDIT}, geom=shape)


def _edit_values(
    plan_id: int, edits: Sequence[Edit], before: pd.DataFrame, act: Act
) -> list[dict[str, Any]]:
    known = {
        (row["area_id"], row["shift_no"], row["unit_kind"]): int(row["minutes"])
        for row in before.to_dict("records")
    }
    values = []
    for ordinal, edit in enumerate(edits, start=1):
        key = (edit.area_id, edit.shift_no, edit.unit_kind)
        sets = edit.kind == "set_minutes"
        geom = None if edit.geom is None else f"SRID=4326;{edit.geom.wkt}"
        values.append(
            {name: getattr(edit, name) for name in _EDIT}
            | {"plan_id": plan_id, "ordinal": ordinal, "geom": geom, "edited_by": act.person,
               "edited_at": act.at, "minutes_before": known.get(key, 0) if sets else None}
        )  # fmt: skip
        if sets and edit.minutes is not None:
            known[key] = edit.minutes
    return values
