"""Rows out of the database: as a frame, or by the million as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray
from sqlalchemy import Connection, TextClause, func

from analytics.cube_keys import Columns
from analytics.queries import Query

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ARRAY_HEADER = 20
"""Bytes before the items: dimensions, flags, type, length, lower bound; four each."""
_ITEMS = {
    20: np.dtype([("bytes", ">i4"), ("value", ">i8")]),
    23: np.dtype([("bytes", ">i4"), ("value", ">i4")]),
    701: np.dtype([("bytes", ">i4"), ("value", ">f8")]),
    1184: np.dtype([("bytes", ">i4"), ("value", ">i8")]),
}
"""How bigint, integer, double precision and timestamptz lie in an array, by the type's number."""
_TIMESTAMP = 1184
EPOCH_US = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL begins to count."""


def fetch(connection: Connection, query: Query | TextClause) -> pd.DataFrame:
    """Run a query and return its rows as a frame."""
    found = connection.execute(query)
    columns = list(found.keys())
    return pd.DataFrame(found.all(), columns=columns)


def fetch_columns(connection: Connection, query: Query) -> Columns:
    """Run a query for columns of numbers or instants; each by name, rows in one order.

    Numbers come as int64 or float64, instants in microseconds since 1970. They come as arrays in
    the server's binary form, which NumPy reads as they are: a cursor would make, and COPY would
    send, each of perhaps millions of rows one by one. The query's columns hold no NULL.

    The aggregate ``gathered`` is ours (migration 0035): where the server has several processes
    for a question, each gathers what it reads, while array_agg has all rows handed to one.

    The server plans each question anew: a prepared plan would keep its numbers as parameters and
    convert them again for each row, which makes a count a third dearer or more.
    """
    columns = query.selected_columns
    arrays = query.with_only_columns(*(func.gathered(item) for item in columns))
    with _binary(connection, arrays) as cursor:
        result = cursor.pgresult
        assert result is not None
        return {
            name: _read_array(result.get_value(0, place))
            for place, name in enumerate(columns.keys())
        }


def fetch_binary(connection: Connection, query: Query) -> list[tuple[Any, ...]]:
    """Run a query for rows with strings of bytes, sent as they lie instead of as digits."""
    with _binary(connection, query) as cursor:
        return cursor.fetchall()


@contextmanager
def _binary(connection: Connection, query: Query) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    compiled = query.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor(binary=True) as cursor:
        yield cursor.execute(str(compiled).encode(), compiled.params, prepare=False)


def _read_array(data: bytes | None) -> Ints | Floats:
    """Read PostgreSQL's binary form of a one-dimensional array; NULL is empty."""
    if not data or len(data) < ARRAY_HEADER:
        return np.empty(0, dtype=np.int64)
    kind = int.from_bytes(data[8:12])
    values = np.frombuffer(data, dtype=_ITEMS[kind], offset=ARRAY_HEADER)["value"]
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    return values.astype(np.int64) + (EPOCH_US if kind == _TIMESTAMP else 0)
