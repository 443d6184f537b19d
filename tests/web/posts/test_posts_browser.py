"""The page for posts in a real browser, by hand and by keyboard, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from geo.database.connect import Database
from tests.web.browsing import check_axe, opened, signed_in, watch
from tests.web.conftest import Service, own_or_new, serving
from tests.web.posts.ground import add_people

pytestmark = [pytest.mark.db, pytest.mark.browser]
SCREEN = {"viewport": {"width": 1500, "height": 950}}


@contextmanager
def staffing(server: Database, template: Database) -> Iterator[Service]:
    """Run a service with people on posts."""
    with serving(server, template) as running:
        add_people(running.database)
        yield running


@pytest.fixture(scope="module")
def module_staffed(server: Database, template: Database) -> Iterator[Service]:
    with staffing(server, template) as running:
        yield running


@pytest.fixture
def staffed(
    request: pytest.FixtureRequest, module_staffed: Service, server: Database, template: Database
) -> Iterator[Service]:
    """Give a service with people on posts to change."""
    with own_or_new(request, module_staffed, lambda: staffing(server, template)) as running:
        yield running


def test_a_supervisor_fills_a_gap_ends_a_post_and_puts_a_unit_on_duty_by_keyboard(
    browser: Browser, staffed: Service
) -> None:
    page = signed_in(browser, staffed, "supervisor", **SCREEN).new_page()
    wrong = watch(page, staffed)
    opened(page, "/posts")
    expect(page.locator("[role=status]").first).to_contain_text("4 个网格")
    expect(page.locator("#panel")).to_contain_text("缺 1")
    assert check_axe(page) == []

    page.locator("[data-grid=w1]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_be_focused()
    expect(page.locator("#panel")).to_contain_text("同时负责：w2")
    page.locator("#staff-no").focus()
    page.keyboard.type("S2")
    page.select_option("#role", "grid_officer")
    page.locator("#reason").focus()
    page.keyboard.type("兼管")
    page.keyboard.press("Enter")
    expect(page.locator("#panel table")).to_contain_text("S2")
    expect(page.locator(".toasts")).to_contain_text("已任命 S2")
    page.locator("#staff-no").fill("nobody")
    page.locator("#reason").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("没有该工号")

    page.get_by_role("button", name="结束任职… S1 网格长").press("Enter")
    page.keyboard.type("退休")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#panel table")).not_to_contain_text("S1")
    assert check_axe(page) == []

    page.locator("#tab-team").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-duty")).to_be_focused()
    page.locator("#shift-start").fill("22:00")
    page.locator("#shift-end").fill("06:00")
    page.locator("#shift-end").press("Enter")
    expect(page.locator("#panel table").last).to_contain_text("22:00")
    expect(page.locator("#panel table").last).to_contain_text("06:00")
    assert check_axe(page) == []
    page.locator("#tab-stations").click()
    expect(page.locator(".figure")).to_contain_text("75.0 % 的住户（30/40 户）")
    assert check_axe(page) == []
    page.locator("#tab-partners").click()
    page.locator("#partner-code").fill("kind")
    page.locator("#partner-name").fill("爱心社")
    page.locator("#partner-name-en").fill("Kind society")
    page.locator("#partner-services").fill("陪护，送餐")
    page.locator("#partner-services").press("Enter")
    expect(page.locator("#panel table")).to_contain_text("陪护、送餐")
    assert check_axe(page) == []
    assert wrong == []


def test_a_planner_reads_the_page_in_english_and_changes_nothing(
    browser: Browser, staffed: Service
) -> None:
    page = signed_in(browser, staffed, "planner", lang="en", **SCREEN).new_page()
    wrong = watch(page, staffed)
    opened(page, "/posts?lang=en")
    expect(page.locator("#panel")).to_contain_text("Mediator")
    expect(page.locator("#panel .least")).to_have_count(0)
    page.locator("[data-grid=e1]").click()
    expect(page.locator("#panel")).to_contain_text("Grid officer")
    expect(page.locator("#panel form")).to_have_count(0)
    page.locator("#tab-duty").click()
    expect(page.locator("#panel")).to_contain_text("On duty now")
    assert check_axe(page) == []
    assert wrong == []


def test_indicators_are_shown_by_each_of_five_things_with_their_definitions(
    browser: Browser, staffed: Service
) -> None:
    page = signed_in(browser, staffed, "supervisor", **SCREEN).new_page()
    wrong = watch(page, staffed)
    opened(page, "/posts")
    page.locator("#tab-indicators").click()
    expect(page.locator("#panel dl")).to_contain_text("处置期限落在本期的案件")
    expect(page.locator("#panel tbody tr")).to_have_count(1)
    expect(page.locator("#panel tbody td").first).to_have_text("—")
    rows = {"area": 4, "department": 0, "post": 0, "class": 0, "month": 0}
    for by, count in rows.items():
        with page.expect_response(lambda answer, by=by: f"by={by}" in answer.url):
            page.select_option("#ind-by", by)
        expect(page.locator("#panel tbody tr")).to_have_count(count)
    assert check_axe(page) == []
    assert wrong == []


def test_a_supervisor_exports_a_persons_record_by_keyboard_and_others_are_not_offered_it(
    browser: Browser, staffed: Service
) -> None:
    page = signed_in(browser, staffed, "supervisor", lang="en", **SCREEN).new_page()
    wrong = watch(page, staffed)
    opened(page, "/posts?lang=en")
    page.locator("#tab-indicators").click()
    page.locator("#record-staff").fill("S1")
    page.locator("#record-reason").fill("appeal of 3 March")
    assert check_axe(page) == []
    with page.expect_download() as found:
        page.keyboard.press("Enter")
    assert found.value.suggested_filename.startswith("record-S1-")
    assert found.value.path().read_text("utf-8-sig").startswith("number,action,at,")
    page.locator("#record-staff").fill("S9")
    page.locator("#record-reason").fill("appeal")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("S9")
    assert wrong == []
    planner = signed_in(browser, staffed, "planner", **SCREEN).new_page()
    opened(planner, "/posts")
    planner.locator("#tab-indicators").click()
    expect(planner.locator("#panel dl")).to_contain_text("处置期限")
    expect(planner.locator("#record-staff")).to_have_count(0)
