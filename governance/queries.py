"""What is asked of the tables of cases, reports, departments and calendars."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, Update, cast, func, or_, select, update

from geo.models.incidents import Category, CategoryScheme
from geo.models.places import Area
from governance.cases.states import FINAL
from governance.models.calendar import WorkCalendarDay, WorkSpell
from governance.models.cases import CaseFile, CaseTransition
from governance.models.departments import Department, RoutingRule
from governance.models.reports import Report

_CASE = (
    CaseFile.case_id, CaseFile.number, CaseFile.state, CaseFile.state_since, CaseFile.version,
    CaseFile.level, CaseFile.category_id, CaseFile.department_id, CaseFile.handler,
    CaseFile.due_at, CaseFile.due_provisional, CaseFile.handle_due_at, CaseFile.first_due_at,
    CaseFile.extension_asked_by, CaseFile.first_department_id, CaseFile.may_object,
    CaseFile.last_at,
)  # fmt: skip


def select_case(case_id: int) -> Select[*tuple[Any, ...]]:
    """Select what a step looks at, and hold the case until the transaction ends."""
    return (
        select(*_CASE, CaseFile.jurisdiction_id)
        .where(CaseFile.case_id == case_id)
        .with_for_update()
    )


def select_history(case_id: int) -> Select[*tuple[Any, ...]]:
    """Select every transition of a case, first to last."""
    return (
        select(
            CaseTransition.__table__, Department.name.label("department"),
            Department.name_en.label("department_en"),
        )
        .join(Department, Department.department_id == CaseTransition.department_id, isouter=True)
        .where(CaseTransition.case_id == case_id)
        .order_by(CaseTransition.seq)
    )  # fmt: skip


def select_overdue(jurisdiction_id: int, *, now: Any, limit: int) -> Select[*tuple[Any, ...]]:
    """Select cases whose stage is late, the latest first; `ix_case_file_due` serves it."""
    return (
        select(*_CASE)
        .where(CaseFile.jurisdiction_id == jurisdiction_id, CaseFile.due_at < now)
        .order_by(CaseFile.due_at, CaseFile.case_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def select_open_cases(
    jurisdiction_id: int, *, due_before: Any, limit: int
) -> Select[*tuple[Any, ...]]:
    """Select open cases with the words that a list shows, the first due at the top."""
    query = (
        select(
            CaseFile.case_id, CaseFile.number, CaseFile.state, CaseFile.level, CaseFile.due_at,
            CaseFile.words, Department.name.label("department"), Category.name.label("category"),
        )
        .outerjoin(Department, Department.department_id == CaseFile.department_id)
        .outerjoin(Category, Category.category_id == CaseFile.category_id)
        .where(CaseFile.jurisdiction_id == jurisdiction_id, CaseFile.state.not_in(sorted(FINAL)))
        .order_by(CaseFile.due_at.nulls_last(), CaseFile.case_id)
        .limit(limit)
    )  # fmt: skip
    return query if due_before is None else query.where(CaseFile.due_at < due_before)


def select_calendar(jurisdiction_id: int) -> Select[*tuple[Any, ...]]:
    """Select the days of a work calendar in order."""
    return (
        select(
            WorkCalendarDay.day, WorkCalendarDay.is_workday, WorkCalendarDay.kind,
            WorkCalendarDay.name, WorkCalendarDay.provisional,
        )
        .where(WorkCalendarDay.jurisdiction_id == jurisdiction_id)
        .order_by(WorkCalendarDay.day)
    )  # fmt: skip


def select_spells(jurisdiction_id: int) -> Select[*tuple[Any, ...]]:
    """Select the open hours of a working day."""
    return (
        select(WorkSpell.opens, WorkSpell.closes)
        .where(WorkSpell.jurisdiction_id == jurisdiction_id)
        .order_by(WorkSpell.opens)
    )


def select_route(
    jurisdiction_id: int, *, category_id: int | None, area_ids: list[int]
) -> Select[*tuple[Any, ...]]:
    """Select the rules that fit a class in an area, the closest fit first.

    A rule for the class beats one for all classes; among those, a smaller area beats a larger one.
    """
    own = (
        select(Category.code, Category.name, Category.name_en, CategoryScheme.scheme)
        .join(CategoryScheme, CategoryScheme.scheme_id == Category.scheme_id)
        .where(Category.category_id == category_id)
        .subquery()
    )
    depth = func.array_position(cast(area_ids, ARRAY(BigInteger)), RoutingRule.area_id)
    return (
        select(
            RoutingRule.department_id, RoutingRule.category_code, RoutingRule.area_id,
            RoutingRule.basis, Department.name, Department.name_en,
            func.coalesce(RoutingRule.level, Department.level).label("level"),
            Area.name.label("area_name"), Area.name_en.label("area_name_en"),
            own.c.name.label("class_name"), own.c.name_en.label("class_name_en"),
        )
        .outerjoin(Area, Area.area_id == RoutingRule.area_id)
        .join(Department, Department.department_id == RoutingRule.department_id)
        .outerjoin(
            own,
            (own.c.scheme == RoutingRule.scheme) & (own.c.code == RoutingRule.category_code),
        )
        .where(
            RoutingRule.jurisdiction_id == jurisdiction_id,
            or_(RoutingRule.category_code.is_(None), RoutingRule.category_code == own.c.code),
            or_(RoutingRule.area_id.is_(None), RoutingRule.area_id.in_(area_ids)),
        )
        .order_by(
            RoutingRule.category_code.is_(None), depth.nulls_last(), RoutingRule.routing_rule_id
        )
    )  # fmt: skip


def move_reports(case_id: int, to_case_id: int | None) -> Update:
    """Give a merged case's reports to the case that it went into: closing that closes them all."""
    return update(Report).where(Report.case_id == case_id).values(case_id=to_case_id)
