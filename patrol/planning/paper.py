"""Shift sheets, calendars and files of a stored plan, read from the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from icalendar import Calendar, Event
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, text

from geo.errors import NotFoundError
from patrol.planning.gathered import read_gathered
from patrol.planning.needs import need_of
from patrol.planning.sheets import Sheet, SheetStop, Words
from patrol.planning.sketch import Drawing
from patrol.planning.states import IN_FORCE
from patrol.prescribe.prescription import find_prescription
from patrol.prescribe.store import in_force
from patrol.routes.store import StoredRoutes, read_routes
from patrol.store import StoredPlan, read_class_names, read_plan

Checks = Mapping[int, tuple[tuple[str, str], ...]]


def read_sheets(
    connection: Connection, plan_id: int, *, unit: str | None = None, day: date | None = None
) -> list[Sheet]:
    """Read the sheets of a plan's units, by shift and unit.

    Parameters
    ----------
    unit
        Of this unit alone.
    day
        Of the shifts that begin on this local day alone.

    Raises
    ------
    NotFoundError
        The plan has no routes, or none of that unit.
    """
    plan = read_plan(connection, plan_id)
    place = _place(connection, plan.head["jurisdiction_id"])
    checks, sheets = read_checks(connection, plan), []
    for run in read_gathered(connection, plan_id, day=day).routes:
        routes = read_routes(connection, run)
        ground = _Ground(connection, plan, routes)
        sheets += [
            _sheet(plan, place, routes, way, ground, checks)
            for way in _records(routes.routes)
            if unit is None or way["unit"] == unit
        ]
    if not sheets:
        what = f"no route of unit {unit!r}" if unit else "no routes yet: `gridbeat plan` makes them"
        on = "" if day is None else f" on {day}"
        raise NotFoundError(f"plan {plan_id} has{on} {what}")
    return sheets


class _Ground:
    """Roads and borders around the routes of a shift."""

    def __init__(self, connection: Connection, plan: StoredPlan, routes: StoredRoutes) -> None:
        lines = np.asarray(routes.routes.geometry.array, dtype=object)
        west, south, east, north = shapely.total_bounds(lines) if len(lines) else (0, 0, 0, 0)
        found = connection.execute(
            text(
                "SELECT ST_AsBinary(r.geom) FROM road r JOIN feed f USING (feed_id) "
                "WHERE f.jurisdiction_id = :place AND r.geom && "
                "ST_Expand(ST_MakeEnvelope(:w, :s, :e, :n, 4326), 0.01)"
            ),
            {"place": plan.head["jurisdiction_id"], "w": west, "s": south, "e": east, "n": north},
        )
        self.roads: list[BaseGeometry] = [shapely.from_wkb(bytes(row[0])) for row in found]
        self.borders: list[BaseGeometry] = list(plan.items.geometry)


def _sheet(
    plan: StoredPlan, place: Mapping[str, Any], routes: StoredRoutes, way: Mapping[str, Any],
    ground: _Ground, checks: Checks,
) -> Sheet:  # fmt: skip
    zone = ZoneInfo(place["time_zone"])
    mine = _records(routes.stops[routes.stops["route_id"] == way["route_id"]])
    english = plan.items["name_en"].fillna(plan.items["name"])
    words = zip(plan.items["name"], english, strict=True)
    names: dict[str, Words] = dict(zip(plan.items["code"], words, strict=True))
    numbers = dict(zip(plan.items["code"], plan.items["area_id"], strict=True))
    stops = tuple(
        SheetStop(
            ordinal=int(stop["ordinal"]), start=_local(stop["start_at"], zone),
            leave=_local(stop["leave_at"], zone), ref=stop["stop_ref"],
            place=_where(stop, names, numbers),
            reason=(stop["reason_zh"], stop["reason_en"]), must=bool(stop["must"]),
            checks=checks.get(int(numbers.get(stop["stop_ref"].partition("/")[0], -1)), ()),
        )
        for stop in mine
    )  # fmt: skip
    first = shapely.get_coordinates(way["geometry"])[0]
    shown = [
        (str(stop["ordinal"]), stop["geometry"].x, stop["geometry"].y)
        for stop in mine if stop["stop_ref"] != "rest"
    ]  # fmt: skip
    head = plan.head
    return Sheet(
        unit=way["unit"], mode=way["mode"], place=(place["name"], place["name_en"]),
        plan_label=plan_label(head), shift=_shift_words(plan, way),
        approved_by=head["approved_by"] or "", starts=_local(way["starts_at"], zone),
        ends=_local(way["ends_at"], zone), travel_m=float(way["travel_m"]),
        on_roads=bool(routes.run["on_roads"]), simulated=bool(place["simulated"]),
        approval_no=place["map_approval_no"], stops=stops,
        drawing=Drawing(way["geometry"], shown, (float(first[0]), float(first[1])),
                        ground.roads, ground.borders),
        uneven=tuple(routes.run["parameters"].get("uneven") or ("", "")),
    )  # fmt: skip


def _where(
    stop: Mapping[str, Any], names: Mapping[str, Words], numbers: Mapping[str, int]
) -> Words:
    """Return the grid of a stop, with what it is there for where that is no visit of the grid."""
    ref = str(stop["stop_ref"])
    own = names.get(ref.partition("/")[0])
    if own is not None:
        return own
    around = next((names[code] for code, n in numbers.items() if n == stop["area_id"]), None)
    return (ref, ref) if around is None else (f"{around[0]} · {ref}", f"{around[1]} · {ref}")


def plan_label(head: Mapping[str, Any]) -> str:
    """Return the days and version of a plan."""
    last = head["plan_date"] + timedelta(days=head["days"] - 1)
    days = f"{head['plan_date']}" if head["days"] == 1 else f"{head['plan_date']} – {last}"
    return f"{days} v{head['version']}"


def _shift_words(plan: StoredPlan, way: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of the shift that a way begins in; empty where none are told apart."""
    if len(plan.shifts) == 1:
        return ("", "")
    at = pd.Timestamp(way["starts_at"])
    own = next((one for one in plan.shifts if one.starts_at <= at < one.ends_at), None)
    return ("", "") if own is None else (own.name_zh, own.name_en)


