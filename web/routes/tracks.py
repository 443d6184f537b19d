"""Tracks: tablets send fixes of their own duty; few may read tracks, and each read is logged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection, text

from geo.effort_store import read_area_effort
from geo.errors import InputError
from patrol.track_devices import read_devices
from patrol.track_import import far_from
from patrol.track_queries import read_segment_page, read_units_on_duty
from patrol.track_store import take_fixes
from patrol.tracks.clean import clock_skew_s
from patrol.tracks.fixes import Fixes
from patrol.watched import Watched
from web.audit.log import logged
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.database import EVERYTHING, Databases
from web.errors import ForbiddenError
from web.watched import watched_of

router = APIRouter(prefix="/api/v1", tags=["tracks"])
MOST_FIXES = 5000
TRAIL = timedelta(hours=1)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
Moment = Annotated[
    AwareDatetime, Query(examples=["2026-03-02T00:00:00Z"], description="With time zone.")
]


class FixIn(BaseModel):
    """One position: when, where, how sure the receiver was."""

    at: AwareDatetime
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class BatchIn(BaseModel):
    """The next fixes of a device, numbered without a gap from ``first_seq``."""

    device: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
    first_seq: Annotated[int, Field(ge=0, lt=2**53)]
    sent_at: AwareDatetime = Field(description="The device's own clock when it sends.")
    fixes: Annotated[list[FixIn], Field(min_length=1, max_length=MOST_FIXES)]


class BatchOut(BaseModel):
    """What became of a batch; all before ``next_seq`` may be forgotten on the device."""

    next_seq: int
    taken: int
    known: int
    off_duty: int
    dropped: int
    clock_late_s: float


@router.post(
    "/tracks", summary="Fixes of one's own duty", dependencies=[needs(Permission.TRACKS_OWN)]
)
def post_tracks(request: Request, batch: BatchIn, principal: Identified) -> BatchOut:
    """Take in a tablet's fixes. The same batch again changes nothing.

    Only a device that the account was given may be named, and only fixes within a shift of the
    unit that carries it are kept.
    """
    databases: Databases = request.app.state.databases
    now = datetime.now(UTC)
    # Cells and effort of a track lie on others' ground as well; whose device it is, is checked.
    with databases.store(EVERYTHING) as connection:
        device = _own_device(connection, principal.account_id, batch.device)
        watched = watched_of(request, connection, device["code"])
        late = clock_skew_s(_micro(batch.sent_at), _micro(now))
        fixes, known = _new_fixes(connection, device["number"], batch, late)
        _check(fixes, watched, now)
        devices = {d.ref: d for d in read_devices(connection, device["place"], refs=[batch.device])}
        matcher = watched.matcher(connection, devices[batch.device].source)
        made = take_fixes(
            connection, watched, fixes, devices, first_seq=batch.first_seq,
            matchers={} if matcher is None else {"vehicle": matcher},
        )  # fmt: skip
    dropped = sum(made.faults.values())
    return BatchOut(
        next_seq=batch.first_seq + len(batch.fixes),
        taken=made.fixes - made.known - made.off_duty - dropped, known=known + made.known,
        off_duty=made.off_duty, dropped=dropped, clock_late_s=late,
    )  # fmt: skip


def _own_device(connection: Connection, account_id: int | None, ref: str) -> dict[str, Any]:
    row = connection.execute(
        text(
            "SELECT d.track_device_id AS number, d.jurisdiction_id AS place, j.code "
            "FROM account_device a JOIN track_device d USING (track_device_id) "
            "JOIN jurisdiction j USING (jurisdiction_id) WHERE a.account_id = :account "
            "AND d.device_ref = :ref AND d.retired_at IS NULL"
        ),
        {"account": account_id, "ref": ref},
    ).mappings().first()  # fmt: skip
    if row is None:
        raise ForbiddenError(
            f"设备 {ref} 未分配给本账号 / device {ref!r} is not this account's: "
            "`gridbeat tracks device REF --unit UNIT --login LOGIN` gives it one",
            code="not-your-device",
        )
    return dict(row)


def _new_fixes(
    connection: Connection, device_id: int, batch: BatchIn, late_s: float
) -> tuple[Fixes, int]:
    """Return the fixes whose numbers are not stored, their clock set right, and how many were."""
    seq = batch.first_seq + np.arange(len(batch.fixes))
    rows = connection.execute(
        text(
            "SELECT first_seq, last_seq FROM track_raw WHERE track_device_id = :device "
            "AND first_seq <= :last AND last_seq >= :first"
        ),
        {"device": device_id, "first": int(seq[0]), "last": int(seq[-1])},
    ).all()
    known = np.zeros(len(seq), dtype=bool)
    for first, last in rows:
        known |= (seq >= first) & (seq <= last)
    at = np.array([_micro(fix.at) for fix in batch.fixes], np.int64) + int(late_s * 1e6)
    fixes = Fixes(
        (batch.device,), np.zeros(len(seq), np.int32), at,
        np.array([fix.lon for fix in batch.fixes]), np.array([fix.lat for fix in batch.fixes]),
        np.full(len(seq), np.nan), np.arange(1, len(seq) + 1, dtype=np.int32),
    )  # fmt: skip
    return fixes.take(~known), int(known.sum())


def _check(fixes: Fixes, watched: Watched, now: datetime) -> None:
    latest, oldest = _micro(now + timedelta(days=1)), _micro(now - timedelta(days=30))
    wrong = np.flatnonzero((fixes.time_us > latest) | (fixes.time_us < oldest))
    if len(wrong):
        raise InputError(f"fix {int(fixes.row_no[wrong[0]])}: its time lies more than 30 days back "
                         "or a day ahead", code="bad-time")  # fmt: skip
    far = np.flatnonzero(far_from(watched.place.boundary, fixes.lon, fixes.lat))
    if len(far):
        raise InputError(f"fix {int(fixes.row_no[far[0]])} lies far outside of "
                         f"{watched.place.name}", code="fix-outside")  # fmt: skip


def _micro(moment: datetime) -> int:
    if not _EARLIEST <= moment <= _LATEST:
        raise InputError(
            f"the time {moment.isoformat()} is outside of 2000 to 2200", code="bad-time"
        )
    return round(moment.timestamp() * 1_000_000)


@router.get(
    "/tracks", summary="Thinned tracks",
    dependencies=[needs(Permission.TRACKS_READ), logged("tracks.read")],
)  # fmt: skip
def get_tracks(
    rows: ScopedStore,
    since: Moment,
    until: Moment,
    after: Annotated[int, Query(ge=0, lt=2**63, description="Number of the last one seen.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Give the stretches that touch a time, by number, as GeoJSON. Each read is logged.

    ``next`` is the number to go on after; null at the end.
    """
    begins, ends = _window(since, until)
    found = read_segment_page(rows, begins=begins, ends=ends, after=after, limit=limit)
    last = int(found["track_segment_id"].iloc[-1]) if len(found) == limit else None
    plain = found.assign(
        starts_at=[at.isoformat() for at in found["starts_at"]],
        ends_at=[at.isoformat() for at in found["ends_at"]],
    )
    features: dict[str, Any] = json.loads(plain.to_json(drop_id=True))
    return {"type": "FeatureCollection", "features": features["features"], "next": last}


