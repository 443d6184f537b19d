"""Stops from the hours of a plan: how often a grid is visited, where, and why."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import InputError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VisitParams:
    """How hours become visits.

    Attributes
    ----------
    dwell_min
        Length of a visit; 12 to 15 minutes are Koper's proposal (1995,
        doi:10.1080/07418829500096231), a default and no law.
    most
        Visits of one grid in one shift.
    """

    dwell_min: float = 15.0
    most: int = 3

    def __post_init__(self) -> None:
        if not (0 < self.dwell_min <= 480 and self.most >= 1):
            raise InputError("a visit lasts above 0 to 480 minutes, and a grid has 1 or more")


def visits_of_plan(
    items: gpd.GeoDataFrame,
    *,
    params: VisitParams,
    hotspots: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Return the visits that a plan asks for.

    Parameters
    ----------
    items
        One row a grid in EPSG:4326: ``area_id``, ``code``, ``name``, ``hours``, ``reason_zh``,
        ``reason_en``; ``name_en`` where grids have one.
    hotspots
        Polygons in EPSG:4326 with ``score`` (Gi* z); the hottest cells of a grid are visited
        first. None: a point within the grid.

    Returns
    -------
    GeoDataFrame
        One row a visit, points in EPSG:4326: ``stop_ref`` (``code/n``), ``area_id``, ``prize``
        (minutes of the grid that the visit stands for), ``dwell_s``, ``reason_zh``,
        ``reason_en``. Grids without hours have none.
    """
    wanted = items[items["hours"] > 0].reset_index(drop=True)
    minutes = wanted["hours"].to_numpy(dtype=np.float64) * 60
    count = np.clip(np.rint(minutes / params.dwell_min), 1, params.most).astype(np.int64)
    row = np.repeat(np.arange(len(wanted)), count)
    turn = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    frame = wanted.iloc[row].reset_index(drop=True)
    english = frame["name_en"].fillna(frame["name"]) if "name_en" in frame else frame["name"]
    points, score = _spots(wanted, row, turn, hotspots)
    words = [_because(s, i + 1, n) for s, i, n in zip(score, turn, count[row], strict=True)]
    return gpd.GeoDataFrame(
        {
            "stop_ref": frame["code"].astype(str) + "/" + pd.Series(turn + 1).astype(str),
            "area_id": frame["area_id"],
            "prize": (minutes / count)[row],
            "dwell_s": params.dwell_min * 60,
            "reason_zh": frame["name"] + "：" + frame["reason_zh"] + [zh for zh, _ in words],
            "reason_en": english + ": " + frame["reason_en"] + [en for _, en in words],
        },
        geometry=points,
        crs=4326,
    )


def _because(score: float, turn: int, count: int) -> tuple[str, str]:
    zh, en = f"（第{turn}/{count}次）", f" (visit {turn} of {count})"
    if np.isfinite(score):
        zh, en = (
            f"（热点 z={score:.1f}，第{turn}/{count}次）",
            f" (hot spot z={score:.1f}, visit {turn} of {count})",
        )
    return zh, en


def _spots(
    grids: gpd.GeoDataFrame, row: Ints, turn: Ints, hotspots: gpd.GeoDataFrame | None
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.float64]]:
    """Return the place of each visit and the score of its cell, NaN for a point of the grid."""
    shapes = np.asarray(grids.geometry.array, dtype=object)
    inside = shapely.point_on_surface(shapes)
    points, score = inside[row], np.full(len(row), np.nan)
    if hotspots is None or hotspots.empty:
        return points, score
    hot = hotspots[hotspots["score"] > 0].sort_values("score", ascending=False, kind="stable")
    centres = shapely.point_on_surface(np.asarray(hot.geometry.array, dtype=object))
    cell, grid = shapely.STRtree(shapes).query(centres, predicate="intersects")
    first = pd.Series(grid).index[~pd.Series(cell).duplicated().to_numpy()]
    cell, grid = cell[first], grid[first]
    rank = pd.Series(grid).groupby(grid).cumcount().to_numpy()
    place = pd.Series(cell, index=pd.MultiIndex.from_arrays([grid, rank]))
    at = place.reindex(pd.MultiIndex.from_arrays([row, turn])).to_numpy(dtype=np.float64)
    known = np.isfinite(at)
    points[known] = centres[at[known].astype(np.int64)]
    score[known] = hot["score"].to_numpy(dtype=np.float64)[at[known].astype(np.int64)]
    return points, score
