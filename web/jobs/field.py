"""What the worker does for tablets every day: delete old entries."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import Engine

from web.field.retention import FieldSettings, purge_entries
from web.jobs.rounds import keep_doing

LOG = logging.getLogger("gridbeat.worker")
EVERY_S = 86_400.0


async def keep_field(engine: Engine, *, every_s: float = EVERY_S) -> None:
    """Do the round again and again."""
    keep_days = FieldSettings().keep_days
    await keep_doing(
        "deleting old entries of tablets",
        lambda: do_round(engine, now=datetime.now(UTC), keep_days=keep_days),
        every_s=every_s,
    )


def do_round(engine: Engine, *, now: datetime, keep_days: int) -> None:
    """Delete what is too old."""
    with engine.begin() as connection:
        gone = purge_entries(connection, now=now, keep_days=keep_days)
    if gone:
        LOG.info("%s old entries of tablets deleted", gone)
