"""Each layer of the wall is switched on, asks for its tiles, and says in the legend what it shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from tests.web.tiles.test_finds_and_results import find, store, walk
from tests.web.tiles.test_tiles import refresh
from tests.web.wall.windows import sign_in, window

pytestmark = [pytest.mark.browser, pytest.mark.db]
PLACE = f"at={WEST + 2 * STEP},{SOUTH + STEP},13.2"
TILES = {
    "Hexagons": "incidents", "Hot spots": "results", "Emerging hot spots": "results",
    "Cameras": "cameras", "Camera views": "camera_views", "Camera blind spots": "results",
    "Last look": "looks", "Patrol routes": "routes", "Drone routes": "drone_routes",
    "Result of an analysis": "results", "Stations": "stations",
}  # fmt: skip


def fill(service: Service) -> None:
    """Store one result of each kind that has a layer, patrols' hours and finds."""
    x, y = WEST + STEP / 2, SOUTH + STEP / 2
    square = f"POLYGON(({x} {y}, {x + STEP} {y}, {x + STEP} {y + STEP}, {x} {y + STEP}, {x} {y}))"
    with connect(service.database) as connection:
        for kind, unit in (("hotspots", "cell"), ("emerging", "cell"), ("blind_spots", "zone")):
            store(connection, kind, unit, square, {"size": 100})
        store(connection, "streets", "segment", f"LINESTRING({x} {y}, {x + STEP} {y})", None)
        walk(connection, "foot", 3600)
        find(connection, 3, "patrol", "2026-02-01 08:00+00")
        connection.execute("SELECT refresh_hexagon_ground()")
        connection.commit()
    refresh(service.database)


def legend(page: Page, *words: str) -> None:
    for word in words:
        expect(page.locator("#legend")).to_contain_text(word)


def test_each_layer_draws_from_its_tiles_and_is_in_the_legend(
    chromium: Browser, page_service: Service
) -> None:
    fill(page_service)
    answers: list[Response] = []
    options = {"locale": "en-GB", "viewport": {"width": 1280, "height": 720}}
    with window(chromium, page_service, reduced_motion="reduce", **options) as watched:
        page = watched.page
        page.on("response", lambda answer: answers.append(answer))
        sign_in(watched, page_service, "watch", f"?layers=grids&{PLACE}")
        page.locator("#menu-name").dispatch_event("click")
        for name, layer in TILES.items():
            with page.expect_response(re.compile(rf"/tiles/{layer}/")) as asked:
                page.get_by_label(re.compile(rf"^{name}( \(|$)")).check()
            assert asked.value.status == 200
        for colour in ("Reports", "Trend", "Open cases", "Plan done", "None"):
            page.get_by_label(colour, exact=True).check()
        for measure in ("Per km²", "Per 1,000 households", "Per patrol hour"):
            page.get_by_label(measure, exact=True).check()
            legend(page, measure)
        page.get_by_label("Patrol finds per patrol hour").check()
        # Three finds in one hour; all other hexagons are grey, not zero.
        legend(page, "Patrol finds per patrol hour · 28 days", "not recorded", "≤ 3")
        legend(page, "hot streets · street segments", "hot spot 1")
        legend(page, "Emerging hot spots", "Last look", "Cameras", "Drone routes", "Stations")
        legend(page, "Patrol routes (none in sight)")  # an empty layer says that it is empty
        page.get_by_label("Result", exact=True).select_option("hotspots-cell-square")
        legend(page, "hot spots Gi* · squares · 2026-01-01 – 2026-02-01")
        expect(page).to_have_url(re.compile("result=hotspots-cell-square"))
        assert [f"{one.status} {one.url}" for one in answers if one.status >= 400] == []
        assert watched.complaints == []
        assert watched.outside == []
