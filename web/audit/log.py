"""Writing the log: in the transaction of what it tells, so that neither is without the other."""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Depends, Request
from fastapi.params import Depends as DependsMark
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from web.auth.principal import Identified, Principal, ScopedRows
from web.database import Rows, packaged_sql


@dataclass(frozen=True)
class Entry:
    """Who did what to which thing, from where. Never a secret, never what people reported."""

    action: str
    actor: str
    account_id: int | None = None
    object: str | None = None
    address: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return what ``sql/audit_entry.sql`` takes."""
        return {**vars(self), "details": Jsonb(self.details)}


def entry_of(
    request: Request, principal: Principal, action: str, *, about: str | None = None, **details: Any
) -> Entry:
    """Return the entry of a request."""
    return Entry(
        action=action, actor=principal.login or "anonymous", account_id=principal.account_id,
        object=about, address=address_of(request), details=details,
    )  # fmt: skip


def address_of(request: Request) -> str:
    """Return the caller's address; a proxy's word counts only where settings trust it."""
    return request.client.host if request.client else "unknown"


def command_line_entry(action: str, *, about: str | None = None, **details: Any) -> Entry:
    """Return the entry of a command, in the name of the machine's user."""
    user = pwd.getpwuid(os.getuid()).pw_name
    return Entry(action=action, actor=f"command line: {user}", object=about, details=details)


async def write_entry(rows: Rows, entry: Entry) -> None:
    """Add an entry; it is chained, and others wait, when the transaction commits."""
    await rows.execute(packaged_sql("audit_entry"), entry.values())


def write_entry_of_store(connection: Connection, entry: Entry) -> None:
    """Add an entry through a store's connection, likewise."""
    connection.exec_driver_sql(packaged_sql("audit_entry"), entry.values())


def write_entries_of_store(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add several entries, in their order, in one round trip."""
    if entries:
        connection.exec_driver_sql(
            packaged_sql("audit_entry"), [entry.values() for entry in entries]
        )


def logged(action: str) -> DependsMark:
    """Return what logs each read of something sensitive, for ``dependencies=[...]`` of a route.

    It follows the guard there. The entry is of the request's own transaction.
    """

    async def log(request: Request, principal: Identified, rows: ScopedRows) -> AsyncIterator[None]:
        yield
        asked = dict(request.query_params)
        await write_entry(
            rows, entry_of(request, principal, action, about=request.url.path, asked=asked)
        )

    mark: DependsMark = Depends(log, scope="function")
    return mark
