"""The one table of tile layers: what they show, from which zoom, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass

from geo.errors import NotFoundError
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.errors import ForbiddenError


@dataclass(frozen=True)
class Layer:
    """One layer of tiles.

    Attributes
    ----------
    changes
        The name under which the database tells that it changed.
    columns
        Property -> SQL that gives it; empty for incidents, which have queries of their own.
    shape
        What is drawn of a row that is found by its `geom`.
    """

    name: str
    title_zh: str
    title_en: str
    permission: Permission
    changes: str
    min_zoom: int = 0
    max_zoom: int = 22
    columns: tuple[tuple[str, str], ...] = ()
    source: str = ""
    condition: str = "true"
    shape: str = "s.geom"


def _own(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"s.{name}") for name in names)


LAYERS = (
    Layer("incidents", "事件", "Incidents", Permission.INCIDENTS_READ, "incidents"),
    Layer(
        "areas", "网格", "Areas", Permission.MAP_READ, "areas",
        columns=(("id", "s.area_id"), *_own("code", "name", "households"), ("kind", "s.grid_kind"),
                 ("area_level", "s.level"), ("community", "p.name")),
        source="area s LEFT JOIN area p ON p.area_id = s.parent_id",
        condition="s.level = %(area_level)s AND s.valid_from <= CURRENT_DATE "
                  "AND CURRENT_DATE < s.valid_to",
    ),
    Layer(
        "area_labels", "网格标注", "Labels of areas", Permission.MAP_READ, "areas",
        columns=(("id", "s.area_id"), *_own("code", "name", "name_en"), ("area_level", "s.level")),
        source="area s", shape="ST_PointOnSurface(s.geom)",
        condition="s.level = %(area_level)s AND s.valid_from <= CURRENT_DATE "
                  "AND CURRENT_DATE < s.valid_to",
    ),
    Layer(
        "water", "水系", "Water", Permission.MAP_READ, "ground", min_zoom=8,
        columns=_own("kind", "name"), source="water s",
    ),
    Layer(
        "roads", "道路", "Roads", Permission.MAP_READ, "ground", min_zoom=9,
        columns=_own("kind", "name"), source="road s",
        # Only what can be seen at a zoom; small ways come nearer.
        condition="(%(zoom)s >= 14 OR s.kind ~ '^(motorway|trunk|primary|secondary)' "
                  "OR (%(zoom)s >= 12 AND s.kind ~ '^tertiary'))",
    ),
    Layer(
        "buildings", "建筑", "Buildings", Permission.MAP_READ, "ground", min_zoom=14,
        columns=_own("kind", "height_m"), source="building s",
    ),
    Layer(
        "stations", "驻点", "Stations", Permission.MAP_READ, "ground", min_zoom=10,
        columns=_own("kind", "name"), source="station s",
    ),
    Layer(
        "cameras", "摄像机", "Cameras", Permission.CAMERAS_READ, "cameras", min_zoom=11,
        columns=(("id", "s.camera_id"), *_own("name", "status", "azimuth_deg")),
        source="camera s",
    ),
    Layer(
        "camera_views", "摄像机视域", "Camera views", Permission.CAMERAS_READ, "cameras",
        min_zoom=13, columns=(("id", "s.camera_id"), ("preset", "s.preset"),
                              ("status", "c.status")),
        source="camera_view s JOIN camera c USING (camera_id)",
        condition="s.replaced_at IS NULL",
    ),
    Layer(
        "looks", "最近巡视", "Last look", Permission.MAP_READ, "looks", min_zoom=13,
        columns=(("t", "extract(epoch FROM l.last_at)::bigint"),),
        source="ground_cell s LEFT JOIN LATERAL (SELECT max(last_at) AS last_at FROM last_look "
               "WHERE jurisdiction_id = s.jurisdiction_id AND i = s.i AND j = s.j) l ON true",
    ),
    Layer(
        "drone_routes", "无人机航线", "Drone routes", Permission.PLANS_READ, "drones", min_zoom=9,
        columns=(*_own("mission", "flight_no"), ("drone", "d.name")),
        source="drone_route s JOIN drone d USING (drone_id)",
    ),
    Layer(
        "routes", "巡逻路线", "Patrol routes", Permission.PLANS_READ, "plans", min_zoom=9,
        columns=(("unit", "u.name"), ("mode", "s.mode"),
                 ("since", "extract(epoch FROM s.starts_at)::bigint"),
                 ("until", "extract(epoch FROM s.ends_at)::bigint")),
        source="route s JOIN unit u USING (unit_id)",
        # What people walk by: no draft, and nothing that nobody has put into force.
        condition="s.route_run_id = (SELECT r.route_run_id FROM route_run r LEFT JOIN plan p "
                  "USING (plan_id) WHERE NOT r.is_proposal ORDER BY (p.status IS NULL OR p.status "
                  "IN ('published', 'executed', 'compared')) DESC, r.route_run_id DESC LIMIT 1)",
    ),
    Layer(
        "results", "分析结果", "Results", Permission.RESULTS_READ, "results",
        columns=(("label", "s.label"), ("score", "s.score"), ("q", "s.q_value"),
                 ("slope", "s.slope"), ("observed", "s.observed"), ("unit", "s.unit_no")),
        source="result_row s", condition="s.result_run_id = %(run)s",
    ),
)  # fmt: skip
_BY_NAME = {layer.name: layer for layer in LAYERS}


def permitted_layers(principal: Principal) -> list[Layer]:
    """Return the layers that a caller may see."""
    return [layer for layer in LAYERS if principal.may(layer.permission)]


def find_layer(principal: Principal, name: str) -> Layer:
    """Return a layer.

    Raises
    ------
    NotFoundError
        There is none of that name.
    ForbiddenError
        The caller may not see it.
    """
    layer = _BY_NAME.get(name)
    if layer is None:
        raise NotFoundError(
            f"there is no layer {name!r}; there are {', '.join(_BY_NAME)}", code="no-layer"
        )
    if not principal.may(layer.permission):
        raise ForbiddenError(f"your roles do not include {layer.permission}", code="not-your-role")
    return layer
