"""The one table of collections: where their rows are, what may be asked of them, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo.errors import NotFoundError
from web.auth.permissions import Permission
from web.auth.principal import Principal
from web.errors import ForbiddenError

Kind = Literal["string", "integer", "number", "boolean", "date", "date-time"]


@dataclass(frozen=True)
class Property:
    """A property of a feature: its name, its type, and the SQL that gives it."""

    name: str
    kind: Kind
    sql: str


@dataclass(frozen=True)
class Collection:
    """A table or join that is served as features.

    Attributes
    ----------
    source
        What stands after FROM.
    number
        The SQL of a feature's id, an integer or two joined by a dot.
    key
        The columns by which pages go on; an index has them in this order.
    found_by
        The condition that a feature's id fulfils, with ``%(first)s`` and ``%(second)s``.
    """

    name: str
    title_zh: str
    title_en: str
    permission: Permission
    source: str
    number: str
    key: tuple[Property, ...]
    found_by: str
    properties: tuple[Property, ...]
    geometry: str = "t.geom"
    time: str | None = None
    newest_first: bool = False
    points: bool = False

    def property(self, name: str) -> Property | None:
        """Return the property of that name."""
        return next((item for item in self.properties if item.name == name), None)


def _own(**kinds: Kind) -> tuple[Property, ...]:
    return tuple(Property(name, kind, f"t.{name}") for name, kind in kinds.items())


def _plain(
    name: str, title_zh: str, title_en: str, permission: Permission, *properties: Property,
    points: bool = False, time: str | None = None,
) -> Collection:  # fmt: skip
    """Return the collection of a table whose key is ``<name>_id``."""
    column = f"t.{name}_id"
    return Collection(
        name={"camera": "cameras"}.get(name, f"{name}s"),
        title_zh=title_zh, title_en=title_en, permission=permission, source=f"{name} t",
        number=column, key=(Property(f"{name}_id", "integer", column),),
        found_by=f"{column} = %(first)s", properties=properties, points=points,
        time=time,
    )  # fmt: skip


_NAMES = _own(code="string", name="string", name_en="string")
COLLECTIONS: tuple[Collection, ...] = (
    _plain(
        "area", "区域", "Districts, streets, communities and grids", Permission.MAP_READ,
        *_NAMES,
        *_own(level="string", grid_kind="string", parent_id="integer", host_unit="string",
              households="integer"),
        Property("valid_from", "date", "nullif(t.valid_from, '-infinity')"),
        Property("valid_to", "date", "nullif(t.valid_to, 'infinity')"),
    ),
    _plain(
        "camera", "摄像机", "Cameras: where they look, never pictures", Permission.CAMERAS_READ,
        *_own(name="string", status="string", azimuth_deg="number", fov_deg="number",
              range_m="number", height_m="number", mount="string", place_class="string",
              owner_unit="string", filing_due="date"),
        points=True,
    ),
    _plain(
        "station", "站点", "Stations", Permission.MAP_READ,
        *_own(kind="string", name="string", address="string", opening_hours="string"),
        points=True,
    ),
    _plain(
        "road", "道路", "Roads", Permission.MAP_READ,
        *_own(kind="string", name="string", oneway="boolean"),
    ),
    _plain(
        "route", "巡逻路线", "Patrol routes of units", Permission.PLANS_READ,
        *_own(route_run_id="integer", unit_id="integer", mode="string", starts_at="date-time",
              ends_at="date-time", travel_s="number", travel_m="number"),
        time="t.starts_at",
    ),
    Collection(
        name="incidents", title_zh="事件", title_en="Incidents",
        permission=Permission.INCIDENTS_READ,
        source="incident t JOIN category c USING (category_id)",
        number="t.incident_id",
        key=(Property("occurred_at", "date-time", "t.occurred_at"),
             Property("incident_id", "integer", "t.incident_id")),
        found_by="t.incident_id = %(first)s AND t.occurred_at = "
                 "(SELECT occurred_at FROM incident_key WHERE incident_id = %(first)s)",
        properties=(
            *_own(occurred_at="date-time", occurred_until="date-time", time_precision="string",
                  reported_at="date-time", found_by="string", area_id="integer",
                  accuracy_m="number"),
            Property("category", "string", "c.code"),
            Property("category_name", "string", "c.name"),
            Property("category_name_en", "string", "c.name_en"),
        ),
        time="t.occurred_at", newest_first=True, points=True,
    ),
    Collection(
        name="results", title_zh="分析结果", title_en="Results of analytics, a feature a unit",
        permission=Permission.RESULTS_READ,
        source="result_row t JOIN result_run n USING (result_run_id)",
        number="t.result_run_id || '.' || t.unit_no",
        key=(Property("result_run_id", "integer", "t.result_run_id"),
             Property("unit_no", "integer", "t.unit_no")),
        found_by="t.result_run_id = %(first)s AND t.unit_no = %(second)s",
        properties=(
            *_own(result_run_id="integer", unit_no="integer", area_id="integer",
                  observed="number", score="number", p_value="number", q_value="number",
                  slope="number", label="string"),
            Property("kind", "string", "n.kind"),
            Property("unit", "string", "n.unit"),
            Property("window_from", "date-time", "n.window_from"),
            Property("window_to", "date-time", "n.window_to"),
            Property("created_at", "date-time", "n.created_at"),
        ),
        time="n.created_at", newest_first=True,
    ),
)  # fmt: skip


def permitted(principal: Principal) -> list[Collection]:
    """Return the collections that somebody may read."""
    return [item for item in COLLECTIONS if principal.may(item.permission)]


def find_collection(principal: Principal, name: str) -> Collection:
    """Return one collection.

    Raises
    ------
    NotFoundError
        There is none of that name.
    ForbiddenError
        The caller may not read it.
    """
    found = next((item for item in COLLECTIONS if item.name == name), None)
    if found is None:
        names = ", ".join(item.name for item in permitted(principal))
        raise NotFoundError(
            f"there is no collection {name!r}; there are {names}", code="no-collection"
        )
    if not principal.may(found.permission):
        raise ForbiddenError(f"your roles do not include {found.permission}", code="not-your-role")
    return found
