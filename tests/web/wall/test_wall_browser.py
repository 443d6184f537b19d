"""The wall in a real Chromium on the real service: offline, in both languages, live, and steered."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from tests.web.live.test_live import report
from tests.web.wall.relay import Relay
from tests.web.wall.windows import ready, serious, sign_in, window
from web.auth.accounts import find_account, write_token
from web.auth.permissions import WALL_PERMISSIONS

pytestmark = [pytest.mark.browser, pytest.mark.db]
VIEW = {"center": [121.03, 35.61], "zoom": 15, "layers": ["grids", "live"], "colour": "trend"}


def test_the_wall_asks_nobody_else_in_both_languages_and_themes_and_is_accessible(
    chromium: Browser, service: Service
) -> None:
    with window(chromium, service) as watched:
        page = watched.page
        sign_in(watched, service, "watch", "?layers=grids,live,cameras,stations")
        expect(page.locator("h1")).to_have_text("指挥大屏")
        expect(page.locator("#old")).to_contain_text("不代表现在")
        expect(page.locator("#stamp")).to_contain_text("内部使用")
        expect(page.locator("#connection")).to_have_text("实时")
        expect(page.locator("#panel-looks")).to_have_text("巡视覆盖")
        page.click("#menu-name")
        assert serious(page) == []
        page.get_by_role("button", name="English").click()
        ready(page)
        expect(page.locator("h1")).to_have_text("Map wall")
        expect(page.locator(".looks")).to_contain_text("unknown, which is not safe")
        page.get_by_role("button", name="Day", exact=True).click()
        expect(page.locator("html")).to_have_attribute("data-theme", "day")
        page.click("#menu-name")
        assert serious(page) == []
        assert page.locator("canvas.maplibregl-canvas").count() == 1
        assert watched.outside == []
        assert watched.complaints == []


def test_what_happens_is_on_the_screen_at_once_and_an_alert_is_acknowledged_by_name(
    chromium: Browser, page_service: Service
) -> None:
    with window(chromium, page_service, locale="en-GB") as watched:
        page = watched.page
        sign_in(watched, page_service, "dispatcher")
        expect(page.locator("#connection")).to_have_text("Live")
        expect(page.locator("#old")).to_be_visible()
        before = int(page.locator("#heard").inner_text())
        report(page_service.database)
        expect(page.locator("#heard")).to_have_text(str(before + 1))
        expect(page.locator("#old")).to_be_hidden(timeout=40_000)  # what was old is of now
        expect(page.locator(".today .big")).to_have_text("1")
        raise_alert(page_service, "w1", "Burst in w1")
        row = page.locator(".alert", has_text="Burst in w1")
        row.get_by_role("button", name="Acknowledge Burst in w1").click()
        page.locator("#ask-field").fill("patrol sent")
        page.locator("dialog").get_by_role("button", name="Acknowledge").click()
        expect(row).to_contain_text("acknowledged by dispatcher")
        expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)
        assert watched.complaints == []
    with window(chromium, page_service, locale="en-GB") as other:
        raise_alert(page_service, "w2", "Burst in w2")
        sign_in(other, page_service, "planner")  # may look at alerts, not take them
        expect(other.page.locator(".alert", has_text="Burst in w2")).to_be_visible()
        expect(other.page.get_by_role("button", name="Acknowledge")).to_have_count(0)


def send_out(service: Service) -> None:
    """Put a unit on duty that walked until a minute ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    with connect(service.database, role="app") as connection:
        connection.execute(
            "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name) "
            "VALUES (1, 'seen', 0, 'foot', 'Team 7')"
        )
        connection.execute(
            "INSERT INTO shift (unit_id, starts_at, ends_at) SELECT unit_id, %s, %s FROM unit "
            "WHERE source_ref = 'seen'", [now - timedelta(hours=1), now + timedelta(hours=1)],
        )  # fmt: skip
        connection.execute(
            "INSERT INTO track_device (jurisdiction_id, device_ref, source, unit_id, sight_m) "
            "SELECT 1, 'seen', 'foot', unit_id, 25 FROM unit WHERE source_ref = 'seen'"
        )
        begins, ends = now - timedelta(minutes=20), now - timedelta(minutes=1)
        connection.execute(
            "INSERT INTO track_segment (track_device_id, jurisdiction_id, source, starts_at, "
            "ends_at, n_points, length_m, geom) SELECT track_device_id, 1, 'foot', %s, %s, 2, 900, "
            "ST_SetSRID(ST_MakeLine(ST_MakePointM(%s, %s, %s), ST_MakePointM(%s, %s, %s)), 4326) "
            "FROM track_device WHERE device_ref = 'seen'",
            [begins, ends, WEST + STEP / 4, SOUTH + STEP / 2, begins.timestamp(),
             WEST + STEP * 2, SOUTH + STEP / 2, ends.timestamp()],
        )  # fmt: skip
        connection.commit()


