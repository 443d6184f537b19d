"""Cases that a report may repeat: near, recent and not of another class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from geo.errors import InputError
from governance.intake.similarity import word_similarity
from governance.statements import packaged

FARTHEST_M, LONGEST_HOURS = 1000.0, 720


@dataclass(frozen=True)
class SimilarCase:
    """A case that a report may repeat.

    Attributes
    ----------
    alike
        Of the words, 0 to 1.
    same_class
        None where one of the two has no class yet.
    """

    case_id: int
    number: str
    state: str
    words: str
    distance_m: float
    opened_at: datetime
    alike: float
    same_class: bool | None


@dataclass(frozen=True)
class Look:
    """What is compared: place (EPSG:4326), time, words and, where it is known, the class."""

    lon: float
    lat: float
    seen_at: datetime
    words: str = ""
    category_id: int | None = None


def find_similar(
    connection: Connection,
    jurisdiction_id: int,
    *,
    lon: float,
    lat: float,
    seen_at: datetime,
    words: str = "",
    category_id: int | None = None,
    radius_m: float | None = None,
    hours: int | None = None,
) -> list[SimilarCase]:
    """Return the cases that a report may repeat: near, recent, and not of another class.

    Parameters
    ----------
    radius_m, hours
        How near and how recent; None is as the district says, which begins with what is usual in
        urban management (50 m, 24 h).

    Returns
    -------
    list
        Those of the same class first, then the more alike, then the nearer.
    """
    look = Look(lon, lat, seen_at, words, category_id)
    return find_similar_to_each(
        connection, jurisdiction_id, [look], radius_m=radius_m, hours=hours
    )[0]  # fmt: skip


def find_similar_to_each(
    connection: Connection, jurisdiction_id: int, looks: Sequence[Look | None], *,
    radius_m: float | None = None, hours: int | None = None,
) -> list[list[SimilarCase]]:  # fmt: skip
    """Return for each of several reports the cases that it may repeat; none for None."""
    given = [
        {"n": n, "lon": look.lon, "lat": look.lat, "seen_at": look.seen_at.isoformat()}
        for n, look in enumerate(looks)
        if look is not None
    ]
    found: list[list[SimilarCase]] = [[] for _ in looks]
    if not given:
        return found
    values = {"jurisdiction": jurisdiction_id, "reports": json.dumps(given),
              "radius_m": radius_m, "hours": hours}  # fmt: skip
    for row in connection.execute(packaged("similar_cases"), values):
        look = looks[row.n]
        same = None if look is None else _same(look.category_id, row.category_id)
        if look is not None and same is not False:
            alike = word_similarity(look.words, row.words)
            found[row.n].append(
                SimilarCase(row.case_id, row.number, row.state, row.words, row.distance_m,
                            row.opened_at, alike, same)
            )  # fmt: skip
    for cases in found:
        cases.sort(key=lambda case: (not case.same_class, -case.alike, case.distance_m))
    return found


def write_repeats(
    connection: Connection, jurisdiction_id: int, *, radius_m: float, hours: int
) -> None:
    """Store how near and how recent a case is that a report may repeat.

    Raises
    ------
    InputError
        Nothing would be near enough, or half a district; or no time, or more than 30 days.
    """
    if not (0 < radius_m <= FARTHEST_M and 1 <= hours <= LONGEST_HOURS):
        msg = (
            f"{radius_m:g} m and {hours} h: a repetition lies within {FARTHEST_M:g} m and "
            f"{LONGEST_HOURS} h at most"
        )
        raise InputError(msg, code="bad-repeats")
    connection.execute(
        text("UPDATE jurisdiction SET repeat_radius_m = :radius_m, repeat_hours = :hours "
             "WHERE jurisdiction_id = :j"),
        {"radius_m": radius_m, "hours": hours, "j": jurisdiction_id},
    )  # fmt: skip


def _same(first: int | None, second: int | None) -> bool | None:
    return None if first is None or second is None else first == second
