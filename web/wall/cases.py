"""What a wall shows of cases: late and about to be, by level, solved at level, today's flow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from web.database import Rows, fetch_one
from web.wall.state import read_place

SOON = timedelta(hours=4)
MONTH = timedelta(days=30)


async def read_cases(rows: Rows, code: str | None, now: datetime) -> dict[str, Any]:
    """Return the panel of cases, and the moment that it is of.

    Raises
    ------
    NotFoundError
        There is no jurisdiction of that code that the caller may see.
    """
    place, _ = await read_place(rows, code, now)
    zone = ZoneInfo(place["time_zone"])
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {"jurisdiction": place["jurisdiction_id"], "now": now, "soon": now + SOON,
              "since": day, "month": now - MONTH}  # fmt: skip
    found = await fetch_one(rows, "wall_cases", values)
    told: dict[str, Any] = found[0] if found else {}
    return {**told, "as_of": now.isoformat()}
