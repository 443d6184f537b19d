"""What the worker does for cases every minute: send late ones up, tell of deadlines, purge."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select

from geo.models.places import Jurisdiction
from governance.calendar_store import read_work_clock
from governance.case_store import CLOCK, escalate_overdue
from governance.intake.contacts import ContactSettings, purge_contacts
from governance.models.calendar import WorkCalendarDay
from governance.watching import tell_deadlines
from web.jobs.rounds import keep_doing

LOG = logging.getLogger("gridbeat.worker")
EVERY_S = 60.0


async def keep_cases(engine: Engine, *, every_s: float = EVERY_S) -> None:
    """Do the round again and again."""
    keep_days = ContactSettings().keep_days
    await keep_doing(
        "the round of cases",
        lambda: do_round(engine, now=datetime.now(UTC), keep_days=keep_days),
        every_s=every_s,
    )


def do_round(engine: Engine, *, now: datetime, keep_days: int) -> None:
    """Do one round, each jurisdiction in a transaction of its own."""
    with engine.connect() as connection:
        places = _with_calendar(connection)
    for place in places:
        with engine.begin() as connection:
            clock = read_work_clock(connection, place)
            tell_deadlines(connection, place, now=now)
            escalate_overdue(connection, place, now=now, clock=clock)
    with engine.begin() as connection:
        gone = purge_contacts(connection, now=now, keep_days=keep_days, actor=CLOCK)
    if gone:
        LOG.info("%s contacts of reporters deleted", gone)


def _with_calendar(connection: Connection) -> list[int]:
    """Return the jurisdictions whose deadlines can be computed."""
    known = select(WorkCalendarDay.jurisdiction_id).distinct().scalar_subquery()
    query = select(Jurisdiction.jurisdiction_id).where(Jurisdiction.jurisdiction_id.in_(known))
    return list(connection.execute(query).scalars())
