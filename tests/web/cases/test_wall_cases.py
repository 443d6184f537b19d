"""The wall's panel of cases counts what is open, late, solved at its level, and moved today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from governance.calendar_store import read_work_clock
from governance.case_store import escalate_overdue, move_case
from governance.cases.steps import Step
from governance.intake.filing import file_report
from governance.intake.reports import NewReport, take_report
from governance.levels import write_level_names
from tests.web.governed import People
from web.wall.memo import Memo

pytestmark = pytest.mark.db


def told(people: People, who: str = "watch"):
    people.service.app.state.wall_memo = Memo(0.0)  # nothing of ten seconds ago
    answer = people.as_(who).get("/api/v1/wall/cases")
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_late(people: People) -> str:
    """Return a case that nobody signed for, and that went up once."""
    engine = make_engine(people.service.database, role="app", pool=NullPool)
    start = datetime.now(UTC) - timedelta(days=21)
    with engine.begin() as connection:
        clock = read_work_clock(connection, 1)
        new = NewReport(uuid4(), "hotline", start, start, "积水", 121.011, 35.6183, "dora")
        take_report(connection, 1, new)
        case = file_report(
            connection, new.report_id, category_id=5, actor="dora", at=start, clock=clock
        )
        sent = Step("dispatch", "dora", start, uuid4(), department_id=people.departments["grid"])
        move_case(connection, case.case_id, sent, clock=clock)
        escalate_overdue(connection, 1, now=start + timedelta(days=7), clock=clock)
    engine.dispose()
    return case.number


def test_nothing_closed_gives_no_share_and_an_empty_day_gives_zeros(people: People) -> None:
    first = told(people)
    assert first["closed"] == {"cases": 0, "at_level": 0}
    assert first["late"] == []
    assert set(first["flow"].values()) == {0}
    assert [row["level"] for row in first["levels"]] == ["grid", "community", "street", "district"]


def test_levels_are_called_everywhere_what_the_district_calls_them(people: People) -> None:
    engine = make_engine(people.service.database, pool=NullPool)
    with engine.begin() as connection:
        write_level_names(connection, 1, {"street": ("镇街", "Town")})
    engine.dispose()
    wall = {row["level"]: row["names"] for row in told(people)["levels"]}
    assert wall == {"grid": None, "community": None, "street": ["镇街", "Town"], "district": None}
    desk = people.as_("dora").get("/api/v1/case-words").json()["levels"]
    tablet = people.as_("wei").get("/api/v1/field/today").json()["levels"]
    assert desk == tablet
    assert (desk["street"], desk["grid"]) == (["镇街", "Town"], ["网格", "Grid"])


def test_the_panel_counts_late_open_closed_and_todays_steps_without_words(people: People) -> None:
    number = make_late(people)
    case = people.dispatched(words="秘密的话")
    for action in ("receive", "start"):
        case = people.step("wei", case, action)
    case = people.step("wei", case, "resolve", evidence=["文号1"])
    case = people.step("dora", people.step("dora", case, "check"), "close", evidence=["文号1"])
    people.dispatched(words="秘密的话")
    found = told(people)
    assert found["due"]["overdue"] == 1
    assert sum(found["due"].values()) == 2
    by_level = {row["level"]: row for row in found["levels"]}
    assert (by_level["community"]["open"], by_level["community"]["overdue"]) == (1, 1)
    assert by_level["grid"]["closed"] == 1
    assert found["closed"] == {"cases": 1, "at_level": 1}
    assert found["flow"]["closed"] == 1
    assert found["flow"]["dispatched"] == 3  # written down today, whenever it was done
    assert [row["number"] for row in found["late"]] == [number]
    assert "秘密的话" not in str(found)


def test_only_the_own_ground_is_counted_and_only_for_those_who_may_look(people: People) -> None:
    assert people.as_("wei").get("/api/v1/wall/cases").status_code == 403
    assert sum(told(people, "dora")["due"].values()) == 2
    assert (
        people.as_("watch").get("/api/v1/wall/cases", params={"jurisdiction": "none"}).status_code
        == 404
    )
