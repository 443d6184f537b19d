"""Reports taken in: one, or many in a request, each under a number made where it was written."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from geo.errors import GridbeatError, InputError
from governance.intake.contacts import ContactSettings, keep_contact
from governance.intake.reports import NewReport
from governance.intake.sealing import Contact
from governance.places.find import find_candidates
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, needs
from web.cases.gathering import Gathering, Wanted
from web.cases.intake import tell_similar
from web.cases.spots import Place
from web.cases.taking_in import Answer, take_batch
from web.database import Databases
from web.errors import ForbiddenError, PlaceUnsureError
from web.refusals import tell_error
from web.routes.cases import Number, Words

router = APIRouter(prefix="/api/v1", tags=["reports"])
ReportId = Annotated[UUID, Path(examples=["9b2f0c52-6a0e-4c0e-8a52-0a63a4f1f0a1"])]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
AreaKey = Annotated[int, Field(ge=1, lt=2**63)]
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCKS_APART = timedelta(minutes=10)
# What a channel needs; a find of an officer's own is no call.
AT_A_DESK = frozenset({"hotline", "counter", "feed"})


class PlaceIn(BaseModel):
    """Where it is: a point, or an area alone."""

    lon: Lon | None = None
    lat: Lat | None = None
    area_id: AreaKey | None = None
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None

    def place(self) -> Place:
        """Return it as it is looked for."""
        return Place(self.lon, self.lat, self.area_id, self.accuracy_m)


class ContactIn(BaseModel):
    """How the caller can be reached, for the call-back alone."""

    name: Annotated[str, Field(max_length=60, pattern=r"^[^\x00]*$")] = ""
    phone: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] = ""
    wish: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class ReportIn(BaseModel):
    """What somebody says is wrong, and where."""

    channel: Literal["hotline", "counter", "tablet", "drone", "camera", "feed"] = "hotline"
    words: Words
    place: PlaceIn | None = Field(
        default=None, description="Left out, the address is looked up and candidates are told."
    )
    address: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")] | None = None
    seen_at: AwareDatetime | None = None
    category_id: Number | None = None
    source_ref: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]+$")] | None = None
    contact: ContactIn | None = Field(
        default=None, description="Sealed, opened for the call-back only, deleted some days after."
    )


class NumberedReportIn(ReportIn):
    """A report of a batch, with its number."""

    report_id: Annotated[UUID, Field(description="Made where it was written: twice is once.")]


class ReportsIn(BaseModel):
    """Reports of one sender."""

    reports: Annotated[list[NumberedReportIn], Field(min_length=1, max_length=200)]


def check_seen(seen_at: datetime | None, now: datetime) -> datetime:
    """Return when it was seen; refuse the future and what no calendar reaches.

    Raises
    ------
    InputError
        As said.
    """
    if seen_at is None:
        return now
    if not EARLIEST <= seen_at <= now + CLOCKS_APART:
        raise InputError(
            f"seen_at {seen_at:%Y-%m-%d %H:%M} lies in the future or before 2000", code="bad-time"
        )
    return min(seen_at, now)


@router.put("/reports/{report_id}", dependencies=[needs(Permission.CASES_REPORT)],
            summary="Take in a report", response_model=dict[str, Any],
            responses={201: {"description": "Taken in"}})  # fmt: skip
async def put_report(
    request: Request, principal: Identified, report_id: ReportId, given: ReportIn
) -> JSONResponse:
    """Take in a report under a number made where it was written; sent twice it is one.

    The answer says which classes it may be of and which cases it may repeat; a person files it.
    """
    now = datetime.now(UTC)
    new = _new_report(principal, report_id, given, now)
    beside = None
    if given.contact is not None:
        request.app.state.contacts.keys()  # refused here, it holds up nobody
        beside = partial(_keep_contact, request, principal=principal, report_id=report_id,
                         given=given, now=now)  # fmt: skip
    if given.place is None and given.address:
        await asyncio.to_thread(_refuse_address, request, principal, given)
    entry = entry_of(
        request, principal, "report taken in", about=str(report_id), channel=given.channel
    )
    place = given.place.place() if given.place else Place()
    gathering: Gathering = request.app.state.gathering
    taken = await gathering.take(Wanted(new, place, principal.scope, entry, beside))
    if taken.refused is not None:
        raise taken.refused
    told = {**_tell_taken(taken), "new": taken.is_new}
    return JSONResponse(told, 201 if taken.is_new else 200)


@router.post("/reports", dependencies=[needs(Permission.CASES_REPORT)],
             summary="Take in many reports")  # fmt: skip
def post_reports(request: Request, principal: Identified, batch: ReportsIn) -> dict[str, Any]:
    """Take in up to 200 reports in one transaction and answer for each, in their order.

    ``taken``; ``already_taken``, when it came before; ``refused``, with the reason in both
    languages: it stops none of the others.
    """
    now = datetime.now(UTC)
    with _store(request, principal) as connection:
        wanted = [_try(request, connection, principal, one, now) for one in batch.reports]
        taken = iter(take_batch(connection, [one for one in wanted if not isinstance(one, Answer)]))
        became = [one if isinstance(one, Answer) else next(taken) for one in wanted]
        for one, answer in zip(batch.reports, became, strict=True):
            if answer.refused is None:
                _keep_contact(request, connection, principal=principal, report_id=one.report_id,
                              given=one, now=now)  # fmt: skip
        new = [str(answer.report_id) for answer in became if answer.is_new]
        if new:
            entry = entry_of(request, principal, "reports taken in", reports=new)
            write_entry_of_store(connection, entry)
    return {"answers": [_tell_one(answer) for answer in became]}


def _store(request: Request, principal: Principal) -> AbstractContextManager[Connection]:
    """Give the transaction in the route's own thread: as a dependency it costs three hops more."""
    databases: Databases = request.app.state.databases
    return databases.store(principal.scope)


