"""Reports come in once, are shown what they may repeat, and become a case or a reasoned refusal."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import nan
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from geo.errors import ConflictError, InputError, NotFoundError
from governance.case_store import move_case
from governance.cases.steps import Step
from governance.intake.filing import add_to_case, file_report, refuse_report
from governance.intake.reports import NewReport, take_report
from governance.intake.similar_cases import find_similar, write_repeats
from governance.intake.similarity import word_similarity

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
METRE = 1 / 111_000


def report(**given) -> NewReport:
    known = {
        "report_id": uuid4(), "channel": "hotline", "received_at": NOON, "seen_at": NOON,
        "words": "路口有垃圾堆，很臭", "lon": 116.4, "lat": 39.9, "taken_by": "desk",
    }  # fmt: skip
    return NewReport(**(known | given))


class Desk:
    def __init__(self, db: Connection, place, clock) -> None:
        self.db, self.place, self.clock = db, place, clock

    def take(self, **given):
        return take_report(self.db, self.place.jurisdiction, report(**given))

    def file(self, number, **given):
        known = {"category_id": self.place.category, "actor": "desk", "at": NOON}
        return file_report(self.db, number, clock=self.clock, **(known | given))

    def similar(self, **given):
        known = {"lon": 116.4, "lat": 39.9, "seen_at": NOON, "words": "路口垃圾堆臭"}
        return find_similar(self.db, self.place.jurisdiction, **(known | given))


@pytest.fixture
def desk(db: Connection, place, clock) -> Desk:
    return Desk(db, place, clock)


class TestWords:
    def test_same_words_in_another_width_and_case_are_the_same(self) -> None:
        assert word_similarity("Ａ座 垃圾！", "a座垃圾") == 1.0

    def test_other_words_are_alike_in_nothing(self) -> None:
        assert word_similarity("路灯不亮", "下水道堵塞") == 0.0
        assert word_similarity("", "") == 0.0

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_it_is_symmetric_and_between_0_and_1(self, first: str, second: str) -> None:
        alike = word_similarity(first, second)
        assert 0.0 <= alike <= 1.0
        assert alike == word_similarity(second, first)


@pytest.mark.db
class TestTaking:
    def test_same_report_sent_twice_is_one(self, desk: Desk) -> None:
        new = report()
        first = take_report(desk.db, desk.place.jurisdiction, new)
        assert take_report(desk.db, desk.place.jurisdiction, new) == first
        assert desk.db.execute(text("SELECT count(*) FROM report")).scalar_one() == 1

    def test_number_of_a_feed_sent_twice_is_one(self, desk: Desk) -> None:
        first = desk.take(channel="feed", source_ref="X-1")
        assert desk.take(channel="feed", source_ref="X-1") == first

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"words": "  "}, "needs words"),
            ({"received_at": NOON.replace(tzinfo=None)}, "need a time zone"),
            ({"channel": "pigeon"}, "'pigeon' is no channel"),
            ({"lon": 39.9, "lat": 116.4}, "latitude swapped"),
        ],
    )
    def test_bad_report_is_refused_with_the_reason(self, desk: Desk, given, message) -> None:
        with pytest.raises(InputError, match=message):
            desk.take(**given)


@pytest.mark.db
class TestFiling:
    def test_filed_report_is_a_case_and_an_incident_found_by_whoever_reported(
        self, desk: Desk
    ) -> None:
        case = desk.file(desk.take(channel="tablet", accuracy_m=8.0))
        assert (case.state, case.version) == ("accepted", 2)
        rows = desk.db.execute(
            text("SELECT source_ref, found_by, accuracy_m, area_id FROM incident")
        ).all()
        assert [tuple(row) for row in rows] == [
            (case.number, "patrol", 8.0, desk.place.areas["grid"])
        ]

    def test_filing_twice_gives_the_same_case(self, desk: Desk) -> None:
        number = desk.take()
        assert desk.file(number) == desk.file(number)

    def test_unknown_report_is_told(self, desk: Desk) -> None:
        with pytest.raises(NotFoundError, match="there is no report"):
            desk.file(uuid4())

    def test_refused_report_says_which_outcome_and_why(self, desk: Desk) -> None:
        number = desk.take(words="我被抢劫了")
        case = refuse_report(
            desk.db, number, outcome="emergency", reason="转110", actor="desk", at=NOON,
            clock=desk.clock,
        )  # fmt: skip
        assert case.state == "rejected"
        assert desk.db.execute(text("SELECT count(*) FROM incident")).scalar_one() == 0

    def test_refusal_without_a_reason_is_refused(self, desk: Desk) -> None:
        with pytest.raises(InputError, match="needs a reason in words"):
            refuse_report(desk.db, desk.take(), outcome="private", reason=" ", actor="desk",
                          at=NOON, clock=desk.clock)  # fmt: skip


@pytest.mark.db
class TestDuplicates:
    def test_near_recent_case_of_the_same_class_is_shown(self, desk: Desk) -> None:
        case = desk.file(desk.take())
        (found,) = desk.similar(lat=39.9 + 49 * METRE, category_id=desk.place.category)
        assert (found.case_id, found.same_class) == (case.case_id, True)
        assert found.distance_m == pytest.approx(49, abs=0.3)
        assert found.alike == 0.5  # 3 of 7 and of 5 pairs

    def test_far_old_or_otherwise_classed_case_is_not(self, desk: Desk) -> None:
        desk.file(desk.take())
        assert desk.similar(lat=39.9 + 52 * METRE) == []
        assert desk.similar(seen_at=NOON + timedelta(hours=25)) == []
        assert desk.similar(category_id=desk.place.category + 1) == []

    def test_district_says_how_near_and_how_recent_a_repetition_is(self, desk: Desk) -> None:
        desk.file(desk.take())
        far, late = {"lat": 39.9 + 70 * METRE}, {"seen_at": NOON + timedelta(hours=30)}
        write_repeats(desk.db, desk.place.jurisdiction, radius_m=80.0, hours=36)
        assert len(desk.similar(**far)) == len(desk.similar(**late)) == 1
        write_repeats(desk.db, desk.place.jurisdiction, radius_m=60.0, hours=24)
        assert desk.similar(**far) == desk.similar(**late) == []
        for radius_m, hours in ((0.0, 24), (nan, 24), (1001.0, 24), (50.0, 0), (50.0, 721)):
            with pytest.raises(InputError, match="within 1000 m and 720 h"):
                write_repeats(desk.db, desk.place.jurisdiction, radius_m=radius_m, hours=hours)

    def test_nearest_by_longitude_too(self, desk: Desk) -> None:
        desk.file(desk.take())
        assert len(desk.similar(lon=116.4 + 49 * METRE / 0.767)) == 1
        assert desk.similar(lon=116.4 + 52 * METRE / 0.767) == []

    def test_void_case_is_repeated_by_nothing(self, desk: Desk) -> None:
        case = desk.file(desk.take())
        step = Step("void", "chief", NOON, uuid4(), reason="test")
        move_case(desk.db, case.case_id, step, clock=desk.clock)
        assert desk.similar() == []

    def test_second_report_of_one_problem_keeps_both_sources_and_one_case(self, desk: Desk) -> None:
        case = desk.file(desk.take())
        second = desk.take(channel="tablet", taken_by="officer")
        add_to_case(desk.db, second, case.case_id)
        sources = desk.db.execute(
            text("SELECT channel FROM report WHERE case_id = :c ORDER BY channel"),
            {"c": case.case_id},
        ).scalars()
        assert list(sources) == ["hotline", "tablet"]
        assert desk.db.execute(text("SELECT count(*) FROM incident")).scalar_one() == 1

    def test_report_of_one_case_is_not_added_to_another(self, desk: Desk) -> None:
        number = desk.take()
        desk.file(number)
        other = desk.file(desk.take())
        with pytest.raises(ConflictError, match="merge the cases"):
            add_to_case(desk.db, number, other.case_id)

    def test_merging_cases_moves_their_reports(self, desk: Desk) -> None:
        first, second = desk.file(desk.take()), desk.file(desk.take())
        step = Step("merge", "desk", NOON, uuid4(), reason="one problem",
                    merged_into=first.case_id)  # fmt: skip
        move_case(desk.db, second.case_id, step, clock=desk.clock)
        cases = desk.db.execute(text("SELECT DISTINCT case_id FROM report")).scalars()
        assert list(cases) == [first.case_id]
