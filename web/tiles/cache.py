"""Tiles as bytes, kept until their layer changes; the same tile is drawn once at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True)
class Tile:
    """One tile, compressed, with its tag for the browser."""

    gzipped: bytes
    etag: str


@dataclass
class TileCache:
    """The least lately used tiles go when there is no room; all of a layer go when it changes.

    Attributes
    ----------
    most_bytes
        How much is kept.
    oldest_s
        A tile is drawn again after so long, in case that a notice was missed.
    """

    most_bytes: int = 256 * 2**20
    oldest_s: float = 300.0
    _tiles: OrderedDict[Hashable, tuple[float, Tile]] = field(default_factory=OrderedDict)
    _drawing: dict[Hashable, asyncio.Task[Tile]] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _bytes: int = 0

    def hear(self, layer: str) -> None:
        """Note that a layer changed; without a name, that any may have."""
        for name in [layer] if layer else list(self._versions):
            self._versions[name] = self._versions.get(name, 0) + 1

    async def get(self, layer: str, key: Hashable, draw: Callable[[], Awaitable[Tile]]) -> Tile:
        """Return a tile, drawn only if it is not kept; who comes meanwhile waits for it."""
        version = self._versions.setdefault(layer, 0)
        whole = (layer, version, key)
        found = self._tiles.get(whole)
        if found is not None and monotonic() - found[0] < self.oldest_s:
            self._tiles.move_to_end(whole)
            return found[1]
        task = self._drawing.get(whole)
        if task is None:
            task = asyncio.ensure_future(draw())
            self._drawing[whole] = task
            task.add_done_callback(lambda done: self._keep(whole, done))
        # A browser that goes away does not stop the drawing for the others.
        return await asyncio.shield(task)

    def _keep(self, key: Hashable, done: asyncio.Future[Tile]) -> None:
        self._drawing.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        old = self._tiles.pop(key, None)
        self._bytes += len(done.result().gzipped) - (len(old[1].gzipped) if old else 0)
        self._tiles[key] = (monotonic(), done.result())
        while self._bytes > self.most_bytes:
            _, (_, gone) = self._tiles.popitem(last=False)
            self._bytes -= len(gone.gzipped)
