"""The log of who did what, for auditors; reading it is logged, too."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from web.audit.log import logged
from web.auth.permissions import Permission
from web.auth.principal import ScopedRows, needs
from web.database import packaged_sql

router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get(
    "/audit",
    dependencies=[needs(Permission.AUDIT_READ), logged("audit log read")],
    summary="Who did what",
)
async def entries(
    rows: ScopedRows,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Only earlier ones.")] = None,
    actor: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    action: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """List entries, the newest first; ``next`` is the ``before`` of the page after."""
    values = {"before": before, "actor": actor, "action": action, "limit": limit}
    found = await (await rows.execute(packaged_sql("audit_page"), values)).fetchall()
    listed = [row[0] for row in found]
    return {"entries": listed, "next": listed[-1]["seq"] if len(listed) == limit else None}
