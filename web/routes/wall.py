"""The wall's data: its document, points and days, and the view that its screens are steered to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, File, Form, Query, Request, Response, UploadFile
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field

from web.answers import JSON, kept
from web.audit.log import entry_of, write_entry
from web.auth.csrf import CSRF_HEADER, check_token
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedRows, needs
from web.database import Rows, packaged_sql
from web.language import Language
from web.wall.cases import read_cases
from web.wall.memo import Memo
from web.wall.screens import wall_of
from web.wall.sheet import read_legends, read_picture, write_sheet
from web.wall.state import make_state, read_place

router = APIRouter(prefix="/api/v1/wall", tags=["wall"])
PDF = "application/pdf"
MOST_POINTS = 20_000
VIEWERS = needs(Permission.WALL_VIEW)
Code = Annotated[
    str | None, Query(max_length=40, pattern=r"^[^\x00]*$", description="Of the jurisdiction.")
]
Wall = Annotated[str | None, Query(max_length=40, pattern="^[A-Za-z0-9-]+$", examples=["main"])]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-85, le=85)]


class View(BaseModel):
    """Where the screens of a wall look and what they show."""

    model_config = ConfigDict(extra="forbid")

    center: tuple[Longitude, Latitude] = Field(examples=[[121.02, 35.61]])
    zoom: Annotated[float, Field(ge=0, le=22, examples=[14.5])]
    layers: Annotated[list[Annotated[str, Field(pattern="^[a-z_]{1,40}$")]], Field(max_length=40)]
    colour: Annotated[str, Field(pattern="^[a-z_]{1,20}$", examples=["level"])] = "level"
    measure: Annotated[str, Field(pattern="^[a-z0-9_]{1,20}$", examples=["count"])] = "count"
    note: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class Direction(BaseModel):
    """A view that is set, by whom and when; none leaves each screen to itself."""

    wall: str
    view: View | None
    directed_by: str | None
    directed_at: datetime | None


@router.get("/state", dependencies=[VIEWERS], summary="All panels of a wall")
async def state(request: Request, principal: Identified, jurisdiction: Code = None) -> Response:
    """Give each panel's numbers with the time that they are of; null is unknown, never nothing.

    Worked out once for all screens that see the same ground, and kept for ten seconds.
    """

    async def make(rows: Rows) -> Any:
        return await make_state(rows, jurisdiction, datetime.now(UTC))

    return await _remembered(request, principal, ("state", jurisdiction), make)


@router.get("/cases", dependencies=[VIEWERS], summary="Cases on a wall")
async def cases(request: Request, principal: Identified, jurisdiction: Code = None) -> Response:
    """Count cases by deadline and level, what was solved at its level, and today's flow.

    No words of a report. ``closed.cases`` 0 means that no share is known, never 0 or 100 %.
    """

    async def make(rows: Rows) -> Any:
        return await read_cases(rows, jurisdiction, datetime.now(UTC))

    return await _remembered(request, principal, ("cases", jurisdiction), make)


@router.get("/points", dependencies=[needs(Permission.INCIDENTS_READ)],
            summary="Single incidents of the last hours")  # fmt: skip
async def points(
    request: Request, principal: Identified, jurisdiction: Code = None,
    hours: Annotated[int, Query(ge=1, le=168)] = 48,
) -> Response:  # fmt: skip
    """Give incidents as rows: number, longitude, latitude, time, class, found by; newest first.

    ``left_out`` tells that there are more than are given.
    """

    async def make(rows: Rows) -> Any:
        place, moment = await read_place(rows, jurisdiction, datetime.now(UTC))
        values = {"place": place["jurisdiction_id"], "since": moment.as_of - timedelta(hours=hours),
                  "until": moment.as_of, "most": MOST_POINTS}  # fmt: skip
        found = await (await rows.execute(packaged_sql("wall_points"), values)).fetchall()
        return {"columns": ["id", "lon", "lat", "t", "class", "found_by"],
                "rows": found[:MOST_POINTS], "left_out": len(found) > MOST_POINTS,
                "until": moment.as_of.timestamp()}  # fmt: skip

    return await _remembered(request, principal, ("points", jurisdiction, hours), make)


@router.get("/days", dependencies=[VIEWERS], summary="Incidents by grid and day")
async def days(
    request: Request, principal: Identified, jurisdiction: Code = None,
    length: Annotated[int, Query(ge=1, le=400, description="Days, today the last.")] = 56,
) -> Response:  # fmt: skip
    """Give counts by grid for each local day: ``{"days": [...], "counts": {area: [...]}}``."""

    async def make(rows: Rows) -> Any:
        place, moment = await read_place(rows, jurisdiction, datetime.now(UTC))
        first = moment.day - timedelta(days=length - 1)
        values = {"place": place["jurisdiction_id"], "since": first,
                  "until": moment.day + timedelta(days=1)}  # fmt: skip
        found = await (await rows.execute(packaged_sql("wall_days"), values)).fetchall()
        counts: dict[int, list[int]] = {}
        for area, day, n in found:
            counts.setdefault(area, [0] * length)[(day - first).days] = n
        names = [(first + timedelta(days=n)).isoformat() for n in range(length)]
        return {"days": names, "counts": counts}

    return await _remembered(request, principal, ("days", jurisdiction, length), make)


@router.get("/direction", dependencies=[VIEWERS], summary="The view that a wall is steered to")
async def direction(principal: Identified, rows: ScopedRows, wall: Wall = None) -> Direction:
    """Give the view that a desk set; a screen that is bound to a wall is told its own."""
    return await _direction(rows, wall_of(principal, wall))


@router.post("/direction", dependencies=[needs(Permission.WALL_DIRECT)],
             summary="Steer a wall's screens")  # fmt: skip
async def direct(
    request: Request, principal: Identified, rows: ScopedRows, view: Annotated[View, Body()],
    wall: Wall = None,
) -> Direction:  # fmt: skip
    """Set the view of a wall's screens; they turn to it at once."""
    name = wall_of(principal, wall)
    values = {"wall": name, "view": Jsonb(view.model_dump(mode="json")), "login": principal.login}
    await rows.execute(packaged_sql("direction_set"), values)
    await write_entry(rows, entry_of(request, principal, "wall directed", about=name))
    return await _direction(rows, name)


