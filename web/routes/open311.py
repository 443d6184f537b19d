"""Open311 GeoReport v2: reports from other systems come in, and are read again.

No name, address, telephone number or device of whoever reports is kept.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4
from xml.etree import ElementTree

from fastapi import APIRouter, Form, Path, Query, Request, Response
from psycopg.types.json import Jsonb

from geo.errors import InputError, NotFoundError
from web.answers import JSON
from web.audit.log import address_of, entry_of, write_entry
from web.auth.limits import INTAKE_BY_ACCOUNT, INTAKE_BY_ADDRESS, take
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedRows, needs
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
        text = json.dumps(found, ensure_ascii=False, default=str)
        return Response(text, media_type=JSON)
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
        raise NotFoundError(f"there is no service {code!r}")
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
    rows: ScopedRows,
    service_code: Annotated[str, Form(pattern="^[0-9]{1,9}$", examples=["1"])],
    lat: Annotated[float, Form(ge=-90, le=90, allow_inf_nan=False, examples=[35.605])],
    long: Annotated[float, Form(ge=-180, le=180, allow_inf_nan=False, examples=[121.005])],
    description: Annotated[str, Form(max_length=4000, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """Take in a report at a position in WGS-84; who reported is not kept."""
    await take(
        request.app.state.databases,
        (INTAKE_BY_ADDRESS, address_of(request)),
        (INTAKE_BY_ACCOUNT, str(principal.account_id)),
    )
    token = uuid4()
    values = {
        "category": int(service_code), "lat": lat, "long": long, "token": str(token),
        "attributes": Jsonb({"description": description, "channel": "open311"}),
    }  # fmt: skip
    await _ensure_month(rows)
    row = await fetch_one(rows, "report_insert", values)
    if row is None:
        raise InputError(
            "the report was not taken in: the service_code is unknown, or the position lies in no "
            "jurisdiction"
        )
    await write_entry(
        rows, entry_of(request, principal, "report taken in", about=str(row[0]))
    )  # fmt: skip
    notice = "不保存报告人信息 / who reported is not kept"
    made = {"service_request_id": str(row[0]), "token": str(token), "service_notice": notice}
    return written([made], form, root="service_requests", row="request")


@router.get("/tokens/{token}.{form}", dependencies=[needs(Permission.INCIDENTS_WRITE)],
            responses=BOTH, response_class=Response, summary="Number of a report")  # fmt: skip
async def number_of(token: UUID, form: Form_, rows: ScopedRows) -> Response:
    """Give the number that a report got."""
    row = await fetch_one(rows, "report_token", {"token": str(token)})
    if row is None:
        raise NotFoundError("there is no report of that token that you may see")
    made = {"service_request_id": str(row[0]), "token": str(token)}
    return written([made], form, root="service_requests", row="request")


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
        raise InputError("start_date comes before end_date, and at most 90 days before")
    if status == "closed":
        return written([], form, root="service_requests", row="request")
    found = await _requests(
        rows, lang, numbers=_numbers(service_request_id), codes=_numbers(service_code),
        since=since, until=until,
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
        until=datetime.max.replace(tzinfo=UTC),
    )  # fmt: skip
    if not found:
        raise NotFoundError(f"there is no report {number!r} that you may see")
    return written(found, form, root="service_requests", row="request")


def _numbers(text: str | None) -> list[int] | None:
    return [int(part) for part in text.split(",")] if text else None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


async def _ensure_month(rows: Rows) -> None:
    """Make this month's partition where nobody made it ahead."""
    await rows.execute(
        "SELECT ensure_incident_partitions(ARRAY[now()::date]) "
        "WHERE to_regclass('incident_p' || to_char(now(), 'YYYY_MM')) IS NULL"
    )


async def _services(rows: Rows, lang: str, code: int | None) -> list[dict[str, Any]]:
    values = {"lang": lang, "code": code}
    found = await rows.execute(packaged_sql("open311_services"), values)
    return [row[0] for row in await found.fetchall()]


async def _requests(rows: Rows, lang: str, **values: Any) -> list[dict[str, Any]]:
    found = await rows.execute(packaged_sql("open311_requests"), {"lang": lang, **values})
    return [row[0] for row in await found.fetchall()]
