"""Every page, as those who work with it: axe, both themes and languages, no request that fails.

A page asks nobody but this service, and nothing that it is refused; a tablet's targets are wide
enough for a thumb.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.database.connect import Database, connect
from tests.web.browsing import READY, check_axe, chromium, signed_in, watch
from tests.web.conftest import Service, serving
from tests.web.governed import People, govern
from tests.web.plans.ground import add_ground, do_work

pytestmark = [pytest.mark.browser, pytest.mark.db]
# Who works with a page; None is a stranger. Pages that the service itself writes follow the system.
PAGES = {
    "/wall": "supervisor", "/plan": "supervisor", "/grids": "supervisor", "/posts": "supervisor",
    "/desk": "dora", "/field": "wei", "/account": "supervisor", "/account/people": "administrator",
    "/login": None,
}  # fmt: skip
MAPS = ("/plan", "/grids", "/posts", "/desk", "/field")  # the wall has its stamp below
WRITTEN = ("/account", "/account/people", "/login")
LOCALES = {"zh": "zh-CN", "en": "en"}
TARGET_PX = 44  # WCAG 2.2, 2.5.5 Target Size (Enhanced)
# What can be pressed and is seen: a label stands for the box in it, a link in a sentence is exempt.
TARGETS = """() => [...document.querySelectorAll(
    "button, a[href], input, select, textarea, summary, label:has(input), [role=button]")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .filter((one) => !one.closest(".quiet, .skip, p") && !one.disabled)
  .filter((one) => one.matches("label") || !one.closest("label"))
  .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < LEAST || box.height < LEAST))
  .map(([html, box]) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${html}`)"""


@pytest.fixture(scope="module")
def district(server: Database, template: Database) -> Iterator[Service]:
    """Give a service with a night's plan, and a case that waits for an officer."""
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
        people = People(running, govern(running))
        client = running.client(headers=running.bearer("planner"))
        day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        inputs = {"hours": 12, "plan_date": day, "weeks": 13}
        asked = client.post("/ogc/processes/night/execution", json={"inputs": inputs})
        assert asked.status_code == 201, asked.text
        people.dispatched()
        do_work(running.database)
        yield running


@pytest.fixture(scope="module")
def windows(district: Service) -> Iterator[dict[str | None, BrowserContext]]:
    """Give a browser's context for each who works with a page, signed in once."""
    with chromium() as browser, ExitStack() as stack:
        opened = {who: begin(browser, district, who) for who in {*PAGES.values()}}
        for context in opened.values():
            stack.callback(context.close)
        yield opened


def begin(browser: Browser, service: Service, who: str | None) -> BrowserContext:
    options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    if who is None:
        return browser.new_context(base_url=service.origin, **options)
    return signed_in(browser, service, who, **options)


def opened(page: Page, path: str, lang: str) -> None:
    """Open a page in a language and wait until it is all there."""
    page.goto(f"{path}?lang={lang}")
    if path not in WRITTEN:
        page.wait_for_selector(READY, timeout=60_000)
    assert page.url.split("?")[0].endswith(path)
    assert page.locator("html").get_attribute("lang") == LOCALES[lang]


def show(page: Page, path: str, theme: str) -> None:
    """Show a page by day or by night, as its own button does."""
    page.emulate_media(color_scheme="dark" if theme == "night" else "light")
    if path in WRITTEN:
        return
    page.evaluate(
        """theme => {
            document.documentElement.dataset.theme = theme;
            document.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
        }""",
        theme,
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_by_day_and_night_in_both_languages_and_asks_nothing_in_vain(
    district: Service, windows: dict[str | None, BrowserContext], path: str
) -> None:
    page = windows[PAGES[path]].new_page()
    wrong = watch(page, district)
    page.on(
        "response",
        lambda answer: (
            wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    for lang in LOCALES:
        opened(page, path, lang)
        for theme in ("day", "night"):
            show(page, path, theme)
            assert check_axe(page) == [], (lang, theme)
        if path in MAPS:  # of when it is, in which coordinates, for whom
            stamp = page.locator(".map-stamp")
            expect(stamp).to_contain_text("EPSG:4549")
            expect(stamp).to_contain_text({"zh": "内部使用", "en": "INTERNAL USE"}[lang])
    page.close()
    assert wrong == []


@pytest.mark.parametrize("lang", LOCALES)
def test_a_thumb_hits_everything_that_a_tablet_shows(
    windows: dict[str | None, BrowserContext], lang: str
) -> None:
    page = windows["wei"].new_page()
    page.set_viewport_size({"width": 820, "height": 1180})
    opened(page, "/field", lang)
    page.wait_for_selector("[data-case]")
    views = [view for view in page.locator("nav.tabs button").all() if view.is_visible()]
    assert len(views) >= 3
    for view in views:
        view.click()
        found = page.evaluate(TARGETS.replace("LEAST", str(TARGET_PX)))
        assert found == [], view.inner_text()
    page.close()
