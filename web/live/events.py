"""What happened: one event, what a screen wants of it, and how it is sent."""

from __future__ import annotations

from dataclasses import dataclass

from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.database import Rows, packaged_sql

# What somebody needs to hear of a kind of event: any one of these.
NEEDED = {
    "incident": (Permission.INCIDENTS_READ,),
    "case": (Permission.INCIDENTS_READ, Permission.CASES_READ),
    "plan": (Permission.PLANS_READ,),
    "alert": (Permission.MAP_READ,),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log.

    Attributes
    ----------
    area_id
        The grid that it is about; None for the whole jurisdiction.
    message
        The event as it is sent, put together once for all screens.
    """

    number: int
    kind: str
    area_id: int | None
    category_id: int | None
    message: bytes


@dataclass(frozen=True)
class Wish:
    """What a screen wants to hear; None is everything, and of walls none."""

    kinds: frozenset[str] | None = None
    areas: frozenset[int] | None = None
    classes: frozenset[int] | None = None
    wall: str | None = None

    def wants(self, event: Event) -> bool:
        """Tell whether an event is asked for; one of no area or class concerns all."""
        return (
            (self.kinds is None or event.kind in self.kinds)
            and (self.areas is None or event.area_id is None or event.area_id in self.areas)
            and (
                self.classes is None
                or event.category_id is None
                or event.category_id in self.classes
            )
        )


def may_hear(principal: Principal, areas: frozenset[int], event: Event) -> bool:
    """Tell whether somebody may hear an event: by permission of its kind, and by area.

    Parameters
    ----------
    areas
        Those of the principal's scope, as a set.
    """
    if not any(principal.may(needed) for needed in NEEDED.get(event.kind, ())):
        return False
    return principal.scope.sees_all or event.area_id is None or event.area_id in areas


def write_message(number: int, kind: str, data: str) -> bytes:
    """Return a server-sent event; `data` is JSON, so it has no line breaks."""
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


async def read_events(rows: Rows, *, after: int, most: int) -> list[Event]:
    """Read the next events after a number, as many as the connection's scope may see."""
    found = await rows.execute(packaged_sql("live_events"), {"after": after, "most": most})
    return [
        Event(number, kind, area_id, category_id, write_message(number, kind, data))
        for number, kind, area_id, category_id, data in await found.fetchall()
    ]


async def read_newest(rows: Rows, *, most: int) -> list[Event]:
    """Read the newest events, in their order."""
    found = await rows.execute(packaged_sql("live_before_newest"), {"most": most})
    row = await found.fetchone()
    return await read_events(rows, after=int(row[0]) if row else 0, most=most)


async def read_ends(rows: Rows) -> tuple[int, int] | None:
    """Read the first and the last number of the log; None while it is empty."""
    found = await rows.execute("SELECT min(event_id), max(event_id) FROM live_event")
    row = await found.fetchone()
    return None if row is None or row[0] is None else (int(row[0]), int(row[1]))
