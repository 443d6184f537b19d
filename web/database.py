"""The service's ways to the database: a transaction per request, in the caller's scope."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection, Engine

from geo.database.connect import Database, libpq_options, make_engine

Rows = AsyncConnection[TupleRow]
STATEMENT_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Scope:
    """Which ground a transaction may see.

    Attributes
    ----------
    sees_all
        Everything, areas or not.
    roots
        The areas that an account was given.
    areas
        Those with everything below them.
    """

    sees_all: bool = False
    roots: tuple[int, ...] = ()
    areas: tuple[int, ...] = ()

    def settings(self) -> dict[str, str]:
        """Return what `sql/set_scope.sql` takes."""
        return {
            "scope": "all" if self.sees_all else "",
            "areas": _array(self.areas),
            "roots": _array(self.roots),
        }


NOBODY = Scope()
EVERYTHING = Scope(sees_all=True)


def _array(numbers: tuple[int, ...]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}" if numbers else ""


@cache
def packaged_sql(name: str) -> str:
    """Return the text of ``web/sql/<name>.sql``."""
    return files("web").joinpath("sql", f"{name}.sql").read_text("utf-8")


class Databases:
    """Two pools as the role that row-level security binds: one async, one for the stores.

    A connection outside `rows` and `store` has no scope, so it sees no row of any place.
    """

    def __init__(self, database: Database, *, pool_size: int) -> None:
        self.database = database
        options = libpq_options(database.web_url)
        self.pool: AsyncConnectionPool[Rows] = AsyncConnectionPool(
            make_conninfo("", **options),
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=10.0,
            # After a crash of the server, tried anew by whoever asks next, not after ever longer
            # waits: the database is back within seconds, and so should the screens be.
            reconnect_timeout=2.0,
            max_waiting=pool_size * 64,
            check=AsyncConnectionPool.check_connection,
            kwargs={"autocommit": True},
        )
        self.engine: Engine = make_engine(database, role="web", pool_size=pool_size)

    async def open(self) -> None:
        """Open the pools; refuse a role that row-level security does not bind."""
        await self.pool.open(wait=True)
        with self.engine.connect():
            pass  # the engine checks server and role

    async def close(self) -> None:
        """Give all connections back."""
        await self.pool.close()
        self.engine.dispose()

    @asynccontextmanager
    async def rows(self, scope: Scope, *, wait_s: float | None = None) -> AsyncIterator[Rows]:
        """Give a psycopg connection in a transaction that sees `scope`; commits in the end.

        Parameters
        ----------
        wait_s
            How long to wait for a free connection; None for as long as a request does.
        """
        async with self.pool.connection(wait_s) as connection, connection.transaction():
            await connection.execute(packaged_sql("set_scope"), self._values(scope))
            yield connection

    @contextmanager
    def store(self, scope: Scope) -> Iterator[Connection]:
        """Give a SQLAlchemy connection for a store, likewise; call it off the event loop."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(packaged_sql("set_scope"), self._values(scope))
            yield connection

    @staticmethod
    def _values(scope: Scope) -> dict[str, Any]:
        return {**scope.settings(), "timeout": str(STATEMENT_TIMEOUT_MS)}


async def fetch_one(rows: Rows, name: str, values: dict[str, Any]) -> TupleRow | None:
    """Run a packaged query and return its first row, or None."""
    return await (await rows.execute(packaged_sql(name), values)).fetchone()
