"""Classes and colours of cameras, flights, plans and what was seen."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from web.i18n import Lang, say
from web.maps.findings import SIGNS
from web.maps.style import (
    UNKNOWN,
    Classed,
    Classifier,
    Style,
    flags,
    floats,
)

_PLAN = "#5b2a86"
_CAMERA = "#0072b2"
_SEEN_DAYS = (1, 3, 7, 28)
_SEEN = ("#1f6f78", "#5b9ea4", "#9cc5c6", "#d3e4e2")
_BLIND = ("#7a0f6b", "#b8479f", "#e3a3d3")
_ERROR = "#b3122b"
_FLIGHT = "#0b4f8a"
_WARNING = "#c77700"


def _cameras(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    status = (
        frame["status"].fillna("unknown").astype(str).to_numpy()
        if "status" in frame.columns
        else np.full(len(frame), "unknown")
    )
    rows = np.select([status == "online", status == "offline"], [0, 1], default=2)
    styles = (
        Style(say("camera_online", lang), "#ffffff", _CAMERA, 0.95, 1.5, symbol="circle"),
        Style(say("camera_offline", lang), "#1b2430", "#e9ecef", 0.95, 2.0, symbol="circle"),
        Style(say("camera_unknown", lang), "#ffffff", UNKNOWN, 0.95, 1.5, symbol="circle"),
        Style(say("camera_view", lang), _CAMERA, _CAMERA, 0.22, 1.0),
    )
    return Classed(styles, rows.astype(np.int64))


def _blind_spots(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Class spots by thirds of their number, most expected reports darkest."""
    need = floats(frame, "need")
    edges = np.quantile(need, (1 / 3, 2 / 3))
    rows = 2 - np.searchsorted(edges, need, side="right")
    words = (f">= {edges[1]:.2f}", f">= {edges[0]:.2f}", f"< {edges[0]:.2f}")
    styles = [
        Style(f"{say('blind_need', lang)} {word}", "#3d0836", fill, 0.7, 1.0)
        for word, fill in zip(words, _BLIND, strict=True)
    ]
    return Classed(tuple(styles), rows.astype(np.int64))


def _coverage(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Class cells by how long ago somebody saw them; what nobody saw is unknown."""
    days = floats(frame, "score")
    rows = np.searchsorted(_SEEN_DAYS, days, side="left")
    rows = np.where(frame["label"] == "stale", len(_SEEN_DAYS), rows)
    rows = np.where(np.isnan(days), len(_SEEN_DAYS) + 1, np.minimum(rows, len(_SEEN_DAYS)))
    styles = [
        Style(say(f"seen_{bound}d", lang), "#2f5d62", fill, 0.5, 0.3)
        for bound, fill in zip(_SEEN_DAYS, _SEEN, strict=True)
    ]
    styles.append(Style(say("seen_long_ago", lang), "#6b7480", "#f3ead2", 0.65, 0.4))
    styles.append(Style(f"? {say('never_seen', lang)}", "#4d545d", UNKNOWN, 0.7, 1.0, "4 4"))
    return Classed(tuple(styles), rows.astype(np.int64))


def _views(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    status = frame["status"] if "status" in frame.columns else None
    off = np.zeros(len(frame)) if status is None else (status == "offline").to_numpy()
    styles = (
        Style(say("camera_view", lang), _CAMERA, _CAMERA, 0.28, 0.8),
        Style(say("camera_view_offline", lang), "#4d545d", UNKNOWN, 0.3, 1.2, "4 3"),
    )
    return Classed(styles, off.astype(np.int64))


def _airspace(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    styles = (
        Style(say("zone_forbidden", lang), _ERROR, _ERROR, 0.22, 2.0),
        Style(say("zone_controlled", lang), _WARNING, _WARNING, 0.16, 1.8, "6 4"),
    )
    rows = (frame["kind"] != "prohibited").to_numpy()
    return Classed(styles, rows.astype(np.int64))


def _missions(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    styles = (
        Style(say("leg_picture", lang), _FLIGHT, weight=2.4, symbol="line"),
        Style(say("leg_way", lang), _FLIGHT, weight=1.4, dash="2 5", symbol="line"),
        Style(say("leg_breach", lang), _ERROR, weight=5.0, dash="10 4", symbol="line"),
    )
    state = frame["state"].to_numpy()
    return Classed(
        styles, np.select([state == "picture", state == "way"], [0, 1], 2).astype(np.int64)
    )


def _plan(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    styles = (
        Style(say("hours_circle", lang), "#ffffff", _PLAN, 0.92, 1.5, symbol="circle"),
        Style(say("hours_unknown", lang), "#ffffff", "#5c646e", 0.92, 1.5, "3 3", "circle"),
    )
    return Classed(styles, flags(frame, "unknown").astype(np.int64))


def _routes(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    styles = (
        Style(say("route_vehicle", lang), _PLAN, weight=3.0, symbol="line"),
        Style(say("route_foot", lang), _PLAN, weight=2.2, dash="2 5", symbol="line"),
        Style(say("route_stop", lang), _PLAN, "#ffffff", 0.95, 2.0, symbol="circle"),
    )
    way = np.where(frame["mode"] == "vehicle", 0, 1)
    return Classed(styles, np.where(frame["order"] == "", way, 2).astype(np.int64))


def _findings(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    signs = [
        Style(f"{SIGNS[word]} {say(word, lang)}", "#ffffff", fill, 1.0, 1.5, symbol="circle")
        for word, fill in (("error", _ERROR), ("warning", _WARNING))
    ]
    extents = [
        Style(say(f"{word}_extent", lang), fill, fill, 0.25, 2.5, dash)
        for word, fill, dash in (("error", _ERROR, None), ("warning", _WARNING, "6 4"))
    ]
    mild = (frame["severity"] != "error").to_numpy()
    rows = np.where(frame["is_sign"], 0, 2) + mild
    return Classed((*signs, *extents), rows.astype(np.int64))


OPERATION_STYLES: dict[str, Classifier] = {
    "coverage": _coverage,
    "views": _views,
    "blind_spots": _blind_spots,
    "airspace": _airspace,
    "missions": _missions,
    "cameras": _cameras,
    "plan": _plan,
    "routes": _routes,
    "findings": _findings,
}
