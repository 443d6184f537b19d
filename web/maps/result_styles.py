"""Classes and colours of what the analyses found, told apart by the colour-blind and in grey."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from analytics.emerging import PATTERNS
from analytics.profile_rows import PARTS
from analytics.results import label_text
from web.i18n import Lang, say
from web.maps.style import (
    NOT_DRAWN,
    UNKNOWN,
    Classed,
    Classifier,
    Ints,
    Style,
    floats,
)

Q_BOUNDS = (0.01, 0.05, 0.10)

# Red-blue and brown-teal pairs after C. Brewer, and cividis: safe for the colour-blind.
_HOT = ("#a50f26", "#de5b49", "#f6a98a")
_COLD = ("#1f5fa8", "#5b9fce", "#a9d0e6")
_RISING = ("#a6521a", "#dd9446", "#f5d6a4")
_FALLING = ("#0b6b62", "#4fae9f", "#b5ded6")
# In the order of `analytics.emerging.PATTERNS`, hot and cold.
_EMERGING = (
    ("#e8112d", "#f0642f", "#7a0019", "#b3324a", "#d98b96", "#f2a33a", "#a83fb0", "#c9b3bd"),
    ("#1a5fd0", "#3b8fe0", "#0a2a6b", "#3a5f9e", "#93aed3", "#58b7c9", "#5a4fb0", "#b5bccb"),
)
_DENSITY = ("#fdea9b", "#c8b866", "#918d6d", "#575d6d", "#00204d")
# Half of the cells take the palest colour, the top 3 % the darkest: densities are skewed.
_DENSITY_SHARES = (0.0, 0.5, 0.75, 0.9, 0.97, 1.0)
_ALARM = "#b3122b"
LESS = 0.67
"""Share of reports over share of corrected finds below which a place speaks up less."""


def _hotspots(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    z, q = floats(frame, "score"), floats(frame, "q_value")
    strength = _strength(q)
    rows = np.where(strength == len(Q_BOUNDS), NOT_DRAWN, strength + np.where(z < 0, 3, 0))
    styles = [
        Style(
            f"{say(word, lang)} q < {bound:.2f}",
            "#40282c" if word == "hot" else "#22384e",
            fill,
            0.78,
            0.6,
        )
        for word, ramp in (("hot", _HOT), ("cold", _COLD))
        for fill, bound in zip(ramp, Q_BOUNDS, strict=True)
    ]
    return Classed(tuple(styles), rows)


def _trends(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    q_value = floats(frame, "q_value")
    # The test may prove a rise of rare incidents whose median change is 0: then tau tells.
    way = floats(frame, "score" if "score" in frame.columns else "slope")
    strength = _strength(q_value)
    rows = strength + np.where(way < 0, 3, 0)
    rows[(strength == len(Q_BOUNDS)) | (way == 0) | np.isnan(way)] = 6
    rows[np.isnan(q_value)] = 7
    if "observed" in frame.columns:
        rows[floats(frame, "observed") == 0] = 8
    styles = [
        Style(f"{sign} {say(word, lang)} q < {bound:.2f}", "#4a4438", fill, 0.72, 0.8)
        for word, sign, ramp in (("rising", "▲", _RISING), ("falling", "▼", _FALLING))
        for fill, bound in zip(ramp, Q_BOUNDS, strict=True)
    ]
    styles.append(Style(say("no_trend", lang), "#6b7480", "#ffffff", 0.35, 0.8))
    styles.append(Style(say("untested", lang), "#6b7480", "#dfe3e8", 0.6, 0.8))
    styles.append(Style(f"? {say('unknown', lang)}", "#4d545d", UNKNOWN, 0.55, 1.2, "4 4"))
    return Classed(tuple(styles), rows)


def _rates(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    labels = frame["label"].to_numpy(dtype=object)
    rows = np.select([labels == "above", labels == "below", labels == "within"], [0, 1, 2], 3)
    styles = (
        Style(f"▲ {say('rate_above', lang)}", "#4a4438", _RISING[0], 0.72, 0.8),
        Style(f"▼ {say('rate_below', lang)}", "#4a4438", _FALLING[1], 0.72, 0.8),
        Style(say("rate_within", lang), "#6b7480", "#ffffff", 0.35, 0.8),
        Style(f"? {say('unknown', lang)}", "#4d545d", UNKNOWN, 0.55, 1.2, "4 4"),
    )
    return Classed(styles, rows.astype(np.int64))


def _emerging(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Colour the patterns that occur: hot in reds and purples, cold in blues, past ones dashed."""
    labels = frame["label"].to_numpy(dtype=object)
    shown = [f"{p}_{side}" for side in ("hot", "cold") for p in PATTERNS]
    shown = [label for label in shown if label in set(labels.tolist())]
    rows = np.full(len(frame), NOT_DRAWN, dtype=np.int64)
    styles = []
    for number, label in enumerate(shown):
        pattern, _, side = label.partition("_")
        fill = _EMERGING[side == "cold"][PATTERNS.index(pattern)]
        dash = "4 3" if pattern in ("historical", "diminishing") else None
        styles.append(Style(_both(label, lang), "#2a1a2e", fill, 0.78, 1.2 if dash else 0.6, dash))
        rows[labels == label] = number
    return Classed(tuple(styles), rows)


