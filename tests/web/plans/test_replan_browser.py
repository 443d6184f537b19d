"""An incident in the middle of a shift, on the planner's page: by keyboard, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from geo.database.connect import Database, connect
from patrol.planning.states import Act
from patrol.planning.steps import approve_plan, publish_plan
from tests.web.browsing import check_axe, opened, signed_in, watch
from tests.web.conftest import Service, serving
from tests.web.plans.ground import add_ground, do_work
from web.opening import begin

pytestmark = [pytest.mark.db, pytest.mark.browser]
SCREEN = {"viewport": {"width": 1500, "height": 950}}


@pytest.fixture
def walked(server: Database, template: Database) -> Iterator[Service]:
    """Give a service whose published plan has begun a few minutes ago."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = max(now - timedelta(minutes=5), midnight)
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
        client = running.client(headers=running.bearer("planner"))
        inputs = {"hours": 12, "plan_date": begins.date().isoformat(), "weeks": 13,
                  "shift_from": f"{begins:%H:%M}", "rounds": False, "flights": False}  # fmt: skip
        job = client.post("/ogc/processes/night/execution", json={"inputs": inputs})
        do_work(running.database)
        number = client.get(f"{job.headers['location']}/results").json()["result"]["plan"]
        with begin(running.database) as store:
            approve_plan(store, number, person="王敏", reason="ok", now=now)
            publish_plan(store, number, Act("王敏", "ok", now))
        yield running


def begun(browser: Browser, service: Service, who: str, lang: str) -> tuple[Page, list[str]]:
    page = signed_in(browser, service, who, lang=lang, **SCREEN).new_page()
    wrong = watch(page, service)
    opened(page, f"/plan?lang={lang}")
    return page, wrong


def test_a_planner_asks_who_goes_and_who_approves_sends_them(
    browser: Browser, walked: Service
) -> None:
    page, wrong = begun(browser, walked, "planner", "zh")
    page.locator("#replan").press("Enter")
    expect(page.locator("input[name=happened]").first).to_be_focused()
    expect(page.locator("dialog")).to_contain_text("地图上的地点")
    assert page.locator("input[name=happened]").count() > 1  # the newest reports, too
    assert check_axe(page) == []
    page.fill("#within", "180")
    page.keyboard.press("Enter")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_focused()
    page.keyboard.press("Enter")  # the place under the cross
    expect(page.locator(".job")).to_contain_text("排队")
    do_work(walked.database)
    expect(page.locator("#proposal-title")).to_be_focused()
    expect(page.locator(".proposal .verdict.good")).to_contain_text("突发事件")
    expect(page.locator(".proposal")).to_contain_text("由有批准权的人确认")
    expect(page.locator(".proposal details[open] ins")).to_contain_text("突发事件")
    assert page.locator("#confirm-replan").count() == 0  # a planner proposes
    assert check_axe(page) == []

    boss, broken = begun(browser, walked, "supervisor", "en")
    expect(boss.locator(".waiting")).to_contain_text("wait to be confirmed")
    boss.locator("#see-proposal").press("Enter")
    expect(boss.locator("#proposal-title")).to_be_focused()
    expect(boss.locator(".proposal .verdict.good")).to_contain_text("is there at")
    boss.locator("#confirm-replan").press("Enter")
    expect(boss.locator("dialog")).to_contain_text("In the name of supervisor")
    expect(boss.locator("#ask-field")).to_be_focused()
    boss.keyboard.type("fire at the market")
    for _ in range(2):
        boss.keyboard.press("Tab")
    boss.keyboard.press("Enter")
    expect(boss.locator(".toast")).to_contain_text("In force")
    expect(boss.locator(".waiting")).to_have_count(0)
    expect(boss.locator("#panel details").first).to_be_visible()
    boss.click("#tab-life")
    expect(boss.locator("#panel")).to_contain_text("fire at the market")
    assert check_axe(boss) == []

    # The planner's page hears of it, and nothing waits there any more.
    page.locator("#leave-proposal").press("Enter")
    expect(page.locator("#replan")).to_be_focused()
    expect(page.locator(".waiting")).to_have_count(0)
    tablet = walked.client(headers=walked.bearer("officer"))
    shown = tablet.get("/api/v1/field/today").json()["routes"]
    assert "incident 1" in {stop["stop_ref"] for route in shown for stop in route["stops"]}
    assert wrong == broken == []
    page.context.close()
    boss.context.close()


def test_who_only_looks_is_offered_no_way_to_send_anybody(
    browser: Browser, walked: Service
) -> None:
    page, wrong = begun(browser, walked, "watch", "en")
    expect(page.locator(".status")).to_have_text("published")
    assert page.locator("#replan").count() == 0
    assert wrong == []
    page.context.close()
