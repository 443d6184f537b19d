"""Telling live screens of cases that are late or soon will be, each stage once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

from sqlalchemy import Connection, text

SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Notice:
    """That a case is late in its stage, or soon will be.

    Attributes
    ----------
    kind
        ``due_soon`` or ``overdue``.
    """

    case_id: int
    number: str
    kind: str
    level: str
    due_at: datetime


def tell_deadlines(
    connection: Connection, jurisdiction_id: int, *, now: datetime, soon: timedelta = SOON,
    most: int = 500,
) -> list[Notice]:  # fmt: skip
    """Emit an event for each stage that became late or soon will be; return them. Never commits.

    What was told is noted in the same transaction as the event, by case, deadline and kind: a
    killed worker's notices are told by the next one, and none is told twice.
    """
    query = files("governance").joinpath("sql", "tell_deadlines.sql").read_text("utf-8")
    values = {"jurisdiction": jurisdiction_id, "now": now, "soon": now + soon, "most": most}
    rows = connection.execute(text(query), values)
    return [
        Notice(row.case_id, row.number, row.kind, row.level, row.due_at) for row in rows
    ]  # fmt: skip
