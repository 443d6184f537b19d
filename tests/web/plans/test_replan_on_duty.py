"""From a published plan to an incident in the middle of its shift to the rounds on a tablet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import web.routes.field
from geo.database.connect import Database, connect
from tests.web.conftest import Service, serving
from tests.web.district import PASSWORD
from tests.web.plans.ground import add_ground, do_work

pytestmark = pytest.mark.db
DAY = "2026-02-10"
NOON = datetime(2026, 2, 10, 4, tzinfo=UTC)  # 12:00 where the district is
BY = ("--by", "王敏", "--reason", "tonight")


class Noon(datetime):
    """A clock that stands at noon of the plan's day."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return NOON.astimezone(tz)


@pytest.fixture
def town(server: Database, template: Database, monkeypatch: Any) -> Iterator[Service]:
    """Give a service whose tablets have the plan's day, with the command line on its database."""
    monkeypatch.setattr(web.routes.field, "datetime", Noon)
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
        url = running.database.app_url.render_as_string(hide_password=False)
        monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
        yield running


def night(gridbeat: Callable[..., Any], *more: object, day: str = DAY) -> None:
    made = gridbeat("plan", "--date", day, "--weeks", 13, "--leave-out", "rounds",
                    "--leave-out", "flights", *more)  # fmt: skip
    assert made.code == 0, made.out + made.err


def publish(gridbeat: Callable[..., Any], number: int) -> None:
    for step in ("approve", "publish"):
        done = gridbeat("plan", step, number, *BY)
        assert done.code == 0, done.err


def newest(town: Service) -> int:
    with connect(town.database) as connection:
        row = connection.execute("SELECT max(route_run_id) FROM route_run").fetchone()
    assert row is not None
    return int(row[0])


def on_tablet(town: Service) -> list[dict[str, Any]]:
    """Return the routes that a tablet shows."""
    client = town.client(headers=town.bearer("officer"))
    answer = client.get("/api/v1/field/today")
    assert answer.status_code == 200, answer.text
    routes: list[dict[str, Any]] = answer.json()["routes"]
    return routes


def runs_of(town: Service, routes: list[dict[str, Any]]) -> set[int]:
    """Return the searches that routes on a tablet come from."""
    with connect(town.database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT route_run_id FROM route WHERE route_id = ANY (%s)",
            [[route["route_id"] for route in routes]],
        ).fetchall()
    return {int(row[0]) for row in rows}


