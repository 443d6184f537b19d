"""Cases over the API: lists by deadline, one with its history, each step once, for whom it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.web.governed import People

pytestmark = pytest.mark.db


def test_a_case_goes_from_call_to_call_back(people: People) -> None:
    case = people.dispatched()
    assert [step["action"] for step in case["history"]] == ["report", "accept", "dispatch"]
    assert case["stage"] == "receive"
    assert case["left_s"] > 0
    case = people.step("wei", case, "receive")
    case = people.step("wei", case, "start")
    photo = people.photo("wei", case_id=case["case_id"], kind="after").json()
    case = people.step("wei", case, "resolve", evidence=[photo["evidence"]], reason="已清运")
    case = people.step("dora", case, "check")
    case = people.step("dora", case, "rework", reason="角落还有")
    case = people.step("wei", case, "start")
    case = people.step("wei", case, "resolve", evidence=[photo["evidence"]])
    case = people.step("dora", case, "check")
    case = people.step("dora", case, "close", evidence=[photo["evidence"]])
    case = people.step("dora", case, "call_back", satisfaction="satisfied")
    assert case["state"] == "closed"
    assert case["due_at"] is None
    assert [photo["photo_id"]] == [kept["photo_id"] for kept in case["photos"]]


def test_two_dispatchers_never_double_a_step_and_the_second_is_told_what_happened(
    people: People,
) -> None:
    case = people.file()
    people.step("dora", case, "dispatch", department_id=people.departments["grid"])
    answer = people.try_step("dan", case, "dispatch", department_id=people.departments["env"])
    assert answer.status_code == 409
    told = answer.json()
    assert "dora派遣" in told["detail"]
    assert [step["action"] for step in told["happened"]] == ["dispatch"]
    assert (told["version"], told["state"]) == (3, "dispatched")
    english = people.as_("dan").post(
        f"/api/v1/cases/{case['case_id']}/steps", params={"lang": "en"},
        json={"action": "dispatch", "request_id": str(uuid4()), "department_id": 1},
        headers={"If-Match": f'"{case["version"]}"'},
    )  # fmt: skip
    assert "dispatch by dora" in english.json()["detail"]


def test_of_two_dispatchers_at_the_same_moment_one_gets_through_and_the_other_is_told(
    people: People,
) -> None:
    clients = [people.as_("dora"), people.as_("dan")]
    for _ in range(5):
        case = people.file()
        path = f"/api/v1/cases/{case['case_id']}/steps"

        def dispatch(client: httpx.Client, to: int, case=case, path=path) -> httpx.Response:
            body = {"action": "dispatch", "request_id": str(uuid4()), "department_id": to}
            return client.post(path, json=body | {"seen_version": case["version"]})

        with ThreadPoolExecutor(2) as desks:
            answers = list(desks.map(dispatch, clients, people.departments.values()))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert lost.json()["happened"][0]["actor"] == won.json()["history"][-1]["actor"]
        history = people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()["history"]
        assert [step["action"] for step in history].count("dispatch") == 1


def test_a_double_click_is_one_step_even_at_the_same_moment(people: People) -> None:
    case = people.dispatched()
    body = {"action": "receive", "request_id": str(uuid4()), "seen_version": case["version"]}
    path = f"/api/v1/cases/{case['case_id']}/steps"
    client = people.as_("wei")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.post(path, json=body), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert {answer.json()["version"] for answer in answers} == {case["version"] + 1}


def test_who_handled_a_case_cannot_check_it_and_is_not_offered_to(people: People) -> None:
    case = people.dispatched()
    for action in ("receive", "start"):
        case = people.step("wei", case, action)
    case = people.step("wei", case, "resolve", evidence=["文号12"])
    assert "check" not in {step["action"] for step in case["actions"]}
    assert people.try_step("wei", case, "check").status_code == 403
    offered = people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()["actions"]
    assert [step["action"] for step in offered] == ["check"]


@pytest.mark.parametrize(
    ("who", "action", "given", "status", "code", "zh", "en"),
    [
        ("dora", "receive", {}, 403, "not-your-role", "无此权限", "cases.handle"),
        ("wei", "fly", {}, 400, "no-step", "没有该操作", "no step of a case"),
        ("wei", "report", {}, 400, "no-step", "没有该操作", "no step of a case"),
        ("wei", "object", {}, 400, "step-needs", "还需要：理由", "a reason in words"),
        ("wei", "start", {}, 409, "moved-on", "签收", "receive"),
        ("dora", "merge", {"reason": "same", "merged_into": 999_999}, 404, "no-case",
         "没有该案件", "999999"),
        ("eve", "receive", {}, 404, "no-case", "没有该案件", "there is no case"),
    ],
)  # fmt: skip
def test_a_step_that_may_not_be_taken_says_why(
    people: People, who: str, action: str, given, status: int, code: str, zh: str, en: str
) -> None:
    case = people.dispatched()
    body = {"action": action, "request_id": str(uuid4()), "seen_version": case["version"]} | given
    for lang, says in (("zh", zh), ("en", en)):
        answer = people.as_(who).post(
            f"/api/v1/cases/{case['case_id']}/steps", params={"lang": lang}, json=body
        )
        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code), answer.text
        assert says in told["detail"]
    assert told.get("needs") == (["reason"] if code == "step-needs" else None)


def test_evidence_must_be_a_photo_of_this_very_case(people: People) -> None:
    other, case = people.dispatched(), people.dispatched()
    photo = people.photo("wei", case_id=other["case_id"]).json()
    case = people.step("wei", people.step("wei", case, "receive"), "start")
    answer = people.try_step("wei", case, "resolve", evidence=[photo["evidence"]])
    assert answer.status_code == 400
    assert answer.json()["code"] == "no-photo"


def test_closing_a_case_answers_every_report_that_was_merged_into_it(people: People) -> None:
    words = ("甲处有垃圾堆", "乙说的同一堆垃圾", "丙说的同一堆垃圾")
    target, middle, last = (people.dispatched(words=one) for one in words)
    people.step("dora", last, "merge", merged_into=middle["case_id"], reason="同一处")
    shown = people.as_("dora").get(f"/api/v1/cases/{last['case_id']}").json()
    assert shown["merged_into_number"] == middle["number"]
    assert (shown["first_department"], shown["first_department_en"]) == ("网格服务队", "Grid team")
    people.step("dora", middle, "merge", merged_into=target["case_id"], reason="同一处")

    def statuses() -> set[str]:
        listed = people.as_("dora").get("/open311/v2/requests.json").json()
        return {one["status"] for one in listed if one["description"] in words}

    assert statuses() == {"open"}  # a merged case is done when the other is, not before
    for action in ("receive", "start"):
        target = people.step("wei", target, action)
    photo = people.photo("wei", case_id=target["case_id"]).json()["evidence"]
    target = people.step("wei", target, "resolve", evidence=[photo])
    target = people.step("dan", target, "check")
    target = people.step("dan", target, "close", evidence=[photo])
    assert len(target["reports_in"]) == 3
    assert statuses() == {"closed"}


def test_objection_merge_and_escalation_keep_history_and_first_deadline(people: People) -> None:
    case = people.dispatched()
    first = case["first_due_at"]
    case = people.step("wei", case, "object", reason="不属本网格职责")
    assert case["state"] == "returned"
    case = people.step("dora", case, "dispatch", department_id=people.departments["env"])
    case = people.step("dora", case, "escalate", reason="超出街道能力")
    assert (case["level"], case["state"], case["first_due_at"]) == (
        "community", "escalated", first,
    )  # fmt: skip
    case = people.step("dora", case, "acknowledge")
    target = people.file()
    merged = people.step("dora", case, "merge", merged_into=target["case_id"], reason="同一处垃圾")
    assert (merged["state"], merged["merged_into"]) == ("merged", target["case_id"])
    assert people.as_("dora").get(f"/api/v1/cases/{target['case_id']}").json()["reports"] == 2


def test_the_list_runs_by_deadline_and_pages_without_gap_or_repeat(people: People) -> None:
    made = {people.file(place={"lon": 121.025, "lat": 35.615})["case_id"] for _ in range(5)}
    made.add(people.dispatched(place={"lon": 121.025, "lat": 35.615})["case_id"])
    area = people.service.areas["e1"]
    seen: list[int] = []
    cursor = None
    while True:
        query = {"limit": 2, "area": area} | ({"cursor": cursor} if cursor else {})
        page = people.as_("dora").get("/api/v1/cases", params=query).json()
        seen += [case["case_id"] for case in page["cases"]]
        dues = [case["due_at"] for case in page["cases"]]
        assert dues == sorted(dues)
        cursor = page["next"]
        if cursor is None:
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    assert page["clock"]["open"] in {True, False}
    community = {"area": people.service.areas["east"], "limit": 200}
    whole = people.as_("dora").get("/api/v1/cases", params=community).json()["cases"]
    assert made <= {case["case_id"] for case in whole}


def test_the_list_is_filtered_and_counted(people: People) -> None:
    case = people.dispatched()
    client = people.as_("dora")

    def numbers(**query):
        found = client.get("/api/v1/cases", params={"limit": 200} | query).json()["cases"]
        return {row["number"] for row in found}

    assert case["number"] in numbers(state="dispatched", department=people.departments["grid"])
    assert case["number"] not in numbers(state="accepted")
    assert case["number"] not in numbers(level="district")
    assert case["number"] not in numbers(due="overdue")
    assert numbers(number=case["number"]) == {case["number"]}
    assert case["number"] not in {
        row["number"] for row in people.as_("eve").get("/api/v1/cases").json()["cases"]
    }
    counts = client.get("/api/v1/cases/counts").json()
    assert sum(counts.values()) >= 1
    assert client.get("/api/v1/cases", params={"cursor": "bm8"}).status_code == 400


def test_every_step_is_in_the_audit_log(people: People) -> None:
    case = people.dispatched()
    with people.service.app.state.databases.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT actor, details->>'step' FROM audit_entry "
            "WHERE action = 'case step' AND object = %(number)s",
            {"number": case["number"]},
        ).all()
    assert [tuple(row) for row in found] == [("dora", "dispatch")]
