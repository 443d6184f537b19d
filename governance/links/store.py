"""Links, what goes out over them and what came in. Never commits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, Row, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.base import LEVELS
from governance.calendar_store import read_work_clock
from governance.case_store import find_case, move_case
from governance.cases.steps import Step
from governance.intake.reports import NewReport, take_report
from governance.links.signing import check_secret
from governance.models.links import Inbox, Link, Outbox

# What another platform may do with a case; the table of steps holds all the same.
STEPS_OF_LINKS = frozenset({"acknowledge", "dispatch", "receive", "start", "resolve", "object"})
_REQUESTS = UUID("a4f3b1a0-57b5-5a25-9c3c-3b8a7d0e4b02")


class LinkSettings(BaseSettings):
    """The secrets of links, ``{"code": "secret"}``; they never stand in the database."""

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_LINK_", frozen=True, extra="ignore")

    secrets: dict[str, SecretStr] = {}

    def secret(self, code: str) -> str:
        """Return the secret of a link.

        Raises
        ------
        InputError
            There is none, or it can be guessed.
        """
        if code not in self.secrets:
            raise InputError(
                f"link {code} has no secret: name it in GRIDBEAT_LINK_SECRETS", code="no-secret"
            )
        secret = self.secrets[code].get_secret_value()
        check_secret(code, secret)
        return secret


@dataclass(frozen=True)
class Message:
    """A message to be sent.

    Attributes
    ----------
    key
        Its idempotency key: the same in every try.
    """

    outbox_id: int
    code: str
    url: str
    key: str
    body: bytes
    status: str
    tries: int


def write_link(
    connection: Connection, jurisdiction_id: int, *, code: str, name: str, url: str,
    from_level: str = "district", active: bool = True,
) -> int:  # fmt: skip
    """Store a link, over the one with its code; return its key.

    Parameters
    ----------
    from_level
        Cases of this level and above go out over it.

    Raises
    ------
    InputError
        The address is not of https, or of this machine; or the level is none.
    """
    parts = urlsplit(url)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise InputError(
            f"{url}: messages go out over https only, or to this machine", code="not-https"
        )
    if from_level not in LEVELS:
        raise InputError(
            f"{from_level!r} is no level; there are {', '.join(LEVELS)}", code="no-level"
        )
    values = {"name": name, "url": url, "from_level": from_level, "active": active}
    made = upsert(Link).values(jurisdiction_id=jurisdiction_id, code=code, **values)
    made = made.on_conflict_do_update(index_elements=["jurisdiction_id", "code"], set_=values)
    return int(connection.execute(made.returning(Link.link_id)).scalar_one())


def list_links(connection: Connection, jurisdiction_id: int) -> Sequence[Row[Any]]:
    """Read the links with how many messages wait, were sent and were given up."""
    counts = [
        func.count().filter(Outbox.status == status).label(status)
        for status in ("waiting", "sent", "given_up")
    ]
    query: Select[*tuple[Any, ...]] = (
        select(Link.link_id, Link.code, Link.name, Link.url, Link.from_level, Link.active, *counts)
        .outerjoin(Outbox, Outbox.link_id == Link.link_id)
        .where(Link.jurisdiction_id == jurisdiction_id)
        .group_by(Link.link_id)
        .order_by(Link.code)
    )
    return connection.execute(query).all()


def read_message(connection: Connection, outbox_id: int) -> Message:
    """Read a message of the outbox.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = (
        select(Outbox.outbox_id, Link.code, Link.url, Outbox.key, Outbox.body, Outbox.status,
               Outbox.tries)
        .join(Link, Link.link_id == Outbox.link_id)
        .where(Outbox.outbox_id == outbox_id)
    )  # fmt: skip
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no message {outbox_id} in the outbox", code="no-message")
    body = json.dumps(row.body, ensure_ascii=False, sort_keys=True).encode()
    return Message(row.outbox_id, row.code, row.url, str(row.key), body, row.status, row.tries)


def note_sent(connection: Connection, outbox_id: int, *, at: datetime) -> None:
    """Note that the other side has taken a message."""
    values = {"status": "sent", "sent_at": at, "last_error": None, "tries": Outbox.tries + 1}
    connection.execute(update(Outbox).where(Outbox.outbox_id == outbox_id).values(values))


def note_failed(connection: Connection, outbox_id: int, *, error: str, give_up: bool) -> None:
    """Note that a try failed; a message that was given up waits for a person."""
    status = "given_up" if give_up else "waiting"
    connection.execute(
        update(Outbox)
        .where(Outbox.outbox_id == outbox_id, Outbox.status != "sent")
        .values(status=status, last_error=error[:500], tries=Outbox.tries + 1)
    )


