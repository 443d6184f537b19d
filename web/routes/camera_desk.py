"""The camera desk: looks noted as done, and what was seen as an incident found by camera."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import text

from geo.errors import NotFoundError
from patrol.camera_store import record_finding
from patrol.look_store import note_looks
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, needs
from web.database import EVERYTHING, Databases
from web.watched import watched_of

router = APIRouter(
    prefix="/api/v1/camera-looks", tags=["camera desk"],
    dependencies=[needs(Permission.LOOKS_WRITE)],
)  # fmt: skip
LookId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]


class LookIn(BaseModel):
    """When a look was done; without it, now."""

    looked_at: AwareDatetime | None = None


class LookOut(BaseModel):
    """What a look saw."""

    new: bool
    cells: int
    view_known: bool


class FindingIn(BaseModel):
    """What was seen, when and where."""

    category: Annotated[
        str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$",
                   description="Code of the class, or scheme/code.")
    ]  # fmt: skip
    at: AwareDatetime
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class FindingOut(BaseModel):
    """The incident that a finding became."""

    incident_id: int


@router.post("/{look}/done", summary="Note a look as done")
def done(request: Request, look: LookId, body: LookIn, principal: Identified) -> LookOut:
    """Note it, and what it saw; what was noted first stays."""
    now = datetime.now(UTC)
    code = _seen_look(request, principal, look)
    databases: Databases = request.app.state.databases
    # A view may reach beyond the caller's ground; that the camera stands on it was checked.
    with databases.store(EVERYTHING) as connection:
        noted = note_looks(
            connection, watched_of(request, connection, code), [look],
            looked_at=[body.looked_at or now], now=now,
        )  # fmt: skip
    return LookOut(new=noted.new > 0, cells=noted.cells, view_known=not noted.unseen)


@router.post("/{look}/finding", status_code=201, summary="Report what was seen")
def finding(request: Request, look: LookId, body: FindingIn, principal: Identified) -> FindingOut:
    """Make it an incident found by camera; the look counts as done."""
    now = datetime.now(UTC)
    code = _seen_look(request, principal, look)
    databases: Databases = request.app.state.databases
    with databases.store(EVERYTHING) as connection:
        note_looks(connection, watched_of(request, connection, code), [look],
                   looked_at=[body.at], now=now)  # fmt: skip
        number = record_finding(
            connection, look, category=body.category, at=body.at, lon=body.lon, lat=body.lat,
            now=now,
        )  # fmt: skip
        write_entry_of_store(
            connection,
            entry_of(request, principal, "camera finding", about=f"look {look}", incident=number),
        )
    return FindingOut(incident_id=number)


def _seen_look(request: Request, principal: Principal, look: int) -> str:
    """Return the jurisdiction of a look whose camera the caller may see.

    Raises
    ------
    NotFoundError
        There is none.
    """
    databases: Databases = request.app.state.databases
    with databases.store(principal.scope) as connection:
        code = connection.execute(
            text(
                "SELECT j.code FROM camera_look l JOIN camera c USING (camera_id) "
                "JOIN camera_round r USING (camera_round_id) JOIN jurisdiction j "
                "USING (jurisdiction_id) WHERE l.camera_look_id = :look"
            ),
            {"look": look},
        ).scalar_one_or_none()
    if code is None:
        raise NotFoundError(f"there is no look {look} at a camera that you may see", code="no-look")
    return str(code)
