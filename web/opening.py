"""The database of this command, started and up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import typer
from sqlalchemy import Connection as EngineConnection
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, locate, make_engine
from geo.database.schema import prepare
from geo.hexagons import refresh_in_steps
from geo.imports.staging import Connection
from geo.settings import DatabaseSettings
from web.progress import progress


def open_database() -> Database:
    """Return the database that the settings name, running and of the right revision.

    The private cluster is started and upgraded as needed; another's server is left as it is.
    """
    database = locate(DatabaseSettings())
    if prepare(database, report=lambda line: typer.echo(line, err=True)):
        count_hexagons(database)
    return database


def count_hexagons(database: Database) -> None:
    """Count the days whose incidents changed by hexagon, for overviews of the live map.

    An upgrade that changes how they are counted empties them: without this, overviews would be
    empty until a worker came.
    """
    with progress() as report:
        refresh_in_steps(
            partial(begin, database), report=lambda n: report(f"overview 概览: {n:,} days 天")
        )


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
