"""Excel workbooks, one sheet, read row by row."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pyarrow as pa

from geo.errors import FormatError
from geo.formats.table import CHUNK_ROWS, Numbering, RawBatch, RawTable


def open_sheet(path: Path, *, layer: str | None = None) -> RawTable:
    """Open a sheet of a workbook (the first, or the one named `layer`); values become text.

    Raises
    ------
    FormatError
        If the workbook is damaged, the sheet is not there, or its header is not usable.
    """
    # Takes half a second to import, and few files are workbooks.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise FormatError(f"{path.name}: not a readable workbook ({error})") from error
    if layer is not None and layer not in book.sheetnames:
        raise FormatError(f"{path.name}: no sheet {layer!r}; it has {', '.join(book.sheetnames)}")
    sheet = book[layer] if layer is not None else book.worksheets[0]
    rows = sheet.iter_rows(values_only=True)
    header = [_text(value) for value in next(rows, ())]
    while header and header[-1] is None:
        header.pop()
    names = tuple(name.strip() for name in header if name is not None)
    if not names or len(names) != len(header) or len(set(names)) != len(names):
        raise FormatError(
            f"{path.name}: sheet {sheet.title!r}: the first row must name each column once"
        )
    return RawTable(path=path, format="xlsx", column_names=names, batches=_read(path, rows, names))


def _read(
    path: Path, rows: Iterator[tuple[Any, ...]], names: tuple[str, ...]
) -> Iterator[RawBatch]:
    numbering = Numbering()
    while chunk := _next_rows(path, rows, numbering.next_row):
        columns = {
            name: pa.array([_text(row[i]) if i < len(row) else None for row in chunk], pa.string())
            for i, name in enumerate(names)
        }
        table = pa.table(columns)
        row_no, _ = numbering.number(table.num_rows)
        filled = pa.array([any(value is not None for value in row) for row in chunk])
        yield RawBatch(table.filter(filled), row_no.filter(filled))


def _next_rows(path: Path, rows: Iterator[tuple[Any, ...]], at: int) -> list[tuple[Any, ...]]:
    try:
        return list(islice(rows, CHUNK_ROWS))
    except (zipfile.BadZipFile, zlib.error, ParseError, ValueError, KeyError) as error:
        raise FormatError(f"{path.name}: unreadable after row {at - 1}: {error}") from error


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
