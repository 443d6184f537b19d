"""Mission files and flight logs that somebody brings, checked before anybody flies by them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import AwareDatetime

from web.audit.log import entry_of, write_entry_of_store
from web.auth.csrf import CSRF_HEADER, check_token
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.language import Language
from web.night.run import next_day
from web.plans.strange_files import KNOWN, Question, check_file
from web.subject import read_about

router = APIRouter(prefix="/api/v1", tags=["plans"])
TAKES_OFF = time(14)


@router.post("/missions/check", dependencies=[needs(Permission.PLANS_WRITE)],
             summary="Check a mission file or flight log")  # fmt: skip
def check_mission_file(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    lang: Language,
    file: Annotated[UploadFile, File(description=", ".join(KNOWN))],
    takes_off_at: Annotated[
        AwareDatetime | None, Form(description="Default: 14:00 of the next day.")
    ] = None,
    drone_id: Annotated[int | None, Form(ge=1, lt=2**63)] = None,
    jurisdiction: Annotated[str | None, Form(max_length=40, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Check a mission strictly and hold it to the airspace, or say what a log recorded.

    Nothing of the file is kept; that it was checked, by its name, is in the log. Files larger than
    `GRIDBEAT_WEB_LARGEST_FILE` are refused.
    """
    if principal.by_cookie:  # a form's field would carry it; a script sends the header
        check_token(request.headers.get(CSRF_HEADER, ""), principal.csrf)
    about, now = read_about(connection, jurisdiction), datetime.now(UTC)
    start = takes_off_at or datetime.combine(next_day(now, about), TAKES_OFF, about.zone)
    asked = Question(about, start, now, lang, drone_id)
    found = check_file(connection, file.filename or "", file.file.read(), asked)
    write_entry_of_store(connection, entry_of(
        request, principal, "mission file checked", about=found["name"], kind=found["kind"],
        may_fly=found.get("may_fly"),
    ))  # fmt: skip
    return found | {"takes_off_at": start.isoformat()} if found["kind"] == "mission" else found
