"""A list of problem classes from a file into a scheme."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pyarrow as pa

from geo.errors import MappingError
from geo.formats.open import open_table
from geo.imports.values import as_text
from geo.store import ensure_categories

_NEEDED = ("scheme", "code", "name")


def import_categories(connection: psycopg.Connection[tuple[object, ...]], path: Path) -> int:
    """Add the classes of a table with the columns scheme, code, name, name_en, group.

    Returns how many classes the file names; those that exist already stay as they are.

    Raises
    ------
    MappingError
        If a column or a code is missing.
    """
    table = open_table(path, kind="incidents")
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise MappingError(f"{path.name}: has no column {', '.join(missing)}")
    schemes: dict[str, dict[str, tuple[str, str, str | None]]] = {}
    for batch in table.batches:
        names = [n for n in (*_NEEDED, "name_en", "group") if n in table.column_names]
        texts = pa.table({name: as_text(batch.columns.column(name))[0] for name in names})
        for number, row in enumerate(texts.to_pylist(), start=1):
            if None in (row["scheme"], row["code"], row["name"]):
                raise MappingError(f"{path.name}: row {number}: scheme, code and name are needed")
            entry = (row["name"], row.get("name_en") or row["name"], row.get("group"))
            schemes.setdefault(row["scheme"], {})[row["code"]] = entry
    with connection.transaction():
        for scheme, categories in schemes.items():
            ensure_categories(connection, scheme=scheme, categories=categories)
    return sum(map(len, schemes.values()))
