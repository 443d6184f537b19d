"""Makes, starts, watches and stops the private server, whatever was killed before."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from geo.cluster.configuration import (
    APP_ROLE,
    OWNER_ROLE,
    WEB_ROLE,
    write_configuration,
)
from geo.cluster.identity import ServerUser, check_reachable, run_as_server, server_user
from geo.cluster.layout import (
    SOCKET_NAME,
    Cluster,
    clear_unfinished,
    locked,
    prepare_directories,
    workshop,
)
from geo.cluster.processes import remove_stale_lock, running_process, settled_process
from geo.cluster.programs import Programs, find_server
from geo.errors import DatabaseError

DATABASE = "gridbeat"
EXTENSIONS = ("postgis", "btree_gist")
ROLES = (APP_ROLE, WEB_ROLE)
START_LIMIT_S = 300.0
STOP_LIMIT_S = 120.0


@dataclass(frozen=True)
class ClusterFacts:
    """What is known about a private cluster without starting it."""

    home: Path
    exists: bool
    running: bool
    major: int | None
    process_id: int | None


def ensure_running(cluster: Cluster) -> bool:
    """Make the cluster if there is none, start it if it is down, and prepare its database.

    Safe when several commands call it at once, and after ``kill -9`` of any of them or of the
    server at any moment.

    Returns
    -------
    bool
        Whether the server had to be started.

    Raises
    ------
    MissingDependencyError
        The programs of PostgreSQL or PostGIS are not installed.
    DatabaseError
        The data directory is of another version or owner, or the server does not start.
    """
    if _is_ready(cluster):
        return False
    user = server_user()
    if not cluster.data.exists():
        find_server()
    check_reachable(cluster.nearest_directory(), user=user)  # before anything is written
    prepare_directories(cluster, user=user)
    check_reachable(cluster.home, user=user)
    with locked(cluster):
        clear_unfinished(cluster)
        if not cluster.data.exists():
            _make(cluster, user=user)
        started = _start(cluster, user=user)
        _prepare_database(cluster)
    return started


def stop(cluster: Cluster) -> bool:
    """Stop the server: end its sessions, write everything down; return whether it was running.

    Raises
    ------
    DatabaseError
        The server does not stop within two minutes.
    """
    if not cluster.data.exists():
        return False
    user = server_user()
    with locked(cluster):
        if running_process(cluster) is None:
            return False
        programs = find_server(major=data_major(cluster))
        _control(cluster, programs, user, "stop", "-m", "fast", limit_s=STOP_LIMIT_S)
    return True


def read_facts(cluster: Cluster) -> ClusterFacts:
    """Return what is known about the cluster; nothing is started or changed."""
    try:
        exists = cluster.data.exists()
    except PermissionError as error:
        raise DatabaseError(f"{cluster.home} belongs to another user: {error}") from error
    process_id = running_process(cluster) if exists else None
    major = data_major(cluster) if exists else None
    return ClusterFacts(cluster.home, exists, process_id is not None, major, process_id)


def connection_options(cluster: Cluster, *, role: str, database: str) -> dict[str, str]:
    """Return libpq's parameters for a connection as `role`.

    ``requirepeer`` makes the client refuse a socket that another user put there.
    """
    return {
        "host": str(cluster.sockets()),
        "port": "5432",
        "user": role,
        "dbname": database,
        "requirepeer": server_user().name,
        "connect_timeout": "10",
    }


def data_major(cluster: Cluster) -> int:
    """Return the version of PostgreSQL that made the data directory.

    Raises
    ------
    DatabaseError
        The directory is not a data directory.
    """
    try:
        return int((cluster.data / "PG_VERSION").read_text())
    except (OSError, ValueError) as error:
        raise DatabaseError(
            f"{cluster.data} is not a readable data directory of PostgreSQL ({error}). "
            "Move it away and restore a backup: gridbeat db restore FILE."
        ) from error


def _owner_conninfo(cluster: Cluster, database: str) -> str:
    return make_conninfo("", **connection_options(cluster, role=OWNER_ROLE, database=database))


def _is_ready(cluster: Cluster) -> bool:
    """Return whether the server answers and its database is complete."""
    try:
        if not cluster.data.exists():
            return False
        with psycopg.connect(_owner_conninfo(cluster, DATABASE)) as connection:
            return _count_parts(connection) == len(EXTENSIONS) + len(ROLES)
    except (psycopg.OperationalError, OSError):
        return False


def _count_parts(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM pg_extension WHERE extname = ANY(%s))"
        " + (SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s))",
        [list(EXTENSIONS), list(ROLES)],
    ).fetchone()
    return int(row[0]) if row else 0


def _make(cluster: Cluster, *, user: ServerUser) -> None:
    """Make the data directory aside and rename it when it is complete."""
    programs = find_server()
    with workshop(cluster, user=user) as fresh:
        outcome = run_as_server(
            [
                *(programs.path("initdb"), "--pgdata", str(fresh), "--username", OWNER_ROLE),
                *("--auth-local=peer", "--auth-host=reject", "--data-checksums"),
                *("--encoding=UTF8", "--locale=C.UTF-8"),
                *([] if cluster.durable else ["--no-sync"]),
            ],
            user=user,
            timeout_s=START_LIMIT_S,
        )
        if outcome.returncode != 0:
            raise DatabaseError(f"initdb could not make the database:\n{_tail(outcome.stdout)}")
        _include_settings(fresh)
        fresh.rename(cluster.data)


def _include_settings(data: Path) -> None:
    """Let the server's own file read Gridbeat's, so that a start by hand behaves the same."""
    with (data / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write("\ninclude '../gridbeat.conf'\n")


def _start(cluster: Cluster, *, user: ServerUser) -> bool:
    programs = find_server(major=data_major(cluster))
    if settled_process(cluster) is not None:
        _wait_until_answering(cluster)
        write_configuration(cluster, user=user)  # an older version started it
        return False
    remove_stale_lock(cluster.data / "postmaster.pid")
    remove_stale_lock(cluster.sockets() / f"{SOCKET_NAME}.lock")
    write_configuration(cluster, user=user)
    log = cluster.log / "start.log"
    log.unlink(missing_ok=True)
    try:
        _control(cluster, programs, user, "start", "-l", str(log), limit_s=START_LIMIT_S)
    except DatabaseError:
        if running_process(cluster) is None:
            raise
        _wait_until_answering(cluster)  # the start of a killed command came first, or is slow
    return True


def _control(
    cluster: Cluster, programs: Programs, user: ServerUser, *arguments: str, limit_s: float
) -> None:
    command = [programs.path("pg_ctl"), "-D", str(cluster.data), "-w", "-t", str(int(limit_s))]
    try:
        outcome = run_as_server([*command, *arguments], user=user, timeout_s=limit_s + 30)
    except subprocess.TimeoutExpired as error:
        raise DatabaseError(_failure(cluster, f"pg_ctl {arguments[0]} does not end")) from error
    if outcome.returncode != 0:
        what = outcome.stdout.strip().splitlines()[-1:] or ["no word"]
        raise DatabaseError(_failure(cluster, f"pg_ctl {arguments[0]} failed ({what[0]})"))


def _failure(cluster: Cluster, what: str) -> str:
    logs = [path for path in cluster.log.glob("*.log") if path.stat().st_size]
    parts = [
        f"The last lines of {path}:\n{_tail(path.read_text(encoding='utf-8', errors='replace'))}"
        for path in sorted(logs, key=lambda path: path.stat().st_mtime)[-2:]
    ]
    return "\n".join([f"The private database in {cluster.home}: {what}.", *parts])


def _tail(text: str, *, lines: int = 12) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])


def _wait_until_answering(cluster: Cluster) -> None:
    """Wait for a server that another command started, or that still recovers."""
    deadline = time.monotonic() + START_LIMIT_S
    conninfo = _owner_conninfo(cluster, "postgres")
    while True:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline or running_process(cluster) is None:
                raise DatabaseError(
                    _failure(cluster, f"the server runs but does not answer ({error})")
                ) from error
            time.sleep(0.1)
        else:
            return


def _prepare_database(cluster: Cluster) -> None:
    """Make the application's roles, the database and its extensions where they are missing."""
    with psycopg.connect(_owner_conninfo(cluster, "postgres"), autocommit=True) as connection:
        for role in ROLES:
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role):
                connection.execute(
                    sql.SQL(
                        "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
                    ).format(sql.Identifier(role))
                )
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(_owner_conninfo(cluster, DATABASE)) as connection:
        for extension in EXTENSIONS:
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            )


def _exists(connection: psycopg.Connection, query: str, value: str) -> bool:
    return connection.execute(query.encode(), [value]).fetchone() is not None
