"""A report becomes a case, joins one, or ends as none."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, select, text, update

from geo.errors import ConflictError, InputError, NotFoundError
from geo.incidents import NewIncident, record_incident
from governance.case_store import move_case, open_case, read_case
from governance.cases.states import Outcome
from governance.cases.steps import Case, Step
from governance.clock.deadlines import WorkClock
from governance.intake.reports import FOUND_BY, PLACE, Channel, point_of
from governance.models.reports import Report

INCIDENT_SOURCE = "gridbeat-cases"


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
        raise ConflictError(msg, code="report-filed")
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
        raise ConflictError(msg, code="report-filed")
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


def _placed(
    connection: Connection, report: Any, point: tuple[float, float] | None, *,
    anywhere: bool = False,
) -> Any:  # fmt: skip
    """Return a report with a point: its own, the one given, or, of no case, its grid's middle."""
    if report.lon is not None:
        return report
    if point is not None:
        inside = connection.execute(
            PLACE, {"j": report.jurisdiction_id, "lon": point[0], "lat": point[1]}
        ).one_or_none()
        if inside is None or not inside.inside:
            msg = f"the point {point[0]:.5f}, {point[1]:.5f} lies outside"
            raise InputError(msg, code="outside")
        change = {"geom": point_of(*point), "area_id": inside.area_id}
        connection.execute(
            update(Report).where(Report.report_id == report.report_id).values(change)
        )
        return _report(connection, report.report_id)
    if not anywhere:
        msg = f"report {report.report_id} names a grid only: put it on the map before filing it"
        raise InputError(msg, code="place-first")
    middle = connection.execute(_MIDDLE, {"area": report.area_id}).one()
    return SimpleNamespace(**{**report._mapping, "lon": middle.lon, "lat": middle.lat})


_MIDDLE = text(
    "SELECT ST_X(p) AS lon, ST_Y(p) AS lat FROM area, ST_PointOnSurface(geom) AS p "
    "WHERE area_id = :area"
)


def _report(connection: Connection, report_id: UUID) -> Any:
    place = [text("ST_X(geom) AS lon"), text("ST_Y(geom) AS lat")]
    query = select(Report.__table__, *place).where(Report.report_id == report_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no report {report_id}", code="no-report")
    return row


def _attach(connection: Connection, report_id: UUID, case_id: int, category_id: int | None) -> None:
    change = {"case_id": case_id, "category_id": category_id}
    connection.execute(update(Report).where(Report.report_id == report_id).values(change))
