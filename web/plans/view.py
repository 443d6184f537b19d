"""A plan as the API shows it: its life, its marks, what it gathers and what it covers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import Connection, text

from patrol.drones.store import read_drone, read_drones
from patrol.planning.cover import Cost, expected_coverage
from patrol.planning.edits import Mark
from patrol.planning.gather import plan_days
from patrol.planning.gathered import read_gathered, read_looks
from patrol.planning.nights import Part, night_words, read_night
from patrol.planning.paper import plain
from patrol.planning.steps import read_steps
from patrol.planning.store import Desk, find_in_force, read_done, read_edits
from patrol.routes.proposals import find_proposals, read_confirmed
from web.language import PageLang
from web.plans.files import judge_flight, read_zone


def plan_tag(connection: Connection, plan_id: int) -> str:
    """Return the ETag of a plan: it changes with each step, and when a newer version comes."""
    row = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM plan_step s WHERE s.plan_id = p.plan_id) AS steps, "
            "(SELECT max(version) FROM plan n WHERE n.jurisdiction_id = p.jurisdiction_id "
            "AND n.plan_date = p.plan_date AND n.days = p.days) AS newest "
            "FROM plan p WHERE plan_id = :plan"
        ),
        {"plan": plan_id},
    ).one_or_none()
    return "" if row is None else f'"{plan_id}-{row.steps}-{row.newest}"'


def view_plan(connection: Connection, desk: Desk, lang: PageLang) -> dict[str, Any]:
    """Return a plan without its areas, as JSON types."""
    head, number = desk.plan.head, desk.plan.head["plan_id"]
    gathered = read_gathered(connection, number)
    night = read_night(connection, head["jurisdiction_id"], plan_id=number)
    zone = read_zone(connection, head["jurisdiction_id"])
    return {
        "plan": {name: plain(value) for name, value in head.items()},
        "shifts": [view_shift(desk, row) for row in desk.shifts.to_dict("records")],
        "days": [plain(day) for day in plan_days(desk.plan, zone)],
        "kinds": sorted(desk.items["unit_kind"].unique().tolist()),
        "coverage": view_coverage(desk),
        "steps": [{name: plain(value) for name, value in step.items()}
                  for step in read_steps(connection, number)],
        "edits": [view_edit(edit) for edit in read_edits(connection, number)],
        "marks": [view_mark(mark) for mark in desk.marks.values()],
        "gathered": {"routes": list(gathered.routes), "rounds": list(gathered.rounds),
                     "flights": [number for number, _ in gathered.flights]},
        "replans": [{name: plain(value) for name, value in one.items()}
                    for one in read_confirmed(connection, number)],
        "proposals": find_proposals(connection, number, now=datetime.now(UTC)),
        "night": view_night(night, lang),
    }  # fmt: skip


def view_shift(desk: Desk, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a shift with its times and length."""
    shift = next(s for s in desk.plan.shifts if s.shift_no == row["shift_no"])
    return {
        "shift_no": shift.shift_no, "name": shift.name_zh, "name_en": shift.name_en,
        "starts_at": shift.starts_at.isoformat(), "ends_at": shift.ends_at.isoformat(),
        "minutes": float(row["minutes"]), "need_share": float(row["need_share"]),
    }  # fmt: skip


def view_coverage(desk: Desk) -> dict[str, Any]:
    """Return need and expected coverage of a plan, and by what assumption."""
    params = desk.cover
    table = expected_coverage(desk.items, desk.shifts, params)
    need, covered = float(table["need"].sum()), float(table["covered"].sum())
    return {
        "need": need, "covered": covered, "share": covered / need if need else None,
        "dwell_min": params.dwell_min, "visible_min": params.visible_min,
        "cover_h": params.cover_h,
        "unknown_areas": int(desk.items.loc[desk.items["need_day"].isna(), "area_id"].nunique()),
    }  # fmt: skip


def view_cost(cost: Cost) -> dict[str, Any]:
    """Return what an edit costs."""
    zh, en = cost.words()
    return {
        "need": cost.need, "before": cost.before, "after": cost.after, "change": cost.change,
        "minutes_before": cost.minutes_before, "minutes_after": cost.minutes_after,
        "by_area": cost.by_area.to_dict("records"), "unknown_areas": list(cost.unknown_areas),
        "words": {"zh": zh, "en": en},
    }  # fmt: skip


def view_edit(edit: Mapping[str, Any]) -> dict[str, Any]:
    """Return an edit that made the version."""
    shown = {name: plain(value) for name, value in edit.items() if name != "geometry"}
    return shown | {"geometry": json.loads(edit["geometry"]) if edit["geometry"] else None}


def view_mark(mark: Mark) -> dict[str, Any]:
    """Return a pin or a forbidden ground."""
    edit = mark.edit
    return {
        "mark": mark.name, "kind": edit.kind, "by": mark.by, "reason": edit.reason,
        "minutes": edit.minutes, "area_id": edit.area_id,
        "geometry": None if edit.geom is None else shapely.geometry.mapping(edit.geom),
    }  # fmt: skip


