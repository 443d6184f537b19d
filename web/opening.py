"""The database of this command, started and up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import typer
from sqlalchemy import Connection as EngineConnection
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, locate, make_engine
from geo.database.schema import prepare
from geo.imports.staging import Connection
from geo.settings import DatabaseSettings


def open_database() -> Database:
    """Return the database that the settings name, running and of the right revision.

    The private cluster is started and upgraded as needed; another's server is left as it is.
    """
    database = locate(DatabaseSettings())
    prepare(database, report=lambda line: typer.echo(line, err=True))
    return database


def open_connection(database: Database) -> Connection:
    """Return a connection as the application's role, for COPY."""
    return cast(Connection, connect(database))


@contextmanager
def begin(database: Database) -> Iterator[EngineConnection]:
    """Give a connection in a transaction as the application's role; closed in the end."""
    engine = make_engine(database, pool=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
