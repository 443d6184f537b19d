"""A tablet's entries: each once, in order, with conflicts told and no clock trusted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from geo.errors import NotFoundError
from tests.web.field.conftest import make_route
from tests.web.governed import LAT, LON, People
from web.auth.accounts import find_account, write_departments
from web.field.retention import count_entries
from web.jobs.field import do_round

pytestmark = pytest.mark.db
DEVICE = str(uuid4())


def entry(kind: str, sequence: int = 1, *, at: datetime | None = None, **given: Any):
    moment = (at or datetime.now(UTC)).isoformat()
    return {"entry_id": str(uuid4()), "sequence": sequence, "at": moment, "kind": kind} | given


def step(case, action: str, sequence: int, version: int, **given: Any):
    return entry(
        "step", sequence, case_id=case["case_id"], action=action, seen_version=version, **given
    )


def send(people: People, who: str, *entries, ahead_s: float = 0.0):
    body = {
        "device_id": DEVICE, "entries": list(entries),
        "sent_at": (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat(),
    }  # fmt: skip
    answer = people.as_(who).post("/api/v1/field/sync", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def outcomes(told) -> list[str]:
    return [answer["outcome"] for answer in told["answers"]]


def look(people: People, case):
    return people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()


def test_a_day_offline_comes_in_as_one_batch_and_again_as_nothing_new(people: People) -> None:
    case = people.dispatched()
    find = entry(
        "report", 1, words="绿化带有建筑垃圾", lon=LON, lat=LAT, category_id=3, accuracy_m=6
    )
    version = case["version"]
    photo = people.photo("wei", case_id=case["case_id"]).json()["evidence"]
    batch = [
        step(case, "resolve", 4, version + 2, evidence=[photo], reason="已清理"),
        find,
        step(case, "receive", 2, version),
        step(case, "start", 3, version + 1),
    ]
    told = send(people, "wei", *batch)
    assert outcomes(told) == ["done"] * 4  # by sequence, not as they lay in the batch
    assert told["answers"][-1]["state"] == "resolved"
    again = send(people, "wei", *batch)
    assert outcomes(again) == ["already_done"] * 4
    assert again["answers"][1]["version"] == version + 1
    assert [step["action"] for step in look(people, case)["history"]][3:] == [
        "receive", "start", "resolve",
    ]  # fmt: skip
    found = people.as_("dora").get("/api/v1/reports").json()["reports"]
    assert [row["channel"] for row in found if row["report_id"] == find["entry_id"]] == ["tablet"]


def test_the_same_batch_sent_by_two_tabs_at_once_is_done_once(people: People) -> None:
    case = people.dispatched()
    batch = [
        step(case, "receive", 1, case["version"]),
        entry("report", 2, words="x", lon=LON, lat=LAT),
    ]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: send(people, "wei", *batch), range(4)))
    assert {outcome for answer in told for outcome in outcomes(answer)} <= {"done", "already_done"}
    assert sum(outcomes(answer).count("done") for answer in told) == 2
    assert look(people, case)["version"] == case["version"] + 1


def test_tablets_that_wait_for_each_others_cases_are_taken_apart(people: People) -> None:
    engine = make_engine(people.service.database, role="owner", pool=NullPool)
    for _ in range(5):  # who gives way is the database's choice: until it is the tablet
        first, second = people.dispatched(), people.dispatched()
        batch = [step(first, "receive", 1, 3), step(second, "receive", 2, 3)]
        with ThreadPoolExecutor(1) as tablet, engine.connect() as other:
            other.execute(text("SET LOCAL deadlock_timeout = '60s'"))
            other.execute(_HOLD, {"case": second["case_id"]})
            sent = tablet.submit(send, people, "wei", *batch)
            while not other.execute(_WAITS).scalar_one():
                time.sleep(0.01)
            other.execute(text("SET LOCAL lock_timeout = '5s'"))
            try:
                other.execute(_HOLD, {"case": first["case_id"]})
            except DBAPIError:
                gave_way = False
            else:
                gave_way = True
            other.rollback()
            assert outcomes(sent.result()) == ["done", "done"]
        if gave_way:
            break
    engine.dispose()
    assert gave_way
    for case in (first, second):
        assert [one["action"] for one in look(people, case)["history"]].count("receive") == 1


_HOLD = text("SELECT FROM case_file WHERE case_id = :case FOR UPDATE")
_WAITS = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")


def test_a_conflict_is_told_in_both_languages_and_stays_a_conflict(people: People) -> None:
    case = people.dispatched()
    people.step("wang", case, "receive")
    late = step(case, "receive", 1, case["version"])
    for _ in range(2):
        told = send(people, "wei", late, step(case, "start", 2, case["version"] + 1))
        first, second = told["answers"]
        assert (first["outcome"], second["outcome"]) in {
            ("conflict", "done"),
            ("conflict", "conflict"),
        }
        assert "wang签收" in first["zh"]
        assert "receive by wang" in first["en"]
        assert first["happened"][0]["actor"] == "wang"


def test_what_cannot_be_done_is_rejected_with_a_reason_and_holds_up_nothing(people: People) -> None:
    case = people.dispatched()
    told = send(
        people, "wei",
        step(case, "check", 1, case["version"]),
        step(case, "object", 2, case["version"]),
        step({"case_id": 987_654}, "receive", 3, 1),
        entry("report", 4, words="别处", lon=121.035, lat=LAT),
        entry("report", 5, words="海上", lon=0.0, lat=0.0),
        entry("leave", 6, visit_id=str(uuid4())),
        step(case, "resolve", 7, case["version"], evidence=[f"photo:{uuid4()}"]),
        step(case, "receive", 8, case["version"]),
    )  # fmt: skip
    assert outcomes(told) == ["rejected"] * 7 + ["done"]
    zh = [answer["zh"] for answer in told["answers"]]
    assert zh[:7] == [
        "您的角色无此权限", "还需要：理由", "没有该案件，或不在您的辖区",
        "超出您的辖区或权限，未予受理", "位置不在您的辖区内", "没有该次到点记录", "所附照片尚未上传",
    ]  # fmt: skip


def test_a_wrong_clock_is_measured_set_right_and_never_trusted(people: People) -> None:
    case = people.dispatched()
    ahead = timedelta(hours=5)
    clock = datetime.now(UTC) + ahead
    told = send(
        people, "wei",
        step(case, "receive", 1, case["version"], at=clock - timedelta(minutes=1)),
        step(case, "start", 2, case["version"] + 1, at=clock + timedelta(days=400)),
        ahead_s=ahead.total_seconds(),
    )  # fmt: skip
    assert outcomes(told) == ["done", "done"]
    assert told["clock_is_off"] is True
    assert told["skew_s"] == pytest.approx(ahead.total_seconds(), abs=30)
    steps = look(people, case)["history"]
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    assert all(moment <= datetime.now(UTC) for moment in times)
    assert send(people, "wei")["clock_is_off"] is False


def test_somebody_elses_number_gives_nothing_away(people: People) -> None:
    mine = entry("duty", 1, on=True)
    assert outcomes(send(people, "wei", mine)) == ["done"]
    told = send(people, "wang", mine)
    assert outcomes(told) == ["rejected"]
    assert told["answers"][0]["zh"] == "编号已被其他记录使用"


@pytest.fixture(scope="module")
def route(module_people: People) -> int:
    return make_route(module_people)


def test_arrivals_and_departures_say_how_far_off_and_keep_no_position(
    people: People, route: int
) -> None:
    there = entry("arrive", 1, route_id=route, ordinal=1, lon=121.0061, lat=35.61)
    told = send(people, "wei", there, entry("leave", 2, visit_id=there["entry_id"]))
    assert outcomes(told) == ["done", "done"]
    assert told["answers"][0]["distance_m"] == pytest.approx(9, abs=2)
    assert outcomes(send(people, "wei", entry("leave", 3, visit_id=there["entry_id"]))) == [
        "rejected"
    ]
    assert outcomes(send(people, "wang", entry("leave", 4, visit_id=there["entry_id"]))) == [
        "rejected"
    ]
    unseen = send(people, "eve", entry("arrive", 5, route_id=route, ordinal=1))
    assert outcomes(unseen) == ["rejected"]
    today = people.as_("wei").get("/api/v1/field/today").json()
    mine = next(way for way in today["routes"] if way["route_id"] == route)
    assert mine["unit"] == "西区一队"
    assert [bool(stop["visit"]) for stop in mine["stops"]] == [True, False]
    assert mine["stops"][0]["visit"]["left_at"]


def test_today_holds_tasks_duty_choices_and_the_ground_of_ones_own(people: People) -> None:
    case = people.dispatched()
    send(people, "wei", entry("duty", 1, on=True))
    today = people.as_("wei").get("/api/v1/field/today").json()
    task = next(task for task in today["tasks"] if task["case_id"] == case["case_id"])
    assert {"object", "receive", "escalate"} <= {step["action"] for step in task["actions"]}
    assert today["duty"]["on"] is True
    assert {shape["properties"]["name"] for shape in today["grids"]["shapes"]["features"]} == {
        "w1",
        "w2",
    }
    assert today["grids"]["bounds"] == pytest.approx([121.0, 35.6, 121.02, 35.62])
    assert today["posts"] == [
        {"area": "w1", "area_en": "w1", "role": "grid_leader", "people": 1, "mine": False,
         "zh": "网格长", "en": "Grid leader"}
    ]  # fmt: skip
    assert {"dump", "0102"} <= {one["code"] for one in today["classes"]}
    send(people, "wei", step(case, "receive", 1, case["version"]), entry("duty", 2, on=False))
    other = people.as_("wang").get("/api/v1/field/today").json()
    assert case["case_id"] not in {task["case_id"] for task in other["tasks"]}
    assert people.as_("wei").get("/api/v1/field/today").json()["duty"]["on"] is False
    far = people.as_("eve").get("/api/v1/field/today").json()
    assert case["case_id"] not in {task["case_id"] for task in far["tasks"]}


@pytest.fixture
def connection(people: People) -> Iterator[Connection]:
    """Give the application's connection; what is written is taken back."""
    engine = make_engine(people.service.database, role="app", pool=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_tablet_shows_what_waits_for_ones_own_departments_and_what_is_in_hand(
    people: People, connection: Connection
) -> None:
    ours, begun = people.dispatched(), people.dispatched()
    theirs = people.step("dora", people.file(), "dispatch", department_id=people.departments["env"])
    people.step("wang", begun, "receive")

    def shown(who: str) -> set[int]:
        tasks = people.as_(who).get("/api/v1/field/today").json()["tasks"]
        return {task["case_id"] for task in tasks}

    def works_for(*codes: str) -> None:
        write_departments(connection, find_account(connection, "wang"), codes)
        connection.commit()

    ours, begun, theirs = (case["case_id"] for case in (ours, begun, theirs))
    assert shown("wang") >= {ours, begun, theirs}  # no department: all of the areas
    works_for("env")
    assert shown("wang") >= {begun, theirs}
    assert ours not in shown("wang")
    assert shown("wei") >= {ours, theirs}
    works_for("env", "grid")
    assert shown("wang") >= {ours, begun, theirs}
    with pytest.raises(NotFoundError, match="'nobody'"):
        works_for("grid", "nobody")
    connection.rollback()
    works_for()
    assert shown("wang") >= {ours, begun, theirs}


def test_entries_older_than_their_days_are_deleted_and_what_they_did_stays(
    people: People, connection: Connection
) -> None:
    case = people.dispatched()
    noted = step(case, "receive", 1, case["version"])
    assert outcomes(send(people, "wei", noted)) == ["done"]
    now = datetime.now(UTC)
    old, kept = count_entries(connection, now=now, keep_days=90)
    assert old == 0
    assert kept > 0
    later = now + timedelta(days=91)
    assert count_entries(connection, now=later, keep_days=90) == (kept, kept)
    connection.rollback()
    do_round(connection.engine, now=now, keep_days=90)
    assert count_entries(connection, now=now, keep_days=90) == (0, kept)
    connection.rollback()
    do_round(connection.engine, now=later, keep_days=90)
    assert count_entries(connection, now=now, keep_days=90) == (0, 0)
    assert look(people, case)["state"] == "received"
    # A step that comes again after that is known by its number, which the case's history keeps.
    assert outcomes(send(people, "wei", noted)) == ["done"]
    assert len([one for one in look(people, case)["history"] if one["action"] == "receive"]) == 1


def test_bad_batches_are_refused_whole(people: People) -> None:
    client = people.as_("wei")
    for body in (
        {"device_id": DEVICE, "sent_at": "2026-01-01T00:00:00", "entries": []},
        {"device_id": DEVICE, "sent_at": "2026-01-01T00:00:00Z", "entries": [{"kind": "x"}]},
        {"device_id": DEVICE, "sent_at": "2026-01-01T00:00:00Z",
         "entries": [entry("duty", 1, on=True)] * 101},
    ):  # fmt: skip
        assert client.post("/api/v1/field/sync", json=body).status_code == 400
    assert people.as_("dora").post("/api/v1/field/sync", json={}).status_code == 403
