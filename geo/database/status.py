"""Says what state the database is in, without starting or changing anything."""

from __future__ import annotations

from dataclasses import dataclass

from geo.cluster.server import read_facts
from geo.database.connect import Database, connect
from geo.database.schema import Revision, read_revision
from geo.errors import DatabaseError


@dataclass(frozen=True)
class Status:
    """What ``gridbeat db status`` tells.

    Attributes
    ----------
    place
        The private cluster's directory, or the server's address without the password.
    private
        Whether Gridbeat runs the server itself.
    running
        Whether the server answers.
    postgres, postgis
        Versions; None where the server is down.
    size_bytes
        Size of the database on disk.
    revision
        The schema's revision and the newest known.
    app_role
        The role that the application works as.
    problem
        Why the application could not work now, if so.
    """

    place: str
    private: bool
    running: bool
    postgres: str | None = None
    postgis: str | None = None
    size_bytes: int | None = None
    revision: Revision | None = None
    app_role: str | None = None
    problem: str | None = None


def read_status(database: Database) -> Status:
    """Return the state of `database`.

    Raises
    ------
    DatabaseError
        A server that others run does not answer.
    """
    if database.cluster is not None:
        facts = read_facts(database.cluster)
        if not facts.running:
            version = str(facts.major) if facts.major else None
            return Status(str(facts.home), private=True, running=False, postgres=version)
    return _read_running(database)


def _read_running(database: Database) -> Status:
    with connect(database, role="owner") as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT extversion FROM pg_extension WHERE extname = 'postgis')"
        ).fetchone()
    server, size, postgis = row or (None, None, None)
    app_role, problem = _try_application(database)
    return Status(
        place=str(database.cluster.home if database.cluster else database),
        private=database.cluster is not None,
        running=True,
        postgres=server,
        postgis=postgis,
        size_bytes=size,
        revision=read_revision(database),
        app_role=app_role,
        problem=problem,
    )


def _try_application(database: Database) -> tuple[str | None, str | None]:
    try:
        with connect(database) as connection:
            row = connection.execute("SELECT current_user").fetchone()
    except DatabaseError as error:
        return None, str(error)
    return (row[0] if row else None), None
