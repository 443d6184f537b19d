"""Indicators count what was due; where nothing was, there is no number; the brief tells of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from geo.incidents import NewIncident, record_incident
from governance.briefs.page import brief_html, brief_pdf, sentences
from governance.briefs.store import read_brief
from governance.case_store import move_case
from governance.cases.steps import Step
from governance.indicators.definitions import GRADES, INDICATORS, grade_of
from governance.indicators.measure import measure
from governance.indicators.store import (
    Period,
    month_of,
    read_facts,
    read_grades,
    read_record,
    write_grades,
)
from governance.intake.filing import file_report, refuse_report
from governance.intake.reports import NewReport, take_report

ZONE = ZoneInfo("Asia/Shanghai")
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=ZONE)
MARCH = month_of(2026, 3)
LATER = datetime(2026, 4, 20, tzinfo=ZONE)


def facts(*rows: tuple[str, bool, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["indicator", "good", "area"])
    return frame.assign(department=None, post=None, month=None, **{"class": None})


class TestMeasure:
    def test_share_is_what_was_good_of_what_was_due(self) -> None:
        table = measure(facts(*[("on_time", n < 3, "甲") for n in range(4)])).set_index("indicator")
        row = table.loc["on_time"]
        assert (row["good"], row["due"], row["value"], row["grade"]) == (3, 4, 0.75, "B")

    def test_nothing_due_is_no_number_and_no_grade(self) -> None:
        table = measure(facts()).set_index("indicator")
        assert list(table.index) == list(INDICATORS)
        assert table["value"].tolist() == [None] * len(INDICATORS)
        assert table["grade"].tolist() == [None] * len(INDICATORS)

    def test_by_area_shows_those_where_nothing_was_due_and_no_unknown_place(self) -> None:
        table = measure(
            facts(("on_time", True, "甲"), ("on_time", True, None)), by="area", groups=["乙", "甲"]
        )
        on_time = table[table["indicator"] == "on_time"]
        assert on_time[["group", "due"]].values.tolist() == [["乙", 0], ["甲", 1]]
        assert on_time["value"].tolist() == [None, 1.0]

    def test_unknown_grouping_is_told(self) -> None:
        with pytest.raises(InputError, match="not by 'person'"):
            measure(facts(), by="person")


class TestGrades:
    @pytest.mark.parametrize(
        ("value", "grade"), [(1.0, "A"), (0.9, "A"), (0.899, "B"), (0.4, "D"), (0.0, "E")]
    )
    def test_bound_belongs_to_the_better_grade(self, value: float, grade: str) -> None:
        assert grade_of(value, INDICATORS["on_time"]) == grade

    def test_where_less_is_better_the_grade_reads_what_lacks_to_one(self) -> None:
        assert grade_of(0.05, INDICATORS["rework"]) == "A"
        assert grade_of(0.7, INDICATORS["rework"]) == "E"
        assert grade_of(None, INDICATORS["rework"]) is None

    def test_grades_need_one_from_nought(self) -> None:
        with pytest.raises(InputError, match="begins at 0"):
            grade_of(0.5, INDICATORS["on_time"], {"A": 0.9})

    def test_every_indicator_prints_its_definition_in_both_languages(self) -> None:
        for item in INDICATORS.values():
            assert all((item.zh, item.en, item.good_zh, item.good_en, item.due_zh, item.due_en))


class TestPeriod:
    def test_december_ends_with_the_year(self) -> None:
        assert month_of(2026, 12) == Period(date(2026, 12, 1), date(2027, 1, 1))

    def test_empty_period_is_refused(self) -> None:
        with pytest.raises(InputError, match="holds no day"):
            Period(date(2026, 1, 1), date(2026, 1, 1))
        with pytest.raises(InputError, match="13 is no month"):
            month_of(2026, 13)


class Month:
    """A month of cases, each with its own fate."""

    def __init__(self, db: Connection, place, clock) -> None:
        self.db, self.place, self.clock = db, place, clock

    def report(self):
        new = NewReport(uuid4(), "hotline", TUESDAY, TUESDAY, "垃圾", 116.4, 39.9, "desk",
                        category_id=self.place.category)  # fmt: skip
        return take_report(self.db, self.place.jurisdiction, new)

    def case(self, *steps: tuple[str, float], **given) -> str:
        case = file_report(self.db, self.report(), category_id=self.place.category, actor="desk",
                           at=TUESDAY, clock=self.clock)  # fmt: skip
        for action, hours in steps:
            values = {
                "department_id": self.place.department if action == "dispatch" else None,
                "evidence": ("a",) if action in {"resolve", "close"} else (),
                "satisfaction": given.get("said") if action == "call_back" else None,
            }
            actor = "checker" if action in {"check", "close", "rework"} else "P1"
            step = Step(action, actor, TUESDAY + timedelta(hours=hours), uuid4(), reason="r",
                        **values)  # fmt: skip
            move_case(self.db, case.case_id, step, clock=self.clock)
        return case.number

    def measured(self, **asked) -> dict[str, tuple[int, int]]:
        found = read_facts(self.db, self.place.jurisdiction, MARCH, zone=ZONE, now=LATER, **asked)
        table = measure(found)
        return {row["indicator"]: (row["good"], row["due"]) for row in table.to_dict("records")}


@pytest.fixture
def month(db: Connection, place, clock) -> Month:
    return Month(db, place, clock)


WALK = (("dispatch", 1), ("receive", 2), ("start", 3), ("resolve", 4), ("check", 5))


@pytest.mark.db
class TestFacts:
    def test_empty_month_has_no_facts(self, month: Month) -> None:
        assert set(month.measured().values()) == {(0, 0)}

    def test_case_closed_in_time_and_a_happy_caller(self, month: Month) -> None:
        month.case(*WALK, ("close", 6), ("call_back", 30), said="satisfied")
        assert month.measured() == {
            "on_time": (1, 1), "effective": (1, 1), "rework": (0, 1), "at_level": (1, 1),
            "response": (1, 1), "satisfaction": (1, 1),
        }  # fmt: skip

    def test_late_reworked_and_escalated_cases_count_against(self, month: Month) -> None:
        month.case(*WALK, ("rework", 6), ("start", 7), ("resolve", 400), ("check", 401),
                   ("close", 402), ("call_back", 420), said="not_reached")  # fmt: skip
        month.case(("dispatch", 1), ("escalate", 200), ("acknowledge", 201))
        assert month.measured() == {
            "on_time": (0, 2), "effective": (2, 2), "rework": (1, 1), "at_level": (1, 1),
            "response": (1, 2), "satisfaction": (0, 0),
        }  # fmt: skip

    def test_void_and_objected_things_were_not_due(self, month: Month) -> None:
        month.case(("dispatch", 1), ("object", 2), ("void", 3))
        refuse_report(month.db, month.report(), outcome="illegal", reason="r", actor="desk",
                      at=TUESDAY, clock=month.clock)  # fmt: skip
        found = month.measured()
        assert (found["on_time"], found["response"]) == ((0, 0), (0, 0))
        assert found["effective"] == (0, 2)

    def test_extension_moves_what_is_due_and_going_up_does_not(self, month: Month) -> None:
        number = month.case(*WALK[:3], ("escalate", 4), ("acknowledge", 5))
        due = month.db.execute(
            text("SELECT first_due_at FROM case_file WHERE number = :n"), {"n": number}
        ).scalar_one()
        assert due < LATER
        assert month.measured()["on_time"] == (0, 1)

    def test_by_area_class_department_and_post(self, month: Month, place) -> None:
        month.db.execute(
            text("INSERT INTO person (jurisdiction_id, staff_no) VALUES (:j, 'P1')"),
            {"j": place.jurisdiction},
        )
        month.db.execute(
            text("INSERT INTO post (person_id, role, area_id) SELECT person_id, 'grid_officer', :a "
                 "FROM person"), {"a": place.areas["grid"]},
        )  # fmt: skip
        month.case(*WALK, ("close", 6))
        rows = read_facts(month.db, place.jurisdiction, MARCH, zone=ZONE, now=LATER, level="street")
        on_time = rows[rows["indicator"] == "on_time"].iloc[0]
        assert (on_time["area"], on_time["department"], on_time["class"], on_time["post"]) == (
            "street street", "环卫所", "0102 暴露垃圾", "grid_officer",
        )  # fmt: skip
        assert on_time["month"] == "2026-03"
        none = dict.fromkeys(INDICATORS, (0, 0))
        assert month.measured(area_id=place.areas["grid"] + 999) == none

    def test_record_of_a_person_is_steps_without_a_sum(self, month: Month, place) -> None:
        month.case(*WALK[:2])
        rows = read_record(month.db, place.jurisdiction, "P1", MARCH, zone=ZONE)
        assert rows["action"].tolist() == ["dispatch", "receive"]
        assert not {"score", "grade", "rank"} & set(rows.columns)
        with pytest.raises(NotFoundError, match="nobody with the number 'P9'"):
            read_record(month.db, place.jurisdiction, "P9", MARCH, zone=ZONE)

    def test_grades_of_a_district_take_the_place_of_the_common_ones(self, month, place) -> None:
        assert read_grades(month.db, place.jurisdiction) == GRADES
        write_grades(month.db, place.jurisdiction, {"good": 0.5, "poor": 0.0})
        assert read_grades(month.db, place.jurisdiction) == {"good": 0.5, "poor": 0.0}
        with pytest.raises(InputError, match="between 0 and 1"):
            write_grades(month.db, place.jurisdiction, {"a": 1.5, "b": 0.0})


@pytest.mark.db
class TestBrief:
    @pytest.fixture
    def brief(self, month: Month, place):
        for number, (at, how) in enumerate(
            [(TUESDAY, "patrol")] * 3 + [(TUESDAY, "resident")]
            + [(datetime(2025, 11, 30, tzinfo=ZONE), "resident")]
            + [(datetime(2026, 1, 5, tzinfo=ZONE), "resident")] * 3
        ):  # fmt: skip
            new = NewIncident("test", f"n{number}", at, place.category, how, 116.4, 39.9)
            record_incident(month.db, place.jurisdiction, new)
        month.db.execute(
            text("UPDATE area SET name = '<b>网格</b>' WHERE area_id = :a"),
            {"a": place.areas["grid"]},
        )
        month.case(("dispatch", 1))
        return read_brief(month.db, place.jurisdiction, "grid", year=2026, month=3, zone=ZONE,
                          now=LATER)  # fmt: skip

    def test_month_is_told_in_sentences_of_both_languages(self, brief) -> None:
        zh, en = sentences(brief, lang="zh"), sentences(brief, lang="en")
        assert zh[0] == "本月记录问题5件，前三月月均1.0件。"
        assert en[1] == "Rose most: Exposed rubbish, 5 against 1.0 a month."
        assert "在办案件1件，其中逾期1件。" in zh
        assert any(line.startswith("Vacant: Grid leader") for line in en)
        assert "Patrols found 60% of the problems." in en

    def test_page_escapes_names_and_shows_what_is_unknown(self, brief) -> None:
        html = brief_html(brief, lang="zh", zone=ZONE)
        assert "&lt;b&gt;网格" in html
        assert "<b>网格" not in html
        assert "满意率" in html
        assert "—" in html
        assert "<script" not in html
        assert 'lang="en"' in brief_html(brief, lang="en", zone=ZONE)

    def test_pdf_is_made_from_the_same_page(self, brief) -> None:
        assert brief_pdf(brief_html(brief, lang="zh", zone=ZONE)).startswith(b"%PDF-")

    def test_unknown_area_is_told(self, month: Month, place) -> None:
        with pytest.raises(NotFoundError, match="no area with the code x"):
            read_brief(month.db, place.jurisdiction, "x", year=2026, month=3, zone=ZONE,
                       now=datetime.now(UTC))  # fmt: skip
