"""An answer that goes on for as long as somebody reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Write = Callable[[bytes], Awaitable[None]]


class EventStream(Response):
    """Server-sent events, written by a function that is told when nobody reads any more.

    Unlike ``StreamingResponse`` it runs one task a reader besides the one that waits for the end,
    and none for each piece: with hundreds of readers that is most of the cost.

    Parameters
    ----------
    tell
        Called with what writes a piece, which waits while the reader's line is full; the answer
        ends when it returns.
    leave
        Called once when the reader has gone.
    """

    media_type = "text/event-stream"

    def __init__(
        self, tell: Callable[[Write], Awaitable[None]], *, leave: Callable[[], None]
    ) -> None:
        self.status_code = 200
        self.background = None
        self._tell, self._leave = tell, leave
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until there is no more to say or nobody to hear it."""
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        watch = asyncio.create_task(self._wait_for_end(receive))
        try:
            await self._tell(write)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watch.cancel()

    async def _wait_for_end(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()
