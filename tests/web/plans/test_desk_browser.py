"""The planner's desk and the page for grids in a real browser, by hand and by keyboard alone.

With GRIDBEAT_WRITE_SCREENSHOTS=1 nothing is written here: docs/images are of the demo district.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from geo.database.connect import Database, connect
from tests.web.browsing import check_axe, opened, signed_in, watch
from tests.web.conftest import Service, own_or_new, serving
from tests.web.district import SOUTH, STEP, WEST
from tests.web.plans.ground import add_ground, do_work

pytestmark = [pytest.mark.db, pytest.mark.browser]
SCREEN = {"viewport": {"width": 1500, "height": 950}}
DAY = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()


@contextmanager
def planning(server: Database, template: Database) -> Iterator[Service]:
    """Run a service with a night's plan."""
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
        client = running.client(headers=running.bearer("planner"))
        inputs = {"hours": 12, "plan_date": DAY, "weeks": 13}
        client.post("/ogc/processes/night/execution", json={"inputs": inputs})
        do_work(running.database)
        yield running


def answer(page: Page, words: str) -> None:
    """Answer the question that is open, by keyboard: type, pass Cancel by, and confirm."""
    expect(page.locator("#ask-field")).to_be_focused()
    page.keyboard.type(words)
    expect(page.locator("#ask-field")).to_have_value(words)
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("dialog button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_have_count(0)


@pytest.fixture(scope="module")
def module_planned(server: Database, template: Database) -> Iterator[Service]:
    with planning(server, template) as running:
        yield running


@pytest.fixture
def planned(
    request: pytest.FixtureRequest, module_planned: Service, server: Database, template: Database
) -> Iterator[Service]:
    """Give a service with a night's plan to change."""
    with own_or_new(request, module_planned, lambda: planning(server, template)) as running:
        yield running


def test_a_planner_edits_by_keyboard_alone_and_sees_the_cost_at_once(
    browser: Browser, planned: Service
) -> None:
    page = signed_in(browser, planned, "planner", **SCREEN).new_page()
    wrong = watch(page, planned)
    opened(page, "/plan")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    expect(page.locator(".status")).to_have_text("草案")
    expect(page.locator(".notices")).to_contain_text("无人机任务 失败")
    expect(page.locator(".grids li")).to_have_count(4)
    assert check_axe(page) == []

    first = page.locator(".grids input[type=range]").first
    key = first.get_attribute("id")
    before = int(first.input_value())
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#cost-words")).to_contain_text("预计覆盖")
    expect(page.locator("#cost-words")).to_contain_text("+0.25 小时")
    expect(page.locator(f"#{key}")).to_be_focused()
    expect(page.locator(f"#{key}")).to_have_value(str(before + 15))
    page.locator("#balance").focus()
    page.keyboard.press("Space")
    expect(page.locator("#cost-words")).to_contain_text("总时长 +0 小时")

    # A place on the map is picked with the cross and Enter.
    page.locator("#pin-map").focus()
    page.keyboard.press("Enter")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#pin-minutes")).to_be_focused()
    page.keyboard.press("Enter")  # the minutes that are offered
    expect(page.locator(".marks .pending")).to_contain_text("必到点，15 分钟")
    expect(page.locator("#save")).to_be_enabled()
    page.locator("#save").press("Enter")
    answer(page, "庙会")
    expect(page.locator(".status")).to_have_text("已修改")
    expect(page.locator("#plan-choice option").first).to_contain_text("第 2 版")
    page.locator("#tab-grids").focus()
    for tab in ("changes", "routes", "cameras", "flights", "done", "life"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{tab}")).to_be_focused()
    expect(page.locator("#panel")).to_contain_text("庙会")
    expect(page.locator("#panel")).to_contain_text("必到点，15 分钟")
    assert page.get_by_role("button", name="批准…").count() == 0  # a planner does not approve
    assert wrong == []
    page.context.close()


def test_two_planners_do_not_overwrite_each_other(browser: Browser, planned: Service) -> None:
    pages = [
        opened(signed_in(browser, planned, who, lang="en", **SCREEN).new_page(), "/plan?lang=en")
        for who in ("planner", "supervisor")
    ]
    for page in pages:
        page.locator(".grids input[type=range]").first.focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#save")).to_be_enabled()
    for page in pages:
        page.click("#save")
        page.fill("#ask-field", "quieter than thought")
        page.locator("dialog button.main").click()
    expect(pages[0].locator(".status")).to_have_text("edited")
    expect(pages[1].locator(".toast.bad")).to_contain_text("Somebody else changed this plan")
    expect(pages[1].locator("#save")).to_be_enabled()  # what was not saved is kept
    for page in pages:
        page.context.close()


def test_a_supervisor_approves_and_publishes_in_her_name(
    browser: Browser, planned: Service
) -> None:
    page = signed_in(browser, planned, "supervisor", lang="en", **SCREEN).new_page()
    wrong = watch(page, planned)
    opened(page, "/plan?lang=en")
    expect(page.locator(".status")).to_have_text(re.compile("^(draft|edited)$"))
    if page.locator(".status").inner_text() == "draft":  # by itself, or tried again
        page.locator(".grids input[type=range]").first.press("ArrowLeft")
        page.click("#save")
        answer(page, "quieter than thought")
        expect(page.locator(".status")).to_have_text("edited")
    for step, status in (("Approve…", "approved"), ("Publish…", "published")):
        page.get_by_role("button", name=step).press("Enter")
        expect(page.locator("dialog")).to_contain_text("In the name of supervisor")
        answer(page, f"{status} after a look at the map")
        expect(page.locator(".status")).to_have_text(status)
    expect(page.locator(".notices")).to_contain_text("People go out on this plan")
    page.click("#tab-changes")
    expect(page.locator("#panel")).to_contain_text("no earlier plan")
    page.click("#tab-routes")
    expect(page.locator("#panel")).to_contain_text("no routes yet")
    page.get_by_role("button", name="Make routes, rounds and flights").click()
    expect(page.locator(".job")).to_be_visible()
    do_work(planned.database)
    expect(page.locator("#panel details").first).to_be_visible()
    sheets = page.get_by_role("link", name="Shift sheets").first.get_attribute("href")
    page.click("#tab-cameras")
    expect(page.locator("#panel")).to_contain_text("looks at")
    expect(page.locator("#panel th", has_text="Watcher")).to_be_visible()
    page.click("#tab-done")
    expect(page.locator("#panel")).to_contain_text("Not compared yet")
    assert check_axe(page) == []
    sheet = page.context.new_page()
    broken = watch(sheet, planned)
    assert sheets is not None
    sheet.set_extra_http_headers({"Accept-Language": "zh"})  # a sheet is in the page's language
    sheet.goto(sheets)
    expect(sheet.locator("h1").first).to_contain_text("Shift sheet")
    assert sheet.locator("h1").first.evaluate("e => getComputedStyle(e).fontSize") != "32px"
    assert check_axe(sheet) == []
    assert broken == wrong == []
    page.context.close()


def test_who_only_watches_sees_the_plan_and_no_way_to_change_it(
    browser: Browser, planned: Service
) -> None:
    page = opened(
        signed_in(browser, planned, "watch", lang="en", **SCREEN).new_page(), "/plan?lang=en"
    )
    expect(page.locator(".grids li")).to_have_count(4)
    expect(page.locator(".grids input[type=range]").first).to_be_disabled()
    for name in ("Approve…", "Publish…", "New night…", "Save as new version…", "Withdraw…"):
        assert page.get_by_role("button", name=name).count() == 0
    page.get_by_role("button", name="Night", exact=True).click()
    page.wait_for_selector("html[data-theme=night]")
    assert check_axe(page) == []
    opened(page, "/grids?lang=en")
    expect(page.locator(".grid-tools")).to_contain_text("You may look at grids")
    assert page.locator("#split").count() == 0
    page.context.close()


def test_a_grid_is_split_by_a_drawn_line_and_by_typed_coordinates(
    browser: Browser, planned: Service
) -> None:
    page = signed_in(browser, planned, "planner", **SCREEN).new_page()
    wrong = watch(page, planned)
    opened(page, "/grids")
    expect(page.locator(".grids li")).to_have_count(4)
    expect(page.locator(".grids li").first).to_contain_text("450 户")
    page.locator("#grid-w1").press("Space")
    expect(page.locator("#grid-w1")).to_be_checked()
    middle = WEST + 0.4 * STEP
    page.fill("#typed", f"{middle},{SOUTH - 0.001}\n{middle},{SOUTH + 2 * STEP + 0.001}")
    page.locator("#use-typed").press("Enter")
    expect(page.locator(".found tbody tr")).to_have_count(2)
    expect(page.locator(".found")).to_contain_text("终止: w1")
    typed = page.locator(".found tbody").inner_text()
    assert check_axe(page) == []

    page.click("#split")
    box = page.locator(".map-box").bounding_box()
    assert box is not None
    x = box["x"] + box["width"] * 0.14
    page.mouse.click(x, box["y"] + 20)
    page.mouse.move(x + 3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.click(x + 3, box["y"] + box["height"] - 20)
    page.keyboard.press("Enter")
    expect(page.locator(".found tbody tr")).to_have_count(2)
    expect(page.locator(".found tbody")).not_to_have_text(typed, use_inner_text=True)

    page.locator("#confirm").press("Enter")
    answer(page, "户数过多")
    expect(page.locator(".grids li")).to_have_count(5)
    page.locator("#grid-w2").check()
    page.locator("#grid-e1").check()
    page.click("#merge")
    expect(page.locator(".toast.bad")).to_be_visible()  # of two communities
    assert wrong == []
    page.context.close()


def test_an_exclusive_grid_is_shown_as_a_site_with_a_host_and_not_as_one_with_too_few_homes(
    browser: Browser, planned: Service
) -> None:
    with connect(planned.database) as connection:
        connection.execute(
            "UPDATE area SET grid_kind = 'exclusive', households = 0, host_unit = '海港工业园' "
            "WHERE code = 'e2'"
        )
    page = signed_in(browser, planned, "planner", **SCREEN).new_page()
    wrong = watch(page, planned)
    opened(page, "/grids")
    row = page.locator("li[data-code=e2]")
    expect(row).to_contain_text("专属网格 · 海港工业园")
    assert row.locator(".warning").count() == 0
    expect(page.locator(".legend")).to_contain_text("专属网格（单位、园区、商圈；无户数要求）")
    assert page.locator(".legend .swatch").count() == 6
    assert check_axe(page) == []
    assert wrong == []
    page.context.close()


def test_a_plan_of_several_days_shows_one_day_at_a_time_and_a_file_from_elsewhere_is_checked(
    browser: Browser, planned: Service
) -> None:
    days = [(datetime.fromisoformat(DAY) - timedelta(days=n)).date().isoformat() for n in (2, 1)]
    client = planned.client(headers=planned.bearer("planner"))
    inputs = {"days": 2, "plan_date": days[0], "weeks": 13, "units": {"foot": [4]},
              "shifts": ["08:00-16:00=早班/early"], "rounds": False, "flights": False}  # fmt: skip
    job = client.post("/ogc/processes/night/execution", json={"inputs": inputs})
    do_work(planned.database)
    number = client.get(f"{job.headers['location']}/results").json()["result"]["plan"]
    page = signed_in(browser, planned, "planner", lang="en", **SCREEN).new_page()
    wrong = watch(page, planned)
    opened(page, f"/plan?plan={number}&lang=en")
    expect(page.locator(".figures")).to_contain_text(re.compile(r"of [\d.,]+ reports in 2 days"))
    page.locator("#tab-routes").click()
    page.locator("#panel details summary").first.click()
    # A visit is told by the name of its grid, not by its number.
    expect(page.locator("#panel details li").first).not_to_contain_text(re.compile(r"/[0-9]"))
    choice = page.locator("#plan-day")
    expect(choice.locator("option")).to_have_count(2)
    expect(choice).to_have_value(days[0])
    calendar = page.locator("#panel .files a", has_text="iCalendar").first
    expect(calendar).to_have_attribute(
        "href", re.compile(rf"calendar\.ics\?lang=en&day={days[0]}$")
    )
    choice.select_option(days[1])
    expect(calendar).to_have_attribute(
        "href", re.compile(rf"calendar\.ics\?lang=en&day={days[1]}$")
    )
    expect(choice).to_be_focused()
    assert check_axe(page) == []

    page.locator("#tab-flights").click()
    page.locator(".missions summary").click()
    lat, lon = SOUTH + STEP, WEST + STEP
    rows = [f"{n}\t0\t3\t{command}\t0\t0\t0\t0\t{lat}\t{lon + n * 1e-3}\t40\t1"
            for n, command in enumerate((16, 22, 16, 21))]  # fmt: skip
    mission = {"name": "round.waypoints", "mimeType": "text/plain",
               "buffer": "\n".join(["QGC WPL 110", *rows]).encode()}  # fmt: skip
    page.locator("#mission-file").set_input_files(mission)
    page.locator(".mission-form button").click()
    expect(page.locator(".checked .verdict")).to_have_class("verdict good")
    assert wrong == []  # what follows is refused, which the console tells too
    page.locator("#mission-file").set_input_files(mission | {"buffer": mission["buffer"][:-9]})
    page.locator(".mission-form button").click()
    expect(page.locator(".checked .verdict")).to_contain_text("line 5: a row has 12 columns")
    assert check_axe(page) == []
