"""The service as people start it, its faults, and what it and its database use of the processors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from geo.cluster.layout import Cluster
from geo.cluster.processes import running_process
from geo.cluster.server import ensure_running
from geo.database.connect import Database, connect

_KILL_LISTENER = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def cpu_s(process: int | None) -> float:
    """Return what a process, those that it began and those of them that ended used, seconds."""
    if process is None:
        return 0.0
    total = 0.0
    try:
        top = psutil.Process(process)
        for one in [top, *top.children(recursive=True)]:
            used = one.cpu_times()
            total += used.user + used.system
            if one is top:
                total += used.children_user + used.children_system
    except psutil.NoSuchProcess:
        pass
    return total


@dataclass
class Service:
    """`gridbeat serve` on a private cluster; both can be killed and start anew."""

    home: Path
    cluster: Cluster
    database: Database
    processes: int = 1
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _gone_s: dict[str, float] = field(default_factory=lambda: {"service": 0.0, "database": 0.0})

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(Path(sys.executable).with_name("gridbeat")), "serve", "--port", str(self.port),
            "--processes", str(self.processes),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=os.environ | {"GRIDBEAT_HOME": str(self.home)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while self.process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError("the service did not start")

    def kill(self) -> None:
        """Kill it without a word."""
        if self.process is not None and self.process.poll() is None:
            self._gone_s["service"] += cpu_s(self.process.pid)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> float:
        """Tell it to stop; return how long it took, seconds."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return time.monotonic() - began

    def restart(self) -> None:
        """Kill it and start it anew."""
        self.kill()
        self.start()

    def kill_listener(self) -> None:
        """Cut the service's one connection that listens."""
        with connect(self.database, role="owner", autocommit=True) as connection:
            row = connection.execute(_KILL_LISTENER).fetchone()
        if row is None or row[0] < 1:
            raise RuntimeError("nothing listened: the fault did not happen")

    def kill_database(self) -> None:
        """Crash the server: every connection ends, and it recovers from its log."""
        process = running_process(self.cluster)
        if process is None:
            raise RuntimeError("the database did not run: the fault did not happen")
        self._gone_s["database"] += cpu_s(process)
        os.kill(process, signal.SIGQUIT)
        while running_process(self.cluster) is not None:
            time.sleep(0.05)
        ensure_running(self.cluster)

    def used(self) -> dict[str, float]:
        """Return what service and database have used so far, seconds of a processor."""
        service = self.process.pid if self.process is not None else None
        return {
            "service": self._gone_s["service"] + cpu_s(service),
            "database": self._gone_s["database"] + cpu_s(running_process(self.cluster)),
        }

    def memory_mib(self) -> float:
        """Return what the service's processes hold in memory, MiB."""
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        held = [one.memory_info().rss for one in [top, *top.children(recursive=True)]]
        return sum(held) / 2**20

    def connections(self) -> int:
        """Return how many connections the service has to the database."""
        with connect(self.database, role="owner", autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gridbeat_web'"
            ).fetchone()
        return int(row[0]) if row else 0