def _try(
    request: Request, connection: Connection, principal: Principal, given: NumberedReportIn,
    now: datetime,
) -> tuple[NewReport, Place] | Answer:  # fmt: skip
    """Return a report of a batch with its place, or why it is refused before it is tried."""
    try:
        if given.contact is not None:
            request.app.state.contacts.keys()  # refused here, it holds up no other report
        return _new_report(principal, given.report_id, given, now), _place(connection, given)
    except GridbeatError as error:
        return Answer(given.report_id, refused=error)


def _refuse_address(request: Request, principal: Principal, given: ReportIn) -> None:
    with _store(request, principal) as connection:
        _place(connection, given)


def _place(connection: Connection, given: ReportIn) -> Place:
    """Return where a report says that it is; of an address alone a person has to choose."""
    if given.place is None and given.address:
        raise PlaceUnsureError([asdict(one) for one in find_candidates(connection, given.address)])
    return given.place.place() if given.place else Place()


def _new_report(principal: Principal, report_id: UUID, given: ReportIn, now: datetime) -> NewReport:
    if given.channel in AT_A_DESK and not principal.may(Permission.CASES_INTAKE):
        raise ForbiddenError(
            f"a report by {given.channel} needs {Permission.CASES_INTAKE}", code="not-your-role"
        )
    return NewReport(
        report_id, given.channel, now, check_seen(given.seen_at, now), given.words, None, None,
        principal.login, category_id=given.category_id, address=given.address,
        source_ref=given.source_ref,
    )  # fmt: skip


def _keep_contact(
    request: Request, connection: Connection, *, principal: Principal, report_id: UUID,
    given: ReportIn, now: datetime,
) -> None:  # fmt: skip
    if given.contact is None:
        return
    settings: ContactSettings = request.app.state.contacts
    contact = Contact(given.contact.name, given.contact.phone, given.contact.wish)
    keep_contact(
        connection, report_id, contact, keys=settings.keys(), actor=principal.login, at=now
    )


def _tell_one(taken: Answer) -> dict[str, Any]:
    if taken.refused is None:
        outcome = "taken" if taken.is_new else "already_taken"
        return {**_tell_taken(taken), "outcome": outcome}
    zh, en = tell_error(taken.refused)
    error = taken.refused
    more = {"candidates": error.candidates} if isinstance(error, PlaceUnsureError) else {}
    return {"report_id": str(taken.report_id), "outcome": "refused", "zh": zh, "en": en,
            "code": taken.refused.code, **more}  # fmt: skip


def _tell_taken(taken: Answer) -> dict[str, Any]:
    spot, given = taken.spot, taken.given
    return {
        "report_id": str(taken.report_id),
        "area_id": spot.area_id if spot else None,
        "area": spot.area if spot else None,
        "classes": [vars(one) for one in given.classes] if given else [],
        "similar": tell_similar(given.similar) if given else [],
    }
