"""The routing table: which department answers for a class of problems in an area, and from where.

Edge room: reads and writes the tables of departments and rules. Never commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.base import LEVELS
from geo.models.incidents import Category, CategoryScheme
from geo.models.places import Area
from governance.models.cases import CaseFile, CaseTransition
from governance.models.departments import Department, RoutingRule


@dataclass(frozen=True)
class NewRule:
    """Who answers for a class in an area.

    Attributes
    ----------
    department
        Its code.
    scheme, category
        Both None for every class.
    area
        Code of the area; None for the whole jurisdiction.
    level
        Where a case begins; None is the department's own level.
    basis
        The regulation or list of duties behind it.
    """

    department: str
    scheme: str | None = None
    category: str | None = None
    area: str | None = None
    level: str | None = None
    basis: str = ""


def write_department(
    connection: Connection, jurisdiction_id: int, *, code: str, name: str, name_en: str, level: str
) -> int:
    """Store a department, over the one with its code; return its key.

    Raises
    ------
    InputError
        The level is none, or a name is missing.
    """
    if level not in LEVELS:
        raise InputError(f"{level!r} is no level; there are {', '.join(LEVELS)}", code="no-level")
    if not (code.strip() and name.strip() and name_en.strip()):
        raise InputError(
            "a department needs a code, a name and a name in English", code="bad-department"
        )
    values = {"name": name, "name_en": name_en, "level": level}
    statement = upsert(Department).values(jurisdiction_id=jurisdiction_id, code=code, **values)
    return int(
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["jurisdiction_id", "code"], set_=values
            ).returning(Department.department_id)
        ).scalar_one()
    )


def list_departments(connection: Connection, jurisdiction_id: int) -> Sequence[Row[Any]]:
    """Read the departments by code."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Department.department_id, Department.code, Department.name, Department.name_en,
            Department.level,
        )
        .where(Department.jurisdiction_id == jurisdiction_id)
        .order_by(Department.code)
    )  # fmt: skip
    return connection.execute(query).all()


def write_rule(connection: Connection, jurisdiction_id: int, rule: NewRule) -> int:
    """Store a rule, over the one for the same class and area; return its key.

    Raises
    ------
    InputError
        A class without its scheme, or a level that is none.
    NotFoundError
        There is no such department, class or area.
    """
    if (rule.scheme is None) != (rule.category is None):
        raise InputError(
            "name both the scheme and the code of a class, or neither", code="bad-rule"
        )
    if rule.level is not None and rule.level not in LEVELS:
        raise InputError(
            f"{rule.level!r} is no level; there are {', '.join(LEVELS)}", code="no-level"
        )
    if rule.category is not None:
        find_category(connection, str(rule.scheme), rule.category)
    values = {
        "department_id": _department(connection, jurisdiction_id, rule.department),
        "level": rule.level,
        "basis": rule.basis,
    }
    place = {
        "jurisdiction_id": jurisdiction_id,
        "scheme": rule.scheme,
        "category_code": rule.category,
        "area_id": find_area(connection, jurisdiction_id, rule.area) if rule.area else None,
    }
    statement = upsert(RoutingRule).values(**place, **values)
    return int(
        connection.execute(
            statement.on_conflict_do_update(index_elements=list(place), set_=values).returning(
                RoutingRule.routing_rule_id
            )
        ).scalar_one()
    )


