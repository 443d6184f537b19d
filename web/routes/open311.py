"""Open311 GeoReport v2: reports from other systems come in, and are read again.

No name, address, telephone number or device of whoever reports is kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4
from xml.etree import ElementTree

from fastapi import APIRouter, Form, Path, Query, Request, Response
from sqlalchemy import text

from geo.errors import InputError, NotFoundError
from governance.intake.reports import NewReport, take_report
from web.answers import JSON
from web.audit.log import address_of, entry_of, write_entry_of_store
from web.auth.limits import INTAKE_BY_ACCOUNT, INTAKE_BY_ADDRESS, take
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedRows, needs
from web.database import Rows, fetch_one, packaged_sql
from web.language import Language

router = APIRouter(prefix="/open311/v2", tags=["open311"])
Form_ = Literal["json", "xml"]
LONGEST_WINDOW = timedelta(days=90)
XML = "text/xml"
Code = Annotated[str, Path(pattern="^[0-9]{1,9}$", examples=["1"])]
BOTH: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON: {"schema": {}}, XML: {"schema": {"type": "string"}}}}
}
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(found: list[dict[str, Any]], form: Form_, *, root: str, row: str) -> Response:
    """Answer a list in the form that was asked for."""
    if form == "json":
        body = json.dumps(found, ensure_ascii=False, default=str)
        return Response(body, media_type=JSON)
    top = ElementTree.Element(root)
    for item in found:
        part = ElementTree.SubElement(top, row)
        for name, value in item.items():
            child = ElementTree.SubElement(part, name)
            child.text = None if value is None else NOT_XML.sub("", _plain(value))
    return Response(
        ElementTree.tostring(top, encoding="utf-8", xml_declaration=True), media_type=XML
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@router.get("/services.{form}", dependencies=[needs(Permission.PUBLIC)], responses=BOTH,
            response_class=Response, summary="Service list")  # fmt: skip
async def services(form: Form_, rows: ScopedRows, lang: Language) -> Response:
    """List the classes of problems that can be reported."""
    found = await _services(rows, lang, None)
    return written(found, form, root="services", row="service")


@router.get("/services/{code}.{form}", dependencies=[needs(Permission.PUBLIC)], responses=BOTH,
            response_class=Response, summary="Service definition")  # fmt: skip
async def service(code: Code, form: Form_, rows: ScopedRows, lang: Language) -> Response:
    """Define one class; none asks for more than place and words."""
    if not await _services(rows, lang, int(code)):
        raise NotFoundError(f"there is no service {code!r}", code="no-class")
    definition: dict[str, Any] = {
        "service_code": code,
        "attributes": [] if form == "json" else None,
    }
    if form == "json":
        return Response(json.dumps(definition), media_type=JSON)
    return written([definition], form, root="service_definitions", row="service_definition")


@router.post("/requests.{form}", dependencies=[needs(Permission.INCIDENTS_WRITE)], responses=BOTH,
             response_class=Response, summary="Report a problem")  # fmt: skip
async def report(
    request: Request,
    form: Form_,
    principal: Identified,
    service_code: Annotated[str, Form(pattern="^[0-9]{1,9}$", examples=["1"])],
    lat: Annotated[float, Form(ge=-90, le=90, allow_inf_nan=False, examples=[35.605])],
    long: Annotated[float, Form(ge=-180, le=180, allow_inf_nan=False, examples=[121.005])],
    description: Annotated[str, Form(max_length=4000, pattern=r"^[^\x00]*$")] = "",
    address_string: Annotated[str, Form(max_length=400, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """Take in a report at a position in WGS-84; who reported is not kept.

    The answer is a token: a person at the desk files the report, and then it has a number.
    """
    await take(
        request.app.state.databases,
        (INTAKE_BY_ADDRESS, address_of(request)),
        (INTAKE_BY_ACCOUNT, str(principal.account_id)),
    )
    now = datetime.now(UTC)
    new = NewReport(
        report_id=uuid4(), channel="open311", received_at=now, seen_at=now, words=description,
        lon=long, lat=lat, taken_by=principal.login or "open311", address=address_string or None,
    )  # fmt: skip
    await asyncio.to_thread(_take_in, request, principal, int(service_code), new)
    notice = (
        "不保存报告人信息；受理立案后凭令牌查询编号 / who reported is not kept; "
        "the token gives a number once the report is filed"
    )
    made = {"token": str(new.report_id), "service_notice": notice}
    return written([made], form, root="service_requests", row="request")


def _take_in(request: Request, principal: Principal, service: int, new: NewReport) -> None:
    """Take a report in through the desk's own way, with its entry in the log."""
    with request.app.state.databases.store(principal.scope) as store:
        home = store.execute(_HOME, {"lon": new.lon, "lat": new.lat, "service": service}).first()
        if home is None:
            raise InputError(
                "the report was not taken in: the service_code is unknown, or the position lies "
                "in no jurisdiction",
                code="not-taken",
            )
        words = new.words.strip() or home.name
        report = replace(new, words=words, category_id=service)
        take_report(store, home.jurisdiction_id, report)
        write_entry_of_store(
            store, entry_of(request, principal, "report taken in", about=str(report.report_id))
        )


