"""A plan over HTTP: read, edited with its cost, approved by a person, and never overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import gpxpy
import httpx
import pytest
from icalendar import Calendar

from geo.database.connect import Database, connect
from tests.web.conftest import Service, serving
from tests.web.district import PASSWORD, WEST
from tests.web.plans.ground import add_ground, do_work

pytestmark = pytest.mark.db
DAY = "2026-02-10"


@pytest.fixture(scope="module")
def planned(server: Database, template: Database) -> Iterator[tuple[Service, int, dict[str, Any]]]:
    """Give a service whose worker did a night, the number of its plan, and the job's result."""
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
        client = running.client(headers=running.bearer("planner"))
        job = client.post(
            "/ogc/processes/night/execution",
            json={"inputs": {"hours": 12, "plan_date": DAY, "weeks": 13}},
        )
        assert job.status_code == 201, job.text
        do_work(running.database)
        status = client.get(job.headers["location"]).json()
        assert status["status"] == "successful", status
        result = client.get(f"{job.headers['location']}/results").json()["result"]
        yield running, result["plan"], result


def signed_in(service: Service, who: str) -> httpx.Client:
    """Return a browser of somebody who signed in: approving needs a person."""
    client = service.client()
    assert client.post("/api/v1/session", json={"login": who, "password": PASSWORD}).is_success
    client.headers["X-CSRF-Token"] = client.get("/api/v1/session").json()["csrf"]
    return client


def tag(client: httpx.Client, number: int) -> dict[str, str]:
    return {"If-Match": client.get(f"/api/v1/plans/{number}").headers["etag"]}


def test_a_night_does_every_part_and_names_what_failed(planned):
    service, number, result = planned
    parts = {part["name"]: part for part in result["parts"]}
    assert result["outcome"] == "partial"
    assert parts["routes"]["outcome"] == parts["rounds"]["outcome"] == "done"
    assert parts["flights"]["outcome"] == "failed"  # the district has no drone
    client = service.client(headers=service.bearer("watch"))
    desk = client.get("/api/v1/plans/desk?lang=en").json()
    assert desk["night"]["plan_id"] == number
    assert any("drone missions failed" in said for said in desk["night"]["words"])
    chinese = client.get("/api/v1/plans/desk?lang=zh").json()["night"]["words"]
    assert any("无人机任务 失败：" in said for said in chinese)
    assert not any(re.search("[A-Za-z]", said) for said in chinese)
    assert desk["night"]["words"][-1].endswith("no plan is published at present")
    assert {unit["name"] for unit in desk["units"]} == {"一队", "=二队"}
    assert (
        client.get(f"/api/v1/plans/{number}?lang=zh")
        .json()["night"]["words"][-1]
        .startswith("方案不完整")
    )


def test_a_plan_is_read_with_its_life_and_what_it_covers(planned):
    service, number, _ = planned
    client = service.client(headers=service.bearer("watch"))
    answer = client.get(f"/api/v1/plans/{number}")
    found = answer.json()
    assert found["plan"]["status"] == "draft"
    assert [step["action"] for step in found["steps"]] == ["draft"]
    assert found["coverage"]["need"] > found["coverage"]["covered"] > 0
    assert len(found["gathered"]["routes"]) == len(found["gathered"]["rounds"]) == 1
    areas = client.get(f"/api/v1/plans/{number}/areas")
    rows = areas.json()["features"]
    assert sum(feature["properties"]["hours"] for feature in rows) == pytest.approx(12)
    again = client.get(
        f"/api/v1/plans/{number}/areas", headers={"If-None-Match": areas.headers["etag"]}
    )
    assert again.status_code == 304
    west = service.client(headers=service.bearer("west"))
    seen = west.get(f"/api/v1/plans/{number}/areas").json()["features"]
    assert {feature["properties"]["code"] for feature in seen} == {"w1", "w2"}
    nowhere = service.client(headers=service.bearer("nowhere"))
    assert nowhere.get(f"/api/v1/plans/{number}").status_code == 404