def remove_rule(connection: Connection, jurisdiction_id: int, rule_id: int) -> None:
    """Delete a rule.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    gone = connection.execute(
        delete(RoutingRule).where(
            RoutingRule.routing_rule_id == rule_id, RoutingRule.jurisdiction_id == jurisdiction_id
        )
    )
    if gone.rowcount != 1:
        raise NotFoundError(f"there is no rule {rule_id} in the routing table", code="no-rule")


def list_rules(connection: Connection, jurisdiction_id: int) -> Sequence[Row[Any]]:
    """Read the routing table: by class, then area, with the names of all three."""
    query: Select[*tuple[Any, ...]] = (
        select(
            RoutingRule.routing_rule_id, RoutingRule.scheme, RoutingRule.category_code,
            Category.name.label("category"), Category.name_en.label("category_en"),
            Area.code.label("area_code"), Area.name.label("area"), RoutingRule.department_id,
            Department.code.label("department_code"), Department.name.label("department"),
            Department.name_en.label("department_en"),
            func.coalesce(RoutingRule.level, Department.level).label("level"), RoutingRule.basis,
        )
        .join(Department, Department.department_id == RoutingRule.department_id)
        .outerjoin(Area, Area.area_id == RoutingRule.area_id)
        .outerjoin(CategoryScheme, CategoryScheme.scheme == RoutingRule.scheme)
        .outerjoin(
            Category,
            (Category.scheme_id == CategoryScheme.scheme_id)
            & (Category.code == RoutingRule.category_code),
        )
        .where(RoutingRule.jurisdiction_id == jurisdiction_id)
        .order_by(
            RoutingRule.category_code.nulls_last(), Area.code.nulls_last(),
            RoutingRule.routing_rule_id,
        )
    )  # fmt: skip
    return connection.execute(query).all()


def list_objections(connection: Connection, jurisdiction_id: int) -> Sequence[Row[Any]]:
    """Count dispatches and objections by class and department: where the table needs mending."""
    sent = (
        select(
            CaseTransition.case_id, CaseTransition.seq, CaseTransition.action,
            CaseTransition.department_id,
            func.lead(CaseTransition.action)
            .over(partition_by=CaseTransition.case_id, order_by=CaseTransition.seq)
            .label("next"),
            func.lead(CaseTransition.action, 2)
            .over(partition_by=CaseTransition.case_id, order_by=CaseTransition.seq)
            .label("after_next"),
        )
        .where(CaseTransition.action.in_(["dispatch", "receive", "object"]))
        .subquery()
    )  # fmt: skip
    objected = (sent.c.next == "object") | (
        (sent.c.next == "receive") & (sent.c.after_next == "object")
    )
    query: Select[*tuple[Any, ...]] = (
        select(
            Category.code, Category.name, Department.name.label("department"),
            func.count().label("dispatched"),
            func.count().filter(objected).label("objected"),
        )
        .select_from(sent)
        .join(CaseFile, CaseFile.case_id == sent.c.case_id)
        .join(Department, Department.department_id == sent.c.department_id)
        .join(Category, Category.category_id == CaseFile.category_id)
        .where(sent.c.action == "dispatch", CaseFile.jurisdiction_id == jurisdiction_id)
        .group_by(Category.code, Category.name, Department.name)
        .order_by(func.count().filter(objected).desc(), Category.code, Department.name)
    )  # fmt: skip
    return connection.execute(query).all()


def find_category(connection: Connection, scheme: str, code: str) -> int:
    """Return the key of a class in the newest edition of its scheme.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = (
        select(Category.category_id)
        .join(CategoryScheme, CategoryScheme.scheme_id == Category.scheme_id)
        .where(CategoryScheme.scheme == scheme, Category.code == code)
        .order_by(CategoryScheme.valid_from.desc(), CategoryScheme.scheme_id.desc())
    )
    found = connection.execute(query).scalars().first()
    if found is None:
        raise NotFoundError(f"there is no class {code} in the scheme {scheme!r}", code="no-class")
    return int(found)


def find_area(connection: Connection, jurisdiction_id: int, code: str) -> int:
    """Return the key of the area with a code.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = select(Area.area_id).where(Area.jurisdiction_id == jurisdiction_id, Area.code == code)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no area with the code {code}", code="no-area")
    return int(found)


def _department(connection: Connection, jurisdiction_id: int, code: str) -> int:
    query = select(Department.department_id).where(
        Department.jurisdiction_id == jurisdiction_id, Department.code == code
    )
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        known = [row.code for row in list_departments(connection, jurisdiction_id)]
        msg = f"there is no department {code!r}; there are {', '.join(known) or 'none yet'}"
        raise NotFoundError(msg, code="no-department")
    return int(found)


def need_department(connection: Connection, jurisdiction_id: int, department_id: int) -> None:
    """Raise if a department is not of this jurisdiction.

    Raises
    ------
    ConflictError
        It is another one's, or there is none.
    """
    query = select(Department.department_id).where(
        Department.jurisdiction_id == jurisdiction_id, Department.department_id == department_id
    )
    if connection.execute(query).scalar_one_or_none() is None:
        raise ConflictError(
            f"department {department_id} is not of this jurisdiction", code="no-department"
        )
