"""What the merges share: the target, the counts, and COPY from Arrow."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib.resources import files

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

from geo.imports.schema import Kind
from geo.places import Place

Connection = psycopg.Connection[tuple[object, ...]]


def packaged_sql(name: str) -> bytes:
    """Return a statement of ``geo/sql``."""
    return files("geo").joinpath("sql", f"{name}.sql").read_bytes()


@dataclass
class Counts:
    """What became of rows."""

    new: int = 0
    changed: int = 0
    same: int = 0
    no_grid: int = 0
    left_out: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Add another count to this one."""
        self.new += other.new
        self.changed += other.changed
        self.same += other.same
        self.no_grid += other.no_grid
        self.left_out += other.left_out
        for reason, number in other.quarantined.items():
            self.quarantined[reason] = self.quarantined.get(reason, 0) + number


@dataclass(frozen=True)
class Target:
    """Where a run writes."""

    feed_id: int
    run_id: int
    place: Place
    kind: Kind
    area_ids: dict[str, int] | None = None


def copy_table(connection: Connection, table: pa.Table, name: sql.Composable) -> None:
    """COPY the columns of an Arrow table into the equally named columns of a database table."""
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(include_header=False))
    columns = sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(name, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(buffer.getbuffer())
