"""Indicators over HTTP: by each of five things, null where nothing was due, nobody by number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, make_engine
from tests.web.conftest import serving
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
    assert found["area"]["w1"]["at_level"] == (1, 1)
    assert found["department"]["网格服务队"]["at_level"] == (1, 1)
    assert found["post"]["grid_leader"]["at_level"] == (1, 1)
    assert [group[1]["at_level"] for group in found["class"].items()] == [(1, 1)]
    assert sum(counts["at_level"][1] for counts in found["month"].values()) == 1
    assert month in found["month"]


def test_nothing_due_is_null_and_neither_nought_nor_all(supervisor: httpx.Client) -> None:
    told = supervisor.get("/api/v1/indicators", params={"by": "area"}).json()
    areas = {group["group"]: group["values"] for group in told["groups"]}
    assert set(areas) == {"w1", "w2", "e1", "e2"}
    assert {one["value"] for one in areas["e2"]} == {None}
    assert {one["grade"] for one in areas["e2"]} == {None}
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
