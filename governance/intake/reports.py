"""Reports: written down once, and listed until somebody files them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, text, tuple_

from geo.errors import ConflictError, GridbeatError, InputError
from geo.incidents import FoundBy
from governance.models.reports import Report
from governance.statements import packaged

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


@dataclass(frozen=True)
class Taken:
    """What became of a report that was handed in.

    Attributes
    ----------
    report_id
        The number that it stands under: of a feed's number that came before, the first one's.
    words, taken_by
        As they stand; of a number that was used before, those of the report that is there.
    area_id, area
        The grid that it lies in.
    refused
        Why it was not taken; nothing of it stands then.
    """

    report_id: UUID
    is_new: bool
    words: str
    taken_by: str
    area_id: int | None = None
    area: str | None = None
    refused: GridbeatError | None = None


def take_report(connection: Connection, jurisdiction_id: int, new: NewReport) -> UUID:
    """Write a report down; the same one twice, or the same number of a feed, is one.

    Raises
    ------
    InputError
        It has no words, no time zone, no place, or lies outside the jurisdiction.
    """
    taken = take_reports(connection, jurisdiction_id, [new])[0]
    if taken.refused is not None:
        raise taken.refused
    return taken.report_id


def take_reports(
    connection: Connection,
    jurisdiction_id: int,
    news: Sequence[NewReport],
    *,
    suggested: Sequence[Mapping[str, Any]] | None = None,
) -> list[Taken]:
    """Write reports down in one statement; a refused one holds up no other.

    Parameters
    ----------
    suggested
        What was suggested for each, to be kept with it.

    Returns
    -------
    list
        What became of each, in their order.
    """
    notes = suggested if suggested is not None else [{}] * len(news)
    found = [_refusal(new) for new in news]
    given = [
        _row(n, new, note)
        for n, (new, note) in enumerate(zip(news, notes, strict=True))
        if found[n] is None
    ]
    if not given:
        return [taken for taken in found if taken is not None]
    values = {"jurisdiction": jurisdiction_id, "reports": json.dumps(given, ensure_ascii=False)}
    seen: dict[UUID, Taken] = {}
    for row in connection.execute(packaged("take_reports"), values):
        new = news[row.n]
        taken = _taken(connection, jurisdiction_id, new, row, seen.get(new.report_id))
        seen.setdefault(new.report_id, taken)
        found[row.n] = taken
    return [taken for taken in found if taken is not None]


def _taken(
    connection: Connection,
    jurisdiction_id: int,
    new: NewReport,
    row: Row[Any],
    before: Taken | None,
) -> Taken:
    if not row.inside:
        return _refused(new, _no_place(new))
    if not row.known_class:
        return _refused(new, InputError(f"there is no class {new.category_id}", code="no-class"))
    if before is not None and before.refused is None:
        return replace(before, is_new=False)  # twice in one batch
    grid = (row.grid_id, row.grid)
    if row.is_new:
        return Taken(new.report_id, True, new.words.strip(), new.taken_by, *grid)
    if row.stood_id is not None:
        return Taken(row.stood_id, False, row.stood_words, row.stood_taken_by, *grid)
    # Somebody else wrote it down at the same moment; or it is not this account's to see.
    stood = connection.execute(_standing(jurisdiction_id, new)).first()
    if stood is None:
        msg = f"another report was taken in as {new.report_id}: make a new number"
        return _refused(new, ConflictError(msg, code="number-used"))
    return Taken(stood.report_id, False, stood.words, stood.taken_by, *grid)


def _standing(jurisdiction_id: int, new: NewReport) -> Select[*tuple[Any, ...]]:
    same = Report.report_id == new.report_id
    if new.source_ref is not None:
        of_feed = (Report.jurisdiction_id, Report.channel, Report.source_ref)
        same |= tuple_(*of_feed) == (jurisdiction_id, new.channel, new.source_ref)
    return select(Report.report_id, Report.words, Report.taken_by).where(same)


def _row(n: int, new: NewReport, suggested: Mapping[str, Any]) -> dict[str, Any]:
    has_point = new.lon is not None and new.lat is not None
    return {
        "n": n, "report_id": str(new.report_id), "channel": new.channel,
        "source_ref": new.source_ref, "received_at": new.received_at.isoformat(),
        "seen_at": new.seen_at.isoformat(), "words": new.words.strip(), "address": new.address,
        "lon": new.lon if has_point else None, "lat": new.lat if has_point else None,
        "accuracy_m": new.accuracy_m, "area_id": new.area_id, "category_id": new.category_id,
        "photos": list(new.photos), "taken_by": new.taken_by, "suggested": suggested,
    }  # fmt: skip


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


def point_of(lon: float, lat: float) -> Any:
    """Return the expression of a point in EPSG:4326."""
    point = text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)")
    return point.bindparams(lon=lon, lat=lat)


PLACE = text(
    "SELECT ST_Intersects(j.geom, p.geom) AS inside, (SELECT area_id FROM area a "
    "WHERE a.jurisdiction_id = :j AND a.level = 'grid' AND a.grid_kind <> 'micro' "
    "AND ST_Intersects(a.geom, p.geom) AND a.valid_from <= CURRENT_DATE "
    "AND CURRENT_DATE < a.valid_to ORDER BY a.grid_kind <> 'exclusive', area_id LIMIT 1) "
    "AS area_id FROM jurisdiction j, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) p "
    "WHERE j.jurisdiction_id = :j"
)


def _refusal(new: NewReport) -> Taken | None:
    """Return why a report is not even asked the database about."""
    if not new.words.strip():
        msg = "a report needs words: what is wrong, and where"
        return _refused(new, InputError(msg, code="no-words"))
    if new.received_at.tzinfo is None or new.seen_at.tzinfo is None:
        return _refused(new, InputError("the times of a report need a time zone"))
    if new.channel not in FOUND_BY:
        msg = f"{new.channel!r} is no channel; there are {', '.join(FOUND_BY)}"
        return _refused(new, InputError(msg))
    if (new.lon is None or new.lat is None) and new.area_id is None:
        msg = "a report needs a place: a point on the map, or at least a grid"
        return _refused(new, InputError(msg, code="no-place"))
    return None


def _refused(new: NewReport, error: GridbeatError) -> Taken:
    return Taken(new.report_id, False, new.words, new.taken_by, refused=error)


def _no_place(new: NewReport) -> InputError:
    if new.lon is None or new.lat is None:
        msg = f"there is no area {new.area_id} in this jurisdiction"
        return InputError(msg, code="no-area")
    msg = (
        f"the point {new.lon:.5f}, {new.lat:.5f} lies outside the jurisdiction; "
        f"are longitude and latitude swapped?"
    )
    return InputError(msg, code="outside")
