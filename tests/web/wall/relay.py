"""A cable between a browser and the service that a test can pull and put back."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock, Thread
from urllib.parse import urlsplit

from tests.web.ports import listen, listen_anywhere


@dataclass
class Relay:
    """Passes bytes on; `cut` ends every connection and takes no new one until `mend`."""

    origin: str
    port: int = 0
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Take connections, at the same address as before."""
        self._listener = listen(self.port) if self.port else listen_anywhere()
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Pull the cable."""
        with self._lock:
            ends, self._open, self._listener = [self._listener, *self._open], [], None
        for one in ends:
            if one is not None:
                _close(one)

    def _accept(self, listener: socket.socket) -> None:
        target = urlsplit(self.origin)
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((target.hostname, target.port))
            with self._lock:
                is_cut = self._listener is not listener
                if not is_cut:
                    self._open += [near, far]
            if is_cut:  # while this connection was being made
                _close(near)
                _close(far)
                return
            for source, sink in ((near, far), (far, near)):
                Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
