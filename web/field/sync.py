"""A tablet's entries, each done once in a transaction of its own, with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, GridbeatError, InputError
from governance.intake.reports import NewReport
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.cases import intake
from web.cases.clocks import ClockMemory
from web.cases.steps import Asked, do_step, read_head
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
    databases: Databases, principal: Principal, batch: Batch, clocks: ClockMemory, *, now: datetime
) -> dict[str, Any]:
    """Do what a tablet noted, in its order, and answer for each entry.

    A transaction an entry: what was done stays done when the connection breaks half-way, and the
    device, which sends the rest again, is told so.
    """
    skew_s = (batch.sent_at - now).total_seconds()
    sender = Sender(principal, batch, skew_s, now)
    answers = []
    for entry in sorted(batch.entries, key=lambda entry: entry.sequence):
        with databases.store(principal.scope) as connection:
            answers.append(take_entry(connection, sender, entry, clocks))
    return {
        "received_at": now.isoformat(),
        "skew_s": round(skew_s, 3),
        "clock_is_off": abs(skew_s) > NOTED_SKEW_S,
        "answers": answers,
    }


def take_entry(
    connection: Connection, sender: Sender, entry: Entry, clocks: ClockMemory
) -> dict[str, Any]:
    """Do one entry, or say what became of it when it came before."""
    known = _known(connection, sender, entry)
    if known is not None:
        return known
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
    answer = {"zh": told[0], "en": told[1], **more}
    if not _note(connection, sender, entry, outcome, answer):
        known = _known(connection, sender, entry)  # the same batch came twice at once
        if known is not None:
            return known
    return _told(entry, outcome, answer)


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
    head = read_head(connection, entry.case_id)
    # A wrong clock cannot put a step before the one that it follows.
    at = max(sender.moment(entry.at), head.state_since)
    asked = Asked(
        entry.action, entry.entry_id, entry.seen_version, entry.reason,
        evidence=tuple(entry.evidence), outcome=entry.outcome,
    )  # fmt: skip
    case = do_step(connection, sender.principal, entry.case_id, asked, clocks, at=at)
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
    spot = intake.find_spot(
        connection, lon=entry.lon, lat=entry.lat, area_id=None, accuracy_m=entry.accuracy_m
    )
    intake.check_category(connection, entry.category_id)
    new = NewReport(
        entry.entry_id, "tablet", sender.now, seen_at, entry.words, entry.lon, entry.lat,
        sender.principal.login, category_id=entry.category_id, address=entry.address,
        accuracy_m=entry.accuracy_m,
    )  # fmt: skip
    intake.take_in(connection, new, spot)
    return {"report_id": str(entry.entry_id), "area": spot.area}


def _duty(entry: DutyNoted, at: datetime) -> dict[str, Any]:
    return {"on": entry.on, "at": at.isoformat()}


def _known(connection: Connection, sender: Sender, entry: Entry) -> dict[str, Any] | None:
    query = select(FieldEntry.account_id, FieldEntry.kind, FieldEntry.outcome, FieldEntry.answer)
    row = connection.execute(query.where(FieldEntry.entry_id == entry.entry_id)).one_or_none()
    if row is None:
        return None
    if (row.account_id, row.kind) != (sender.principal.account_id, entry.kind):
        msg = f"entry {entry.entry_id} is another's; make a new number"
        told = tell_error(ConflictError(msg, code="number-used"))
        return _told(entry, "rejected", {"zh": told[0], "en": told[1], "code": "number-used"})
    return _told(entry, "already_done" if row.outcome == "done" else row.outcome, row.answer)


def _note(
    connection: Connection, sender: Sender, entry: Entry, outcome: Outcome, answer: dict[str, Any]
) -> bool:
    done = connection.execute(
        insert(FieldEntry)
        .values(
            entry_id=entry.entry_id, account_id=sender.principal.account_id,
            device_id=sender.batch.device_id, sequence=entry.sequence, kind=entry.kind,
            device_at=entry.at, skew_s=sender.skew_s, outcome=outcome, answer=answer,
        )
        .on_conflict_do_nothing()
        .returning(FieldEntry.entry_id)
    )  # fmt: skip
    return done.one_or_none() is not None


def _told(entry: Entry, outcome: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {"entry_id": str(entry.entry_id), "kind": entry.kind, "outcome": outcome, **answer}
