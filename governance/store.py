"""Cases, calendars and routes out of the database and into it. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.places import Area, Jurisdiction
from governance import queries
from governance.cases.states import RULES, Stage, level_above
from governance.cases.steps import DEFAULT_LIMITS, Case, Limits, Step, believed_time, plan_move
from governance.clock.calendar import CalendarDay, WorkCalendar
from governance.clock.deadlines import TimeLimit, WorkClock, make_work_clock
from governance.clock.hours import OFFICE_HOURS, Spells
from governance.models import CaseFile, CaseTransition, StageLimit, WorkCalendarDay, WorkSpell

# Steps that nobody asked for are the clock's; their request follows from case and step.
CLOCK = "clock"
_CLOCK_REQUESTS = UUID("6f1f4b0e-6f3a-5b0c-9d53-0d5e3f6f5a01")
_GUARD_ERRORS = {"GB409": ConflictError, "GB400": InputError}


@dataclass(frozen=True)
class Route:
    """Who a case is proposed to go to, and by which rule.

    Attributes
    ----------
    level
        Where the case begins: the rule's own level, or the department's.
    """

    department_id: int
    name: str
    name_en: str
    level: str
    basis: str
    reason_zh: str
    reason_en: str


def write_calendar(
    connection: Connection,
    jurisdiction_id: int,
    calendar: WorkCalendar,
    *,
    source: str,
    daily: Spells | None = None,
) -> int:
    """Store whole years of a work calendar, over what was there; return how many days.

    Parameters
    ----------
    source
        Where the days come from, such as the number of the official notice.
    daily
        Open hours of a working day; None keeps those that are there, or sets office hours.
    """
    rows = [
        {
            "jurisdiction_id": jurisdiction_id,
            "day": entry.day,
            "is_workday": entry.is_workday,
            "kind": entry.kind,
            "name": entry.name,
            "source": source,
            "provisional": entry.day.year in calendar.provisional_years,
        }
        for entry in calendar.days
    ]
    statement = upsert(WorkCalendarDay)
    changed = {name: statement.excluded[name] for name in rows[0] if name[:3] not in {"jur", "day"}}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["jurisdiction_id", "day"], set_=changed),
        rows,
    )
    known = connection.execute(queries.select_spells(jurisdiction_id)).all()
    if daily is not None or not known:
        write_spells(connection, jurisdiction_id, daily or OFFICE_HOURS)
    return len(rows)


def read_calendar(connection: Connection, jurisdiction_id: int) -> WorkCalendar | None:
    """Read the work calendar of a jurisdiction; None if none is loaded yet."""
    rows = connection.execute(queries.select_calendar(jurisdiction_id)).all()
    if not rows:
        return None
    days = tuple(CalendarDay(row.day, row.is_workday, row.kind, row.name) for row in rows)
    return WorkCalendar(days, frozenset(row.day.year for row in rows if row.provisional))


def confirm_year(
    connection: Connection,
    jurisdiction_id: int,
    year: int,
    *,
    off: set[date],
    work: set[date],
    source: str,
) -> None:
    """Enter the official notice of a year: days off, swapped working days; no longer provisional.

    Raises
    ------
    NotFoundError
        If the year is not loaded yet.
    InputError
        If a day lies outside the year or is both off and worked.
    """
    strange = {day for day in off | work if day.year != year} | (off & work)
    if strange:
        shown = ", ".join(str(day) for day in sorted(strange))
        raise InputError(f"{shown}: outside {year}, or both off and worked")
    calendar = read_calendar(connection, jurisdiction_id)
    if calendar is None or year not in calendar.years:
        raise NotFoundError(f"{year} is not loaded yet: run `gridbeat calendar load {year}`")
    days = tuple(_confirmed(entry, off, work) for entry in calendar.days if entry.day.year == year)
    write_calendar(connection, jurisdiction_id, WorkCalendar(days), source=source)


def _confirmed(entry: CalendarDay, off: set[date], work: set[date]) -> CalendarDay:
    if entry.day in off:
        return replace(entry, is_workday=False, kind="holiday")
    if entry.day in work:
        return replace(entry, is_workday=True, kind="swapped", name="")
    return entry


def write_spells(connection: Connection, jurisdiction_id: int, daily: Spells) -> None:
    """Replace the open hours of a working day."""
    connection.execute(delete(WorkSpell).where(WorkSpell.jurisdiction_id == jurisdiction_id))
    connection.execute(
        insert(WorkSpell),
        [
            {"jurisdiction_id": jurisdiction_id, "opens": opens, "closes": closes}
            for opens, closes in daily
        ],
    )


def read_work_clock(connection: Connection, jurisdiction_id: int) -> WorkClock:
    """Read the calendar and the open hours of a jurisdiction.

    Raises
    ------
    NotFoundError
        If no calendar is loaded yet.
    """
    calendar = read_calendar(connection, jurisdiction_id)
    if calendar is None:
        msg = "this jurisdiction has no work calendar yet: run `gridbeat calendar load 2026`"
        raise NotFoundError(msg, code="no-calendar")
    zone = connection.execute(
        select(Jurisdiction.time_zone).where(Jurisdiction.jurisdiction_id == jurisdiction_id)
    ).scalar_one()
    spells: list[tuple[time, time]] = [
        (row.opens, row.closes)
        for row in connection.execute(queries.select_spells(jurisdiction_id))
    ]
    return make_work_clock(calendar, ZoneInfo(zone), tuple(spells))


def write_limits(
    connection: Connection,
    jurisdiction_id: int,
    limits: Limits,
    *,
    scheme: str | None = None,
    category_code: str | None = None,
) -> None:
    """Store how long stages may take: of one class, or of all without one of their own."""
    values = {"scheme": scheme, "category_code": category_code}
    rows = [
        {"jurisdiction_id": jurisdiction_id, "stage": stage, "value": limit.value,
         "unit": limit.unit} | values
        for stage, limit in limits.items()
    ]  # fmt: skip
    statement = upsert(StageLimit)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["jurisdiction_id", "scheme", "category_code", "stage"],
            set_={"value": statement.excluded.value, "unit": statement.excluded.unit},
        ),
        rows,
    )


def read_limits(connection: Connection, jurisdiction_id: int, category_id: int | None) -> Limits:
    """Read the limits of a class; where the district has set none, the defaults hold."""
    found: dict[Stage, TimeLimit] = dict(DEFAULT_LIMITS)
    for row in connection.execute(queries.select_limits(jurisdiction_id, category_id)):
        found[row.stage] = TimeLimit(row.value, row.unit)
    return found


def read_case(connection: Connection, case_id: int) -> Case:
    """Read what a step looks at, and hold the case until the transaction ends.

    Raises
    ------
    NotFoundError
        There is none of that number, or it is not this account's to see.
    """
    return _case(_held(connection, case_id))


def find_case(connection: Connection, jurisdiction_id: int, number: str) -> int:
    """Return the key of the case with a number.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = select(CaseFile.case_id).where(
        CaseFile.jurisdiction_id == jurisdiction_id, CaseFile.number == number
    )
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no case {number}", code="no-case")
    return int(found)


