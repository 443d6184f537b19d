"""Stored findings in words and shapes: the same for the command line, the map and the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analytics.emerging_words import explain_facts
from analytics.latest_changes import describe_changes
from analytics.results import Lang
from analytics.store import StoredResult, read_result
from web.week_words import busiest

Names = Mapping[str, tuple[str, str]]
Sentences = tuple[str, str]
"""One statement in Chinese and in English."""
BOTH: tuple[Lang, Lang] = ("zh", "en")
MOST_TOLD = 3


def change_sentences(stored: StoredResult, names: Names) -> list[Sentences]:
    """Say what changed, one pair of sentences a row, surest first."""
    if stored.rows.empty:
        return []
    rows = pd.DataFrame(stored.rows.drop(columns="geometry"))
    endless = {
        name: pd.to_numeric(rows[column]).astype(np.float64).fillna(np.inf)
        for name, column in (("ratio", "score"), ("ratio_high", "ratio_high"))
    }
    frame = rows.assign(
        unit_id=rows["area_id"], count=rows["observed"], direction=rows["label"], **endless
    )
    units = dict(zip(rows["area_id"].tolist(), rows["name"].astype(str), strict=True))
    step = str(stored.run["parameters"]["method"]["step"])
    told = [
        describe_changes(
            frame, lang, step=step, units=units,
            categories={code: both[lang == "en"] for code, both in names.items()},
        )
        for lang in BOTH
    ]  # fmt: skip
    return list(zip(*told, strict=True))


def change_areas(stored: StoredResult, names: Names) -> gpd.GeoDataFrame:
    """Return one row an area in which something changed, with a line for each change."""
    told = change_sentences(stored, names)
    rows = stored.rows.assign(
        text_zh=[zh for zh, _ in told] if told else "", text_en=[en for _, en in told] or ""
    )
    groups = rows.groupby("area_id", sort=False)
    joined = groups.agg(
        code=("code", "first"), name=("name", "first"), label=("label", "first"),
        text_zh=("text_zh", "\n".join), text_en=("text_en", "\n".join),
    )  # fmt: skip
    shapes = gpd.GeoSeries(groups["geometry"].first().to_numpy(), crs=4326)
    return gpd.GeoDataFrame(joined.reset_index(), geometry=shapes)


def emerging_cells(stored: StoredResult) -> gpd.GeoDataFrame:
    """Return the cells that are of one of the sixteen classes, with why in both languages."""
    rows = stored.rows[stored.rows["label"] != "none"]
    method = stored.run["parameters"]["method"]
    facts: list[dict[Any, Any]] = pd.DataFrame(rows.drop(columns="geometry")).to_dict("records")
    why = {
        f"why_{lang}": [
            explain_facts(row, lang, n_steps=method["n_steps"], step=method["step"])
            for row in facts
        ]
        for lang in BOTH
    }
    return gpd.GeoDataFrame(rows.assign(**why))


def named_zones(stored: StoredResult, names: Names) -> gpd.GeoDataFrame:
    """Return zones with the names of their classes instead of codes."""
    if "category" not in stored.rows.columns:
        return stored.rows
    shown = stored.rows["category"].map(
        lambda code: " ".join(dict.fromkeys(names.get(code, (code,))))
    )
    return gpd.GeoDataFrame(stored.rows.assign(category=shown))


def strongest(
    connection: Connection, run_ids: Mapping[str, int], grids: gpd.GeoDataFrame, names: Names
) -> list[Sentences]:
    """Say the strongest of what emerges, changed and broke out, each in both languages.

    Parameters
    ----------
    run_ids
        Numbers of results by kind: ``emerging``, ``changes``, ``scan``; others are not looked at.
    grids
        EPSG:4326 with ``name``, to say where a cell lies.
    """
    said: list[Sentences] = []
    if "emerging" in run_ids:
        said += _emerging(read_result(connection, run_ids["emerging"]), grids)
    if "changes" in run_ids:
        changed = change_sentences(read_result(connection, run_ids["changes"]), names)[:MOST_TOLD]
        nothing = ("最近一周：没有超出偶然波动的变化", "Last week: nothing changed beyond chance")
        said += changed or [nothing]
    if "scan" in run_ids:
        said.append(_alarms(read_result(connection, run_ids["scan"])))
    return said


def _emerging(stored: StoredResult, grids: gpd.GeoDataFrame) -> list[Sentences]:
    """Tell the strongest hot cell of each class, the strongest classes first."""
    cells = emerging_cells(stored)
    hot = cells[cells["label"].str.endswith("_hot")].sort_values(
        "score", ascending=False, kind="stable"
    )
    first = hot[~hot["label"].duplicated()].head(MOST_TOLD)
    if first.empty:
        return [("未发现时空热点演变", "No emerging hot spots")]
    points = gpd.GeoDataFrame(
        first[["why_zh", "why_en"]], geometry=first.geometry.representative_point(), crs=4326
    )
    placed = points.sjoin(grids[["name", "geometry"]], how="left", predicate="within")
    placed = placed[~placed.index.duplicated()]
    return [
        (f"{_where(row['name'])}：{row['why_zh']}", f"{_where(row['name'])}: {row['why_en']}")
        for row in placed.to_dict("records")
    ]


def _where(name: Any) -> str:
    return name if isinstance(name, str) else "—"


def _alarms(stored: StoredResult) -> Sentences:
    alarms = stored.rows[stored.rows["label"] == "alarm"]
    if alarms.empty:
        return ("时空扫描：无预警", "Space-time scan: no alarm")
    row = alarms.iloc[0]
    return (
        f"时空扫描：{len(alarms)}处预警，最强一处{row['first_day']}起{row['observed']:.0f}件，"
        f"往常{row['expected']:.1f}件（p={row['p_value']:.3f}）",
        f"Space-time scan: {len(alarms)} alarms, the strongest since {row['first_day']} with "
        f"{row['observed']:.0f} incidents against {row['expected']:.1f} usual "
        f"(p {row['p_value']:.3f})",
    )


def week_areas(stored: StoredResult) -> gpd.GeoDataFrame:
    """Return areas with their week and its busiest hours in words."""
    return stored.rows.assign(
        busiest=[busiest(row) for row in stored.rows.drop(columns="geometry").to_dict("records")]
    )


def bias_areas(stored: StoredResult) -> gpd.GeoDataFrame:
    """Return communities with their shares of reports, finds and corrected finds.

    Where nobody's hours are known, finds are not corrected, and what would rest on them is missing.
    """
    rows = stored.rows
    unknown = rows["label"] == "unknown"
    corrected = rows["found_corrected"].where(~unknown)
    return rows.assign(
        reported_share=rows["reported"] / max(rows["reported"].sum(), 1.0),
        found_share=rows["found"] / max(rows["found"].sum(), 1.0),
        corrected_share=corrected / max(corrected.sum(), 1.0),
        share_after=rows["share_after"].where(~unknown),
        unknown_grids=[
            f"{unknown:.0f} / {all_:.0f}"
            for unknown, all_ in zip(rows["unknown_units"], rows["units"], strict=True)
        ],
    )


def forecast_areas(stored: StoredResult) -> gpd.GeoDataFrame:
    """Return the areas of a forecast: what is expected, between which bounds, by which method."""
    method = stored.run["parameters"]["method"]
    rows = stored.rows
    share = f"{method['interval']:.0%}"
    bounds = [
        f"{low:.0f}–{high:.0f} ({share})"
        for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    return rows.assign(
        expected_next=rows["score"],
        interval=bounds,
        why_zh=method["why_zh"],
        why_en=method["why_en"],
    )
