"""A layer as compact data for the browser: rounded shapes, classes, and cells of its popups."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from web.i18n import Lang, say
from web.maps.findings import SIGNS, mark_findings
from web.maps.style import NOT_DRAWN, Classed
from web.maps.styles import classify

Shapes = NDArray[np.object_]

DECIMALS = 6
SMALL = 5
_MOST_LABELS = 1500
# About half a metre: no eye sees it, and real outlines lose most of their points.
_TOLERANCE_DEG = 5e-6
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_GEOD = pyproj.Geod(ellps="WGS84")

# Layer -> columns of its popups, in order; those of _BOTH stand for the languages asked for.
_BOTH = ("reason", "text", "why")
_FIELDS: dict[str, tuple[str, ...]] = {
    "grids": ("name", "code", "community", "households", "kind"),
    "counts": ("observed",),
    "density": ("density",),
    "trends": ("name", "code", "class", "observed", "slope", "q_value"),
    "rates": ("name", "code", "class", "observed", "rate", "raw", "low", "high"),
    "week": ("name", "code", "class", "observed", "busiest", "q_value"),
    "bias": (
        "name",
        "code",
        "class",
        "reported_share",
        "found_share",
        "corrected_share",
        "share_before",
        "share_after",
        "reporting_ratio",
        "effort_h",
        "lacking_if_silent",
        "unknown_grids",
    ),
    "forecast": ("name", "code", "expected_next", "interval", "observed", "why"),
    "emerging": ("class", "observed", "z", "why"),
    "hotspots": ("class", "observed", "z", "q_value"),
    "streets": ("street", "class", "observed", "expected", "per_street_km", "z", "q_value"),
    "clusters": ("category", "observed", "radius_m", "first_day", "last_day"),
    "scan": ("observed", "expected", "p_value", "recurrence_days", "first_day", "last_day"),
    "changes": ("name", "code", "text"),
    "coverage": ("class", "days", "foot_days", "drone_days", "camera_days", "observed"),
    "views": ("name", "status", "area_m2"),
    "blind_spots": ("rank", "need", "unseen_m2", "reason"),
    "cameras": ("name", "status", "azimuth", "fov", "range_m", "view"),
    "airspace": ("name", "reason"),
    "missions": ("name", "leg", "reason"),
    "plan": ("name", "code", "community", "hours", "explore_h", "trend_h", "reason"),
    "routes": ("unit", "order", "times", "reason"),
    "findings": ("code", "text"),
}
# The one column "score" of stored results means another thing in each kind.
_SOURCES = {"z": "score", "density": "score", "rate": "score", "per_street_km": "density",
            "reporting_ratio": "score", "days": "score"}  # fmt: skip
_GROUPS: dict[str, tuple[str, ...]] = {
    "ground": ("buildings", "roads", "boundary", "grids"),
    "findings": (
        "counts", "density", "trends", "rates", "week", "bias", "forecast", "emerging", "hotspots",
        "streets", "clusters", "scan", "changes", "findings",
    ),
    "action": (
        "coverage", "views", "blind_spots", "cameras", "airspace", "missions", "plan", "routes",
    ),
}  # fmt: skip
_FORMATS: dict[str, str] = {
    "households": ".0f",
    "density": ".4g",
    "observed": ".0f",
    "slope": "+.3g",
    "q_value": ".3g",
    "z": "+.2f",
    "rate": ".2f",
    "raw": ".2f",
    "low": ".2f",
    "high": ".2f",
    "expected": ".1f",
    "expected_next": ".1f",
    "p_value": ".3g",
    "recurrence_days": ",.0f",
    "per_street_km": ",.0f",
    "reported_share": ".1%",
    "found_share": ".1%",
    "corrected_share": ".1%",
    "share_before": ".1%",
    "share_after": ".1%",
    "reporting_ratio": ".2f",
    "effort_h": ",.0f",
    "lacking_if_silent": ".1%",
    "radius_m": ".0f",
    "area_m2": ",.0f",
    "unseen_m2": ",.0f",
    "need": ".2f",
    "days": ".1f",
    "foot_days": ".1f",
    "drone_days": ".1f",
    "camera_days": ".1f",
    "azimuth": ".0f",
    "fov": ".0f",
    "range_m": ".0f",
    "hours": ".2f",
    "explore_h": ".2f",
    "trend_h": "+.2f",
}
# What a public map may say in a popup: a score or slope would give a small count away.
_PUBLIC_FIELDS = frozenset({"name", "code", "community", "class", "observed", "households", "kind"})
SHOWN_AT_FIRST = frozenset(
    {
        "buildings",
        "roads",
        "boundary",
        "grids",
        "counts",
        "hotspots",
        "scan",
        "plan",
        "findings",
        "blind_spots",
        "coverage",
        "airspace",
        "missions",
    }
)


def layer_payload(
    name: str, frame: gpd.GeoDataFrame, *, lang: Lang, public: bool = False
) -> dict[str, Any]:
    """Return a layer for the browser.

    Parameters
    ----------
    name
        Which layer it is.
    frame
        Its rows in EPSG:4326, as ``MapLayers.present`` returns them.
    lang
        Language of its texts.
    public
        Counts below 5 are shown as such, and figures that would give them away are left out.

    Returns
    -------
    dict
        ``id``, ``label``, ``shown``, ``styles`` with legend texts, ``fields`` (heads of the
        popup), ``rows`` (its cells as text), ``cls`` (style of each shape), ``geo`` (GeoJSON
        geometries), and where the layer has them ``labels``, ``radii`` and ``views``.
    """
    n_findings = len(frame)
    if name == "findings":
        frame = mark_findings(frame)
    classed = classify(name, frame, lang)
    drawn = classed.rows != NOT_DRAWN
    kept, rows = frame[drawn].reset_index(drop=True), classed.rows[drawn]
    columns = _columns(name, kept, classed, rows, lang=lang, public=public)
    payload: dict[str, Any] = {
        "id": name,
        "label": say(f"layer_{name}", lang),
        "group": next(
            (say(f"group_{key}", lang) for key, names in _GROUPS.items() if name in names), ""
        ),
        "shown": name in SHOWN_AT_FIRST,
        "count": n_findings if name == "findings" else len(kept),
        "styles": [style.to_json() for style in classed.styles],
        "fields": list(columns),
        "rows": [list(cells) for cells in zip(*columns.values(), strict=True)],
        "cls": rows.tolist(),
        "geo": _geometries(name, np.asarray(kept.geometry.array, dtype=object)),
    }
    return payload | _extras(name, kept, rows, lang)


def to_script(payload: dict[str, Any]) -> str:
    """Return data as JSON that may stand inside a script of a folium page, whatever it holds.

    Neither HTML nor a template can be smuggled in: folium reads scripts as Jinja templates once
    more, and would run what stands between double braces in the name of a grid.
    """
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    # A brace of JSON's own is followed by a quote or its closing brace, so these are in strings.
    return _TEMPLATE.sub(r"\\u007b", text)


def _columns(
    name: str,
    frame: gpd.GeoDataFrame,
    classed: Classed,
    rows: NDArray[np.int64],
    *,
    lang: Lang,
    public: bool,
) -> dict[str, list[str]]:
    """Return head -> cells of the popups; empty for layers that have none."""
    columns: dict[str, list[str]] = {}
    for field in _FIELDS.get(name, ()):
        if public and field not in _PUBLIC_FIELDS:
            continue
        if field == "class":
            columns[say(field, lang)] = [classed.styles[row].label for row in rows]
        elif field in _BOTH:
            for one in ("zh", "en") if lang == "both" else (lang,):
                if f"{field}_{one}" in frame.columns:
                    columns[say(field, one)] = frame[f"{field}_{one}"].astype(str).tolist()
        elif field == "view":
            known = _has_view(frame)
            columns[say(field, lang)] = ["" if k else say("view_unknown", lang) for k in known]
        elif (source := _SOURCES.get(field, field)) in frame.columns:
            columns[say(field, lang)] = _cells(field, frame[source], public=public, lang=lang)
    return columns


def _cells(field: str, values: pd.Series, *, public: bool, lang: Lang) -> list[str]:
    if field == "status":
        known = {key: say(f"camera_{key}", lang) for key in ("online", "offline", "unknown")}
        return [known.get(str(value), str(value)) for value in values.fillna("unknown")]
    form = _FORMATS.get(field)
    if form is None:
        return ["" if pd.isna(value) else str(value) for value in values]
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    hidden = numbers < (SMALL if public and field == "observed" else -np.inf)
    return [
        f"<{SMALL}" if small else "" if np.isnan(number) else format(number, form)
        for number, small in zip(numbers, hidden, strict=True)
    ]


def _geometries(name: str, shapes: Shapes) -> list[Any]:
    if name == "plan":
        shapes = shapely.point_on_surface(shapes)
    elif name in ("grids", "trends", "rates", "week", "bias", "forecast"):
        shapes = shapely.coverage_simplify(shapes, _TOLERANCE_DEG)
    elif name in ("roads", "buildings", "boundary", "streets"):
        shapes = shapely.simplify(shapes, _TOLERANCE_DEG)
    return _as_json(shapes)


def _as_json(shapes: Shapes) -> list[Any]:
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, DECIMALS))
    return [json.loads(text) for text in shapely.to_geojson(rounded)]


def _extras(
    name: str, frame: gpd.GeoDataFrame, rows: NDArray[np.int64], lang: Lang
) -> dict[str, Any]:
    if name == "cameras":
        return _camera_extras(frame)
    if name == "plan":
        return _plan_extras(frame)
    if name == "routes":
        return _route_extras(frame)
    if name == "findings":
        return _finding_extras(frame)
    if name == "week":
        weeks = [[round(float(n), 1) for n in week] for week in frame["week"]]
        return {"weeks": weeks, "weekNote": say("week_note", lang)}
    return _trend_extras(frame, rows) if name == "trends" else {}


def _camera_extras(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    known = _has_view(frame)
    if "drawn" in frame.columns:  # those that stand in the layer of views, cut by buildings
        known = known & ~frame["drawn"].to_numpy(dtype=np.bool_)
    return {"views": _as_json(camera_views(frame[known])), "radii": [6.0] * len(frame)}


def _plan_extras(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    hours = frame["hours"].to_numpy(dtype=np.float64)
    top = max(float(hours.max(initial=0.0)), 1e-9)
    bounds = frame.geometry.bounds.to_numpy()
    return {
        "labels": [f"{value:g}" for value in hours],
        "radii": np.round(np.maximum(27 * np.sqrt(hours / top), 4), 1).tolist(),
        # What a circle must fit into, so that fine grids do not drown in circles.
        "room": np.round(bounds[:, 2] - bounds[:, 0], DECIMALS).tolist(),
        "showNumbers": len(frame) <= _MOST_LABELS,
    }


def _trend_extras(frame: gpd.GeoDataFrame, rows: NDArray[np.int64]) -> dict[str, Any]:
    signs = np.select([rows < 3, rows < 6, rows == 8], ["▲", "▼", "?"], default="")
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    bounds = frame.geometry.bounds.to_numpy()
    return {
        "signs": signs.tolist() if len(frame) <= _MOST_LABELS else [],
        "at": np.round(shapely.get_coordinates(points), DECIMALS).tolist(),
        "room": np.round(bounds[:, 2] - bounds[:, 0], DECIMALS).tolist(),
    }


def _route_extras(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    is_stop = (frame["order"] != "").to_numpy(dtype=np.bool_)
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    return {
        "signs": frame["order"].tolist() if is_stop.sum() <= _MOST_LABELS else [],
        "at": np.round(shapely.get_coordinates(points), DECIMALS).tolist(),
        "radii": np.where(is_stop, 9.0, 0.0).tolist(),
        # Numbers show where the map is close enough for about a hundred metres.
        "room": [0.001] * len(frame),
    }


def _finding_extras(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    is_sign = frame["is_sign"].to_numpy(dtype=np.bool_)
    signs = np.where(is_sign, frame["severity"].map(SIGNS), "")
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    return {
        "signs": signs.tolist() if is_sign.sum() <= _MOST_LABELS else [],
        "at": np.round(shapely.get_coordinates(points), DECIMALS).tolist(),
        "radii": np.where(is_sign, 10.0, 0.0).tolist(),
        # As wide as the globe: a sign always has room.
        "room": [360.0] * len(frame),
    }


def _has_view(frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    if not {"fov", "range_m"} <= set(frame.columns):
        return np.zeros(len(frame), dtype=np.bool_)
    known = frame["fov"].notna() & frame["range_m"].notna()
    # All round needs no direction.
    aimed = frame["azimuth"].notna() if "azimuth" in frame.columns else False
    return np.asarray(known & (aimed | (frame["fov"] >= 360)), dtype=np.bool_)


def camera_views(frame: gpd.GeoDataFrame, *, step_deg: float = 5.0) -> Shapes:
    """Return what cameras would see if nothing stood in the way.

    Parameters
    ----------
    frame
        Points in EPSG:4326 with ``azimuth`` (degrees from north, clockwise), ``fov`` (degrees;
        360 or more is all round) and ``range_m``.
    step_deg
        Angle between the points of an arc; the arc lies inside the true one by less than
        0.1 % of the range.

    Returns
    -------
    NDArray
        Shape ``(n,)``, polygons in EPSG:4326: sectors, or circles for all-round cameras.
    """
    views = [
        _view(x, y, azimuth, min(fov, 360.0), reach, step_deg)
        for (x, y), azimuth, fov, reach in zip(
            shapely.get_coordinates(np.asarray(frame.geometry.array, dtype=object)),
            _column(frame, "azimuth"),
            _column(frame, "fov"),
            _column(frame, "range_m"),
            strict=True,
        )
    ]
    shapes = np.empty(len(views), dtype=object)
    shapes[:] = views
    return shapes


def _view(
    x: float, y: float, azimuth: float, fov: float, reach: float, step_deg: float
) -> shapely.Polygon:
    around = fov >= 360
    points = max(int(np.ceil(fov / step_deg)), 2) + 1
    middle = 0.0 if np.isnan(azimuth) else azimuth
    angles = np.linspace(middle - fov / 2, middle + fov / 2, points)[: -1 if around else None]
    n = len(angles)
    lon, lat, _ = _GEOD.fwd(np.full(n, x), np.full(n, y), angles, np.full(n, reach))
    arc: Sequence[tuple[float, float]] = list(zip(lon, lat, strict=True))
    return shapely.Polygon(arc if around else [(x, y), *arc])


def _column(frame: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
