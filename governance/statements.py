"""The statements of `governance/sql`, each read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def packaged(name: str) -> TextClause:
    """Return the statement of ``governance/sql/<name>.sql``; its values are bound by name."""
    return text(files("governance").joinpath("sql", f"{name}.sql").read_text("utf-8"))
