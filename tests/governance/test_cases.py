"""A case moves as the table says, kindly refused by the code and firmly by the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, InputError, NotFoundError
from governance.calendar_store import read_limits, read_work_clock, write_limits
from governance.case_store import CLOCK, escalate_overdue, list_cases, move_case, open_case
from governance.cases.states import FINAL, OPEN, RULES, STAGES, actions_of, next_state
from governance.cases.steps import Case, Step, plan_move
from governance.clock.deadlines import TimeLimit
from governance.intake.proposals import propose_route
from governance.watching import tell_deadlines

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=SHANGHAI)
GIVEN = {
    "accept": {"category_id": True},
    "dispatch": {"department_id": True},
    "resolve": {"evidence": ("after.jpg",)},
    "close": {"evidence": ("after.jpg",), "actor": "checker"},
    "check": {"actor": "checker"},
    "rework": {"actor": "checker", "reason": "still dirty"},
    "reject": {"outcome": "duplicate", "reason": "the same"},
    "call_back": {"satisfaction": "satisfied"},
    "grant_extension": {"actor": "chief", "limit": TimeLimit(2, "work_day")},
}


class Walk:
    """Takes one case through its steps, an hour apart."""

    def __init__(self, db: Connection, place, clock) -> None:
        self.db, self.place, self.clock = db, place, clock
        self.now = TUESDAY
        report = Step("report", "desk", self.now, uuid4())
        self.case = open_case(
            db, jurisdiction_id=place.jurisdiction, words="路口垃圾成堆", lon=116.4, lat=39.9,
            area_id=place.areas["grid"], step=report, clock=clock,
        )  # fmt: skip

    def step(self, action: str, **given) -> Step:
        known = dict(GIVEN.get(action, {})) | given
        if known.get("category_id") is True:
            known["category_id"] = self.place.category
        if known.get("department_id") is True:
            known["department_id"] = self.place.department
        if "reason" in RULES[action].needs:
            known.setdefault("reason", "because")
        return Step(action, known.pop("actor", "officer"), self.now, uuid4(), **known)

    def do(self, *actions: str, **given):
        for action in actions:
            self.now += timedelta(hours=1)
            step = self.step(action, **given)
            self.case = move_case(self.db, self.case.case_id, step, clock=self.clock)
        return self.case


@pytest.fixture
def walk(db: Connection, place, clock) -> Walk:
    return Walk(db, place, clock)


class TestTable:
    def test_every_state_is_reached_and_every_open_one_left(self) -> None:
        reached = {rule.after for rule in RULES.values() if rule.after}
        assert reached == OPEN | FINAL
        for state in OPEN:
            assert any(next_state(action, state) != state for action in actions_of(state))

    def test_ended_cases_only_reopen_or_are_called_back(self) -> None:
        assert {a for state in FINAL for a in actions_of(state)} == {"call_back", "reopen"}

    def test_every_open_state_but_suspension_has_a_clock(self) -> None:
        assert set(STAGES) == OPEN - {"suspended"}

    def test_refusal_says_what_may_be_done(self) -> None:
        with pytest.raises(ConflictError, match="cannot close; it may: verify, accept, reject"):
            next_state("close", "reported")

    def test_unknown_action_is_told(self) -> None:
        with pytest.raises(InputError, match="'explode' is no action"):
            next_state("explode", "reported")

    @pytest.mark.db
    def test_database_enforces_the_same_table(self, db: Connection) -> None:
        stored = {tuple(row) for row in db.execute(text("SELECT * FROM case_rule"))}
        expected = set()
        for rule in RULES.values():
            for state in rule.before:
                expected.add((rule.action, state, rule.after or state))
            if not rule.before:
                expected.add((rule.action, "", rule.after))
        assert stored == expected

    @pytest.mark.db
    def test_database_asks_for_the_same_needs(self, db: Connection) -> None:
        stored = {tuple(row) for row in db.execute(text("SELECT action, need FROM case_need"))}
        assert stored == {(rule.action, need) for rule in RULES.values() for need in rule.needs}


@pytest.mark.db
class TestWalk:
    def test_from_report_to_call_back(self, walk: Walk) -> None:
        case = walk.do("accept", "dispatch", "receive", "start", "resolve", "check", "close")
        assert (case.state, case.version, case.due_at) == ("closed", 8, None)
        assert walk.do("call_back").state == "closed"

    def test_rework_keeps_the_deadline_of_handling(self, walk: Walk) -> None:
        first = walk.do("accept", "dispatch", "receive", "start").due_at
        case = walk.do("resolve", "check", "rework")
        assert (case.state, case.due_at, case.first_due_at) == ("rework", first, first)
        # Five working days after Tuesday's dispatch end on the next Tuesday.
        assert first == datetime(2026, 3, 10, 18, 0, tzinfo=SHANGHAI)

    def test_objection_returns_the_case_to_the_dispatcher(self, walk: Walk) -> None:
        assert walk.do("accept", "dispatch", "object").state == "returned"
        assert walk.do("dispatch").state == "dispatched"

    def test_extension_is_granted_by_somebody_else_and_moves_the_deadline(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "receive")
        before = walk.case.due_at
        with pytest.raises(InputError, match="somebody else than the one who asked"):
            walk.do("grant_extension")
        walk.do("request_extension")
        with pytest.raises(InputError, match="somebody else than the one who asked"):
            walk.do("grant_extension", actor="officer")
        case = walk.do("grant_extension")
        assert before is not None
        assert case.due_at == datetime(2026, 3, 12, 18, 0, tzinfo=SHANGHAI)
        assert case.first_due_at == before
        assert case.extension_asked_by is None

    def test_handler_may_not_check_own_work(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "receive", "start", "resolve")
        with pytest.raises(InputError, match="somebody else than the one who handled it"):
            walk.do("check", actor="officer")

    def test_closing_needs_evidence(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "receive", "start", "resolve", "check")
        with pytest.raises(InputError, match="needs evidence"):
            walk.do("close", evidence=())

    def test_suspension_stops_the_clock_and_leaves_the_working_time_that_was_left(
        self, walk: Walk
    ) -> None:
        walk.do("accept", "dispatch", "receive")
        due = walk.case.due_at
        suspended = walk.do("suspend", actor="chief")
        assert suspended.due_at is None
        left = walk.clock.worked(walk.now, due)
        walk.now = datetime(2026, 4, 14, 8, 0, tzinfo=SHANGHAI)
        resumed = walk.do("resume")
        assert walk.clock.worked(walk.now, resumed.due_at) == left

    def test_merged_case_gives_its_place_to_the_other(self, walk: Walk, place, clock) -> None:
        other = Walk(walk.db, place, clock)
        merged = other.do("merge", merged_into=walk.case.case_id)
        assert merged.state == "merged"

    def test_case_is_not_merged_into_itself(self, walk: Walk) -> None:
        with pytest.raises(InputError, match="the case that it is merged into"):
            walk.do("merge", merged_into=walk.case.case_id)

    def test_reopened_case_has_a_new_deadline_and_keeps_the_first(self, walk: Walk) -> None:
        closed = walk.do("accept", "dispatch", "receive", "start", "resolve", "check", "close")
        walk.now += timedelta(days=30)
        again = walk.do("reopen")
        assert again.due_at > walk.now
        assert again.first_due_at == closed.first_due_at


@pytest.mark.db
class TestDeadlines:
    def test_limit_of_the_class_wins_over_the_general_one(self, db, place) -> None:
        write_limits(db, place.jurisdiction, {"handle": TimeLimit(3, "work_day")})
        own = {"handle": TimeLimit(4, "work_hour")}
        write_limits(db, place.jurisdiction, own, scheme="t", category_code="0102")
        assert read_limits(db, place.jurisdiction, place.category)["handle"] == own["handle"]
        assert read_limits(db, place.jurisdiction, None)["handle"] == TimeLimit(3, "work_day")

    def test_clock_comes_out_of_the_database_as_it_went_in(self, db, place, clock) -> None:
        stored = read_work_clock(db, place.jurisdiction)
        assert stored.calendar == clock.calendar
        limit = TimeLimit(30, "work_hour")
        assert stored.due(TUESDAY, limit) == clock.due(TUESDAY, limit)

    def test_deadline_into_an_unconfirmed_year_is_provisional(self, db, place, clock) -> None:
        walk = Walk(db, place, clock)
        walk.now = datetime(2026, 12, 30, 9, 0, tzinfo=SHANGHAI)
        assert walk.do("accept", "dispatch", "receive").due_provisional


@pytest.mark.db
class TestEscalation:
    def test_late_case_climbs_to_the_district_and_keeps_its_first_deadline(
        self, walk: Walk
    ) -> None:
        first = walk.do("accept", "dispatch", "receive").first_due_at
        levels = []
        for week in range(1, 6):
            now = TUESDAY + timedelta(weeks=2 * week)
            for case in escalate_overdue(
                walk.db, walk.place.jurisdiction, now=now, clock=walk.clock
            ):
                levels.append(case.level)
                walk.now, walk.case = now, case
                walk.do("acknowledge", "dispatch", actor="dispatcher")
        assert levels == ["community", "street", "district"]
        assert walk.case.first_due_at == first
        assert walk.case.level == "district"

    def test_second_run_at_the_same_moment_escalates_nothing_more(self, walk: Walk) -> None:
        walk.do("accept")
        late = TUESDAY + timedelta(weeks=2)
        place = walk.place.jurisdiction
        (case,) = escalate_overdue(walk.db, place, now=late, clock=walk.clock)
        assert (case.state, case.level) == ("escalated", "community")
        assert escalate_overdue(walk.db, place, now=late, clock=walk.clock) == []
        reasons = walk.db.execute(
            text("SELECT actor, reason FROM case_transition WHERE action = 'escalate'")
        ).all()
        assert [row.actor for row in reasons] == [CLOCK]
        assert reasons[0].reason.startswith("late since 2026-03-03")

    def test_case_in_time_stays(self, walk: Walk) -> None:
        walk.do("accept")
        now = walk.now + timedelta(minutes=1)
        assert escalate_overdue(walk.db, walk.place.jurisdiction, now=now, clock=walk.clock) == []


@pytest.mark.db
class TestTwice:
    def test_same_request_twice_is_one_step(self, walk: Walk) -> None:
        step = walk.step("accept")
        first = move_case(walk.db, walk.case.case_id, step, clock=walk.clock)
        assert move_case(walk.db, walk.case.case_id, step, clock=walk.clock) == first

    def test_same_report_twice_is_one_case(self, db, place, clock) -> None:
        step = Step("report", "desk", TUESDAY, uuid4())
        asked = {"jurisdiction_id": place.jurisdiction, "words": "w", "lon": 116.4, "lat": 39.9,
                 "area_id": None, "step": step, "clock": clock}  # fmt: skip
        assert open_case(db, **asked) == open_case(db, **asked)

    def test_request_used_for_something_else_is_refused(self, walk: Walk) -> None:
        step = walk.step("accept")
        move_case(walk.db, walk.case.case_id, step, clock=walk.clock)
        other = Step("void", "officer", walk.now, step.request_id, reason="no")
        with pytest.raises(ConflictError, match="was used for something else"):
            move_case(walk.db, walk.case.case_id, other, clock=walk.clock)

    def test_second_dispatcher_is_told_who_was_faster(self, walk: Walk) -> None:
        walk.do("accept")
        seen = walk.case.version
        walk.do("dispatch", actor="first", seen_version=seen)
        with pytest.raises(ConflictError, match=r"meanwhile \(dispatch by first\)"):
            walk.do("dispatch", actor="second", seen_version=seen)


@pytest.mark.db
class TestGuard:
    """What the database refuses of a program that does not ask first."""

    def refused(self, db: Connection, statement: str, message: str, **values) -> None:
        with pytest.raises(DBAPIError, match=message), db.begin_nested():
            db.execute(text(statement), values)

    def test_state_is_moved_by_a_transition_only(self, walk: Walk) -> None:
        self.refused(walk.db, "UPDATE case_file SET state = 'closed'", "by a transition only")

    def test_history_cannot_be_changed(self, owner_db, owned_place, clock) -> None:
        walk = Walk(owner_db, owned_place, clock)
        for statement in ("UPDATE case_transition SET actor = 'x'", "DELETE FROM case_transition"):
            self.refused(owner_db, statement, "never changed")
        self.refused(owner_db, "DELETE FROM case_file", "never changed")
        assert walk.case.version == 1

    @pytest.mark.parametrize(
        ("action", "to_state", "message"),
        [
            ("close", "closed", "close to closed is not allowed"),
            ("accept", "closed", "accept to closed is not allowed"),
            ("report", "reported", "is not allowed"),
        ],
    )
    def test_transition_that_the_table_does_not_know_is_refused(
        self, walk: Walk, action: str, to_state: str, message: str
    ) -> None:
        statement = (
            "INSERT INTO case_transition (case_id, seq, request_id, action, from_state, to_state, "
            "actor, at) VALUES (:case, 2, gen_random_uuid(), :action, 'reported', :state, 'x', now())"
        )
        case = walk.case.case_id
        self.refused(walk.db, statement, message, case=case, action=action, state=to_state)

    def test_step_number_that_is_taken_is_refused(self, walk: Walk) -> None:
        statement = (
            "INSERT INTO case_transition (case_id, seq, request_id, action, from_state, to_state, "
            "actor, at) VALUES (:case, 1, gen_random_uuid(), 'accept', 'reported', 'accepted', "
            "'x', now())"
        )
        self.refused(walk.db, statement, "has moved on to step 1", case=walk.case.case_id)

    def test_case_is_not_born_closed(self, walk: Walk) -> None:
        statement = (
            "INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, state, "
            "state_since) SELECT jurisdiction_id, 'x', now(), 'w', geom, 'closed', now() "
            "FROM case_file LIMIT 1"
        )
        self.refused(walk.db, statement, "begins as reported")


@pytest.mark.db
class TestRoute:
    def rule(self, db, place, area: str | None, code: str | None, name: str) -> None:
        number = db.execute(
            text(
                "INSERT INTO department (jurisdiction_id, code, name, name_en, level) VALUES "
                "(:n, :name, :name, :name, 'street') RETURNING department_id"
            ),
            {"n": place.jurisdiction, "name": name},
        ).scalar_one()
        db.execute(
            text(
                "INSERT INTO routing_rule (jurisdiction_id, scheme, category_code, area_id, "
                "department_id, basis) VALUES (:n, :s, :c, :a, :d, '条例')"
            ),
            {"n": place.jurisdiction, "s": "t" if code else None, "c": code,
             "a": place.areas[area] if area else None, "d": number},
        )  # fmt: skip

    def test_class_beats_area_and_small_area_beats_large(self, db, place) -> None:
        asked = {"category_id": place.category, "area_id": place.areas["grid"]}
        assert propose_route(db, place.jurisdiction, **asked) is None
        self.rule(db, place, None, None, "anything")
        self.rule(db, place, "grid", None, "grid")
        assert propose_route(db, place.jurisdiction, **asked).name == "grid"
        self.rule(db, place, "district", "0102", "district rubbish")
        self.rule(db, place, "community", "0102", "community rubbish")
        found = propose_route(db, place.jurisdiction, **asked)
        assert found.name == "community rubbish"
        assert found.reason_zh == "community“暴露垃圾”由community rubbish负责（条例）"


class TestPureMove:
    CASE = Case(1, "20260303-000001", "in_progress", TUESDAY, 5, "grid", handler="officer")

    def test_missing_things_are_all_named_at_once(self, clock) -> None:
        step = Step("resolve", "officer", TUESDAY, uuid4())
        with pytest.raises(InputError, match="resolve needs evidence, such as a photo"):
            plan_move(self.CASE, step, clock=clock, limits={})

    def test_time_without_zone_is_refused(self, clock) -> None:
        step = Step("resolve", "o", TUESDAY.replace(tzinfo=None), uuid4(), evidence=("a",))
        with pytest.raises(InputError, match="needs a time zone"):
            plan_move(self.CASE, step, clock=clock, limits={})

    def test_stage_without_a_limit_has_no_deadline(self, clock) -> None:
        step = Step("resolve", "officer", TUESDAY, uuid4(), evidence=("a",))
        assert plan_move(self.CASE, step, clock=clock, limits={}).due is None

    def test_top_level_goes_no_further_up(self, clock) -> None:
        top = Case(1, "n", "in_progress", TUESDAY, 5, "district")
        step = Step("escalate", "o", TUESDAY, uuid4(), reason="too big")
        with pytest.raises(ConflictError, match="at the top level already"):
            plan_move(top, step, clock=clock, limits={})


@pytest.mark.db
def test_case_that_is_not_there_is_told(db: Connection, place, clock) -> None:
    step = Step("accept", "o", TUESDAY, uuid4())
    with pytest.raises(NotFoundError, match="there is no case 999"):
        move_case(db, 999, step, clock=clock)


@pytest.mark.db
class TestDispatch:
    def other(self, walk: Walk) -> int:
        return walk.db.execute(
            text(
                "INSERT INTO department (jurisdiction_id, code, name, name_en, level) VALUES "
                "(:n, 'roads', '市政所', 'Roads', 'street') RETURNING department_id"
            ),
            {"n": walk.place.jurisdiction},
        ).scalar_one()

    def test_case_begins_where_the_routing_table_says(self, walk: Walk) -> None:
        assert walk.do("accept", level="street").level == "street"
        with pytest.raises(InputError, match="only filing sets a level"):
            walk.do("dispatch", level="district")

    def test_first_department_answers_for_the_case_until_another_takes_it(self, walk: Walk) -> None:
        first = walk.do("accept", "dispatch", "object").first_department_id
        assert first == walk.place.department
        other = self.other(walk)
        again = walk.do("dispatch", department_id=other)
        assert (again.first_department_id, again.department_id) == (first, other)

    def test_department_objects_once_to_a_case(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "object")
        assert not walk.do("dispatch").may_object
        with pytest.raises(InputError, match="an objection to this one was heard already"):
            walk.do("object")

    def test_objection_of_one_department_does_not_bind_another(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "object")
        assert walk.do("dispatch", department_id=self.other(walk)).may_object

    def test_binding_dispatch_hears_no_objection(self, walk: Walk) -> None:
        walk.do("accept")
        walk.do("dispatch", binding=True)
        with pytest.raises(InputError, match="is not binding"):
            walk.do("object")
        with pytest.raises(InputError, match="only a dispatch can be binding"):
            walk.do("receive", binding=True)

    def test_refusal_sends_a_case_up_at_once(self, walk: Walk) -> None:
        refused = walk.do("accept", "dispatch", "refuse")
        assert (refused.state, refused.level) == ("escalated", "community")
        assert refused.due_at is not None

    def test_level_that_does_not_acknowledge_passes_it_on_until_the_district_is_late(
        self, walk: Walk
    ) -> None:
        walk.do("accept", "escalate")
        levels = []
        for week in range(1, 5):
            now = TUESDAY + timedelta(weeks=2 * week)
            moved = escalate_overdue(walk.db, walk.place.jurisdiction, now=now, clock=walk.clock)
            levels += [case.level for case in moved]
        assert levels == ["street", "district"]
        late = list_cases(walk.db, walk.place.jurisdiction, due_before=now, most=9)
        assert [(row.number, row.state) for row in late] == [(walk.case.number, "escalated")]

    def test_nothing_is_merged_into_an_ended_case(self, walk: Walk, place, clock) -> None:
        ended = Walk(walk.db, place, clock).do("void").case_id
        with pytest.raises(ConflictError, match="is void: nothing is merged into it"):
            walk.do("merge", merged_into=ended)

    def test_nobody_suspends_what_he_handles_himself(self, walk: Walk) -> None:
        walk.do("accept", "dispatch", "receive")
        with pytest.raises(InputError, match="somebody else than the one who handled it"):
            walk.do("suspend")


@pytest.mark.db
class TestSkew:
    """Clocks of tablets go wrong; what they claim is kept, what is believed is possible."""

    def claimed(self, walk: Walk) -> list:
        query = text("SELECT at, claimed_at FROM case_transition WHERE case_id = :c ORDER BY seq")
        return walk.db.execute(query, {"c": walk.case.case_id}).all()

    def test_clock_that_is_slow_does_not_turn_time_back(self, walk: Walk) -> None:
        walk.do("accept", "dispatch")
        before, walk.now = walk.now, walk.now - timedelta(days=2)
        walk.do("receive")
        last = self.claimed(walk)[-1]
        assert last.at == before
        assert last.claimed_at == before - timedelta(days=2) + timedelta(hours=1)

    def test_clock_that_is_fast_does_not_reach_into_the_future(self, walk: Walk) -> None:
        walk.do("accept", "dispatch")
        now = walk.now + timedelta(minutes=5)
        step = replace(walk.step("receive"), at=walk.now + timedelta(days=1))
        move_case(walk.db, walk.case.case_id, step, clock=walk.clock, now=now)
        assert self.claimed(walk)[-1].at == now

    def test_database_refuses_a_step_before_the_one_it_follows(self, walk: Walk) -> None:
        walk.do("accept")
        with pytest.raises(DBAPIError, match="cannot be done before the one that it follows"):
            walk.db.execute(
                text(
                    "INSERT INTO case_transition (case_id, seq, request_id, action, from_state, "
                    "to_state, actor, at, reason) VALUES (:c, 3, gen_random_uuid(), 'void', "
                    "'accepted', 'void', 'x', :at, 'y')"
                ),
                {"c": walk.case.case_id, "at": TUESDAY - timedelta(days=1)},
            )


@pytest.mark.db
class TestNotices:
    def told(self, walk: Walk, now: datetime) -> list[tuple[str, str]]:
        found = tell_deadlines(walk.db, walk.place.jurisdiction, now=now)
        return [(notice.number, notice.kind) for notice in found]

    def test_stage_is_told_once_as_soon_due_and_once_as_late(self, walk: Walk) -> None:
        due = walk.do("accept").due_at
        number = walk.case.number
        assert self.told(walk, due - timedelta(hours=2)) == []
        assert self.told(walk, due - timedelta(minutes=30)) == [(number, "due_soon")]
        assert self.told(walk, due - timedelta(minutes=20)) == []
        assert self.told(walk, due + timedelta(seconds=1)) == [(number, "overdue")]
        assert self.told(walk, due + timedelta(hours=1)) == []
        events = walk.db.execute(
            text("SELECT body->>'action' FROM live_event WHERE body->>'number' = :n"),
            {"n": number},
        ).scalars()
        assert [event for event in events if event in {"due_soon", "overdue"}] == [
            "due_soon", "overdue",
        ]  # fmt: skip

    def test_next_stage_is_told_anew(self, walk: Walk) -> None:
        due = walk.do("accept").due_at
        assert len(self.told(walk, due + timedelta(hours=1))) == 1
        due = walk.do("dispatch").due_at
        assert self.told(walk, due + timedelta(hours=1)) == [(walk.case.number, "overdue")]
