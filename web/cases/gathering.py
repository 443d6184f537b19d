"""Reports that come one a request at the same moment, taken in together: a transaction for many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from geo.errors import GridbeatError
from governance.intake.reports import NewReport
from web.audit.log import Entry, write_entries_of_store
from web.cases.spots import Place
from web.cases.taking_in import Answer, take_together
from web.database import Databases, Scope

MOST_TOGETHER = 100
AT_ONCE = 2  # while one lot waits for the disk, the next is worked on


@dataclass(frozen=True)
class Wanted:
    """A report that somebody wants taken in, and what is written beside it.

    Attributes
    ----------
    scope
        The ground of whoever sends it; only reports of one scope share a transaction.
    entry
        What the log says of it, if it is new.
    beside
        Writes what belongs to it and to no other, such as how its caller can be reached.
    """

    new: NewReport
    place: Place
    scope: Scope
    entry: Entry
    beside: Callable[[Connection], None] | None = None


Became = Answer | BaseException
Waiting = tuple[Wanted, asyncio.Future[Answer]]


@dataclass
class Gathering:
    """Takes in what waits, all at once, as soon as a lot before it is done.

    Nobody waits for company: a report that comes alone goes alone. Only while earlier lots are at
    work do later ones gather, so that the busier the service is, the less a report costs. An
    answer is given after the commit; where a lot fails, each of it is tried by itself, so that
    none suffers for another.
    """

    databases: Databases
    _waiting: list[Waiting] = field(default_factory=list)
    _workers: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, wanted: Wanted) -> Answer:
        """Take a report in, and return what became of it once it is safe."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        if len(self._workers) < AT_ONCE:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await future

    async def _work(self) -> None:
        while self._waiting:
            lot, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            wanted = [one for one, _ in lot]
            [became] = await asyncio.gather(
                asyncio.to_thread(take_lot, self.databases, wanted), return_exceptions=True
            )
            _tell(lot, became)


def _tell(lot: Sequence[Waiting], became: Sequence[Became] | BaseException) -> None:
    each = [became] * len(lot) if isinstance(became, BaseException) else became
    for (_, future), one in zip(lot, each, strict=True):
        if future.done():
            continue  # whoever asked is gone; the report is safe all the same
        if isinstance(one, BaseException):
            future.set_exception(one)
        else:
            future.set_result(one)


def take_lot(databases: Databases, lot: Sequence[Wanted]) -> list[Became]:
    """Take reports in, those of one scope in one transaction, and answer for each in its order."""
    found: dict[int, Became] = {}
    ordered = sorted(enumerate(lot), key=lambda one: (repr(one[1].scope), one[1].new.report_id))
    for _, group in groupby(ordered, key=lambda one: one[1].scope):
        numbers, wanted = zip(*group, strict=True)
        found |= zip(numbers, _take_of_scope(databases, wanted), strict=True)
    return [found[n] for n in range(len(lot))]


def _take_of_scope(databases: Databases, wanted: Sequence[Wanted]) -> list[Became]:
    try:
        return list(_take(databases, wanted))
    except (DBAPIError, GridbeatError) as error:
        if len(wanted) == 1:
            return [error]
    return [_take_of_scope(databases, [one])[0] for one in wanted]


def _take(databases: Databases, wanted: Sequence[Wanted]) -> list[Answer]:
    with databases.store(wanted[0].scope) as connection:
        answers = take_together(connection, [(one.new, one.place) for one in wanted])
        for one, answer in zip(wanted, answers, strict=True):
            if one.beside is not None and answer.refused is None:
                one.beside(connection)
        new = [one.entry for one, answer in zip(wanted, answers, strict=True) if answer.is_new]
        write_entries_of_store(connection, new)
    return answers