def test_an_edit_shows_its_cost_first_and_then_makes_a_version(planned):
    service, number, _ = planned
    client = service.client(headers=service.bearer("planner"))
    area, pin = service.areas["w1"], {"type": "Point", "coordinates": [WEST + 0.005, 35.61]}
    asked = {
        "reason": "temple fair",
        "edits": [
            {"kind": "set_minutes", "area_id": area, "shift_no": 1, "unit_kind": "foot",
             "minutes": 15},
            {"kind": "pin_stop", "geometry": pin, "minutes": 20, "reason": "overdue case"},
        ],
        "balance": True,
    }  # fmt: skip
    cost = client.post(f"/api/v1/plans/{number}/cost", json=asked).json()
    assert cost["minutes_after"] == cost["minutes_before"] == 720
    assert cost["change"] == pytest.approx(cost["after"] - cost["before"])
    assert {row["area_id"] for row in cost["rows"]} > {area}
    assert client.get("/api/v1/plans", params={"day": DAY}).json()["plans"][0]["version"] == 1

    assert client.post(f"/api/v1/plans/{number}/edits", json=asked).status_code == 400
    fresh = tag(client, number)
    made = client.post(f"/api/v1/plans/{number}/edits", json=asked, headers=fresh)
    assert made.status_code == 201, made.text
    second = made.json()["plan_id"]
    shown = client.get(f"/api/v1/plans/{second}").json()
    assert shown["plan"]["parent_id"] == number
    assert [edit["kind"] for edit in shown["edits"]] == ["set_minutes", "pin_stop"]
    assert shown["marks"][0]["geometry"] == pin
    assert shown["marks"][0]["by"] == "planner"
    assert shown["gathered"]["routes"] == []  # those of the parent are not its own

    # The other planner still looks at the first version.
    late = client.post(f"/api/v1/plans/{number}/edits", json=asked, headers=fresh)
    assert late.status_code == 412
    assert late.json()["type"] == "/problems/stale"
    changes = client.get(f"/api/v1/plans/{second}/changes", params={"other": number, "lang": "en"})
    row = next(row for row in changes.json()["rows"] if row["area_id"] == area)
    assert row["after_min"] == 15
    first = client.get(f"/api/v1/plans/{number}/changes", params={"lang": "en"})
    assert first.status_code == 200
    assert (first.json()["before"], first.json()["rows"]) == (None, [])
    assert first.json()["sentences"] == ["There is no earlier plan to compare with."]
    assert client.get(f"/api/v1/plans/{number}/changes?other=999").status_code == 404

    job = client.post(
        "/ogc/processes/plan_ways/execution", json={"inputs": {"plan": second, "flights": False}}
    )
    do_work(service.database)
    assert client.get(job.headers["location"]).json()["status"] == "successful"
    routes = client.get(f"/api/v1/plans/{second}/files/routes.geojson").json()["features"]
    stops = {feature["properties"].get("stop_ref") for feature in routes}
    assert "pin/v2.2" in stops


def test_a_named_person_approves_and_publishes_and_the_log_knows(planned):
    service, _, _ = planned
    boss = signed_in(service, "supervisor")
    number = boss.get("/api/v1/plans", params={"day": DAY}).json()["plans"][0]["plan_id"]
    token = service.client(headers=service.bearer("supervisor"))
    approve = {"reason": "fits the forecast"}
    path = f"/api/v1/plans/{number}"
    assert token.post(f"{path}/approve", json=approve).status_code == 403
    planner = signed_in(service, "planner")
    assert (
        planner.post(f"{path}/approve", json=approve, headers=tag(boss, number)).status_code == 403
    )
    early = boss.post(f"{path}/publish", json=approve, headers=tag(boss, number))
    assert early.status_code == 409
    assert (
        boss.post(f"{path}/approve", json={"reason": " "}, headers=tag(boss, number)).status_code
        == 400
    )
    old = tag(boss, number)
    assert boss.post(f"{path}/approve", json=approve, headers=old).json()["status"] == "approved"
    assert boss.post(f"{path}/publish", json=approve, headers=old).status_code == 412
    done = boss.post(f"{path}/publish", json=approve, headers=tag(boss, number))
    assert done.json()["status"] == "published"
    shown = boss.get(path).json()
    assert (shown["plan"]["approved_by"], shown["plan"]["approval_reason"]) == (
        "supervisor", "fits the forecast",
    )  # fmt: skip
    auditor = signed_in(service, "auditor")
    log = auditor.get("/api/v1/audit").text
    assert "plan approve" in log
    assert "plan publish" in log
    with connect(service.database) as connection:
        events = connection.execute(
            "SELECT body ->> 'status' FROM live_event WHERE kind = 'plan' AND body ->> 'plan_id' "
            "= %s ORDER BY event_id", [str(number)],
        ).fetchall()  # fmt: skip
    assert [row[0] for row in events][-2:] == ["approved", "published"]


def test_done_stays_unknown_where_nobody_recorded(planned):
    service, _, _ = planned
    boss = signed_in(service, "supervisor")
    number = boss.get("/api/v1/plans", params={"status": "published"}).json()["plans"][0]["plan_id"]
    with connect(service.database) as connection:
        connection.execute("SELECT ensure_effort_partitions(ARRAY['2026-02-01']::date[])")
        connection.execute(
            "INSERT INTO effort (jurisdiction_id, hour, source, i, j, area_id, seconds, visits) "
            "VALUES (1, %s, 'foot', 0, 0, %s, 1800, 1)",
            [datetime(2026, 2, 10, 2, tzinfo=UTC), service.areas["w2"]],
        )
        connection.commit()
    path = f"/api/v1/plans/{number}/done"
    answer = boss.put(path, json={"reason": "tracks of the day"})
    assert answer.status_code == 200, answer.text
    rows = {row["area_id"]: row for row in answer.json()["rows"]}
    assert rows[service.areas["w2"]]["done_min"] == 30
    assert rows[service.areas["e1"]]["done_min"] is None
    assert "3 places are unknown" in answer.json()["words"]["en"]
    assert boss.get(f"/api/v1/plans/{number}").json()["plan"]["status"] == "compared"


