"""Looks an address up among areas, places, roads, crossings, house numbers and earlier addresses.

Nothing is placed here: each candidate says how sure it is, and a person takes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Literal

from sqlalchemy import Connection

from governance.places.parse import Asked, read_address

CandidateKind = Literal[
    "area", "station", "building", "water", "road", "crossing", "number", "address"
]
Note = Literal["near", "nearest_number", "no_number"]
LEAST_ALIKE = 0.3
ALIKE_ROAD = 0.45
STREETS = 3
# A whole name is surer than a part, and nothing is certain but what somebody confirms.
SUREST = 0.99


@dataclass(frozen=True)
class Candidate:
    """Where an address may be.

    Attributes
    ----------
    confidence
        0 to 1: how alike the name is, less where only a street or a neighbour's number is known.
    area_id
        Of an area; the point stands somewhere in it.
    note
        ``near``: close by it; ``nearest_number``: `detail` is the number there is;
        ``no_number``: no house number of this street is known.
    """

    kind: CandidateKind
    name: str
    name_en: str | None
    detail: str | None
    area_id: int | None
    lon: float
    lat: float
    confidence: float
    note: Note | None = None


def find_candidates(connection: Connection, text: str, *, most: int = 8) -> list[Candidate]:
    """Return where an address may be, the surest first; empty where nothing is alike.

    Parameters
    ----------
    text
        As it was said, in Chinese or English: a name, a crossing, a street with a number, or
        near one of these.
    """
    asked = read_address(text)
    if not asked.words:
        return []
    numbers = list(_numbers(connection, asked))
    named = list(_names(connection, asked, most, numbered={one.name for one in numbers}))
    found = [*_crossings(connection, asked), *numbers, *named,
             *_earlier(connection, asked, most)]  # fmt: skip
    if asked.is_near:
        found = [replace(one, confidence=0.9 * one.confidence, note=one.note or "near")
                 for one in found]  # fmt: skip
    found.sort(key=lambda one: (-one.confidence, len(one.name), one.name))
    return list(_distinct(found))[:most]


def _distinct(found: Iterable[Candidate]) -> Iterator[Candidate]:
    seen = set()
    for one in found:
        key = (one.name, round(one.lon, 4), round(one.lat, 4))
        if key not in seen:
            seen.add(key)
            yield one


def _names(
    connection: Connection, asked: Asked, most: int, *, numbered: set[str]
) -> Iterator[Candidate]:
    """Yield what is named; a street is less sure where one of its numbers was asked for."""
    rows = _rows(connection, "names", asked=asked.words, least=LEAST_ALIKE, most=2 * most)
    for row in rows:
        street = asked.number is not None and row["kind"] == "road"
        bare = street and not any(one.startswith(row["name"]) for one in numbered)
        yield Candidate(
            row["kind"], row["name"], row["name_en"], row["detail"], row["area_id"], row["lon"],
            row["lat"], _sure(row["alike"] * (0.6 if street else 1.0)),
            note="no_number" if bare else None,
        )  # fmt: skip


def _crossings(connection: Connection, asked: Asked) -> Iterator[Candidate]:
    for first, other in asked.crossings:
        rows = _rows(connection, "crossings", first=first, other=other, least=ALIKE_ROAD, most=4)
        for row in rows:
            english = row["first_en"] and row["second_en"]
            yield Candidate(
                "crossing", f"{row['first']} × {row['second']}",
                f"{row['first_en']} × {row['second_en']}" if english else None, None, None,
                row["lon"], row["lat"], _sure(row["alike"]),
            )  # fmt: skip


def _numbers(connection: Connection, asked: Asked) -> Iterator[Candidate]:
    if asked.street is None or asked.number is None:
        return
    named = [
        row for row in _rows(connection, "names", asked=asked.street, least=ALIKE_ROAD, most=30)
        if row["kind"] == "road"
    ][:STREETS]  # fmt: skip
    streets = {row["name"]: row for row in named}
    values = {"streets": list(streets), "number": asked.number, "most": 2}
    for row in _rows(connection, "numbers", **values):
        street = streets[row["street"]]
        exact = row["number"] == asked.number
        english = f"{row['number']} {street['name_en']}" if street["name_en"] else None
        apart = abs(row["number"] - asked.number)
        sure = 0.6 + 0.4 * street["alike"]
        if not exact:  # the further along the street, the less it says
            sure = (0.3 + 0.4 * street["alike"]) * (0.5 + 0.5 / (1 + apart / 20))
        yield Candidate(
            "number", f"{row['street']}{row['number']}号", english,
            None if exact else str(row["number"]), None, row["lon"], row["lat"],
            _sure(sure), note=None if exact else "nearest_number",
        )  # fmt: skip


def _earlier(connection: Connection, asked: Asked, most: int) -> Iterator[Candidate]:
    for row in _rows(connection, "earlier", asked=asked.words, least=ALIKE_ROAD, most=most):
        if asked.number is not None and read_address(row["name"]).number != asked.number:
            continue  # another house of the street
        yield Candidate("address", row["name"], None, str(row["reports"]), None, row["lon"],
                        row["lat"], _sure(row["alike"]))  # fmt: skip


def _sure(alike: float) -> float:
    return round(min(SUREST, alike), 3)


def _rows(connection: Connection, name: str, **values: Any) -> list[dict[str, Any]]:
    query = files("governance").joinpath("sql", f"gazetteer_{name}.sql").read_text("utf-8")
    return [dict(row) for row in connection.exec_driver_sql(query, values).mappings()]
