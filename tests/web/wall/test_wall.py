"""The wall's server half: unknown stays unknown, scopes hold, screens are steered, sheets are honest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import Image
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from geo.database.connect import connect, make_engine
from tests.web.conftest import Service
from tests.web.district import PASSWORD
from tests.web.live.test_live import screen, wait_for
from web.auth.accounts import find_account, write_token
from web.auth.permissions import WALL_PERMISSIONS
from web.jobs.alerts import watch_all
from web.wall.sheet import Entry, Legend, sheet_html

pytestmark = pytest.mark.db
VIEW = {"center": [121.02, 35.61], "zoom": 14, "layers": ["grids"], "colour": "trend"}


def state(service: Service, who: str) -> dict[str, Any]:
    client = service.client(headers=service.bearer(who))
    answer = client.get("/api/v1/wall/state")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_old_data_are_told_as_of_their_own_time_and_nothing_is_made_up(service: Service) -> None:
    told = state(service, "watch")
    assert told["is_old"] is True
    assert told["as_of"] == told["last_incident_at"] < told["at"]
    assert told["looks"] is None
    assert told["plan"] is None
    assert told["today"]["expected"] is None
    assert told["today"]["why"] == "no_forecast"
    assert {grid["code"] for grid in told["grids"]} == {"w1", "w2", "e1", "e2"}
    assert all(grid["expected"] is None and grid["done_min"] is None for grid in told["grids"])


def test_counts_of_today_are_those_of_the_database(service: Service) -> None:
    told = state(service, "watch")
    with connect(service.database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM incident WHERE (occurred_at AT TIME ZONE 'Asia/Shanghai')::date = %s",
            [told["today"]["day"]],
        ).fetchone()
    assert row is not None
    assert told["today"]["counted"] == row[0] == sum(told["today"]["hours"])


def test_the_document_is_worked_out_once_for_who_sees_the_same(service: Service) -> None:
    first = service.client(headers=service.bearer("watch")).get("/api/v1/wall/state")
    second = service.client(headers=service.bearer("planner")).get("/api/v1/wall/state")
    assert first.headers["etag"] == second.headers["etag"]
    again = service.client(headers=service.bearer("watch")).get(
        "/api/v1/wall/state", headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code in {200, 304}


def test_points_hold_what_the_last_hours_brought(service: Service) -> None:
    client = service.client(headers=service.bearer("watch"))
    found = client.get("/api/v1/wall/points", params={"hours": 24}).json()
    assert found["columns"] == ["id", "lon", "lat", "t", "class", "found_by"]
    assert len(found["rows"]) == 12  # one in two hours
    assert found["left_out"] is False


@pytest.fixture
def wall_token(own_service: Service) -> str:
    client = own_service.client()
    signed = client.post("/api/v1/session", json={"login": "watch", "password": PASSWORD})
    assert signed.status_code == 204
    engine = create_engine(own_service.database.app_url, poolclass=NullPool)
    with engine.begin() as connection:
        return write_token(
            connection, find_account(connection, "watch"), name="w", screen="north-2of6",
            permissions=sorted(WALL_PERMISSIONS), expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip


def wall_screen(service: Service, token: str) -> httpx.Client:
    client = service.client()
    assert client.post("/api/v1/session/wall", json={"token": token}).status_code == 204
    return client


def test_a_bound_screen_looks_at_its_own_wall_and_changes_nothing(
    own_service: Service, wall_token: str
) -> None:
    client = wall_screen(own_service, wall_token)
    session = client.get("/api/v1/session").json()
    assert session["screen"] == "north-2of6"
    assert "desk" not in session["pages"]
    told = client.get("/api/v1/wall/direction", params={"wall": "south"}).json()
    assert told["wall"] == "north"
    csrf = {"X-CSRF-Token": session["csrf"]}
    assert client.post("/api/v1/wall/direction", json=VIEW, headers=csrf).status_code == 403
    refused = client.post("/api/v1/alerts/1/acknowledge", json={"note": ""}, headers=csrf)
    assert refused.status_code == 403


def test_screens_of_a_wall_hear_that_they_are_steered_and_others_do_not(
    own_service: Service,
) -> None:
    desk = own_service.client(headers=own_service.bearer("watch"))
    with screen(own_service, wall="north") as north, screen(own_service, wall="south") as south:
        made = desk.post("/api/v1/wall/direction", params={"wall": "north"}, json=VIEW)
        assert made.status_code == 200, made.text
        wait_for(lambda: any(said.startswith("direct") for said in north.told))
        seen = desk.get("/api/v1/wall/direction", params={"wall": "north"}).json()
        assert seen["view"]["colour"] == "trend"
        assert seen["directed_by"] == "watch"
        assert not any(said.startswith("direct") for said in south.told)
    assert desk.delete("/api/v1/wall/direction", params={"wall": "north"}).status_code == 204
    assert desk.get("/api/v1/wall/direction", params={"wall": "north"}).json()["view"] is None


def test_an_alert_is_acknowledged_once_by_name(own_service: Service) -> None:
    with connect(own_service.database) as connection:
        row = connection.execute(
            "SELECT raise_alert('burst', 1, %s, 'x', 2, '突增', 'burst', '{}')",
            [own_service.areas["w1"]],
        ).fetchone()
        connection.commit()
    assert row is not None
    desk = own_service.client(headers=own_service.bearer("dispatcher"))
    address = f"/api/v1/alerts/{row[0]}/acknowledge"
    assert desk.post(address, json={"note": "on it"}).status_code == 204
    (alert,) = desk.get("/api/v1/alerts").json()["alerts"]
    assert alert["acknowledged_by"] == "dispatcher"
    assert alert["acknowledged_note"] == "on it"
    again = own_service.client(headers=own_service.bearer("watch")).post(address, json={})
    assert again.status_code == 409
    assert "dispatcher" in again.json()["detail"]
    assert desk.post("/api/v1/alerts/999999/acknowledge", json={}).status_code == 404


def test_no_open_alert_is_told_with_when_somebody_looked(own_service: Service) -> None:
    """Nobody watches without a worker, and what nobody watches is unknown, not quiet."""
    desk = own_service.client(headers=own_service.bearer("watch"))
    assert desk.get("/api/v1/wall/state").json()["watched_at"] is None
    now = datetime(2026, 2, 4, 9, tzinfo=UTC)
    engine = make_engine(own_service.database, role="app", pool_size=1)
    watch_all(engine, now=now)
    watch_all(engine, now=now + timedelta(minutes=1))
    engine.dispose()
    # Named by its code, it is another document than the one that is kept for some seconds.
    for path in ("/api/v1/alerts", "/api/v1/wall/state"):
        told = desk.get(path, params={"jurisdiction": "d1"}).json()
        assert told["watched_at"] == now.timestamp() + 60


def test_map_says_of_when_it_is_in_which_coordinates_and_for_whom(own_service: Service) -> None:
    desk = own_service.client(headers=own_service.bearer("officer"))
    stamp = desk.get("/api/v1/map-stamp").json()
    assert stamp["map_approval_no"] is None
    assert stamp["metric_srid"] == 4549
    assert stamp["data_date"] is not None
    with connect(own_service.database, role="owner") as connection:
        connection.execute("UPDATE jurisdiction SET map_approval_no = 'GS(2026)1'")
        connection.commit()
    assert desk.get("/api/v1/map-stamp").json()["map_approval_no"] == "GS(2026)1"
    assert own_service.client().get("/api/v1/map-stamp").status_code == 401


def test_alerts_of_other_areas_are_not_told(own_service: Service) -> None:
    with connect(own_service.database) as connection:
        connection.execute(
            "SELECT raise_alert('burst', 1, %s, 'east', 2, '东', 'east', '{}')",
            [own_service.areas["e1"]],
        )
        connection.commit()
    west = own_service.client(headers=own_service.bearer("west"))
    titles = [alert["title_en"] for alert in west.get("/api/v1/alerts").json()["alerts"]]
    assert "east" not in titles


def picture(size: tuple[int, int] = (800, 450)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "#123456").save(made, "JPEG")
    return made.getvalue()


def make_sheet(
    service: Service, content: bytes, legend: object, lang: str = "en"
) -> httpx.Response:
    client = service.client(headers=service.bearer("watch"))
    return client.post(
        "/api/v1/wall/sheet", params={"lang": lang}, data={"legend": json.dumps(legend)},
        files={"picture": ("map.jpg", content, "image/jpeg")},
    )  # fmt: skip


def test_a_sheet_says_what_has_to_stand_on_every_map() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    place = {"name": "<区>", "name_en": None, "metric_srid": 4549, "map_approval_no": None,
             "simulated": True}  # fmt: skip
    legends = [Legend(title="Grids", entries=[Entry(colour="#ff0000", label="a & b")])]
    said = sheet_html(
        b"jpeg", legends, place, lang="en", by="ann", now=datetime(2026, 2, 4, 9, tzinfo=zone),
        last=datetime(2026, 2, 3, 8, 30, tzinfo=zone),
    )  # fmt: skip
    for part in ("INTERNAL USE", "EPSG:4549", "2026-02-03 08:30", "a &amp; b", "ann", "SIMULATED"):
        assert part in said
    assert "&lt;区&gt;" in said
    approved = place | {"map_approval_no": "GS(2026)1"}
    said = sheet_html(b"", [], approved, lang="zh", by="ann", now=datetime.now(zone), last=None)
    assert "审图号 GS(2026)1" in said
    assert "内部使用" not in said


def test_a_sheet_is_a_pdf_of_the_callers_picture(service: Service) -> None:
    legend = [{"title": "Grids", "entries": [{"colour": "#ff0000", "label": "above"}]}]
    answer = make_sheet(service, picture(), legend)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert b"/DCTDecode" in answer.content


def test_what_is_no_picture_or_legend_is_refused(service: Service) -> None:
    good = [{"title": "", "entries": []}]
    assert make_sheet(service, b"<svg onload=x>", good).status_code == 400
    bad = [{"title": "", "entries": [{"colour": "red;}", "label": ""}]}]
    answer = make_sheet(service, picture(), bad)
    assert answer.status_code == 400
    assert "legend" in answer.json()["detail"]
    assert make_sheet(service, picture((5000, 4000)), good).status_code == 400