def test_tracks_are_a_layer_for_those_who_may_read_them_alone(
    chromium: Browser, page_service: Service
) -> None:
    send_out(page_service)
    with window(chromium, page_service, locale="en-GB") as watched:
        page = watched.page
        sign_in(watched, page_service, "supervisor")
        page.click("#menu-name")
        with page.expect_response("**/api/v1/tracks/units*") as asked:
            page.get_by_label("Patrol tracks").check()
        (unit,) = asked.value.json()["units"]
        assert unit["name"] == "Team 7"
        expect(page.locator("#legend")).to_contain_text("Unit, last 15 minutes")
        assert watched.complaints == []
    with window(chromium, page_service, locale="en-GB") as other:
        asked_for: list[str] = []
        other.page.on("request", lambda request: asked_for.append(request.url))
        sign_in(other, page_service, "watch", "?layers=grids,tracks")
        other.page.click("#menu-name")
        expect(other.page.get_by_label("Patrol routes")).to_have_count(1)
        expect(other.page.get_by_label("Patrol tracks")).to_have_count(0)
        assert not [url for url in asked_for if "/tracks" in url]


def test_a_bound_screen_signs_in_by_its_token_follows_its_desk_and_cannot_steer(
    chromium: Browser, page_service: Service
) -> None:
    token = wall_token(page_service, "north-2of2")
    desk = page_service.client(headers=page_service.bearer("watch"))
    with window(chromium, page_service, locale="en-GB") as watched:
        page = watched.page
        page.goto(f"{page_service.origin}/screen#{token}")
        ready(page)
        assert token not in page.url
        expect(page.locator("#screen")).to_have_text("Screen 2 of 2")
        expect(page.locator("#left")).to_be_hidden()
        expect(page.locator("#right")).to_be_visible()
        page.click("#menu-name")
        expect(page.get_by_role("button", name="Steer the wall here")).to_have_count(0)
        made = desk.post("/api/v1/wall/direction", params={"wall": "north"}, json=VIEW)
        assert made.status_code == 200
        expect(page.locator("#directed")).to_contain_text("Directed by watch")
        expect(page.locator("input[value=trend]")).to_be_checked()
        desk.delete("/api/v1/wall/direction", params={"wall": "north"})
        expect(page.locator("#directed")).to_be_hidden()
        assert watched.outside == []


def test_a_pulled_cable_is_said_and_what_happened_meanwhile_is_made_good(
    chromium: Browser, page_service: Service
) -> None:
    cable = Relay(page_service.origin)
    cable.mend()
    behind = replace(page_service, origin=cable.address)
    with window(chromium, behind, locale="en-GB") as watched:
        page = watched.page
        sign_in(watched, behind, "watch")
        expect(page.locator("#connection")).to_have_text("Live")
        cable.cut()
        expect(page.locator("#lost")).to_contain_text("Connection lost", timeout=60_000)
        before = int(page.locator("#heard").inner_text())
        missed = report(page_service.database, 3)
        cable.mend()
        expect(page.locator("#lost")).to_be_hidden(timeout=60_000)
        expect(page.locator("#heard")).to_have_text(str(before + len(missed)), timeout=60_000)
    cable.cut()


def test_the_keyboard_reaches_time_and_map_and_a_picture_is_saved_with_its_stamp(
    chromium: Browser, service: Service
) -> None:
    with window(chromium, service, locale="en-GB") as watched:
        page = watched.page
        sign_in(
            watched, service, "watch", "?layers=hexagons,live&measure=per_km2&at=121.02,35.61,13"
        )
        expect(page.locator("#legend")).to_contain_text("Per km²")
        slider = page.get_by_label("Time", exact=True)
        slider.focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".time-label")).to_contain_text("Looking back")
        page.locator("canvas.maplibregl-canvas").focus()
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile(r"at=121\.02[1-9]"))
        page.click("#menu-name")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Picture PNG").click()
        assert saved.value.suggested_filename.endswith(".png")
        assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
        with page.expect_download() as sheet:
            page.get_by_role("button", name="Sheet PDF").click()
        assert Path(sheet.value.path()).read_bytes().startswith(b"%PDF-")
        assert watched.complaints == []


def raise_alert(service: Service, area: str, title: str) -> None:
    with connect(service.database) as connection:
        connection.execute(
            "SELECT raise_alert('burst', 1, %s, %s, 3, %s, %s, '{}')",
            [service.areas[area], title, title, title],
        )
        connection.commit()


def wall_token(service: Service, screen: str) -> str:
    engine = create_engine(service.database.app_url, poolclass=NullPool)
    with engine.begin() as connection:
        return write_token(
            connection, find_account(connection, "watch"), name="screen", screen=screen,
            permissions=sorted(WALL_PERMISSIONS), expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip
