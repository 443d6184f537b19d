"""What other platforms send: signed messages, each taken in once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from geo.errors import InputError, NotFoundError
from governance.links.signing import check_signature
from governance.links.store import LinkSettings, find_link, receive
from web.audit.log import Entry, address_of, write_entry_of_store
from web.auth.limits import INTAKE_BY_ADDRESS, take
from web.auth.permissions import Permission
from web.auth.principal import needs
from web.database import EVERYTHING
from web.errors import SignInError

router = APIRouter(prefix="/api/v1/links", tags=["links"])
Code = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", examples=["district"])]
LARGEST = 100_000


@router.post("/{code}/inbox", dependencies=[needs(Permission.PUBLIC)],
             summary="Message of another platform")  # fmt: skip
async def inbox(request: Request, code: Code) -> dict[str, Any]:
    """Take in a report or a step of a case that another platform signed.

    Headers: ``X-Gridbeat-Key`` names the message for ever, ``X-Gridbeat-Timestamp`` is in seconds
    since 1970, ``X-Gridbeat-Signature`` is ``v1=`` and the hexadecimal HMAC-SHA256 of time, key
    and body with dots between. The same key again gives the first answer.
    """
    await take(request.app.state.databases, (INTAKE_BY_ADDRESS, address_of(request)))
    body = await request.body()
    if len(body) > LARGEST:
        raise InputError(f"a message is at most {LARGEST} bytes", code="bad-message")
    return await asyncio.to_thread(_take_in, request, code, body)


def _take_in(request: Request, code: str, body: bytes) -> dict[str, Any]:
    now = datetime.now(UTC)
    with request.app.state.databases.store(EVERYTHING) as store:
        try:
            link = find_link(store, code)
            secret = LinkSettings().secret(code)
            key = check_signature(body, request.headers, secret=secret, now=now)
        except (InputError, NotFoundError) as error:
            # Who cannot sign is not told which links there are.
            raise SignInError(
                f"the message is not taken in: {_said(error)}", code="unsigned"
            ) from error
        answer = receive(store, link, key=key, body=body, now=now)
        entry = Entry(action="message taken in", actor=f"link {code}", object=key,
                      address=address_of(request))  # fmt: skip
        write_entry_of_store(store, entry)
    return answer


def _said(error: Exception) -> str:
    return "unknown link" if isinstance(error, NotFoundError) else str(error)
