"""People and posts: who holds which role where, who is on duty, what is vacant, what is near."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from geo.errors import InputError
from governance.posts.appointments import (
    NewPost,
    appoint,
    end_post,
    put_on_duty,
    take_off_duty,
)
from governance.posts.roles import ROLES
from governance.posts.store import read_station_reach, write_least, write_partner
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.errors import ForbiddenError
from web.posts.view import (
    today,
    view_duty,
    view_partners,
    view_reach,
    view_staffing,
    view_team,
    view_vacancies,
)
from web.subject import read_about

router = APIRouter(prefix="/api/v1/posts", tags=["posts"])
READS = [needs(Permission.POSTS_READ)]
WRITES = [needs(Permission.POSTS_WRITE)]
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*\S[^\x00]*$")]
Short = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
Why = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]
Number = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]
Day = Annotated[date | None, Query(description="Default: today there.")]
Code = Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")]
GridCode = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class PostIn(_In):
    """Who is to hold which role in which grid; with a title somebody new is taken on."""

    staff_no: Short
    role: Short
    area_code: Text
    begin: Annotated[date, Field(description="First day.")]
    end: Annotated[date | None, Field(description="First day without it; open: null.")] = None
    unit_ref: Text | None = None
    title: Text | None = None
    reason: Why


class EndIn(_In):
    """From which day on a post is over, and why."""

    on: date
    reason: Why


class NeedIn(_In):
    """How many of a role every basic grid needs."""

    least: Annotated[int, Field(ge=0, le=100)]


class ShiftIn(_In):
    """When a unit is on duty."""

    unit_ref: Text
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class PartnerIn(_In):
    """A seconded unit, volunteers, or a partner organisation."""

    name: Text
    name_en: Text
    kind: Literal["seconded", "social", "volunteer", "enterprise", "institution", "other"]
    lon: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None
    headcount: Annotated[int, Field(ge=0, le=100_000)] = 0
    services: Annotated[list[Text], Field(max_length=30)] = []


@router.get("", dependencies=READS, summary="Grids and roles, gaps and double posts")
def staffing(connection: ScopedStore, on: Day = None, jurisdiction: Code = None) -> dict[str, Any]:
    """Return how many hold each role in each grid, what is missing, and who holds several posts."""
    about = read_about(connection, jurisdiction)
    return view_staffing(connection, about, on=on or today(about))


@router.get("/vacancies", dependencies=READS, summary="Map of vacancies")
def vacancies(connection: ScopedStore, on: Day = None, jurisdiction: Code = None) -> dict[str, Any]:
    """Return grids with the roles that nobody holds, stations and partners, as GeoJSON."""
    about = read_about(connection, jurisdiction)
    return view_vacancies(connection, about, on=on or today(about))


@router.get("/grids/{code}", dependencies=READS, summary="A grid's team")
def team(
    connection: ScopedStore, code: GridCode, on: Day = None, jurisdiction: Code = None
) -> dict[str, Any]:
    """Return who holds which role in a grid: staff numbers and dates, nobody's name."""
    about = read_about(connection, jurisdiction)
    return view_team(connection, about, code, on=on or today(about))