_HOME = text(
    "SELECT j.jurisdiction_id, c.name FROM jurisdiction j, category c "
    "JOIN category_scheme e USING (scheme_id), ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS p "
    "WHERE j.geom && p AND ST_Covers(j.geom, p) AND c.category_id = :service "
    "AND e.valid_from <= now()::date AND e.valid_to > now()::date "
    "ORDER BY j.jurisdiction_id LIMIT 1"
)


@router.get("/tokens/{token}.{form}", dependencies=[needs(Permission.INCIDENTS_WRITE)],
            responses=BOTH, response_class=Response, summary="Number of a report")  # fmt: skip
async def number_of(token: UUID, form: Form_, rows: ScopedRows) -> Response:
    """Give the number that a report got, once a person has filed it."""
    row = await fetch_one(rows, "report_token", {"token": str(token)})
    if row is None:
        raise NotFoundError("there is no report of that token that you may see", code="no-report")
    number, state = row
    made = {
        "service_request_id": None if number is None else str(number),
        "token": str(token),
        "service_notice": _NOTICES.get(state, "立案 / filed") if number is None else None,
    }
    return written([made], form, root="service_requests", row="request")


_NOTICES = {
    None: "已收到，待受理 / received, not filed yet",
    "rejected": "不予立案 / not filed: it is no case",
    "merged": "并入同一问题的案件 / joined to the case of the same problem",
}


@router.get("/requests.{form}", dependencies=[needs(Permission.INCIDENTS_READ)], responses=BOTH,
            response_class=Response, summary="Reports")  # fmt: skip
async def reports(
    form: Form_,
    rows: ScopedRows,
    lang: Language,
    service_request_id: Annotated[str | None, Query(pattern=r"^\d{1,18}(,\d{1,18}){0,99}$")] = None,
    service_code: Annotated[str | None, Query(pattern=r"^\d{1,9}(,\d{1,9}){0,99}$")] = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    status: Annotated[str | None, Query(pattern="^(open|closed)(,(open|closed))?$")] = None,
) -> Response:
    """Give the newest thousand of at most ninety days."""
    until = _utc(end_date) or datetime.now(UTC)
    since = _utc(start_date) or until - LONGEST_WINDOW
    if since > until or until - since > LONGEST_WINDOW:
        raise InputError(
            "start_date comes before end_date, and at most 90 days before", code="bad-period"
        )
    found = await _requests(
        rows, lang, numbers=_numbers(service_request_id), codes=_numbers(service_code),
        since=since, until=until, status=status.split(",") if status else None,
    )  # fmt: skip
    return written(found, form, root="service_requests", row="request")


@router.get("/requests/{number}.{form}", dependencies=[needs(Permission.INCIDENTS_READ)],
            responses=BOTH, response_class=Response, summary="One report")  # fmt: skip
async def one(
    number: Annotated[str, Path(pattern=r"^\d{1,18}$", examples=["1"])], form: Form_,
    rows: ScopedRows, lang: Language,
) -> Response:  # fmt: skip
    """Give one report."""
    found = await _requests(
        rows, lang, numbers=[int(number)], codes=None, since=datetime.min.replace(tzinfo=UTC),
        until=datetime.max.replace(tzinfo=UTC), status=None,
    )  # fmt: skip
    if not found:
        raise NotFoundError(f"there is no report {number!r} that you may see", code="no-report")
    return written(found, form, root="service_requests", row="request")


def _numbers(listed: str | None) -> list[int] | None:
    return [int(part) for part in listed.split(",")] if listed else None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


async def _services(rows: Rows, lang: str, code: int | None) -> list[dict[str, Any]]:
    values = {"lang": lang, "code": code}
    found = await rows.execute(packaged_sql("open311_services"), values)
    return [row[0] for row in await found.fetchall()]


async def _requests(rows: Rows, lang: str, **values: Any) -> list[dict[str, Any]]:
    found = await rows.execute(packaged_sql("open311_requests"), {"lang": lang, **values})
    return [row[0] for row in await found.fetchall()]
