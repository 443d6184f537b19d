"""What the worker watches every minute: bursts, late cases, ground left, silence, filings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine

from analytics.bursts import (
    BurstParams,
    find_bursts,
    find_class_bursts,
    is_silent,
    share_of_span,
)
from analytics.cube import REPORTED
from analytics.outlook_store import read_outlook_at
from analytics.today import HOURS_OF_WEEK, share_hours
from governance.cases.states import OPEN
from web.database import packaged_sql
from web.jobs.rounds import keep_doing

EVERY_S = 60.0
MOST_LATE = 100
URGENT_AFTER = timedelta(hours=24)
LEAST_SILENCE = timedelta(hours=1)
DROP_TO = 0.6
FEWEST_CELLS = 50
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Finding:
    """Something to raise an alert about; the same subject is the same alert."""

    subject: str
    severity: int
    title_zh: str
    title_en: str
    area_id: int | None = None
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A jurisdiction that is watched."""

    number: int
    zone: ZoneInfo


@dataclass(frozen=True)
class Foreseen:
    """Reports a week of each class in each grid, as the stored forecast of this week has them.

    Attributes
    ----------
    pairs, of_area
        By area_id and class code, and by area_id; empty without a forecast.
    """

    pairs: Mapping[tuple[int, str], float]
    of_area: Mapping[int, float]
    result_run_id: int | None = None

    def of_pair(self, row: Mapping[str, Any]) -> float:
        """Return those of a class in a grid; nan where the forecast does not have it."""
        return self.pairs.get((row["area_id"], row["code"]), float("nan"))


def read_foreseen(connection: Connection, place: Place, *, now: datetime) -> Foreseen:
    """Read the forecast whose week it is."""
    outlook = read_outlook_at(connection, place.number, level="grid", at=now)
    if outlook is None:
        return Foreseen({}, {})
    pairs = {
        (int(str(area)), str(code)): float(value)
        for code, column in outlook.expected.to_dict().items()
        for area, value in column.items()
    }
    of_area: dict[int, float] = {}
    for (area, _), value in pairs.items():
        of_area[area] = of_area.get(area, 0.0) + value
    return Foreseen(pairs, of_area, outlook.result_run_id)


async def keep_watching(engine: Engine, *, every_s: float = EVERY_S) -> None:
    """Watch again and again."""
    await keep_doing("watching", lambda: watch_all(engine, now=datetime.now(UTC)), every_s=every_s)


