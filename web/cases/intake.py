"""The desk's look at a report before filing: class, repeats, department; and filing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.incidents import Category
from geo.models.places import Jurisdiction
from governance.calendar_store import read_limits
from governance.case_store import read_case
from governance.cases.states import Outcome
from governance.cases.steps import Case
from governance.clock.deadlines import WorkClock
from governance.intake.classifier_store import read_version, suggest_classes
from governance.intake.filing import add_to_case, file_report, refuse_report
from governance.intake.proposals import propose_route
from governance.intake.similar_cases import SimilarCase, find_similar
from governance.models.cases import CaseFile, CaseTransition
from governance.models.reports import Report
from web.cases.spots import Spot


def suggest(
    connection: Connection,
    *,
    words: str,
    spot: Spot | None,
    category_id: int | None,
    seen_at: datetime,
    clock: WorkClock | None,
    now: datetime,
) -> dict[str, Any]:
    """Return its likely classes, what it may repeat, who would get it, and by when it is due.

    Nothing is stored. Without a place only the words are looked at.
    """
    told = classes_of(connection, spot.jurisdiction_id if spot else None, words)
    if spot is None:
        return {**told, "area": None, "similar": [], "route": None, "due": None}
    similar = find_similar(
        connection, spot.jurisdiction_id, lon=spot.lon, lat=spot.lat, seen_at=seen_at,
        words=words, category_id=category_id,
    )  # fmt: skip
    route = propose_route(
        connection, spot.jurisdiction_id, category_id=category_id, area_id=spot.area_id
    )
    return {
        **told,
        "area": {"area_id": spot.area_id, "name": spot.area, "name_en": spot.area_en},
        "similar": tell_similar(similar),
        "route": asdict(route) if route else None,
        "due": _preview(connection, spot.jurisdiction_id, category_id, clock, now),
    }


def tell_similar(similar: Sequence[SimilarCase]) -> list[dict[str, Any]]:
    """Return the cases that a report may repeat as they are shown, the likeliest ten."""
    return [_told(vars(case)) for case in similar[:10]]


def classes_of(connection: Connection, jurisdiction_id: int | None, words: str) -> dict[str, Any]:
    """Return the three likeliest classes of some words, and by which version of the classifier."""
    number = jurisdiction_id or connection.execute(_FIRST).scalar_one_or_none()
    if number is None:
        return {"classes": [], "classifier": None}
    try:
        made = read_version(connection, number)
    except NotFoundError:
        return {"classes": [], "classifier": None}
    found = suggest_classes(connection, number, words) if words.strip() else []
    return {
        "classes": [asdict(one) for one in found],
        "classifier": {"version": made.version, "threshold": made.threshold},
    }


def _preview(
    connection: Connection, jurisdiction_id: int, category_id: int | None,
    clock: WorkClock | None, now: datetime,
) -> dict[str, Any] | None:  # fmt: skip
    """Return when handling would be due if it were dispatched now."""
    limit = read_limits(connection, jurisdiction_id, category_id).get("handle")
    if clock is None or limit is None:
        return None
    due = clock.due(now, limit)
    return {"value": limit.value, "unit": limit.unit, "at": due.at.astimezone(UTC).isoformat(),
            "provisional": due.provisional}  # fmt: skip


def check_category(connection: Connection, category_id: int) -> None:
    """Refuse a class that does not exist.

    Raises
    ------
    InputError
        As said.
    """
    query = select(Category.category_id).where(Category.category_id == category_id)
    if connection.execute(query).scalar_one_or_none() is None:
        raise InputError(f"there is no class {category_id}", code="no-class")


def file_it(
    connection: Connection, report_id: UUID, *, category_id: int, actor: str, at: datetime,
    clock: WorkClock,
) -> Case:  # fmt: skip
    """File a report under a class that a person confirmed; see `file_report`."""
    check_category(connection, category_id)
    return file_report(
        connection, report_id, category_id=category_id, actor=actor, at=at, clock=clock
    )


def join_it(connection: Connection, report_id: UUID, case_id: int) -> Case:
    """Add a report to the case that it repeats; to what that was merged into, if it was.

    Raises
    ------
    ConflictError
        The case was ended as no case.
    """
    case = read_case(connection, case_id)
    if case.state == "merged":
        into = select(CaseFile.merged_into).where(CaseFile.case_id == case_id)
        target = connection.execute(into).scalar_one()
        if target is not None:
            return join_it(connection, report_id, target)
    if case.state in {"void", "rejected"}:
        raise ConflictError(
            f"case {case.number} is {case.state}: file this report instead", code="case-ended"
        )
    return add_to_case(connection, report_id, case_id)


def refuse_it(
    connection: Connection, report_id: UUID, *, outcome: Outcome, reason: str, actor: str,
    at: datetime, clock: WorkClock,
) -> Case:  # fmt: skip
    """End a report as no case; the same outcome again gives the same.

    Raises
    ------
    ConflictError
        It was filed, or ended otherwise.
    """
    query = (
        select(CaseTransition.case_id, CaseTransition.outcome)
        .join(Report, Report.case_id == CaseTransition.case_id)
        .where(Report.report_id == report_id, CaseTransition.action == "reject")
    )
    done = connection.execute(query).one_or_none()
    if done is not None and done.outcome == outcome:
        return read_case(connection, done.case_id)
    return refuse_report(
        connection, report_id, outcome=outcome, reason=reason, actor=actor, at=at, clock=clock
    )


def list_reports(
    connection: Connection, *, limit: int, after: UUID | None = None
) -> list[dict[str, Any]]:
    """Return reports that nobody has filed, joined or ended yet, the oldest first.

    Raises
    ------
    NotFoundError
        There is no report `after`, whose followers are asked for.
    """
    if after is not None and connection.execute(_RECEIVED, {"report": after}).first() is None:
        raise NotFoundError(
            f"there is no report {after} for a page to begin after", code="bad-cursor"
        )
    rows = connection.execute(_UNFILED, {"limit": limit, "after": after}).mappings()
    return [_told(dict(row)) for row in rows]


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime)
        else str(value) if isinstance(value, UUID) else value
        for name, value in values.items()
    }  # fmt: skip


_FIRST = select(Jurisdiction.jurisdiction_id).order_by(Jurisdiction.jurisdiction_id).limit(1)
_RECEIVED = text("SELECT FROM report WHERE report_id = :report")
_UNFILED = text(
    "SELECT r.report_id, r.channel, r.received_at, r.seen_at, r.words, r.address, r.category_id, "
    "r.area_id, a.name AS area, coalesce(a.name_en, a.name) AS area_en, r.taken_by, "
    "r.accuracy_m, ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, "
    "(SELECT count(*) FROM case_photo p WHERE p.report_id = r.report_id) AS photos "
    "FROM report r LEFT JOIN area a USING (area_id) WHERE r.case_id IS NULL "
    "AND (CAST(:after AS uuid) IS NULL OR (r.received_at, r.report_id) > "
    "(SELECT received_at, report_id FROM report WHERE report_id = :after)) "
    "ORDER BY r.received_at, r.report_id LIMIT :limit"
)
