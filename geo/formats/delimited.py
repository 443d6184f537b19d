"""CSV and its relatives, plain or gzipped, in any common encoding, as a stream."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
from geo.formats.line_blocks import LineBlocks
from geo.formats.table import BrokenRow, Numbering, RawBatch, RawTable, Take, TextLines

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Form:
    path: Path
    names: tuple[str, ...]
    encoding: str
    delimiter: str


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
    form = _Form(path, names, encoding, delimiter)
    has_rows = len(sample) == SAMPLE_BYTES or b"\n" in sample.strip() or b"\r" in sample.strip()
    return RawTable(
        path=path,
        format="csv",
        column_names=names,
        batches=_read(form) if has_rows else iter(()),
        encoding=encoding,
        batches_but=partial(_read_but, form) if has_rows else None,
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


def _read(form: _Form) -> Iterator[RawBatch]:
    numbering = Numbering()
    with _reading(form, numbering) as source:
        yield from _split(source, form, numbering, has_header=True)


def _read_but(form: _Form, take: Take) -> Iterator[RawBatch]:
    """Offer lines to `take`; yield what it does not take.

    A quoted value may hold newlines: from the first quote that was not taken on, lines are found by
    the reader that splits them.
    """
    numbering = Numbering()
    with _reading(form, numbering) as source:
        lines = LineBlocks(source)
        if not lines.skip_header():
            yield from _split(lines.rest(), form, numbering, has_header=True)
            return
        while len(text := lines.read()):
            whole = text[-1] == ord("\n")
            offered = TextLines(text, ord(form.delimiter), numbering.next_row)
            if whole and (taken := take(offered)):
                numbering.next_row += taken
                continue
            if not whole or (text == ord('"')).any():
                yield from _split(lines.rest(), form, numbering)
                return
            yield from _split(io.BytesIO(text.tobytes()), form, numbering)


@contextmanager
def _reading(form: _Form, numbering: Numbering) -> Iterator[Utf8Stream]:
    with Utf8Stream(open_binary(form.path), form.encoding) as source:
        try:
            yield source
        except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
            at = numbering.next_row - 1
            raise FormatError(f"{form.path.name}: unreadable after row {at}: {error}") from error


def _split(
    source: io.RawIOBase | io.BytesIO,
    form: _Form,
    numbering: Numbering,
    *,
    has_header: bool = False,
) -> Iterator[RawBatch]:
    before = numbering.next_row - 1 - has_header

    def keep_broken(row: Any) -> str:  # pyarrow counts the header as row 1
        problem = f"{row.actual_columns} values where the header names {row.expected_columns}"
        numbering.broken.append(BrokenRow(before + row.number, row.text, problem))
        return "skip"

    reader = pa_csv.open_csv(
        cast(Any, source),
        read_options=pa_csv.ReadOptions(
            use_threads=False,
            block_size=BLOCK_BYTES,
            column_names=form.names,
            skip_rows=0,
            skip_rows_after_names=int(has_header),
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=form.delimiter,
            newlines_in_values=True,
            invalid_row_handler=keep_broken,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.binary() for name in form.names},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    for batch in reader:
        row_no, broken = numbering.number(batch.num_rows)
        yield RawBatch(pa.Table.from_batches([batch]), row_no, broken)
    if numbering.broken:
        left = tuple(numbering.broken)
        numbering.broken.clear()
        numbering.next_row = left[-1].row_no + 1
        empty = pa.table({name: pa.array([], pa.binary()) for name in form.names})
        yield RawBatch(empty, pa.array([], pa.int64()), left)
