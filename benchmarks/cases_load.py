"""Clients that send HTTP over kept-alive connections, closed-loop or at a steady rate."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Cpu:
    """Seconds of processor time of the clients, the service and the database since the last look.

    On a shared machine it says what the clock does not: what a report costs.
    """

    service: int | None
    database: int | None
    before: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def look(self) -> tuple[float, float, float]:
        """Return seconds of clients (this process), service and database since the last look."""
        own = os.times()
        now = (own.user + own.system, _cpu_s(self.service), _cpu_s(self.database))
        since = tuple(b - a for a, b in zip(self.before, now, strict=True))
        self.before = now
        return since[0], since[1], since[2]


def _cpu_s(process: int | None) -> float:
    """Return what a process, its children and those that have ended have used."""
    if process is None:
        return 0.0
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(path.parent.name) == process:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == process:
            total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    token: str
    body: dict[str, Any]

    def bytes(self, port: int) -> bytes:
        """Return it as it goes over the wire."""
        body = json.dumps(self.body).encode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass
class Load:
    """What came of it: seconds a call, how long all took, and answers that were no success."""

    spent: list[float] = field(default_factory=list)
    took: float = 0.0
    failed: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def line(self, name: str, cpu: Cpu, *, each: int = 1, keeps_pace: bool | None = None) -> str:
        """Return a row of the table; `each` reports or batches a call."""
        used = [1000 * s / (len(self.spent) * each) for s in cpu.look()]
        low, middle, high = np.percentile(np.array(self.spent) * 1000, [50, 95, 99])
        rate = len(self.spent) * each / self.took
        pace = "" if keeps_pace is None else (" (kept pace)" if keeps_pace else " (fell behind)")
        return (
            f"| {name} | {rate:.0f}/s{pace} | {low:.1f} | {middle:.1f} | {high:.1f} | "
            f"{used[0]:.1f} + {used[1]:.1f} + {used[2]:.1f} | {len(self.spent):,} | "
            f"{len(self.failed)} |"
        )


def run_closed(port: int, make: Callable[[int], Call | None], *, clients: int) -> Load:
    """Let clients call back to back until there is nothing left to call."""
    return asyncio.run(_closed(port, make, clients))


def run_open(
    port: int, make: Callable[[int], Call], *, rate: float, seconds: float, clients: int
) -> Load:
    """Call at a steady rate whatever comes back; a call's time begins when it was due."""
    return asyncio.run(_open(port, make, rate, seconds, clients))


async def _closed(port: int, make: Callable[[int], Call | None], clients: int) -> Load:
    load, number = Load(), iter(range(10**9))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (call := make(next(number))) is not None:
            begin = time.perf_counter()
            await _send(load, reader, writer, call, port)
            load.spent.append(time.perf_counter() - begin)
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    load.took = time.perf_counter() - begin
    return load


async def _open(
    port: int, make: Callable[[int], Call], rate: float, seconds: float, clients: int
) -> Load:
    load, due = Load(), asyncio.Queue[tuple[float, Call] | None]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        used = time.perf_counter()
        while (given := await due.get()) is not None:
            if time.perf_counter() - used > 2.0:  # the service closes what is idle for 5 s
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await _send(load, reader, writer, given[1], port)
            used = time.perf_counter()
            load.spent.append(used - given[0])
        writer.close()

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    begin = time.perf_counter()
    for number in range(int(rate * seconds)):
        at = begin + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((at, make(number)))
    for _ in tasks:
        due.put_nowait(None)
    await asyncio.gather(*tasks)
    load.took = time.perf_counter() - begin
    return load


async def _send(
    load: Load, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call, port: int
) -> None:
    writer.write(call.bytes(port))
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.lower().split("\r\n")
    length = next(int(one[15:]) for one in lines if one.startswith("content-length:"))
    body = json.loads(await reader.readexactly(length))
    if not head.startswith(("HTTP/1.1 200", "HTTP/1.1 201")):
        load.failed.append(f"{lines[0]}: {body}")
    else:
        load.answers.append(body)
