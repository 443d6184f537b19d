"""What the worker finds to raise an alert about, and the places that it watches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from web.database import packaged_sql

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Finding:
    """Something to raise an alert about; the same subject is the same alert."""

    subject: str
    severity: int
    title_zh: str
    title_en: str
    area_id: int | None = None
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A jurisdiction that is watched."""

    number: int
    zone: ZoneInfo


def hour_of_week(now: datetime, place: Place) -> float:
    """Return hours since Monday midnight, local."""
    local = now.astimezone(place.zone)
    return local.weekday() * 24 + local.hour + local.minute / 60


def read(connection: Connection, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a packaged query and return its rows by column name."""
    found = connection.exec_driver_sql(packaged_sql(name), values)
    return [dict(row) for row in found.mappings()]
