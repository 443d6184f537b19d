"""What several do to cases at one moment: nobody waits for another's batch, nothing half-done is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, text

from geo.database.connect import Database, make_engine
from geo.errors import ConflictError
from governance.case_store import escalate_overdue, move_case, open_case, read_case
from governance.cases.steps import Step
from governance.watching import tell_deadlines

pytestmark = pytest.mark.db
START = datetime(2026, 3, 3, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
WORKER = """
import sys, time
from datetime import datetime
from pathlib import Path
from geo.cluster.layout import Cluster
from geo.database.connect import make_engine, private_database
from governance.calendar_store import read_work_clock
from governance.case_store import escalate_overdue
from governance.watching import tell_deadlines

home, name, place, now = sys.argv[1:]
engine = make_engine(private_database(Cluster(Path(home)), name=name))
with engine.begin() as connection:
    now = datetime.fromisoformat(now)
    clock = read_work_clock(connection, int(place))
    told = tell_deadlines(connection, int(place), now=now)
    moved = escalate_overdue(connection, int(place), now=now, clock=clock)
    print(len(told), len(moved), flush=True)
    time.sleep(600)
"""


class Desks:
    """A database of its own with a place, and short ways to open and move cases in it."""

    def __init__(self, engine: Engine, place: Any, clock: Any) -> None:
        self.engine, self.place, self.clock = engine, place, clock

    def open(self) -> int:
        with self.engine.begin() as connection:
            step = Step("report", "desk", START, uuid4(), category_id=self.place.category)
            return open_case(
                connection, jurisdiction_id=self.place.jurisdiction, words="w", lon=116.4,
                lat=39.9, area_id=self.place.areas["grid"], step=step, clock=self.clock,
            ).case_id  # fmt: skip

    def accept(self, connection: Connection, case_id: int, actor: str = "desk") -> None:
        step = Step("accept", actor, START, uuid4())
        move_case(connection, case_id, step, clock=self.clock)

    def told(self, action: str) -> list[int]:
        """Return the cases of the events of an action, in the order of their numbers."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(
                "SELECT (body->>'case_id')::int FROM live_event WHERE body->>'action' = :a "
                "ORDER BY event_id"
            ), {"a": action}).scalars())  # fmt: skip


@pytest.fixture
def desks(fresh_database: Database, found_place, clock) -> Iterator[Desks]:
    engine = make_engine(fresh_database, pool_size=4)
    with engine.begin() as connection:
        place = found_place(connection)
    yield Desks(engine, place, clock)
    engine.dispose()


def test_an_unfinished_batch_holds_up_no_other_case_and_events_are_numbered_as_they_commit(
    desks: Desks,
) -> None:
    first, second, undone = desks.open(), desks.open(), desks.open()
    with desks.engine.begin() as batch:
        desks.accept(batch, first)
        with desks.engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '10s'"))
            desks.accept(other, second)
        inner = batch.begin_nested()
        desks.accept(batch, undone)
        inner.rollback()
        assert desks.told("accept") == [second]
    assert desks.told("accept") == [second, first]


def test_a_step_that_only_the_database_refuses_leaves_the_transaction_usable(desks: Desks) -> None:
    goal, case = desks.open(), desks.open()
    with desks.engine.begin() as connection:
        void = Step("void", "desk", START, uuid4(), reason="no")
        move_case(connection, goal, void, clock=desks.clock)
        merge = Step("merge", "desk", START, uuid4(), merged_into=goal, reason="the same")
        with pytest.raises(ConflictError, match="nothing is merged into it"):
            move_case(connection, case, merge, clock=desks.clock)
        desks.accept(connection, case)
    with desks.engine.begin() as connection:
        assert read_case(connection, case).state == "accepted"
    assert desks.told("merge") == []


def test_a_worker_killed_between_step_and_notice_leaves_neither_and_the_next_does_both_once(
    desks: Desks, fresh_database: Database
) -> None:
    cluster = fresh_database.cluster
    if cluster is None:
        pytest.skip("the tests' server is not a private one")
    case = desks.open()
    with desks.engine.begin() as connection:
        desks.accept(connection, case)
    now = START + timedelta(days=2)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(cluster.home), fresh_database.name,
         str(desks.place.jurisdiction), now.isoformat()],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline().split() == ["1", "1"]  # both written, nothing committed
    finally:
        worker.kill()
        worker.communicate()
    assert desks.told("escalate") == desks.told("overdue") == []
    for _ in range(2):
        with desks.engine.begin() as connection:
            tell_deadlines(connection, desks.place.jurisdiction, now=now)
            escalate_overdue(connection, desks.place.jurisdiction, now=now, clock=desks.clock)
    assert desks.told("escalate") == desks.told("overdue") == [case]
    with desks.engine.begin() as connection:
        after = read_case(connection, case)
        assert (after.state, after.level, after.version) == ("escalated", "community", 3)
