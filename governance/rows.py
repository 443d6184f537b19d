"""Rows of a handed-over file as text, with what is wrong in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from geo.errors import FormatError
from geo.formats.open import open_table
from geo.imports.values import as_text


@dataclass(frozen=True)
class BadRow:
    """A row that was not taken in: which, which field, and a reason of `geo.imports.problems`."""

    row_no: int
    field: str | None
    reason: str
    value: str | None
    raw: Mapping[str, str | None]


@dataclass(frozen=True)
class FileRow:
    """A row as text by the fields that were asked for; empty values are None."""

    row_no: int
    values: Mapping[str, str | None]


class RowError(Exception):
    """Why one row cannot be taken in."""

    def __init__(self, field: str, reason: str, value: str | None = None) -> None:
        super().__init__(reason)
        self.field, self.reason, self.value = field, reason, value


def read_rows(
    path: Path, fields: Mapping[str, tuple[str, ...]], *, kind: str, required: tuple[str, ...],
    layer: str | None = None,
) -> Iterator[FileRow]:  # fmt: skip
    """Yield the rows of a CSV, workbook or other table.

    Parameters
    ----------
    fields
        Field -> the column names under which files carry it.

    Raises
    ------
    FormatError
        A required field has no column; the message lists those that are there.
    """
    table = open_table(path, kind=kind, layer=layer)
    columns: dict[str, str] | None = None
    for batch in table.batches:
        names = [str(name) for name in batch.columns.column_names]
        if columns is None:
            columns = {
                field: found
                for field, known in fields.items()
                for found in names
                if found.strip().casefold() in {word.casefold() for word in known}
            }
            missing = [field for field in required if field not in columns]
            if missing:
                raise FormatError(
                    f"{path.name}: no column for {', '.join(missing)} (called "
                    f"{'; '.join('/'.join(fields[field]) for field in missing)}); the file has "
                    f"{', '.join(names)}",
                    code="missing-column",
                )
        texts = {field: _text(batch.columns, name) for field, name in columns.items()}
        for i, number in enumerate(batch.row_no.to_pylist()):
            yield FileRow(int(number), {field: column[i] for field, column in texts.items()})


def _text(table: pa.Table, name: str) -> list[str | None]:
    column, _ = as_text(table.column(name))
    return [value.strip() or None if value is not None else None for value in column.to_pylist()]


def need(row: FileRow, field: str) -> str:
    """Return a value that must be there."""
    value = row.values.get(field)
    if value is None:
        raise RowError(field, "missing_value")
    return value


def as_day(row: FileRow, field: str, default: date) -> date:
    """Return a day, or what an empty value means."""
    value = row.values.get(field)
    if value is None:
        return default
    try:
        return date.fromisoformat(value[:10].replace("/", "-"))
    except ValueError as error:
        raise RowError(field, "not_a_date", value) from error


def as_moment(row: FileRow, field: str, zone: ZoneInfo) -> datetime:
    """Return a time; one without an offset is of the jurisdiction's own zone."""
    value = need(row, field)
    try:
        moment = datetime.fromisoformat(value.replace("/", "-"))
    except ValueError as error:
        raise RowError(field, "not_a_time", value) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
