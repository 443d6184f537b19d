"""`gridbeat calendar` and `gridbeat cases` as their users type them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from geo.database.connect import Database
from governance.calendar_store import read_work_clock
from governance.intake.filing import file_report
from governance.intake.reports import NewReport, take_report

pytestmark = pytest.mark.db
Gridbeat = Callable[..., Any]
OUTLINE = "ST_Multi(ST_MakeEnvelope(116.3, 39.8, 116.5, 40.0, 4326))"


@pytest.fixture
def district(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Found a jurisdiction with one class and one department."""
    url = fresh_database.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    engine = create_engine(fresh_database.app_url)
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
            f"VALUES ('T', '测试', 'Test', {OUTLINE}, 4548, 'Asia/Shanghai')",
            "INSERT INTO category_scheme (scheme, version) VALUES ('t', '1')",
            "INSERT INTO category (scheme_id, code, name, name_en) "
            "SELECT scheme_id, '0102', '暴露垃圾', 'Rubbish' FROM category_scheme",
            "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
            "SELECT jurisdiction_id, 'env', '环卫所', 'Sanitation', 'street' FROM jurisdiction",
        ):
            connection.execute(text(statement))
    engine.dispose()
    return fresh_database


def report_one(database: Database, at: datetime) -> str:
    """Take and file a report at a moment, and return its case's number."""
    engine = create_engine(database.app_url)
    with engine.begin() as connection:
        place, category = connection.execute(
            text("SELECT jurisdiction_id, category_id FROM jurisdiction, category")
        ).one()
        new = NewReport(uuid4(), "hotline", at, at, "路口垃圾", 116.4, 39.9, "desk")
        report = take_report(connection, place, new)
        case = file_report(
            connection, report, category_id=category, actor="desk", at=at,
            clock=read_work_clock(connection, place),
        )  # fmt: skip
    engine.dispose()
    return case.number


class TestCalendar:
    def test_years_are_loaded_and_give_deadlines(self, gridbeat: Gridbeat, district) -> None:
        loaded = gridbeat("calendar", "load", 2026, 2027)
        assert loaded.code == 0
        assert "2026: 248 working days" in loaded.out
        assert re.search(r"2027 \(provisional 暂定\): \d+ working days", loaded.out)
        due = gridbeat("calendar", "due", 4, "work_hour", "--from", "2026-03-03T10:00")
        assert due.out == "2026-03-03 16:00\n"
        unsure = gridbeat("calendar", "due", 2, "work_day", "--from", "2027-03-03T10:00")
        assert unsure.out == "2027-03-05 18:00 (provisional 暂定)\n"

    def test_notice_of_a_year_makes_it_certain(self, gridbeat: Gridbeat, district) -> None:
        gridbeat("calendar", "load", 2027)
        done = gridbeat(
            "calendar", "confirm", 2027, "--source", "通知", "--off", "2027-03-04", "--work",
            "2027-03-06",
        )  # fmt: skip
        assert (done.code, done.out) == (0, "2027 confirmed 已确认: 1 days off, 1 swapped\n")
        due = gridbeat("calendar", "due", 2, "work_day", "--from", "2027-03-03T10:00")
        assert due.out == "2027-03-06 18:00\n"

    def test_hours_of_a_night_shift(self, gridbeat: Gridbeat, district) -> None:
        gridbeat("calendar", "load", 2026)
        assert gridbeat("calendar", "hours", "22:00-06:00").code == 0
        due = gridbeat("calendar", "due", 7, "work_hour", "--from", "2026-03-03T23:00")
        assert due.out == "2026-03-04 06:00\n"

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("due", 1, "work_day", "--from", "2026-03-03T10:00"), 5, "no work calendar yet"),
            (("load", 2026, "--country", "XX"), 2, "there is no calendar of 'XX'"),
            (("hours", "08:00"), 2, "write it as 08:00-12:00"),
            (("hours", "08:00-25:00"), 2, "write it as 08:00-12:00"),
            (("confirm", 2031, "--source", "s"), 5, "2031 is not loaded yet"),
        ],
    )
    def test_bad_input_says_what_to_do(
        self, gridbeat: Gridbeat, district, arguments, code, message
    ) -> None:
        done = gridbeat("calendar", *arguments)
        assert done.code == code
        assert message in done.err

    def test_hours_that_overlap_leave_the_old_ones(self, gridbeat: Gridbeat, district) -> None:
        gridbeat("calendar", "load", 2026)
        done = gridbeat("calendar", "hours", "08:00-12:00", "11:00-15:00")
        assert (done.code, "overlap" in done.err) == (2, True)
        due = gridbeat("calendar", "due", 1, "work_hour", "--from", "2026-03-03T17:30")
        assert due.out == "2026-03-04 08:30\n"


class TestCases:
    @pytest.fixture(autouse=True)
    def _calendar(self, gridbeat: Gridbeat, district) -> None:
        gridbeat("calendar", "load", 2025, 2026, 2027)

    def test_case_is_listed_moved_and_shown(self, gridbeat: Gridbeat, district) -> None:
        number = report_one(district, datetime.now(UTC))
        listed = gridbeat("cases", "list")
        assert f"{number}  accepted" in listed.out
        assert "1 open cases 在办案件" in listed.out
        moved = gridbeat("cases", "move", number, "dispatch", "--as", "王", "--department", 1)
        assert moved.code == 0
        assert f"{number} is dispatched, due " in moved.out
        shown = gridbeat("cases", "show", number).out
        assert [line.split()[3] for line in shown.splitlines()[1:]] == [
            "report", "accept", "dispatch",
        ]  # fmt: skip
        assert "王" in shown
        assert "环卫所" in shown

    def test_late_case_goes_up_once(self, gridbeat: Gridbeat, district) -> None:
        number = report_one(district, datetime.now(UTC) - timedelta(days=30))
        assert f"{number}  accepted" in gridbeat("cases", "list", "--late").out
        assert f"{number} goes up to community" in gridbeat("cases", "escalate").out
        assert gridbeat("cases", "escalate").out == "0 late cases went up one level 逾期上报\n"

    def test_step_that_is_not_allowed_says_what_is(self, gridbeat: Gridbeat, district) -> None:
        number = report_one(district, datetime.now(UTC))
        done = gridbeat("cases", "move", number, "close", "--as", "王")
        assert done.code == 6
        assert "it may: dispatch" in done.err
        assert gridbeat("cases", "show", "nothing").code == 5