def stops_of(routes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {stop["stop_ref"]: stop for route in routes for stop in route["stops"]}


def test_an_incident_in_the_middle_of_a_shift_gives_tablets_new_rounds(
    town: Service, gridbeat: Callable[..., Any]
) -> None:
    night(gridbeat, "--hours", 12)
    assert on_tablet(town) == []  # a draft is nobody's work
    publish(gridbeat, 1)
    before = on_tablet(town)
    assert runs_of(town, before) == {1}

    # Meanwhile somebody drafts another day: what is walked now is what is planned anew.
    night(gridbeat, "--hours", 8, day="2026-02-11")
    asked = ("routes", "replan", "--at", f"{DAY}T08:30", "--incident", "121.012,35.61",
             "--within", 60)  # fmt: skip
    half = gridbeat(*asked, "--by", "王敏")
    assert half.code == 2
    assert "--by and --reason go together" in half.err
    again = gridbeat(*asked)
    assert again.code == 0, again.err
    assert "re-planned 重新规划 routes 1 at 08:30" in again.out
    assert "gets 新增 incident 1" in again.out
    assert runs_of(town, on_tablet(town)) == {1}  # a proposal is nobody's work either
    confirmed = gridbeat("routes", "confirm", newest(town), *BY)
    assert confirmed.code == 0, confirmed.err
    after = on_tablet(town)
    assert runs_of(town, after) == {newest(town)}
    incident = stops_of(after)["incident 1"]
    assert incident["must"]
    assert datetime(2026, 2, 10, 0, 30, tzinfo=UTC) <= datetime.fromisoformat(
        incident["start_at"]
    ) <= datetime(2026, 2, 10, 1, 30, tzinfo=UTC)  # fmt: skip
    begun = {ref for ref, stop in stops_of(before).items()
             if datetime.fromisoformat(stop["start_at"]) <= datetime(2026, 2, 10, 0, 30, tzinfo=UTC)}  # fmt: skip
    assert begun
    assert not begun & set(stops_of(after))
    assert set(stops_of(after)) - {"incident 1"} <= set(stops_of(before))

    # Then a planner asks over HTTP: who approves plans puts it into force, and nobody else does.
    client = town.client(headers=town.bearer("planner"))
    asked_for = {"at": f"{DAY}T08:40:00", "incidents": [{"lon": 121.03, "lat": 35.61,
                                                         "within_min": 90}]}  # fmt: skip
    job = client.post("/ogc/processes/replan/execution", json={"inputs": asked_for})
    assert job.status_code == 201, job.text
    do_work(town.database)
    result = client.get(f"{job.headers['location']}/results").json()["result"]
    assert result["replaces"] == runs_of(town, after).pop()
    assert result["nobody_reaches"] == []
    assert result["plan"] == 1
    assert runs_of(town, on_tablet(town)) == {result["replaces"]}
    assert client.get("/api/v1/plans/1").json()["proposals"] == [result["routes"]]
    path = f"/api/v1/plans/1/replans/{result['routes']}"
    shown = client.get(path).json()
    (goes,) = shown["goes"]
    assert (goes["ref"], goes["unit"]) == ("incident 2", result["goes"][0]["unit"])
    assert any("incident 2" in one["gets"] for one in shown["units"])
    why = {"reason": "fire at the market"}
    assert client.post(f"{path}/confirm", json=why).status_code == 403
    assert client.get("/api/v1/plans/1/replans/1").status_code == 404  # it re-plans nothing
    boss = staff(town, "supervisor")
    assert boss.post(f"{path}/confirm", json={"reason": " "}).status_code == 400
    done = boss.post(f"{path}/confirm", json=why)
    assert done.status_code == 200, done.text
    assert (done.json()["is_proposal"], done.json()["confirmed_by"]) == (False, "supervisor")
    latest = on_tablet(town)
    assert runs_of(town, latest) == {result["routes"]}
    who = {stop["stop_ref"]: route["unit"] for route in latest for stop in route["stops"]}
    assert who["incident 2"] == goes["unit"]
    assert client.get("/api/v1/plans/1").json()["proposals"] == []
    again_over = boss.post(f"{path}/confirm", json=why)
    assert again_over.status_code == 409
    with connect(town.database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM audit_entry WHERE action = 'routes confirmed'"
        ).fetchone()
        events = connection.execute(
            "SELECT body->'routes', body->'proposed' FROM live_event WHERE kind = 'plan' "
            "AND body ? 'routes' ORDER BY event_id"
        ).fetchall()
    assert row is not None
    assert row[0] == 2  # by command and by page
    assert [proposed for _, proposed in events] == [True, False, True, False]
    told = gridbeat("plan", "show", 1)
    assert "re-planned 重新规划  supervisor: fire at the market" in told.out


def staff(town: Service, who: str) -> httpx.Client:
    """Return the client of somebody who signed in: no token may approve."""
    client = town.client()
    assert client.post("/api/v1/session", json={"login": who, "password": PASSWORD}).is_success
    client.headers["X-CSRF-Token"] = client.get("/api/v1/session").json()["csrf"]
    return client


def test_a_report_is_gone_to_by_its_number_and_named_by_its_class(
    town: Service, gridbeat: Callable[..., Any]
) -> None:
    night(gridbeat, "--hours", 12)
    publish(gridbeat, 1)
    client = town.client(headers=town.bearer("planner"))
    report = client.get("/ogc/collections/incidents/items", params={"limit": 1}).json()
    number = report["features"][0]["id"]
    inputs = {"at": f"{DAY}T08:30:00", "incidents": [{"incident": number, "within_min": 240}]}
    job = client.post("/ogc/processes/replan/execution", json={"inputs": inputs})
    assert job.status_code == 201, job.text
    do_work(town.database)
    result = client.get(f"{job.headers['location']}/results").json()["result"]
    shown = client.get(f"/api/v1/plans/1/replans/{result['routes']}",
                       headers={"Accept-Language": "en"}).json()  # fmt: skip
    name = report["features"][0]["properties"]["category_name_en"]
    assert shown["goes"][0]["words"] == f"incident: {name}"
    for wrong in ({"incident": number, "lon": 121.0, "lat": 35.6}, {"lon": 121.0}, {}):
        refused = client.post("/ogc/processes/replan/execution",
                              json={"inputs": {"incidents": [wrong]}})  # fmt: skip
        assert refused.status_code == 400, refused.text


def test_a_shift_that_has_no_routes_then_is_not_planned_anew(
    town: Service, gridbeat: Callable[..., Any]
) -> None:
    none = gridbeat("routes", "replan", "--at", f"{DAY}T08:30", "--incident", "121.01,35.61")
    assert none.code == 5
    assert "no routes yet" in none.err
    night(gridbeat, "--hours", 12)
    late = gridbeat("routes", "replan", "--at", "2026-02-12T08:30", "--incident", "121.01,35.61")
    assert late.code == 2
    assert "is not within the shift" in late.err
    assert newest(town) == 1
    client = town.client(headers=town.bearer("planner"))
    for wrong in ({}, {"incidents": []}, {"incidents": [{"lon": 200, "lat": 35.6}]}):
        refused = client.post("/ogc/processes/replan/execution", json={"inputs": wrong})
        assert refused.status_code == 400, refused.text


def test_tablets_show_the_newest_routes_of_what_is_published_for_the_day(
    town: Service, gridbeat: Callable[..., Any]
) -> None:
    week = ("--days", 2, "--shift", "08:00-16:00", "--unit", "foot=6")
    night(gridbeat, *week, day="2026-02-09")
    publish(gridbeat, 1)
    of_the_week = runs_of(town, on_tablet(town))
    assert len(of_the_week) == 1  # of its second day, which is today

    night(gridbeat, "--hours", 12)  # a day's own plan: nothing while it is a draft
    assert runs_of(town, on_tablet(town)) == of_the_week
    publish(gridbeat, 2)
    own = runs_of(town, on_tablet(town))
    assert own == {newest(town)}
    assert not own & of_the_week

    night(gridbeat, "--hours", 10)  # a second plan of that day
    assert runs_of(town, on_tablet(town)) == own
    publish(gridbeat, 3)
    second = runs_of(town, on_tablet(town))
    assert second == {newest(town)}
    assert not second & own

    withdrawn = gridbeat("plan", "withdraw", 3, *BY)
    assert withdrawn.code == 0, withdrawn.err
    assert runs_of(town, on_tablet(town)) == of_the_week
