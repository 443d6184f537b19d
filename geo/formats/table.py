"""What every reader yields: batches of raw columns with row numbers, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

GEOMETRY = "geometry"
CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class BrokenRow:
    """A row that the format itself could not split into columns."""

    row_no: int
    text: str
    problem: str


@dataclass(frozen=True)
class RawBatch:
    """A run of rows as the file has them.

    Attributes
    ----------
    columns
        The raw values; a geometry is a binary column of WKB named ``geometry``.
    row_no
        Number of each row in the file, from 1, shape ``(n,)``.
    broken
        Rows within this run that could not be split into columns.
    """

    columns: pa.Table
    row_no: pa.Array
    broken: tuple[BrokenRow, ...] = ()


@dataclass(frozen=True)
class TextLines:
    """Whole lines of a delimited text file.

    Attributes
    ----------
    text
        UTF-8, shape ``(n,)``; each line ends with a newline. Written over when the next lines are
        read.
    delimiter
        Byte between two values.
    row_no
        Number of the first line's row in the file.
    """

    text: NDArray[np.uint8]
    delimiter: int
    row_no: int


Take = Callable[[TextLines], int]
"""Takes lines and returns how many rows they are; or takes none of them and returns 0."""


@dataclass(frozen=True)
class RawTable:
    """A file opened for reading: its columns, reference system, and its batches.

    Attributes
    ----------
    crs
        Reference system that the file itself names (anything ``geo.crs.systems.parse_crs`` reads),
        or None.
    has_geometry
        Whether the batches carry a ``geometry`` column.
    n_rows
        How many rows there are, where the file says so.
    batches_but
        Of delimited text: offers its lines to who reads plain ones quicker, and yields batches of
        those that were not taken, in order. Instead of `batches`.
    """

    path: Path
    format: str
    column_names: tuple[str, ...]
    batches: Iterator[RawBatch]
    crs: str | None = None
    has_geometry: bool = False
    encoding: str | None = None
    n_rows: int | None = None
    batches_but: Callable[[Take], Iterator[RawBatch]] | None = None


@dataclass
class Numbering:
    """Row numbers of good rows when broken rows stand between them."""

    next_row: int = 1
    broken: list[BrokenRow] = field(default_factory=list)

    def number(self, n_rows: int) -> tuple[pa.Array, tuple[BrokenRow, ...]]:
        """Give the next `n_rows` good rows their numbers, and the broken rows among them."""
        skip = {row.row_no for row in self.broken}
        if not skip:
            numbers = pa.array(np.arange(self.next_row, self.next_row + n_rows))
            self.next_row += n_rows
            return numbers, ()
        out: list[int] = []
        row = self.next_row
        while len(out) < n_rows:
            if row not in skip:
                out.append(row)
            row += 1
        while row in skip:
            row += 1
        self.next_row = row
        passed = tuple(item for item in self.broken if item.row_no < row)
        self.broken[:] = [item for item in self.broken if item.row_no >= row]
        return pa.array(out, pa.int64()), passed


def rechunk(batches: Iterator[RawBatch], *, rows: int = CHUNK_ROWS) -> Iterator[RawBatch]:
    """Yield the same rows in batches of exactly `rows` (the last may be shorter)."""
    held: list[RawBatch] = []
    n_held = 0
    for batch in batches:
        held.append(batch)
        n_held += batch.columns.num_rows
        while n_held >= rows:
            whole = _join(held)
            yield _cut(whole, 0, rows)
            held = [_cut(whole, rows, n_held)]
            n_held -= rows
    if held and (n_held or any(batch.broken for batch in held)):
        yield _join(held)


def _join(batches: list[RawBatch]) -> RawBatch:
    if len(batches) == 1:
        return batches[0]
    row_no = pa.concat_arrays(
        [
            part
            for batch in batches
            for part in (
                batch.row_no.chunks if isinstance(batch.row_no, pa.ChunkedArray) else [batch.row_no]
            )
        ]
    )
    columns = pa.concat_tables([batch.columns for batch in batches], promote_options="default")
    return RawBatch(columns, row_no, tuple(b for batch in batches for b in batch.broken))


def _cut(batch: RawBatch, start: int, stop: int) -> RawBatch:
    """Cut rows; broken rows go with the first part, where they belong or a little earlier."""
    broken = batch.broken if start == 0 else ()
    return RawBatch(
        batch.columns.slice(start, stop - start), batch.row_no.slice(start, stop - start), broken
    )
