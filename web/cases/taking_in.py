"""Taking reports in: each once, with what it may be and repeat; in a batch each stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, GridbeatError
from governance.intake.reports import NewReport
from governance.intake.taking_in import TakenIn, take_in
from web.cases.spots import Place, Spot, find_spots
from web.errors import ForbiddenError
from web.refusals import tell_database_error


@dataclass(frozen=True)
class Answer:
    """What became of one report: taken in where it is, or refused for a reason."""

    report_id: UUID
    spot: Spot | None = None
    given: TakenIn | None = None
    refused: GridbeatError | None = None

    @property
    def is_new(self) -> bool:
        """Whether it was taken in now."""
        return self.given is not None and self.given.taken.is_new


def take_one(connection: Connection, new: NewReport, place: Place) -> Answer:
    """Take a report in; the same one again is the same.

    Raises
    ------
    InputError, NotFoundError
        It has no words, no place, or one that is not this account's.
    ConflictError
        Another report was taken in under that number.
    """
    answer = take_together(connection, [(new, place)])[0]
    if answer.refused is not None:
        raise answer.refused
    return answer


def take_batch(connection: Connection, wanted: Sequence[tuple[NewReport, Place]]) -> list[Answer]:
    """Take reports in and answer for each, in their order; one that is refused stops no other.

    All go in by one statement. Where the database refuses one, such as ground that is not this
    account's, each is taken in by itself, behind a savepoint.
    """
    try:
        with connection.begin_nested():
            return take_together(connection, wanted)
    except DBAPIError as error:
        if tell_database_error(error) is None:
            raise  # the database's trouble, not a report's
    return [_take_alone(connection, new, place) for new, place in wanted]


def _take_alone(connection: Connection, new: NewReport, place: Place) -> Answer:
    try:
        with connection.begin_nested():
            return take_together(connection, [(new, place)])[0]
    except DBAPIError as error:
        refused = tell_database_error(error)
        if refused is None:
            raise
        return Answer(new.report_id, refused=ForbiddenError(refused[1], code="refused-by-database"))


def take_together(
    connection: Connection, wanted: Sequence[tuple[NewReport, Place]]
) -> list[Answer]:
    """Take reports in, all of them by the same few statements, and answer for each.

    What the database itself refuses, such as ground that is not this account's, ends all.
    """
    spots = find_spots(connection, [place for _, place in wanted])
    answers = [
        Answer(new.report_id, refused=spot if isinstance(spot, GridbeatError) else None)
        for (new, _), spot in zip(wanted, spots, strict=True)
    ]
    placed = [
        (n, spot, replace(wanted[n][0], lon=spot.lon, lat=spot.lat, accuracy_m=spot.accuracy_m))
        for n, spot in enumerate(spots)
        if isinstance(spot, Spot)
    ]
    for jurisdiction, group in _by_jurisdiction(placed):
        taken = take_in(connection, jurisdiction, [new for _, _, new in group])
        for (n, spot, new), given in zip(group, taken, strict=True):
            refused = given.taken.refused or _another(new, given)
            answers[n] = Answer(new.report_id, spot, None if refused else given, refused)
    return answers


def _by_jurisdiction(
    placed: list[tuple[int, Spot, NewReport]],
) -> Iterator[tuple[int, list[tuple[int, Spot, NewReport]]]]:
    ordered = sorted(placed, key=lambda one: (one[1].jurisdiction_id, one[0]))
    for jurisdiction, group in groupby(ordered, key=lambda one: one[1].jurisdiction_id):
        yield jurisdiction, list(group)


def _another(new: NewReport, given: TakenIn) -> ConflictError | None:
    """Return the conflict where another report stands under this one's number."""
    taken = given.taken
    same = (taken.report_id, taken.words, taken.taken_by)
    if same == (new.report_id, new.words.strip(), new.taken_by):
        return None
    msg = f"another report was taken in as {taken.report_id}: make a new number"
    return ConflictError(msg, code="number-used")
