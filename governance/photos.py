"""Photos of reports and cases into the database and out of it. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, insert, or_, select, text

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.places import Jurisdiction
from governance.intake.pictures import Picture
from governance.models.cases import CaseFile
from governance.models.reports import CasePhoto, Report

PhotoKind = Literal["near", "far", "before", "after", "other"]
PREFIX = "photo:"
_TOLERANCE = timedelta(minutes=10)
_LISTED = (
    CasePhoto.photo_id, CasePhoto.kind, CasePhoto.taken_at, CasePhoto.received_at,
    CasePhoto.taken_by, CasePhoto.width, CasePhoto.height, CasePhoto.placed_by,
    CasePhoto.accuracy_m, func.ST_X(CasePhoto.geom).label("lon"),
    func.ST_Y(CasePhoto.geom).label("lat"),
)  # fmt: skip


@dataclass(frozen=True)
class NewPhoto:
    """A photo as it was sent.

    Attributes
    ----------
    photo_id
        Made where it was taken, so that sending it twice keeps it once.
    content
        The file as it came, of which only the digest is kept.
    taken_at, lon, lat, accuracy_m
        What the device says; None leaves it to the picture's own metadata, then to the case.
    """

    photo_id: UUID
    kind: PhotoKind
    content: bytes
    picture: Picture
    taken_by: str
    case_id: int | None = None
    report_id: UUID | None = None
    taken_at: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None


def write_photo(connection: Connection, new: NewPhoto, *, now: datetime) -> None:
    """Keep a photo; the same one twice is one.

    Raises
    ------
    NotFoundError
        There is no such report or case, or it is not this account's to see.
    InputError
        It belongs to neither a report nor a case.
    ConflictError
        Another picture was kept under that number.
    """
    subject = _subject(connection, new)
    digest = sha256(new.content).digest()
    known = connection.execute(
        select(CasePhoto.source_sha256).where(CasePhoto.photo_id == new.photo_id)
    ).scalar_one_or_none()
    if known is not None:
        if bytes(known) != digest:
            raise ConflictError(
                f"photo {new.photo_id} is another picture; make a new number", code="number-used"
            )
        return
    lon, lat, placed_by = _where(new, subject)
    connection.execute(
        insert(CasePhoto).values(
            photo_id=new.photo_id, jurisdiction_id=subject.jurisdiction_id, kind=new.kind,
            case_id=new.case_id, report_id=new.report_id, area_id=subject.area_id,
            geom=text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)").bindparams(lon=lon, lat=lat),
            placed_by=placed_by,
            accuracy_m=new.accuracy_m if placed_by == "device" else None,
            taken_at=_when(new, ZoneInfo(subject.time_zone), now), taken_by=new.taken_by,
            source_sha256=digest, width=new.picture.width, height=new.picture.height,
            picture=new.picture.jpeg,
        )
    )  # fmt: skip


def list_photos(connection: Connection, case_id: int) -> Sequence[Row[Any]]:
    """Read what is known of the photos of a case, its reports and merged cases, in order."""
    reports = select(Report.report_id).where(Report.case_id == case_id)
    merged = select(CaseFile.case_id).where(CaseFile.merged_into == case_id)
    query = (
        select(*_LISTED)
        .select_from(CasePhoto)
        .where(
            or_(
                CasePhoto.case_id == case_id,
                CasePhoto.report_id.in_(reports),
                CasePhoto.case_id.in_(merged),
            )
        )
        .order_by(CasePhoto.taken_at, CasePhoto.photo_id)
    )
    return connection.execute(query).all()


def read_photo(connection: Connection, photo_id: UUID) -> bytes:
    """Read a picture.

    Raises
    ------
    NotFoundError
        There is none of that number, or it is not this account's to see.
    """
    query = select(CasePhoto.picture).where(CasePhoto.photo_id == photo_id)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no photo {photo_id}", code="no-such-photo")
    return bytes(found)


def check_evidence(connection: Connection, case_id: int, evidence: Sequence[str]) -> None:
    """Refuse evidence that names a photo which this case does not have.

    Raises
    ------
    InputError
        As said; other references, such as numbers of documents, are taken as they are.
    """
    named = {ref.removeprefix(PREFIX) for ref in evidence if ref.startswith(PREFIX)}
    if not named:
        return
    missing = named - {str(row.photo_id) for row in list_photos(connection, case_id)}
    if missing:
        msg = f"the case has no photo {', '.join(sorted(missing))}: send it first"
        raise InputError(msg, code="no-photo")


def _subject(connection: Connection, new: NewPhoto) -> Any:
    """Return jurisdiction, zone, area and place of what a photo belongs to."""
    if (new.case_id is None) == (new.report_id is None):
        raise InputError(
            "a photo belongs to a case or to a report: name one of them", code="photo-of"
        )
    of: Any = CaseFile if new.case_id is not None else Report
    is_it = CaseFile.case_id == new.case_id if of is CaseFile else Report.report_id == new.report_id
    query = (
        select(
            of.jurisdiction_id, of.area_id, Jurisdiction.time_zone,
            func.ST_X(of.geom).label("lon"), func.ST_Y(of.geom).label("lat"),
        )
        .join(Jurisdiction, Jurisdiction.jurisdiction_id == of.jurisdiction_id)
        .where(is_it)
    )  # fmt: skip
    found = connection.execute(query).one_or_none()
    if found is None:
        about = f"case {new.case_id}" if of is CaseFile else f"report {new.report_id}"
        raise NotFoundError(f"there is no {about}", code="photo-of-none")
    return found


def _where(new: NewPhoto, subject: Any) -> tuple[float, float, str]:
    if new.lon is not None and new.lat is not None:
        return new.lon, new.lat, "device"
    if new.picture.lon is not None and new.picture.lat is not None:
        return new.picture.lon, new.picture.lat, "picture"
    return subject.lon, subject.lat, "case"


def _when(new: NewPhoto, zone: ZoneInfo, now: datetime) -> datetime:
    """Return when a photo was taken: as the picture says, else the device, never in the future."""
    said = new.picture.taken_at or new.taken_at or now
    moment = said if said.tzinfo is not None else said.replace(tzinfo=zone)
    return moment if moment <= now + _TOLERANCE else now
