"""The wall left alone: time that plays, tours, pixels that move, new versions, parts that meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Service, serving
from tests.web.district import SOUTH, STEP, WEST
from tests.web.wall.windows import ready, sign_in, stop_clock, window
from web.routes import pages

pytestmark = [pytest.mark.browser, pytest.mark.db]
QUIET = {
    "locale": "en-GB",
    "reduced_motion": "reduce",
    "viewport": {"width": 1280, "height": 720},
}
PLACES = {"North square": [WEST + STEP, SOUTH + STEP], "East gate": [WEST + 3.5 * STEP, SOUTH]}
BOX = "e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; }"


def at(page: Page) -> list[float]:
    """Return longitude, latitude and zoom out of the address."""
    return [float(n) for n in parse_qs(urlsplit(page.url).query)["at"][0].split(",")]


def shown(page: Page) -> int:
    """Return how many incidents the time bar says that the map shows."""
    found = re.search(r"(\d+) incidents", page.locator(".time-label").inner_text())
    assert found is not None
    return int(found[1])


def steps(page: Page, n: int) -> None:
    """Let `n` steps of what plays pass on a clock that is stopped."""
    for _ in range(n):
        page.clock.fast_forward(900)


def test_time_plays_over_hours_and_days_and_stops_at_the_newest(
    chromium: Browser, service: Service
) -> None:
    with window(chromium, service, **QUIET) as watched:
        page = watched.page
        page.clock.install()
        sign_in(watched, service, "watch", "?layers=grids,live,hexagons")
        label, slider = page.locator(".time-label"), page.get_by_label("Time", exact=True)
        expect(label).to_contain_text("24 incidents")  # one in two hours for 48 hours
        stop_clock(page, period_s=1)
        play = page.get_by_role("button", name="Play")
        play.dispatch_event("click")
        expect(label).to_contain_text("Looking back")
        first = label.inner_text()
        steps(page, 10)
        # Ten steps: ten hours later, and the points of the 48 hours before that moment.
        expect(slider).to_have_value("10")
        expect(label).not_to_have_text(first)
        early = shown(page)
        assert 0 < early < 24
        page.get_by_role("button", name="Pause").dispatch_event("click")
        steps(page, 3)
        assert slider.input_value() == "10"
        play.dispatch_event("click")
        steps(page, 40)
        expect(label).to_contain_text("Newest")
        expect(page.get_by_role("button", name="Play")).to_be_visible()  # it ended by itself

        page.clock.resume()  # the map asks for tiles as it is drawn
        page.get_by_role("button", name="Days").dispatch_event("click")
        with page.expect_request(re.compile(r"/tiles/incidents/.*since=")) as asked:
            play.dispatch_event("click")
        assert "until=" in asked.value.url
        page.get_by_role("button", name=re.compile("Pause|Play")).dispatch_event("click")
        slider.focus()
        page.keyboard.press("Home")
        expect(page.locator("#legend")).to_contain_text(re.compile(r"7 days → 20\d\d-\d\d-\d\d"))
        expect(page.locator("#legend")).not_to_contain_text("Against expectation")  # is of now
        classes = page.locator("#legend li").all_inner_texts()
        day = page.locator("#legend").inner_text()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#legend")).not_to_have_text(day)
        assert page.locator("#legend li").all_inner_texts() == classes  # a colour keeps its meaning
        page.get_by_role("button", name="Newest").dispatch_event("click")
        expect(page.locator("#legend")).to_contain_text("Against expectation")
        assert watched.complaints == []


def test_bookmarks_are_kept_toured_by_the_clock_and_removed(
    chromium: Browser, page_service: Service
) -> None:
    with window(chromium, page_service, **QUIET) as watched:
        page = watched.page
        page.clock.install()
        sign_in(watched, page_service, "watch")
        for name, (lon, lat) in PLACES.items():
            page.goto(f"{page_service.origin}/wall?at={lon},{lat},15&layers=grids")
            ready(page)
            page.click("#menu-name")
            page.get_by_role("button", name="Remember this view").click()
            page.locator("#ask-field").fill(name)
            page.locator("dialog button.main").click()
            expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        page.get_by_role("button", name="North square", exact=True).click()
        expect(page).to_have_url(re.compile(r"at=121\.01"))
        now = stop_clock(page, period_s=20)
        page.get_by_role("button", name="Auto-tour").click()
        expect(page).to_have_url(re.compile("tour=20"))
        stops = list(PLACES.values())
        for passed in range(5):
            lon, lat = stops[int(now // 20 + passed) % 2]
            expect(page).to_have_url(re.compile(rf"at={lon:.5f},{lat:.5f}".replace(".", r"\.")))
            page.clock.fast_forward(20_000)
        # Steered by a desk the tour stands still; let go, it goes on.
        desk = page_service.client(headers=page_service.bearer("watch"))
        view = {"center": [121.02, 35.61], "zoom": 13, "layers": ["grids"]}
        desk.post("/api/v1/wall/direction", json=view)
        expect(page).to_have_url(re.compile(r"at=121\.02000,35\.61000,13"))
        page.clock.fast_forward(45_000)
        assert at(page) == [121.02, 35.61, 13]
        desk.delete("/api/v1/wall/direction")
        expect(page).to_have_url(re.compile(r"at=121\.0(1|35)0"))
        page.clock.resume()
        page.get_by_role("button", name="Remove East gate").click()
        expect(page.get_by_role("button", name="East gate", exact=True)).to_have_count(0)
        page.reload()
        ready(page)
        kept = page.evaluate("localStorage.getItem('gridbeat-wall-bookmarks')")
        assert [stop["name"] for stop in json.loads(kept)] == ["North square"]
        assert watched.complaints == []


def test_everything_moves_a_little_each_minute_and_the_map_still_covers_the_screen(
    chromium: Browser, service: Service
) -> None:
    with window(chromium, service, **QUIET) as watched:
        page = watched.page
        page.clock.install()
        sign_in(watched, service, "watch")
        stop_clock(page, period_s=60)
        corners = set()
        for _ in range(9):
            page.clock.fast_forward(61_000)  # past the end of each minute's timer
            page.evaluate("document.getAnimations().forEach(one => one.finish())")
            left, top, right, bottom = page.locator("#map").evaluate(BOX)
            assert left <= 0
            assert top <= 0
            assert right >= 1280
            assert bottom >= 720
            x, y, *_ = page.locator("#product").evaluate(BOX)
            corners.add((round(x), round(y)))
        assert len(corners) == 9
        for line in zip(*corners, strict=True):
            assert max(line) - min(line) == 6


def test_a_new_version_is_loaded_by_itself_and_the_view_stays(
    chromium: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with window(chromium, service, **QUIET) as watched:
        page = watched.page
        page.clock.install()
        query = "?at=121.01500,35.61000,14.50&layers=grids,cameras&colour=trend&tour=30&theme=day"
        sign_in(watched, service, "watch", query.replace("&tour=30", ""))
        # The first answer says what is not new: until it is there, any version is the first one.
        with page.expect_response("**/api/v1/version"):
            page.reload()
        ready(page)
        # A sign in the document: a function to wait for would be evaluated, which the policy forbids.
        page.evaluate("document.body.dataset.before = 'yes'")
        before = page.locator("body[data-before]")
        with page.expect_response("**/api/v1/version"):
            page.clock.fast_forward(130_000)
        expect(before).to_have_count(1)  # nothing new, nothing loaded
        asked = page.url
        monkeypatch.setattr(pages, "build_id", lambda: "another")
        page.clock.fast_forward(61_000)
        expect(before).to_have_count(0)
        ready(page)
        expect(page).to_have_url(asked)
        expect(page.locator("input[value=trend]")).to_be_checked()
        assert page.evaluate("document.documentElement.dataset.theme") == "day"
        assert at(page) == [121.015, 35.61, 14.5]


@pytest.fixture
def screens(chromium: Browser, service: Service) -> Iterator[dict[int, Page]]:
    """Give the four screens of a wall, two by two, each in a window of its own."""
    with window(chromium, service, **QUIET | {"viewport": {"width": 1280, "height": 720}}) as first:
        sign_in(first, service, "watch", "?screen=1of4&across=2&layers=grids")
        pages = {1: first.page}
        for number in (2, 3, 4):
            pages[number] = first.context.new_page()
            pages[number].goto(f"{service.origin}/wall?screen={number}of4&across=2&layers=grids")
            ready(pages[number])
        yield pages


def grid_at(page: Page, x: float, y: float) -> str:
    """Return the code of the grid that a screen shows at a pixel, by pressing there."""
    page.bring_to_front()
    card = page.locator("#grid:not([hidden]) .code")
    for _ in range(200):  # until it is drawn
        page.mouse.click(x, y)
        page.wait_for_timeout(250)
        if card.count():
            break
    found = card.inner_text(timeout=5000)
    page.locator("#grid button").dispatch_event("click")
    return found


def test_four_screens_show_one_picture_whose_parts_meet(screens: dict[int, Page]) -> None:
    # The district, four grids side by side, is in the wall's middle: the line between w2 and e1
    # runs where the left and the right screens meet, its middle where the upper and lower do.
    assert grid_at(screens[1], 1250, 500) == "w2"
    assert grid_at(screens[2], 30, 500) == "e1"
    assert grid_at(screens[3], 1250, 80) == "w2"
    assert grid_at(screens[4], 30, 80) == "e1"
    for number, (left, right) in {1: (True, False), 2: (False, True), 4: (False, True)}.items():
        expect(screens[number].locator("#left")).to_be_visible(visible=left)
        expect(screens[number].locator("#right")).to_be_visible(visible=right)
        expect(screens[number].locator("#legend")).to_be_visible()  # each is a map by itself
    expect(screens[4].locator("#screen")).to_have_text("Screen 4 of 4")
    screens[2].set_viewport_size({"width": 1400, "height": 720})
    assert grid_at(screens[2], 30, 500) == "e1"  # they go on meeting


def test_numbers_that_cannot_be_renewed_are_said_to_be_old_while_events_still_come(
    chromium: Browser, server: object, template: object
) -> None:
    with serving(server, template) as own, window(chromium, own, **QUIET) as watched:  # type: ignore[arg-type]
        page = watched.page
        page.clock.install()
        sign_in(watched, own, "watch")
        expect(page.locator("#stale")).to_be_hidden()
        page.clock.fast_forward(200_000)
        expect(page.locator("#stale")).to_be_hidden()  # asked each minute, and answered
        own.app.state.wall_memo.get = _broken
        page.clock.fast_forward(200_000)
        expect(page.locator("#stale")).to_contain_text("cannot be brought up to date")
        expect(page.locator("#connection")).to_have_text("Live")
        del own.app.state.wall_memo.get
        page.clock.fast_forward(61_000)
        expect(page.locator("#stale")).to_be_hidden()


async def _broken(*_: object) -> str:
    raise ConnectionError("the database is away")
