"""At the desk an address is looked up and left to a person, and times are the district's."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from geo.database.connect import connect
from tests.web.browsing import check_axe, opened, signed_in, watch
from tests.web.governed import People

pytestmark = [pytest.mark.db, pytest.mark.browser]
DESK = {"viewport": {"width": 1600, "height": 960}}


def test_a_desk_far_away_shows_the_districts_times_and_places_nothing_by_itself(
    browser: Browser, people: People
) -> None:
    people.dispatched()
    number = people.report(words="路灯不亮")
    page = signed_in(browser, people.service, "dora", zone="America/New_York", **DESK).new_page()
    wrong = watch(page, people.service)
    opened(page, "/desk")
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


def test_an_english_page_names_grids_in_english_where_they_have_such_a_name(
    browser: Browser, people: People
) -> None:
    with connect(people.service.database) as connection:
        connection.execute("UPDATE area SET name_en = 'West Grid 1' WHERE code = 'w1'")
    place = {"lon": 121.0061, "lat": 35.6052}
    case = people.dispatched(place=place)
    number = people.report(words="路灯不亮", place=place)
    english = signed_in(browser, people.service, "dora", lang="en", **DESK)
    page = opened(english.new_page(), "/desk?lang=en")
    row = page.locator(f"[data-case='{case['case_id']}'].row")
    expect(row).to_contain_text("West Grid 1")
    row.click()
    expect(page.locator("#case")).to_contain_text("West Grid 1")
    page.locator("button:has([data-count=unfiled])").click()
    expect(page.locator(f"[data-report='{number}']")).to_contain_text("West Grid 1")
    expect(page.locator("#queue select").first).to_contain_text("Level: any")
    chinese = opened(signed_in(browser, people.service, "dora", **DESK).new_page(), "/desk?lang=zh")
    expect(chinese.locator(f"[data-case='{case['case_id']}'].row")).to_contain_text("w1")
    told = people.as_("dora").post(
        "/api/v1/reports/suggest", json={"words": "路灯不亮", "place": place}
    )
    assert told.json()["area"]["name_en"] == "West Grid 1", told.text
    tablet = signed_in(browser, people.service, "wei", lang="en", **DESK)
    field = opened(tablet.new_page(), "/field?lang=en")
    expect(field.locator(f"[data-case='{case['case_id']}']").first).to_contain_text("West Grid 1")
    expect(field.locator("h1")).to_have_text("Gridbeat")
    for context in (english, chinese.context, tablet):
        context.close()
