"""Server-sent events: everything that happens, from the last one that a screen has seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, identify, needs
from web.database import Databases
from web.errors import SignInError
from web.live.events import Wish, may_hear, read_events
from web.live.hub import Ear, Hub, Steered
from web.wall.screens import wall_of

EVENT_STREAM = "text/event-stream"
router = APIRouter(tags=["live"], dependencies=[needs(Permission.MAP_READ)])
HEARTBEAT_S = 15.0
RECHECK_S = 30.0
_PAGE = 1000
_GOODBYE = b"event: signed-out\ndata: {}\n\n"


@router.get(
    "/live",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
    summary="What happens, as server-sent events",
)
async def live(
    request: Request,
    principal: Identified,
    kind: Annotated[list[str] | None, Query(max_length=10, examples=[["incident"]])] = None,
    area: Annotated[list[int] | None, Query(max_length=5000)] = None,
    classes: Annotated[list[int] | None, Query(alias="class", max_length=500)] = None,
    wall: Annotated[str | None, Query(max_length=40, pattern="^[A-Za-z0-9-]+$")] = None,
    last: Annotated[int | None, Query(ge=0, description="Instead of Last-Event-ID.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> StreamingResponse:
    """Send events as they happen, after those since ``Last-Event-ID``, each exactly once.

    ``event: beat`` says, every 15 seconds of silence, that the line holds; ``event: layer`` that
    a map layer changed; ``event: direct`` that the view of the ``wall`` asked for did;
    ``event: reset`` that the log no longer reaches back so far, so that the page should load
    anew; ``event: signed-out`` that the session or token does not hold any more.
    """
    wish = Wish(
        frozenset(kind) if kind else None,
        frozenset(area) if area else None,
        frozenset(classes) if classes else None,
        wall_of(principal, wall) if wall or principal.screen else None,
    )
    # A browser that comes back knows better than the address that it began with.
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() else last
    return StreamingResponse(
        send(request, principal, wish, after),
        media_type=EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def send(
    request: Request, principal: Principal, wish: Wish, after: int | None
) -> AsyncIterator[bytes]:
    """Yield what a screen is sent, until it goes, falls behind, or may no longer hear it."""
    hub: Hub = request.app.state.hub
    with hub.listening() as ear:
        yield b"retry: 1000\n\n"
        if after is not None:
            # The queue fills meanwhile; what is in both is sent once, by its number.
            databases = request.app.state.databases
            async for message, number in replay(databases, principal, wish, after):
                after = number
                yield message
        async for message in follow(request, principal, wish, ear, after or 0):
            yield message


async def replay(
    databases: Databases, principal: Principal, wish: Wish, after: int
) -> AsyncIterator[tuple[bytes, int]]:
    """Yield what happened since an event, with the number reached; no connection is held."""
    async with databases.rows(principal.scope) as rows:
        found = await (await rows.execute("SELECT min(event_id) FROM live_event")).fetchone()
    if found and found[0] is not None and after > 0 and after < found[0] - 1:
        yield b"event: reset\ndata: {}\n\n", after
    areas = frozenset(principal.scope.areas)
    while True:
        async with databases.rows(principal.scope) as rows:
            events = await read_events(rows, after=after, most=_PAGE)
        for event in events:
            after = event.number
            if may_hear(principal, areas, event) and wish.wants(event):
                yield event.message(), after
        if len(events) < _PAGE:
            return


async def follow(
    request: Request, principal: Principal, wish: Wish, ear: Ear, after: int
) -> AsyncIterator[bytes]:
    """Yield what happens from now on; checks again and again who listens."""
    areas = frozenset(principal.scope.areas)
    checked = time.monotonic()
    while not ear.is_full:  # a screen that fell behind comes back and is told what it missed
        if time.monotonic() - checked > RECHECK_S:
            checked = time.monotonic()
            now = await still(request, principal)
            if now is None:
                yield _GOODBYE
                return
            principal, areas = now, frozenset(now.scope.areas)
        try:
            said = await asyncio.wait_for(ear.queue.get(), HEARTBEAT_S)
        except TimeoutError:
            yield b"event: beat\ndata: {}\n\n"
            continue
        if isinstance(said, str):
            yield f'event: layer\ndata: {{"layer":"{said}"}}\n\n'.encode()
        elif isinstance(said, Steered):
            if wish.wall is not None and said.wall in {"", wish.wall}:
                yield b"event: direct\ndata: {}\n\n"
        elif message := said.message(principal, areas, wish, after):
            yield message


async def still(request: Request, before: Principal) -> Principal | None:
    """Return who listens as of now, or None if that is nobody who may."""
    try:
        now = await identify(request)
    except SignInError:
        return None
    return now if now.account_id == before.account_id and now.may(Permission.MAP_READ) else None
