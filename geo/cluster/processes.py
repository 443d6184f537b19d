"""Tells the living server from what a killed one left behind."""

from __future__ import annotations

import time
from pathlib import Path

from geo.cluster.layout import Cluster
from geo.errors import DatabaseError

ORPHAN_LIMIT_S = 30.0


def running_process(cluster: Cluster) -> int | None:
    """Return the process id of the server of this data directory, or None.

    A process id alone proves nothing: after a restart of the machine or container another
    program may bear it. The server's working directory is its data directory.
    """
    process_id = _recorded_process(cluster.data / "postmaster.pid")
    return process_id if process_id in _processes_in(cluster.data) else None


def settled_process(cluster: Cluster) -> int | None:
    """Return the running server's process id, after a killed one's children have ended."""
    deadline = time.monotonic() + ORPHAN_LIMIT_S
    while True:
        at_work = _processes_in(cluster.data)
        recorded = _recorded_process(cluster.data / "postmaster.pid")
        if recorded in at_work or not at_work:
            return recorded if at_work else None
        if time.monotonic() > deadline:
            numbers = " ".join(str(number) for number in sorted(at_work))
            raise DatabaseError(
                f"The server of {cluster.data} was killed, but processes of it still work there. "
                f"Wait until they end, or end them: kill {numbers}"
            )
        time.sleep(0.05)


def remove_stale_lock(path: Path) -> None:
    """Remove a lock file whose process id belongs to another program by now.

    PostgreSQL itself recognises a process that is gone, but takes any living one of the same
    user for a server. After a restart of a container that is the usual case. The caller knows
    that no server works in the directory.
    """
    process_id = _recorded_process(path)
    if process_id is not None and Path(f"/proc/{process_id}").exists():
        path.unlink(missing_ok=True)


def _recorded_process(lock: Path) -> int | None:
    try:
        return int(lock.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _processes_in(data: Path) -> set[int]:
    """Return the ids of the PostgreSQL processes whose working directory is `data`."""
    found = set()
    target = data.resolve()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                inside = (entry / "cwd").readlink() == target
                inside &= (entry / "comm").read_text().strip() == "postgres"
            except OSError:
                continue
            if inside:
                found.add(int(entry.name))
    return found
