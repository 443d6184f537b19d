"""A Chromium that can draw maps, for the tests of the wall."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.web.browsing import chromium as run_chromium

WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with run_chromium(*WEBGL) as running:
        yield running
