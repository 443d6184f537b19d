"""What many screens ask for at once is worked out once, and kept for a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Memo:
    """Answers by key, each for `period_s`; whoever asks meanwhile waits for the same answer.

    Attributes
    ----------
    most
        How many answers are kept; the oldest go first.
    """

    period_s: float
    most: int = 200
    _kept: dict[Hashable, tuple[float, str]] = field(default_factory=dict)
    _making: dict[Hashable, asyncio.Task[str]] = field(default_factory=dict)

    def forget(self) -> None:
        """Work everything out anew, whenever it is asked for next."""
        self._kept.clear()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[str]]) -> str:
        """Return the answer of `key`, made only if there is no fresh one."""
        found = self._kept.get(key)
        if found is not None and monotonic() < found[0]:
            return found[1]
        task = self._making.get(key)
        if task is None:
            task = asyncio.ensure_future(make())
            self._making[key] = task
            task.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(task)

    def _keep(self, key: Hashable, done: asyncio.Future[str]) -> None:
        self._making.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept.pop(key, None)
        self._kept[key] = (monotonic() + self.period_s, done.result())
        while len(self._kept) > self.most:
            self._kept.pop(next(iter(self._kept)))
