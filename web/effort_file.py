"""Patrol hours by grid from a small table, where no tracks bring them."""

from __future__ import annotations

import csv
from pathlib import Path

from geo.errors import FormatError, InputError


def read_effort(path: Path) -> dict[str, float]:
    """Read patrol hours by grid code from a CSV file with the columns ``code`` and ``hours``.

    A grid that has no row is unknown: nobody can say how long somebody was there.

    Raises
    ------
    FormatError
        The file is no such table.
    InputError
        Hours are no number of at least 0, or a grid comes twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name} is not UTF-8 text: save it as CSV UTF-8") from error
    if not rows or not {"code", "hours"} <= set(rows[0]):
        raise FormatError(f"{path.name} needs the columns code and hours, one row a grid")
    hours: dict[str, float] = {}
    for number, row in enumerate(rows, start=2):
        code, value = str(row["code"]).strip(), _number(row["hours"])
        if value is None or value < 0:
            raise InputError(
                f"{path.name}, row {number}: hours is {row['hours']!r}; say a number from 0 up, or "
                "leave the row out where nobody knows"
            )
        if code in hours:
            raise InputError(f"{path.name}, row {number}: grid {code!r} comes twice; add them up")
        hours[code] = value
    return hours


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value < float("inf") else None
