"""Whatever people, tablets and killed workers do at once: no step is lost, doubled or illegal."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, Row, text

from geo.database.connect import Database, make_engine
from geo.errors import ConflictError, GridbeatError, InputError
from governance.case_store import escalate_overdue, move_case, open_case, read_case
from governance.cases.states import RULES, actions_of, level_above, next_state
from governance.cases.steps import Step
from governance.clock.deadlines import TimeLimit
from governance.watching import tell_deadlines

pytestmark = pytest.mark.db
START = datetime(2026, 3, 3, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
PEOPLE = ("officer", "checker", "chief")
STEPS = sorted(set(RULES) - {"report", "merge"})
CASES = Bundle("cases")


class Desks(RuleBasedStateMachine):
    """Two desks, tablets with wrong clocks and a worker on the same cases; a model beside."""

    def __init__(self, engine: Engine, place: Any, clock: Any) -> None:
        super().__init__()
        self.engine, self.place, self.clock = engine, place, clock
        self.now = START
        self.model: dict[int, list[str]] = {}  # case -> states after each step that was taken

    def step(self, action: str, actor: str, at: datetime, **given: Any) -> Step:
        known = {
            "reason": "because", "department_id": self.place.department, "evidence": ("after",),
            "category_id": self.place.category, "outcome": "duplicate",
            "satisfaction": "satisfied", "limit": TimeLimit(1, "work_day"),
        }  # fmt: skip
        return Step(action, actor, at, uuid4(), **(known | given))

    def take(self, case_id: int, step: Step) -> str | None:
        """Take a step in a transaction of its own; return the error's words, or None."""
        try:
            with self.engine.begin() as connection:
                move_case(connection, case_id, step, clock=self.clock, now=self.now)
        except GridbeatError as error:
            return str(error)
        return None

    def follow(self, case_id: int, step: Step, refused: str | None) -> None:
        """Hold what happened to what the table says, and note it."""
        states = self.model[case_id]
        if refused is None:
            states.append(next_state(step.action, states[-1]))
        elif step.action in actions_of(states[-1]):
            # Allowed by the table: only people, levels or a heard objection can have refused it.
            known = ("somebody else", "top level", "objection", "no later than", "ends later")
            assert any(word in refused for word in known), refused

    @rule(target=CASES, slow=st.integers(-3, 3))
    def report(self, slow: int) -> int:
        step = self.step("report", "desk", self.now + timedelta(hours=min(slow, 0)))
        with self.engine.begin() as connection:
            case = open_case(
                connection, jurisdiction_id=self.place.jurisdiction, words="w", lon=116.4,
                lat=39.9, area_id=self.place.areas["grid"], step=step, clock=self.clock,
            )  # fmt: skip
        self.model[case.case_id] = ["reported"]
        return case.case_id

    @rule(case=CASES, action=st.sampled_from(STEPS), actor=st.sampled_from(PEOPLE),
          skew_h=st.integers(-72, 72), again=st.booleans())  # fmt: skip
    def someone_acts(self, case: int, action: str, actor: str, skew_h: int, again: bool) -> None:
        """A tablet whose clock is wrong by up to three days; perhaps the button is hit twice."""
        step = self.step(action, actor, self.now + timedelta(hours=skew_h))
        refused = self.take(case, step)
        self.follow(case, step, refused)
        if again:
            assert self.take(case, step) == refused or refused is not None

    @rule(case=CASES, actor=st.sampled_from(PEOPLE), data=st.data())
    def someone_does_what_may_be_done(self, case: int, actor: str, data: st.DataObject) -> None:
        may = [a for a in actions_of(self.model[case][-1]) if a not in {"merge"}]
        assume(may)
        step = self.step(data.draw(st.sampled_from(may)), actor, self.now)
        self.follow(case, step, self.take(case, step))

    @rule(case=CASES, data=st.data())
    def two_desks_act_at_once(self, case: int, data: st.DataObject) -> None:
        """Both have seen the same step; at most one of them gets through."""
        may = [a for a in actions_of(self.model[case][-1]) if a not in {"merge"}]
        assume(may)
        with self.engine.begin() as connection:
            seen = read_case(connection, case).version
        steps = [
            self.step(data.draw(st.sampled_from(may)), actor, self.now, seen_version=seen)
            for actor in ("chief", "dispatcher")
        ]
        with ThreadPoolExecutor(2) as desks:
            answers = list(desks.map(lambda step: self.take(case, step), steps))
        assert answers.count(None) <= 1
        for step, refused in zip(steps, answers, strict=True):
            if refused is None:
                self.follow(case, step, None)

    @rule(case=CASES, data=st.data())
    def worker_is_killed_before_its_commit(self, case: int, data: st.DataObject) -> None:
        """The transition was written but nobody was told: both are undone, and done again once."""
        may = [a for a in actions_of(self.model[case][-1]) if a not in {"merge"}]
        assume(may)
        step = self.step(data.draw(st.sampled_from(may)), "chief", self.now)
        with self.engine.connect() as connection:
            try:
                move_case(connection, case, step, clock=self.clock, now=self.now)
            except GridbeatError:
                return
            finally:
                connection.rollback()
        assert self.take(case, step) is None
        self.follow(case, step, None)

    @rule(first=consumes(CASES), second=CASES)
    def one_is_merged_into_another(self, first: int, second: int) -> None:
        assume(first != second)
        step = self.step("merge", "desk", self.now, merged_into=second)
        ended = self.model[second][-1] in {"closed", "rejected", "void", "merged"}
        refused = self.take(first, step)
        if "merge" in actions_of(self.model[first][-1]) and not ended:
            assert refused is None
            self.model[first].append("merged")
        else:
            assert refused is not None

    @rule(hours=st.integers(1, 60), killed=st.booleans())
    def time_passes_and_the_worker_makes_its_round(self, hours: int, killed: bool) -> None:
        self.now += timedelta(hours=hours)
        if killed:
            with self.engine.connect() as connection:
                tell_deadlines(connection, self.place.jurisdiction, now=self.now)
                escalate_overdue(
                    connection, self.place.jurisdiction, now=self.now, clock=self.clock
                )
                connection.rollback()
        with self.engine.begin() as connection:
            tell_deadlines(connection, self.place.jurisdiction, now=self.now)
            moved = escalate_overdue(
                connection, self.place.jurisdiction, now=self.now, clock=self.clock
            )
        for case in moved:
            if case.case_id in self.model:
                self.model[case.case_id].append("escalated")

    @rule(first=CASES, second=CASES, actor=st.sampled_from(PEOPLE), skew_h=st.integers(-72, 72),
          killed=st.booleans(), data=st.data())  # fmt: skip
    def tablet_sends_its_outbox(
        self, first: int, second: int, actor: str, skew_h: int, killed: bool, data: st.DataObject
    ) -> None:
        """Steps in one transaction, a savepoint each; perhaps cut off and sent once more."""
        at = self.now + timedelta(hours=skew_h)
        outbox = [
            (case, self.step(data.draw(st.sampled_from(STEPS)), actor, at))
            for case in (first, second, first)
        ]
        if killed:
            with self.engine.connect() as connection:
                self.send(connection, outbox)
                connection.rollback()
        with self.engine.begin() as connection:
            refused = self.send(connection, outbox)
        for (case, step), why in zip(outbox, refused, strict=True):
            self.follow(case, step, why)
        taken = [one for one, why in zip(outbox, refused, strict=True) if why is None]
        with self.engine.begin() as connection:
            assert self.send(connection, taken) == [None] * len(taken)

    def send(self, connection: Connection, outbox: list[tuple[int, Step]]) -> list[str | None]:
        """Take each step behind a savepoint; return the words of the refusals."""
        refused: list[str | None] = []
        for case_id, step in outbox:
            try:
                with connection.begin_nested():
                    move_case(connection, case_id, step, clock=self.clock, now=self.now)
                refused.append(None)
            except GridbeatError as error:
                refused.append(str(error))
        return refused

    @invariant()
    def every_history_is_whole(self) -> None:
        with self.engine.connect() as connection:
            numbers = list(self.model)
            histories = _by_case(connection.execute(_HISTORY, {"cases": numbers}))
            told = _by_case(connection.execute(_TOLD, {"cases": numbers}))
        for case_id, states in self.model.items():
            self.check_history(histories[case_id], states)
            self.check_told(told[case_id], states)

    def check_history(self, history: list[Row[Any]], states: list[str]) -> None:
        assert [row.to_state for row in history] == states
        assert [row.seq for row in history] == list(range(1, len(history) + 1))
        assert len({row.request_id for row in history}) == len(history)
        assert [row.at for row in history] == sorted(row.at for row in history)
        assert all(row.at <= self.now for row in history)
        for row, state in zip(history, [None, *states[:-1]], strict=True):
            assert row.from_state == state
            assert next_state(row.action, state) == row.to_state
        levels = [row.level for row in history if row.level and row.action != "accept"]
        assert all(level_above(low) == high for low, high in pairwise(["grid", *levels]))

    def check_told(self, told: list[Row[Any]], states: list[str]) -> None:
        steps = [row.state for row in told if row.action not in {"due_soon", "overdue"}]
        assert steps == states
        notices = [
            (row.action, row.due_at) for row in told if row.action in {"due_soon", "overdue"}
        ]
        assert len(set(notices)) == len(notices)


