"""Who the private server runs as, and how a program is run as that user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from geo.errors import DatabaseError, MissingDependencyError

SYSTEM_USER = "postgres"


@dataclass(frozen=True)
class ServerUser:
    """The unprivileged user of the operating system that owns the data and runs the server."""

    name: str
    uid: int
    gid: int


def current_user_name() -> str:
    """Return the login name of the calling process."""
    return pwd.getpwuid(os.geteuid()).pw_name


def server_user() -> ServerUser:
    """Return the caller, or the system's database user when root calls.

    Raises
    ------
    MissingDependencyError
        Root calls and there is no database user.
    """
    if os.geteuid() != 0:
        return ServerUser(current_user_name(), os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        raise MissingDependencyError(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER!r} that the database "
            "package makes is absent. Run Gridbeat as an ordinary user, or install the package: "
            "sudo apt-get install postgresql-postgis."
        ) from error
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def run_as_server(
    command: list[str], *, user: ServerUser, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a program as the server's user, in a session of its own and without the way back.

    The child has its own session, so that Ctrl-C in the terminal does not reach a server that
    it starts, and may not gain privileges by a set-user-ID program where ``setpriv`` exists.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--no-new-privs", "--inh-caps=-all", "--"] if setpriv else []
    drop = os.geteuid() == 0
    return subprocess.run(
        [*prefix, *command],
        user=user.uid if drop else None,
        group=user.gid if drop else None,
        extra_groups=[] if drop else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
        cwd="/",
        env=server_environment(),
        start_new_session=True,
        umask=0o077,
    )


def server_environment() -> dict[str, str]:
    """Return an environment in which no PG* variable or language of the caller's remains."""
    kept = {name: os.environ[name] for name in ("PATH", "TZDIR") if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def check_reachable(directory: Path, *, user: ServerUser) -> None:
    """Refuse a directory that the server's user cannot enter.

    Raises
    ------
    DatabaseError
        A parent directory is closed to the server's user, as ``/root`` is.
    """
    outcome = run_as_server(["test", "-x", str(directory)], user=user, timeout_s=30)
    if outcome.returncode != 0:
        raise DatabaseError(
            f"The server's user {user.name!r} cannot enter {directory}. Choose a directory that "
            "it can reach, for instance GRIDBEAT_HOME=/var/lib/gridbeat."
        )
