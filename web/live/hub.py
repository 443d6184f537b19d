"""Tells every screen of this process what happened; reads each event from the database once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import psycopg

from web.auth.principal import Principal
from web.database import EVERYTHING, Databases
from web.live.events import Wish, read_ends, read_events, read_newest
from web.live.recent import PAGE, Audience, Recent

LOG = logging.getLogger("gridbeat.live")
_AGAIN_S, _PATIENCE_S = 1.0, 2.0
_STEERED = b"event: direct\ndata: {}\n\n"
RESET = b"event: reset\ndata: {}\n\n"


@dataclass(eq=False)
class Screen:
    """One screen: how far it has been told, and the notices that wait for it.

    It has no queue: what it lacks is what lies after `sent`. So a slow screen costs no memory,
    and nothing can be lost on the way to it or sent twice.
    """

    audience: Audience
    wall: str | None
    sent: int
    notices: dict[bytes, None] = field(default_factory=dict)
    is_gone: bool = False
    _bell: asyncio.Future[bool] | None = None

    def ring(self, *, news: bool = True) -> None:
        """Wake whoever waits for this screen's news."""
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(news)

    def leave(self) -> None:
        """Note that nobody reads any more."""
        self.is_gone = True
        self.ring()

    def take_notices(self) -> bytes:
        """Return the notices that wait, each once."""
        taken = b"".join(self.notices)
        self.notices.clear()
        return taken

    async def wait(self, longest_s: float) -> bool:
        """Wait for news; return False if there was none for so long."""
        loop = asyncio.get_running_loop()
        self._bell = loop.create_future()
        timer = loop.call_later(longest_s, lambda: self.ring(news=False))
        try:
            return await self._bell
        finally:
            timer.cancel()
            self._bell = None


@dataclass
class Hub:
    """The screens of this process, and the newest events.

    Attributes
    ----------
    keep
        How many events are kept in memory at least: a screen that comes back and lacks no more
        costs the database nothing.
    together_s
        Events of so long a time are told together: a wall needs them within a second, and a
        hundred screens cost less so.
    """

    databases: Databases
    keep: int = 10_000
    together_s: float = 0.2
    recent: Recent = field(init=False)
    is_closing: bool = False
    _screens: set[Screen] = field(default_factory=set)
    _audiences: WeakValueDictionary[Any, Audience] = field(default_factory=WeakValueDictionary)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _look: bool = True
    _layers: dict[bytes, None] = field(default_factory=dict)
    _walls: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None
    # Screens that lack more than is in memory read the log a few at a time, or they would take
    # every connection from those who want to see a map.
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        self.recent = Recent(self.keep)

    async def start(self) -> None:
        """Read the newest events, then begin to tell; no screen may come before."""
        async with self.databases.rows(EVERYTHING) as rows:
            self.recent.start(await read_newest(rows, most=self.keep))
        self._task = asyncio.create_task(self._tell_for_ever(), name="gridbeat-hub")

    async def stop(self) -> None:
        """Stop telling."""
        self.let_go()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def let_go(self) -> None:
        """End every screen's answer: the service stops, and screens come back to its successor."""
        self.is_closing = True
        for screen in self._screens:
            screen.ring()

    def hear_event(self, _number: str) -> None:
        """Note that there is something new, or that something may have been missed."""
        self._look = True
        self._news.set()

    def hear_layer(self, layer: str) -> None:
        """Pass on that a map layer changed; not kept: whoever comes later draws anew anyway."""
        self._layers[f'event: layer\ndata: {{"layer":"{layer or "*"}"}}\n\n'.encode()] = None
        self._news.set()

    def hear_wall(self, wall: str) -> None:
        """Pass on that a wall's view changed, or any may have; its screens read it themselves."""
        self._walls.add(wall)
        self._news.set()

    def screen(self, principal: Principal, wish: Wish, after: int | None) -> Screen:
        """Return a screen that has all up to a number, or wants only what happens from now on."""
        sent = self.recent.last if after is None else after
        return Screen(self.audience(principal, wish), wish.wall, sent)

    @contextmanager
    def telling(self, screen: Screen) -> Iterator[None]:
        """Ring a screen when there is something for it, as long as it is told."""
        self._screens.add(screen)
        try:
            yield
        finally:
            self._screens.discard(screen)

    def has_news(self, screen: Screen) -> bool:
        """Tell whether a screen lacks anything; after this, it is rung when it does."""
        return bool(screen.notices) or screen.sent < self.recent.last

    def audience(self, principal: Principal, wish: Wish) -> Audience:
        """Return those who hear the same as somebody with a wish."""
        key = (principal.scope, principal.permissions, wish.kinds, wish.areas, wish.classes)
        found = self._audiences.get(key)
        if found is None:
            found = self._audiences[key] = Audience(principal, wish)
        return found

    async def news(self, screen: Screen, principal: Principal) -> bytes:
        """Return what a screen lacks, a page at most, and take it for sent."""
        if screen.sent < self.recent.base:
            return await self._read_log(screen, principal)
        data, screen.sent = screen.audience.news(self.recent, screen.sent)
        return data

    async def check_start(self, screen: Screen) -> bytes:
        """Return what tells a screen to load anew, if the log does not hold what it lacks."""
        if self.recent.base <= screen.sent <= self.recent.last:
            return b""
        async with self._reading, self.databases.rows(EVERYTHING) as rows:
            ends = await read_ends(rows)
        first, last = ends or (1, 0)
        if screen.sent > last:  # it has seen another log: this one was restored or made anew
            screen.sent = self.recent.last
            return RESET
        return RESET if 0 < screen.sent < first - 1 else b""

    async def _read_log(self, screen: Screen, principal: Principal) -> bytes:
        """Return the next page of the log; row-level security leaves out what is not for it."""
        async with self._reading:
            base = self.recent.base  # was read before, so the log shows all up to it by now
            async with self.databases.rows(principal.scope) as rows:
                events = await read_events(rows, after=screen.sent, most=PAGE)
        last = events[-1].number if events else 0
        screen.sent = last if len(events) == PAGE else max(last, base)
        return screen.audience.messages(events)

    async def _tell_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._read()
                pause_s = self.together_s
            except (psycopg.Error, OSError) as error:  # of the pool, too
                LOG.warning("events cannot be read, again in %.0f s: %s", _AGAIN_S, error)
                self.hear_event("")
                pause_s = _AGAIN_S
            self._wake()
            await asyncio.sleep(pause_s)

    async def _read(self) -> None:
        if not self._look:
            return
        self._look = False
        async with self.databases.rows(EVERYTHING, wait_s=_PATIENCE_S) as rows:
            while events := await read_events(rows, after=self.recent.last, most=PAGE):
                self.recent.add(events)
                if len(events) < PAGE:
                    return

    def _wake(self) -> None:
        layers, walls = self._layers, self._walls
        self._layers, self._walls = {}, set()
        for screen in self._screens:
            screen.notices |= layers
            if walls and screen.wall is not None and ("" in walls or screen.wall in walls):
                screen.notices[_STEERED] = None
            if self.has_news(screen):
                screen.ring()
