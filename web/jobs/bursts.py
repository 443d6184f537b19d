"""Bursts: classes in grids with more reports in the last hours than chance gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from analytics.bursts import BurstParams, find_bursts, find_class_bursts, share_of_span
from analytics.cube import REPORTED
from analytics.outlook_store import read_outlook_at
from web.jobs.findings import Finding, Floats, Place, hour_of_week, read


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


def find_place_bursts(
    connection: Connection, place: Place, shares: Floats, foreseen: Foreseen, *,
    now: datetime, params: BurstParams,
) -> list[Finding]:  # fmt: skip
    """Return the classes in grids with more reports in the last hours than chance gives.

    What is expected comes from the stored forecast of this week where it has the grid, else from
    the recent rate; each alert says which. A grid is named by itself where what these classes
    leave of it is a burst still.
    """
    rows = read(connection, "alert_counts", {
        "place": place.number, "now": now, "since": now - timedelta(hours=params.window_h),
        "begin": now - timedelta(weeks=params.weeks), "reported": list(REPORTED),
        "window_s": params.window_h * 3600, "zone": place.zone.key,
    })  # fmt: skip
    if not rows:
        return []
    hour = hour_of_week(now, place)
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