def test_a_day_that_is_not_over_is_not_compared(planned):
    service = planned[0]
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    client = service.client(headers=service.bearer("planner"))
    job = client.post(
        "/ogc/processes/plan/execution",
        json={"inputs": {"hours": 12, "plan_date": tomorrow, "weeks": 13}},
    )
    do_work(service.database)
    later = client.get(f"{job.headers['location']}/results").json()["result"]["plan"]
    answer = client.put(f"/api/v1/plans/{later}/done", json={"reason": "x"})
    assert answer.status_code == 409
    assert "is not over" in answer.json()["detail"]


def test_what_a_unit_carries_comes_in_every_form(planned):
    service, number, _ = planned
    client = service.client(headers=service.bearer("planner"))
    path = f"/api/v1/plans/{number}/files"
    html = client.get(f"{path}/sheets.html", params={"lang": "en"})
    assert "style" not in html.text.split("</head>")[0].replace('rel="stylesheet"', "")
    assert 'href="/api/v1/plans/sheet.css"' in html.text
    assert "Not approved" in html.text
    assert "<svg" in html.text
    assert client.get("/api/v1/plans/sheet.css").headers["content-type"].startswith("text/css")
    pdf = client.get(f"{path}/sheets.pdf", params={"unit": "一队"}).content
    assert pdf.startswith(b"%PDF-")
    calendar = Calendar.from_ical(client.get(f"{path}/calendar.ics").content)
    events = list(calendar.walk("VEVENT"))
    assert {str(event["SUMMARY"])[:6] for event in events} & {"[未批准 n"}
    assert all(event["DTSTART"].dt < event["DTEND"].dt for event in events)
    tracks = gpxpy.parse(client.get(f"{path}/routes.gpx").text).tracks
    assert {track.name for track in tracks} == {"一队", "=二队"}
    table = client.get(f"{path}/areas.csv").content.decode("utf-8-sig").splitlines()
    assert len(table) == 5
    assert json.loads(client.get(f"{path}/areas.geojson").content)["gridbeat"]["plan_id"] == number
    assert client.get(f"{path}/sheets.pdf", params={"unit": "nobody"}).status_code == 404


def test_a_night_of_shifts_and_means_is_shared_and_costed_by_its_own_assumption(planned):
    service = planned[0]
    client = service.client(headers=service.bearer("planner"))
    inputs = {
        "plan_date": "2026-02-12", "weeks": 13, "flights": False, "rounds": False,
        "shifts": ["08:00-16:00=早班/early", "16:00-24:00=晚班/late"], "units": {"foot": [8]},
    }  # fmt: skip
    job = client.post("/ogc/processes/night/execution", json={"inputs": inputs})
    do_work(service.database)
    result = client.get(f"{job.headers['location']}/results").json()["result"]
    assert result["plan"], [part["message"] for part in result["parts"]]
    found = client.get(f"/api/v1/plans/{result['plan']}").json()
    assert [shift["name_en"] for shift in found["shifts"]] == ["early", "late"]
    assert found["plan"]["hours"] == 16
    assert found["coverage"]["cover_h"] == 1.0
    assert len(found["gathered"]["routes"]) == 2  # one run a shift
    for half in ({"units": {}}, {"units": {}, "hours": 1}, {"hours": 1}):
        refused = client.post("/ogc/processes/night/execution", json={"inputs": inputs | half})
        assert refused.status_code == 400
        assert "say one of hours (without shifts), units, on_duty" in refused.text


def test_bad_edits_say_what_is_wrong(planned):
    service, number, _ = planned
    client = service.client(headers=service.bearer("planner"))
    for edit, said in (
        ({"kind": "forbid_area", "area_id": 10**9}, "is not in this plan"),
        ({"kind": "pin_stop", "minutes": 5, "geometry": {"type": "Point"}}, "no GeoJSON geometry"),
        ({"kind": "set_minutes", "area_id": 1}, "needs shift_no"),
        ({"kind": "allow", "mark": "v9.9"}, "no forbidden ground 'v9.9'"),
    ):
        answer = client.post(f"/api/v1/plans/{number}/cost", json={"reason": "x", "edits": [edit]})
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["detail"]
    watch = service.client(headers=service.bearer("watch"))
    assert watch.post(f"/api/v1/plans/{number}/cost", json={}).status_code == 403
