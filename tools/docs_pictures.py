"""Write the pictures of docs/ anew: the real service on the demo district, in a real Chromium.

    make pictures                                    # all of them
    .venv/bin/python tools/docs_pictures.py plan     # some of them

Run `gridbeat demo` and `gridbeat routes` before; with `--until today --live` and `gridbeat worker`
beside it the wall is of today. The pictures of docs/images/cases are written by the tests that walk
through them (GRIDBEAT_WRITE_SCREENSHOTS=1), that of Chicago by `gridbeat map` on its open data,
that of findings by `gridbeat grids check` on grids with faults, which the demo has not.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from geo.database.connect import Database
from web.app import create_app
from web.auth.accounts import NewAccount, write_account
from web.auth.passwords import Passwords, one_time_password
from web.auth.permissions import Role
from web.opening import begin, open_database
from web.settings import WebSettings

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
WEBGL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SEEN_BY = (Role.SUPERVISOR, Role.PLANNER, Role.DISPATCHER)
TILES_MS = 4000  # tiles arrive and fade in


@dataclass(frozen=True)
class Scene:
    """One picture: of which page, how large, and what is done before it is taken."""

    path: str
    size: tuple[int, int] = (1920, 1080)
    lang: str = "zh"
    theme: str = "night"
    prepare: Callable[[Page], None] | None = None


def choose_grid(page: Page) -> None:
    """Choose the first grid of the list, so that the map turns to it."""
    page.locator("li[data-code] input").first.check()


# By the picture's name. The map's place and layers stand in the address, as for any screen.
PAGES: dict[str, Scene] = {
    "wall-night": Scene("/wall?layers=grids,live,hotspots,emerging"),
    "wall-day": Scene(
        "/wall?layers=hexagons,stations&measure=per_patrol_hour", theme="day", lang="en"
    ),
    "wall-live": Scene("/wall?layers=grids,live,tracks&at=121.047,35.604,14.2", lang="en"),
    "wall-looks": Scene("/wall?layers=grids,looks,blind&colour=none&at=121.045,35.60,13.4"),
    "plan": Scene("/plan", (1600, 1000), theme="day", lang="en"),
    "grids-page": Scene("/grids", (1600, 1000), theme="day", prepare=choose_grid),
    "posts": Scene("/posts", (1600, 1000), theme="day", lang="en"),
}


@dataclass(frozen=True)
class MapScene:
    """A map that a command writes: how large, what is done before it is made, and on it."""

    command: tuple[str, ...]
    file: str
    size: tuple[int, int] = (1440, 900)
    before: tuple[tuple[str, ...], ...] = ()
    prepare: Callable[[Page], None] | None = None


def show_routes(page: Page) -> None:
    """Leave the routes alone on the ground, and go near enough to read the numbers of visits."""
    for box in page.locator(".leaflet-control-layers-overlays label").all():
        ground = re.search("Buildings|Roads|Boundary|Grids|Patrol routes", box.inner_text())
        box.locator("input").set_checked(ground is not None)
    for _ in range(3):
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(500)
    page.locator(".leaflet-control-layers-overlays label", has_text="Patrol routes").hover()


TAKES_OFF = ("--takes-off", "2026-11-08 09:00")  # a day later, when a race closes the air
PARK = ("--area", "990101001002", "--drones", "2", "--height", "100", "--wind", "4",
        "--wind-from", "300")  # fmt: skip
# Maps that commands write: one file each, opened from disk as by whoever receives it.
MAPS: dict[str, MapScene] = {
    "coverage": MapScene(("coverage", "--no-store", "--out", "coverage.html"), "coverage.html"),
    "cameras-map": MapScene(("cameras", "map", "--out", "cameras.html"), "cameras.html"),
    "routes": MapScene(("map", "--out", "map.html"), "map.html", (1100, 720), prepare=show_routes),
    "drones-map": MapScene(
        ("drones", "map", "park", *TAKES_OFF, "--out", "park.html"), "park.html", (1300, 820),
        before=(("drones", "plan", "park", *PARK, "--takes-off", "2026-11-07 09:00"),),
    ),
}  # fmt: skip


@contextmanager
def serving(database: Database) -> Iterator[tuple[str, str, str]]:
    """Serve the pages on a free port; give the origin, a login and its password."""
    login, password = f"pictures-{uuid4().hex[:8]}", one_time_password()
    digest = Passwords(at_once=1).digest_now(password)
    with begin(database) as connection:
        write_account(connection, NewAccount(
            login, "演示 Demo", SEEN_BY, digest, all_areas=True, must_change=False,
        ))  # fmt: skip
    app = create_app(WebSettings(), database)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            sys.exit("the service did not start")
        thread.join(timeout=0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", login, password
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def take_pages(
    browser: Browser, names: list[str], folder: Path, at: tuple[str, str, str], also: dict[str, str]
) -> None:
    """Sign in once, and take each page in its own language, theme and size."""
    origin, login, password = at
    state = sign_in(browser, origin, login, password)
    for name in names:
        scene = PAGES[name] if name in PAGES else Scene(also[name])
        context = browser.new_context(
            base_url=origin, storage_state=state, timezone_id="Asia/Shanghai",
            locale="zh-CN" if scene.lang == "zh" else "en-GB",
            viewport={"width": scene.size[0], "height": scene.size[1]},
        )  # fmt: skip
        page = context.new_page()
        page.goto(f"/login?lang={scene.lang}&theme={scene.theme}")
        page.evaluate("theme => localStorage.setItem('gridbeat-theme', theme)", scene.theme)
        sign = "&" if "?" in scene.path else "?"
        page.goto(f"{scene.path}{sign}lang={scene.lang}&theme={scene.theme}")
        page.wait_for_selector("body[data-ready]", timeout=90_000)
        if scene.prepare is not None:
            scene.prepare(page)
        page.wait_for_timeout(TILES_MS)
        take(page, folder / f"{name}.png")
        context.close()


def take(page: Page, file: Path) -> None:
    """Write what a page shows in the 256 colours that cover it: a third of the bytes.

    Not by median cut, which gives small things, as a legend's, the colour of something larger.
    """
    page.screenshot(path=file)
    with Image.open(file) as shot:
        few = shot.convert("RGB").quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE
        )
    few.save(file, optimize=True)
    print(file, flush=True)  # noqa: T201


def sign_in(browser: Browser, origin: str, login: str, password: str) -> str:
    """Sign in by the form; return the file of cookies."""
    context = browser.new_context(base_url=origin)
    page = context.new_page()
    page.goto("/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url("**/account*", timeout=60_000)
    file = Path(tempfile.mkdtemp()) / "state.json"
    context.storage_state(path=file)
    context.close()
    return str(file)


def take_maps(browser: Browser, names: list[str], folder: Path) -> None:
    """Let a command write each map, and open the file with the network off."""
    with tempfile.TemporaryDirectory() as made:
        for name in names:
            scene = MAPS[name]
            for command in (*scene.before, scene.command):
                done = subprocess.run(
                    [Path(sys.executable).with_name("gridbeat"), *command],
                    cwd=made, capture_output=True, text=True, check=False,
                )  # fmt: skip
            if not (Path(made) / scene.file).exists():
                sys.exit(f"gridbeat {' '.join(command)} wrote no {scene.file}: {done.stderr}")
            width, height = scene.size
            page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
            page.goto((Path(made) / scene.file).as_uri())
            page.wait_for_selector("body[data-ready]", timeout=90_000)
            if scene.prepare is not None:
                scene.prepare(page)
            page.wait_for_timeout(TILES_MS)
            take(page, folder / f"{name}.png")
            page.close()


def main() -> None:
    """Write the pictures that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*PAGES, *MAPS])}")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the pictures")
    parser.add_argument(
        "--page", action="append", default=[], metavar="NAME=PATH", help="one more page, to look at"
    )
    given = parser.parse_args()
    also = dict(one.split("=", 1) for one in given.page)
    names = given.names or ([] if also else [*PAGES, *MAPS])
    if unknown := [name for name in names if name not in PAGES and name not in MAPS]:
        parser.error(f"no picture is called {', '.join(unknown)}")
    given.out.mkdir(parents=True, exist_ok=True)
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        sys.exit("no Chromium found: install the package 'chromium' (see packages.apt)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=WEBGL)
        pages = [name for name in names if name in PAGES] + list(also)
        if pages:
            with serving(open_database()) as at:
                take_pages(browser, pages, given.out, at, also)
        take_maps(browser, [name for name in names if name in MAPS], given.out)
        browser.close()


if __name__ == "__main__":
    main()
