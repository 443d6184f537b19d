"""Keeps the overview's counts of incidents up to date while the worker runs."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine

from geo.database.connect import Database
from geo.hexagons import refresh_hexagons
from web.live.listener import Listener

# Reports that come in together are counted together.
_TOGETHER_S = 1.0


async def keep_counting(database: Database, engine: Engine) -> None:
    """Count the days whose incidents changed, whenever the database says that some did."""
    changed = asyncio.Event()
    listener = Listener(database)
    listener.on("gridbeat_layers", lambda _layer: changed.set())
    listener.start()
    try:
        while True:
            await changed.wait()
            await asyncio.sleep(_TOGETHER_S)
            changed.clear()
            await asyncio.to_thread(_count, engine)
    finally:
        await listener.stop()


def _count(engine: Engine) -> None:
    with engine.begin() as connection:
        refresh_hexagons(connection)
