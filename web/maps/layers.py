"""What a map shows and what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal, get_args

import geopandas as gpd

from geo.errors import CrsError, GeometryError, InputError

Audience = Literal["internal", "public"]
Topic = Literal["watch", "grids", "cameras", "coverage", "drones", "counts"]

# Layer -> columns that it must have besides its geometry.
REQUIRED: dict[str, tuple[str, ...]] = {
    "buildings": (),
    "roads": (),
    "boundary": (),
    "grids": ("code", "name"),
    "counts": ("observed",),
    "density": ("score",),
    "trends": ("slope", "q_value"),
    "rates": ("score", "label"),
    "week": ("label", "week"),
    "bias": ("label", "reported_share", "found_share"),
    "forecast": ("expected_next", "interval", "why_zh", "why_en"),
    "emerging": ("score", "label"),
    "hotspots": ("score", "q_value"),
    "streets": ("score", "label"),
    "clusters": ("observed",),
    "scan": ("observed", "label"),
    "changes": ("text_zh", "text_en", "label"),
    "coverage": ("label", "score"),
    "views": (),
    "blind_spots": ("need", "reason_zh", "reason_en"),
    "cameras": (),
    "airspace": ("kind", "name", "reason_zh", "reason_en"),
    "missions": ("name", "leg", "state", "reason_zh", "reason_en"),
    "plan": ("code", "hours", "reason_zh", "reason_en"),
    "routes": ("unit", "mode", "order", "times", "reason_zh", "reason_en"),
    "findings": ("severity", "code", "message_zh", "message_en"),
}
_AREAS = ("Polygon", "MultiPolygon")
_LINES = ("LineString", "MultiLineString")
_SHAPES: dict[str, tuple[str, ...]] = {
    "roads": _LINES,
    "streets": _LINES,
    "missions": _LINES,
    "cameras": ("Point",),
    "routes": (*_LINES, "Point"),
    "findings": (*_AREAS, *_LINES, "Point", "MultiPoint", "GeometryCollection"),
}
# Where patrols go, what cameras see and which drafts are faulty is nobody's business outside.
# What is computed from counts (a smooth surface, a score, a rate, a trend) would give a small one
# away, so that only counts themselves are public, the small ones withheld.
NEVER_PUBLIC = (
    "density", "hotspots", "trends", "rates", "week", "bias", "forecast", "emerging", "streets",
    "clusters", "scan", "changes", "coverage", "views", "blind_spots", "cameras", "plan", "routes",
    "findings", "airspace", "missions",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MapLayers:
    """The layers of a map, from bottom to top, in any CRS; None or empty ones are left out.

    Density, trends and hotspots are the rows of stored results as they are.

    Attributes
    ----------
    buildings, roads, boundary
        The ground: polygons, lines, polygons.
    grids
        Polygons with ``code``, ``name`` and, where known, ``community``, ``households``,
        ``kind``.
    counts
        Cells with ``observed`` counts as they may be published, NaN where withheld: the one layer
        of findings on a public map. Withheld cells are not drawn.
    density
        Polygons with ``score`` (incidents per km2).
    trends
        Polygons with ``slope`` (a step) and ``q_value``, and where known ``score`` (tau, whose
        sign is the direction where the median change is 0), ``code``, ``name``, ``observed``
        (reports; 0 makes a grid unknown).
    week
        Polygons with ``label`` (the busiest part of the day, ``even`` or ``untested``) and
        ``week``, 168 counts from Monday 0 h, and where known ``code``, ``name``, ``observed``.
    bias
        Communities with ``label`` (``known``, or ``unknown`` where nobody's hours are), the shares
        ``reported_share`` and ``found_share`` of all reports and finds; where known
        ``share_before`` and ``share_after`` (of need, finds as they come and by effort),
        ``score`` (reports relative to corrected finds), ``effort_h``, ``lacking_if_silent``.
    forecast
        Polygons with ``expected_next`` (reports), ``interval``, and by which method and why,
        ``why_zh``, ``why_en``, and where known ``code``, ``name``, ``observed``.
    rates
        Polygons with ``score`` (smoothed rate) and ``label`` (above, below, within, unknown),
        and where known ``code``, ``name``, ``raw``, ``low``, ``high``.
    emerging
        Polygons with ``score`` (z of the last step) and ``label``, one of the seventeen classes;
        where known ``why_zh`` and ``why_en``. The class ``none`` is not drawn.
    streets
        Lines with ``score`` (z) and ``label`` (hot, cold, none), and where known ``street``,
        ``observed``, ``expected``, ``density`` (per km along streets). Streets that are neither hot
        nor cold are drawn by their density.
    clusters
        Zones with ``observed``, and where known ``class_zh``, ``class_en``, ``first_day``,
        ``last_day``, ``radius_m``.
    scan
        Zones with ``observed`` and ``label``, and where known ``expected``, ``p_value``,
        ``recurrence_days``, ``first_day``, ``last_day``. Only alarms are drawn.
    changes
        Areas in which something changed, one row an area: ``text_zh`` and ``text_en`` (a line a
        change), ``label`` (rise, fall), and where known ``code``, ``name``.
    hotspots
        Polygons with ``score`` (Gi* z) and ``q_value``, and where known ``observed``. Rows whose
        q-value is 0.10 or more, or missing, are not drawn.
    coverage
        Cells with ``label`` (seen, stale, unseen) and ``score`` (days since the last look; NaN
        never), and where known ``foot_days``, ``drone_days``, ``camera_days``.
    views
        Polygons that cameras see, with, where known, ``name`` and ``status``.
    blind_spots
        Polygons that no camera sees, with ``need`` (expected reports a week) and words.
    cameras
        Points with, where known, ``name``, ``status`` (online, offline), ``azimuth`` (degrees
        from north, clockwise), ``fov`` (degrees), ``range_m``.
    airspace
        Zones to keep out of: polygons with ``kind``, ``name`` and words.
    missions
        Legs of drone flights: lines with ``name``, ``leg``, ``state`` (picture, way, breach)
        and words.
    plan
        Polygons with ``code``, ``hours``, ``reason_zh``, ``reason_en``, and where known
        ``name``, ``community``, ``explore_h``, ``trend_h``, ``unknown``.
    routes
        Ways (lines) and visits (points) of patrols: ``unit``, ``mode`` (foot, vehicle), ``order``
        (text, empty for a way), ``times``, ``reason_zh``, ``reason_en``.
    findings
        What a check of grids found: shapes of any kind with ``severity`` (error, warning),
        ``code``, ``message_zh``, ``message_en``.
    """

    buildings: gpd.GeoDataFrame | None = None
    roads: gpd.GeoDataFrame | None = None
    boundary: gpd.GeoDataFrame | None = None
    grids: gpd.GeoDataFrame | None = None
    counts: gpd.GeoDataFrame | None = None
    density: gpd.GeoDataFrame | None = None
    trends: gpd.GeoDataFrame | None = None
    rates: gpd.GeoDataFrame | None = None
    week: gpd.GeoDataFrame | None = None
    bias: gpd.GeoDataFrame | None = None
    forecast: gpd.GeoDataFrame | None = None
    emerging: gpd.GeoDataFrame | None = None
    hotspots: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    clusters: gpd.GeoDataFrame | None = None
    scan: gpd.GeoDataFrame | None = None
    changes: gpd.GeoDataFrame | None = None
    coverage: gpd.GeoDataFrame | None = None
    views: gpd.GeoDataFrame | None = None
    blind_spots: gpd.GeoDataFrame | None = None
    cameras: gpd.GeoDataFrame | None = None
    airspace: gpd.GeoDataFrame | None = None
    missions: gpd.GeoDataFrame | None = None
    plan: gpd.GeoDataFrame | None = None
    routes: gpd.GeoDataFrame | None = None
    findings: gpd.GeoDataFrame | None = None

    def present(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers that have rows, checked and in EPSG:4326, from bottom to top."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {
            name: _checked(name, frame)
            for name, frame in given.items()
            if frame is not None and len(frame)
        }


@dataclass(frozen=True)
class MapMeta:
    """What a map says about itself.

    Attributes
    ----------
    name_zh, name_en
        The place.
    data_from, data_until
        Window of the incidents, with time zone; the end is not part of it. For grids the
        days on which they were looked at.
    made_at
        When the map was made, with time zone.
    metric_crs
        Name of the reference system in which distances were computed.
    code_version
        Version of Gridbeat.
    topic
        What the map is about, which decides its title and notes: ``watch`` is hotspots, trends
        and plan, ``grids`` a check of grids, ``cameras`` what cameras see and miss,
        ``coverage`` when ground was last seen, ``drones``
        flights and the airspace, ``counts`` what is published.
    audience
        ``public`` maps carry counts by cell, the small ones withheld, and nothing else of what is
        found, seen or planned; they need a number.
    approval_no
        Map approval number (审图号).
    simulated
        The data are made up: said in both languages whatever the map's language.
    plan_date, plan_status
        Of the plan, if one is shown.
    sources
        Whose data these are, and their licences, one line each.
    parameters
        Result -> parameter -> value, so that each result can be made again.
    changes
        What changed in the last step, in Chinese and English, surest first; None if nobody
        looked. Nothing of it is shown in public.
    """

    name_zh: str
    name_en: str
    data_from: datetime
    data_until: datetime
    made_at: datetime
    metric_crs: str
    code_version: str
    topic: Topic = "watch"
    audience: Audience = "internal"
    approval_no: str | None = None
    simulated: bool = False
    plan_date: date | None = None
    plan_status: str = "draft"
    sources: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, object]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    changes: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        for name in ("data_from", "data_until", "made_at"):
            if getattr(self, name).tzinfo is None:
                msg = f"{name} has no time zone"
                raise InputError(msg)
        if self.audience not in ("internal", "public"):
            msg = f"audience must be internal or public, not {self.audience!r}"
            raise InputError(msg)
        if self.topic not in get_args(Topic):
            msg = f"topic must be one of {', '.join(get_args(Topic))}, not {self.topic!r}"
            raise InputError(msg)

    def key(self, text: str) -> str:
        """Return the key of a text in the wording that fits the topic."""
        return text if self.topic == "watch" else f"{text}_{self.topic}"


def check_audience(layers: MapLayers, meta: MapMeta) -> None:
    """Raise if a public map would show what must not be shown, or lacks its approval number.

    Raises
    ------
    InputError
        Saying which layer or number it is.
    """
    if meta.audience != "public":
        return
    if not (meta.approval_no or "").strip():
        msg = (
            "a public map needs a map approval number (审图号); "
            "set it for the jurisdiction, or make the map for the audience 'internal'"
        )
        raise InputError(msg)
    shown = [name for name in NEVER_PUBLIC if getattr(layers, name) is not None]
    if shown:
        msg = f"a public map must not show {' and '.join(shown)}; leave these layers out"
        raise InputError(msg)


def _checked(name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    absent = [column for column in REQUIRED[name] if column not in frame.columns]
    if absent:
        msg = f"the map layer {name!r} lacks the column {absent[0]!r}"
        raise InputError(msg)
    if frame.crs is None:
        msg = f"the map layer {name!r} has no coordinate reference system"
        raise CrsError(msg)
    allowed = _SHAPES.get(name, _AREAS)
    wrong = frame.geometry.isna() | frame.geometry.is_empty | ~frame.geom_type.isin(allowed)
    if wrong.any():
        found = frame.geom_type[wrong].iloc[0] or "an empty geometry"
        msg = f"the map layer {name!r} must hold {' or '.join(allowed)}; a row holds {found}"
        raise GeometryError(msg)
    placed = frame.to_crs(4326).reset_index(drop=True)
    west, south, east, north = placed.total_bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        msg = (
            f"the map layer {name!r} spans {west:g}, {south:g} to {east:g}, {north:g}, which are "
            f"no degrees of longitude and latitude; its reference system is not the one it claims"
        )
        raise CrsError(msg)
    return placed
