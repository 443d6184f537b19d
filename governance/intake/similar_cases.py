"""Cases that a report may repeat: near, recent and not of another class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from sqlalchemy import Connection, text

from governance.intake.similarity import word_similarity


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


def find_similar(
    connection: Connection,
    jurisdiction_id: int,
    *,
    lon: float,
    lat: float,
    seen_at: datetime,
    words: str = "",
    category_id: int | None = None,
    radius_m: float = 50.0,
    hours: int = 24,
) -> list[SimilarCase]:
    """Return the cases that a report may repeat: near, recent, and not of another class.

    Parameters
    ----------
    radius_m, hours
        How near and how recent; the defaults are those of urban management (50 m, 24 h).

    Returns
    -------
    list
        Those of the same class first, then the more alike, then the nearer.
    """
    query = text(files("governance").joinpath("sql", "similar_cases.sql").read_text("utf-8"))
    rows = connection.execute(
        query,
        {"jurisdiction": jurisdiction_id, "lon": lon, "lat": lat, "radius_m": radius_m,
         "seen_at": seen_at, "hours": hours},
    )  # fmt: skip
    found = [
        SimilarCase(
            row.case_id, row.number, row.state, row.words, row.distance_m, row.opened_at,
            word_similarity(words, row.words), _same(category_id, row.category_id),
        )
        for row in rows
    ]  # fmt: skip
    near = [case for case in found if case.same_class is not False]
    return sorted(near, key=lambda case: (not case.same_class, -case.alike, case.distance_m))


def _same(first: int | None, second: int | None) -> bool | None:
    return None if first is None or second is None else first == second
