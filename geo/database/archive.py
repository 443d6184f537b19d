"""Backups: files of ``pg_dump`` that hold the whole database, written and read by its programs."""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from geo.cluster.identity import server_environment
from geo.cluster.programs import find_client
from geo.database.connect import Database, connect, libpq_options
from geo.database.schema import VERSION_TABLE, head_revision, is_known
from geo.errors import ConflictError, DatabaseError, FormatError, InputError, NotFoundError

Report = Callable[[str], None]
ROLE_GIVEN = re.compile(
    r"^(?:GRANT .*|CREATE POLICY .*|ALTER DEFAULT PRIVILEGES .*) TO "
    r"(?P<roles>[^;()]+?)(?: WITH GRANT OPTION)?(?: (?:USING|WITH CHECK) .*)?;?$",
)
FOR_ROLE = re.compile(r"^ALTER DEFAULT PRIVILEGES FOR ROLE (?P<roles>\S+) ")
NO_ROLE = {"PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"}


def backup(
    database: Database, file: Path, *, overwrite: bool = False, report: Report = lambda _: None
) -> int:
    """Write the whole database into one file; return its size in bytes.

    The file appears under its name only when it is complete and can be read. It holds tables,
    functions, grants, policies and data as of one moment, while others go on working.

    Raises
    ------
    ConflictError
        The file exists and `overwrite` is not set.
    NotFoundError
        Its directory does not exist.
    DatabaseError
        ``pg_dump`` failed; what stood under the name before is untouched.
    """
    file = file.expanduser().absolute()
    if not file.parent.is_dir():
        raise NotFoundError(f"The directory {file.parent} does not exist.")
    _refuse_existing(file, overwrite=overwrite)
    partial = file.with_name(f".{file.name}.partial")
    major = server_major(database)
    command = [find_client("pg_dump", at_least=major).path("pg_dump"), "--format=custom"]
    try:
        with _private_file(partial):
            arguments = ["--verbose", "--no-password", "--file", str(partial)]
            address = ["--dbname", _conninfo(database.owner_url)]
            run_program(
                [*command, *arguments, *address], url=database.owner_url, report=_tables(report)
            )
            read_archive_revision(partial, major=major)
        _refuse_existing(file, overwrite=overwrite)
        partial.replace(file)
        _sync(file.parent)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def read_archive_revision(file: Path, *, major: int) -> str:
    """Return the schema revision of the backup in `file`.

    Raises
    ------
    FormatError
        The file is no complete backup of Gridbeat.
    InputError
        A newer Gridbeat wrote it.
    """
    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.")
    text = _read_archive(file, "--data-only", f"--table={VERSION_TABLE}", major=major)
    match = re.search(r"^COPY \S*alembic_version .*;\n(\S+)\n", text, re.MULTILINE)
    if match is None or match.group(1) == "\\.":
        raise FormatError(
            f"{file} is a backup of PostgreSQL, but not of Gridbeat: it has no schema revision."
        )
    revision = match.group(1)
    if not is_known(revision):
        raise InputError(
            f"{file} has the schema revision {revision}, and the newest that this Gridbeat knows "
            f"is {head_revision()}: a newer Gridbeat wrote it. Install that version or a later one."
        )
    return revision


def read_archive_roles(file: Path, *, major: int) -> set[str]:
    """Return the roles that grants and policies in the backup name."""
    roles: set[str] = set()
    for line in _read_archive(file, "--schema-only", major=major).splitlines():
        for pattern in (ROLE_GIVEN, FOR_ROLE):
            match = pattern.match(line)
            roles.update(_role_names(match.group("roles")) if match else ())
    return roles


def load_archive(file: Path, database: Database, *, major: int, report: Report) -> None:
    """Load the backup into an empty database; the first error ends it.

    Raises
    ------
    DatabaseError
        ``pg_restore`` failed; the database is half filled.
    """
    command = [find_client("pg_restore", at_least=major).path("pg_restore"), "--verbose"]
    options = ["--exit-on-error", "--no-owner", "--no-password", f"--jobs={os.cpu_count() or 1}"]
    address = ["--dbname", _conninfo(database.owner_url), str(file)]
    run_program([*command, *options, *address], url=database.owner_url, report=_tables(report))


def server_major(database: Database) -> int:
    """Return the major version of the server."""
    with connect(database, role="owner") as connection:
        return connection.info.server_version // 10000


def run_program(command: list[str], *, url: URL, report: Report) -> None:
    """Run a client program, hand each line of its progress on, and keep the last for an error.

    The password goes through the environment: a command line is for everyone to read.
    """
    last: deque[str] = deque(maxlen=8)
    wrong: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=_client_environment(url),
        umask=0o077,
    ) as process:
        for line in process.stderr or ():
            last.append(line.rstrip())
            if re.search(r"error:|FATAL:|DETAIL:|HINT:", line):
                wrong.append(line.rstrip())
            report(line.rstrip())
    if process.returncode != 0:
        told = "\n".join(wrong[:8] or last)
        raise DatabaseError(f"{Path(command[0]).name} failed:\n{told}")


def _read_archive(file: Path, *options: str, major: int) -> str:
    program = find_client("pg_restore", at_least=major).path("pg_restore")
    outcome = subprocess.run(
        [program, *options, "--file=-", str(file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=server_environment(),
    )
    if outcome.returncode != 0:
        reason = outcome.stderr.strip().removeprefix("pg_restore: ")
        raise FormatError(f"{file} is not a complete backup: {reason}")
    return outcome.stdout


def _role_names(text: str) -> Iterator[str]:
    for quoted, plain in re.findall(r'"((?:[^"]|"")+)"|([\w$]+)', text):
        if plain.upper() not in NO_ROLE:
            yield quoted.replace('""', '"') or plain


def _tables(report: Report) -> Report:
    """Return a reader of the programs' talk that passes on which table they are at."""

    def read(line: str) -> None:
        match = re.search(r'(?:dumping contents of|processing data for) table "(.+)"', line)
        if match:
            report(match.group(1))

    return read


def _conninfo(url: URL) -> str:
    options = {key: v for key, v in libpq_options(url).items() if key != "password"}
    return make_conninfo("", **options)


def _client_environment(url: URL) -> dict[str, str]:
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    return {**os.environ, "LC_ALL": "C.UTF-8", "PGOPTIONS": "", **password}


def _refuse_existing(file: Path, *, overwrite: bool) -> None:
    if file.exists() and not overwrite:
        raise ConflictError(f"{file} exists. Name another file, or overwrite it with --force.")
    if file.exists() and not file.is_file():
        raise InputError(f"{file} is not an ordinary file.")


@contextmanager
def _private_file(path: Path) -> Iterator[None]:
    """Make an empty file that only its owner reads, and write it down to the disk in the end."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
