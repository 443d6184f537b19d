"""Ports that nobody takes by chance between being chosen and being used."""

from __future__ import annotations

import random
import socket
from contextlib import suppress


def listen(port: int) -> socket.socket:
    """Listen on a port of this machine."""
    return socket.create_server(("127.0.0.1", port), reuse_port=False)


def listen_anywhere() -> socket.socket:
    """Listen on a free port below those that the system gives to every outgoing connection."""
    for port in random.SystemRandom().sample(range(10_240, 32_000), 200):
        with suppress(OSError):
            return listen(port)
    raise OSError("no free port between 10240 and 32000")