def list_cases(
    connection: Connection, jurisdiction_id: int, *, due_before: datetime | None, most: int
) -> Sequence[Row[Any]]:
    """Read open cases, the first due at the top; only late ones if a moment is given."""
    query = queries.select_open_cases(jurisdiction_id, due_before=due_before, limit=most)
    return connection.execute(query).all()


def read_history(connection: Connection, case_id: int) -> Sequence[Row[Any]]:
    """Read every transition of a case, first to last, with its department's name."""
    return connection.execute(queries.select_history(case_id)).all()


def open_case(
    connection: Connection,
    *,
    jurisdiction_id: int,
    words: str,
    lon: float,
    lat: float,
    area_id: int | None,
    step: Step,
    clock: WorkClock,
) -> Case:
    """Open a case by its first step, ``report``, and return it.

    Raises
    ------
    InputError, ConflictError
        As `plan_move` says.
    """
    done = connection.execute(queries.select_step(step.request_id)).one_or_none()
    if done is not None:
        return read_case(connection, done.case_id)
    case_id = connection.execute(queries.next_case_id()).scalar_one()
    day = step.at.astimezone(clock.hours.zone)
    connection.execute(
        insert(CaseFile).values(
            case_id=case_id,
            jurisdiction_id=jurisdiction_id,
            number=f"{day:%Y%m%d}-{case_id:06d}",
            opened_at=step.at,
            state_since=step.at,
            words=words,
            geom=text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)").bindparams(lon=lon, lat=lat),
            area_id=area_id,
            category_id=step.category_id,
        )
    )
    return move_case(connection, case_id, step, clock=clock)


def move_case(
    connection: Connection,
    case_id: int,
    step: Step,
    *,
    clock: WorkClock,
    now: datetime | None = None,
) -> Case:
    """Do one step of a case and return the case after it; the same request twice is one step.

    Parameters
    ----------
    now
        The server's time where ``step.at`` comes from another clock, such as a tablet's: the step
        then counts as done no later than now. What was claimed is kept.

    Raises
    ------
    NotFoundError
        There is no such case.
    InputError, ConflictError
        As `plan_move` says, or somebody else was faster.
    """
    row = _held(connection, case_id)
    case = _case(row)
    if _is_done(connection, case, step):
        return case
    if step.seen_version is not None and step.seen_version != case.version:
        raise ConflictError(_moved_on(connection, case, step.seen_version))
    limits = read_limits(connection, row.jurisdiction_id, step.category_id or case.category_id)
    claimed, at = step.at, believed_time(step.at, last_at=case.last_at, now=now)
    step = replace(step, at=at)
    move = plan_move(case, step, clock=clock, limits=limits)
    values = {
        "case_id": case_id,
        "seq": case.version + 1,
        "request_id": step.request_id,
        "action": step.action,
        "from_state": case.state,
        "to_state": move.to_state,
        "actor": step.actor,
        "at": step.at,
        "reason": step.reason,
        "department_id": step.department_id,
        "category_id": step.category_id,
        "level": move.level,
        "outcome": step.outcome,
        "satisfaction": step.satisfaction,
        "merged_into": step.merged_into,
        "evidence": list(step.evidence),
        "due_at": move.due.at if move.due else None,
        "due_provisional": move.due.provisional if move.due else False,
        "handle_due_at": move.handle_due_at,
        "binding": step.binding,
        "claimed_at": claimed if claimed != at else None,
    }
    _insert_transition(connection, values)
    if step.action == "merge":
        connection.execute(queries.move_reports(case_id, step.merged_into))
    return read_case(connection, case_id)


