"""What a district calls its four levels; the common names where it has none of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, text

from geo.errors import InputError
from governance.cases.states import LEVEL_NAMES


def read_level_names(connection: Connection, jurisdiction_id: int) -> dict[str, tuple[str, str]]:
    """Read the names of the levels in Chinese and English, the lowest first."""
    stored = connection.execute(
        text("SELECT level_names FROM jurisdiction WHERE jurisdiction_id = :j"),
        {"j": jurisdiction_id},
    ).scalar_one()
    own = {level: (given["zh"], given["en"]) for level, given in stored.items()}
    return {level: own.get(level, names) for level, names in LEVEL_NAMES.items()}


def read_first_level_names(connection: Connection) -> dict[str, tuple[str, str]]:
    """Read the names of the first district that is to be seen; the common ones without any."""
    first = text("SELECT jurisdiction_id FROM jurisdiction ORDER BY jurisdiction_id LIMIT 1")
    number = connection.execute(first).scalar_one_or_none()
    return dict(LEVEL_NAMES) if number is None else read_level_names(connection, number)


def write_level_names(
    connection: Connection, jurisdiction_id: int, names: Mapping[str, tuple[str, str]]
) -> None:
    """Store what some levels are called; the others keep their names.

    Raises
    ------
    InputError
        A level is none of the four, or a name is missing.
    """
    for level, (zh, en) in names.items():
        if level not in LEVEL_NAMES:
            raise InputError(
                f"{level!r} is no level; there are {', '.join(LEVEL_NAMES)}", code="no-level"
            )
        if not (zh.strip() and en.strip()):
            raise InputError(
                f"{level} needs a name in Chinese and one in English", code="level-names"
            )
    given = {level: {"zh": zh.strip(), "en": en.strip()} for level, (zh, en) in names.items()}
    connection.execute(
        text("UPDATE jurisdiction SET level_names = level_names || CAST(:given AS jsonb) "
             "WHERE jurisdiction_id = :j"),
        {"given": json.dumps(given, ensure_ascii=False), "j": jurisdiction_id},
    )  # fmt: skip
