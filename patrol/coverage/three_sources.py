"""What nobody watches: when each cell was last seen on foot, by drone and by camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.ndimage import label as label_regions

from geo.effort_cells import Ground, position_in
from geo.errors import InputError
from geo.lattice.lattice import cell_of, cell_polygons, from_grid, to_grid
from patrol.coverage.need import expect_need

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
HOURS_OF_WEEK = 168

# The three sources of the map, and what counts for each.
SOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"foot": ("foot", "vehicle"), "drone": ("drone",), "camera": ("camera",)}
)
SOURCE_WORDS = {"foot": ("地面巡查", "ground patrol"), "drone": ("无人机", "drone"),
                "camera": ("视频巡查", "camera look")}  # fmt: skip
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


@dataclass(frozen=True)
class CoverageParams:
    """What counts as watched.

    Attributes
    ----------
    within_days
        A look longer ago is stale.
    bandwidth_m
        How far around itself an incident speaks of need.
    top
        Spots to list.
    least_need
        Expected reports a week below which unwatched cells make no spot.
    """

    within_days: float = 28.0
    bandwidth_m: float = 120.0
    top: int = 50
    least_need: float = 0.02

    def __post_init__(self) -> None:
        if self.within_days <= 0 or self.bandwidth_m <= 0 or self.top < 1 or self.least_need < 0:
            raise InputError("days, bandwidth and top must be over 0, the least need 0 or more")


@dataclass(frozen=True, eq=False)
class Coverage:
    """Cells with ground and when they were seen, in the order of `ground`.

    Attributes
    ----------
    area_id
        Grid of each cell's middle, 0 in none, ``(n_cells,)``.
    age_h
        By source: hours since the last look, ``(n_cells,)``; infinite where never.
    hours_seen
        By source: in which local hours of the week the cell was seen within the window,
        ``(n_cells, 168)``.
    need
        Expected reports a week, ``(n_cells,)``.
    profile
        Share of reports in each local hour of the week, ``(168,)``, sums to 1.
    """

    ground: Ground
    params: CoverageParams
    area_id: Longs
    age_h: Mapping[str, Floats]
    hours_seen: Mapping[str, Flags]
    need: Floats
    profile: Floats

    @property
    def last_h(self) -> Floats:
        """Hours since the last look by any source; infinite where never, ``(n_cells,)``."""
        last: Floats = np.min(np.stack(list(self.age_h.values())), axis=0)
        return last

    @property
    def label(self) -> NDArray[np.str_]:
        """``seen`` within the window, ``stale`` longer ago, ``unseen`` never: unknown, not safe."""
        last = self.last_h
        found = np.where(last <= self.params.within_days * 24, "seen", "stale")
        return np.where(np.isinf(last), "unseen", found)

    @property
    def unseen_need(self) -> Floats:
        """Expected reports a week in hours of the week at which nobody looked, ``(n_cells,)``."""
        seen = np.any(np.stack(list(self.hours_seen.values())), axis=0)
        lost: Floats = self.need * (1.0 - seen @ self.profile)
        return np.maximum(lost, 0.0)


def find_coverage(
    ground: Ground, area_id: Longs, looks: pd.DataFrame, incidents: pd.DataFrame, *, now: datetime,
    weeks: float, params: CoverageParams | None = None,
) -> Coverage:  # fmt: skip
    """Put looks and needs on the cells.

    Parameters
    ----------
    looks
        As `geo.effort_store.read_last_looks` gives them.
    incidents
        Reported ones, never what patrols found: ``x_m``, ``y_m``, ``hour_of_week`` (NaN where
        only the day is known).
    weeks
        Length of the window that they are of.

    Raises
    ------
    InputError
        The window has no length, or `now` no zone.
    """
    how = params or CoverageParams()
    if not weeks > 0 or now.tzinfo is None:
        raise InputError("the window must be longer than nothing, and now needs a time zone")
    n = len(ground.i)
    at = position_in(ground, looks["i"].to_numpy(np.int64), looks["j"].to_numpy(np.int64))
    hour_now = now.timestamp() / 3600
    age, seen = {}, {}
    for source, kinds in SOURCES.items():
        mine = looks["source"].isin(kinds).to_numpy() & (at >= 0)
        age[source] = np.full(n, np.inf)
        seen[source] = np.zeros((n, HOURS_OF_WEEK), dtype=bool)
        if not mine.any():
            continue
        moments = pd.to_datetime(looks["last_at"][mine], utc=True)
        last = (pd.Timestamp(now) - moments).dt.total_seconds().to_numpy() / 3600
        np.minimum.at(age[source], at[mine], np.maximum(last, 0.0))
        hours = np.stack(looks["by_hour"][mine].to_list())
        recent = (hours > 0) & (hour_now - hours <= how.within_days * 24)
        np.logical_or.at(seen[source], at[mine], recent)
    return Coverage(
        ground, how, area_id, MappingProxyType(age), MappingProxyType(seen),
        _needs(ground, incidents, weeks, how), _profile(incidents),
    )  # fmt: skip


def coverage_details(found: Coverage) -> pd.DataFrame:
    """Return what is known of each cell besides its label: days since each source, hours seen."""
    columns: dict[str, object] = {}
    for source in SOURCES:
        age = found.age_h[source]
        columns[f"{source}_days"] = np.where(np.isfinite(age), np.round(age / 24, 2), np.nan)
        columns[f"{source}_hours"] = found.hours_seen[source].sum(axis=1)
    columns["unseen_need"] = np.round(found.unseen_need, 4)
    columns["area"] = found.area_id
    return pd.DataFrame(columns)


def rank_unseen(found: Coverage, incidents: pd.DataFrame) -> gpd.GeoDataFrame:
    """List the ground that nobody ever saw or that went stale, most needed first.

    Neighbouring cells of one grid make one spot.

    Parameters
    ----------
    incidents
        As in `find_coverage`, with ``category_zh`` and ``category_en``.

    Returns
    -------
    GeoDataFrame
        In the ground's CRS, by falling need: ``rank``, ``area_id``, ``need`` (reports a week),
        ``unseen_m2``, ``cells``, ``never`` (whether no cell of it was ever seen), ``last_days``
        (since the latest look; NaN never), ``reports``, ``main_zh``, ``main_en``, ``main_hour``
        (of the week), ``reason_zh``, ``reason_en``, and the shape. Empty where all is watched.
    """
    lattice = found.ground.lattice
    dark = found.label != "seen"
    spot = _spots(found, dark)
    n = int(spot.max(initial=-1)) + 1
    size = lattice.share * lattice.cell_area_m2
    need = np.bincount(spot[dark], found.need[dark], n)
    order = np.argsort(-need, kind="stable")
    order = order[need[order] >= max(found.params.least_need, 1e-12)][: found.params.top]
    polygons = cell_polygons(lattice)
    cell = cell_of(lattice, incidents["x_m"].to_numpy(), incidents["y_m"].to_numpy())
    of_incident = np.where(cell >= 0, spot[cell], -1)
    rows, shapes = [], []
    for rank, number in enumerate(order, start=1):
        cells = np.flatnonzero(spot == number)
        last = found.last_h[cells].min()
        mine = incidents[of_incident == number]
        rows.append(
            {
                "rank": rank, "area_id": int(found.area_id[cells[0]]), "need": float(need[number]),
                "unseen_m2": float(size[cells].sum()), "cells": len(cells),
                "never": bool(np.isinf(last)),
                "last_days": float(last / 24) if np.isfinite(last) else np.nan,
                "reports": len(mine), **_mains(mine),
            }
        )  # fmt: skip
        shapes.append(shapely.union_all(polygons[cells]))
    columns = ["rank", "area_id", "need", "unseen_m2", "cells", "never", "last_days", "reports",
               "main_zh", "main_en", "main_hour"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return gpd.GeoDataFrame(_in_words(table), geometry=shapes, crs=lattice.srid)


def _needs(ground: Ground, incidents: pd.DataFrame, weeks: float, how: CoverageParams) -> Floats:
    lattice = ground.lattice
    need = expect_need(lattice, incidents, weeks=weeks, bandwidth_m=how.bandwidth_m)
    return need.weekly_per_m2 * lattice.share * lattice.cell_area_m2


def _profile(incidents: pd.DataFrame) -> Floats:
    """Return the shares of the hours of the week; one report more for each hour, so none is 0."""
    hours = incidents["hour_of_week"].dropna().to_numpy(dtype=np.int64)
    count = np.bincount(hours, minlength=HOURS_OF_WEEK) + 1.0
    shares: Floats = count / count.sum()
    return shares


def _spots(found: Coverage, dark: Flags) -> Longs:
    """Give each group of dark cells that touch within one grid a number; -1 for other cells."""
    lattice = found.ground.lattice
    areas = np.unique(found.area_id[dark])
    spot = np.full(lattice.n_cells, -1, dtype=np.int64)
    first = 0
    for area in areas:
        mine = dark & (found.area_id == area)
        regions, n = label_regions(to_grid(lattice, mine.astype(np.int8), fill=0), np.ones((3, 3)))
        spot[mine] = first + from_grid(lattice, regions)[mine].astype(np.int64) - 1
        first += int(n)
    return spot


def _mains(mine: pd.DataFrame) -> dict[str, object]:
    if mine.empty:
        return {"main_zh": None, "main_en": None, "main_hour": np.nan}
    main = mine["category_zh"].mode().iloc[0]
    english = mine.loc[mine["category_zh"] == main, "category_en"].iloc[0]
    hour = mine["hour_of_week"].dropna()
    return {"main_zh": main, "main_en": english,
            "main_hour": float(hour.mode().iloc[0]) if len(hour) else np.nan}  # fmt: skip


def _in_words(table: pd.DataFrame) -> gpd.GeoDataFrame:
    zh, en = [], []
    for row in table.to_dict("records"):
        since_zh = "从未被徒步、无人机、视频看到" if row["never"] else (
            f"已{row['last_days']:.0f}天无人看到"
        )  # fmt: skip
        since_en = "never seen on foot, by drone or by camera" if row["never"] else (
            f"not seen for {row['last_days']:.0f} days"
        )  # fmt: skip
        led_zh = f"，以“{row['main_zh']}”为主" if row["main_zh"] else ""
        led_en = f", led by {row['main_en']}" if row["main_en"] else ""
        zh.append(f"{row['unseen_m2']:,.0f}平方米{since_zh}；预计每周{row['need']:.2f}件{led_zh}。"
                  "情况不明，不等于安全")  # fmt: skip
        en.append(f"{row['unseen_m2']:,.0f} m2 {since_en}; {row['need']:.2f} reports a week "
                  f"expected there{led_en}. Unknown, not safe")  # fmt: skip
    return gpd.GeoDataFrame(table.assign(reason_zh=zh, reason_en=en))
