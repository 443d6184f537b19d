"""Every letter of the wall is large enough to be read from eight metres, on full HD and on 4K.

The rule and the wall that it is for stand in docs/wall.md: nine panels of 55 inches, 2,041 mm high.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.wall.windows import sign_in, window

pytestmark = [pytest.mark.browser, pytest.mark.db]
WALL_MM, AWAY_MM = 2041.0, 8000.0
EVERYTHING, WARNINGS = 300, 200  # a capital is at least this part of the distance high
WARNING = "#clock, .verdict, .alerts .count, #lost"
# Capitals of every text that can be seen, in pixels of the screen; in drawings as they are scaled.
CAPITALS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const [node, range] = [walk.currentNode, document.createRange()];
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest(".quiet, .skip, script, style")) continue;
    if (!holder.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || box.bottom <= 0 || box.top >= innerHeight) continue;
    const style = getComputedStyle(holder);
    // Ten times as large: a canvas rounds what it measures to whole pixels.
    pen.font = `${style.fontWeight} ${10 * parseFloat(style.fontSize)}px ${style.fontFamily}`;
    const scale = holder instanceof SVGGraphicsElement
      ? holder.getScreenCTM().a
      : holder.offsetWidth ? holder.getBoundingClientRect().width / holder.offsetWidth : 1;
    const capital = pen.measureText("H").actualBoundingBoxAscent / 10 * scale;
    found.push({ text: node.data.trim().slice(0, 40), capital, warns: holder.matches(WARNING) });
  }
  return found;
}"""


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_letter_is_read_from_eight_metres(
    chromium: Browser, own_service: Service, width: int, height: int, locale: str
) -> None:
    alert(own_service)
    size = {"width": width, "height": height}
    with window(chromium, own_service, locale=locale, viewport=size) as watched:
        page = watched.page
        sign_in(watched, own_service, "supervisor", "?layers=grids,live,looks,cameras,stations")
        page.wait_for_selector(".alerts .count")
        page.locator("#menu-name").dispatch_event("click")
        page.evaluate("document.getElementById('lost').hidden = false")
        page.evaluate("document.getElementById('lost').textContent ||= '断开 lost'")
        assert too_small(page, WALL_MM / height) == []


def too_small(page: Page, mm_per_pixel: float) -> list[str]:
    """Return what is smaller than the rule, with the height of its capitals in millimetres."""
    page.evaluate("document.fonts.ready.then(() => true)")
    seen = page.evaluate(CAPITALS.replace("WARNING", repr(WARNING)))
    assert len(seen) > 40
    assert sum(one["warns"] for one in seen) >= 5
    least = {True: AWAY_MM / WARNINGS, False: AWAY_MM / EVERYTHING}
    return [
        f"{one['text']}: {one['capital'] * mm_per_pixel:.1f} mm"
        for one in seen
        if one["capital"] * mm_per_pixel < least[one["warns"]]
    ]


def alert(service: Service) -> None:
    """Leave one open alert, so that its panel has all of its letters."""
    with connect(service.database) as connection:
        connection.execute(
            "SELECT raise_alert('burst', 1, %s, 'readable', 3, '突发', 'Burst', '{}')",
            [service.areas["w1"]],
        )
        connection.commit()


def test_letters_on_the_map_are_as_large_as_those_beside_it() -> None:
    source = Path("web/ui/src/wall")
    said = [file.read_text("utf-8") for file in sorted(source.glob("*.ts"))]
    sizes = [
        size for text in said for size in re.findall(r'"text-size"(?:,|:) ([^,)}]+?) ?[,)}]', text)
    ]
    assert len(sizes) >= 4
    assert set(sizes) == {"LETTERS_PX"}
    # The map is laid out in sixteenths of 1rem and drawn larger by that much (tiling.ts).
    assert "LETTERS_PX = 16;" in (source / "drawn.ts").read_text("utf-8")
    assert "rem() / 16" in (source / "tiling.ts").read_text("utf-8")
