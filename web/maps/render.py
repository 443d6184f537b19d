"""A stand-alone map in one HTML file that opens with the network off."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from geo.errors import InputError
from web.i18n import Lang, html_lang, say
from web.maps.assets import LEAFLET_CSS, LEAFLET_JS, MAP_CSS, MAP_JS, inline_assets
from web.maps.layers import MapLayers, MapMeta, check_audience
from web.maps.panels import head_html, info_box_html, side_html
from web.maps.payloads import layer_payload, to_script
from web.write_file import write_whole

# Above this a canvas stays quick where one SVG node a shape does not.
CANVAS_FROM = 2500


def render_map(layers: MapLayers, *, meta: MapMeta, lang: Lang = "both") -> str:
    """Return a map as one HTML page without any outside reference.

    Parameters
    ----------
    layers
        What to show, in any CRS; layers without rows are left out.
    meta
        What the map says about itself.
    lang
        ``"zh"``, ``"en"``, or ``"both"`` side by side.

    Returns
    -------
    str
        HTML; the same input gives the same page.

    Raises
    ------
    InputError
        If a public map would show what it must not, a column is missing, or nothing is shown.
    CrsError, GeometryError
        If a layer has no CRS, or geometries of another kind.
    MissingDependencyError
        If the browser libraries were not fetched; the message names the command.
    """
    check_audience(layers, meta)
    present = layers.present()
    if not present:
        msg = "there is nothing to show on the map; every layer is empty"
        raise InputError(msg)
    public = meta.audience == "public"
    payloads = [
        layer_payload(name, frame, lang=lang, public=public) for name, frame in present.items()
    ]
    for payload in payloads:
        payload["shown"] |= meta.topic == "cameras" and payload["id"] == "views"
    figure = _figure(payloads, _bounds(present), meta, lang)
    return inline_assets(figure.render(), html_lang=html_lang(lang))


def write_map(path: Path, layers: MapLayers, *, meta: MapMeta, lang: Lang = "both") -> Path:
    """Write the page that `render_map` returns, whole or not at all, and return its path."""
    return write_whole(path, render_map(layers, meta=meta, lang=lang))


class _Map(folium.Map):  # type: ignore[misc]
    """A folium map that needs Leaflet and nothing else."""

    default_js = [("leaflet", LEAFLET_JS), ("gridbeat_map", MAP_JS)]  # noqa: RUF012
    default_css = [("leaflet_css", LEAFLET_CSS), ("gridbeat_map_css", MAP_CSS)]  # noqa: RUF012


class _PayloadLayer(folium.map.Layer):  # type: ignore[misc]
    """A layer that the browser draws from its payload."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridbeat.layer({{ this.script }});"
        "{% endmacro %}"
    )

    def __init__(self, payload: dict[str, Any]) -> None:
        name = f"{payload['label']} ({payload['count']:,})"
        super().__init__(name=name, overlay=True, control=True, show=payload["shown"])
        self._name = "PayloadLayer"
        self.script = to_script(payload)


class _Setup(MacroElement):  # type: ignore[misc]
    """The call that puts switch, legend and labels in place."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "gridbeat.setup({{ this.map_name() }}, {{ this.control.get_name() }},"
        " [{{ this.layer_names() }}], {{ this.options }});"
        "{% endmacro %}"
    )

    def __init__(
        self, control: folium.LayerControl, layers: list[_PayloadLayer], options: dict[str, Any]
    ) -> None:
        super().__init__()
        self._name = "Setup"
        self.control, self.layers = control, layers
        self.options = to_script(options)

    def map_name(self) -> str:
        """Return the script's name of the map."""
        return str(self._parent.get_name())

    def layer_names(self) -> str:
        """Return the script's names of the layers, from bottom to top."""
        return ", ".join(layer.get_name() for layer in self.layers)


class _Html(Element):  # type: ignore[misc]
    """HTML that is printed as it is, whatever signs of a template a name holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html

    def render(self, **kwargs: object) -> str:
        """Return the HTML."""
        return self.html


def _figure(
    payloads: list[dict[str, Any]], bounds: list[list[float]], meta: MapMeta, lang: Lang
) -> Figure:
    canvas = sum(payload["count"] for payload in payloads) > CANVAS_FROM
    middle = np.mean(bounds, axis=0).tolist()
    page = _Map(location=middle, tiles=None, prefer_canvas=canvas, zoom_snap=0.25)
    layers = [_PayloadLayer(payload) for payload in payloads]
    for layer in layers:
        layer.add_to(page)
    control = folium.LayerControl(collapsed=False, auto_z_index=False)
    control.add_to(page)
    options = {
        "bounds": bounds,
        "label": say("map", lang),
        "notes": {
            "hotspots": say("not_significant", lang),
            "counts": say("small_withheld", lang),
        },
    }
    _Setup(control, layers, options).add_to(page)
    figure = page.get_root()
    figure.title = escape(_title(meta, lang))
    parts = ((head_html, "gb_head"), (side_html, "gb_side"), (info_box_html, "gb_box"))
    for make, name in parts:
        figure.html.add_child(_Html(make(meta, lang)), name=name)
    _number(figure)
    return figure


def _title(meta: MapMeta, lang: Lang) -> str:
    names = {"zh": meta.name_zh, "en": meta.name_en, "both": f"{meta.name_zh} {meta.name_en}"}
    return f"{names[lang]} · {say(meta.key('title'), lang)}"


def _bounds(present: dict[str, gpd.GeoDataFrame]) -> list[list[float]]:
    """Return south-west and north-east corner as latitude, longitude, as Leaflet wants them."""
    # Roads and buildings may reach far beyond the district.
    subject = [name for name in present if name not in ("roads", "buildings")] or list(present)
    edges = np.array([present[name].total_bounds for name in subject])
    west, south = edges[:, :2].min(axis=0).tolist()
    east, north = edges[:, 2:].max(axis=0).tolist()
    return [[south, west], [north, east]]


def _number(root: Element) -> None:
    """Give the elements running numbers for the random ones of folium: same map, same file."""
    rooms = [root.header, root.html, root.script, root]
    todo = [child for room in rooms for child in room._children.values()]
    count = 0
    while todo:
        element = todo.pop(0)
        element._id = f"{count:04d}"
        count += 1
        todo.extend(element._children.values())
