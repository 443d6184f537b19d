"""Puts a backup in the place of a database, all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import errors, sql
from sqlalchemy import text

from geo.database.archive import (
    Report,
    load_archive,
    read_archive_revision,
    read_archive_roles,
    server_major,
)
from geo.database.connect import Database, connect, make_owner_engine
from geo.database.schema import Revision, migrate
from geo.errors import ConflictError, DatabaseError

MAINTENANCE = "postgres"
RESTORE_LOCK = 4_721_906_202
SWAP_ATTEMPTS = 50


def restore(
    database: Database, file: Path, *, replace: bool = False, report: Report = lambda _: None
) -> Revision:
    """Replace the content of `database` by the backup in `file`, migrated to the newest schema.

    The backup is loaded into a new database beside the old one. Only when everything is there
    do the two change names, in one transaction; a failure at any moment leaves the old one.

    Parameters
    ----------
    replace
        Allow it although the database holds rows. They are lost.

    Raises
    ------
    FormatError, InputError, NotFoundError
        The file is absent, damaged, not a backup, or of a newer Gridbeat.
    ConflictError
        The database holds rows and `replace` is not set.
    DatabaseError
        The restore failed; the old database is as it was.
    """
    file = file.expanduser().absolute()
    major = server_major(database)
    revision = read_archive_revision(file, major=major)
    _refuse_to_lose_rows(database, replace=replace)
    fresh = database.renamed(f"{database.name}__restoring")
    former = database.renamed(f"{database.name}__former")
    report(f"backup of schema revision {revision}, loading it beside the old database")
    with _maintenance(database) as connection:
        for leftover in (fresh, former):
            _drop(connection, leftover.name)
        try:
            _create(connection, fresh.name, like=database.name)
            _create_roles(connection, read_archive_roles(file, major=major))
            load_archive(file, fresh, major=major, report=report)
            reached = migrate(fresh, report=report)
            _finish(database, fresh, report=report)
            _swap(connection, old=database.name, new=fresh.name, aside=former.name)
        except BaseException:
            _drop(connection, fresh.name)
            raise
        _drop(connection, former.name)
    return reached


def count_tables_with_rows(database: Database) -> int:
    """Return how many tables hold at least one row; the extensions' and Alembic's not counted."""
    query = files("geo").joinpath("sql", "user_tables.sql").read_text("utf-8")
    with connect(database, role="owner") as connection:
        names = connection.execute(query.encode()).fetchall()
        held = [
            connection.execute(
                sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(*name))
            ).fetchone()
            for name in names
        ]
    return sum(bool(row and row[0]) for row in held)


def _refuse_to_lose_rows(database: Database, *, replace: bool) -> None:
    filled = 0 if replace else count_tables_with_rows(database)
    if filled:
        raise ConflictError(
            f"The database {database} holds rows in {filled} tables, which a restore would "
            "replace. Save them (gridbeat db backup FILE), then restore with --replace."
        )


@contextmanager
def _maintenance(database: Database) -> Iterator[psycopg.Connection]:
    """Give a connection beside the database, and let restores of one server take turns."""
    with connect(database.renamed(MAINTENANCE), role="owner", autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [RESTORE_LOCK]).fetchone()
        if not (row and row[0]):
            raise ConflictError("Another restore is under way on this server. Wait for its end.")
        yield connection


def _create(connection: psycopg.Connection, name: str, *, like: str) -> None:
    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype"
        " FROM pg_database WHERE datname = %s",
        [like],
    ).fetchone()
    if row is None:
        raise DatabaseError(f"There is no database {like!r} on the server.")
    statement = sql.SQL(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
    ).format(sql.Identifier(name), *(sql.Literal(value) for value in row))
    try:
        connection.execute(statement)
    except errors.InsufficientPrivilege as error:
        raise DatabaseError(
            "A restore makes a new database before it gives up the old one, and the owner may "
            f"not: {error}. An administrator can allow it: ALTER ROLE ... CREATEDB."
        ) from error


def _create_roles(connection: psycopg.Connection, names: set[str]) -> None:
    """Make the roles that the backup grants rights to, without login or other rights."""
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[*names]])
    for name in sorted(names - {row[0] for row in rows.fetchall()}):
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


def _finish(database: Database, fresh: Database, *, report: Report) -> None:
    """Give the new database the old one's settings and grants, and count its rows."""
    query = files("geo").joinpath("sql", "database_settings.sql").read_text("utf-8")
    engine = make_owner_engine(fresh)
    with engine.begin() as connection:
        names = {"source": database.name, "target": fresh.name}
        for statement in connection.execute(text(query), names).scalars().all():
            connection.exec_driver_sql(statement.replace("%", "%%"))
        report("counting rows for the planner")
        connection.execute(text("ANALYZE"))


def _swap(connection: psycopg.Connection, *, old: str, new: str, aside: str) -> None:
    """Exchange the names in one transaction, as soon as nobody is connected."""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    for attempt in range(SWAP_ATTEMPTS):
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)",
            [[old, new]],
        )
        try:
            with connection.transaction():
                connection.execute(rename.format(sql.Identifier(old), sql.Identifier(aside)))
                connection.execute(rename.format(sql.Identifier(new), sql.Identifier(old)))
        except errors.ObjectInUse as error:
            if attempt == SWAP_ATTEMPTS - 1:
                raise DatabaseError(
                    f"Programs keep connecting to {old!r}: {error}. Stop them and restore again."
                ) from error
            time.sleep(0.1)
        else:
            return


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )
