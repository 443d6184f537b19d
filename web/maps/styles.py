"""How each layer of a map is classed and coloured."""

from __future__ import annotations

import geopandas as gpd

from web.i18n import Lang, say
from web.maps.operation_styles import OPERATION_STYLES
from web.maps.result_styles import RESULT_STYLES
from web.maps.style import Classed, Classifier, Style, single

_CLASSIFIERS: dict[str, Classifier] = {
    "buildings": single(
        lambda lang: Style(say("building_area", lang), "#c9c3b8", "#ddd8ce", 0.9, 0.5)
    ),
    "roads": single(
        lambda lang: Style(say("road_line", lang), "#c2c8cf", weight=2.0, symbol="line")
    ),
    "boundary": single(
        lambda lang: Style(say("boundary_line", lang), "#1b2430", weight=2.6, dash="10 5")
    ),
    "grids": single(lambda lang: Style(say("grid_line", lang), "#59636f", "#59636f", 0.02, 1.2)),
    "clusters": single(
        lambda lang: Style(say("cluster_zone", lang), "#5b3f00", "#e2a900", 0.18, 2.0, "2 4")
    ),
    **RESULT_STYLES,
    **OPERATION_STYLES,
}


def classify(name: str, frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Return the classes of a layer's rows; `web.maps.style.NOT_DRAWN` for rows that stay away."""
    return _CLASSIFIERS[name](frame, lang)
