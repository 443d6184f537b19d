"""Work clocks by jurisdiction, read once a minute, and what a list shows of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from geo.errors import InputError, NotFoundError
from governance.calendar_store import read_work_clock
from governance.clock.deadlines import WorkClock

REMEMBERED_S = 60.0


@dataclass
class ClockMemory:
    """The calendars that were read lately: a list of cases needs one with each look."""

    found: dict[int, tuple[float, WorkClock]] = field(default_factory=dict)

    def get(self, connection: Connection, jurisdiction_id: int) -> WorkClock:
        """Return the clock of a jurisdiction.

        Raises
        ------
        NotFoundError
            No calendar is loaded yet.
        """
        until, clock = self.found.get(jurisdiction_id, (0.0, None))
        if clock is None or time.monotonic() >= until:
            clock = read_work_clock(connection, jurisdiction_id)
            self.found[jurisdiction_id] = (time.monotonic() + REMEMBERED_S, clock)
        return clock

    def find(self, connection: Connection, jurisdiction_id: int) -> WorkClock | None:
        """Return the clock, or None where no calendar is loaded: then no deadline is shown."""
        try:
            return self.get(connection, jurisdiction_id)
        except NotFoundError:
            return None


def tell_clock(clock: WorkClock, now: datetime) -> dict[str, Any]:
    """Return whether working time runs at a moment, and when that changes."""
    opens, closes = clock.hours.opens, clock.hours.closes
    at = int(now.timestamp())
    spell = int(np.searchsorted(opens, at, side="right")) - 1
    is_open = spell >= 0 and at < int(closes[spell])
    edges = closes[spell : spell + 1] if is_open else opens[spell + 1 : spell + 2]
    change = datetime.fromtimestamp(int(edges[0]), UTC).isoformat() if edges.size else None
    zone = clock.hours.zone.key
    return {"now": now.isoformat(), "open": is_open, "changes_at": change, "zone": zone}


def work_left_s(clock: WorkClock, now: datetime, due_at: datetime | None) -> int | None:
    """Return the working seconds to a deadline, negative after it; None without a deadline.

    None, too, where the deadline lies outside the calendar.
    """
    if due_at is None:
        return None
    try:
        return int(clock.worked(now, due_at).total_seconds())
    except InputError:
        return None
