"""The service as it is started: one process or several on one port, told to stop with screens open."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.ports import listen_anywhere
from web.commands.serve import listen

pytestmark = pytest.mark.db
SERVE = "from web.cli import main; main()"


@contextmanager
def served(service: Service, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Run `gridbeat serve` on a free port; give its process, its port and the file of its log."""
    with listen_anywhere() as found:
        port = int(found.getsockname()[1])
    url = service.database.owner_url.render_as_string(hide_password=False)
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--port", str(port), *options],
            env={**os.environ, "GRIDBEAT_DATABASE_URL": url}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process, port, Path(log.name)
        finally:
            process.terminate()
            process.wait()


def open_line(
    service: Service, port: int, process: subprocess.Popen[bytes], log: Path
) -> socket.socket:
    """Open a screen's line, again and again until the service has begun, and read its first word."""
    while True:
        try:
            line = socket.create_connection(("127.0.0.1", port), timeout=120)
            break
        except ConnectionRefusedError:
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text()) from None
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {service.tokens['analyst']}"
    line.sendall(f"GET /live?last=0 HTTP/1.1\r\n{head}\r\n\r\n".encode())
    assert b"retry: " in read_until(line, b"retry: ")
    return line


def read_until(line: socket.socket, word: bytes) -> bytes:
    """Read until a word was said or the line has ended."""
    said = b""
    while word not in said and (more := line.recv(65_536)):
        said += more
    return said


@pytest.mark.parametrize("processes", [1, 2])
def test_every_screen_hears_all_once_and_is_let_go_when_the_service_is_told_to_stop(
    own_service: Service, processes: int
) -> None:
    with (
        served(own_service, "--processes", str(processes)) as (process, port, log),
        ExitStack() as open_lines,
    ):
        lines = [
            open_lines.enter_context(open_line(own_service, port, process, log)) for _ in range(12)
        ]
        with connect(own_service.database) as connection:
            row = connection.execute("SELECT emit_event('alert', 1, NULL, NULL, '{}')").fetchone()
        assert row is not None
        for line in lines:
            said = read_until(line, b"id: %d\n" % row[0])
            assert re.findall(rb"id: (\d+)\n", said).count(b"%d" % row[0]) == 1
        process.send_signal(signal.SIGTERM)
        for line in lines:
            read_until(line, b"0\r\n\r\n")  # the answer's proper end
        process.wait()
        assert "graceful shutdown exceeded" not in log.read_text()


def test_what_several_processes_accept_sends_the_body_without_waiting_for_a_receipt() -> None:
    config = uvicorn.Config("web.app:make_app", host="127.0.0.1", port=0)
    with listen(config) as shared:
        shared.listen()
        with socket.create_connection(shared.getsockname()), shared.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