@router.get(
    "/tracks/units", summary="Units on duty, where they were last",
    dependencies=[needs(Permission.TRACKS_READ), logged("tracks.read")],
)  # fmt: skip
def get_units(
    rows: ScopedStore,
    jurisdiction: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Give each unit's last position and its trail of an hour, within its shift.

    Of units, never of people; each read is logged. A unit that sent nothing in an hour is
    left out.
    """
    now = datetime.now(UTC)
    units = read_units_on_duty(rows, now=now, back=TRAIL, code=jurisdiction)
    return {"at": round(now.timestamp()), "units": units}


@router.get("/effort", summary="Hours by area", dependencies=[needs(Permission.RESULTS_READ)])
def get_effort(rows: ScopedStore, since: Moment, until: Moment) -> dict[str, Any]:
    """Give hours and visits by grid and source. A grid without a row is unknown, never safe."""
    begins, ends = _window(since, until)
    places = rows.execute(text("SELECT jurisdiction_id FROM jurisdiction ORDER BY 1")).scalars()
    areas = [
        {"jurisdiction_id": place, "area_id": int(area), "source": source,
         "hours": round(float(hours), 4), "visits": int(visits)}
        for place in places.all()
        for area, source, hours, visits in read_area_effort(
            rows, place, begins=begins, ends=ends
        ).itertuples(index=False)
    ]  # fmt: skip
    return {"since": begins, "until": ends, "areas": areas}


def _window(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    _micro(since)
    _micro(until)
    if not since < until or until - since > timedelta(days=366):
        raise InputError("until must come after since, at most 366 days", code="bad-period")
    return since, until