@router.post("", dependencies=WRITES, status_code=201, summary="Give somebody a post")
def give_post(
    request: Request, connection: ScopedStore, principal: Identified, given: PostIn,
    jurisdiction: Code = None,
) -> dict[str, int]:  # fmt: skip
    """Appoint somebody from a day on; posts of one person may be several."""
    about = read_about(connection, jurisdiction)
    if given.role not in ROLES:
        raise InputError(f"{given.role!r} is no role of a grid", code="no-role")
    new = NewPost(
        given.staff_no, given.role, given.begin, given.area_code, given.unit_ref, given.end,
        given.title,
    )  # fmt: skip
    number = appoint(connection, about.number, new)
    entry = entry_of(
        request, principal, "post given", about=given.staff_no, role=given.role,
        area=given.area_code, begin=str(given.begin), end=given.end and str(given.end),
        reason=given.reason,
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return {"post_id": number}


@router.post("/{post_id}/end", dependencies=WRITES, summary="End a post")
def end(
    request: Request, connection: ScopedStore, principal: Identified, post_id: Number, given: EndIn
) -> dict[str, str]:
    """Say from which day on a post is over; it stays in the history."""
    was = end_post(connection, post_id, on=given.on)
    entry = entry_of(
        request, principal, "post ended", about=was["staff_no"], role=was["role"],
        area=was["code"], on=str(given.on), reason=given.reason,
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return {"on": given.on.isoformat()}


@router.put("/needs/{role}", dependencies=WRITES, summary="How many of a role a grid needs")
def need(
    request: Request, connection: ScopedStore, principal: Identified,
    role: Annotated[str, Path(max_length=40)], given: NeedIn, jurisdiction: Code = None,
) -> dict[str, int]:  # fmt: skip
    """Say how many every basic grid needs; it holds in the whole district."""
    if role not in ROLES:
        raise InputError(f"{role!r} is no role of a grid", code="no-role")
    if not principal.scope.sees_all:
        raise ForbiddenError("the account needs every area for this", code="every-area")
    write_least(connection, read_about(connection, jurisdiction).number, {role: given.least})
    entry = entry_of(request, principal, "post needed", about=role, least=given.least)
    write_entry_of_store(connection, entry)
    return {"least": given.least}


@router.get("/duty", dependencies=READS, summary="Duty roster of a day")
def duty(connection: ScopedStore, on: Day = None, jurisdiction: Code = None) -> dict[str, Any]:
    """Return the shifts of a local day, who is on duty now, and the units there are."""
    about = read_about(connection, jurisdiction)
    return view_duty(connection, about, day=on or today(about), now=datetime.now(UTC))


@router.post("/duty", dependencies=WRITES, status_code=201, summary="Put a unit on duty")
def put_shift(
    request: Request, connection: ScopedStore, principal: Identified, given: ShiftIn,
    jurisdiction: Code = None,
) -> dict[str, int]:  # fmt: skip
    """Add a shift to the roster."""
    about = read_about(connection, jurisdiction)
    number = put_on_duty(
        connection, about.number, unit_ref=given.unit_ref, starts_at=given.starts_at,
        ends_at=given.ends_at,
    )  # fmt: skip
    entry = entry_of(
        request, principal, "shift added", about=given.unit_ref,
        starts_at=given.starts_at.isoformat(), ends_at=given.ends_at.isoformat(),
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return {"shift_id": number}


@router.delete("/duty/{shift_id}", dependencies=WRITES, summary="Take a shift off the roster")
def remove_shift(
    request: Request, connection: ScopedStore, principal: Identified, shift_id: Number
) -> dict[str, str]:
    """Take off what has not begun."""
    was = take_off_duty(connection, shift_id, now=datetime.now(UTC))
    entry = entry_of(
        request, principal, "shift removed", about=was["unit"],
        starts_at=was["starts_at"].isoformat(), ends_at=was["ends_at"].isoformat(),
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return {"unit": was["unit"]}


@router.get("/stations", dependencies=READS, summary="Households near a service station")
def stations(
    connection: ScopedStore,
    reach_m: Annotated[float, Query(ge=50, le=5000, description="A walk by road.")] = 500.0,
    jurisdiction: Code = None,
) -> dict[str, Any]:
    """Return the share of households with a service station within a walk by road."""
    about = read_about(connection, jurisdiction)
    return view_reach(read_station_reach(connection, about.number, reach_m=reach_m))


@router.get("/partners", dependencies=READS, summary="Seconded units, volunteers and partners")
def partners(connection: ScopedStore, jurisdiction: Code = None) -> dict[str, Any]:
    """Return who works with the grids: how many people, and what they offer."""
    return view_partners(connection, read_about(connection, jurisdiction))


@router.put("/partners/{code}", dependencies=WRITES, summary="Add or change a partner")
def put_partner(
    request: Request, connection: ScopedStore, principal: Identified,
    code: Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")], given: PartnerIn,
    jurisdiction: Code = None,
) -> dict[str, int]:  # fmt: skip
    """Store a partner over the one with its code."""
    about = read_about(connection, jurisdiction)
    fields = given.model_dump()
    fields["services"] = tuple(given.services)
    number = write_partner(connection, about.number, code=code, **fields)
    entry = entry_of(request, principal, "partner written", about=code, name=given.name)
    write_entry_of_store(connection, entry)
    return {"partner_id": number}
