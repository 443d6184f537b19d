"""Reports: written down once, and listed until somebody files them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import Connection, Row, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from geo.errors import InputError
from geo.incidents import FoundBy
from governance.models.reports import Report

Channel = Literal["hotline", "tablet", "drone", "camera", "open311", "feed", "counter"]


FOUND_BY: dict[Channel, FoundBy] = {
    "hotline": "resident",
    "counter": "resident",
    "open311": "resident",
    "tablet": "patrol",
    "drone": "drone",
    "camera": "camera",
    "feed": "other",
}


@dataclass(frozen=True)
class NewReport:
    """What one caller, officer, camera or system says.

    Attributes
    ----------
    report_id
        Made where it is written down, so that sending it twice takes it in once.
    seen_at
        When the problem was there, aware; ``received_at`` is when somebody heard of it.
    lon, lat
        EPSG:4326; None where the caller could name a grid only.
    area_id
        The grid where there is no point.
    source_ref
        Of a feed: the other system's own number.
    """

    report_id: UUID
    channel: Channel
    received_at: datetime
    seen_at: datetime
    words: str
    lon: float | None
    lat: float | None
    taken_by: str
    category_id: int | None = None
    area_id: int | None = None
    address: str | None = None
    accuracy_m: float | None = None
    photos: tuple[str, ...] = ()
    source_ref: str | None = None


def take_report(connection: Connection, jurisdiction_id: int, new: NewReport) -> UUID:
    """Write a report down; the same one twice, or the same number of a feed, is one.

    Raises
    ------
    InputError
        It has no words, no time zone, no place, or lies outside the jurisdiction.
    """
    _check(new)
    area_id = _grid_of(connection, jurisdiction_id, new)
    values = {
        "report_id": new.report_id,
        "jurisdiction_id": jurisdiction_id,
        "channel": new.channel,
        "source_ref": new.source_ref,
        "received_at": new.received_at,
        "seen_at": new.seen_at,
        "words": new.words.strip(),
        "address": new.address,
        "geom": None if new.lon is None or new.lat is None else point_of(new.lon, new.lat),
        "accuracy_m": new.accuracy_m,
        "area_id": area_id,
        "category_id": new.category_id,
        "photos": list(new.photos),
        "taken_by": new.taken_by,
    }
    connection.execute(insert(Report).values(values).on_conflict_do_nothing())
    return _stored_id(connection, jurisdiction_id, new)


def list_unfiled(
    connection: Connection, jurisdiction_id: int, *, most: int = 200
) -> Sequence[Row[Any]]:
    """Read reports that are no case yet, the oldest first, with their channel and first guess."""
    query = (
        select(
            Report.report_id, Report.channel, Report.received_at, Report.seen_at, Report.words,
            Report.address, Report.area_id, Report.category_id, Report.suggested, Report.photos,
            Report.taken_by, text("ST_X(report.geom) AS lon"), text("ST_Y(report.geom) AS lat"),
        )
        .where(Report.jurisdiction_id == jurisdiction_id, Report.case_id.is_(None))
        .order_by(Report.received_at, Report.report_id)
        .limit(most)
    )  # fmt: skip
    return connection.execute(query).all()


def list_sources(connection: Connection, case_id: int) -> Sequence[Row[Any]]:
    """Read the reports behind a case, first to last; closing the case answers them all."""
    query = (
        select(
            Report.report_id, Report.channel, Report.source_ref, Report.received_at, Report.words,
            Report.address, Report.photos, Report.taken_by,
        )
        .where(Report.case_id == case_id)
        .order_by(Report.received_at, Report.report_id)
    )  # fmt: skip
    return connection.execute(query).all()


def _grid_of(connection: Connection, jurisdiction_id: int, new: NewReport) -> int | None:
    """Return the grid that a report lies in, or names."""
    if new.lon is None or new.lat is None:
        if new.area_id is None:
            raise InputError("a report needs a place: a point on the map, or at least a grid")
        known = connection.execute(_AREA, {"j": jurisdiction_id, "area": new.area_id})
        if known.one_or_none() is None:
            raise InputError(f"there is no area {new.area_id} in this jurisdiction")
        return new.area_id
    place = connection.execute(PLACE, {"j": jurisdiction_id, "lon": new.lon, "lat": new.lat})
    found = place.one_or_none()
    if found is None or not found.inside:
        msg = (
            f"the point {new.lon:.5f}, {new.lat:.5f} lies outside the jurisdiction; "
            f"are longitude and latitude swapped?"
        )
        raise InputError(msg, code="outside")
    return None if found.area_id is None else int(found.area_id)


def point_of(lon: float, lat: float) -> Any:
    """Return the expression of a point in EPSG:4326."""
    point = text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)")
    return point.bindparams(lon=lon, lat=lat)


_AREA = text("SELECT area_id FROM area WHERE jurisdiction_id = :j AND area_id = :area")


PLACE = text(
    "SELECT ST_Intersects(j.geom, p.geom) AS inside, (SELECT area_id FROM area a "
    "WHERE a.jurisdiction_id = :j AND a.level = 'grid' AND a.grid_kind <> 'micro' "
    "AND ST_Intersects(a.geom, p.geom) AND a.valid_from <= CURRENT_DATE "
    "AND CURRENT_DATE < a.valid_to ORDER BY a.grid_kind <> 'exclusive', area_id LIMIT 1) "
    "AS area_id FROM jurisdiction j, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) p "
    "WHERE j.jurisdiction_id = :j"
)


def _check(new: NewReport) -> None:
    if not new.words.strip():
        raise InputError("a report needs words: what is wrong, and where", code="no-words")
    if new.received_at.tzinfo is None or new.seen_at.tzinfo is None:
        raise InputError("the times of a report need a time zone")
    if new.channel not in FOUND_BY:
        raise InputError(f"{new.channel!r} is no channel; there are {', '.join(FOUND_BY)}")


def _stored_id(connection: Connection, jurisdiction_id: int, new: NewReport) -> UUID:
    same = Report.report_id == new.report_id
    if new.source_ref is not None:
        of_feed = (Report.jurisdiction_id, Report.channel, Report.source_ref)
        same |= tuple_(*of_feed) == (jurisdiction_id, new.channel, new.source_ref)
    return cast("UUID", connection.execute(select(Report.report_id).where(same)).scalar_one())
