"""What the worker watches every minute: bursts, late cases, ground left, silence, filings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine

from analytics.bursts import BurstParams, is_silent, share_of_span
from analytics.cube import REPORTED
from analytics.today import HOURS_OF_WEEK, share_hours
from governance.cases.states import OPEN
from web.database import packaged_sql
from web.jobs.bursts import find_place_bursts, read_foreseen
from web.jobs.findings import Finding, Floats, Place, hour_of_week, read
from web.jobs.rounds import keep_doing

EVERY_S = 60.0
MOST_LATE = 100
URGENT_AFTER = timedelta(hours=24)
LEAST_SILENCE = timedelta(hours=1)
DROP_TO = 0.6
FEWEST_CELLS = 50


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
    connection.exec_driver_sql(
        packaged_sql("alert_watched"), {"place": place.number, "now": now}
    )  # fmt: skip
    return {kind: len(findings) for kind, findings in found.items()}


def find_late_cases(connection: Connection, place: Place, *, now: datetime) -> list[Finding]:
    """Return the cases that are past their deadline, the latest ones."""
    rows = read(connection, "alert_late_cases", {
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
    row = read(connection, "alert_ground", {"place": place.number, "now": now})[0]
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
    row = read(connection, "alert_arrivals", {"place": place.number, "now": now})[0]
    if row["last_at"] is None or now - row["last_at"] < LEAST_SILENCE:
        return []
    hours = (now - row["last_at"]).total_seconds() / 3600
    share = share_of_span(shares, until=hour_of_week(now, place), length_h=hours)
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
    row = read(connection, "alert_filing", {"place": place.number, "today": today})[0]
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
    rows = read(connection, "wall_hours", {
        "place": place.number, "zone": place.zone.key, "since": now - timedelta(weeks=params.weeks),
        "until": now, "reported": list(REPORTED),
    })  # fmt: skip
    week = np.zeros(HOURS_OF_WEEK)
    for row in rows:
        week[row["day"].weekday() * 24 + row["hour"]] += row["reported"]
    return share_hours(week)


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