def watch_all(engine: Engine, *, now: datetime) -> None:
    """Do one round, each jurisdiction in a transaction of its own."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT jurisdiction_id, time_zone FROM jurisdiction")
        places = [Place(int(number), ZoneInfo(zone)) for number, zone in found]
    for place in places:
        with engine.begin() as connection:
            watch(connection, place, now=now)


def watch(
    connection: Connection, place: Place, *, now: datetime, params: BurstParams | None = None
) -> dict[str, int]:
    """Raise what holds now and end what does not any more; return how many hold, by kind.

    Never commits.
    """
    params = params or BurstParams()
    shares = _shares(connection, place, now, params)
    foreseen = read_foreseen(connection, place, now=now)
    found = {
        "burst": find_place_bursts(connection, place, shares, foreseen, now=now, params=params),
        "late_case": find_late_cases(connection, place, now=now),
        "coverage_drop": find_coverage_drop(connection, place, now=now),
        "feed_silent": find_silence(connection, place, shares, now=now),
        "filing_due": find_unfiled_cameras(connection, place, now=now),
    }
    for kind, findings in found.items():
        _settle(connection, place, kind, findings)
    return {kind: len(findings) for kind, findings in found.items()}


def find_place_bursts(
    connection: Connection, place: Place, shares: Floats, foreseen: Foreseen, *,
    now: datetime, params: BurstParams,
) -> list[Finding]:  # fmt: skip
    """Return the classes in grids with more reports in the last hours than chance gives.

    What is expected comes from the stored forecast of this week where it has the grid, else from
    the recent rate; each alert says which. A grid is named by itself where what these classes
    leave of it is a burst still.
    """
    rows = _read(connection, "alert_counts", {
        "place": place.number, "now": now, "since": now - timedelta(hours=params.window_h),
        "begin": now - timedelta(weeks=params.weeks), "reported": list(REPORTED),
        "window_s": params.window_h * 3600, "zone": place.zone.key,
    })  # fmt: skip
    if not rows:
        return []
    hour = _hour_of_week(now, place)
    share = share_of_span(shares, until=hour, length_h=params.window_h)
    told, explained = _class_bursts(rows, share, foreseen, params)
    areas = {int(row["area_id"]): row for row in rows}
    places = {area: n for n, area in enumerate(areas)}
    rest = np.zeros((2, len(areas)), np.int64)
    weekly = np.array([foreseen.of_area.get(area, np.nan) for area in areas])
    for row in rows:
        if (row["area_id"], row["category_id"]) not in explained:
            rest[:, places[row["area_id"]]] += row["recent"], row["history"]
        else:
            weekly[places[row["area_id"]]] -= foreseen.of_pair(row)
    bursts = find_bursts(rest[0], rest[1], shares, hour=hour, params=params, weekly=weekly)
    partly = {area for area, _ in explained}
    for n in np.flatnonzero(bursts.is_burst):
        row = list(areas.values())[n]
        other = row["area_id"] in partly
        basis = _basis(foreseen, params, weekly[n])
        told.append(Finding(
            subject=str(row["area_id"]), severity=3 if bursts.p[n] < params.alpha / 100 else 2,
            title_zh=f"{row['name']}：{params.window_h}小时内{rest[0, n]}件"
                     f"{'其他' if other else ''}报告，"
                     f"预期{bursts.expected[n]:.1f}件（{basis['zh']}）",
            title_en=f"{row['name_en']}: {rest[0, n]} {'other ' if other else ''}reports in "
                     f"{params.window_h} h, expected {bursts.expected[n]:.1f} ({basis['en']})",
            area_id=row["area_id"],
            body={"n": int(rest[0, n]), "expected": round(float(bursts.expected[n]), 3),
                  "p": float(f"{bursts.p[n]:.3g}"), "window_h": params.window_h,
                  "basis": basis["body"]},
        ))  # fmt: skip
    return told


def _class_bursts(
    rows: list[dict[str, Any]], share: float, foreseen: Foreseen, params: BurstParams
) -> tuple[list[Finding], set[tuple[int, int]]]:
    """Return what to tell of classes in grids, and which pairs of area and category these are."""
    areas = {area: n for n, area in enumerate(dict.fromkeys(row["area_id"] for row in rows))}
    known = [row for row in rows if row["category_id"] is not None]
    if not known:
        return [], set()
    classes = {c: n for n, c in enumerate(dict.fromkeys(row["category_id"] for row in known))}
    recent, history, same = np.zeros((3, len(areas), len(classes)), np.int64)
    weekly = np.full((len(areas), len(classes)), np.nan)
    for row in known:
        at = areas[row["area_id"]], classes[row["category_id"]]
        recent[at], history[at], same[at] = row["recent"], row["history"], row["same_hours"]
        weekly[at] = foreseen.of_pair(row)
    found = find_class_bursts(
        recent, history, same.sum(axis=0), share=share, params=params, weekly=weekly
    )
    told, pairs = [], set()
    for row in known:
        at = areas[row["area_id"]], classes[row["category_id"]]
        if not found.is_burst[at]:
            continue
        pairs.add((row["area_id"], row["category_id"]))
        usual = float(found.expected[at])
        span = f"{found.low[at]}–{found.high[at]}"
        basis = _basis(foreseen, params, weekly[at])
        told.append(Finding(
            subject=f"{row['area_id']}:{row['category_id']}",
            severity=3 if found.p[at] < params.alpha / 100 else 2,
            title_zh=f"{row['name']}：{params.window_h}小时内{row['recent']}件“{row['class_zh']}”"
                     f"报告，预期{usual:.1f}件（{basis['zh']}，95%区间{span}）",
            title_en=f"{row['name_en']}: {row['recent']} reports of {row['class_en']} in "
                     f"{params.window_h} h, expected {usual:.1f} ({basis['en']}, 95 % interval "
                     f"{span})",
            area_id=row["area_id"],
            body={"n": row["recent"], "category": row["code"], "expected": round(usual, 3),
                  "low": int(found.low[at]), "high": int(found.high[at]),
                  "p": float(f"{found.p[at]:.3g}"), "q": float(f"{found.q[at]:.3g}"),
                  "window_h": params.window_h, "basis": basis["body"]},
        ))  # fmt: skip
    return told, pairs


def _basis(foreseen: Foreseen, params: BurstParams, weekly: float) -> dict[str, Any]:
    """Return what an expectation comes from, in words and for machines."""
    if not np.isfinite(weekly):
        return {"zh": f"按近{params.weeks}周水平", "en": f"by the last {params.weeks} weeks",
                "body": {"kind": "recent rate", "weeks": params.weeks}}  # fmt: skip
    number = foreseen.result_run_id
    return {"zh": f"按预测{number}", "en": f"by forecast {number}",
            "body": {"kind": "forecast", "result_run_id": number}}  # fmt: skip


def find_late_cases(connection: Connection, place: Place, *, now: datetime) -> list[Finding]:
    """Return the cases that are past their deadline, the latest ones."""
    rows = _read(connection, "alert_late_cases", {
        "place": place.number, "now": now, "open": sorted(OPEN), "most": MOST_LATE,
    })  # fmt: skip
    return [_late(row, place, now) for row in rows]


def _late(row: dict[str, Any], place: Place, now: datetime) -> Finding:
    due = f"{row['due_at'].astimezone(place.zone):%m-%d %H:%M}"
    return Finding(
        subject=row["number"],
        severity=3 if now - row["due_at"] > URGENT_AFTER else 2,
        title_zh=f"案件{row['number']}逾期（{due}到期）",
        title_en=f"Case {row['number']} is late (due {due})",
        area_id=row["area_id"],
        body={"number": row["number"]},
    )


def find_coverage_drop(connection: Connection, place: Place, *, now: datetime) -> list[Finding]:
    """Return whether patrols came through far less ground in a day than in the week before."""
    row = _read(connection, "alert_ground", {"place": place.number, "now": now})[0]
    usual, today = float(row["usual"]), int(row["today"])
    if usual < FEWEST_CELLS or today >= DROP_TO * usual:
        return []
    share = round(100 * today / usual)
    return [Finding(
        subject="ground", severity=2,
        title_zh=f"24小时巡到的地面降至平日的{share}%",
        title_en=f"Ground that patrols came through in 24 h fell to {share} % of the usual",
        body={"cells": today, "usual": round(usual, 1)},
    )]  # fmt: skip


def find_silence(
    connection: Connection, place: Place, shares: Floats, *, now: datetime
) -> list[Finding]:
    """Return whether live reports stopped for longer than chance explains."""
    row = _read(connection, "alert_arrivals", {"place": place.number, "now": now})[0]
    if row["last_at"] is None or now - row["last_at"] < LEAST_SILENCE:
        return []
    hours = (now - row["last_at"]).total_seconds() / 3600
    share = share_of_span(shares, until=_hour_of_week(now, place), length_h=hours)
    if not is_silent(row["n"] / 2, share):
        return []
    since = row["last_at"].astimezone(place.zone)
    return [Finding(
        subject="incidents", severity=3,
        title_zh=f"自{since:%m-%d %H:%M}起没有收到实时报告：请检查来源",
        title_en=f"No live report since {since:%m-%d %H:%M}: check the sources",
        body={"expected": round(row["n"] / 2 * share, 1)},
    )]  # fmt: skip


def find_unfiled_cameras(connection: Connection, place: Place, *, now: datetime) -> list[Finding]:
    """Return whether cameras in use are past their filing date, or will be within a week.

    Decree 799 art. 14: filed within thirty days of use.
    """
    today = now.astimezone(place.zone).date()
    row = _read(connection, "alert_filing", {"place": place.number, "today": today})[0]
    if not row["soon"]:
        return []
    return [Finding(
        subject="cameras", severity=2 if row["late"] else 1,
        title_zh=f"摄像机备案：{row['late']}台已逾期，{row['soon'] - row['late']}台一周内到期",
        title_en=f"Cameras to file: {row['late']} past their date, "
                 f"{row['soon'] - row['late']} due within a week",
        body={"late": row["late"], "soon": row["soon"]},
    )]  # fmt: skip


def _shares(connection: Connection, place: Place, now: datetime, params: BurstParams) -> Floats:
    rows = _read(connection, "wall_hours", {
        "place": place.number, "zone": place.zone.key, "since": now - timedelta(weeks=params.weeks),
        "until": now, "reported": list(REPORTED),
    })  # fmt: skip
    week = np.zeros(HOURS_OF_WEEK)
    for row in rows:
        week[row["day"].weekday() * 24 + row["hour"]] += row["reported"]
    return share_hours(week)


def _hour_of_week(now: datetime, place: Place) -> float:
    local = now.astimezone(place.zone)
    return local.weekday() * 24 + local.hour + local.minute / 60


def _settle(connection: Connection, place: Place, kind: str, findings: Sequence[Finding]) -> None:
    for one in findings:
        connection.exec_driver_sql(packaged_sql("alert_raise"), {
            "kind": kind, "place": place.number, "area": one.area_id, "subject": one.subject,
            "severity": one.severity, "title_zh": one.title_zh, "title_en": one.title_en,
            "body": json.dumps(one.body),
        })  # fmt: skip
    connection.exec_driver_sql(
        packaged_sql("alert_end"),
        {"place": place.number, "kind": kind, "subjects": [one.subject for one in findings]},
    )


def _read(connection: Connection, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    found = connection.exec_driver_sql(packaged_sql(name), values)
    return [dict(row) for row in found.mappings()]
