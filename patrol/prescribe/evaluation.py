"""Where plans in force sent somebody for a class: the grids to compare before and after."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select

from geo.models.places import Area
from patrol.models import Plan, PlanItem

IN_FORCE = ("published", "executed", "compared")


def treated_grids(
    connection: Connection, jurisdiction_id: int, code: str, *, start: date, end: date
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the grids where a class drove the hours of plans in force, and all others.

    Parameters
    ----------
    start, end
        Days of the plans; the end is not part of it.

    Returns
    -------
    tuple
        Codes of both, sorted; grids are those that are valid on the first day.
    """
    driven = (
        select(Area.code)
        .join(PlanItem, PlanItem.area_id == Area.area_id)
        .join(Plan, Plan.plan_id == PlanItem.plan_id)
        .where(Plan.jurisdiction_id == jurisdiction_id, Plan.status.in_(IN_FORCE))
        .where(Plan.plan_date >= start, Plan.plan_date < end, PlanItem.minutes > 0)
        .where(PlanItem.reason["driver"].astext == code)
        .distinct()
    )
    every = select(Area.code).where(
        Area.jurisdiction_id == jurisdiction_id, Area.level == "grid", Area.grid_kind != "micro",
        Area.valid_from <= start, Area.valid_to > start,
    )  # fmt: skip
    known = set(connection.execute(every).scalars())
    sent = sorted(known & set(connection.execute(driven).scalars()))
    return tuple(sent), tuple(sorted(known - set(sent)))
