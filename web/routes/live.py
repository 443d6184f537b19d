"""Server-sent events: everything that happens, from the last one that a screen has seen."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated

import psycopg
from fastapi import APIRouter, Header, Query, Request, Response

from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, identify, needs
from web.errors import SignInError
from web.live.events import Wish
from web.live.hub import Hub, Screen
from web.live.stream import EventStream, Write
from web.wall.screens import wall_of

router = APIRouter(tags=["live"], dependencies=[needs(Permission.MAP_READ)])
HEARTBEAT_S = 15.0
RECHECK_S = 30.0
_GOODBYE = b"event: signed-out\ndata: {}\n\n"


@router.get(
    "/live",
    response_class=Response,
    responses={200: {"content": {EventStream.media_type: {"schema": {"type": "string"}}}}},
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
) -> EventStream:
    """Send events as they happen, after those since ``Last-Event-ID``, each exactly once.

    ``event: beat`` says, every 15 seconds of silence, that the line holds, and up to which number
    there was nothing to hear; ``event: layer`` that
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
    hub: Hub = request.app.state.hub
    screen = hub.screen(principal, wish, after)
    return EventStream(
        lambda write: tell(request, principal, wish, screen, write), leave=screen.leave
    )


async def tell(
    request: Request, principal: Principal, wish: Wish, screen: Screen, write: Write
) -> None:
    """Write what a screen is sent, until it goes, the service stops, or it may no longer hear."""
    hub: Hub = request.app.state.hub
    with hub.telling(screen), suppress(psycopg.OperationalError):  # it comes back, and so will that
        await write(b"retry: 1000\n\n" + await hub.check_start(screen))
        checked = time.monotonic()
        while not (screen.is_gone or hub.is_closing):
            if time.monotonic() - checked > RECHECK_S:
                checked = time.monotonic()
                now = await still(request, principal)
                if now is None:
                    await write(_GOODBYE)
                    return
                if now != principal:
                    principal, screen.audience = now, hub.audience(now, wish)
            if data := await hub.news(screen, principal) + screen.take_notices():
                await write(data)
            elif not hub.has_news(screen) and not await screen.wait(HEARTBEAT_S):
                # With the number, so that whoever heard nothing need not read all that again.
                await write(b"id: %d\nevent: beat\ndata: {}\n\n" % screen.sent)


async def still(request: Request, before: Principal) -> Principal | None:
    """Return who listens as of now, or None if that is nobody who may."""
    try:
        now = await identify(request)
    except SignInError:
        return None
    return now if now.account_id == before.account_id and now.may(Permission.MAP_READ) else None
