"""A plan as CSV for spreadsheets and as GeoJSON for maps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import shapely

from patrol.plans import Plan

COLUMNS = (
    "code",
    "name",
    "community",
    "households",
    "hours",
    "explore_h",
    "trend_h",
    "level",
    "expected",
    "unknown",
    "reason_zh",
    "reason_en",
)
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plan_csv(plan: Plan) -> bytes:
    """Return a plan as CSV, the most hours first.

    UTF-8 with a byte order mark, which spreadsheets need to read Chinese. Text that a
    spreadsheet would run as a formula gets a leading apostrophe.

    Returns
    -------
    bytes
        A header and one line a grid: `COLUMNS`, then ``plan_date`` and ``simulated``.
    """
    frame = _rows(plan).sort_values(["hours", "code"], ascending=[False, True], kind="stable")
    for column in ("code", "name", "community", "reason_zh", "reason_en"):
        frame[column] = [_harmless(value) for value in frame[column]]
    frame["plan_date"] = plan.context.plan_date.isoformat()
    frame["simulated"] = plan.context.simulated
    text = frame.to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def plan_geojson(plan: Plan) -> str:
    """Return a plan as GeoJSON (RFC 7946).

    Longitude and latitude on WGS-84 with 6 decimals (about 0.1 m), exterior rings
    anticlockwise, a bounding box, reasons in both languages. What the plan was made from stands
    in the foreign member ``gridbeat``.
    """
    shapes = shapely.orient_polygons(np.asarray(plan.items.geometry.array, dtype=object))
    shapes = shapely.transform(shapes, lambda xy: np.round(xy, 6))
    rows = _rows(plan).to_dict("records")
    features = [
        {
            "type": "Feature",
            "id": str(row["code"]),
            "geometry": shapely.geometry.mapping(shape),
            "properties": {name: _plain(value) for name, value in row.items()},
        }
        for shape, row in zip(shapes, rows, strict=True)
    ]
    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        "bbox": [float(edge) for edge in shapely.total_bounds(shapes)],
        "gridbeat": plan_provenance(plan),
        "features": features,
    }
    return json.dumps(collection, ensure_ascii=False, allow_nan=False)


def plan_provenance(plan: Plan) -> dict[str, Any]:
    """Return what a plan is and how it can be made again, as JSON types."""
    context = plan.context
    return {
        "kind": "plan",
        "status": "draft",
        "plan_date": context.plan_date.isoformat(),
        "jurisdiction": context.jurisdiction,
        "simulated": context.simulated,
        "data_from": context.data_from.isoformat(),
        "data_until": context.data_until.isoformat(),
        "made_at": context.made_at.isoformat(),
        "code_version": context.code_version,
        "parameters": plan_parameters(plan),
    }


def plan_parameters(plan: Plan) -> dict[str, Any]:
    """Return the rules of a plan as JSON types."""
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(plan.params).items()}
    rules: dict[str, Any] = {"allocation": given, "trend": vars(plan.trend), "step": plan.step}
    if plan.shares:
        rules |= {"shares": dict(plan.shares)}
    context = plan.context
    if context.level != "grid":
        rules |= {"level": context.level}
    if context.forecast_run is None:
        return rules
    forecast = {
        "result_run_id": context.forecast_run,
        "interval": context.interval,
        "why_zh": context.method_zh,
        "why_en": context.method_en,
    }
    return rules | {"forecast": forecast}


def _rows(plan: Plan) -> pd.DataFrame:
    return pd.DataFrame(plan.items[list(COLUMNS)]).round({"level": 3, "expected": 3})


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return None if value is pd.NA else value
