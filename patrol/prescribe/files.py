"""Prescriptions as TOML and CSV, in and out; the ones that are shipped."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import time
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from geo.errors import InputError
from patrol.prescribe.prescription import Prescription

FIELDS = (
    "code", "means", "window_from", "window_to", "dwell_min", "checklist_zh", "checklist_en",
    "evidence_zh", "evidence_en",
)  # fmt: skip
_LISTS = ("means", "checklist_zh", "checklist_en")
_SEPARATOR = "|"


@cache
def shipped() -> Mapping[str, Prescription]:
    """Return the prescriptions that a district begins with, by code: customs, not findings."""
    text = files("patrol.prescribe").joinpath("defaults.toml").read_text("utf-8")
    return MappingProxyType({item.code: item for item in read_toml(text, name="defaults.toml")})


def read_toml(text: str, *, name: str) -> list[Prescription]:
    """Read prescriptions from TOML: one table ``[[prescription]]`` each, `FIELDS` as keys.

    Raises
    ------
    InputError
        The text is no TOML, a field is missing, unknown or wrong, or a code comes twice; the
        message names the file and the entry.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not TOML: {error}") from error
    entries = found.get("prescription")
    if not isinstance(entries, list) or set(found) != {"prescription"}:
        raise InputError(f"{name}: write each prescription as a table [[prescription]]")
    return _once(name, (_build(f"{name}, entry {i}", e) for i, e in enumerate(entries, start=1)))


def read_csv(text: str, *, name: str) -> list[Prescription]:
    """Read prescriptions from CSV: a header of `FIELDS`; lists are parted by ``|``.

    Raises
    ------
    InputError
        As `read_toml`, naming the row.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    entries = []
    for row in rows:
        where = f"{name}, row {rows.line_num}"
        if None in row:
            raise InputError(f"{where}: more cells than the header has")
        entry: dict[str, Any] = {k: v for k, v in row.items() if v not in (None, "")}
        for field in _LISTS:
            if field in entry:
                entry[field] = [part.strip() for part in str(entry[field]).split(_SEPARATOR)]
        if "dwell_min" in entry:
            try:
                entry["dwell_min"] = int(entry["dwell_min"])
            except ValueError as error:
                raise InputError(f"{where}: dwell_min must be a whole number of minutes") from error
        entries.append((where, entry))
    return _once(name, (_build(where, entry) for where, entry in entries))


def write_toml(items: Iterable[Prescription]) -> str:
    """Return prescriptions as TOML that `read_toml` reads back."""
    tables = []
    for item in items:
        # JSON's strings, lists and numbers are TOML's, too.
        lines = [
            f"{key} = {json.dumps(value, ensure_ascii=False)}"
            for key, value in _plain(item).items()
        ]
        tables.append("\n".join(["[[prescription]]", *lines]))
    return "\n\n".join(tables) + "\n"


def write_csv(items: Iterable[Prescription]) -> bytes:
    """Return prescriptions as CSV that spreadsheets and `read_csv` read (UTF-8 with mark)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\r\n")
    writer.writeheader()
    for item in items:
        plain = _plain(item)
        for field in _LISTS:
            plain[field] = _SEPARATOR.join(plain[field])
        writer.writerow(plain)
    return out.getvalue().encode("utf-8-sig")


def _plain(item: Prescription) -> dict[str, Any]:
    values = {field: getattr(item, field) for field in FIELDS}
    values |= {field: list(values[field]) for field in _LISTS}
    for field in ("window_from", "window_to"):
        if values[field] is None:
            del values[field]
        else:
            values[field] = f"{values[field]:%H:%M}"
    return values


def _build(where: str, entry: Mapping[str, Any]) -> Prescription:
    strange = [key for key in entry if key not in FIELDS]
    if strange:
        raise InputError(
            f"{where}: there is no field {strange[0]!r}; there are {', '.join(FIELDS)}"
        )
    values = {"window_from": None, "window_to": None} | dict(entry)
    absent = [field for field in FIELDS if field not in values]
    if absent:
        raise InputError(f"{where}: {absent[0]} is missing")
    for field in _LISTS:
        given = values[field]
        if not isinstance(given, list) or not all(isinstance(v, str) and v.strip() for v in given):
            raise InputError(f"{where}: {field} must be a list of words")
        values[field] = tuple(given)
    for field in ("window_from", "window_to"):
        values[field] = _clock(where, field, values[field])
    if type(values["dwell_min"]) is not int:
        raise InputError(f"{where}: dwell_min must be a whole number of minutes")
    for field in ("code", "evidence_zh", "evidence_en"):
        if not isinstance(values[field], str) or not values[field].strip():
            raise InputError(f"{where}: {field} must be text")
    try:
        return Prescription(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _clock(where: str, field: str, value: Any) -> time | None:
    if value is None or isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError as error:
        raise InputError(f"{where}: {field} is {value!r}; write it as 07:30") from error


def _once(name: str, items: Iterable[Prescription]) -> list[Prescription]:
    found = list(items)
    codes = [item.code for item in found]
    twice = [code for code in codes if codes.count(code) > 1]
    if twice:
        raise InputError(f"{name}: class {twice[0]!r} comes twice")
    return found
