"""Work that the worker does again and again beside the queue, off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from geo.errors import GridbeatError

LOG = logging.getLogger("gridbeat.worker")


async def in_thread(work: Callable[[], object]) -> None:
    """Do blocking work in a thread; who cancels waits until it has ended.

    A thread can't be stopped. Left alone it would give its database connection back to a pool
    that was closed meanwhile, and write after the worker said that it had stopped.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def keep_doing(name: str, work: Callable[[], object], *, every_s: float) -> None:
    """Do the work again and again; a fault of one round is logged and the next one tries anew."""
    while True:
        try:
            await in_thread(work)
        except (GridbeatError, DBAPIError):
            LOG.exception("%s failed; it is tried again in %s s", name, every_s)
        await asyncio.sleep(every_s)