def _scan(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    rows = np.where(frame["label"] == "alarm", 0, NOT_DRAWN)
    style = Style(say("alarm_zone", lang), _ALARM, _ALARM, 0.12, 3.0)
    return Classed((style,), rows.astype(np.int64))


def _streets(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Draw hot and cold streets by their certainty, the others thinly by the density along them."""
    called = np.select([frame["label"] == "hot", frame["label"] == "cold"], [0, 1], 2)
    spread = _ramp(floats(frame, "density") if "density" in frame else np.zeros(len(frame)), 1.0)
    styles = [
        Style(say("street_hot", lang), _HOT[0], weight=6.0, symbol="line"),
        Style(say("street_cold", lang), _COLD[0], weight=4.0, dash="6 4", symbol="line"),
    ]
    styles += [
        Style(f"{say('street_density', lang)} {style.label}", style.fill or "", weight=2.2,
              symbol="line")
        for style in spread.styles
    ]  # fmt: skip
    thin = np.where(spread.rows == NOT_DRAWN, NOT_DRAWN, spread.rows + 2)
    return Classed(tuple(styles), np.where(called < 2, called, thin).astype(np.int64))


def _week(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Colour areas by the part of the day in which most is reported."""
    parts = (*PARTS, "even", "untested")
    fills = ("#26346b", "#f2b84b", "#d9662b", "#6a3d8f", "#ffffff", "#dfe3e8")
    styles = [
        Style(_both(part, lang), "#4a4438", fill, 0.35 if part == "even" else 0.62, 0.8)
        for part, fill in zip(parts, fills, strict=True)
    ]
    places = {part: i for i, part in enumerate(parts)}
    rows = np.asarray(frame["label"].map(places), dtype=np.int64)
    return Classed(tuple(styles), rows)


def _bias(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    """Class communities by how much is reported for what patrols find there."""
    ratio = floats(frame, "score") if "score" in frame else np.full(len(frame), np.nan)
    unknown = (frame["label"] == "unknown").to_numpy() | np.isnan(ratio)
    rows = np.where(unknown, 3, np.select([ratio < LESS, ratio > 1 / LESS], [0, 2], 1))
    styles = (
        Style(f"▼ {say('reports_less', lang)} < {LESS:g}", "#4a4438", _RISING[0], 0.7, 1.2),
        Style(f"{say('reports_alike', lang)} {LESS:g} – {1 / LESS:.2g}", "#6b7480", "#ffffff", 0.35,
              1.2),
        Style(f"▲ {say('reports_more', lang)} > {1 / LESS:.2g}", "#4a4438", _FALLING[1], 0.7, 1.2),
        Style(f"? {say('unknown', lang)}", "#4d545d", UNKNOWN, 0.55, 1.6, "4 4"),
    )  # fmt: skip
    return Classed(styles, rows.astype(np.int64))


def _changes(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    styles = (
        Style(f"▲ {say('rise', lang)}", _RISING[0], _RISING[1], 0.35, 2.5),
        Style(f"▼ {say('fall', lang)}", _FALLING[0], _FALLING[1], 0.35, 2.5),
    )
    return Classed(styles, (frame["label"] == "fall").to_numpy().astype(np.int64))


def _density(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    del lang
    return _ramp(floats(frame, "score"), 0.0)


def _counts(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    del lang
    return _ramp(floats(frame, "observed"), 0.5)


def _forecast(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
    del lang
    return _ramp(floats(frame, "expected_next"), 0.8)


def _ramp(values: NDArray[np.float64], weight: float) -> Classed:
    """Class values above 0 by their quantiles, most of all darkest."""
    seen = values > 0
    n = len(_DENSITY)
    edges = np.unique(np.quantile(values[seen], _DENSITY_SHARES)) if seen.any() else None
    if edges is None or len(edges) < 2:
        top = float(values[seen].max()) if seen.any() else 0.0
        edges = np.array([0.0, top])
    rows = np.clip(np.searchsorted(edges[1:-1], values, side="right"), 0, len(edges) - 2)
    # Few classes take the ends of the ramp, so that most is always darkest.
    ramp = [_DENSITY[round(i)] for i in np.linspace(0, n - 1, max(len(edges) - 1, 1))]
    if len(ramp) == 1:
        ramp = [_DENSITY[-1]]
    styles = [
        Style(f"{low:.3g} – {high:.3g}", color if weight == 0 else "#4a4438", color, 0.7, weight)
        for color, low, high in zip(ramp, edges[:-1], edges[1:], strict=True)
    ]
    return Classed(tuple(styles), np.where(seen, rows, NOT_DRAWN).astype(np.int64))


def _both(label: str, lang: Lang) -> str:
    """Return a result's label in the map's language or in both."""
    if lang == "both":
        return f"{label_text(label, 'zh')} / {label_text(label, 'en')}"
    return label_text(label, lang)


def _strength(q_value: NDArray[np.float64]) -> Ints:
    """Return 0 for q < 0.01, 1 for < 0.05, 2 for < 0.10, and 3 for the rest and NaN."""
    return np.searchsorted(Q_BOUNDS, np.nan_to_num(q_value, nan=1.0), side="right").astype(np.int64)


RESULT_STYLES: dict[str, Classifier] = {
    "counts": _counts,
    "density": _density,
    "trends": _trends,
    "rates": _rates,
    "forecast": _forecast,
    "emerging": _emerging,
    "hotspots": _hotspots,
    "week": _week,
    "bias": _bias,
    "streets": _streets,
    "scan": _scan,
    "changes": _changes,
}
