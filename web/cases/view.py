"""One case whole: its state, clocks, history, reports, photos, and what the caller may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import aliased

from geo.errors import NotFoundError
from governance.case_store import read_history
from governance.cases.states import RULES
from governance.intake.contacts import has_contact
from governance.models.cases import CaseFile
from governance.models.departments import Department
from governance.models.reports import Report
from governance.photos import list_photos
from web.auth.principal import Principal
from web.cases.clocks import ClockMemory, tell_clock
from web.cases.listing import select_rows, tell_row
from web.cases.steps import tell_actions


def read_view(
    connection: Connection, principal: Principal, case_id: int, clocks: ClockMemory, *,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Return a case as a page shows it.

    Raises
    ------
    NotFoundError
        There is none of that number, or it is not this account's to see.
    """
    row = connection.execute(select_rows().where(CaseFile.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no case {case_id}", code="no-case")
    clock = clocks.find(connection, row.jurisdiction_id)
    return {
        **tell_row(row, clock, now),
        "clock": tell_clock(clock, now) if clock else None,
        **_beside(connection, case_id),
        "history": [_tell_step(step) for step in read_history(connection, case_id)],
        "reports_in": _tell_reports(connection, case_id),
        "photos": [tell_photo(photo) for photo in list_photos(connection, case_id)],
        "actions": tell_actions(principal, row),
    }


def _beside(connection: Connection, case_id: int) -> dict[str, Any]:
    """Return who was sent a case first and answers for it, and which case it was merged into."""
    first, into = aliased(Department), aliased(CaseFile)
    row = connection.execute(
        select(
            first.name.label("first_department"), first.name_en.label("first_department_en"),
            into.number.label("merged_into_number"),
        )
        .select_from(CaseFile)
        .outerjoin(first, first.department_id == CaseFile.first_department_id)
        .outerjoin(into, into.case_id == CaseFile.merged_into)
        .where(CaseFile.case_id == case_id)
    ).one()  # fmt: skip
    return dict(row._mapping)


def tell_photo(photo: Row[Any]) -> dict[str, Any]:
    """Return what is known of a photo, with its address."""
    told = {name: _plain(value) for name, value in photo._mapping.items()}
    return {**told, "href": f"/api/v1/photos/{photo.photo_id}"}


def _reports(connection: Connection, case_id: int) -> list[Row[Any]]:
    query = (
        select(
            Report.report_id, Report.channel, Report.received_at, Report.seen_at, Report.words,
            Report.address, Report.taken_by, func.ST_X(Report.geom).label("lon"),
            func.ST_Y(Report.geom).label("lat"),
        )
        .where(Report.case_id == case_id)
        .order_by(Report.received_at, Report.report_id)
    )  # fmt: skip
    return list(connection.execute(query).all())


def _tell_reports(connection: Connection, case_id: int) -> list[dict[str, Any]]:
    """Return a case's reports, and with which of them a contact is kept; none is opened."""
    reports = _reports(connection, case_id)
    reached = has_contact(connection, [report.report_id for report in reports])
    return [
        {name: _plain(value) for name, value in report._mapping.items()}
        | {"has_contact": report.report_id in reached}
        for report in reports
    ]


def _tell_step(step: Row[Any]) -> dict[str, Any]:
    told = {name: _plain(value) for name, value in step._mapping.items()}
    rule = RULES[step.action]
    return {**told, "zh": rule.zh, "en": rule.en}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return (
        value if value is None or isinstance(value, (str, int, float, bool, list)) else str(value)
    )
