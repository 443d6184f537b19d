"""Many screens in one process, as cheap as they can be: epoll, no framework, little parsing."""

from __future__ import annotations

import re
import resource
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

AGAIN_S = 1.0
# A heartbeat has a number, too, but is no event.
_EVENT = re.compile(rb"id: (\d+)\nevent: incident\n")
Numbers = npt.NDArray[np.int64]


@dataclass(eq=False)
class Screen:
    """One screen: what it has heard and when, and its line while it has one."""

    token: str
    heard: list[tuple[float, Numbers]] = field(default_factory=list)
    last: int = 0
    connections: int = 0
    line: socket.socket | None = None
    is_greeted: bool = False
    rest: bytes = b""
    again_at: float = 0.0


class Screens:
    """All screens of this process, on one selector.

    What many screens are sent at once is the same bytes: they are searched for numbers once.
    """

    def __init__(self, tokens: list[str], port: int, begin: int) -> None:
        self.all = [Screen(token, last=begin) for token in tokens]
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._searched: dict[bytes, Numbers] = {}

    def open(self, screen: Screen) -> None:
        """Ask for what happens after the last event that a screen has."""
        try:
            line = socket.create_connection(("127.0.0.1", self._port), timeout=5)
            line.sendall(
                f"GET /live?kind=incident HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                f"Authorization: Bearer {screen.token}\r\nLast-Event-ID: {screen.last}\r\n\r\n"
                .encode()
            )  # fmt: skip
        except OSError:
            screen.again_at = time.monotonic() + AGAIN_S
            return
        line.setblocking(False)
        screen.line, screen.rest, screen.is_greeted = line, b"", False
        self._selector.register(line, selectors.EVENT_READ, screen)

    def close(self, screen: Screen) -> None:
        """Let a line go and come back a little later, as a browser does."""
        if screen.line is not None:
            self._selector.unregister(screen.line)
            screen.line.close()
        screen.line, screen.again_at = None, time.monotonic() + AGAIN_S

    def turn(self) -> None:
        """Read what there is to be read, for a tenth of a second at most, and open what is due."""
        for key, _ in self._selector.select(0.1):
            self._read(key.data)
        now = time.monotonic()
        for screen in self.all:
            if screen.line is None and now >= screen.again_at:
                self.open(screen)

    def _read(self, screen: Screen) -> None:
        assert screen.line is not None
        try:
            found = screen.line.recv(1 << 20)
        except OSError:
            found = b""
        if not found:
            self.close(screen)
            return
        now = time.time()
        if not screen.is_greeted:
            if not found.startswith(b"HTTP/1.1 200"):
                self.close(screen)
                return
            screen.is_greeted = True
            screen.connections += 1
        whole, gap, screen.rest = (screen.rest + found).rpartition(b"\n\n")
        if gap and len(numbers := self._search(whole)):
            screen.heard.append((now, numbers))
            screen.last = int(numbers[-1])

    def _search(self, text: bytes) -> Numbers:
        numbers = self._searched.get(text)
        if numbers is None:
            numbers = np.array([int(found) for found in _EVENT.findall(text)], dtype=np.int64)
            if len(self._searched) > 200:
                self._searched.clear()
            self._searched[text] = numbers
        return numbers


def run_screens(
    tokens: list[str], port: int, begin: int, newest: Any, ready: Any, path: str, patience_s: float
) -> None:
    """Be all screens until each has the newest event, and leave what they heard in a file.

    Parameters
    ----------
    newest
        A shared number: 0 while events are written, then the last one's. Who lacks it after
        `patience_s` seconds more is left behind.
    ready
        A shared event, set when every screen has a line.
    """
    screens = Screens(tokens, port, begin)
    until = float("inf")
    while time.monotonic() < until:
        screens.turn()
        if not ready.is_set() and all(one.connections for one in screens.all):
            ready.set()
            began = resource.getrusage(resource.RUSAGE_SELF)
        if newest.value and until == float("inf"):
            until = time.monotonic() + patience_s
        if newest.value and all(one.last >= newest.value for one in screens.all):
            break
    used = resource.getrusage(resource.RUSAGE_SELF)
    heard = [one.heard for one in screens.all]
    np.savez(
        path,
        numbers=np.concatenate([n for one in heard for _, n in one] or [np.zeros(0, np.int64)]),
        times=np.concatenate([np.full(len(n), t) for one in heard for t, n in one] or [[0.0]]),
        lengths=np.array([sum(len(n) for _, n in one) for one in heard]),
        connections=np.array([one.connections for one in screens.all]),
        cpu_s=used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime,
        memory_kib=used.ru_maxrss,
    )
