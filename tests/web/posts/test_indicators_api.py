"""Indicators over HTTP: by each of five things, null where nothing was due, nobody by number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, make_engine
from tests.web.conftest import Service, serving
from tests.web.district import PASSWORD
from tests.web.governed import People, govern

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def worked(server: Database, template: Database) -> Iterator[People]:
    """Give a district in which one case in w1 was worked to its end, by somebody with a post."""
    with serving(server, template) as running:
        people = People(running, govern(running))
        case = people.dispatched()
        for action in ("receive", "start"):
            case = people.step("wei", case, action)
        photo = people.photo("wei", case_id=case["case_id"]).json()
        case = people.step("wei", case, "resolve", evidence=[photo["evidence"]])
        case = people.step("dan", case, "check")
        case = people.step("dan", case, "close", evidence=[photo["evidence"]])
        people.step("dora", case, "call_back", satisfaction="satisfied")
        engine = make_engine(running.database, pool=NullPool)
        with engine.begin() as connection:  # wei's number of staff is the login, and a leader's
            connection.execute(text("UPDATE person SET staff_no = 'wei'"))
        engine.dispose()
        yield people


@pytest.fixture
def supervisor(worked: People) -> httpx.Client:
    return worked.service.client(headers=worked.service.bearer("supervisor"))


def values(client: httpx.Client, **asked: str) -> dict[str | None, dict[str, tuple[int, int]]]:
    answer = client.get("/api/v1/indicators", params=asked)
    assert answer.status_code == 200, answer.text
    return {
        group["group"]: {one["indicator"]: (one["good"], one["due"]) for one in group["values"]}
        for group in answer.json()["groups"]
    }


def test_one_closed_case_counts_by_area_department_post_class_and_month(
    supervisor: httpx.Client,
) -> None:
    month = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")
    whole = values(supervisor)[None]
    assert (whole["effective"], whole["at_level"], whole["satisfaction"]) == (
        (1, 1),
        (1, 1),
        (1, 1),
    )
    found = {by: values(supervisor, by=by)
             for by in ("area", "department", "post", "class", "month")}  # fmt: skip
    assert found["area"]["w1 w1"]["at_level"] == (1, 1)
    assert found["department"]["网格服务队"]["at_level"] == (1, 1)
    assert found["post"]["grid_leader"]["at_level"] == (1, 1)
    assert [group[1]["at_level"] for group in found["class"].items()] == [(1, 1)]
    assert sum(counts["at_level"][1] for counts in found["month"].values()) == 1
    assert month in found["month"]


def test_nothing_due_is_null_and_neither_nought_nor_all(supervisor: httpx.Client) -> None:
    told = supervisor.get("/api/v1/indicators", params={"by": "area"}).json()
    areas = {group["group"]: group["values"] for group in told["groups"]}
    assert set(areas) == {"w1 w1", "w2 w2", "e1 e1", "e2 e2"}
    assert {one["value"] for one in areas["e2 e2"]} == {None}
    assert {one["grade"] for one in areas["e2 e2"]} == {None}
    departments = supervisor.get("/api/v1/indicators", params={"by": "department"}).json()
    idle = next(group for group in departments["groups"] if group["group"] == "环卫所")
    assert {one["value"] for one in idle["values"]} == {None}
    past = {"since": "2026-01-01", "until": "2026-01-31"}
    (empty,) = supervisor.get("/api/v1/indicators", params=past).json()["groups"]
    assert {one["value"] for one in empty["values"]} == {None}


def test_definitions_come_with_the_numbers_and_no_person_does(supervisor: httpx.Client) -> None:
    told = supervisor.get("/api/v1/indicators", params={"by": "post"}).json()
    assert all(one["due_zh"] and one["due_en"] and one["good_zh"] for one in told["indicators"])
    assert "wei" not in {group["group"] for group in told["groups"]}
    assert {group["zh"] for group in told["groups"]} == {"网格长"}
    assert supervisor.get("/api/v1/indicators", params={"by": "person"}).status_code == 400
    until = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    wrong = {"since": datetime.now(UTC).date().isoformat(), "until": until}
    assert supervisor.get("/api/v1/indicators", params=wrong).json()["code"] == "bad-period"


def test_officers_do_not_watch_the_process(worked: People) -> None:
    assert worked.as_("eve").get("/api/v1/indicators").status_code == 403


def test_groups_are_named_in_english_where_they_have_an_english_name(
    worked: People, supervisor: httpx.Client
) -> None:
    engine = make_engine(worked.service.database, pool=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE area SET name_en = 'West 1' WHERE code = 'w1'"))
    engine.dispose()
    wanted = {"area": ("w1 w1", "w1 West 1"), "department": ("网格服务队", "Grid team")}
    for by, (zh, en) in wanted.items():
        groups = supervisor.get("/api/v1/indicators", params={"by": by}).json()["groups"]
        assert {one["zh"]: one["en"] for one in groups}[zh] == en
    [group] = supervisor.get("/api/v1/indicators", params={"by": "class"}).json()["groups"]
    code, _, name = group["en"].partition(" ")
    assert group["zh"].startswith(f"{code} ")
    assert name.isascii()


def test_grids_of_one_name_in_two_communities_are_told_apart(
    worked: People, supervisor: httpx.Client
) -> None:
    engine = make_engine(worked.service.database, pool=NullPool)
    rename = text("UPDATE area SET name = coalesce(:name, code) WHERE code IN ('w1', 'e1')")
    with engine.begin() as connection:
        connection.execute(rename, {"name": "第一网格"})
    try:
        found = values(supervisor, by="area")
    finally:
        with engine.begin() as connection:
            connection.execute(rename, {"name": None})
        engine.dispose()
    assert found["w1 第一网格"]["at_level"] == (1, 1)
    assert found["e1 第一网格"]["at_level"] == (0, 0)


def signed(service: Service, who: str) -> httpx.Client:
    client = service.client()
    assert client.post("/api/v1/session", json={"login": who, "password": PASSWORD}).is_success
    client.headers["X-CSRF-Token"] = client.get("/api/v1/session").json()["csrf"]
    return client


class TestRecords:
    def asked(self, people: People, who: str, **given: str) -> httpx.Response:
        page = signed(people.service, who)
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        body = {"staff_no": "wei", "since": (today - timedelta(days=2)).isoformat(),
                "until": today.isoformat(), "reason": "申诉核查"}  # fmt: skip
        return page.post("/api/v1/indicators/record", json=body | given)

    def test_record_is_one_persons_steps_as_a_file_and_who_took_it_and_why_is_logged(
        self, worked: People
    ) -> None:
        answer = self.asked(worked, "supervisor")
        assert answer.status_code == 200, answer.text
        assert "attachment" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["action"] for row in rows] == ["receive", "start", "resolve"]
        assert set(rows[0]) == {
            "number", "action", "at", "from_state", "to_state", "reason", "evidence",
        }  # fmt: skip
        engine = make_engine(worked.service.database, role="app", pool=NullPool)
        with engine.connect() as connection:
            entry = connection.execute(text(
                "SELECT actor, object, details FROM audit_entry WHERE action = 'record exported' "
                "ORDER BY seq DESC LIMIT 1"
            )).one()  # fmt: skip
        engine.dispose()
        assert (entry.actor, entry.object) == ("supervisor", "wei")
        assert entry.details["reason"] == "申诉核查"
        assert entry.details["steps"] == 3

    def test_a_record_needs_a_reason_a_person_that_is_known_and_no_more_than_a_year(
        self, worked: People
    ) -> None:
        assert self.asked(worked, "supervisor", reason=" ").json()["code"] == "no-reason"
        assert self.asked(worked, "supervisor", staff_no="nobody").json()["code"] == "no-person"
        assert self.asked(worked, "supervisor", since="2020-01-01").json()["code"] == "bad-period"

    def test_no_token_and_no_other_role_takes_a_record(
        self, worked: People, supervisor: httpx.Client
    ) -> None:
        body = {"staff_no": "wei", "since": "2026-01-01", "until": "2026-01-31", "reason": "x"}
        assert supervisor.post("/api/v1/indicators/record", json=body).status_code == 403
        assert self.asked(worked, "planner").status_code == 403
