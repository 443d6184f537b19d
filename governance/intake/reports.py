"""Reports: taken in once, shown beside what they may repeat, filed as a case or as no case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, Literal, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from geo.errors import ConflictError, InputError, NotFoundError
from geo.incidents import FoundBy, NewIncident, record_incident
from governance.cases.states import Outcome
from governance.cases.steps import Case, Step
from governance.clock.deadlines import WorkClock
from governance.intake.similarity import word_similarity
from governance.models import Report
from governance.store import move_case, open_case, read_case

Channel = Literal["hotline", "tablet", "drone", "camera", "open311", "feed", "counter"]
# Who found what comes in by a channel, for the analytics that tell reports from patrols' finds.
FOUND_BY: dict[Channel, FoundBy] = {
    "hotline": "resident",
    "counter": "resident",
    "open311": "resident",
    "tablet": "patrol",
    "drone": "drone",
    "camera": "camera",
    "feed": "other",
}
INCIDENT_SOURCE = "gridbeat-cases"


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
class SimilarCase:
    """A case that a report may repeat.

    Attributes
    ----------
    alike
        Of the words, 0 to 1.
    same_class
        None where one of the two has no class yet.
    """

    case_id: int
    number: str
    state: str
    words: str
    distance_m: float
    opened_at: datetime
    alike: float
    same_class: bool | None


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
        "geom": None if new.lon is None or new.lat is None else _point(new.lon, new.lat),
        "accuracy_m": new.accuracy_m,
        "area_id": area_id,
        "category_id": new.category_id,
        "photos": list(new.photos),
        "taken_by": new.taken_by,
    }
    connection.execute(insert(Report).values(values).on_conflict_do_nothing())
    return _stored_id(connection, jurisdiction_id, new)


def find_similar(
    connection: Connection,
    jurisdiction_id: int,
    *,
    lon: float,
    lat: float,
    seen_at: datetime,
    words: str = "",
    category_id: int | None = None,
    radius_m: float = 50.0,
    hours: int = 24,
) -> list[SimilarCase]:
    """Return the cases that a report may repeat: near, recent, and not of another class.

    Parameters
    ----------
    radius_m, hours
        How near and how recent; the defaults are those of urban management (50 m, 24 h).

    Returns
    -------
    list
        Those of the same class first, then the more alike, then the nearer.
    """
    query = text(files("governance").joinpath("sql", "similar_cases.sql").read_text("utf-8"))
    rows = connection.execute(
        query,
        {"jurisdiction": jurisdiction_id, "lon": lon, "lat": lat, "radius_m": radius_m,
         "seen_at": seen_at, "hours": hours},
    )  # fmt: skip
    found = [
        SimilarCase(
            row.case_id, row.number, row.state, row.words, row.distance_m, row.opened_at,
            word_similarity(words, row.words), _same(category_id, row.category_id),
        )
        for row in rows
    ]  # fmt: skip
    near = [case for case in found if case.same_class is not False]
    return sorted(near, key=lambda case: (not case.same_class, -case.alike, case.distance_m))


def file_report(
    connection: Connection,
    report_id: UUID,
    *,
    category_id: int,
    actor: str,
    at: datetime,
    clock: WorkClock,
    level: str | None = None,
    point: tuple[float, float] | None = None,
    record: bool = True,
) -> Case:
    """Make a report a filed case of a class that a person confirmed, and an incident.

    Doing it again gives the same case.

    Parameters
    ----------
    level
        Where the case begins, as the routing table proposes; None is the grid.
    point
        Longitude and latitude where whoever files it puts a report that named a grid only.
    record
        False where the incident is in the database already, from a feed of another system.

    Raises
    ------
    NotFoundError
        There is no such report.
    InputError
        It has no point yet.
    """
    report = _report(connection, report_id)
    if report.case_id is not None:
        return read_case(connection, report.case_id)
    report = _placed(connection, report, point)
    opened = Step("report", report.taken_by, report.received_at, report_id, category_id=category_id)
    case = open_case(
        connection, jurisdiction_id=report.jurisdiction_id, words=report.words, lon=report.lon,
        lat=report.lat, area_id=report.area_id, step=opened, clock=clock,
    )  # fmt: skip
    filed = Step(
        "accept", actor, at, uuid5(report_id, "accept"), category_id=category_id, level=level
    )
    case = move_case(connection, case.case_id, filed, clock=clock)
    _attach(connection, report_id, case.case_id, category_id)
    if not record:
        return case
    record_incident(
        connection,
        report.jurisdiction_id,
        NewIncident(
            INCIDENT_SOURCE, case.number, report.seen_at, category_id,
            FOUND_BY[cast("Channel", report.channel)], report.lon, report.lat,
            reported_at=report.received_at, accuracy_m=report.accuracy_m,
        ),
    )  # fmt: skip
    return case


def add_to_case(connection: Connection, report_id: UUID, case_id: int) -> Case:
    """Add a report to the case that it repeats: its caller is told, no second case is made.

    Raises
    ------
    NotFoundError
        There is no such report or case.
    ConflictError
        The report belongs to another case already.
    """
    report = _report(connection, report_id)
    if report.case_id not in (None, case_id):
        msg = f"report {report_id} belongs to case {report.case_id} already; merge the cases"
        raise ConflictError(msg)
    case = read_case(connection, case_id)
    _attach(connection, report_id, case_id, report.category_id)
    return case


def refuse_report(
    connection: Connection,
    report_id: UUID,
    *,
    outcome: Outcome,
    reason: str,
    actor: str,
    at: datetime,
    clock: WorkClock,
) -> Case:
    """End a report that is no case by one of the six outcomes, with what the caller was told.

    It stays as a case of its own that was not filed: nothing that came in is lost.
    """
    report = _report(connection, report_id)
    if report.case_id is not None:
        msg = f"report {report_id} belongs to case {report.case_id} already"
        raise ConflictError(msg)
    report = _placed(connection, report, None, anywhere=True)
    opened = Step("report", report.taken_by, report.received_at, report_id)
    case = open_case(
        connection, jurisdiction_id=report.jurisdiction_id, words=report.words, lon=report.lon,
        lat=report.lat, area_id=report.area_id, step=opened, clock=clock,
    )  # fmt: skip
    ended = Step("reject", actor, at, uuid5(report_id, "reject"), reason=reason)
    case = move_case(connection, case.case_id, replace(ended, outcome=outcome), clock=clock)
    _attach(connection, report_id, case.case_id, report.category_id)
    return case


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
    place = connection.execute(_PLACE, {"j": jurisdiction_id, "lon": new.lon, "lat": new.lat})
    found = place.one_or_none()
    if found is None or not found.inside:
        msg = (
            f"the point {new.lon:.5f}, {new.lat:.5f} lies outside the jurisdiction; "
            f"are longitude and latitude swapped?"
        )
        raise InputError(msg, code="outside")
    return None if found.area_id is None else int(found.area_id)


def _placed(
    connection: Connection, report: Any, point: tuple[float, float] | None, *,
    anywhere: bool = False,
) -> Any:  # fmt: skip
    """Return a report with a point: its own, the one given, or, of no case, its grid's middle."""
    if report.lon is not None:
        return report
    if point is not None:
        inside = connection.execute(
            _PLACE, {"j": report.jurisdiction_id, "lon": point[0], "lat": point[1]}
        ).one_or_none()
        if inside is None or not inside.inside:
            msg = f"the point {point[0]:.5f}, {point[1]:.5f} lies outside"
            raise InputError(msg, code="outside")
        change = {"geom": _point(*point), "area_id": inside.area_id}
        connection.execute(
            update(Report).where(Report.report_id == report.report_id).values(change)
        )
        return _report(connection, report.report_id)
    if not anywhere:
        msg = f"report {report.report_id} names a grid only: put it on the map before filing it"
        raise InputError(msg)
    middle = connection.execute(_MIDDLE, {"area": report.area_id}).one()
    return SimpleNamespace(**{**report._mapping, "lon": middle.lon, "lat": middle.lat})


def _point(lon: float, lat: float) -> Any:
    point = text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)")
    return point.bindparams(lon=lon, lat=lat)


_AREA = text("SELECT area_id FROM area WHERE jurisdiction_id = :j AND area_id = :area")
_MIDDLE = text(
    "SELECT ST_X(p) AS lon, ST_Y(p) AS lat FROM area, ST_PointOnSurface(geom) AS p "
    "WHERE area_id = :area"
)
_PLACE = text(
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


def _report(connection: Connection, report_id: UUID) -> Any:
    place = [text("ST_X(geom) AS lon"), text("ST_Y(geom) AS lat")]
    query = select(Report.__table__, *place).where(Report.report_id == report_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no report {report_id}")
    return row


def _attach(connection: Connection, report_id: UUID, case_id: int, category_id: int | None) -> None:
    change = {"case_id": case_id, "category_id": category_id}
    connection.execute(update(Report).where(Report.report_id == report_id).values(change))


def _same(first: int | None, second: int | None) -> bool | None:
    return None if first is None or second is None else first == second
