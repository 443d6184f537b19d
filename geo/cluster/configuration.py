"""The private server's settings: what it may use, who may enter, what it writes down."""

from __future__ import annotations

import os
from pathlib import Path

from geo.cluster.identity import ServerUser, current_user_name
from geo.cluster.layout import Cluster

OWNER_ROLE = "gridbeat_owner"
APP_ROLE = "gridbeat_app"
WEB_ROLE = "gridbeat_web"
MIB = 1024 * 1024
IDENT_MAP = "gridbeat"


def machine_memory_mib() -> int:
    """Return the memory in MiB that this process may use: the machine's, or its control group's."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = Path("/sys/fs/cgroup") / name
        text = limit.read_text().strip() if limit.is_file() else "max"
        total = min(total, int(text)) if text.isdigit() else total
    return total // MIB


def server_settings(cluster: Cluster, *, memory_mib: int, shm_mib: int) -> str:
    """Return the text of ``gridbeat.conf``.

    Parameters
    ----------
    memory_mib
        Memory that the machine has. The server takes an eighth for its cache and leaves the
        rest to the operating system and to the analytics, which run on the same machine.
    shm_mib
        Size of ``/dev/shm``. Containers often give 64 MiB, too little for parallel queries.
    """
    values = {
        "listen_addresses": "''",
        "unix_socket_directories": _quoted(cluster.sockets()),
        "unix_socket_permissions": "0700",
        "hba_file": _quoted(cluster.home / "pg_hba.conf"),
        "ident_file": _quoted(cluster.home / "pg_ident.conf"),
        "max_connections": "60",
        "shared_buffers": f"{_between(memory_mib // 8, 64, 4096)}MB",
        "effective_cache_size": f"{max(memory_mib // 2, 128)}MB",
        "work_mem": f"{_between(memory_mib // 512, 8, 64)}MB",
        "maintenance_work_mem": f"{_between(memory_mib // 32, 64, 1024)}MB",
        "dynamic_shared_memory_type": "posix" if shm_mib >= 256 else "mmap",
        "jit": "off",
        "random_page_cost": "1.1",
        "synchronous_commit": "on",
        "fsync": "on" if cluster.durable else "off",
        "full_page_writes": "on" if cluster.durable else "off",
        "wal_compression": "on",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "logging_collector": "on",
        "log_directory": _quoted(cluster.log),
        "log_filename": "'server-%a.log'",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_file_mode": "0600",
        "log_line_prefix": "'%m [%p] %u@%d '",
        # Statements carry what people reported; the log does not keep them.
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }
    lines = [f"{name} = {value}" for name, value in values.items()]
    head = f"# Written by Gridbeat at each start. Own settings go into {cluster.home}/local.conf"
    return "\n".join([head, *lines, "include_if_exists 'local.conf'", ""])


def write_configuration(cluster: Cluster, *, user: ServerUser) -> None:
    """Write the settings, the entry rules and the map of users, readable by the server.

    Only the peer's own login at the socket opens the door: no password, no TCP. Caller and
    server user may be `OWNER_ROLE` (migrations and backups), `APP_ROLE` (commands and jobs) or
    `WEB_ROLE` (the web service, which sees what the request's account may see).
    """
    shm = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108
    shm_mib = shm.f_frsize * shm.f_blocks // MIB if shm else 0
    settings = server_settings(cluster, memory_mib=machine_memory_mib(), shm_mib=shm_mib)
    names = sorted({current_user_name(), user.name})
    roles = (OWNER_ROLE, APP_ROLE, WEB_ROLE)
    ident = [f'{IDENT_MAP} "{name}" {role}\n' for name in names for role in roles]
    _replace(cluster.settings_file, settings, user=user)
    _replace(cluster.home / "pg_hba.conf", f"local all all peer map={IDENT_MAP}\n", user=user)
    _replace(cluster.home / "pg_ident.conf", "".join(ident), user=user)


def _replace(path: Path, text: str, *, user: ServerUser) -> None:
    """Write `text` so that a reader sees the old file or the new one, never half of one."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        os.fchown(stream.fileno(), -1, user.gid)
        os.fchmod(stream.fileno(), 0o640)
    fresh.replace(path)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
