"""Overdue cases as visits that a patrol must make; governance is read here and handed down."""

from __future__ import annotations

from datetime import datetime

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from governance.cases.states import FINAL

# Cases at work whose stage is late, with a place; the latest first.
_OVERDUE = """
SELECT c.number, c.area_id, c.due_at, c.words, ST_AsBinary(c.geom) AS geom
FROM case_file c
WHERE c.jurisdiction_id = :place AND c.due_at < :at AND c.geom IS NOT NULL
  AND c.merged_into IS NULL AND c.state <> ALL (:final)
ORDER BY c.due_at, c.case_id LIMIT :most
"""
VISIT_S = 900.0


def overdue_visits(
    connection: Connection, jurisdiction_id: int, *, at: datetime, most: int = 20
) -> gpd.GeoDataFrame:
    """Return a visit for each overdue case with a place, as `visits_of_plan` gives them.

    Returns
    -------
    GeoDataFrame
        EPSG:4326 with ``must`` true: ``stop_ref`` (``case/NUMBER``), ``area_id``, ``prize``,
        ``dwell_s``, ``reason_zh``, ``reason_en``.
    """
    found = connection.execute(
        text(_OVERDUE), {"place": jurisdiction_id, "at": at, "most": most, "final": sorted(FINAL)}
    ).all()
    late = [max((at - row.due_at).total_seconds() / 3600, 0.0) for row in found]
    table = pd.DataFrame(
        {
            "stop_ref": [f"case/{row.number}" for row in found],
            "area_id": pd.Series([row.area_id for row in found], dtype=object),
            "prize": [30.0] * len(found), "dwell_s": [VISIT_S] * len(found),
            "must": [True] * len(found),
            "reason_zh": [f"案件{row.number}已超时{h:.0f}小时"
                          for row, h in zip(found, late, strict=True)],
            "reason_en": [f"case {row.number} is {h:.0f} h late"
                          for row, h in zip(found, late, strict=True)],
        }
    )  # fmt: skip
    shapes = shapely.from_wkb([bytes(row.geom) for row in found])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4326)
