"""A Chromium that can draw maps, for the tests of the wall."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

WEBGL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    assert found is not None, "no Chromium found: install the package 'chromium'"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=WEBGL)
        yield running
        running.close()
