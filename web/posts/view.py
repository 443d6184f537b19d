"""Staffing, vacancies, duty, stations and partners as JSON types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection

from governance.posts.appointments import read_team, read_units
from governance.posts.roles import role_name
from governance.posts.staffing import Staffing
from governance.posts.store import (
    StationReach,
    read_grid_list,
    read_least,
    read_on_duty,
    read_partners,
    read_roster,
    read_staffing,
    read_stations,
    read_vacancy_map,
)
from web.subject import About


def view_staffing(connection: Connection, about: About, *, on: date) -> dict[str, Any]:
    """Return the matrix of grids and roles of a day, its gaps and who holds several posts."""
    grids = read_grid_list(connection, about.number, on=on)
    staffing = read_staffing(connection, about.number, on=on)
    least = read_least(connection, about.number)
    return {
        "on": on.isoformat(), "today": today(about).isoformat(), "zone": about.time_zone,
        "roles": [_role(role, staffing, least) for role in staffing.matrix.columns],
        "grids": [
            {**_grid(row), "held": _held(staffing, row["area_id"])}
            for row in grids.to_dict("records")
        ],
        "gaps": [
            {"code": row["code"], "role": row["role"], "held": row["held"], "least": row["least"]}
            for row in staffing.gaps.to_dict("records")
        ],
        "doubles": staffing.doubles[["staff_no", "role", "posts", "grids"]].to_dict("records"),
    }  # fmt: skip


def _role(role: str, staffing: Staffing, least: dict[str, int]) -> dict[str, Any]:
    zh, en = role_name(role)
    return {
        "role": role, "zh": zh, "en": en, "least": least.get(role, 0),
        "people": round(float(staffing.share[role].sum())),
        "grids": int((staffing.matrix[role] > 0).sum()),
        "gaps": int((staffing.gaps["role"] == role).sum()),
    }  # fmt: skip


def _grid(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {"code": row["code"], "name": row["name"] or row["code"], "name_en": row["name_en"],
            "kind": row["grid_kind"]}  # fmt: skip


def _held(staffing: Staffing, area_id: int) -> dict[str, int]:
    row = staffing.matrix.loc[area_id]
    return {str(role): int(n) for role, n in row.items() if n}


def view_vacancies(connection: Connection, about: About, *, on: date) -> dict[str, Any]:
    """Return the map: basic grids with what is vacant, service stations and partners as points."""
    frame = read_vacancy_map(connection, about.number, on=on)
    shapes = json.loads(frame.to_json(drop_id=True))["features"]
    stations = [
        _point(row, {"kind": "station", "name": row["name"]})
        for row in read_stations(connection, about.number).to_dict("records")
    ]
    partners = [
        _point(row, {"kind": "partner", "name": row["name"], "name_en": row["name_en"]})
        for row in read_partners(connection, about.number).to_dict("records")
        if not pd.isna(row["lon"])
    ]
    return {"type": "FeatureCollection", "features": [*shapes, *stations, *partners]}


def _point(row: Mapping[Any, Any], properties: dict[str, Any]) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [round(row["lon"], 7), round(row["lat"], 7)]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def view_team(connection: Connection, about: About, code: str, *, on: date) -> dict[str, Any]:
    """Return who holds which role in a grid, on a day or later."""
    team = read_team(connection, about.number, code, on=on)
    return {"code": code, "on": on.isoformat(), "posts": [_plain(post) for post in team]}


def view_duty(connection: Connection, about: About, *, day: date, now: datetime) -> dict[str, Any]:
    """Return the roster of a local day, who is on duty now, and the units there are."""
    start = datetime.combine(day, time(), about.zone)
    end = datetime.combine(day + timedelta(days=1), time(), about.zone)
    roster = read_roster(connection, about.number, start=start, end=end)
    on_duty = read_on_duty(connection, about.number, at=now)
    return {
        "day": day.isoformat(),
        "now": now.astimezone(UTC).isoformat(),
        "zone": about.time_zone,
        "roster": [_plain(row) for row in roster.to_dict("records")],
        "on_duty": [_plain(row) for row in on_duty.to_dict("records")],
        "units": read_units(connection, about.number),
    }


def view_reach(reach: StationReach) -> dict[str, Any]:
    """Return the share of households near a station; null where nothing is known."""
    return {
        "stations": reach.stations, "households": reach.households, "reach_m": reach.reach_m,
        "share": reach.share,
        "grids": [
            {**_grid(row), "households": int(row["households"]),
             "share": None if pd.isna(row["share"]) else float(row["share"])}
            for row in reach.grids.to_dict("records")
        ],
    }  # fmt: skip


def view_partners(connection: Connection, about: About) -> dict[str, Any]:
    """Return seconded units, volunteers and partner organisations."""
    rows = read_partners(connection, about.number).drop(columns="metres")
    return {"partners": [_plain(row) for row in rows.to_dict("records")]}


def today(about: About) -> date:
    """Return the day that it is in the jurisdiction."""
    return datetime.now(ZoneInfo(about.time_zone)).date()


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return list(value)
    return None if pd.isna(value) else value
