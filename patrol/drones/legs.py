"""The legs of checked flights as lines for a map: those that break a rule marked and explained."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import shapely

from patrol.drones.rules import KIND_NAMES, Preflight
from patrol.drones.store import StoredRoute


def leg_lines(checked: Sequence[tuple[StoredRoute, Preflight]]) -> gpd.GeoDataFrame:
    """Return the legs of flights with the answers of their checks.

    Returns
    -------
    GeoDataFrame
        EPSG:4326: ``name``, ``leg``, ``state`` (picture, way, breach), ``reason_zh``,
        ``reason_en``. A rule about the whole flight marks none of its legs, but is said at each.
    """
    rows = [
        (f"{route.mission} {route.flight_no}", leg, *_say(route, answer, leg), line)
        for route, answer in checked
        for leg, line in enumerate(_lines(route), start=1)
    ]
    columns = ["name", "leg", "state", "reason_zh", "reason_en", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=4326)


def zone_words(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return airspace zones with what they are and from where to where, in two languages."""
    tops = ["∞" if top != top or top is None else f"{top:g}" for top in zones["ceiling_m"]]
    spans = [f"{low:g}-{top} m" for low, top in zip(zones["floor_m"], tops, strict=True)]
    names = [KIND_NAMES[kind] for kind in zones["kind"]]
    return zones.assign(
        reason_zh=[f"{zh}，{span}" for (zh, _), span in zip(names, spans, strict=True)],
        reason_en=[f"{en}, {span}" for (_, en), span in zip(names, spans, strict=True)],
    )


def _lines(route: StoredRoute) -> list[shapely.LineString]:
    return [shapely.LineString(route.points[i : i + 2, :2]) for i in range(len(route.points) - 1)]


def _say(route: StoredRoute, answer: Preflight, leg: int) -> tuple[str, str, str]:
    last = len(route.points) - 1
    here = [
        breach
        for breach in answer.standing
        if not breach.legs or leg in {min(max(number, 1), last) for number in breach.legs}
    ]
    broken = any(breach.legs for breach in here)
    state = "breach" if broken else "picture" if route.camera_on[leg - 1] else "way"
    zh = "\n".join(breach.zh for breach in here) or "符合规则。"
    en = "\n".join(breach.en for breach in here) or "Within the rules."
    return state, zh, en
