"""Fixes in a file and in a table of the database, read batch by batch in device order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from patrol.tracks.clean import clean_fixes
from patrol.tracks.effort import EffortSum

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
BATCH = 1_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
# One row of COPY in binary: number of fields, then length and value of each, all big-endian.
ROW = np.dtype([("n", ">i2"), ("l1", ">i4"), ("device", ">i4"), ("l2", ">i4"), ("t", ">i8"),
                ("l3", ">i4"), ("x", ">f8"), ("l4", ">i4"), ("y", ">f8")])  # fmt: skip
HEAD = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
SELECT = "SELECT device, t, x, y FROM fix_scan"


def write_parquet(path: Path, fixes: Batch) -> None:
    """Write fixes as a file, one row group a batch."""
    table = pa.table(dict(zip(("device", "t", "x", "y"), fixes, strict=True)))
    pq.write_table(table, path, row_group_size=BATCH)


def read_parquet(path: Path) -> Iterator[Batch]:
    """Read a file batch by batch."""
    file = pq.ParquetFile(path)
    for n in range(file.num_row_groups):
        group = file.read_row_group(n, use_threads=False)
        yield tuple(group[name].to_numpy() for name in ("device", "t", "x", "y"))  # type: ignore[misc]


def write_table(connection: psycopg.Connection[Any], fixes: Batch) -> None:
    """Write fixes into a temporary table of the database."""
    connection.execute("CREATE TEMPORARY TABLE fix_scan (device int4, t int8, x float8, y float8)")
    with connection.cursor().copy("COPY fix_scan FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(HEAD)
        for begin in range(0, len(fixes[0]), BATCH):
            part = [column[begin : begin + BATCH] for column in fixes]
            rows = np.empty(len(part[0]), ROW)
            rows["n"], rows["l1"], rows["l2"], rows["l3"], rows["l4"] = 4, 4, 8, 8, 8
            for name, column in zip(("device", "t", "x", "y"), part, strict=True):
                rows[name] = column
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")
    connection.execute("ANALYZE fix_scan")


def copy_out(connection: psycopg.Connection[Any]) -> Iterator[bytes]:
    """Let the database hand over its table as it lies."""
    with connection.cursor().copy(f"COPY ({SELECT}) TO STDOUT (FORMAT BINARY)") as copy:
        yield from (bytes(block) for block in copy)


def read_copy(blocks: Iterable[bytes]) -> Iterator[Batch]:
    """Read what the database hands over, batch by batch."""
    held, size, skip = [], 0, len(HEAD)
    for block in blocks:
        held.append(block[skip:] if skip else block)
        skip = 0
        size += len(held[-1])
        if size >= BATCH * ROW.itemsize:
            whole = b"".join(held)
            end = BATCH * ROW.itemsize
            yield _columns(whole[:end])
            held, size = [whole[end:]], len(whole) - end
    rest = b"".join(held)
    yield _columns(rest[: len(rest) // ROW.itemsize * ROW.itemsize])


def _columns(raw: bytes) -> Batch:
    rows = np.frombuffer(raw, ROW)
    return (
        rows["device"].astype(np.int64), rows["t"].astype(np.int64), rows["x"].astype(np.float64),
        rows["y"].astype(np.float64),
    )  # fmt: skip


def into_effort(batches: Iterable[Batch], total: EffortSum) -> int:
    """Clean and add up batches that end with a device; return the rows of effort."""
    for device, at, x, y in batches:
        found = clean_fixes(at, x, y, device=device)
        if (found.fault != 0).any():
            at, x, y = at[found.rows], x[found.rows], y[found.rows]
        total.add(at, x, y, found.segments)
    return len(total.table())


def spent(what: Callable[[], Any], backend: int | None = None) -> tuple[float, float, Any]:
    """Return CPU seconds of this process (and of a backend of the database), wall seconds, answer."""
    before = _backend_s(backend)
    wall, own = time.perf_counter(), time.process_time()
    made = what()
    own = time.process_time() - own
    return own + _backend_s(backend) - before, time.perf_counter() - wall, made


def _backend_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