def read_checks(connection: Connection, plan: StoredPlan) -> Checks:
    """Return what to look for in each area: the prescription of the class that drives its need."""
    head = plan.head
    rules = in_force(connection, head["jurisdiction_id"], day=head["plan_date"])
    codes = {zh: name.rpartition("/")[2] for name, (zh, _) in read_class_names(connection).items()}
    found: dict[int, tuple[tuple[str, str], ...]] = {}
    for row in _records(plan.items):
        # Plans of earlier versions name what drives a need by its words alone.
        code = row["reason"].get("driver") or codes.get(str(row["reason"].get("driver_zh", "")), "")
        rule = find_prescription(code, rules) if code else None
        if rule is not None:
            pairs = zip(rule.checklist_zh, rule.checklist_en, strict=True)
            found[int(row["area_id"])] = tuple(pairs)
    return found


def plan_calendar(sheets: Sequence[Sheet], *, plan_id: int, stamped: datetime) -> bytes:
    """Return iCalendar (RFC 5545): an event a unit's shift, and one a stop.

    Parameters
    ----------
    stamped
        When it is written, with time zone.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Gridbeat//Patrol plan//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for sheet in sheets:
        base = f"plan-{plan_id}-{sheet.starts:%Y%m%dT%H%M}-{sheet.unit}"
        lines = [
            f"{stop.start:%H:%M} {stop.place[0]}" for stop in sheet.stops if stop.ref != "rest"
        ]
        summary = " ".join(filter(None, (sheet.unit, *dict.fromkeys(sheet.shift))))
        summary = f"{summary} {sheet.plan_label}"
        if not sheet.approved_by:
            summary = f"[未批准 not approved] {summary}"
        calendar.add_component(
            _event(f"{base}@gridbeat", summary, sheet.starts, sheet.ends, "\n".join(lines), stamped)
        )
        for stop in sheet.stops:
            if stop.ref == "rest":
                continue
            event = _event(f"{base}-{stop.ordinal}@gridbeat", f"{sheet.unit}: {stop.place[0]}",
                           stop.start, stop.leave, "\n".join(stop.reason), stamped)  # fmt: skip
            spot = next((s for s in sheet.drawing.stops if s[0] == str(stop.ordinal)), None)
            if spot is not None:
                event.add("geo", (round(spot[2], 6), round(spot[1], 6)))
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def plan_items_geojson(plan: StoredPlan) -> str:
    """Return the areas of a stored plan as GeoJSON (RFC 7946) with hours, rows and reasons."""
    rows = {
        area: part[["shift_no", "unit_kind", "minutes"]].to_dict("records")
        for area, part in plan.rows.groupby("area_id")
    }
    shapes = shapely.transform(
        shapely.orient_polygons(np.asarray(plan.items.geometry.array, dtype=object)),
        lambda xy: xy.round(6),
    )
    features = [
        {
            "type": "Feature", "id": int(row["area_id"]),
            "geometry": shapely.geometry.mapping(shape),
            "properties": {
                name: plain(row[name])
                for name in ("area_id", "code", "name", "name_en", "community", "households",
                             "hours", "explore_h", "trend_h", "unknown", "reason_zh", "reason_en")
            } | {"rows": rows.get(int(row["area_id"]), []),
                 "need_week": plain(7.0 * need_of(row["reason"]))},
        }
        for shape, row in zip(shapes, _records(plan.items), strict=True)
    ]  # fmt: skip
    head = {name: plain(value) for name, value in plan.head.items()}
    collection = {"type": "FeatureCollection", "gridbeat": head, "features": features}
    return json.dumps(collection, ensure_ascii=False, allow_nan=False)


def plan_items_csv(plan: StoredPlan) -> bytes:
    """Return the rows of a stored plan as CSV for spreadsheets, by area, shift and kind."""
    names = plan.items.set_index("area_id")[["name", "community"]]
    frame = plan.rows.drop(columns="reason").join(names, on="area_id")
    for column in ("code", "name", "community", "reason_zh", "reason_en"):
        frame[column] = [
            f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
            for value in frame[column]
        ]
    return frame.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def is_in_force(plan: StoredPlan) -> bool:
    """Tell whether people go out on a plan."""
    return plan.head["status"] in IN_FORCE


def plain(value: Any) -> Any:
    """Return a value as JSON takes it; what is not known is None."""
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return None if value is pd.NA else value


def _place(connection: Connection, jurisdiction_id: int) -> Mapping[str, Any]:
    row = connection.execute(
        text(
            "SELECT name, name_en, time_zone, simulated, map_approval_no FROM jurisdiction "
            "WHERE jurisdiction_id = :number"
        ),
        {"number": jurisdiction_id},
    )
    return dict(row.mappings().one())


def _event(
    uid: str, summary: str, starts: datetime, ends: datetime, words: str, stamped: datetime
) -> Event:
    event = Event()
    event.add("uid", uid.replace(" ", "_"))
    event.add("dtstamp", stamped)
    event.add("summary", summary)
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("description", words)
    return event


def _local(moment: Any, zone: ZoneInfo) -> datetime:
    local: datetime = pd.Timestamp(moment).to_pydatetime().astimezone(zone)
    return local


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
