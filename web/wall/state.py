"""The wall's document: each panel's numbers with the time that they are of; null is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from psycopg.rows import dict_row
from scipy.stats import binomtest

from analytics.cube import REPORTED
from analytics.results import LABELS
from analytics.today import (
    HOURS_OF_WEEK,
    disperse_forecast,
    disperse_history,
    expect_part,
    share_hours,
)
from geo.errors import NotFoundError
from governance.cases.states import OPEN
from web.database import Rows, packaged_sql

Record = dict[str, Any]
PROFILE_WEEKS = 8
OLD_AFTER = timedelta(hours=36)
"""Newest data older than this are shown as of their own time, and said to be old."""
MOST_ALERTS = 50
MOST_MOVERS = 6


@dataclass(frozen=True)
class Moment:
    """Of when a wall speaks.

    Attributes
    ----------
    now
        The clock's time, or the one that somebody looks back to.
    as_of
        `now`, or the time of the newest incident where that is long ago.
    """

    now: datetime
    as_of: datetime
    zone: ZoneInfo
    is_old: bool

    @property
    def day(self) -> date:
        """Return the local day."""
        return self.as_of.astimezone(self.zone).date()

    def midnight(self, days: int = 0) -> datetime:
        """Return when the local day began, or another one `days` later."""
        day = self.day + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)


async def read_all(rows: Rows, name: str, values: Mapping[str, Any]) -> list[Record]:
    """Run a packaged query and return its rows by column name."""
    async with rows.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(packaged_sql(name), values)
        return await cursor.fetchall()


async def read_place(rows: Rows, code: str | None, now: datetime) -> tuple[Record, Moment]:
    """Return the jurisdiction that a wall shows, and of when it speaks.

    Raises
    ------
    NotFoundError
        There is none of that code that the caller may see.
    """
    found = await read_all(rows, "wall_place", {"code": code, "now": now})
    if not found:
        raise NotFoundError(
            "there is no jurisdiction yet: import boundaries first" if code is None
            else f"there is no jurisdiction {code!r}"
        , code="no-jurisdiction")  # fmt: skip
    place = found[0]
    last = place["last_incident_at"]
    is_old = last is None or now - last > OLD_AFTER
    as_of = last if is_old and last is not None else now
    return place, Moment(now, as_of, ZoneInfo(place["time_zone"]), is_old)


async def make_state(rows: Rows, code: str | None, now: datetime) -> Record:
    """Return the whole document; `rows` is a connection in the scope of who asks."""
    place, moment = await read_place(rows, code, now)
    number = int(place["jurisdiction_id"])
    runs = {
        run["kind"]: run for run in await read_all(rows, "wall_runs", {"place": number})
    }  # fmt: skip
    results = await read_all(rows, "wall_results", {"place": number})
    hours = await read_all(rows, "wall_hours", {
        "place": number, "zone": place["time_zone"], "since": moment.midnight(-7 * PROFILE_WEEKS),
        "until": moment.as_of + timedelta(seconds=1), "reported": list(REPORTED),
    })  # fmt: skip
    grids = await read_all(rows, "wall_grids", {
        "place": number, "until": moment.as_of, "reported": list(REPORTED), "open": sorted(OPEN),
        "now": moment.now,
    })  # fmt: skip
    expected = await _result(rows, runs.get("forecast"))
    trends = await _result(rows, runs.get("trends"))
    looks = (await read_all(rows, "wall_looks", {"place": number, "now": moment.as_of}))[0]
    plan, items = await _plan(rows, number, moment)
    alerts = await read_alerts(rows, number, MOST_ALERTS)

    def compose() -> Record:
        told = _grids(grids, expected, trends, items)
        return {
            "place": _place(place),
            "at": _epoch(moment.now),
            "as_of": _epoch(moment.as_of),
            "is_old": moment.is_old,
            "last_incident_at": _epoch(place["last_incident_at"]),
            "last_event": place["last_event"],
            "runs": {kind: _run(run) for kind, run in runs.items()},
            "results": [_stored(run) for run in results],
            "today": today(hours, expected, runs.get("forecast"), moment),
            "grids": told,
            "movers": movers(told) if _has_eight_weeks(place, moment) else {"up": [], "down": []},
            "looks": _looks(looks),
            "plan": _plan_panel(plan, items),
            "alerts": alerts,
            "watched_at": _epoch(place["watched_at"]),
        }

    return await asyncio.to_thread(compose)


async def read_alerts(rows: Rows, jurisdiction_id: int, most: int) -> list[Record]:
    """Return the open alerts, times as seconds since 1970."""
    found = await read_all(rows, "alerts_open", {"place": jurisdiction_id, "most": most})
    times = ("raised_at", "last_at", "acknowledged_at")
    return [row | {name: _epoch(row[name]) for name in times} for row in found]


async def _result(rows: Rows, run: Record | None) -> dict[int, Record]:
    if run is None:
        return {}
    found = await read_all(rows, "wall_result", {"run": run["result_run_id"]})
    return {int(row["area_id"]): row for row in found}


async def _plan(rows: Rows, number: int, moment: Moment) -> tuple[Record | None, dict[int, Record]]:
    found = await read_all(rows, "wall_plan", {"place": number, "day": moment.day})
    if not found:
        return None, {}
    values = {"plan": found[0]["plan_id"], "place": number, "until": moment.as_of}
    items = await read_all(rows, "wall_plan_areas", values)
    return found[0], {int(item["area_id"]): item for item in items}


def today(
    hours: Sequence[Record], expected: Mapping[int, Record], run: Record | None, moment: Moment
) -> Record:
    """Return today's reports by hour beside what the stored forecast expects of the day.

    Parameters
    ----------
    hours
        Reports by local day and hour of today and the eight weeks before.
    run
        The stored forecast, or None.
    """
    day, hour = moment.day, moment.as_of.astimezone(moment.zone).hour
    local = moment.as_of.astimezone(moment.zone)
    counts = np.zeros(24, dtype=np.int64)
    everything = 0
    week = np.zeros(HOURS_OF_WEEK)
    days = np.zeros(PROFILE_WEEKS)
    for row in hours:
        if row["day"] == day:
            counts[row["hour"]] = row["reported"]
            everything += row["n"]
            continue
        week[row["day"].weekday() * 24 + row["hour"]] += row["reported"]
        back = (day - row["day"]).days
        if back % 7 == 0:
            days[PROFILE_WEEKS - back // 7] += row["reported"]
    told: Record = {
        "day": day.isoformat(), "hour": hour, "counted": int(counts.sum()), "found": everything,
        "hours": counts.tolist(), "earlier_days": days.astype(int).tolist(), "expected": None,
    }  # fmt: skip
    if run is None or not week.any():
        return told | {"why": "no_forecast" if run is None else "no_history"}
    begins = run["window_to"].astimezone(moment.zone).date()
    method = run["method"]
    if method["step"] != "week" or not 0 <= (day - begins).days < 7 * method["horizon_steps"]:
        return told | {"why": "forecast_over", "forecast_from": begins.isoformat()}
    return told | _expectation(expected, method, share_hours(week), days, local)


def _expectation(
    expected: Mapping[int, Record], method: Record, shares: Any, days: Any, local: datetime
) -> Record:
    mean, low, high = (
        np.array([row[name] or 0.0 for row in expected.values()], dtype=np.float64)
        for name in ("score", "low", "high")
    )
    a_week = float(mean.sum()) / method["horizon_steps"]
    spread = disperse_forecast(mean, low, high, interval=method["interval"])
    spread = max(spread, disperse_history(days))
    of_day = shares[local.weekday() * 24 : local.weekday() * 24 + 24]
    whole = expect_part(
        a_week, float(of_day.sum()), dispersion=spread, interval=method["interval"]
    )  # fmt: skip
    gone = float(of_day[: local.hour].sum() + of_day[local.hour] * local.minute / 60)
    so_far = expect_part(a_week, gone, dispersion=spread, interval=method["interval"])
    return {
        "expected": _round(whole.mean), "low": whole.low, "high": whole.high,
        "expected_now": _round(so_far.mean), "low_now": so_far.low, "high_now": so_far.high,
        "interval": method["interval"],
        "expected_hours": [_round(a_week * float(share), 3) for share in of_day],
        "why": "", "why_zh": method.get("why_zh", ""), "why_en": method.get("why_en", ""),
    }  # fmt: skip


def movers(grids: Sequence[Record]) -> Record:
    """Return the grids whose reports rose and fell most: four weeks against the four before.

    Ordered by the exact conditional test of two Poisson counts (Przyborowski and Wilenski 1940);
    `p` is for one grid, not corrected for how many were looked at, so the wall says "moved", and
    only a stored trend says "rising".
    """
    moved = []
    for grid in grids:
        before, after = sum(grid["weeks"][:4]), sum(grid["weeks"][4:])
        if before + after >= 8:
            moved.append({"area_id": grid["area_id"], "before": before, "after": after,
                          "p": _conditional_p(before, after)})  # fmt: skip
    up = sorted((m for m in moved if m["after"] > m["before"]), key=lambda m: m["p"])
    down = sorted((m for m in moved if m["after"] < m["before"]), key=lambda m: m["p"])
    return {"up": up[:MOST_MOVERS], "down": down[:MOST_MOVERS]}


def _has_eight_weeks(place: Record, moment: Moment) -> bool:
    """Return whether the data reach back so far that their absence means that nothing was."""
    first = place["first_incident_at"]
    return first is not None and moment.as_of - first >= timedelta(weeks=8)


def _conditional_p(before: int, after: int) -> float:
    return float(f"{binomtest(after, before + after, 0.5).pvalue:.3g}")


def _grids(
    grids: Sequence[Record], expected: Mapping[int, Record], trends: Mapping[int, Record],
    items: Mapping[int, Record],
) -> list[Record]:  # fmt: skip
    told = []
    for grid in grids:
        number = int(grid["area_id"])
        trend, ahead, item = trends.get(number), expected.get(number), items.get(number)
        told.append(grid | {
            "lon": _round(grid["lon"], 6), "lat": _round(grid["lat"], 6),
            "slope": trend["slope"] if trend else None,
            "trend": trend["label"] if trend else None,
            "expected": _round(ahead["score"]) if ahead else None,
            "low": ahead["low"] if ahead else None,
            "high": ahead["high"] if ahead else None,
            "planned_min": item["planned"] if item else None,
            "done_min": _done(item),
        })  # fmt: skip
    return told


def _done(item: Record | None) -> float | None:
    """Return minutes of patrols; unknown where nothing of the day is recorded."""
    if item is None or not item["is_recorded"]:
        return None
    return _round(item["done"] or 0.0)


def _plan_panel(plan: Record | None, items: Mapping[int, Record]) -> Record | None:
    if plan is None:
        return None
    recorded = any(item["is_recorded"] for item in items.values())
    done = [min(float(item["done"] or 0.0), item["planned"]) for item in items.values()]
    asked = [item for item in items.values() if item["planned"] > 0]
    return {
        "plan_id": plan["plan_id"], "day": plan["plan_date"].isoformat(),
        "version": plan["version"], "status": plan["status"], "approved_by": plan["approved_by"],
        "planned_h": _round(sum(item["planned"] for item in items.values()) / 60),
        "done_h": _round(sum(done) / 60) if recorded else None,
        "grids": len(asked),
        "grids_begun": sum((item["done"] or 0) > 0 for item in asked) if recorded else None,
        "made_at": _epoch(plan["created_at"]),
    }  # fmt: skip


def _looks(row: Record) -> Record | None:
    if not row["cells"] or not row["ever"]:
        return None
    whole = float(row["m2"])
    return {
        "km2": _round(whole / 1e6, 2), "day": _round(row["day_m2"] / whole, 4),
        "week": _round(row["week_m2"] / whole, 4), "never": _round(row["never_m2"] / whole, 4),
        "median_s": row["median_s"], "last_at": _epoch(row["last_at"]),
    }  # fmt: skip


def _place(row: Record) -> Record:
    shown = ("code", "name", "name_en", "time_zone", "metric_srid", "simulated",
             "map_approval_no", "map_audience", "bounds")  # fmt: skip
    return {name: row[name] for name in shown}


def _run(run: Record) -> Record:
    return {"run": run["result_run_id"], "from": _epoch(run["window_from"]),
            "to": _epoch(run["window_to"]), "made_at": _epoch(run["created_at"])}  # fmt: skip


def _stored(run: Record) -> Record:
    """Return what is said of a stored result that may be drawn, its labels in both languages."""
    labels = [
        {"label": label, "n": n, **LABELS.get(label, {"zh": label, "en": label})}
        for label, n in (run["labels"] or {}).items()
    ]
    return _run(run) | {"kind": run["kind"], "unit": run["unit"], "shape": run["shape"] or "",
                        "labels": labels}  # fmt: skip


def _epoch(at: datetime | None) -> float | None:
    return None if at is None else round(at.timestamp(), 3)


def _round(value: float, digits: int = 1) -> float:
    return round(float(value), digits)