def find_link(connection: Connection, code: str) -> Row[Any]:
    """Read an active link by its code.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query: Select[*tuple[Any, ...]] = select(Link.link_id, Link.jurisdiction_id, Link.code).where(
        Link.code == code, Link.active
    )
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"there is no link {code!r}", code="no-link")
    return row


def receive(
    connection: Connection, link: Row[Any], *, key: str, body: bytes, now: datetime
) -> dict[str, Any]:
    """Take a message in once; the same key again gives the first answer and does nothing.

    What it does and that it was received are one transaction.

    Raises
    ------
    ConflictError
        The key came with another message before, or the step may not be done now.
    InputError
        The message cannot be read.
    """
    digest = sha256(body).hexdigest()
    claimed = connection.execute(
        upsert(Inbox)
        .values(link_id=link.link_id, key=key, sha256=digest, received_at=now, answer={})
        .on_conflict_do_nothing()
        .returning(Inbox.key)
    ).one_or_none()  # waits for whoever takes the same key in at this moment
    if claimed is None:
        known = connection.execute(
            select(Inbox.sha256, Inbox.answer).where(
                Inbox.link_id == link.link_id, Inbox.key == key
            )
        ).one()
        if known.sha256 != digest:
            raise ConflictError(f"key {key} came with another message before", code="number-used")
        return dict(known.answer)
    answer = _do(connection, link, _read(body), key=key, now=now)
    connection.execute(
        update(Inbox).where(Inbox.link_id == link.link_id, Inbox.key == key).values(answer=answer)
    )
    return answer


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise InputError(f"the message is no JSON: {error}", code="bad-message") from error
    if not isinstance(found, dict) or found.get("type") not in {"report", "step"}:
        raise InputError(
            'a message is an object with "type": "report" or "step"', code="bad-message"
        )
    return found


def _do(
    connection: Connection, link: Row[Any], given: Mapping[str, Any], *, key: str, now: datetime
) -> dict[str, Any]:
    request = uuid5(_REQUESTS, f"{link.link_id}/{key}")
    actor = f"link {link.code}"
    if given["type"] == "report":
        new = NewReport(
            request, "feed", now, _time(given, "seen_at", now), _text(given, "words"),
            _number(given, "lon"), _number(given, "lat"), actor,
            address=_text(given, "address", needed=False) or None,
            source_ref=f"{link.code}/{key}",
        )  # fmt: skip
        return {"report_id": str(take_report(connection, link.jurisdiction_id, new))}
    action = _text(given, "action")
    if action not in STEPS_OF_LINKS:
        msg = f"a link may {', '.join(sorted(STEPS_OF_LINKS))}, not {action[:40]!r}"
        raise InputError(msg, code="bad-message")
    number = _text(given, "number")
    evidence = given.get("evidence", [])
    if not isinstance(evidence, list) or not all(isinstance(one, str) for one in evidence):
        raise InputError("evidence is a list of references", code="bad-message")
    department = given.get("department_id")
    if department is not None and not isinstance(department, int):
        raise InputError("department_id is a number", code="bad-message")
    step = Step(
        action, actor, _time(given, "at", now), request, reason=_text(given, "reason",
        needed=False) or None, evidence=tuple(evidence[:20]), department_id=department,
    )  # fmt: skip
    case = move_case(
        connection, find_case(connection, link.jurisdiction_id, number), step,
        clock=read_work_clock(connection, link.jurisdiction_id), now=now,
    )  # fmt: skip
    return {"number": case.number, "state": case.state, "version": case.version}


def _text(given: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > 4000 or "\x00" in value:
        raise InputError(f"{name} is text of at most 4000 characters", code="bad-message")
    if needed and not value.strip():
        raise InputError(f"the message lacks {name}", code="bad-message")
    return value.strip()


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 180:
        raise InputError(f"{name} is degrees of WGS-84, such as 121.005", code="bad-message")
    return float(value)


def _time(given: Mapping[str, Any], name: str, now: datetime) -> datetime:
    value = given.get(name)
    if value is None:
        return now
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise InputError(
            f"{name} is a time such as 2026-03-03T09:00:00+08:00", code="bad-message"
        ) from error
    if moment.tzinfo is None:
        raise InputError(f"{name} needs a time zone, such as +08:00", code="bad-message")
    return moment
