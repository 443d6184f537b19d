"""Tells every screen of this process what happened; reads each event from the database once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import PoolTimeout

from web.auth.principal import Principal
from web.database import EVERYTHING, Databases
from web.live.events import Event, Wish, may_hear, read_events

LOG = logging.getLogger("gridbeat.live")
_PAGE = 1000
_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Steered:
    """A wall's view was set or let go; an empty name means that any may have been."""

    wall: str


@dataclass(eq=False)
class Batch:
    """Events that were read together, in order; what screens alike are sent is put together once.

    Hundreds of screens of one scope and wish share the same bytes.
    """

    events: list[Event]
    _sent: dict[Hashable, bytes] = field(default_factory=dict)

    def message(self, principal: Principal, areas: frozenset[int], wish: Wish, after: int) -> bytes:
        """Return what a screen is sent of them, after the last event that it has seen."""
        if self.events[0].number <= after:
            return self._put_together(principal, areas, wish, after)
        key = (principal.scope, principal.permissions, wish)
        if key not in self._sent:
            self._sent[key] = self._put_together(principal, areas, wish, after)
        return self._sent[key]

    def _put_together(
        self, principal: Principal, areas: frozenset[int], wish: Wish, after: int
    ) -> bytes:
        return b"".join(
            event.message()
            for event in self.events
            if event.number > after and may_hear(principal, areas, event) and wish.wants(event)
        )


Said = Batch | Steered | str


@dataclass(eq=False)
class Ear:
    """One screen's queue; full means that the screen is too slow and has to come back."""

    queue: asyncio.Queue[Said]
    is_full: bool = False

    def put(self, said: Said) -> None:
        """Queue what happened, or note that there is no room."""
        try:
            self.queue.put_nowait(said)
        except asyncio.QueueFull:
            self.is_full = True


@dataclass
class Hub:
    """The screens of this process, and the last event that they were told.

    Attributes
    ----------
    last
        Number of the last event read; None before the first look.
    room
        How many batches of events a screen may be behind.
    together_s
        Events of so long a time are told together: a wall needs them within a second, and a
        hundred screens cost less so.
    """

    databases: Databases
    room: int = 500
    together_s: float = 0.1
    last: int | None = None
    _ears: set[Ear] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell, in the running event loop."""
        self._task = asyncio.create_task(self._tell_for_ever(), name="gridbeat-hub")

    async def stop(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def hear_event(self, _number: str) -> None:
        """Note that there is something new, or that something may have been missed."""
        self._news.set()

    def hear_layer(self, layer: str) -> None:
        """Pass on that a map layer changed; not kept: whoever comes later draws anew anyway."""
        for ear in self._ears:
            ear.put(layer or "*")

    def hear_wall(self, wall: str) -> None:
        """Pass on that a wall's view changed; its screens read it themselves."""
        for ear in self._ears:
            ear.put(Steered(wall))

    @contextmanager
    def listening(self) -> Iterator[Ear]:
        """Give a queue of all that happens from now on."""
        ear = Ear(asyncio.Queue(self.room))
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    async def _tell_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._tell()
                await asyncio.sleep(self.together_s)
            except (psycopg.Error, PoolTimeout) as error:
                LOG.warning("events cannot be read, again in %.0f s: %s", _AGAIN_S, error)
                await asyncio.sleep(_AGAIN_S)
                self._news.set()

    async def _tell(self) -> None:
        async with self.databases.rows(EVERYTHING) as rows:
            if self.last is None:
                found = await rows.execute("SELECT coalesce(max(event_id), 0) FROM live_event")
                first = await found.fetchone()
                self.last = int(first[0]) if first else 0
            while True:
                events = await read_events(rows, after=self.last, most=_PAGE)
                if events:
                    batch = Batch(events)
                    for ear in self._ears:
                        ear.put(batch)
                    self.last = events[-1].number
                if len(events) < _PAGE:
                    return
