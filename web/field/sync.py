"""A tablet's entries, each done once whatever becomes of the others, with what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, GridbeatError, InputError
from governance.cases.steps import Step
from governance.intake.reports import NewReport
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.cases.clocks import ClockMemory
from web.cases.spots import Place
from web.cases.steps import do_step
from web.cases.taking_in import take_one
from web.database import Databases
from web.errors import ForbiddenError, MovedOnError
from web.field.entries import (
    ArriveNoted,
    Batch,
    DutyNoted,
    Entry,
    LeaveNoted,
    ReportNoted,
    StepNoted,
)
from web.field.visits import arrive, leave
from web.models import FieldEntry
from web.refusals import Told, tell_database_error, tell_error

Outcome = Literal["done", "conflict", "rejected"]
NOTED_SKEW_S = 120.0
DEADLOCK = "40P01"
DONE: Told = ("已办理", "done")


@dataclass(frozen=True)
class Sender:
    """Who sends, by which device, whose clock is how many seconds ahead of the server's."""

    principal: Principal
    batch: Batch
    skew_s: float
    now: datetime

    def moment(self, at: datetime) -> datetime:
        """Return a moment of the device's clock set right; never later than now."""
        try:
            return min(at.astimezone(UTC) - timedelta(seconds=self.skew_s), self.now)
        except OverflowError:
            return self.now


def take_batch(
    databases: Databases, principal: Principal, batch: Batch, clocks: ClockMemory, *,
    now: datetime, log: Callable[[Connection, Sender, Sequence[Mapping[str, Any]]], None],
) -> dict[str, Any]:  # fmt: skip
    """Do what a tablet noted, in its order, and answer for each entry.

    One transaction, with a savepoint an entry: one that is refused holds up no other. When the
    connection breaks before its end nothing was done, and the device sends all of it again. Two
    tablets that wait for each other's cases are taken apart: an entry a transaction.

    Parameters
    ----------
    log
        Writes who sent what into the log, last in the transaction that did it.
    """
    skew_s = (batch.sent_at - now).total_seconds()
    sender = Sender(principal, batch, skew_s, now)
    entries = sorted(batch.entries, key=lambda entry: entry.sequence)
    answers: list[dict[str, Any]] = []
    try:
        with databases.store(principal.scope) as connection:
            answers = take_entries(connection, sender, entries, clocks)
            log(connection, sender, answers)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != DEADLOCK:
            raise
        answers = []
        for entry in entries:
            with databases.store(principal.scope) as connection:
                one = take_entries(connection, sender, [entry], clocks)
                log(connection, sender, one)
            answers += one
    return {
        "received_at": now.isoformat(),
        "skew_s": round(skew_s, 3),
        "clock_is_off": abs(skew_s) > NOTED_SKEW_S,
        "answers": answers,
    }


@dataclass(frozen=True)
class Became:
    """What became of an entry, before it is noted."""

    entry: Entry
    outcome: Outcome
    answer: dict[str, Any]


def take_entries(
    connection: Connection, sender: Sender, entries: Sequence[Entry], clocks: ClockMemory
) -> list[dict[str, Any]]:
    """Do entries in their order, each behind a savepoint, or say what became of those known."""
    known = _known(connection, sender, entries)
    became: dict[UUID, Became] = {}
    for entry in entries:
        if entry.entry_id not in known and entry.entry_id not in became:
            became[entry.entry_id] = _become(connection, sender, entry, clocks)
    noted = _note(connection, sender, list(became.values()))
    late = [one.entry for one in became.values() if one.entry.entry_id not in noted]
    known |= _known(connection, sender, late)  # the same batch came twice at once
    answers, told = [], set()
    for entry in entries:
        number = entry.entry_id
        if number in known:
            answers.append(known[number])
            continue
        one = became[number]
        again = number in told and one.outcome == "done"
        answers.append(_told(entry, "already_done" if again else one.outcome, one.answer))
        told.add(number)
    return answers


def _become(connection: Connection, sender: Sender, entry: Entry, clocks: ClockMemory) -> Became:
    outcome: Outcome = "done"
    told, more = DONE, {}
    try:
        with connection.begin_nested():
            more = _do(connection, sender, entry, clocks)
    except ConflictError as error:
        outcome = "conflict"
        told = error.told if isinstance(error, MovedOnError) else tell_error(error)
        more = {"code": error.code, **getattr(error, "more", {})}
    except GridbeatError as error:
        outcome, told, more = "rejected", tell_error(error), {"code": error.code}
    except DBAPIError as error:
        refused = tell_database_error(error)
        if refused is None:
            raise  # the database's trouble, not the entry's: the device tries again
        outcome, told = "rejected", refused
    return Became(entry, outcome, {"zh": told[0], "en": told[1], **more})


