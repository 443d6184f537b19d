"""Simulated departments, rules, reports and cases for the demo district, marked as such.

Nothing here becomes an incident: the demo's files hold what its residents reported already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from sqlalchemy import Connection, text

from geo.demo.categories import CLASSES, SCHEME
from governance.calendar_store import read_calendar, read_work_clock, write_calendar, write_limits
from governance.case_store import escalate_overdue, move_case
from governance.cases.steps import Case, Step
from governance.clock.calendar import library_calendar
from governance.clock.deadlines import TimeLimit, WorkClock
from governance.intake.classifier_store import SIMULATION, read_sentences
from governance.intake.filing import file_report, refuse_report
from governance.intake.reports import Channel, NewReport, take_report
from governance.intake.routing import NewRule, write_department, write_rule
from governance.posts.rosters import RosterReport, import_roster
from governance.posts.store import write_partner

SIMULATED = UUID("0b4a6c1e-7f6e-5f0a-9a55-51d9d1c3a001")
MARK = "SIM-"
DEPARTMENTS = (
    ("grid", "网格服务队（模拟）", "Grid teams (simulated)", "grid"),
    ("sanitation", "环卫所（模拟）", "Sanitation (simulated)", "street"),
    ("enforcement", "综合执法队（模拟）", "Enforcement team (simulated)", "street"),
    ("roads", "市政设施所（模拟）", "Roads and facilities (simulated)", "district"),
    ("water", "水务所（模拟）", "Water and drainage (simulated)", "district"),
    ("construction", "住建局（模拟）", "Construction bureau (simulated)", "district"),
    ("traffic", "交警大队（模拟）", "Traffic police (simulated)", "street"),
    ("police", "派出所（模拟）", "Police station (simulated)", "street"),
    ("fire", "消防救援站（模拟）", "Fire and rescue (simulated)", "street"),
    ("mediation", "人民调解委员会（模拟）", "Mediation committee (simulated)", "community"),
    ("housing", "物业管理科（模拟）", "Housing management (simulated)", "street"),
    ("emergency", "应急办（模拟）", "Emergency office (simulated)", "street"),
)
ROUTES = {
    "sanitation": ("0102", "0103", "0104", "0106", "0201", "0407"),
    "enforcement": ("0101", "0107", "0115", "0116", "0501", "0504", "0506", "0508", "0510"),
    "roads": ("0110", "2401"),
    "water": ("0105", "0404", "0406"),
    "construction": ("0301", "0302"),
    "traffic": ("0505",),
    "police": ("2101", "2102"),
    "fire": ("2301", "2302"),
    "mediation": ("2201",),
    "housing": ("2501",),
    "emergency": ("2601",),
}
LIMITS = {
    "0101": TimeLimit(15, "work_day"), "0102": TimeLimit(4, "work_hour"),
    "0104": TimeLimit(5, "work_hour"), "0404": TimeLimit(8, "urgent_hour"),
    "0406": TimeLimit(4, "urgent_hour"), "2301": TimeLimit(8, "work_hour"),
    "2601": TimeLimit(2, "urgent_hour"), "2501": TimeLimit(5, "work_day"),
}  # fmt: skip
CHANNEL_OF: dict[str, Channel] = {
    "resident": "hotline", "patrol": "tablet", "camera": "camera", "drone": "drone",
    "sensor": "feed", "other": "feed",
}  # fmt: skip
PARTNERS = (
    ("justice", "司法所下沉组（模拟）", "Justice office, seconded (simulated)", "seconded", 4,
     ("法律咨询", "人民调解")),
    ("market", "市场监管下沉组（模拟）", "Market supervision, seconded (simulated)", "seconded", 5,
     ("食品安全巡查",)),
    ("heart", "心灵关怀社（模拟）", "Listening ear society (simulated)", "social", 12,
     ("心理疏导", "独居探访")),
    ("bluesea", "碧海企业联盟（模拟）", "Blue Sea enterprises (simulated)", "enterprise", 0,
     ("爱心物资",)),
)  # fmt: skip
# The way of a case, with the mean hours that each step takes, and who does it.
WAY = (
    ("dispatch", 2.0, "sim-dispatcher"),
    ("receive", 3.0, None),
    ("start", 4.0, None),
    ("resolve", 14.0, None),
    ("check", 5.0, "sim-checker"),
    ("close", 1.0, "sim-checker"),
    ("call_back", 20.0, "sim-desk"),
)
STALLED = 0.10
REWORKED = 0.08
REFUSED = 0.07
WAITING = 0.04


@dataclass(frozen=True)
class Filled:
    """What was made."""

    reports: int
    cases: int
    escalated: int


def fill_rules(connection: Connection, jurisdiction_id: int, *, now: datetime) -> int:
    """Store departments, routing table, limits and the work calendar; return how many rules."""
    if read_calendar(connection, jurisdiction_id) is None:
        calendar = library_calendar("CN", range(now.year - 1, now.year + 2), lang="zh_CN")
        write_calendar(connection, jurisdiction_id, calendar, source="package holidays")
    for code, name, name_en, level in DEPARTMENTS:
        write_department(connection, jurisdiction_id, code=code, name=name, name_en=name_en,
                         level=level)  # fmt: skip
    basis = "派单目录（模拟）"
    for department, codes in ROUTES.items():
        for code in codes:
            write_rule(connection, jurisdiction_id, NewRule(department, SCHEME, code, basis=basis))
    write_rule(connection, jurisdiction_id, NewRule("enforcement", basis=basis))
    for code, limit in LIMITS.items():
        write_limits(connection, jurisdiction_id, {"handle": limit}, scheme=SCHEME,
                     category_code=code)  # fmt: skip
    return sum(map(len, ROUTES.values())) + 1


def fill_cases(
    connection: Connection, jurisdiction_id: int, *, now: datetime, rng: np.random.Generator,
    reports: int = 160, days: int = 45,
) -> Filled | None:  # fmt: skip
    """Simulate reports of the last days and their cases up to now; None if there are some.

    Places and classes are those of the district's newest incidents; words are starter sentences.
    """
    if connection.execute(_THERE, {"j": jurisdiction_id, "mark": f"{MARK}%"}).scalar_one():
        return None
    clock = read_work_clock(connection, jurisdiction_id)
    places = connection.execute(_PLACES, {"j": jurisdiction_id, "most": reports}).all()
    words = _words()
    ages = np.sort(rng.exponential(days / 3.0, len(places)).clip(0.02, days))[::-1]
    cases = 0
    for number, (place, age) in enumerate(zip(places, ages, strict=True)):
        said = words[place.code]
        new = _report(number, place, now - timedelta(days=float(age)), str(rng.choice(said)))
        report = take_report(connection, jurisdiction_id, new)
        chance = rng.random()
        if chance < WAITING or age < 0.08:
            continue
        when = new.received_at + timedelta(hours=float(rng.exponential(0.5)))
        if chance < WAITING + REFUSED:
            refuse_report(connection, report, outcome="not_public_duty", actor="sim-desk",
                          reason="不属公共职责，已告知其他渠道（模拟）", at=min(when, now),
                          clock=clock)  # fmt: skip
            continue
        case = file_report(connection, report, category_id=place.category_id, actor="sim-desk",
                           at=min(when, now), clock=clock, record=False)  # fmt: skip
        _walk(connection, jurisdiction_id, case, place, when, now=now, clock=clock, rng=rng)
        cases += 1
    late = escalate_overdue(connection, jurisdiction_id, now=now, clock=clock, most=6)
    return Filled(len(places), cases, len(late))


_HAS_POSTS = text("SELECT EXISTS (SELECT FROM person WHERE jurisdiction_id = :j)")


def fill_posts(connection: Connection, jurisdiction_id: int, folder: Path) -> list[RosterReport]:
    """Import the demo's people, posts and shifts once, and give its grids the four of "4+N"."""
    if connection.execute(_HAS_POSTS, {"j": jurisdiction_id}).scalar_one():
        return []
    book = folder / "people.xlsx"
    made = [
        import_roster(connection, jurisdiction_id, book, kind="people", layer="人员"),
        import_roster(connection, jurisdiction_id, book, kind="posts", layer="岗位"),
        import_roster(connection, jurisdiction_id, folder / "shifts.csv", kind="shifts"),
    ]
    connection.execute(_FOUR, {"j": jurisdiction_id})
    connection.execute(_FOUR_POSTS, {"j": jurisdiction_id})
    for code, name, name_en, kind, people, services in PARTNERS:
        write_partner(connection, jurisdiction_id, code=code, name=name, name_en=name_en,
                      kind=kind, headcount=people, services=services)  # fmt: skip
    return made


