"""Reports taken in, one or hundreds: classified, held against earlier cases, written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from governance.intake.classifier_store import Suggested, suggest_classes_of_each
from governance.intake.reports import NewReport, Taken, take_reports
from governance.intake.similar_cases import Look, SimilarCase, find_similar_to_each


@dataclass(frozen=True)
class TakenIn:
    """A report as it was taken in, the classes that it may be of, the cases that it may repeat."""

    taken: Taken
    classes: list[Suggested]
    similar: list[SimilarCase]


def take_in(
    connection: Connection, jurisdiction_id: int, news: Sequence[NewReport]
) -> list[TakenIn]:
    """Classify reports, look for what each may repeat, and write them down: three statements.

    Nothing is filed and nothing is joined: a person does both. What a report may repeat is of its
    class where a person gave one, else of any: a suggestion hides no earlier case.
    """
    classes = suggest_classes_of_each(connection, jurisdiction_id, [new.words for new in news])
    similar = find_similar_to_each(connection, jurisdiction_id, [_look(new) for new in news])
    notes = [{"classes": [vars(one) for one in found]} if found else {} for found in classes]
    taken = take_reports(connection, jurisdiction_id, news, suggested=notes)
    return [TakenIn(*parts) for parts in zip(taken, classes, similar, strict=True)]


def _look(new: NewReport) -> Look | None:
    """Return what is compared; None for a report that names a grid only."""
    if new.lon is None or new.lat is None or new.seen_at.tzinfo is None:
        return None
    return Look(new.lon, new.lat, new.seen_at, new.words, new.category_id)
