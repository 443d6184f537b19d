"""Raw rows as plain texts, to be kept or told."""

from __future__ import annotations

import pyarrow as pa

from geo.formats.table import GEOMETRY


def storable(text: str | None) -> str | None:
    """Return a text that PostgreSQL can store, cut to 1,000 characters."""
    return None if text is None else text.replace("\x00", "�")[:1000]


def shown(value: object) -> str:
    """Return a raw value as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return ", ".join(shown(item) for item in value.values())
    return str(value)


def raw_rows(table: pa.Table) -> list[dict[str, object]]:
    """Return rows as plain texts; a geometry as hexadecimal WKB; nulls are left out."""
    rows = []
    for row in table.to_pylist():
        plain: dict[str, object] = {}
        for name, value in row.items():
            if value is None:
                continue
            if name == GEOMETRY and isinstance(value, bytes):
                plain[name] = value.hex()
            else:
                plain[name] = storable(shown(value)) or ""
        rows.append(plain)
    return rows
