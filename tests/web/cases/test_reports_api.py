"""Reports over the API: once, where they lie, beside what they repeat, filed or ended."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from governance.intake.contacts import ContactSettings
from governance.intake.sealing import make_key
from tests.web.governed import LAT, LON, People

pytestmark = pytest.mark.db
METRE = 1 / 111_000


def test_a_report_sent_twice_is_one_and_another_under_its_number_is_refused(people: People) -> None:
    number = str(uuid4())
    body = {"words": "井盖松动", "place": {"lon": LON, "lat": LAT}}
    first = people.as_("dora").put(f"/api/v1/reports/{number}", json=body)
    again = people.as_("dora").put(f"/api/v1/reports/{number}", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["area"] == "w1"
    other = people.as_("dora").put(f"/api/v1/reports/{number}", json=body | {"words": "别的"})
    assert other.status_code == 409
    taken = people.as_("dan").put(f"/api/v1/reports/{number}", json=body)
    assert taken.status_code == 409


def test_an_answer_tells_the_classes_and_what_the_report_may_repeat(people: People) -> None:
    place = {"lon": 121.0071, "lat": 35.6081}
    case = people.file(words="小区门口暴露垃圾一大堆", place=place)
    body = {"words": "小区门口有一堆垃圾", "place": place}
    told = people.as_("dora").put(f"/api/v1/reports/{uuid4()}", json=body).json()
    assert told["classes"][0]["code"] == "0102"
    assert [near["number"] for near in told["similar"]] == [case["number"]]


class TestBatches:
    def post(self, people: People, who: str, *reports: dict[str, Any]) -> list[dict[str, Any]]:
        answer = people.as_(who).post("/api/v1/reports", json={"reports": list(reports)})
        assert answer.status_code == 200, answer.text
        return answer.json()["answers"]

    def one(self, **given: Any) -> dict[str, Any]:
        known = {"report_id": str(uuid4()), "words": "井盖松动", "channel": "tablet",
                 "place": {"lon": LON, "lat": LAT}}  # fmt: skip
        return known | given

    def test_each_is_answered_and_a_refused_one_stops_no_other(self, people: People) -> None:
        taken = people.report()
        first = self.one()
        told = self.post(
            people, "dora", first, self.one(place={"lon": 0, "lat": 0}),
            self.one(category_id=99_999), self.one(words=" \n"), self.one(place={}),
            self.one(report_id=taken, words="别的"), first, first | {"words": "又一个"},
            self.one(seen_at="2126-01-01T00:00:00Z"), self.one(contact={"phone": "1"}),
            self.one(place={"area_id": people.service.areas["e1"]}),
        )  # fmt: skip
        assert [one["outcome"] for one in told] == [
            "taken", "refused", "refused", "refused", "refused", "refused", "already_taken",
            "refused", "refused", "refused", "taken",
        ]  # fmt: skip
        assert [one.get("code") for one in told[1:6]] == [
            "outside", "no-class", "no-words", "no-place", "number-used",
        ]  # fmt: skip
        assert told[7]["code"] == "number-used"
        assert told[1]["zh"] == "位置不在您的辖区内"
        assert told[0]["area"] == "w1"
        waiting = people.as_("dora").get("/api/v1/reports").json()["reports"]
        assert {told[0]["report_id"], told[10]["report_id"]} <= {
            row["report_id"] for row in waiting
        }
        assert not {told[n]["report_id"] for n in (1, 2, 3, 4, 8, 9)} & {
            row["report_id"] for row in waiting
        }

    def test_an_address_alone_is_answered_with_the_places_that_it_may_be(
        self, people: People
    ) -> None:
        unsure = self.one(address="向阳路")
        del unsure["place"]
        told = self.post(people, "dora", unsure, self.one())
        assert [one["outcome"] for one in told] == ["refused", "taken"]
        assert told[0]["code"] == "place-unsure"
        assert told[0]["candidates"][0]["name"] == "向阳路"

    def test_sent_again_it_is_the_same_and_another_persons_is_not_theirs(
        self, people: People
    ) -> None:
        batch = [self.one(), self.one(words="路灯不亮")]
        for outcome in ("taken", "already_taken"):
            assert [one["outcome"] for one in self.post(people, "dora", *batch)] == [outcome] * 2
        assert {one["code"] for one in self.post(people, "dan", *batch)} == {"number-used"}

    def test_one_outside_the_accounts_areas_stops_none_of_the_others(self, people: People) -> None:
        there = {"lon": 121.033, "lat": 35.611}
        told = self.post(people, "eve", self.one(place=there), self.one(), self.one(place=there))
        assert [one["outcome"] for one in told] == ["taken", "refused", "taken"]
        assert told[1]["code"] == "refused-by-database"
        call = self.post(people, "eve", self.one(place=there, channel="hotline"))
        assert call[0]["outcome"] == "refused"

    def test_same_batch_at_the_same_moment_is_taken_once(self, people: People) -> None:
        batch = [self.one() for _ in range(20)]
        people.as_("dora")
        with ThreadPoolExecutor(4) as desks:
            told = list(desks.map(lambda _: self.post(people, "dora", *batch), range(4)))
        outcomes = Counter(one["outcome"] for answers in told for one in answers)
        assert outcomes == {"taken": 20, "already_taken": 60}

    def test_log_names_every_report_that_was_taken(self, people: People) -> None:
        batch = [self.one(), self.one(place={"lon": 0, "lat": 0}), self.one()]
        self.post(people, "dora", *batch)
        engine = make_engine(people.service.database, role="app", pool=NullPool)
        with engine.connect() as connection:
            details = connection.execute(text(
                "SELECT details FROM audit_entry WHERE action = 'reports taken in' "
                "ORDER BY seq DESC LIMIT 1"
            )).scalar_one()  # fmt: skip
        assert details == {"reports": [batch[0]["report_id"], batch[2]["report_id"]]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"place": {"lon": 35.6, "lat": 121.0}}, "lat"),
        ({"place": {"lon": 35.6, "lat": 12.0}}, "swapped"),
        ({"place": {}}, "say where it is"),
        ({"place": {"area_id": 999_999}}, "there is no area 999999"),
        ({"words": " \n "}, "needs words"),
        ({"category_id": 99_999}, "there is no class 99999"),
        ({"seen_at": "2126-01-01T00:00:00Z"}, "future"),
        ({"seen_at": "2026-01-01T00:00:00"}, "timezone"),
    ],
)
def test_bad_reports_are_refused_with_what_to_mend(people: People, change, says: str) -> None:
    body = {"words": "井盖松动", "place": {"lon": LON, "lat": LAT}} | change
    answer = people.as_("dora").put(f"/api/v1/reports/{uuid4()}", params={"lang": "en"}, json=body)
    assert answer.status_code in {400, 404}
    assert says in answer.json()["detail"]


def test_a_report_of_a_whole_grid_says_how_far_off_it_may_be(people: People) -> None:
    area = people.service.areas["e1"]
    number = people.report(place={"area_id": area})
    found = [
        row
        for row in people.as_("dora").get("/api/v1/reports").json()["reports"]
        if row["report_id"] == number
    ]
    assert found[0]["area_id"] == area
    assert 500 < found[0]["accuracy_m"] < 1500  # a grid of about 0.9 x 2.2 km


def test_officers_report_finds_but_take_no_calls(people: People) -> None:
    body = {"words": "小广告", "place": {"lon": LON, "lat": LAT}, "channel": "hotline"}
    assert people.as_("wei").put(f"/api/v1/reports/{uuid4()}", json=body).status_code == 403
    body["channel"] = "tablet"
    assert people.as_("wei").put(f"/api/v1/reports/{uuid4()}", json=body).status_code == 201
    assert people.as_("wei").get("/api/v1/reports").status_code == 403


def test_an_officer_cannot_report_outside_their_areas(people: People) -> None:
    body = {"words": "小广告", "place": {"lon": LON, "lat": LAT}, "channel": "tablet"}
    answer = people.as_("eve").put(f"/api/v1/reports/{uuid4()}", json=body)
    assert answer.status_code == 403


def test_suggestions_name_repeats_route_and_deadline_and_store_nothing(people: People) -> None:
    case = people.file(words="小区门口暴露垃圾一大堆", place={"lon": 121.0151, "lat": 35.6051})
    before = len(people.as_("dora").get("/api/v1/reports").json()["reports"])
    asked = {
        "words": "小区门口有一堆垃圾", "category_id": 3,
        "place": {"lon": 121.0151 + 20 * METRE, "lat": 35.6051},
    }  # fmt: skip
    told = people.as_("dora").post("/api/v1/reports/suggest", json=asked).json()
    assert [near["number"] for near in told["similar"]] == [case["number"]]
    assert 0.3 < told["similar"][0]["alike"] < 1
    assert told["route"]["name"] == "环卫所"
    assert "清单第2条" in told["route"]["reason_zh"]
    assert told["due"]["unit"] == "work_day"
    assert told["classes"][0]["code"] == "0102"
    chances = [one["confidence"] for one in told["classes"]]
    assert len(chances) == 3
    assert chances == sorted(chances, reverse=True)
    assert told["classifier"]["version"] == 1
    asked["place"]["lon"] = 121.0151 + 90 * METRE
    assert people.as_("dora").post("/api/v1/reports/suggest", json=asked).json()["similar"] == []
    assert len(people.as_("dora").get("/api/v1/reports").json()["reports"]) == before
    nothing = people.as_("dora").post("/api/v1/reports/suggest", json={"words": ""}).json()
    assert (nothing["similar"], nothing["classes"]) == ([], [])


def test_filing_joining_and_ending_are_each_done_once(people: People) -> None:
    case = people.file(place={"lon": 121.033, "lat": 35.611})
    twin = people.report(place={"lon": 121.033, "lat": 35.611})
    for _ in range(2):
        answer = people.as_("dan").post(
            f"/api/v1/reports/{twin}/join", json={"case_id": case["case_id"]}
        )
        assert answer.json()["reports"] == 2
    number = people.report()
    again = [
        people.as_("dora").post(f"/api/v1/reports/{number}/file", json={"category_id": 1}).json()
        for _ in range(2)
    ]
    assert again[0]["number"] == again[1]["number"]
    assert again[0]["state"] == "accepted"
    ended = people.report(words="要求公开他人信息")
    for _ in range(2):
        answer = people.as_("dora").post(
            f"/api/v1/reports/{ended}/refuse",
            json={"outcome": "private", "reason": "涉他人隐私，已解释"},
        )
        assert answer.json()["state"] == "rejected"
    late = people.as_("dora").post(
        f"/api/v1/reports/{ended}/refuse", json={"outcome": "illegal", "reason": "x"}
    )
    assert late.status_code == 409
    void = people.as_("dora").post(
        f"/api/v1/reports/{people.report()}/join", json={"case_id": answer.json()["case_id"]}
    )
    assert void.status_code == 409


def test_places_are_found_by_name_without_wildcards(people: People) -> None:
    found = people.as_("dora").get("/api/v1/places", params={"q": "w1"}).json()["places"]
    assert found[0]["name"] == "w1"
    assert found[0]["area_id"] == people.service.areas["w1"]

    def look(who: str, said: str) -> list[dict]:
        return people.as_(who).get("/api/v1/places", params={"q": said}).json()["places"]

    number = people.report(address="向阳路12号", place={"lon": LON, "lat": LAT})
    assert {place["kind"] for place in look("dora", "向阳路12号")} == {"road"}  # not confirmed
    people.as_("dora").post(f"/api/v1/reports/{number}/file", json={"category_id": 3})
    found = look("dora", "向阳路12号")
    assert (found[0]["kind"], round(found[0]["lon"], 3)) == ("address", LON)
    assert found[0]["confidence"] > found[1]["confidence"]
    assert {place["kind"] for place in look("dora", "向阳路")} == {"road", "address"}
    assert look("dora", "%") == []
    assert "address" not in {place["kind"] for place in look("eve", "向阳路12号")}


def test_an_address_alone_is_told_its_candidates_and_placed_by_nobody(people: People) -> None:
    number = "0d3b2e9e-0000-4000-8000-00000000a001"
    report = {"words": "路口有垃圾", "channel": "hotline", "address": "长江路与新华街南段路口"}
    answer = people.as_("dora").put(f"/api/v1/reports/{number}", json=report)
    assert (answer.status_code, answer.json()["code"]) == (400, "place-unsure")
    best = answer.json()["candidates"][0]
    assert best["kind"] == "crossing"
    waiting = people.as_("dora").get("/api/v1/reports").json()["reports"]
    assert number not in {one["report_id"] for one in waiting}
    placed = report | {"place": {"lon": best["lon"], "lat": best["lat"]}}
    assert people.as_("dora").put(f"/api/v1/reports/{number}", json=placed).status_code == 201
    bare = {name: value for name, value in report.items() if name != "address"}
    answer = people.as_("dora").put(f"/api/v1/reports/{number}", json=bare)
    assert answer.json()["code"] == "no-place"


def test_a_contact_is_sealed_shown_to_nobody_unasked_and_opened_with_a_reason(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = {"name": "李女士", "phone": "13800000000", "wish": "晚上"}
    body = {"words": "路灯不亮", "place": {"lon": LON, "lat": LAT}, "contact": contact}
    number = str(uuid4())
    client = people.as_("dora")
    without_key = client.put(f"/api/v1/reports/{number}", json=body)
    assert without_key.status_code == 400
    assert "GRIDBEAT_CONTACT_KEY" in without_key.json()["detail"]
    assert client.get("/api/v1/case-words").json()["contacts"]["kept"] is False
    settings = ContactSettings(key=SecretStr(make_key()))
    monkeypatch.setattr(people.service.app.state, "contacts", settings)
    assert client.put(f"/api/v1/reports/{number}", json=body).status_code == 201
    case = client.post(f"/api/v1/reports/{number}/file", json={"category_id": 1}).json()
    assert "13800000000" not in str(case)
    assert case["reports_in"][0]["has_contact"] is True
    path = f"/api/v1/reports/{number}/contact"
    assert client.post(path, json={"reason": " "}).status_code == 400
    assert people.as_("wei").post(path, json={"reason": "回访"}).status_code == 403
    assert client.post(path, json={"reason": "回访"}).json() == contact
