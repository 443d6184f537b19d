"""Other basemaps: an operator's PMTiles file by ranges, Tianditu by its key, each really drawn."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pydantic import ValidationError

from geo.database.connect import Database
from tests.web.conftest import serving
from tests.web.district import SOUTH, STEP, WEST
from tests.web.tiles.test_tiles import tile_of
from tests.web.wall.pmtiles import varint, write_archive
from tests.web.wall.windows import sign_in, window
from web.settings import BasemapSettings, WebSettings

KEY = "0123456789abcdef0123456789abcdef"
ZOOM = 10
GREEN = (20, 160, 60)
SMALL = {"locale": "en-GB", "viewport": {"width": 1280, "height": 720}, "reduced_motion": "reduce"}
QUERY = f"?layers=&colour=none&at={WEST + 2 * STEP},{SOUTH + STEP},14&theme=day"


def settings(**basemap: object) -> WebSettings:
    return WebSettings(
        hash_memory_kib=19_456, pool_size=4, basemap=BasemapSettings.model_validate(basemap)
    )


def pixel(page: Page) -> tuple[int, int, int]:
    """Return the colour that is drawn between the panels."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    found = picture.getpixel((620, 400))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 4


def wait_for_colour(page: Page, colour: tuple[int, ...]) -> None:
    for _ in range(300):
        if near(pixel(page), colour):
            return
        page.wait_for_timeout(250)
    assert near(pixel(page), colour)


def water() -> bytes:
    """Return a vector tile whose one layer ``water`` is a square over all of it."""
    square = [9, 0, 0, 26, 8192, 0, 0, 8192, 8191, 0, 15]  # move to, three lines, close
    packed = b"".join(varint(n) for n in square)
    feature = b"\x18\x03\x22" + varint(len(packed)) + packed
    layer = b"\x78\x02\x0a\x05water\x12" + varint(len(feature)) + feature + b"\x28\x80\x20"
    return b"\x1a" + varint(len(layer)) + layer


def test_an_operators_file_is_asked_for_by_ranges_and_drawn(
    chromium: Browser, server: Database, template: Database, tmp_path: Path
) -> None:
    file = tmp_path / "city.pmtiles"
    x, y = tile_of(ZOOM, WEST + 2 * STEP, SOUTH + STEP)
    # A second tile far away makes the archive longer than what its reader asks for at first.
    file.write_bytes(write_archive({(ZOOM, x, y): water(), (ZOOM, 0, 0): bytes(600_000)}))
    with serving(server, template, settings(file=file)) as own:
        reader = own.client(headers=own.bearer("watch"))
        part = reader.get("/basemap.pmtiles", headers={"Range": "bytes=0-6"})
        assert (part.status_code, part.content) == (206, b"PMTiles")
        assert own.client().get("/basemap.pmtiles").status_code == 401
        with window(chromium, own, **SMALL) as watched:
            ranges: list[str] = []
            watched.page.on(
                "request",
                lambda asked: (
                    ranges.append(asked.headers.get("range", ""))
                    if "pmtiles" in asked.url
                    else None
                ),
            )
            sign_in(watched, own, "watch", QUERY)
            wait_for_colour(watched.page, token(watched.page, "map-water"))
            assert token(watched.page, "map-water") != token(watched.page, "map-ground")
            assert ranges
            assert all(asked.startswith("bytes=") for asked in ranges)
            assert watched.outside == []
            assert watched.complaints == []


def token(page: Page, name: str) -> tuple[int, ...]:
    """Return a colour of the theme as the browser works it out."""
    said = page.evaluate(
        "name => { const pen = document.createElement('canvas').getContext('2d'); "
        "pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); "
        "pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]; }", name,
    )  # fmt: skip
    return tuple(said)


class Tianditu(ThreadingHTTPServer):
    """Speaks the WMTS of Tianditu by key-value pairs; keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[dict[str, str]] = []
        self.paths: set[str] = set()


class Answer(BaseHTTPRequestHandler):
    """One tile: green below, nothing in the layer of labels."""

    server: Tianditu

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.server.asked.append(given)
        self.server.paths.add(address.path)
        is_right = given.get("tk") == KEY and given.get("REQUEST") == "GetTile"
        colour = (*GREEN, 255) if address.path == "/vec_w/wmts" else (0, 0, 0, 0)
        body = io.BytesIO()
        Image.new("RGBA", (256, 256), colour).save(body, "PNG")
        self.send_response(200 if is_right else 403)
        self.send_header("Content-Type", "image/png")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body.getvalue())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def tianditu() -> Iterator[Tianditu]:
    """Run the stand-in on this machine."""
    running = Tianditu()
    Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()


def test_tianditu_is_drawn_by_key_and_no_other_host_is_opened(
    chromium: Browser, server: Database, template: Database
) -> None:
    with tianditu() as there, tianditu() as elsewhere:
        host, other = (f"http://127.0.0.1:{one.server_port}" for one in (there, elsewhere))
        own_settings = settings(tianditu_key=KEY, tianditu_host=host)
        with serving(server, template, own_settings) as own:
            policy = own.client().get("/login").headers["content-security-policy"]
            assert f"connect-src 'self' {host};" in policy
            assert other not in policy
            assert "tianditu.gov.cn" not in policy
            with window(chromium, own, also=(host, other), **SMALL) as watched:
                page = watched.page
                sign_in(watched, own, "watch", QUERY)
                wait_for_colour(page, GREEN)
                expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("天地图")
                assert watched.complaints == []
                reached = page.evaluate(
                    "url => fetch(url).then(() => 'reached', () => 'refused')", other
                )
                assert reached == "refused"
                assert watched.outside == []
        assert elsewhere.asked == []
        assert there.paths == {"/vec_w/wmts", "/cva_w/wmts"}
        first = there.asked[0]
        assert {"SERVICE", "VERSION", "LAYER", "STYLE", "TILEMATRIXSET", "FORMAT"} < set(first)
        assert first["TILEMATRIXSET"] == "w"
        assert all(one["tk"] == KEY for one in there.asked)


def test_another_host_for_tianditu_is_https_or_this_machine() -> None:
    assert len(BasemapSettings(tianditu_key=KEY).hosts()) == 8
    regional = BasemapSettings(tianditu_key=KEY, tianditu_host="https://tiles.example.gov.cn")
    assert regional.hosts() == ("https://tiles.example.gov.cn",)
    for wrong in ("http://tiles.example", "https://a.example; script-src *", "https://a.example/x"):
        with pytest.raises(ValidationError, match="TIANDITU_HOST"):
            BasemapSettings(tianditu_key=KEY, tianditu_host=wrong)
