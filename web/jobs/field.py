"""What the worker does for tablets every day: delete old entries."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from web.field.retention import FieldSettings, purge_entries

LOG = logging.getLogger("gridbeat.worker")
EVERY_S = 86_400.0


async def keep_field(engine: Engine, *, every_s: float = EVERY_S) -> None:
    """Do the round again and again; a fault of one round is logged and the next one tries anew."""
    settings = FieldSettings()
    while True:
        try:
            await asyncio.to_thread(
                do_round, engine, now=datetime.now(UTC), keep_days=settings.keep_days
            )
        except DBAPIError:
            LOG.exception("old entries of tablets were not deleted; tried again in %s s", every_s)
        await asyncio.sleep(every_s)


def do_round(engine: Engine, *, now: datetime, keep_days: int) -> None:
    """Delete what is too old."""
    with engine.begin() as connection:
        gone = purge_entries(connection, now=now, keep_days=keep_days)
    if gone:
        LOG.info("%s old entries of tablets deleted", gone)
