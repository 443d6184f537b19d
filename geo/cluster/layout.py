"""Where the parts of a private cluster lie, who may enter, and who holds the lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from geo.cluster.identity import ServerUser
from geo.errors import DatabaseError, InputError

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107
MARKER = "made-by-gridbeat"
MAKING = "making-"
OWN_NAMES = {"data", "log", "run", "lock", "local.conf"}


@dataclass(frozen=True)
class Cluster:
    """A private cluster, named by its directory; it may not exist yet.

    Attributes
    ----------
    home
        Absolute directory of everything below.
    durable
        False only where the data may be lost with the machine, as in tests.
    """

    home: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        """The data directory; it exists only once it was made to the end."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The directory of the server's log files."""
        return self.home / "log"

    @property
    def settings_file(self) -> Path:
        """The settings that Gridbeat writes at each start."""
        return self.home / "gridbeat.conf"

    def nearest_directory(self) -> Path:
        """Return `home`, or the nearest directory above it that exists."""
        return next(path for path in (self.home, *self.home.parents) if path.is_dir())

    def sockets(self) -> Path:
        """Return the socket's directory: below `home`, or a short one if that is too long."""
        near = self.home / "run"
        if len(os.fsencode(near / SOCKET_NAME)) < LONGEST_SOCKET_PATH - len(".lock"):
            return near
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        if os.geteuid() == 0:
            return Path("/run") / f"gridbeat-{digest}"
        # Not XDG_RUNTIME_DIR: a job started by cron would look elsewhere than a login.
        return Path("/tmp") / f"gridbeat-{os.geteuid()}-{digest}"  # noqa: S108 - owner is checked


def prepare_directories(cluster: Cluster, *, user: ServerUser) -> None:
    """Make the directories that are absent and refuse those that belong to somebody else.

    `home` belongs to the caller, so that the server cannot replace what the caller reads;
    data, log and sockets belong to the server and are closed to everyone else.
    """
    try:
        cluster.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The directory of the private database cannot be made: {error}. "
            "Choose another with GRIDBEAT_HOME."
        ) from error
    _refuse_foreign(cluster.home, owners={os.geteuid(), user.uid})
    _refuse_occupied(cluster)
    cluster.home.chmod(0o711 if user.uid != os.geteuid() else 0o700)
    for directory in (cluster.log, cluster.sockets()):
        own_directory(directory, user=user)


def own_directory(directory: Path, *, user: ServerUser) -> None:
    """Make `directory` with mode 0700 for the server's user, or check that it is so."""
    try:
        directory.mkdir(mode=0o700)
        os.chown(directory, user.uid, user.gid)
    except FileExistsError:
        if directory.lstat().st_uid == os.geteuid() != user.uid:
            os.chown(directory, user.uid, user.gid, follow_symlinks=False)
    _refuse_foreign(directory, owners={user.uid})
    directory.chmod(0o700)


def _refuse_foreign(directory: Path, *, owners: set[int]) -> None:
    facts = directory.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in owners:
        raise DatabaseError(
            f"{directory} is not a directory of the right owner (it belongs to user id "
            f"{facts.st_uid}). Move it away, or choose another place with GRIDBEAT_HOME."
        )


def _refuse_occupied(cluster: Cluster) -> None:
    """Refuse a home with files of others in it: its rights are about to be changed."""
    if cluster.settings_file.is_file():
        return
    others = sorted(
        path.name
        for path in cluster.home.iterdir()
        if path.name not in OWN_NAMES and not path.name.startswith(MAKING)
    )
    if others:
        raise InputError(
            f"{cluster.home} holds other files ({', '.join(others[:3])}). Gridbeat's database "
            "needs a directory of its own: choose an empty or a new one with GRIDBEAT_HOME."
        )


@contextmanager
def workshop(cluster: Cluster, *, user: ServerUser) -> Iterator[Path]:
    """Give a directory of the server's user in which a data directory is made.

    It stands in a new directory below `home` that carries our marker, and whose name nobody
    uses again: an ``initdb`` that outlives its killed command disturbs nobody.
    """
    around = Path(tempfile.mkdtemp(prefix=MAKING, dir=cluster.home))
    around.chmod(0o711)
    (around / MARKER).write_text("A data directory in the making.\n", encoding="utf-8")
    inside = around / "data"
    own_directory(inside, user=user)
    try:
        yield inside
    finally:
        shutil.rmtree(around, ignore_errors=True)


def clear_unfinished(cluster: Cluster) -> None:
    """Remove what killed commands left half-made: only directories that carry our marker.

    What cannot be removed yet, because a program still writes there, is in nobody's way.
    """
    for around in cluster.home.glob(f"{MAKING}*"):
        if (around / MARKER).is_file():
            shutil.rmtree(around, ignore_errors=True)
        elif not any(around.iterdir()):
            around.rmdir()


@contextmanager
def locked(cluster: Cluster, *, timeout_s: float = 300.0) -> Iterator[None]:
    """Hold the cluster's lock; the kernel releases it even after ``kill -9``.

    Raises
    ------
    DatabaseError
        Another command holds the lock for longer than `timeout_s` seconds.
    """
    path = cluster.home / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for_lock(descriptor, path, deadline=time.monotonic() + timeout_s)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: Path, *, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"Another gridbeat command has been holding {path} for minutes. "
                    "Wait for it or end it, then run this again."
                ) from error
            time.sleep(0.05)
        else:
            return
