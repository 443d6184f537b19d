"""Keeps the overview's counts of incidents up to date while the worker runs."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy import Engine

from geo.database.connect import Database
from geo.hexagons import refresh_hexagon_ground, refresh_in_steps
from web.jobs.rounds import in_thread
from web.live.listener import Listener

# Reports that come in together are counted together.
_TOGETHER_S = 1.0
GROUND = ("", "ground", "looks", "areas")


async def keep_counting(database: Database, engine: Engine) -> None:
    """Count the days whose incidents changed, whenever the database says that some did.

    What counts are compared to, households and patrols, is counted anew when that changed.
    """
    changed, ground = asyncio.Event(), asyncio.Event()

    def hear(layer: str) -> None:
        changed.set()
        if layer in GROUND:
            ground.set()

    listener = Listener(database)
    listener.on("gridbeat_layers", hear)
    listener.start()
    try:
        while True:
            await changed.wait()
            await asyncio.sleep(_TOGETHER_S)
            changed.clear()
            await in_thread(partial(_count, engine))
            if ground.is_set():
                ground.clear()
                await in_thread(partial(_count_ground, engine))
    finally:
        await listener.stop()


def _count(engine: Engine) -> None:
    refresh_in_steps(engine.begin)


def _count_ground(engine: Engine) -> None:
    with engine.begin() as connection:
        refresh_hexagon_ground(connection)
