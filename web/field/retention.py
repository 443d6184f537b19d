"""How long what tablets sent is kept, and the deletion of what is older."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, delete, func, select

from web.models import FieldEntry


class FieldSettings(BaseSettings):
    """What `GRIDBEAT_FIELD_*` variables say.

    Attributes
    ----------
    keep_days
        How long what became of a tablet's entry stays. A tablet that was without a network for
        longer would find its entries unknown: steps and reports are then still known by their own
        numbers, arrivals and duty are taken as new.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_FIELD_", frozen=True, extra="ignore")

    keep_days: int = Field(default=90, ge=14, le=3650)


def count_entries(connection: Connection, *, now: datetime, keep_days: int) -> tuple[int, int]:
    """Return how many entries `purge_entries` would delete, and how many there are."""
    old = func.count().filter(FieldEntry.received_at < now - timedelta(days=keep_days))
    row = connection.execute(select(old, func.count()).select_from(FieldEntry)).one()
    return int(row[0]), int(row[1])


def purge_entries(connection: Connection, *, now: datetime, keep_days: int) -> int:
    """Delete entries that came in more than `keep_days` ago; return how many.

    What they did stays: cases, reports, photos and visits have rows of their own.
    """
    before = now - timedelta(days=keep_days)
    return connection.execute(delete(FieldEntry).where(FieldEntry.received_at < before)).rowcount
