"""The database of this command, started and up to date."""

from __future__ import annotations

from typing import cast

import typer

from geo.database import Database, connect, ensure_available, locate
from geo.imports.staging import Connection
from geo.schema import migrate, read_revision
from geo.settings import DatabaseSettings


def open_database() -> Database:
    """Return the database that the settings name, running and migrated.

    The private cluster is started and upgraded as needed; another's server is left as it is.
    """
    database = locate(DatabaseSettings())
    ensure_available(database)
    if database.cluster is not None and not read_revision(database).is_head:
        migrate(database, report=lambda line: typer.echo(line, err=True))
    return database


def open_connection(database: Database) -> Connection:
    """Return a connection as the application's role."""
    return cast(Connection, connect(database))
