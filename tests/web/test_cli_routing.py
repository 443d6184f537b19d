"""`gridbeat routing` and `gridbeat contacts` as their users type them, and the worker's round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from geo.database.connect import Database
from governance.intake.contacts import keep_contact
from governance.intake.reports import NewReport, take_report
from governance.intake.sealing import Contact, make_key, read_keys
from tests.web.test_cli_cases import Gridbeat, district, report_one
from web.jobs.cases import do_round

__all__ = ["district"]
pytestmark = pytest.mark.db
MARCH = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


def test_rule_is_set_listed_proposed_and_removed(gridbeat: Gridbeat, district: Database) -> None:
    made = gridbeat("routing", "department", "roads", "--name", "市政所", "--name-en", "Roads",
                    "--level", "street")  # fmt: skip
    assert made.code == 0, made.err
    assert "roads" in gridbeat("routing", "departments").out
    rule = gridbeat("routing", "set", "roads", "--class", "t/0102", "--basis", "条例").out
    number = rule.split()[1]
    assert (
        "0102 暴露垃圾  * 全区  -> roads 市政所 (street)  条例" in gridbeat("routing", "list").out
    )
    proposed = gridbeat("routing", "propose", "--class", "t/0102").out
    assert "全区“暴露垃圾”由市政所负责（条例）" in proposed
    assert "0 objections" in gridbeat("routing", "objections").out
    assert gridbeat("routing", "remove", number).code == 0
    assert "no rule fits" in gridbeat("routing", "propose", "--class", "t/0102").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("set", "nobody"), 5, "no department 'nobody'"),
        (("set", "env", "--class", "0102"), 2, "written SCHEME/CODE"),
        (("remove", "77"), 5, "there is no rule 77"),
    ],
)
def test_rule_that_cannot_be_is_told(
    gridbeat: Gridbeat, district: Database, arguments, code, message
) -> None:
    refused = gridbeat("routing", *arguments)
    assert refused.code == code
    assert message in refused.err


def test_contact_is_shown_with_a_reason_and_purged(
    gridbeat: Gridbeat, district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = gridbeat("contacts", "key").out.strip()
    monkeypatch.setenv("GRIDBEAT_CONTACT_KEY", key)
    engine = create_engine(district.app_url)
    report = uuid4()
    with engine.begin() as connection:
        place = connection.execute(text("SELECT jurisdiction_id FROM jurisdiction")).scalar_one()
        new = NewReport(report, "hotline", MARCH, MARCH, "路口垃圾", 116.4, 39.9, "desk")
        take_report(connection, place, new)
        keep_contact(connection, report, Contact("王女士", "138"), keys=read_keys(key),
                     actor="desk", at=MARCH)  # fmt: skip
    shown = gridbeat("contacts", "show", str(report), "--reason", "回访")
    assert shown.out.strip() == "王女士  138"
    assert gridbeat("contacts", "show", "x", "--reason", "y").code == 2
    assert "1 contacts kept" in gridbeat("contacts", "status").out
    assert "1 of 1 contacts" in gridbeat("contacts", "purge", "--dry-run").out
    assert "1 contacts deleted" in gridbeat("contacts", "purge").out
    with engine.connect() as connection:
        logged = connection.execute(text("SELECT action FROM audit_entry ORDER BY seq"))
        assert list(logged.scalars()) == ["contact opened", "contacts purged"]
    engine.dispose()
    assert make_key() != key


def test_round_of_the_worker_tells_escalates_and_purges_once(
    gridbeat: Gridbeat, district: Database
) -> None:
    gridbeat("calendar", "load", "2026")
    number = report_one(district, MARCH)
    engine = create_engine(district.app_url)
    for _ in range(2):
        do_round(engine, now=MARCH + timedelta(days=3), keep_days=30)
    with engine.connect() as connection:
        said = connection.execute(
            text("SELECT body->>'action' FROM live_event WHERE body->>'number' = :n ORDER BY 1"),
            {"n": number},
        ).scalars()
        assert list(said) == ["accept", "escalate", "overdue", "report"]
    engine.dispose()


def test_levels_are_called_as_the_district_calls_them(
    gridbeat: Gridbeat, district: Database
) -> None:
    assert "street     街道  Street" in gridbeat("cases", "levels").out
    named = gridbeat("cases", "levels", "street=镇街/Town")
    assert "street     镇街  Town" in named.out
    assert "grid       网格  Grid" in named.out
    assert gridbeat("cases", "levels", "moon=月/Moon").code == 2
    assert gridbeat("cases", "levels", "street=x").code == 2


def test_district_says_what_may_be_a_repetition(gridbeat: Gridbeat, district: Database) -> None:
    told = gridbeat("cases", "repeats", "--metres", 80, "--hours", 48)
    assert (told.code, "80 m and 48 h" in told.out) == (0, True)
    refused = gridbeat("cases", "repeats", "--metres", 2000)
    assert refused.code == 2
    assert "within 1000 m" in refused.err


def test_file_of_a_department_waits_at_the_desk(
    gridbeat: Gridbeat, district: Database, tmp_path
) -> None:
    file = tmp_path / "feed.csv"
    file.write_text(
        "id,words,time,lon,lat\n1,路口垃圾,2026-03-03 10:00,116.4,39.9\n2,,x,,\n", "utf-8"
    )
    made = gridbeat("reports", "feed", str(file), "--source", "城管", "--crs", "wgs84")
    assert "1 new 新增, 0 same 未变, 1 quarantined 隔离" in made.out
    assert "row 行 2, words: a required value is missing" in made.out
    listed = gridbeat("reports", "list").out
    assert "路口垃圾" in listed
    assert "1 reports wait" in listed


def test_entries_of_tablets_are_deleted_and_accounts_told_their_departments(
    gridbeat: Gridbeat, district: Database
) -> None:
    assert "0 of 0 entries" in gridbeat("field", "purge", "--dry-run").out
    assert "0 entries deleted" in gridbeat("field", "purge").out
    assert gridbeat("users", "add", "li.na", "--role", "officer", "--all-areas").code == 0
    unknown = gridbeat("users", "departments", "li.na", "--department", "nowhere")
    assert unknown.code == 5
    assert "'nowhere'" in unknown.err
    assert "every department" in gridbeat("users", "departments", "li.na").out
