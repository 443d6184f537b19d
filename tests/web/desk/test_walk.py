"""The recorded walk: a call becomes a case, is done on a tablet without a network, and is closed.

With GRIDBEAT_WRITE_SCREENSHOTS=1 the pictures of docs/images/cases are written anew.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from governance.calendar_store import read_work_clock
from governance.case_store import escalate_overdue, move_case
from governance.cases.steps import Step
from governance.intake.contacts import ContactSettings
from governance.intake.filing import file_report
from governance.intake.reports import NewReport, take_report
from governance.intake.sealing import make_key
from tests.web.browsing import check_axe, opened, picture_taker, signed_in, watch
from tests.web.governed import People, picture

pytestmark = [pytest.mark.db, pytest.mark.browser]
take_picture = picture_taker()
WORDS = "向阳路与文昌街路口有一大堆垃圾，已经两天没人清，很臭"
AGAIN = "向阳路路口垃圾堆了两天，臭味很大，怎么还没人来清"
TABLET = {
    "viewport": {"width": 1280, "height": 800}, "has_touch": True, "permissions": ["geolocation"],
    "geolocation": {"longitude": 121.0081, "latitude": 35.6021, "accuracy": 6},
}  # fmt: skip
DESK = {"viewport": {"width": 1600, "height": 960}}


def ready(page: Page, path: str) -> None:
    opened(page, path)


def take_call(page: Page, words: str) -> None:
    """Take a call by keyboard alone: words, place by name, class from the list."""
    page.keyboard.press("Alt+n")
    page.keyboard.type(words)
    page.keyboard.press("Tab")
    page.keyboard.type("向阳路")
    expect(page.locator("#places li").first).to_contain_text("向阳路")
    page.keyboard.press("Enter")
    expect(page.locator(".place .grid")).to_contain_text("w")


def step(page: Page, action: str) -> None:
    page.click(f"#case [data-action={action}]")


def test_a_call_is_taken_joined_dispatched_done_offline_checked_and_closed(
    browser: Browser, people: People, tmp_path: Path
) -> None:
    service = people.service
    service.app.state.contacts = ContactSettings(key=SecretStr(make_key()))
    photo = tmp_path / "after.jpg"
    photo.write_bytes(picture((3000, 2000), colour="#7a9a6a"))
    desk = signed_in(browser, service, "dora", **DESK).new_page()
    wrong = watch(desk, service)
    ready(desk, "/desk")

    # Call, class, dispatch.
    take_call(desk, WORDS)
    expect(desk.locator(".best button").first).to_contain_text("暴露垃圾")
    desk.keyboard.press("Alt+1")
    expect(desk.locator("#category")).to_have_value(re.compile(r"\d+"))
    expect(desk.locator(".route")).to_contain_text("环卫所")
    desk.click(".contact summary")
    desk.fill("#contact-name", "李女士")
    desk.fill("#contact-phone", "13800000000")
    take_picture(desk, "01-call")
    assert check_axe(desk) == []
    desk.click("#file-send")
    expect(desk.locator("#case [data-state=dispatched]")).to_be_visible()
    number = desk.locator("#case h2").inner_text().split()[0]
    case_id = desk.locator("#case").get_attribute("data-case")

    # The same again: shown beside before filing, joined, not doubled.
    take_call(desk, AGAIN)
    expect(desk.locator(".best button").first).to_contain_text("暴露垃圾")
    desk.keyboard.press("Alt+1")
    expect(desk.locator(f".similar [data-twin='{case_id}']")).to_contain_text(number)
    take_picture(desk, "02-duplicate")
    desk.click(f".similar [data-twin='{case_id}'] >> text=并入此案")
    expect(desk.locator("#case .reports li")).to_have_count(2)
    take_picture(desk, "03-dispatched")

    # The tablet signs for it, then the network goes.
    field = signed_in(browser, service, "wei", **TABLET)
    tablet = field.new_page()
    wrong_there = watch(tablet, service)
    ready(tablet, "/field")
    card = tablet.locator(f"[data-case='{case_id}']")
    expect(card).to_contain_text("待签收")
    tablet.wait_for_selector("body[data-kept]")
    take_picture(tablet, "04-tablet")
    assert check_axe(tablet) == []
    field.set_offline(True)
    card.locator("[data-action=receive]").click()
    expect(card).to_contain_text("已签收")
    card.locator("[data-action=start]").click()
    expect(card).to_contain_text("处置中")
    expect(tablet.locator("#chip")).to_contain_text("2 项待发送")
    take_picture(tablet, "05-tablet-offline")

    # In the middle of the work the page is closed, and opened again without a network.
    tablet.close()
    tablet = field.new_page()
    wrong_there += watch(tablet, service)
    ready(tablet, "/field")
    card = tablet.locator(f"[data-case='{case_id}']")
    expect(card).to_contain_text("处置中")
    expect(tablet.locator("#map")).to_have_attribute("data-roads", re.compile("[1-9]"))
    card.locator("[data-action=resolve]").click()
    tablet.set_input_files("dialog input[type=file]", photo)
    expect(tablet.locator("dialog figure")).to_have_count(1)
    tablet.fill("#finish-note", "已清运，地面已冲洗")
    take_picture(tablet, "06-finish-offline")
    tablet.click("#finish-send")
    expect(card).to_contain_text("待核查")
    tablet.click("#report")
    tablet.click(".chips [data-class='2']")
    expect(tablet.locator(".where")).to_contain_text("±6 米")
    take_picture(tablet, "07-report-offline")
    tablet.click("#find-send")
    expect(tablet.locator("#chip")).to_have_attribute("data-waiting", "5")
    tablet.click("[data-tab=outbox]")
    expect(tablet.locator("[data-item]")).to_have_count(5)
    take_picture(tablet, "08-outbox")

    # Back on the network: everything comes in, once.
    field.set_offline(False)
    expect(tablet.locator("#chip")).to_have_attribute("data-waiting", "0")
    expect(tablet.locator("[data-trouble]")).to_have_count(0)
    view = people.as_("dora").get(f"/api/v1/cases/{case_id}").json()
    done = [(one["action"], one["actor"]) for one in view["history"]]
    assert done[2:] == [
        ("dispatch", "dora"), ("receive", "wei"), ("start", "wei"), ("resolve", "wei"),
    ]  # fmt: skip
    assert len(view["photos"]) == 1
    finds = people.as_("dora").get("/api/v1/reports").json()["reports"]
    assert [one["words"] for one in finds if one["taken_by"] == "wei"] == ["发现违停"]

    # The desk saw it come in; another than the handler checks, and sends it back once.
    expect(desk.locator("#case [data-state=resolved]")).to_be_visible(timeout=15_000)
    step(desk, "check")
    expect(desk.locator("#case header [data-state=checking]")).to_be_visible()
    take_picture(desk, "09-check")
    step(desk, "rework")
    desk.fill(".step textarea", "绿化带内仍有散落垃圾")
    desk.click(".step .main")
    expect(desk.locator("#case header [data-state=rework]")).to_be_visible()
    take_picture(desk, "10-rework")

    # The tablet hears of it, does it again.
    tablet.click("[data-tab=tasks]")
    expect(card).to_contain_text("返工")
    card.locator("[data-action=start]").click()
    card.locator("[data-action=resolve]").click()
    tablet.set_input_files("dialog input[type=file]", photo)
    expect(tablet.locator("dialog figure")).to_have_count(1)
    tablet.click("#finish-send")

    expect(desk.locator("#case header [data-state=resolved]")).to_be_visible(timeout=20_000)
    step(desk, "check")
    expect(desk.locator("#case header [data-state=checking]")).to_be_visible()
    step(desk, "close")
    take_picture(desk, "11-close")
    desk.click(".step .main")
    expect(desk.locator("#case header [data-state=closed]")).to_be_visible()
    desk.click("#case .reports .link")
    desk.fill("dialog textarea", "回访")
    desk.click("dialog .main")
    expect(desk.locator("#case .reports")).to_contain_text("李女士 13800000000")
    step(desk, "call_back")
    desk.select_option(".step select", "satisfied")
    desk.click(".step .main")
    expect(desk.locator("#case [data-step=call_back]")).to_contain_text("满意")
    take_picture(desk, "12-call-back")
    assert wrong == []
    assert [one for one in wrong_there if "ERR_INTERNET_DISCONNECTED" not in one] == []


def make_late(people: People) -> tuple[int, str]:
    """Return a case of three weeks ago that nobody signed for, and that climbed ever since."""
    engine = make_engine(people.service.database, role="app", pool=NullPool)
    start = datetime.now(UTC) - timedelta(days=21)
    with engine.begin() as connection:
        clock = read_work_clock(connection, 1)
        new = NewReport(
            uuid4(), "hotline", start, start, "人民路地下车库出口长期积水，车辆打滑", 121.011,
            35.6183, "dora",
        )  # fmt: skip
        take_report(connection, 1, new)
        case = file_report(
            connection, new.report_id, category_id=5, actor="dora", at=start, clock=clock
        )
        sent = Step(
            "dispatch", "dora", start + timedelta(minutes=5), uuid4(),
            department_id=people.departments["grid"],
        )  # fmt: skip
        move_case(connection, case.case_id, sent, clock=clock)
        for days in (14, 9, 4):
            escalate_overdue(
                connection, 1, now=datetime.now(UTC) - timedelta(days=days), clock=clock
            )
    engine.dispose()
    return case.case_id, case.number


def test_an_overdue_case_climbs_to_the_district_and_is_acknowledged_there(
    browser: Browser, people: People
) -> None:
    case_id, number = make_late(people)
    page = signed_in(browser, people.service, "supervisor", **DESK).new_page()
    ready(page, "/desk")
    page.click(".tabs >> text=逾期")
    row = page.locator(f"[data-case='{case_id}'].row")
    expect(row).to_contain_text("区级")
    expect(row.locator(".due")).to_have_attribute("data-urgency", "late")
    row.click()
    climbed = page.locator("#case [data-step=escalate] .extra")
    expect(climbed).to_have_count(3)
    expect(climbed.last).to_contain_text("上报至区级")
    expect(page.locator("#case h2")).to_contain_text(number)
    take_picture(page, "13-overdue-at-district")
    wall = signed_in(browser, people.service, "watch", viewport={"width": 1920, "height": 1080})
    screen = wall.new_page()
    screen.goto("/wall")
    screen.wait_for_selector("body[data-ready]", timeout=60_000)
    panel = screen.locator(".panel.cases")
    expect(panel.locator(f"[data-late='{case_id}']")).to_contain_text("区级")
    expect(panel.locator("[data-level=district] .bad")).to_have_text("1")
    take_picture(screen, "16-wall")
    step(page, "acknowledge")
    # It has two working hours again: late no more, though soon due at some hours of the day.
    expect(panel.locator("[data-level=district] .bad")).to_have_count(0)
    expect(panel.locator(f"[data-late='{case_id}'] [data-urgency=late]")).to_have_count(0)
    expect(page.locator("#case header [data-state=accepted]")).to_be_visible()
    assert check_axe(page) == []


def test_two_dispatchers_see_each_others_change_and_the_later_is_told(
    browser: Browser, people: People
) -> None:
    case = people.file(words="新华街路灯不亮", place={"lon": 121.012, "lat": 35.6141})
    pages = []
    for who in ("dora", "dan"):
        page = signed_in(browser, people.service, who, lang="en", **DESK).new_page()
        ready(page, "/desk")
        page.click(f"[data-case='{case['case_id']}'].row")
        pages.append(page)
    first, second = pages
    step(second, "dispatch")  # opened, not yet sent
    step(first, "dispatch")
    first.click(".step .main")
    expect(first.locator("#case header [data-state=dispatched]")).to_be_visible()
    expect(second.locator("#case header [data-state=dispatched]")).to_be_visible(timeout=15_000)
    expect(second.locator(".toast").first).to_contain_text("dora Dispatch")
    assert check_axe(second) == []
    take_picture(second, "14-two-dispatchers")
    history = people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()["history"]
    assert [one["action"] for one in history].count("dispatch") == 1


def test_what_is_no_case_is_ended_with_what_the_caller_was_told(
    browser: Browser, people: People
) -> None:
    page = signed_in(browser, people.service, "dora", lang="en", **DESK).new_page()
    ready(page, "/desk")
    take_call(page, "Somebody is lying on the road and does not answer")
    page.select_option("#category", "3")
    page.click(".do >> text=Not a case")
    expect(page.locator("dialog input[type=radio]")).to_have_count(6)
    take_picture(page, "15-no-case")
    assert check_axe(page) == []
    page.click("dialog .main")  # nothing is chosen beforehand: which one is a person's word
    expect(page.locator("dialog")).to_be_visible()
    page.check("dialog input[type=radio] >> nth=0")
    page.click("dialog .main")
    expect(page.locator("#case header [data-state=rejected]")).to_be_visible()
    expect(page.locator("#case [data-step=reject]")).to_contain_text("110")


def test_an_objection_is_heard_bound_extended_suspended_merged_and_void(
    browser: Browser, people: People
) -> None:
    case = people.dispatched(words="长江路井盖响", place={"lon": 121.0105, "lat": 35.6065})
    other = people.file(words="长江路井盖响了一夜", place={"lon": 121.0105, "lat": 35.6066})
    people.step("wei", case, "object", reason="归环卫所")
    page = signed_in(browser, people.service, "supervisor", lang="en", **DESK).new_page()
    ready(page, "/desk?lang=en")
    pane, form = page.locator("#case"), page.locator("#case form.step")

    def send(action: str, reason: str) -> None:
        step(page, action)
        form.locator("textarea").fill(reason)
        form.locator(".main").click()
        expect(pane.locator(f"[data-step={action}]").last).to_contain_text(reason)

    page.click(f"[data-case='{case['case_id']}'].row")
    expect(pane.locator("header [data-state=returned]")).to_be_visible()
    expect(pane.locator("[data-step=object]")).to_contain_text("归环卫所")
    expect(pane.locator(".facts")).to_contain_text("Grid team")

    step(page, "dispatch")
    form.locator("select").select_option(label="Sanitation")
    form.get_by_label("Binding").check()
    take_picture(page, "21-binding")
    assert check_axe(page) == []
    form.locator(".main").click()
    expect(pane.locator("[data-step=dispatch]").last).to_contain_text("Sanitation · binding")

    seen = people.as_("wei").get(f"/api/v1/cases/{case['case_id']}").json()
    assert "object" not in {one["action"] for one in seen["actions"]}  # nor offered again
    refused = people.try_step("wei", seen, "object", reason="再次异议")
    assert refused.status_code == 400
    for action, given in (("receive", {}), ("request_extension", {"reason": "需外运"})):
        seen = people.step("wei", seen, action, **given)
    expect(pane.locator("[data-step=request_extension]")).to_contain_text("需外运")
    step(page, "grant_extension")
    form.locator("input[type=number]").fill("3")
    form.locator("textarea").fill("核实属实")
    form.locator(".main").click()
    expect(pane.locator("[data-step=grant_extension]")).to_contain_text("核实属实")
    longer = people.as_("dora").get(f"/api/v1/cases/{case['case_id']}").json()
    assert longer["due_at"] > seen["due_at"]
    send("suspend", "等待管线单位")
    expect(pane.locator("header [data-state=suspended]")).to_be_visible()
    expect(pane.locator("header .due")).to_have_text("No clock")
    send("resume", "已进场")

    page.click(f"[data-case='{other['case_id']}'].row")
    expect(pane.locator("h2")).to_contain_text(other["number"])
    step(page, "merge")
    form.locator("input").fill("no such number")
    form.locator("textarea").fill("同一井盖")
    form.locator(".main").click()
    expect(page.locator(".toast.bad").last).to_contain_text("There is no case no such number")
    form.locator("input").fill(case["number"])
    form.locator(".main").click()
    expect(pane.locator("header [data-state=merged]")).to_be_visible()
    pane.locator(".facts button").click()
    expect(pane.locator("h2")).to_contain_text(case["number"])
    expect(pane.locator(".reports li")).to_have_count(2)
    send("void", "误报")
    expect(pane.locator("header [data-state=void]")).to_be_visible()
    assert check_axe(page) == []