def escalate_overdue(
    connection: Connection,
    jurisdiction_id: int,
    *,
    now: datetime,
    clock: WorkClock,
    most: int = 500,
) -> list[Case]:
    """Send late cases up one level, each once for its lateness; return them.

    A level that does not acknowledge in time passes it on likewise. A case at the top level stays
    there, late; the wall shows it. Cases that somebody else is moving at this moment are left to
    the next run.
    """
    late = connection.execute(queries.select_overdue(jurisdiction_id, now=now, limit=most)).all()
    moved = []
    for row in late:
        case = _case(row)
        if level_above(case.level) is None or not _may_escalate(case):
            continue
        step = Step(
            action="escalate",
            actor=CLOCK,
            at=now,
            request_id=uuid5(_CLOCK_REQUESTS, f"{case.case_id}/{case.version}"),
            reason=f"late since {case.due_at:%Y-%m-%d %H:%M} in {case.state}",
        )
        moved.append(move_case(connection, case.case_id, step, clock=clock))
    return moved


def propose_route(
    connection: Connection, jurisdiction_id: int, *, category_id: int | None, area_id: int | None
) -> Route | None:
    """Propose a department for a class in an area, by the closest rule; None if none fits."""
    chain = _areas_above(connection, area_id)
    query = queries.select_route(jurisdiction_id, category_id=category_id, area_ids=chain)
    row = connection.execute(query).first()
    return None if row is None else _route(row)


def list_routes(
    connection: Connection,
    jurisdiction_id: int,
    *,
    category_id: int | None,
    area_id: int | None,
    most: int = 3,
) -> list[Route]:
    """Return the departments that the table names for a class in an area, the closest fit first."""
    chain = _areas_above(connection, area_id)
    query = queries.select_route(jurisdiction_id, category_id=category_id, area_ids=chain)
    found: dict[int, Route] = {}
    for row in connection.execute(query):
        found.setdefault(row.department_id, _route(row))
    return list(found.values())[:most]


def _route(row: Row[Any]) -> Route:
    kind = row.class_name_en if row.category_code else "every class"
    where = (row.area_name_en or row.area_name) if row.area_id else "the whole district"
    kind_zh = f"“{row.class_name}”" if row.category_code else "所有类别"
    where_zh = row.area_name if row.area_id else "全区"
    return Route(
        row.department_id, row.name, row.name_en, row.level, row.basis,
        reason_zh=f"{where_zh}{kind_zh}由{row.name}负责{_basis(row.basis, '（{}）')}",
        reason_en=f"{row.name_en} is responsible for {kind} in {where}{_basis(row.basis, ' ({})')}",
    )  # fmt: skip


def _basis(words: str, form: str) -> str:
    return form.format(words) if words else ""


def _may_escalate(case: Case) -> bool:
    return case.state in RULES["escalate"].before


def _held(connection: Connection, case_id: int) -> Row[Any]:
    row = connection.execute(queries.select_case(case_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no case {case_id}", code="no-case")
    return row


def _case(row: Row[Any]) -> Case:
    values = dict(row._mapping)
    values.pop("jurisdiction_id", None)
    values["state"] = row.state if row.version else None
    return Case(**values)


def _is_done(connection: Connection, case: Case, step: Step) -> bool:
    """Tell whether this request was done already; a request of something else is refused."""
    done = connection.execute(queries.select_step(step.request_id)).one_or_none()
    if done is None:
        return False
    if (done.case_id, done.action, done.actor) != (case.case_id, step.action, step.actor):
        msg = f"request {step.request_id} was used for something else; make a new one"
        raise ConflictError(msg)
    return True


def _moved_on(connection: Connection, case: Case, seen: int) -> str:
    steps = connection.execute(queries.select_history(case.case_id)).all()
    newer = ", ".join(f"{row.action} by {row.actor}" for row in steps if row.seq > seen)
    return f"case {case.number} has moved on meanwhile ({newer}); look at it again"


def _insert_transition(connection: Connection, values: dict[str, Any]) -> None:
    try:
        connection.execute(insert(CaseTransition).values(values))
    except DBAPIError as error:
        kind = _GUARD_ERRORS.get(getattr(error.orig, "sqlstate", "") or "")
        if kind is None:
            raise
        raise kind(str(error.orig).splitlines()[0]) from error


def _areas_above(connection: Connection, area_id: int | None) -> list[int]:
    """Return an area and all above it, smallest first."""
    chain: list[int] = []
    while area_id is not None:
        chain.append(area_id)
        area_id = connection.execute(
            select(Area.parent_id).where(Area.area_id == area_id)
        ).scalar_one_or_none()
    return chain