def _by_case(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


_HISTORY = text("SELECT * FROM case_transition WHERE case_id = ANY(:cases) ORDER BY case_id, seq")
_TOLD = text(
    "SELECT (body->>'case_id')::bigint AS case_id, body->>'action' AS action, "
    "body->>'state' AS state, body->>'due_at' AS due_at FROM live_event WHERE kind = 'case' "
    "AND (body->>'case_id')::bigint = ANY(:cases) ORDER BY event_id"
)


def test_nothing_is_lost_doubled_or_illegal(fresh_database: Database, found_place, clock) -> None:
    engine = make_engine(fresh_database, pool_size=4)
    with engine.begin() as connection:
        place = found_place(connection)
    try:
        run_state_machine_as_test(
            lambda: Desks(engine, place, clock),
            settings=settings(
                max_examples=int(os.environ.get("GRIDBEAT_TEST_EXAMPLES", "10")),
                stateful_step_count=30, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        engine.dispose()


def test_request_of_another_case_is_refused(db, place, clock) -> None:
    def opened() -> int:
        step = Step("report", "desk", START, uuid4())
        return open_case(
            db, jurisdiction_id=place.jurisdiction, words="w", lon=116.4, lat=39.9, area_id=None,
            step=step, clock=clock,
        ).case_id  # fmt: skip

    shared: UUID = uuid4()
    first, second = opened(), opened()
    step = Step("void", "chief", START, shared, reason="x")
    move_case(db, first, step, clock=clock)
    with pytest.raises((ConflictError, InputError), match="was used for something else"):
        move_case(db, second, step, clock=clock)