@router.delete("/direction", status_code=204, dependencies=[needs(Permission.WALL_DIRECT)],
               summary="Let a wall's screens go")  # fmt: skip
async def release(
    request: Request, principal: Identified, rows: ScopedRows, wall: Wall = None
) -> Response:
    """Leave each screen to itself again."""
    name = wall_of(principal, wall)
    await rows.execute("DELETE FROM wall_direction WHERE wall = %s", [name])
    await write_entry(rows, entry_of(request, principal, "wall released", about=name))
    return Response(status_code=204)


@router.post(
    "/sheet",
    dependencies=[VIEWERS],
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
    summary="A printed sheet of the map",
)
async def sheet(
    request: Request, principal: Identified, rows: ScopedRows, lang: Language,
    picture: Annotated[UploadFile, File(description="The map as JPEG or PNG.")],
    legend: Annotated[str, Form(max_length=20_000)] = "[]", jurisdiction: Code = None,
) -> Response:  # fmt: skip
    """Set the picture of a map as PDF, with its legend, date, coordinates and approval.

    What is said of the data comes from the database, not from the request.
    """
    if principal.by_cookie:
        check_token(request.headers.get(CSRF_HEADER, ""), principal.csrf)
    place, moment = await read_place(rows, jurisdiction, datetime.now(UTC))
    legends, image = read_legends(legend), read_picture(await picture.read())
    last = place["last_incident_at"]
    written = await asyncio.to_thread(
        write_sheet, image, legends, place, lang=lang, by=principal.name or principal.login,
        now=moment.now.astimezone(moment.zone), last=last and last.astimezone(moment.zone),
    )  # fmt: skip
    await write_entry(rows, entry_of(request, principal, "map sheet made", about=place["code"]))
    name = f"gridbeat-{place['code']}-{moment.day}.pdf"
    return Response(written, media_type=PDF,
                    headers={"Content-Disposition": f'attachment; filename="{name}"'})  # fmt: skip


async def _direction(rows: Rows, wall: str) -> Direction:
    found = await (await rows.execute(
        "SELECT view, directed_by, directed_at FROM wall_direction WHERE wall = %s", [wall]
    )).fetchone()  # fmt: skip
    if found is None:
        return Direction(wall=wall, view=None, directed_by=None, directed_at=None)
    return Direction(wall=wall, view=found[0], directed_by=found[1], directed_at=found[2])


async def _remembered(
    request: Request, principal: Principal, key: tuple[Any, ...],
    make: Callable[[Rows], Awaitable[Any]],
) -> Response:  # fmt: skip
    """Answer with what was worked out lately for everybody who sees the same ground."""
    memo: Memo = request.app.state.wall_memo
    scope = principal.scope

    async def work_out() -> str:
        async with request.app.state.databases.rows(scope) as rows:
            made = await make(rows)
        return json.dumps(made, ensure_ascii=False, separators=(",", ":"), default=str)

    text = await memo.get((*key, scope.sees_all, scope.roots), work_out)
    return kept(request, text, media_type=JSON)
