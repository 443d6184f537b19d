"""Reports that wait: suggested for, filed, joined to a case, or ended as none."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection, text

from geo.errors import NotFoundError
from governance.cases.states import Outcome
from governance.cases.steps import Case
from governance.clock.deadlines import WorkClock
from governance.intake.contacts import ContactSettings, open_contact
from governance.levels import read_first_level_names
from governance.places.find import find_candidates
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedStore, needs
from web.cases import intake
from web.cases.spots import find_spot
from web.cases.steps import tell_outcomes
from web.cases.view import read_view
from web.database import packaged_sql
from web.routes.cases import Number, Words, clocks_of
from web.routes.intake import ContactIn, PlaceIn, ReportId, check_seen

router = APIRouter(prefix="/api/v1", tags=["reports"])


class SuggestIn(BaseModel):
    """A report as far as it is written."""

    words: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = ""
    place: PlaceIn | None = None
    category_id: Number | None = None
    seen_at: AwareDatetime | None = None


class FileIn(BaseModel):
    """The class that a person confirmed."""

    category_id: Number


class JoinIn(BaseModel):
    """The case that the report repeats."""

    case_id: Annotated[int, Field(ge=1, lt=2**63)]


class OpenIn(BaseModel):
    """Why a contact is needed."""

    reason: Words


class RefuseIn(BaseModel):
    """Why it is no case, and what the caller was told."""

    outcome: Outcome
    reason: Words


def work_clock(request: Request, connection: Connection, report_id: UUID) -> WorkClock:
    """Return the work clock of a report's jurisdiction."""
    row = connection.exec_driver_sql(
        "SELECT jurisdiction_id FROM report WHERE report_id = %(report)s", {"report": report_id}
    ).first()
    if row is None:
        raise NotFoundError(f"there is no report {report_id}", code="no-report")
    return clocks_of(request).get(connection, row.jurisdiction_id)


@router.get("/reports", dependencies=[needs(Permission.CASES_INTAKE)], summary="Unfiled reports")
def show_reports(
    connection: ScopedStore,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    cursor: Annotated[UUID | None, Query(description="The ``next`` of a page.")] = None,
) -> dict[str, Any]:
    """List reports that wait to be filed, joined to a case, or ended; the oldest first."""
    found = intake.list_reports(connection, limit=limit + 1, after=cursor)
    return {
        "reports": found[:limit], "outcomes": tell_outcomes(),
        "next": found[limit - 1]["report_id"] if len(found) > limit else None,
    }  # fmt: skip


@router.post("/reports/suggest", dependencies=[needs(Permission.CASES_REPORT)],
             summary="Suggest before filing")  # fmt: skip
def suggest(request: Request, connection: ScopedStore, given: SuggestIn) -> dict[str, Any]:
    """Suggest what a report may repeat, who would get it and by when; nothing is stored."""
    now = datetime.now(UTC)
    spot = None
    if given.place is not None:
        spot = find_spot(connection, given.place.place())
    clock = clocks_of(request).find(connection, spot.jurisdiction_id) if spot else None
    return intake.suggest(
        connection, words=given.words, spot=spot, category_id=given.category_id,
        seen_at=check_seen(given.seen_at, now), clock=clock, now=now,
    )  # fmt: skip


@router.post("/reports/{report_id}/file", dependencies=[needs(Permission.CASES_INTAKE)],
             summary="File a case")  # fmt: skip
def file(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    report_id: ReportId,
    given: FileIn,
) -> dict[str, Any]:
    """Make a report a case of a class that a person confirmed; again gives the same case."""
    case = intake.file_it(
        connection, report_id, category_id=given.category_id, actor=principal.login,
        at=datetime.now(UTC), clock=work_clock(request, connection, report_id),
    )  # fmt: skip
    return _told(request, connection, principal, case, "report filed")


@router.post("/reports/{report_id}/join", dependencies=[needs(Permission.CASES_INTAKE)],
             summary="Join a case")  # fmt: skip
def join(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    report_id: ReportId,
    given: JoinIn,
) -> dict[str, Any]:
    """Add a report to the case that it repeats; again gives the same case."""
    case = intake.join_it(connection, report_id, given.case_id)
    return _told(request, connection, principal, case, "report joined")


@router.post("/reports/{report_id}/refuse", dependencies=[needs(Permission.CASES_INTAKE)],
             summary="End as no case")  # fmt: skip
def refuse(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    report_id: ReportId,
    given: RefuseIn,
) -> dict[str, Any]:
    """End a report by one of the six outcomes that are not a case; again gives the same."""
    case = intake.refuse_it(
        connection, report_id, outcome=given.outcome, reason=given.reason, actor=principal.login,
        at=datetime.now(UTC), clock=work_clock(request, connection, report_id),
    )  # fmt: skip
    return _told(request, connection, principal, case, "report ended as no case")


def _told(
    request: Request, connection: Connection, principal: Principal, case: Case, action: str
) -> dict[str, Any]:
    view = read_view(connection, principal, case.case_id, clocks_of(request),
                     now=datetime.now(UTC))  # fmt: skip
    write_entry_of_store(connection, entry_of(request, principal, action, about=case.number))
    return view


@router.post("/reports/{report_id}/contact", dependencies=[needs(Permission.CASES_INTAKE)],
             summary="Open a contact")  # fmt: skip
def contact(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    report_id: ReportId,
    given: OpenIn,
) -> ContactIn:
    """Open how a reporter can be reached; who did, and why, is written down."""
    settings: ContactSettings = request.app.state.contacts
    found = open_contact(
        connection, report_id, keys=settings.keys(), actor=principal.login, reason=given.reason
    )
    entry = entry_of(request, principal, "contact opened", about=str(report_id))
    write_entry_of_store(connection, entry)
    return ContactIn(name=found.name, phone=found.phone, wish=found.wish)


@router.get("/places", dependencies=[needs(Permission.MAP_READ)], summary="Where an address may be")
def places(
    connection: ScopedStore,
    q: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00]*$")],
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> dict[str, Any]:
    """Look an address up: areas, places, roads, crossings, house numbers, earlier addresses.

    Each candidate says how sure it is, the surest first; none of them is taken by itself.
    """
    return {"places": [asdict(one) for one in find_candidates(connection, q, most=limit)]}


@router.get("/case-words", dependencies=[needs(Permission.CASES_READ)], summary="Choices of cases")
def choices(request: Request, connection: ScopedStore) -> dict[str, Any]:
    """List classes, departments, the outcomes that are not a case, and how contacts are kept.

    ``zone`` is the jurisdiction's: times are shown in it wherever a desk stands. ``levels`` is what
    it calls its four levels, in Chinese and English.
    """
    settings: ContactSettings = request.app.state.contacts
    classes = connection.exec_driver_sql(packaged_sql("case_classes")).mappings()
    departments = connection.exec_driver_sql(packaged_sql("case_departments")).mappings()
    return {
        "classes": [dict(row) for row in classes],
        "departments": [dict(row) for row in departments],
        "outcomes": tell_outcomes(),
        "contacts": {"kept": settings.key is not None, "keep_days": settings.keep_days},
        "zone": connection.execute(_ZONE).scalar() or "UTC",
        "levels": read_first_level_names(connection),
    }


_ZONE = text("SELECT time_zone FROM jurisdiction ORDER BY jurisdiction_id LIMIT 1")
