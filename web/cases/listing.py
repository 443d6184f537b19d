"""A page of cases by deadline, by keyset: the thousandth costs what the first does."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from geo.errors import InputError
from geo.models.incidents import Category
from geo.models.places import Area
from governance.cases.states import OPEN, STAGES
from governance.models.cases import CaseFile
from governance.models.departments import Department
from governance.models.reports import Report
from web.cases.clocks import ClockMemory, tell_clock, work_left_s

Due = Literal["overdue", "soon", "later", "none"]
SOON = timedelta(hours=4)
MOST = 200
_IS_OPEN = CaseFile.state.not_in(("closed", "rejected", "void", "merged"))


@dataclass(frozen=True)
class Wanted:
    """Which cases; None and empty leave a thing open.

    Attributes
    ----------
    states
        Empty: every state that is not an end.
    area
        With everything below it.
    due
        ``overdue``; ``soon``, within four hours; ``later``; ``none``, no clock runs.
    handler
        Whose hands it is in.
    """

    states: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    area: int | None = None
    department: int | None = None
    category: int | None = None
    due: Due | None = None
    handler: str | None = None
    number: str | None = None
    cursor: str | None = None
    limit: int = 50


def list_cases(
    connection: Connection, wanted: Wanted, clocks: ClockMemory, *, now: datetime
) -> dict[str, Any]:
    """Return a page of cases with the clock that they are seen by.

    Raises
    ------
    InputError
        The cursor cannot be used.
    """
    rows = connection.execute(_select(wanted, now)).all()
    page = rows[: wanted.limit]
    clock = clocks.find(connection, page[0].jurisdiction_id) if page else None
    more = len(rows) > wanted.limit
    return {
        "cases": [tell_row(row, clock, now) for row in page],
        "clock": tell_clock(clock, now) if clock else None,
        "next": _write_cursor(page[-1]) if more else None,
    }


def count_cases(connection: Connection, *, now: datetime) -> dict[str, int]:
    """Return how many open cases are overdue, due soon, due later, and without a running clock."""
    soon = now + SOON
    kinds = {
        "overdue": CaseFile.due_at < now,
        "soon": and_(CaseFile.due_at >= now, CaseFile.due_at < soon),
        "later": CaseFile.due_at >= soon,
        "none": CaseFile.due_at.is_(None),
    }
    query = select(
        *(func.count().filter(condition).label(kind) for kind, condition in kinds.items())
    ).where(_IS_OPEN)
    row = connection.execute(query).one()
    return {kind: int(getattr(row, kind)) for kind in kinds}


def select_rows() -> Select[*tuple[Any, ...]]:
    """Select what a list shows of cases."""
    reports = (
        select(func.count())
        .where(Report.case_id == CaseFile.case_id)
        .correlate(CaseFile)
        .scalar_subquery()
    )
    return (
        select(
            CaseFile.case_id, CaseFile.jurisdiction_id, CaseFile.number, CaseFile.state,
            CaseFile.level, CaseFile.version, CaseFile.words, CaseFile.opened_at,
            CaseFile.state_since, CaseFile.due_at, CaseFile.due_provisional,
            CaseFile.handle_due_at, CaseFile.first_due_at, CaseFile.handler, CaseFile.area_id,
            CaseFile.category_id, CaseFile.department_id, CaseFile.merged_into,
            CaseFile.extension_asked_by, CaseFile.may_object, func.ST_X(CaseFile.geom).label("lon"),
            func.ST_Y(CaseFile.geom).label("lat"), Area.name.label("area"),
            func.coalesce(Area.name_en, Area.name).label("area_en"),
            Area.code.label("area_code"), Category.name.label("category"),
            Category.name_en.label("category_en"), Department.name.label("department"),
            Department.name_en.label("department_en"), reports.label("reports"),
        )
        .outerjoin(Area, Area.area_id == CaseFile.area_id)
        .outerjoin(Category, Category.category_id == CaseFile.category_id)
        .outerjoin(Department, Department.department_id == CaseFile.department_id)
    )  # fmt: skip


def tell_row(row: Row[Any], clock: Any, now: datetime) -> dict[str, Any]:
    """Return one row as JSON takes it, with the stage that its clock measures."""
    told = {name: _plain(value) for name, value in row._mapping.items()}
    told["open"] = row.state in OPEN
    told["stage"] = STAGES.get(row.state)
    told["left_s"] = int((row.due_at - now).total_seconds()) if row.due_at else None
    told["work_left_s"] = work_left_s(clock, now, row.due_at) if clock else None
    return told


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _select(wanted: Wanted, now: datetime) -> Select[*tuple[Any, ...]]:
    query = select_rows().where(*_conditions(wanted, now))
    if wanted.cursor is not None:
        query = query.where(_after(wanted.cursor))
    return query.order_by(CaseFile.due_at.nulls_last(), CaseFile.case_id).limit(wanted.limit + 1)


def _conditions(wanted: Wanted, now: datetime) -> Sequence[Any]:
    found: list[Any] = [CaseFile.state.in_(wanted.states) if wanted.states else _IS_OPEN]
    if wanted.levels:
        found.append(CaseFile.level.in_(wanted.levels))
    if wanted.area is not None:
        found.append(CaseFile.area_id == func.any(func.areas_under([wanted.area])))
    for column, value in (
        (CaseFile.department_id, wanted.department), (CaseFile.category_id, wanted.category),
        (CaseFile.handler, wanted.handler), (CaseFile.number, wanted.number),
    ):  # fmt: skip
        if value is not None:
            found.append(column == value)
    if wanted.due is not None:
        found.append(_due(wanted.due, now))
    return found


def _due(due: Due, now: datetime) -> Any:
    soon = now + SOON
    return {
        "overdue": CaseFile.due_at < now,
        "soon": and_(CaseFile.due_at >= now, CaseFile.due_at < soon),
        "later": CaseFile.due_at >= soon,
        "none": CaseFile.due_at.is_(None),
    }[due]


def _after(cursor: str) -> Any:
    due_at, case_id = _read_cursor(cursor)
    later = CaseFile.case_id > case_id
    if due_at is None:
        return and_(CaseFile.due_at.is_(None), later)
    return or_(
        CaseFile.due_at > due_at, and_(CaseFile.due_at == due_at, later), CaseFile.due_at.is_(None)
    )


def _write_cursor(row: Row[Any]) -> str:
    key = [row.due_at.isoformat() if row.due_at else None, row.case_id]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime | None, int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        due, case_id = json.loads(text)
        due_at = None if due is None else datetime.fromisoformat(due)
        if due_at is not None and due_at.tzinfo is None:
            raise ValueError("no zone")
        if not isinstance(case_id, int) or not 0 <= case_id < 2**63:
            raise ValueError("no key")
    except (ValueError, TypeError) as error:
        raise InputError(
            "the cursor is not one of this list: begin without it", code="bad-cursor"
        ) from error
    return due_at, case_id
