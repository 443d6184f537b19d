"""The one connection of a process that listens to the database's notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from geo.database.connect import Database, libpq_options

LOG = logging.getLogger("gridbeat.live")
Heard = Callable[[str], None]
LOST = ""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
# A line that went dead without a word is noticed within half a minute: nothing is ever sent on it.
_ALIVE = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3"}


class Listener:
    """Hears notices and calls whoever asked for a channel; comes back by itself when cut off.

    After every start and every break each callback hears `LOST`: what was said meanwhile is not
    known, so that it should look for itself.
    """

    def __init__(self, database: Database) -> None:
        self._conninfo = make_conninfo("", **libpq_options(database.web_url), **_ALIVE)
        self._heard: dict[str, list[Heard]] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    def on(self, channel: str, heard: Heard) -> None:
        """Call `heard` with the payload of every notice on a channel; before `start`."""
        self._heard.setdefault(channel, []).append(heard)

    def start(self) -> None:
        """Begin to listen, in the running event loop."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="gridbeat-listener")

    async def stop(self) -> None:
        """Stop listening and give the connection back."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen_for_ever(self) -> None:
        wait = _FIRST_WAIT_S
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True, connect_timeout=10
                ) as connection:
                    wait = _FIRST_WAIT_S
                    await self._listen(connection)
            except psycopg.Error as error:
                LOG.warning("listening was cut off, again in %.1f s: %s", wait, error)
            finally:
                self.is_connected = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _listen(self, connection: AsyncConnection) -> None:
        for channel in self._heard:
            await connection.execute(
                psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
            )
        self.is_connected = True
        for callbacks in self._heard.values():
            for heard in callbacks:
                heard(LOST)
        async for notice in connection.notifies():
            for heard in self._heard.get(notice.channel, ()):
                heard(notice.payload)
