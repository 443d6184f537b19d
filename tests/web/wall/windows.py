"""A browser's windows on the wall: held to the service, with all that they complain of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.conftest import Service
from tests.web.district import PASSWORD

# A machine that does much else draws a map by software in half a minute.
PATIENCE_MS = 90_000
expect.set_options(timeout=30_000)
AXE = Path("web/ui/node_modules/axe-core/axe.min.js")


@dataclass
class Watched:
    """A browser's window, with all that it asked of others and all that it complained of."""

    context: BrowserContext
    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def window(
    chromium: Browser,
    service: Service,
    *,
    locale: str = "zh-CN",
    also: tuple[str, ...] = (),
    **options: Any,
) -> Iterator[Watched]:
    """Open a window that can reach the service and nothing else."""
    known = {"viewport": {"width": 1920, "height": 1080}, "locale": locale}
    context = chromium.new_context(**known | options)
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context, context.new_page())

    def decide(route: Any) -> None:
        if route.request.url.startswith((service.origin, "blob:", "data:", *also)):
            route.continue_()
        else:
            watched.outside.append(route.request.url)
            route.abort()

    context.route("**/*", decide)
    watched.page.on("console", lambda said: _note(watched, said.type, said.text))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    try:
        yield watched
    finally:
        context.close()


def _note(watched: Watched, kind: str, text: str) -> None:
    if kind == "error" and "401" not in text:
        watched.complaints.append(text)


def sign_in(watched: Watched, service: Service, who: str, query: str = "") -> None:
    """Ask for the wall, be led to the form, and come back."""
    page = watched.page
    page.goto(f"{service.origin}/wall{query}")
    assert "/login?to=" in page.url
    page.fill("#login", who)
    page.fill("#password", PASSWORD)
    page.click("form button")
    ready(page)


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready]")
    assert "/wall" in page.url


def stop_clock(page: Page, *, period_s: int) -> float:
    """Stop the page's clock in the middle of a period, a minute or more ahead; return its time.

    From then on only `fast_forward` moves it, so that no real time is counted with it.
    """
    ahead = page.evaluate("Date.now()") / 1000 + 60
    at = (ahead // period_s + 1.5) * period_s
    page.clock.pause_at(at)
    return float(at)


def serious(page: Page) -> list[str]:
    """Return what axe finds wrong in earnest."""
    page.evaluate(AXE.read_text("utf-8") + "; null")
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)"
    )
    return [
        f"{item['id']}: {[node['html'][:120] for node in item['nodes'][:3]]}"
        for item in found if item["impact"] in {"serious", "critical"}
    ]  # fmt: skip
