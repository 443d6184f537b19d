"""A real browser for tests of pages: signed in, held to this machine, looked over by axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.district import PASSWORD

if TYPE_CHECKING:
    from tests.web.conftest import Service

# A machine that does much else takes long for what is done at once on a quiet one.
PATIENCE_MS = 90_000
expect.set_options(timeout=30_000)
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
IMAGES = ROOT / "docs" / "images" / "cases"
WRITE = "GRIDBEAT_WRITE_SCREENSHOTS"
# What every page says of itself, and every map that a command writes.
READY = "body[data-ready]"


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Run Chromium, with more switches where it must draw maps."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.fail("no Chromium found: install the package 'chromium' (see packages.apt)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *more])
        yield running
        running.close()


def signed_in(
    browser: Browser, service: Service, login: str, *, lang: str = "zh",
    zone: str = "Asia/Shanghai", **options: Any,
) -> BrowserContext:  # fmt: skip
    """Return a browser in which somebody has signed in by the form, as people do."""
    context = browser.new_context(
        locale="zh-CN" if lang == "zh" else "en-GB", timezone_id=zone,
        base_url=service.origin, **options,
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"/login?lang={lang}")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/account*")
    page.close()
    return context


def opened(page: Page, path: str) -> Page:
    """Open a page and wait until it says that it is all there."""
    page.goto(path)
    page.wait_for_selector(READY)
    return page


def watch(page: Page, service: Service) -> list[str]:
    """Collect what a page must not do: fail, break its policy, or ask anybody else."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            wrong.append(f"console: {said.text}")
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    page.on(
        "request",
        lambda asked: (
            wrong.append(f"outside: {asked.url}")
            if not asked.url.startswith((service.origin, "data:", "blob:"))
            else None
        ),
    )
    return wrong


def check_axe(page: Page) -> list[str]:
    """Return the serious findings of axe on a page as it stands."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def picture_taker() -> Callable[[Page, str], None]:
    """Return what writes a screenshot where it is asked for, and else looks at nothing."""

    def take(page: Page, name: str) -> None:
        if os.environ.get(WRITE):
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(600)  # tiles fade in
            page.screenshot(path=IMAGES / f"{name}.png")

    return take