def view_night(night: dict[str, Any] | None, lang: PageLang) -> dict[str, Any] | None:
    """Return how a night went, with what to tell of it."""
    if night is None:
        return None
    pick = 1 if lang == "en" else 0
    return {
        **{name: plain(value) for name, value in night.items() if name != "parts"},
        "parts": [vars(Part(**part)) | {"words": Part(**part).words()[pick]}
                  for part in night["parts"]],
        "words": [said[pick] for said in night_words(night)],
    }  # fmt: skip


def view_changes(change: Any, lang: PageLang) -> dict[str, Any]:
    """Return what changed between two plans."""
    pick = 1 if lang == "en" else 0
    rows = change.rows.rename(columns={f"why_{lang}": "why"})
    names = ["area_id", "code", "name", "community", "before_min", "after_min", "change_min", "why"]
    return {
        "before_min": change.before_min, "after_min": change.after_min, "same": change.same,
        "begun": list(change.begun), "ended": list(change.ended),
        "sentences": [said[pick] for said in change.sentences],
        "rows": [{name: plain(row[name]) for name in names} for row in rows.to_dict("records")],
    }  # fmt: skip


def view_first(lang: PageLang) -> dict[str, Any]:
    """Return the same shape for a plan that has none before it."""
    said = ("没有更早的方案可比较。", "There is no earlier plan to compare with.")
    return {
        "before": None, "before_day": None, "before_min": None, "after_min": None, "same": None,
        "begun": [], "ended": [], "sentences": [said[1 if lang == "en" else 0]], "rows": [],
    }  # fmt: skip


def view_done(connection: Connection, plan_id: int) -> dict[str, Any]:
    """Return planned and done minutes by area and shift; null where nobody knows."""
    rows = read_done(connection, plan_id)
    return {
        "rows": [{str(name): plain(value) for name, value in row.items()}
                 for row in rows.to_dict("records")]
    }  # fmt: skip


def view_rounds(
    connection: Connection, desk: Desk, *, day: date | None = None
) -> list[dict[str, Any]]:
    """Return the camera rounds of a plan, or of one day of it, with their looks."""
    found = []
    for number in read_gathered(connection, desk.plan.head["plan_id"], day=day).rounds:
        looks = read_looks(connection, number)
        found.append({
            "round_id": number, "watchers": int(looks["watcher"].max()) if len(looks) else 0,
            "looks": [{str(name): plain(value) for name, value in row.items()}
                      for row in looks.to_dict("records")],
        })  # fmt: skip
    return found


def view_flights(
    connection: Connection, desk: Desk, lang: PageLang, *, day: date | None = None
) -> list[dict[str, Any]]:
    """Return the drone flights of a plan, each with what stands against it in the airspace now."""
    found = []
    for number, takes_off in read_gathered(connection, desk.plan.head["plan_id"], day=day).flights:
        route, answer = judge_flight(connection, number, takes_off)
        found.append({
            "flight_id": number, "mission": route.mission, "flight_no": route.flight_no,
            "drone_id": route.drone_id, "drone": read_drone(connection, route.drone_id).craft.name,
            "takes_off_at": takes_off.isoformat(),
            "duration_s": route.duration_s, "may_fly": answer.may_fly,
            "due_at": None if answer.due_at is None else answer.due_at.isoformat(),
            "approval_no": answer.approval_no,
            "ground": answer.ground[lang == "en"],
            "breaches": [
                {"weight": one.weight, "rule": one.rule, "article": one.article,
                 "legs": list(one.legs), "words": one.en if lang == "en" else one.zh}
                for one in answer.breaches
            ],
            "geometry": {"type": "LineString", "coordinates": route.points.round(6).tolist()},
        })  # fmt: skip
    return found


def view_desk(
    connection: Connection, about: Any, units: Sequence[Mapping[str, Any]], lang: PageLang
) -> dict[str, Any]:
    """Return what a planner begins with: the place, units on duty, the last night."""
    today = datetime.now(UTC).astimezone(about.zone).date()
    return {
        "jurisdiction": {"code": about.code, "name": about.name_zh, "name_en": about.name_en,
                         "simulated": about.simulated, "time_zone": about.time_zone,
                         "approval_no": about.approval_no, "bounds": _bounds(connection, about)},
        "today": today.isoformat(),
        "in_force": find_in_force(connection, about.number, day=today),
        "units": list(units),
        "drones": [{"drone_id": one.drone_id, "name": one.craft.name}
                   for one in read_drones(connection, about.number)],
        "night": view_night(read_night(connection, about.number), lang),
    }  # fmt: skip


def _bounds(connection: Connection, about: Any) -> list[float]:
    row = connection.execute(
        text(
            "SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) FROM jurisdiction "
            "WHERE jurisdiction_id = :n"
        ),
        {"n": about.number},
    ).one()
    return [float(value) for value in row]


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON types."""
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
