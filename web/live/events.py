"""What happened: one event, what a screen wants of it, and how it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

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
    at
        Seconds since 1970 UTC.
    area_id
        The grid that it is about; None for the whole jurisdiction.
    """

    number: int
    at: float
    kind: str
    jurisdiction_id: int
    area_id: int | None
    category_id: int | None
    body: dict[str, Any]

    def message(self) -> bytes:
        """Return it as a server-sent event."""
        said = {"at": self.at, "area_id": self.area_id, "category_id": self.category_id}
        data = json.dumps(said | self.body, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.number}\nevent: {self.kind}\ndata: {data}\n\n".encode()


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


async def read_events(rows: Rows, *, after: int, most: int) -> list[Event]:
    """Read the next events after a number, as many as the connection's scope may see."""
    found = await rows.execute(packaged_sql("live_events"), {"after": after, "most": most})
    return [Event(*row) for row in await found.fetchall()]
