"""Which departments are proposed for a class of problems in an area, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from geo.models.places import Area
from governance import queries


@dataclass(frozen=True)
class Route:
    """Who a case is proposed to go to, and by which rule.

    Attributes
    ----------
    level
        Where the case begins: the rule's own level, or the department's.
    """

    department_id: int
    name: str
    name_en: str
    level: str
    basis: str
    reason_zh: str
    reason_en: str


def propose_route(
    connection: Connection, jurisdiction_id: int, *, category_id: int | None, area_id: int | None
) -> Route | None:
    """Propose a department for a class in an area, by the closest rule; None if none fits."""
    chain = _areas_above(connection, area_id)
    query = queries.select_route(jurisdiction_id, category_id=category_id, area_ids=chain)
    row = connection.execute(query).first()
    return None if row is None else _route(row)


def list_routes(
    connection: Connection,
    jurisdiction_id: int,
    *,
    category_id: int | None,
    area_id: int | None,
    most: int = 3,
) -> list[Route]:
    """Return the departments that the table names for a class in an area, the closest fit first."""
    chain = _areas_above(connection, area_id)
    query = queries.select_route(jurisdiction_id, category_id=category_id, area_ids=chain)
    found: dict[int, Route] = {}
    for row in connection.execute(query):
        found.setdefault(row.department_id, _route(row))
    return list(found.values())[:most]


def _route(row: Row[Any]) -> Route:
    kind = row.class_name_en if row.category_code else "every class"
    where = (row.area_name_en or row.area_name) if row.area_id else "the whole district"
    kind_zh = f"“{row.class_name}”" if row.category_code else "所有类别"
    where_zh = row.area_name if row.area_id else "全区"
    return Route(
        row.department_id, row.name, row.name_en, row.level, row.basis,
        reason_zh=f"{where_zh}{kind_zh}由{row.name}负责{_basis(row.basis, '（{}）')}",
        reason_en=f"{row.name_en} is responsible for {kind} in {where}{_basis(row.basis, ' ({})')}",
    )  # fmt: skip


def _basis(words: str, form: str) -> str:
    return form.format(words) if words else ""


def _areas_above(connection: Connection, area_id: int | None) -> list[int]:
    """Return an area and all above it, smallest first."""
    chain: list[int] = []
    while area_id is not None:
        chain.append(area_id)
        area_id = connection.execute(
            select(Area.parent_id).where(Area.area_id == area_id)
        ).scalar_one_or_none()
    return chain
