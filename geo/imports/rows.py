"""Raw rows as plain texts, to be kept or told."""

from __future__ import annotations

from math import isfinite

import pyarrow as pa

from geo.formats.table import GEOMETRY


def storable(text: str) -> str:
    """Return a text that PostgreSQL can store: without NUL characters."""
    return text.replace("\x00", "�")


def shown(value: object) -> str:
    """Return a raw value as text; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return ", ".join(shown(item) for item in value.values())
    return str(value)


def raw_rows(table: pa.Table) -> list[dict[str, object]]:
    """Return rows as JSON can hold them; a geometry as hexadecimal WKB; nulls are left out."""
    rows = []
    for row in table.to_pylist():
        plain: dict[str, object] = {}
        for name, value in row.items():
            if value is None:
                continue
            if name == GEOMETRY and isinstance(value, bytes):
                plain[name] = value.hex()
            elif isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
                plain[name] = value
            else:
                plain[name] = storable(shown(value))
        rows.append(plain)
    return rows
