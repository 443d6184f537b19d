"""Whether the service lives, and whether it is ready: for supervisors and load balancers."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request
from pydantic import BaseModel

from web.auth.permissions import Permission
from web.auth.principal import needs
from web.database import NOBODY

router = APIRouter(tags=["health"], dependencies=[needs(Permission.PUBLIC)])


class Health(BaseModel):
    """How the service is."""

    status: str
    version: str


@router.get("/healthz", summary="Whether the process answers")
async def live() -> Health:
    """Answer without asking the database."""
    return Health(status="ok", version=version("gridbeat"))


@router.get("/readyz", summary="Whether the database answers, too")
async def ready(request: Request) -> Health:
    """Answer 503 while the database does not."""
    async with request.app.state.databases.rows(NOBODY) as rows:
        await rows.execute("SELECT 1")
    return Health(status="ok", version=version("gridbeat"))
