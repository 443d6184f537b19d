"""CSV and its relatives, plain or gzipped, in any common encoding, as a stream."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from geo.errors import FormatError
from geo.formats.encoding import (
    SAMPLE_BYTES,
    Utf8Stream,
    detect_delimiter,
    detect_encoding,
    known_encoding,
    open_binary,
    read_sample,
)
from geo.formats.table import BrokenRow, Numbering, RawBatch, RawTable

BLOCK_BYTES = 8 << 20


def open_delimited(path: Path, *, encoding: str | None = None) -> RawTable:
    """Open a delimited text file; every value is text until a mapping says what it is.

    Raises
    ------
    FormatError
        If the file is empty, damaged, or its header names a column twice.
    """
    sample = read_sample(path)
    encoding = known_encoding(encoding, file=path.name) if encoding else detect_encoding(sample)
    delimiter = detect_delimiter(sample, encoding)
    names = _header(path, sample, encoding, delimiter)
    has_rows = len(sample) == SAMPLE_BYTES or b"\n" in sample.strip() or b"\r" in sample.strip()
    return RawTable(
        path=path,
        format="csv",
        column_names=names,
        batches=_read(path, names, encoding, delimiter) if has_rows else iter(()),
        encoding=encoding,
    )


def _header(path: Path, sample: bytes, encoding: str, delimiter: str) -> tuple[str, ...]:
    text = sample.decode(encoding, errors="replace").lstrip("\ufeff")
    names = tuple(name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter)))
    if not names:
        raise FormatError(f"{path.name}: the first line is blank: begin with the column names")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        problem = f"names {', '.join(map(repr, twice))} twice" if twice else "has an empty name"
        raise FormatError(f"{path.name}: the header line {problem}: give each column its own name")
    return names


def _read(path: Path, names: tuple[str, ...], encoding: str, delimiter: str) -> Iterator[RawBatch]:
    numbering = Numbering()

    def keep_broken(row: Any) -> str:
        number = row.number - 1  # pyarrow counts the header as row 1
        problem = f"{row.actual_columns} values where the header names {row.expected_columns}"
        numbering.broken.append(BrokenRow(number, row.text, problem))
        return "skip"

    stream = open_binary(path)
    source = cast(Any, Utf8Stream(stream, encoding))
    with source:
        try:
            reader = pa_csv.open_csv(
                source,
                read_options=pa_csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    column_names=names,
                    skip_rows=0,
                    skip_rows_after_names=1,
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=keep_broken,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types={name: pa.binary() for name in names},
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=[""],
                ),
            )
            for batch in reader:
                row_no, broken = numbering.number(batch.num_rows)
                yield RawBatch(pa.Table.from_batches([batch]), row_no, broken)
        except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
            at = numbering.next_row
            raise FormatError(f"{path.name}: unreadable after row {at - 1}: {error}") from error
    if numbering.broken:
        empty = pa.table({name: pa.array([], pa.binary()) for name in names})
        yield RawBatch(empty, pa.array([], pa.int64()), tuple(numbering.broken))
