"""A map opens in a real browser with the network off, and can be used there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from playwright.sync_api import expect
from shapely.geometry import LineString, Point, box

from tests.web.browsing import check_axe
from web.maps.layers import MapLayers, MapMeta
from web.maps.payloads import layer_payload, to_script
from web.maps.render import render_map, write_map

pytestmark = pytest.mark.browser

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
)
WEST, SOUTH = 500_000.0, 3_460_000.0


def squares(n, size_m):
    """Return an n x n lattice of squares of `size_m` metres, in rows from the south-west."""
    return [
        box(
            WEST + x * size_m, SOUTH + y * size_m, WEST + (x + 1) * size_m, SOUTH + (y + 1) * size_m
        )
        for y in range(n)
        for x in range(n)
    ]


def district(grids_across=8, cells_across=32):
    """Return the layers of a made-up district of 2.4 km, with one hot and one cold spot."""
    rng = np.random.default_rng(8)
    side = 2400.0
    n = grids_across**2
    grids = gpd.GeoDataFrame(
        {
            "code": [f"990101001001{i:03d}" for i in range(n)],
            "name": [HOSTILE, *(f"第{i}网格" for i in range(1, n))],
            "community": [f"社区{i % 4}" for i in range(n)],
            "households": rng.integers(300, 500, n),
            "kind": "basic",
        },
        geometry=squares(grids_across, side / grids_across),
        crs=4549,
    )
    trends = grids.assign(
        slope=np.where(np.arange(n) % 5 == 0, 0.4, -0.3),
        q_value=rng.choice([0.004, 0.03, 0.08, 0.5], n),
        observed=np.where(np.arange(n) % 17 == 3, 0, rng.integers(1, 90, n)),
    )
    plan = grids.assign(
        hours=np.round(rng.gamma(2, 0.9, n) * 4) / 4 + 0.5,
        explore_h=0.25,
        trend_h=0.5,
        unknown=np.arange(n) % 17 == 3,
        reason_zh="3.50小时：暴露垃圾6周上升38%（q<0.01）",
        reason_en="3.50 h: dumping up 38 % in 6 weeks (q < 0.01)",
    )
    cells = gpd.GeoDataFrame(geometry=squares(cells_across, side / cells_across), crs=4549)
    centre = cells.centroid
    hot = np.hypot(centre.x - WEST - 700, centre.y - SOUTH - 1600)
    cold = np.hypot(centre.x - WEST - 1800, centre.y - SOUTH - 600)
    z = 4.2 * np.exp(-((hot / 260) ** 2)) - 3.4 * np.exp(-((cold / 220) ** 2))
    hotspots = cells.assign(
        score=z,
        q_value=np.select([abs(z) > 3, abs(z) > 2.2, abs(z) > 1.4], [0.004, 0.03, 0.08], 0.6),
        observed=np.round(10 + 8 * z).clip(0),
    )
    spots = WEST + rng.uniform(100, side - 100, (12, 2)) - [0, WEST - SOUTH]
    cameras = gpd.GeoDataFrame(
        {
            "name": [f"摄像机{i}" for i in range(12)],
            "status": ["online", "offline", None] * 4,
            "azimuth": [*(np.arange(10) * 36.0), np.nan, np.nan],
            "fov": [70.0] * 10 + [360.0, np.nan],
            "range_m": [120.0] * 12,
        },
        geometry=[Point(*spot) for spot in spots],
        crs=4549,
    )
    roads = [
        line
        for k in range(grids_across + 1)
        for at in [k * side / grids_across]
        for line in (
            LineString([(WEST + at, SOUTH), (WEST + at, SOUTH + side)]),
            LineString([(WEST, SOUTH + at), (WEST + side, SOUTH + at)]),
        )
    ]
    corners = rng.uniform(0, side - 40, (300, 2))
    buildings = [
        box(WEST + x, SOUTH + y, WEST + x + w, SOUTH + y + h)
        for (x, y), (w, h) in zip(corners, rng.uniform(12, 38, (300, 2)), strict=True)
    ]
    return MapLayers(
        buildings=gpd.GeoDataFrame(geometry=buildings, crs=4549),
        roads=gpd.GeoDataFrame(geometry=roads, crs=4549),
        boundary=gpd.GeoDataFrame(geometry=[box(WEST, SOUTH, WEST + side, SOUTH + side)], crs=4549),
        grids=grids,
        density=cells.assign(score=np.exp(z)),
        trends=trends,
        hotspots=hotspots,
        cameras=cameras,
        plan=plan,
    )


META = MapMeta(
    name_zh="模拟区",
    name_en="Demo district",
    data_from=datetime(2026, 5, 1, tzinfo=UTC),
    data_until=datetime(2026, 11, 22, tzinfo=UTC),
    made_at=datetime(2026, 11, 22, 20, tzinfo=UTC),
    metric_crs="CGCS2000 / 3-degree GK CM 120E (EPSG:4549)",
    code_version="0.1.0",
    simulated=True,
    plan_date=date(2026, 11, 23),
    sources=("模拟数据 Simulated by Gridbeat",),
    parameters={"Getis-Ord Gi*": {"cell": "75 m", "permutations": 999, "seed": 7}},
)


class Page:
    """An open map, what it asked the network for, and what went wrong in it."""

    def __init__(self, browser, path, size=(1440, 900)):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.asked, self.errors = [], []
        self.context.route("**/*", self._guard)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda line: self.errors.append(line.text) if line.type == "error" else None
        )
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)

    def _guard(self, route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def count(self, selector):
        return self.page.locator(selector).count()


@pytest.fixture(scope="module")
def map_file(tmp_path_factory):
    return write_map(tmp_path_factory.mktemp("map") / "map.html", district(), meta=META)


@pytest.fixture
def opened(browser, map_file):
    page = Page(browser, map_file)
    yield page
    page.context.close()


def test_the_map_draws_without_any_request_or_error(opened):
    assert opened.asked == []
    assert opened.errors == []
    assert opened.count("path.leaflet-interactive") > 64 + 64
    assert opened.count("#gb-switch input[type=checkbox]") == 9


def test_both_languages_and_the_notices_are_there(opened):
    text = opened.page.inner_text("body")
    for words in (
        "模拟数据 / SIMULATED",
        "内部资料 未经审核不得公开",
        "Internal: not for publication",
        "热点 / Hotspots",
        "数据时段 / Data from–to: 2026-05-01 – 2026-11-21",
        "EPSG:4549",
        "草案",
    ):
        assert words in text


def test_hostile_names_are_text_and_run_nothing(opened):
    opened.page.evaluate("""() => {
        for (const box of document.querySelectorAll('#gb-switch input'))
            if (box.checked !== box.parentElement.textContent.includes('Grids')) box.click();
    }""")
    opened.page.locator("path.leaflet-interactive").first.dispatch_event("click", {"bubbles": True})
    popup = opened.page.inner_text(".leaflet-popup-content")
    assert "</script><script>" in popup
    assert "owned" not in opened.page.title()
    assert opened.count(".leaflet-popup-content img") == 0
    assert opened.errors == []


def test_layers_and_their_legends_switch_by_keyboard(opened):
    page = opened.page
    assert not page.locator('[data-layer="cameras"]').is_visible()
    drawn = opened.count("path")
    switch = page.get_by_label("Cameras", exact=False)
    switch.focus()
    page.keyboard.press("Space")
    assert page.locator('[data-layer="cameras"]').is_visible()
    # 12 positions and the 11 views that are known.
    assert opened.count("path") == drawn + 12 + 11
    page.keyboard.press("Space")
    assert opened.count("path") == drawn
    assert not page.locator('[data-layer="cameras"]').is_visible()


def test_the_switch_is_reached_by_the_tab_key(opened):
    for _ in range(12):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.type === 'checkbox'"):
            return
    pytest.fail("twelve presses of Tab did not reach the layer switch")


def test_a_click_on_a_grids_circle_tells_hours_and_reason(opened):
    page = opened.page
    label = page.locator(".gb-label-plan").nth(20).bounding_box()
    page.mouse.click(label["x"], label["y"])
    popup = page.inner_text(".leaflet-popup-content")
    assert "巡逻时长 / Patrol hours" in popup
    assert "暴露垃圾6周上升38%" in popup
    assert "dumping up 38 %" in popup


def test_hours_are_written_where_they_have_room_and_only_there(opened):
    page = opened.page
    assert opened.count(".gb-label-plan span:visible") > 30
    for _ in range(4):
        page.locator(".leaflet-control-zoom-out").click()
        page.wait_for_timeout(400)
    assert opened.count(".gb-label-plan span:visible") == 0


def test_the_approval_box_stands_in_the_lower_left_and_hides_nothing(opened):
    page = opened.page
    area, notice = (
        page.locator(selector).bounding_box()
        for selector in (".folium-map", ".gb-approval >> nth=0")
    )
    assert notice["x"] - area["x"] < 20
    assert 0 <= notice["y"] - area["y"] - area["height"] < 20


def test_a_large_map_is_drawn_on_a_canvas_and_answers_a_click(browser, tmp_path):
    layers = district(grids_across=70, cells_across=100)
    hot = layers.hotspots.assign(score=3.0, q_value=0.001)
    big = MapLayers(grids=layers.grids, hotspots=hot, plan=layers.plan)
    path = write_map(tmp_path / "big.html", big, meta=META, lang="en")
    opened = Page(browser, path)
    page = opened.page
    assert opened.asked == []
    assert opened.errors == []
    assert opened.count("canvas") >= 1
    area = page.locator(".folium-map").bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    assert page.locator(".leaflet-popup-content").inner_text()
    opened.context.close()


def test_findings_are_seen_from_afar_and_tell_themselves_at_a_click(browser, tmp_path):
    layers = district()
    findings = gpd.GeoDataFrame(
        {
            "severity": ["warning", "error"],
            "code": [HOSTILE, "990101001001"],
            "message_zh": ["少于300户", "有 2.0 平方米不属于任何网格"],
            "message_en": ["fewer than 300 households", "2.0 m2 belong to no grid"],
        },
        geometry=[layers.grids.geometry[9], box(WEST + 900, SOUTH + 900, WEST + 902, SOUTH + 901)],
        crs=4549,
    )
    shown = MapLayers(boundary=layers.boundary, grids=layers.grids, findings=findings)
    meta = replace(META, topic="grids", plan_date=None)
    opened = Page(browser, write_map(tmp_path / "findings.html", shown, meta=meta))
    page = opened.page
    for _ in range(3):
        page.locator(".leaflet-control-zoom-out").click()
        page.wait_for_timeout(400)
    signs = page.locator(".gb-label-findings span:visible")
    assert sorted(signs.all_inner_texts()) == ["!", "×"]
    spot = page.locator(".gb-label-findings", has_text="×").bounding_box()
    page.mouse.click(spot["x"], spot["y"])
    popup = page.inner_text(".leaflet-popup-content")
    assert "× 错误：有 2.0 平方米不属于任何网格" in popup
    assert "× error: 2.0 m2 belong to no grid" in popup
    legend = page.inner_text('[data-layer="findings"]')
    assert "! 提醒 / warning" in legend
    assert opened.asked == []
    assert opened.errors == []
    opened.context.close()


def test_a_narrow_screen_keeps_map_and_switch_in_reach(browser, map_file):
    opened = Page(browser, map_file, size=(420, 800))
    assert opened.page.locator(".folium-map").bounding_box()["height"] > 300
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 420
    opened.context.close()


def test_the_guard_of_these_tests_sees_a_page_that_does_ask(browser, tmp_path):
    path = Path(tmp_path / "asks.html")
    address = json.dumps("https://tiles.example/1.png")
    path.write_text(
        f"<body data-ready><script>new Image().src={address}</script></body>", encoding="utf-8"
    )
    opened = Page(browser, path)
    opened.page.wait_for_timeout(300)
    assert opened.asked == ["https://tiles.example/1.png"]
    opened.context.close()


MEGABYTE = 1_000_000


def bare(district_layers):
    """Return one grid and nothing else, so that the page is all that is not data."""
    return MapLayers(grids=district_layers.grids.iloc[1:2])


@pytest.mark.parametrize("lang", ["zh", "en", "both"])
def test_what_is_not_data_stays_below_a_megabyte(lang):
    page = render_map(bare(district()), meta=META, lang=lang)
    assert len(page.encode()) < MEGABYTE
    whole = render_map(district(), meta=META, lang=lang)
    present = district().present()
    data = sum(
        len(to_script(layer_payload(name, frame, lang=lang)).encode())
        for name, frame in present.items()
    )
    assert len(whole.encode()) - data < MEGABYTE


def more_findings():
    """Return the layers of weeks, both sources and streets."""
    base = district(grids_across=4, cells_across=8)
    rng = np.random.default_rng(3)
    grids, n = base.grids.iloc[1:], len(base.grids) - 1
    week = grids.assign(
        label=np.resize(["evening", "morning", "night", "afternoon", "even", "untested"], n),
        week=[rng.poisson(3, 168).tolist() for _ in range(n)],
        observed=500.0, q_value=0.001, busiest="周五 Fri 18-22 h (9%)",
    )  # fmt: skip
    bias = grids.assign(
        label=np.resize(["known", "known", "known", "unknown"], n), reported_share=1 / n,
        found_share=1 / n, corrected_share=1 / n, share_before=1 / n, share_after=1 / n,
        score=np.resize([0.4, 1.0, 2.0, np.nan], n), effort_h=12.0, lacking_if_silent=0.04,
        unknown_grids="1 / 3",
    )  # fmt: skip
    roads = base.roads
    streets = roads.assign(
        label=np.resize(["hot", "none", "cold", "none", "none"], len(roads)), score=1.0,
        q_value=0.01, street="东街", observed=12.0, expected=3.0,
        density=np.linspace(0, 400, len(roads)),
    )  # fmt: skip
    return replace(base, week=week, bias=bias, streets=streets)


@pytest.fixture(scope="module")
def more_file(tmp_path_factory):
    return write_map(tmp_path_factory.mktemp("more") / "map.html", more_findings(), meta=META)


def show_only(opened, name):
    opened.page.evaluate(
        """name => {
        for (const box of document.querySelectorAll('#gb-switch input'))
            if (box.checked !== box.parentElement.textContent.includes(name)) box.click();
    }""",
        name,
    )


def test_a_grid_shows_its_week_as_a_picture_with_words(browser, more_file):
    opened = Page(browser, more_file)
    show_only(opened, "Hours of the week")
    opened.page.locator("path.leaflet-interactive").first.dispatch_event("click", {"bubbles": True})
    assert opened.count(".gb-week rect") == 168
    assert "周五 Fri 18-22 h" in opened.page.get_attribute(".gb-week", "aria-label")
    assert "A row a day from Monday" in opened.page.inner_text(".leaflet-popup-content")
    assert opened.errors == []
    opened.context.close()


def test_both_sources_and_unknown_communities_are_told_apart(browser, more_file):
    opened = Page(browser, more_file)
    show_only(opened, "Who speaks up")
    legend = opened.page.inner_text('[data-layer="bias"]')
    for words in ("reports less than patrols find < 0.67", "? ", "上报偏少"):
        assert words in legend
    opened.page.locator("path.leaflet-interactive").first.dispatch_event("click", {"bubbles": True})
    popup = opened.page.inner_text(".leaflet-popup-content")
    for words in ("Share of finds, as they come", "Share of finds, by effort", "Unknown grids"):
        assert words in popup
    show_only(opened, "Streets")
    assert "hot street" in opened.page.inner_text('[data-layer="streets"]')
    assert opened.asked == opened.errors == []
    opened.context.close()


@pytest.mark.parametrize("lang", ["zh", "en", "both"])
def test_a_map_can_be_used_by_keyboard_and_screen_reader(browser, tmp_path, lang):
    file = write_map(tmp_path / "map.html", more_findings(), meta=META, lang=lang)
    opened = Page(browser, file)
    assert opened.page.get_attribute("html", "lang") == {"zh": "zh-CN", "en": "en"}.get(
        lang, "zh-CN"
    )
    assert check_axe(opened.page) == []
    opened.page.locator("path.leaflet-interactive").first.dispatch_event("click", {"bubbles": True})
    # A popup that still fades in has less contrast.
    expect(opened.page.locator(".leaflet-popup")).to_have_css("opacity", "1")
    assert check_axe(opened.page) == []
    opened.context.close()
