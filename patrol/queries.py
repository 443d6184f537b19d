"""Questions to the database: the grids of a day, names of classes, plans and their items."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, cast, func, select
from sqlalchemy.orm import aliased

from geo.models.incidents import Category, CategoryScheme
from geo.models.places import Area
from patrol.models import Plan, PlanItem, PlanShift

_PARENT = aliased(Area)


def select_levels(jurisdiction_id: int, *, day: date) -> Select[*tuple[Any, ...]]:
    """Select the levels of which areas are valid on a day, micro grids aside."""
    return (
        select(Area.level)
        .where(Area.jurisdiction_id == jurisdiction_id, Area.grid_kind.is_distinct_from("micro"))
        .where(Area.valid_from <= day, Area.valid_to > day)
        .distinct()
    )


def select_grids(
    jurisdiction_id: int, *, day: date, level: str = "grid"
) -> Select[*tuple[Any, ...]]:
    """Select the areas of a level that are valid on a day, micro grids aside, by code."""
    return (
        select(
            Area.area_id,
            Area.code,
            Area.name,
            _PARENT.name.label("community"),
            Area.households,
            Area.grid_kind.label("kind"),
            func.ST_AsBinary(Area.geom).label("geom"),
        )
        .join(_PARENT, _PARENT.area_id == Area.parent_id, isouter=True)
        .where(Area.jurisdiction_id == jurisdiction_id, Area.level == level)
        .where(
            Area.grid_kind.is_distinct_from("micro"), Area.valid_from <= day, Area.valid_to > day
        )
        .order_by(Area.code)
    )


def select_class_names() -> Select[*tuple[Any, ...]]:
    """Select scheme, code and names of every class, the newest edition of a scheme last."""
    return (
        select(CategoryScheme.scheme, Category.code, Category.name, Category.name_en)
        .join(CategoryScheme, CategoryScheme.scheme_id == Category.scheme_id)
        .order_by(CategoryScheme.valid_from, CategoryScheme.scheme_id, Category.category_id)
    )


def select_plan(plan_id: int) -> Select[*tuple[Any, ...]]:
    """Select all that is known of one plan but its items."""
    return select(*Plan.__table__.columns).where(Plan.plan_id == plan_id)


def select_newest_plan(
    jurisdiction_id: int, *, plan_date: date, days: int = 1
) -> Select[*tuple[Any, ...]]:
    """Select number and version of the newest plan of so many days that begins on a day."""
    query = select(Plan.plan_id, Plan.version).where(Plan.jurisdiction_id == jurisdiction_id)
    query = query.where(Plan.days == days, Plan.plan_date == plan_date)
    return query.order_by(Plan.version.desc()).limit(1)


def select_last_plan(jurisdiction_id: int) -> Select[*tuple[Any, ...]]:
    """Select the number of the plan that was made last, of whatever days; none withdrawn."""
    query = select(Plan.plan_id).where(Plan.jurisdiction_id == jurisdiction_id)
    return query.where(Plan.status != "withdrawn").order_by(Plan.plan_id.desc()).limit(1)


def select_shifts(plan_id: int) -> Select[*tuple[Any, ...]]:
    """Select the shifts of a plan by number."""
    columns = [column for column in PlanShift.__table__.columns if column.name != "plan_id"]
    return select(*columns).where(PlanShift.plan_id == plan_id).order_by(PlanShift.shift_no)


def select_rows(plan_id: int) -> Select[*tuple[Any, ...]]:
    """Select the items of a plan by code, shift and kind of unit."""
    return (
        select(
            PlanItem.area_id,
            Area.code,
            PlanItem.shift_no,
            PlanItem.unit_kind,
            PlanItem.minutes,
            PlanItem.reason,
            PlanItem.reason_zh,
            PlanItem.reason_en,
        )
        .join(Area, Area.area_id == PlanItem.area_id)
        .where(PlanItem.plan_id == plan_id)
        .order_by(Area.code, PlanItem.shift_no, PlanItem.unit_kind)
    )


def select_planned_areas(plan_id: int) -> Select[*tuple[Any, ...]]:
    """Select the areas of a plan's items by code, with geometry (WKB, EPSG:4326)."""
    return (
        select(
            Area.area_id,
            Area.code,
            Area.name,
            Area.name_en,
            _PARENT.name.label("community"),
            Area.households,
            func.ST_AsBinary(Area.geom).label("geom"),
        )
        .join(_PARENT, _PARENT.area_id == Area.parent_id, isouter=True)
        .where(Area.area_id.in_(select(PlanItem.area_id).where(PlanItem.plan_id == plan_id)))
        .order_by(Area.code)
    )


def lock_plans(jurisdiction_id: int, plan_date: date) -> Select[*tuple[Any, ...]]:
    """Wait until nobody else writes a plan of this place and day, until the transaction ends."""
    name = f"gridbeat plan {jurisdiction_id} {plan_date.isoformat()}"
    return select(func.pg_advisory_xact_lock(func.hashtextextended(name, cast(0, Integer))))
