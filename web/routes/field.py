"""The tablet's two doors: what it shows of today, and what it brings back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.database import Databases
from web.field.entries import Batch
from web.field.sync import take_batch
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
    databases: Databases = request.app.state.databases
    told = take_batch(databases, principal, batch, clocks_of(request), now=datetime.now(UTC))
    became = Counter(answer["outcome"] for answer in told["answers"])
    if became.keys() - {"already_done"}:
        with databases.store(principal.scope) as connection:
            entry = entry_of(request, principal, "tablet synced", about=str(batch.device_id),
                             skew_s=told["skew_s"], **became)  # fmt: skip
            write_entry_of_store(connection, entry)
    return told
