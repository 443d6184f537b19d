"""Indicators of the process: shares of what was due, with definitions, by one thing or in all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from geo.errors import InputError
from governance.indicators.definitions import INDICATORS
from governance.indicators.measure import measure
from governance.indicators.store import Period, read_facts, read_grades, read_record, record_csv
from governance.posts.roles import role_name
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.routes.cases import Words
from web.subject import About, read_about

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])
By = Literal["area", "department", "post", "class", "month"]
LONGEST_DAYS = 366


@router.get("", dependencies=[needs(Permission.POSTS_READ)], summary="Indicators of a period")
def indicators(
    connection: ScopedStore,
    by: Annotated[By | None, Query(description="By what; in all without.")] = None,
    since: Annotated[date | None, Query(description="First day; default: 30 days ago.")] = None,
    until: Annotated[date | None, Query(description="Last day; default: today there.")] = None,
    level: Annotated[
        Literal["grid", "community", "street", "district"], Query(description="Of the areas.")
    ] = "grid",
    jurisdiction: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Return each share with what was good and what was due; null where nothing was due.

    Definitions are printed with them. Nothing here is about a person: a post is a role.
    """
    about = read_about(connection, jurisdiction)
    now = datetime.now(UTC)
    last = until or now.astimezone(about.zone).date()
    first = since or last - timedelta(days=29)
    period = Period(max(first, last - timedelta(days=LONGEST_DAYS)), last + timedelta(days=1))
    facts = read_facts(connection, about.number, period, zone=about.zone, now=now, level=level)
    groups = _groups(connection, about, by, level)
    english = _english(connection, about, by, level)
    table = measure(facts, by=by, groups=groups, grades=read_grades(connection, about.number))
    return {
        "since": period.start.isoformat(), "until": last.isoformat(), "by": by,
        "indicators": [vars(one) for one in INDICATORS.values()],
        "groups": [
            {**_name(by, group, english), "values": [
                {name: row[name] for name in ("indicator", "good", "due", "value", "grade")}
                for row in rows.to_dict("records")
            ]}
            for group, rows in table.groupby("group", sort=False, dropna=False)
        ],
    }  # fmt: skip


def _groups(connection: Connection, about: About, by: str | None, level: str) -> list[str]:
    """Return the groups that are shown even where nothing was due in them."""
    if by == "area":
        query, values = _AREAS, {"j": about.number, "level": level}
    elif by == "department":
        query, values = _DEPARTMENTS, {"j": about.number}
    else:
        return []
    return [str(name) for name in connection.execute(query, values).scalars()]


def _english(connection: Connection, about: About, by: str | None, level: str) -> Mapping[str, str]:
    """Return the English names of areas, departments or classes by their own."""
    queries = {
        "area": _ENGLISH_AREAS,
        "department": _ENGLISH_DEPARTMENTS,
        "class": _ENGLISH_CLASSES,
    }
    if by not in queries:
        return {}
    rows = connection.execute(queries[by], {"j": about.number, "level": level})
    return {row.name: row.name_en for row in rows}


def _name(by: str | None, group: Any, english: Mapping[str, str]) -> dict[str, Any]:
    if by is None:
        return {"group": None, "zh": "全部", "en": "All"}
    name = str(group)
    zh, en = role_name(name) if by == "post" else (name, english.get(name, name))
    return {"group": name, "zh": zh, "en": en}


class RecordIn(BaseModel):
    """Whose steps, of which days, and why they are exported."""

    staff_no: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
    since: date
    until: date
    reason: Words
    jurisdiction: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] | None = None


@router.post(
    "/record", dependencies=[needs(Permission.RECORDS_EXPORT)],
    summary="A person's record as evidence", response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "A step a row"}},
)  # fmt: skip
def record(
    request: Request, connection: ScopedStore, principal: Identified, given: RecordIn
) -> Response:
    """Export what one person did with cases: no sum, no rank, no score, and nobody else's.

    Who exported it, of which days and why, is in the log. At most a year at once.
    """
    if not given.reason.strip():
        raise InputError("say why the record is exported; it is written down", code="no-reason")
    if (given.until - given.since).days > LONGEST_DAYS:
        raise InputError(
            f"a record holds {LONGEST_DAYS} days at most; ask for a part", code="bad-period"
        )
    about = read_about(connection, given.jurisdiction)
    period = Period(given.since, given.until + timedelta(days=1))
    staff_no = given.staff_no.strip()
    rows = read_record(connection, about.number, staff_no, period, zone=about.zone)
    entry = entry_of(
        request, principal, "record exported", about=staff_no, reason=given.reason.strip(),
        since=given.since.isoformat(), until=given.until.isoformat(), steps=len(rows),
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return Response(  # with the mark by which spreadsheets know UTF-8
        record_csv(rows, about.zone).encode("utf-8-sig"), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="record.csv"'},
    )  # fmt: skip


_AREAS = text(
    "SELECT code || ' ' || name FROM area WHERE jurisdiction_id = :j AND level = :level "
    "AND grid_kind IS DISTINCT FROM 'micro' AND valid_from <= CURRENT_DATE "
    "AND CURRENT_DATE < valid_to ORDER BY code"
)
_ENGLISH_AREAS = text(
    "SELECT code || ' ' || name AS name, code || ' ' || name_en AS name_en FROM area "
    "WHERE jurisdiction_id = :j AND level = :level "
    "AND name_en IS NOT NULL ORDER BY valid_from, area_id"
)
_ENGLISH_DEPARTMENTS = text(
    "SELECT name, name_en FROM department WHERE jurisdiction_id = :j AND name_en IS NOT NULL"
)
_ENGLISH_CLASSES = text(
    "SELECT c.code || ' ' || c.name AS name, c.code || ' ' || c.name_en AS name_en "
    "FROM category c WHERE c.name_en IS NOT NULL ORDER BY c.category_id"
)
_DEPARTMENTS = text("SELECT name FROM department WHERE jurisdiction_id = :j ORDER BY code")
