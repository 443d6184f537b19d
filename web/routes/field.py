"""The tablet's two doors: what it shows of today, and what it brings back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.database import Databases
from web.field.entries import Batch
from web.field.sync import Sender, take_batch
from web.field.today import read_today
from web.routes.cases import clocks_of

router = APIRouter(prefix="/api/v1/field", tags=["field"])


@router.get("/today", dependencies=[needs(Permission.CASES_HANDLE)], summary="Today's work")
def today(request: Request, connection: ScopedStore, principal: Identified) -> dict[str, Any]:
    """Show tasks by deadline, routes with their stops, duty, and the choices of a report."""
    return read_today(connection, principal, clocks_of(request), now=datetime.now(UTC))


@router.post("/sync", dependencies=[needs(Permission.CASES_HANDLE)], summary="A tablet's entries")
def sync(request: Request, principal: Identified, batch: Batch) -> dict[str, Any]:
    """Do what a tablet noted, each entry once, and say what became of each.

    ``done``; ``already_done``, when it came before; ``conflict``, with what happened meanwhile;
    ``rejected``, with the reason in both languages. The device's clock is measured and noted.
    """

    def log(store: Connection, sender: Sender, answers: Sequence[Mapping[str, Any]]) -> None:
        became = Counter(answer["outcome"] for answer in answers)
        if became.keys() - {"already_done"}:
            entry = entry_of(request, principal, "tablet synced", about=str(batch.device_id),
                             skew_s=round(sender.skew_s, 3), **became)  # fmt: skip
            write_entry_of_store(store, entry)

    databases: Databases = request.app.state.databases
    return take_batch(
        databases, principal, batch, clocks_of(request), now=datetime.now(UTC), log=log
    )