def _walk(
    connection: Connection, jurisdiction_id: int, case: Case, place: Any, at: datetime, *,
    now: datetime, clock: WorkClock, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Take one case along its way until now, or until somebody lets it lie."""
    route = connection.execute(_ROUTE, {"j": jurisdiction_id, "code": place.code}).scalar_one()
    officer = f"LH{int(rng.integers(1, 124)):04d}"
    again = rng.random() < REWORKED
    steps = [*WAY]
    if again:
        back = [("check", 5.0, "sim-checker"), ("rework", 1.0, "sim-checker"), ("start", 3.0, None),
                ("resolve", 9.0, None)]  # fmt: skip
        steps[4:4] = back
    for number, (action, mean_h, who) in enumerate(steps):
        at += timedelta(hours=float(rng.exponential(mean_h)))
        if at > now or rng.random() < STALLED:
            return
        given: dict[str, Any] = {}
        if action == "dispatch":
            given["department_id"] = route
        if action in {"resolve", "close"}:
            given["evidence"] = (f"simulated: {case.number} after",)
        if action == "rework":
            given["reason"] = "现场仍有残留（模拟）"
        if action == "call_back":
            choice = rng.choice(("satisfied", "neutral", "dissatisfied", "not_reached"),
                                p=(0.7, 0.12, 0.08, 0.1))  # fmt: skip
            given["satisfaction"] = str(choice)
        request = uuid5(SIMULATED, f"{case.number}/{number}")
        step = Step(action, who or officer, at, request, **given)
        move_case(connection, case.case_id, step, clock=clock)


def _report(number: int, place: Any, at: datetime, words: str) -> NewReport:
    return NewReport(
        uuid5(SIMULATED, f"report {number}"), CHANNEL_OF[place.found_by], at, at, words,
        place.lon, place.lat, SIMULATION, category_id=place.category_id,
        source_ref=f"{MARK}{number + 1:04d}",
    )  # fmt: skip


def _words() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {item.code: [] for item in CLASSES}
    for words, code in read_sentences(SCHEME, None):
        if not words.isascii() and len(words) > 6:
            found[code].append(words)
    return found


_THERE = text(
    "SELECT EXISTS (SELECT FROM report WHERE jurisdiction_id = :j AND source_ref LIKE :mark)"
)
_PLACES = text(
    "SELECT i.found_by, ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, c.category_id, c.code "
    "FROM incident i JOIN feed f USING (feed_id) JOIN category c USING (category_id) "
    "WHERE f.jurisdiction_id = :j AND i.area_id IS NOT NULL "
    "AND i.occurred_at > (SELECT max(occurred_at) - interval '30 days' FROM incident) "
    "ORDER BY hashint8(i.incident_id) LIMIT :most"
)
_ROUTE = text(
    "SELECT department_id FROM routing_rule WHERE jurisdiction_id = :j "
    "AND (category_code = :code OR category_code IS NULL) ORDER BY category_code NULLS LAST LIMIT 1"
)
# Each of the four serves three to four neighbouring grids; one grid in nine has nobody yet.
_FOUR = text(
    "INSERT INTO person (jurisdiction_id, staff_no, title) "
    "SELECT :j, 'SN' || r.n || lpad(k::text, 3, '0'), r.title FROM (VALUES (1, '网格指导员'), "
    "(2, '社区民警'), (3, '调解员'), (4, '安全员')) AS r (n, title), generate_series(0, 17) AS k "
    "ON CONFLICT (jurisdiction_id, staff_no) DO NOTHING"
)
_FOUR_POSTS = text(
    "INSERT INTO post (person_id, role, area_id, valid_from) "
    "SELECT p.person_id, r.role, g.area_id, DATE '2024-01-01' FROM ("
    "SELECT area_id, row_number() OVER (ORDER BY code) - 1 AS i FROM area "
    "WHERE jurisdiction_id = :j AND level = 'grid' AND grid_kind = 'basic') AS g, "
    "(VALUES (1, 'instructor'), (2, 'police'), (3, 'mediator'), (4, 'safety')) AS r (n, role), "
    "person p WHERE (g.i + r.n) % 9 <> 0 AND p.jurisdiction_id = :j "
    "AND p.staff_no = 'SN' || r.n || lpad((g.i / (2 + r.n % 2 + 1) % 18)::text, 3, '0') "
    "AND NOT EXISTS (SELECT FROM post o WHERE o.person_id = p.person_id AND o.role = r.role "
    "AND o.area_id = g.area_id)"
)
