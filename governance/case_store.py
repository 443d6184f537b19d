"""Cases out of the database, and each step into it once. Never commits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select

from geo.errors import ConflictError, InputError, NotFoundError
from governance import queries
from governance.calendar_store import as_limits
from governance.cases.states import RULES, level_above
from governance.cases.steps import Case, Limits, Move, Step, believed_time, plan_move
from governance.clock.deadlines import WorkClock
from governance.models.cases import CaseFile, CaseTransition
from governance.statements import packaged

# Steps that nobody asked for are the clock's; their request follows from case and step.
CLOCK = "clock"
_CLOCK_REQUESTS = UUID("6f1f4b0e-6f3a-5b0c-9d53-0d5e3f6f5a01")


_LOOKED_AT = tuple(field.name for field in fields(Case))
# What the database refuses by itself: an error and its code.
_GUARD_ERRORS = {"GB409": (ConflictError, "wrong-state"), "GB400": (InputError, "step-refused")}


def read_case(connection: Connection, case_id: int) -> Case:
    """Read what a step looks at, and hold the case until the transaction ends.

    Raises
    ------
    NotFoundError
        There is none of that number, or it is not this account's to see.
    """
    row = connection.execute(queries.select_case(case_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no case {case_id}", code="no-case")
    return _case(row)


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


@dataclass(frozen=True)
class Held:
    """A case that nobody else can move until the transaction ends.

    Attributes
    ----------
    limits
        How long its stages may take; empty where the request was done already.
    done
        Whether the request that it was held for was done already.
    """

    case: Case
    jurisdiction_id: int
    limits: Limits
    done: bool


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
    by_request = select(CaseTransition.case_id).where(CaseTransition.request_id == step.request_id)
    done = connection.execute(by_request).scalar_one_or_none()
    if done is not None:
        return read_case(connection, done)
    values = {
        "jurisdiction": jurisdiction_id, "day": f"{step.at.astimezone(clock.hours.zone):%Y%m%d}-",
        "at": step.at, "words": words, "lon": lon, "lat": lat, "area": area_id,
        "category": step.category_id,
    }  # fmt: skip
    case_id = connection.execute(packaged("open_case"), values).scalar_one()
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
    return take_step(connection, hold_case(connection, case_id, step), step, clock=clock, now=now)


def hold_case(connection: Connection, case_id: int, step: Step) -> Held:
    """Hold a case for a step until the transaction ends, with all that the step looks at.

    Raises
    ------
    NotFoundError
        There is no such case, or it is not this account's to see.
    ConflictError
        The request was used for another step.
    """
    values = {"case": case_id, "request": step.request_id, "category": step.category_id}
    row = connection.execute(packaged("hold_case"), values).one()
    if row.case_id is None:
        raise NotFoundError(f"there is no case {case_id}", code="no-case")
    case = _case(row)
    done = row.done_case is not None
    if done and (row.done_case, row.done_action, row.done_actor) != (
        case_id, step.action, step.actor,
    ):  # fmt: skip
        msg = f"request {step.request_id} was used for something else; make a new one"
        raise ConflictError(msg, code="number-used")
    return Held(case, row.jurisdiction_id, {} if done else as_limits(row.limits), done)


def take_step(
    connection: Connection, held: Held, step: Step, *, clock: WorkClock, now: datetime | None = None
) -> Case:
    """Do one step of a case that is held; see `move_case`. The transaction survives a refusal.

    Raises
    ------
    InputError, ConflictError
        As `plan_move` says, or somebody else was faster.
    """
    case = held.case
    if held.done:
        return case
    if step.seen_version is not None and step.seen_version != case.version:
        raise ConflictError(_moved_on(connection, case, step.seen_version), code="moved-on")
    claimed, at = step.at, believed_time(step.at, last_at=case.last_at, now=now)
    step = replace(step, at=at)
    move = plan_move(case, step, clock=clock, limits=held.limits)
    given = _transition(case, step, move, claimed)
    row = connection.execute(packaged("take_step"), {"given": given}).one()
    if row.refused is not None:
        refusal, code = _GUARD_ERRORS[row.refused]
        raise refusal(row.message, code=code)
    if step.action == "merge":
        connection.execute(queries.move_reports(case.case_id, step.merged_into))
    return _case(row)


def _transition(case: Case, step: Step, move: Move, claimed: datetime) -> str:
    values = {
        "case_id": case.case_id,
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
        "evidence": step.evidence,
        "due_at": move.due.at if move.due else None,
        "due_provisional": move.due.provisional if move.due else False,
        "handle_due_at": move.handle_due_at,
        "binding": step.binding,
        "claimed_at": claimed if claimed != step.at else None,
    }
    return json.dumps(values, default=str, ensure_ascii=False)


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


def _may_escalate(case: Case) -> bool:
    return case.state in RULES["escalate"].before


def _case(row: Row[Any]) -> Case:
    values = {name: getattr(row, name) for name in _LOOKED_AT}
    values["state"] = row.state if row.version else None
    return Case(**values)


def _moved_on(connection: Connection, case: Case, seen: int) -> str:
    steps = connection.execute(queries.select_history(case.case_id)).all()
    newer = ", ".join(f"{row.action} by {row.actor}" for row in steps if row.seq > seen)
    return f"case {case.number} has moved on meanwhile ({newer}); look at it again"
