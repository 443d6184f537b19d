"""The tablet in a real browser: conflicts are told and kept, routes are walked, a phone fits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.browsing import check_axe, opened, picture_taker, signed_in, watch
from tests.web.field.conftest import make_route
from tests.web.governed import People

pytestmark = [pytest.mark.db, pytest.mark.browser]
take_picture = picture_taker()
TABLET: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800}, "has_touch": True, "permissions": ["geolocation"],
    "geolocation": {"longitude": 121.0061, "latitude": 35.61, "accuracy": 8},
}  # fmt: skip
PHONE = TABLET | {"viewport": {"width": 390, "height": 844}, "is_mobile": True}


def open_field(context: BrowserContext, *, kept: bool = False) -> Page:
    page = context.new_page()
    opened(page, "/field")
    if kept:
        page.wait_for_selector("body[data-kept]")
    return page


def test_a_conflict_is_told_kept_and_done_again_by_a_person_only(
    browser: Browser, people: People
) -> None:
    mine, theirs = people.dispatched(), people.dispatched(words="施工噪音")
    context = signed_in(browser, people.service, "wei", **TABLET)
    page = open_field(context, kept=True)
    wrong = watch(page, people.service)
    context.set_offline(True)
    for case in (mine, theirs):
        page.click(f"[data-case='{case['case_id']}'] [data-action=receive]")
    expect(page.locator("#chip")).to_have_attribute("data-waiting", "2")
    # Meanwhile one is taken by another, and one comes back from the desk at a newer step.
    people.step("wang", theirs, "receive")
    moved = people.step("wang", mine, "object", reason="不属本网格")
    people.step("dora", moved, "dispatch", department_id=people.departments["grid"])
    context.set_offline(False)
    expect(page.locator(".trouble")).to_contain_text("2 项未办成")
    page.click(".trouble")
    failed = page.locator("[data-trouble=conflict]")
    expect(failed).to_have_count(2)
    expect(failed.filter(has_text="wang签收")).to_have_count(1)
    take_picture(page, "17-conflict")
    assert check_axe(page) == []
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.click(".trouble")  # it is still there
    again = failed.filter(has_text="wang派单异议")
    again.get_by_text("按最新状态重办").click()
    expect(failed).to_have_count(1)
    page.click("[data-tab=tasks]")
    expect(page.locator(f"[data-case='{mine['case_id']}']")).to_contain_text("已签收")
    page.click(".trouble")
    failed.get_by_text("知道了").click()
    page.click("dialog .main")
    expect(page.locator(".trouble")).to_be_hidden()
    history = people.as_("dora").get(f"/api/v1/cases/{mine['case_id']}").json()["history"]
    assert [one["action"] for one in history].count("receive") == 1
    assert [one for one in wrong if "ERR_INTERNET" not in one] == []
    context.close()


def test_a_route_is_walked_with_arrivals_and_departures_and_duty_is_switched(
    browser: Browser, people: People
) -> None:
    make_route(people)
    context = signed_in(browser, people.service, "wang", lang="en", **TABLET)
    page = open_field(context)
    with page.expect_response("**/api/v1/tracks") as sent:
        page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    assert sent.value.status == 200, sent.value.text()
    batch = sent.value.request.post_data_json
    assert sent.value.json()["next_seq"] == batch["first_seq"] + len(batch["fixes"])
    page.click("[data-tab=route]")
    stop = page.locator("[data-stop='1']")
    stop.locator("[data-do=arrive]").click()
    expect(stop).to_contain_text("9 m from the stop")
    stop.locator("[data-do=leave]").click()
    expect(stop).to_contain_text("left")
    expect(stop.locator("[data-do]")).to_have_count(0)
    take_picture(page, "18-route")
    assert check_axe(page) == []
    expect(page.locator("#chip")).to_have_attribute("data-waiting", "0")
    today = people.as_("wang").get("/api/v1/field/today").json()
    assert today["duty"]["on"] is True
    context.close()


def test_a_phone_reports_a_find_in_three_taps_and_installs(
    browser: Browser, people: People
) -> None:
    context = signed_in(browser, people.service, "wei", **PHONE)
    page = open_field(context, kept=True)
    manifest = context.request.get("/field.webmanifest").json()
    assert manifest["display"] == "standalone"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        assert context.request.get(icon["src"]).headers["content-type"] == "image/png"
    page.evaluate(  # a function to wait for would be evaluated, which the policy forbids
        "new Promise((done) => navigator.serviceWorker.controller ? done() : navigator"
        ".serviceWorker.addEventListener('controllerchange', () => done(), { once: true }))"
    )
    before = len(people.as_("dora").get("/api/v1/reports").json()["reports"])
    page.evaluate("window.taps = 0; addEventListener('click', e => { taps += e.isTrusted }, true)")
    page.tap("#report")
    take_picture(page, "19-phone-report")
    page.tap(".chips button >> nth=0")
    page.tap("#find-send")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#chip")).to_have_attribute("data-waiting", "0")
    assert len(people.as_("dora").get("/api/v1/reports").json()["reports"]) == before + 1
    assert page.evaluate("taps") == 3  # nothing is typed: the place is the device's
    sizes = page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent)"
        ".map(b => [b.textContent, b.offsetWidth, b.offsetHeight])"
    )
    assert [small for small in sizes if min(small[1], small[2]) < 44] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.tap("[data-tab=map]")
    expect(page.locator("#map")).to_have_attribute("data-roads", re.compile("[1-9]"))
    take_picture(page, "20-phone-map")
    assert check_axe(page) == []
    context.close()
