"""Alerts that wait for somebody, and taking one upon oneself by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from geo.errors import ConflictError, NotFoundError
from web.answers import JSON, kept
from web.audit.log import entry_of, write_entry
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedRows, needs
from web.database import fetch_one
from web.wall.memo import Memo
from web.wall.state import MOST_ALERTS, read_alerts, read_place

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


class Acknowledgement(BaseModel):
    """What somebody says to an alert."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", examples=["on it"])] = ""


@router.get("", dependencies=[needs(Permission.MAP_READ)], summary="Open alerts")
async def alerts(
    request: Request, principal: Identified,
    jurisdiction: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
) -> Response:  # fmt: skip
    """List the open alerts, those that nobody acknowledged first, the gravest of them before.

    `watched_at` says when the worker last looked for any: without it, or long after it, an empty
    list says nothing.
    """
    memo: Memo = request.app.state.alert_memo
    scope = principal.scope

    async def make() -> str:
        async with request.app.state.databases.rows(scope) as rows:
            place, _ = await read_place(rows, jurisdiction, datetime.now(UTC))
            found: list[Any] = await read_alerts(rows, place["jurisdiction_id"], MOST_ALERTS)
        watched = place["watched_at"]
        told = {"alerts": found, "watched_at": watched and int(watched.timestamp())}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    text = await memo.get((jurisdiction, scope.sees_all, scope.roots), make)
    return kept(request, text, media_type=JSON)


@router.post(
    "/{alert_id}/acknowledge",
    status_code=204,
    dependencies=[needs(Permission.ALERTS_WRITE)],
    summary="Acknowledge an alert",
)
async def acknowledge(
    request: Request, principal: Identified, rows: ScopedRows,
    alert_id: Annotated[int, Path(ge=1, lt=2**63)], said: Annotated[Acknowledgement, Body()],
) -> Response:  # fmt: skip
    """Take an alert upon oneself: every screen shows who did and when. It ends by itself."""
    values = {"alert": alert_id, "login": principal.login, "note": said.note or None}
    done = await fetch_one(rows, "alert_acknowledge", values)
    if done is None:
        found = await (await rows.execute(
            "SELECT acknowledged_by FROM alert WHERE alert_id = %s", [alert_id]
        )).fetchone()  # fmt: skip
        if found is None:
            raise NotFoundError(f"there is no alert {alert_id}", code="no-alert")
        raise ConflictError(
            f"the alert was acknowledged by {found[0]}" if found[0] else "the alert is over",
            code="alert-over",
        )
    await write_entry(rows, entry_of(request, principal, "alert acknowledged", about=str(alert_id),
                                     title=done[1], note=said.note))  # fmt: skip
    request.app.state.alert_memo.forget()
    return Response(status_code=204)
