"""Reports of one moment: one transaction for many, an answer for each, and none for another's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from geo.errors import ConflictError
from governance.intake.reports import NewReport
from tests.web.governed import LAT, LON, People
from web.audit.log import Entry
from web.cases.gathering import Gathering, Wanted, take_lot
from web.cases.spots import Place
from web.cases.taking_in import Answer
from web.database import EVERYTHING, Databases, Scope

pytestmark = pytest.mark.db


@pytest.fixture
def databases(people: People) -> Iterator[Databases]:
    made = Databases(people.service.database, pool_size=4)
    yield made
    made.engine.dispose()


def one(*, lon: float = LON, number: UUID | None = None, scope: Scope = EVERYTHING) -> Wanted:
    now = datetime.now(UTC)
    report_id = number or uuid4()
    new = NewReport(report_id, "hotline", now, now, "井盖松动", None, None, "gathered")
    entry = Entry("report taken in", "gathered", object=str(report_id))
    return Wanted(new, Place(lon, LAT), scope, entry)


def refuse(connection: Connection) -> None:
    raise ConflictError("nothing is written beside this one")


def read(people: People, query: str, numbers: Sequence[UUID]) -> Any:
    engine = make_engine(people.service.database, role="app", pool=NullPool)
    with engine.connect() as connection:
        values = {"numbers": [str(number) for number in numbers]}
        return connection.execute(text(query), values).scalar_one()


TRANSACTIONS = (
    "SELECT count(DISTINCT xmin::text) FROM report WHERE report_id = ANY(CAST(:numbers AS uuid[]))"
)
STORED = "SELECT count(*) FROM report WHERE report_id = ANY(CAST(:numbers AS uuid[]))"
LOGGED = (
    "SELECT count(*) FROM audit_entry WHERE action = 'report taken in' AND object = ANY(:numbers)"
)


def take_all(databases: Databases, wanted: Sequence[Wanted]) -> list[Any]:
    async def gather() -> list[Any]:
        gathering = Gathering(databases)
        return list(await asyncio.gather(*map(gathering.take, wanted), return_exceptions=True))

    return asyncio.run(gather())


def test_reports_that_come_together_share_a_transaction_and_each_has_its_answer(
    people: People, databases: Databases
) -> None:
    wanted = [one() for _ in range(12)]
    answers = take_all(databases, wanted)
    numbers = [want.new.report_id for want in wanted]
    assert [answer.report_id for answer in answers] == numbers
    assert all(answer.is_new and answer.given.classes for answer in answers)
    assert read(people, TRANSACTIONS, numbers) == 1
    assert read(people, LOGGED, numbers) == 12


def test_a_double_click_within_a_moment_is_one_report_and_one_entry_of_the_log(
    people: People, databases: Databases
) -> None:
    first = one()
    answers = take_all(databases, [first, first, first])
    assert sorted(answer.is_new for answer in answers) == [False, False, True]
    assert {answer.report_id for answer in answers} == {first.new.report_id}
    assert read(people, LOGGED, [first.new.report_id]) == 1


def test_one_that_is_refused_or_fails_takes_no_other_along(
    people: People, databases: Databases
) -> None:
    good, far, bad = one(), one(lon=0.0), replace(one(), beside=refuse)
    taken, refused, failed = take_all(databases, [good, far, bad])
    assert taken.is_new
    assert refused.refused.code == "outside"
    assert isinstance(failed, ConflictError)
    numbers = [want.new.report_id for want in (good, far, bad)]
    assert read(people, STORED, numbers) == 1
    assert read(people, LOGGED, numbers) == 1


def test_ground_of_one_sender_is_not_lent_to_another_of_the_same_moment(
    people: People, databases: Databases
) -> None:
    west = (people.service.areas["west"], people.service.areas["w1"])
    own = Scope(roots=west[:1], areas=west)
    elsewhere = Scope(roots=(people.service.areas["e1"],), areas=(people.service.areas["e1"],))
    lot = [one(scope=elsewhere), one(scope=own), one(), one(scope=elsewhere)]
    became = take_lot(databases, lot)
    told = [isinstance(answer, Answer) and answer.is_new for answer in became]
    assert told == [False, True, True, False]


def test_whoever_comes_after_a_lot_that_failed_is_taken_in(databases: Databases) -> None:
    async def twice() -> tuple[Any, Any]:
        gathering = Gathering(databases)
        first = one()
        broken = replace(first, new=replace(first.new, report_id="no number"))  # type: ignore[arg-type]
        [failed] = await asyncio.gather(gathering.take(broken), return_exceptions=True)
        return failed, await gathering.take(one())

    failed, taken = asyncio.run(twice())
    assert isinstance(failed, Exception)
    assert taken.is_new
