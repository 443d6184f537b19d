"""Dirty rows in realistic number: chosen and counted here, made when files are written."""

from __future__ import annotations

import numpy as np
import pandas as pd

NULL_POSITION = "null_position"
SWAPPED = "swapped_x_y"
UNKNOWN_CATEGORY = "unknown_category"
UNKNOWN_HOUR = "unknown_hour"
FALLBACK = "fallback_point"
EXACT_DUPLICATE = "exact_duplicate"
OTHER_CONTENT = "same_ref_other_content"
BAD_CODES = ("9999", "0588", "旧类-12")
FALLBACK_LON_LAT = (122.5, 33.5)
"""Where the simulated geocoder puts what it cannot find: open sea, 270 km away."""
PER_MILLE = {
    "hotline-12345": {
        NULL_POSITION: 3.5,
        SWAPPED: 1.3,
        UNKNOWN_CATEGORY: 1.6,
        UNKNOWN_HOUR: 20.0,
        FALLBACK: 0.5,
        EXACT_DUPLICATE: 1.0,
    },
    "grid-patrol": {NULL_POSITION: 1.2, UNKNOWN_CATEGORY: 0.8},
    "video-patrol": {EXACT_DUPLICATE: 2.5},
}
"""Dirty rows of each feed per thousand rows, by what is wrong with them."""


def plan_dirt(incidents: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Choose which rows will be spoilt in the files, each in one way only.

    Parameters
    ----------
    incidents
        Clean reports with ``source`` and ``source_ref``.
    rng
        Source of the choice.

    Returns
    -------
    pandas.DataFrame
        ``source``, ``source_ref``, ``dirt``, sorted. The clean values stay in `incidents`.
    """
    chosen = []
    for feed, shares in PER_MILLE.items():
        rows = np.flatnonzero((incidents["source"] == feed).to_numpy())
        counts = {kind: int(np.ceil(len(rows) * share / 1e3)) for kind, share in shares.items()}
        if feed == "hotline-12345":
            counts[OTHER_CONTENT] = 1
        if sum(counts.values()) > len(rows):
            continue
        picked = rng.choice(rows, sum(counts.values()), replace=False)
        kinds = np.repeat(list(counts), list(counts.values()))
        chosen.append(pd.DataFrame({"row": picked, "dirt": kinds}))
    table = pd.concat(chosen, ignore_index=True).sort_values("row", ignore_index=True)
    found = incidents.iloc[table.pop("row").to_numpy()].reset_index(drop=True)
    return pd.concat((found[["source", "source_ref"]], table), axis=1)


def spoil(rows: pd.DataFrame, dirt: pd.DataFrame) -> pd.DataFrame:
    """Return one feed's rows as its file has them, dirty ones spoilt.

    Parameters
    ----------
    rows
        Clean reports of one feed with ``source_ref``, ``category``, ``occurred_at``, ``lon``
        and ``lat``.
    dirt
        What `plan_dirt` chose.

    Returns
    -------
    pandas.DataFrame
        A new frame; exact duplicates and the row of other content follow their original.
    """
    made = rows.reset_index(drop=True).copy()
    kind = made["source_ref"].map(dirt.set_index("source_ref")["dirt"])
    lon, lat = made["lon"].copy(), made["lat"].copy()
    made.loc[kind == NULL_POSITION, ["lon", "lat"]] = np.nan
    made.loc[kind == SWAPPED, "lon"] = lat[kind == SWAPPED]
    made.loc[kind == SWAPPED, "lat"] = lon[kind == SWAPPED]
    made.loc[kind == FALLBACK, "lon"] = FALLBACK_LON_LAT[0]
    made.loc[kind == FALLBACK, "lat"] = FALLBACK_LON_LAT[1]
    strange = np.flatnonzero((kind == UNKNOWN_CATEGORY).to_numpy())
    made.loc[strange, "category"] = np.array(BAD_CODES)[np.arange(len(strange)) % len(BAD_CODES)]
    lost = kind == UNKNOWN_HOUR
    made.loc[lost, "occurred_at"] = made.loc[lost, "occurred_at"].dt.normalize()
    again = made[kind == EXACT_DUPLICATE]
    other = made[kind == OTHER_CONTENT].assign(category="0101")
    other["lat"] = other["lat"] + 0.004
    whole = pd.concat((made, again, other)).sort_index(kind="stable")
    return whole.reset_index(drop=True)


def dirt_counts(dirt: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many rows of each feed are dirty in which way."""
    table = dirt.groupby(["source", "dirt"]).size()
    feeds = table.index.get_level_values(0).unique()
    return {str(feed): {str(kind): int(n) for kind, n in table.loc[feed].items()} for feed in feeds}
