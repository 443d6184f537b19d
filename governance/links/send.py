"""Sending one message of the outbox: signed, once for the other side however often it is tried."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
from sqlalchemy import Engine

from geo.errors import GridbeatError
from governance.links.signing import sign
from governance.links.store import LinkSettings, note_failed, note_sent, read_message

TIMEOUT_S = 10.0
# Answers after which another try may succeed.
TRY_AGAIN = frozenset({408, 425, 429})


class DeliveryError(GridbeatError):
    """A message did not arrive; it is tried again later."""


def deliver(engine: Engine, outbox_id: int, settings: LinkSettings, *, last_try: bool) -> str:
    """Send a message that waits and note what came of it; return its status.

    Killed between the other side's answer and the note, it is sent again with the same key, which
    the other side knows by then.

    Raises
    ------
    DeliveryError
        It did not arrive; whoever runs this tries again, unless it was the last try.
    """
    with engine.connect() as connection:
        message = read_message(connection, outbox_id)
    if message.status == "sent":
        return "sent"
    at = datetime.now(UTC)
    headers = sign(message.body, key=message.key, secret=settings.secret(message.code), at=at)
    headers["Content-Type"] = "application/json"
    try:
        answer = httpx.post(
            message.url, content=message.body, headers=headers, timeout=TIMEOUT_S,
            follow_redirects=False,
        )  # fmt: skip
    except httpx.HTTPError as error:
        return _failed(engine, outbox_id, f"{type(error).__name__}: {error}", final=last_try)
    if answer.is_success:
        with engine.begin() as connection:
            note_sent(connection, outbox_id, at=datetime.now(UTC))
        return "sent"
    refused = answer.is_client_error and answer.status_code not in TRY_AGAIN
    words = f"{answer.status_code} {answer.text[:300]}"
    return _failed(engine, outbox_id, words, final=refused or last_try)


def _failed(engine: Engine, outbox_id: int, error: str, *, final: bool) -> str:
    with engine.begin() as connection:
        note_failed(connection, outbox_id, error=error, give_up=final)
    if not final:
        raise DeliveryError(f"message {outbox_id} did not arrive: {error}", code="not-delivered")
    return "given_up"
