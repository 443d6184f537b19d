"""At the desk an address is looked up and left to a person, and times are the district's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import check_axe, chromium, signed_in, watch
from tests.web.governed import People

pytestmark = [pytest.mark.db, pytest.mark.browser]
DESK = {"viewport": {"width": 1600, "height": 960}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_a_desk_far_away_shows_the_districts_times_and_places_nothing_by_itself(
    browser: Browser, people: People
) -> None:
    people.dispatched()
    number = people.report(words="路灯不亮")
    page = signed_in(browser, people.service, "dora", zone="America/New_York", **DESK).new_page()
    wrong = watch(page, people.service)
    page.goto("/desk")
    page.wait_for_selector("html[data-ready=yes]")
    zone = ZoneInfo("Asia/Shanghai")
    reports = people.as_("dora").get("/api/v1/reports").json()["reports"]
    (received,) = [one["received_at"] for one in reports if one["report_id"] == number]
    page.locator("button:has([data-count=unfiled])").click()
    row = page.locator(f"[data-report='{number}']")
    expect(row).to_contain_text(f"{datetime.fromisoformat(received).astimezone(zone):%m-%d %H:%M}")
    told = people.as_("dora").get("/api/v1/cases").json()["clock"]
    assert told["zone"] == zone.key
    if not told["open"]:
        at = datetime.fromisoformat(told["changes_at"]).astimezone(zone)
        expect(page.locator("#queue")).to_contain_text(f"{at:%m-%d %H:%M}")

    page.fill("#words", "路口有垃圾")
    page.fill("#place", "新华街与长江路南段路口附近")
    best = page.locator("#places li").first
    expect(best).to_contain_text("新华街 × 长江路南段")
    expect(best).to_contain_text("附近")
    expect(best).to_contain_text("% 吻合")
    expect(page.locator(".place .grid")).to_have_text("尚未确定位置")
    assert check_axe(page) == []
    page.locator("#place").press("Enter")
    expect(page.locator(".place .grid")).not_to_have_text("尚未确定位置")
    expect(page.locator("#place")).to_have_value("新华街与长江路南段路口附近")
    page.fill("#place", "长江璐")
    expect(page.locator("#places li").first).to_contain_text("长江路")
    page.locator("#place").press("Enter")
    expect(page.locator(".place .grid")).to_contain_text("请在地图上核对位置")
    assert wrong == []