def _do(
    connection: Connection, sender: Sender, entry: Entry, clocks: ClockMemory
) -> dict[str, Any]:
    if isinstance(entry, StepNoted):
        return _step(connection, sender, entry, clocks)
    if isinstance(entry, ReportNoted):
        return _report(connection, sender, entry)
    at = sender.moment(entry.at)
    if isinstance(entry, ArriveNoted):
        return arrive(connection, sender.principal, entry, at=at)
    if isinstance(entry, LeaveNoted):
        return leave(connection, sender.principal, entry, at=at)
    return _duty(entry, at)


def _step(
    connection: Connection, sender: Sender, entry: StepNoted, clocks: ClockMemory
) -> dict[str, Any]:
    step = Step(
        entry.action, sender.principal.login, sender.moment(entry.at), entry.entry_id,
        entry.seen_version, entry.reason, evidence=tuple(entry.evidence), outcome=entry.outcome,
    )  # fmt: skip
    done = do_step(connection, sender.principal, entry.case_id, step, clocks, now=sender.now)
    case = done.case
    due = case.due_at.astimezone(UTC).isoformat() if case.due_at else None
    return {"case_id": case.case_id, "number": case.number, "version": case.version,
            "state": case.state, "due_at": due}  # fmt: skip


def _report(connection: Connection, sender: Sender, entry: ReportNoted) -> dict[str, Any]:
    if not sender.principal.may(Permission.CASES_REPORT):
        msg = f"your roles do not include {Permission.CASES_REPORT}"
        raise ForbiddenError(msg, code="not-your-role")
    seen_at = sender.moment(entry.at)
    if seen_at.year < 2000:
        raise InputError(
            "the time of the find lies before 2000: set the tablet's clock", code="clock-wrong"
        )
    new = NewReport(
        entry.entry_id, "tablet", sender.now, seen_at, entry.words, entry.lon, entry.lat,
        sender.principal.login, category_id=entry.category_id, address=entry.address,
    )  # fmt: skip
    place = Place(entry.lon, entry.lat, accuracy_m=entry.accuracy_m)
    answer = take_one(connection, new, place)
    return {"report_id": str(entry.entry_id), "area": answer.spot.area if answer.spot else None}


def _duty(entry: DutyNoted, at: datetime) -> dict[str, Any]:
    return {"on": entry.on, "at": at.isoformat()}


def _known(
    connection: Connection, sender: Sender, entries: Sequence[Entry]
) -> dict[UUID, dict[str, Any]]:
    """Return what became of those that came before, by their number."""
    if not entries:
        return {}
    by_number = {entry.entry_id: entry for entry in entries}
    query = select(
        FieldEntry.entry_id, FieldEntry.account_id, FieldEntry.kind, FieldEntry.outcome,
        FieldEntry.answer,
    ).where(FieldEntry.entry_id.in_(by_number))  # fmt: skip
    found = {}
    for row in connection.execute(query):
        entry = by_number[row.entry_id]
        if (row.account_id, row.kind) != (sender.principal.account_id, entry.kind):
            msg = f"entry {entry.entry_id} is another's; make a new number"
            told = tell_error(ConflictError(msg, code="number-used"))
            answer = {"zh": told[0], "en": told[1], "code": "number-used"}
            found[row.entry_id] = _told(entry, "rejected", answer)
        else:
            outcome = "already_done" if row.outcome == "done" else row.outcome
            found[row.entry_id] = _told(entry, outcome, row.answer)
    return found


def _note(connection: Connection, sender: Sender, became: Sequence[Became]) -> set[UUID]:
    """Note what became of entries, and return the numbers of those that nobody noted before."""
    if not became:
        return set()
    rows = [
        {
            "entry_id": one.entry.entry_id, "account_id": sender.principal.account_id,
            "device_id": sender.batch.device_id, "sequence": one.entry.sequence,
            "kind": one.entry.kind, "device_at": one.entry.at, "skew_s": sender.skew_s,
            "outcome": one.outcome, "answer": one.answer,
        }
        for one in became
    ]  # fmt: skip
    done = connection.execute(
        insert(FieldEntry).values(rows).on_conflict_do_nothing().returning(FieldEntry.entry_id)
    )
    return set(done.scalars())


def _told(entry: Entry, outcome: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {"entry_id": str(entry.entry_id), "kind": entry.kind, "outcome": outcome, **answer}
