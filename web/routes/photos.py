"""Photos of reports and cases: made anew when they come in, shown to who may see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Path, Request, Response, UploadFile
from pydantic import AwareDatetime

from geo.errors import InputError
from governance.intake.pictures import make_picture
from governance.photos import NewPhoto, PhotoKind, read_photo, write_photo
from web.audit.log import entry_of, write_entry_of_store
from web.auth.csrf import CSRF_HEADER, check_token
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs

router = APIRouter(prefix="/api/v1", tags=["photos"])
PhotoId = Annotated[UUID, Path(examples=["4f2f0c52-6a0e-4c0e-8a52-0a63a4f1f0a1"])]
JPEG = "image/jpeg"
BINARY = {"type": "string", "format": "binary"}


@router.put("/photos/{photo_id}", dependencies=[needs(Permission.CASES_REPORT)],
            summary="Keep a photo")  # fmt: skip
def put_photo(
    request: Request,
    connection: ScopedStore,
    principal: Identified,
    photo_id: PhotoId,
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP.")],
    kind: Annotated[PhotoKind, Form()] = "near",
    case_id: Annotated[int | None, Form(ge=1, lt=2**63)] = None,
    report_id: Annotated[UUID | None, Form()] = None,
    taken_at: Annotated[AwareDatetime | None, Form()] = None,
    lon: Annotated[float | None, Form(ge=-180, le=180, allow_inf_nan=False)] = None,
    lat: Annotated[float | None, Form(ge=-90, le=90, allow_inf_nan=False)] = None,
    accuracy_m: Annotated[float | None, Form(ge=0, le=100_000, allow_inf_nan=False)] = None,
) -> dict[str, Any]:
    """Keep a photo of a report or case under a number made where it was taken.

    It is decoded and made anew without metadata; its time and position stay in the record.
    """
    if principal.by_cookie:  # a form's field would carry it; a script sends the header
        check_token(request.headers.get(CSRF_HEADER, ""), principal.csrf)
    if (lon is None) != (lat is None):
        raise InputError("a position needs both lon and lat", code="bad-place")
    content = file.file.read()
    new = NewPhoto(
        photo_id, kind, content, make_picture(content), principal.login, case_id=case_id,
        report_id=report_id, taken_at=taken_at, lon=lon, lat=lat, accuracy_m=accuracy_m,
    )  # fmt: skip
    write_photo(connection, new, now=datetime.now(UTC))
    entry = entry_of(request, principal, "photo kept", about=str(photo_id), case=case_id,
                     report=str(report_id) if report_id else None)  # fmt: skip
    write_entry_of_store(connection, entry)
    return {"photo_id": str(photo_id), "evidence": f"photo:{photo_id}",
            "width": new.picture.width, "height": new.picture.height}  # fmt: skip


@router.get("/photos/{photo_id}", dependencies=[needs(Permission.CASES_READ)],
            summary="A photo", response_class=Response,
            responses={200: {"content": {JPEG: {"schema": BINARY}}}})  # fmt: skip
def get_photo(
    request: Request, connection: ScopedStore, principal: Identified, photo_id: PhotoId
) -> Response:
    """Show a photo; that it was looked at is logged."""
    picture = read_photo(connection, photo_id)
    write_entry_of_store(
        connection, entry_of(request, principal, "photo read", about=str(photo_id))
    )
    headers = {
        "Cache-Control": "private, max-age=3600, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f'inline; filename="{photo_id}.jpg"',
    }
    return Response(picture, media_type=JPEG, headers=headers)
