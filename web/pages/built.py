"""The pages that Vite built: which there are, who may open them, and their files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable

from geo.errors import NotFoundError
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.language import PageLang

BUILD = "build the pages first: make ui"
MEDIA = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_HTML_TAG = re.compile(r"<html[^>]*>")


@dataclass(frozen=True)
class Page:
    """One page of the front end, ``web/ui/<name>.html``, and what opening it needs."""

    name: str
    permission: Permission


PAGES = (
    Page("wall", Permission.WALL_VIEW),
    Page("plan", Permission.PLANS_READ),
    Page("grids", Permission.MAP_READ),
    Page("posts", Permission.POSTS_READ),
    Page("desk", Permission.CASES_INTAKE),
    Page("field", Permission.CASES_HANDLE),
    Page("screen", Permission.PUBLIC),  # where a wall's screen shows its token
)


def permitted_pages(principal: Principal) -> list[str]:
    """Return the names of the built pages that somebody may open."""
    return [page.name for page in PAGES if principal.may(page.permission) and is_built(page.name)]


def is_built(name: str) -> bool:
    """Tell whether a page's HTML is there."""
    return _app().joinpath(f"{name}.html").is_file()


@cache
def page_html(name: str, lang: PageLang) -> bytes:
    """Return a page that says its language.

    Raises
    ------
    NotFoundError
        It was not built.
    """
    if not is_built(name):
        raise NotFoundError(f"the page /{name} is not there: {BUILD}")
    text = _app().joinpath(f"{name}.html").read_text("utf-8")
    code = "en" if lang == "en" else "zh-CN"
    return _HTML_TAG.sub(f'<html lang="{code}">', text, count=1).encode()


@cache
def asset(path: str) -> tuple[bytes, str]:
    """Return a built file, found by its path under ``assets``, and its media type.

    Raises
    ------
    NotFoundError
        There is none: only what was built is served, wherever a path leads.
    """
    if path not in _names():
        raise NotFoundError(f"there is no file {path[:100]!r}")
    suffix = "." + path.rpartition(".")[2]
    content = _app().joinpath("assets", *path.split("/")).read_bytes()
    return content, MEDIA.get(suffix, "application/octet-stream")


@cache
def asset_named(stem: str, suffix: str) -> str:
    """Return the built name of a file, which ends in a digest of its content.

    Raises
    ------
    NotFoundError
        It was not built.
    """
    for name in sorted(_names()):
        if name.startswith(f"{stem}-") and name.endswith(suffix):
            return name
    raise NotFoundError(f"the file {stem}{suffix} is not there: {BUILD}")


@cache
def worker() -> bytes:
    """Return the service worker of the page /field.

    Raises
    ------
    NotFoundError
        It was not built.
    """
    script = _app().joinpath("field-worker.js")
    if not script.is_file():
        raise NotFoundError(f"the service worker of /field is not there: {BUILD}")
    return script.read_bytes()


@cache
def _names() -> frozenset[str]:
    folder = _app().joinpath("assets")
    return frozenset(_walk(folder, "")) if folder.is_dir() else frozenset()


def _walk(folder: Traversable, before: str) -> list[str]:
    found = []
    for item in folder.iterdir():
        path = f"{before}{item.name}"
        found += _walk(item, f"{path}/") if item.is_dir() else [path]
    return found


@cache
def build_id() -> str:
    """Return what changes with every build of the pages; ``none`` where nothing was built."""
    manifest = files("web").joinpath("assets", "vendor", "manifest.json")
    if not manifest.is_file():
        return "none"
    built = json.loads(manifest.read_text("utf-8"))["files"]
    return blake2b(json.dumps(built, sort_keys=True).encode(), digest_size=8).hexdigest()


def _app() -> Traversable:
    return files("web").joinpath("assets", "app")
