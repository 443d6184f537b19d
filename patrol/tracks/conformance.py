"""What was done against what was planned, by shift and area; never a mark for a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.errors import InputError

KEY = ["shift_no", "area_id"]


@dataclass(frozen=True)
class ConformanceParams:
    """What counts as done.

    Attributes
    ----------
    least_share
        Share of the planned minutes from which an area counts as served.
    dwell_share
        Share of a visit's planned dwell from which the visit counts.
    """

    least_share: float = 0.8
    dwell_share: float = 0.8

    def __post_init__(self) -> None:
        if not (0 < self.least_share <= 1 and 0 < self.dwell_share <= 1):
            raise InputError("shares must be over 0 and at most 1")


def compare_effort(
    planned: pd.DataFrame, done: pd.DataFrame, visits: pd.DataFrame,
    params: ConformanceParams | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Set planned minutes beside those that were spent, by shift and area.

    Parameters
    ----------
    planned
        ``shift_no``, ``area_id``, ``minutes``: of all kinds of unit together.
    done
        ``shift_no``, ``area_id``, ``minutes`` that tracks show.
    visits
        Comings into an area: ``shift_no``, ``area_id``, ``starts_us``, ``ends_us``; empty where
        nobody stayed.

    Returns
    -------
    DataFrame
        One row a shift and area that was planned or visited: ``planned_min``, ``done_min``,
        ``share`` (done of planned, NaN where nothing was planned), ``visits``, ``dwell_min``
        (median), ``revisit_min`` (median between one visit's end and the next one's start; NaN
        with fewer than two), ``label``: ``served``, ``short``, ``missed`` or ``unplanned``.
        Unplanned effort is no fault: calls come in.
    """
    how = params or ConformanceParams()
    table = (
        planned.groupby(KEY)["minutes"].sum().rename("planned_min").to_frame()
        .join(done.groupby(KEY)["minutes"].sum().rename("done_min"), how="outer")
        .join(_visits(visits), how="left")
    )  # fmt: skip
    table[["planned_min", "done_min"]] = table[["planned_min", "done_min"]].fillna(0.0)
    table["visits"] = table["visits"].fillna(0).astype(np.int64)
    wanted, spent = table["planned_min"].to_numpy(), table["done_min"].to_numpy()
    share = np.divide(spent, wanted, out=np.full(len(table), np.nan), where=wanted > 0)
    label = np.where(share >= how.least_share, "served", np.where(spent > 0, "short", "missed"))
    table["share"], table["label"] = share, np.where(wanted > 0, label, "unplanned")
    return table[(wanted > 0) | (spent > 0)].reset_index()


def compare_stops(
    stops: pd.DataFrame, stays: pd.DataFrame, *, within_m: float = 60.0,
    params: ConformanceParams | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Say which planned visits took place.

    Parameters
    ----------
    stops
        Of routes: ``x``, ``y`` (metres), ``opens_us``, ``closes_us`` (the shift), ``dwell_s``.
    stays
        Of tracks: ``x``, ``y``, ``starts_us``, ``ends_us``.

    Returns
    -------
    DataFrame
        ``stops`` with ``stayed_s``: the longest stay within the distance and the shift (0 where
        none), and ``kept``: whether it was long enough.
    """
    how = params or ConformanceParams()
    longest = np.zeros(len(stops))
    sx, sy = (stays[name].to_numpy(dtype=np.float64) for name in ("x", "y"))
    begins, ends = stays["starts_us"].to_numpy(), stays["ends_us"].to_numpy()
    columns = (stops[name].to_numpy() for name in ("x", "y", "opens_us", "closes_us"))
    for n, (x, y, opens, closes) in enumerate(zip(*columns, strict=True)):
        near = np.hypot(sx - x, sy - y) <= within_m
        inside = np.minimum(ends, closes) - np.maximum(begins, opens)
        longest[n] = max(0.0, float(inside[near].max(initial=0)) / 1e6)
    kept = longest >= how.dwell_share * stops["dwell_s"].to_numpy()
    return stops.assign(stayed_s=longest, kept=kept)


def _visits(visits: pd.DataFrame) -> pd.DataFrame:
    rows = {}
    for key, found in visits.sort_values("starts_us").groupby(KEY):
        begins, ends = found["starts_us"].to_numpy(), found["ends_us"].to_numpy()
        apart = np.maximum(begins[1:] - np.maximum.accumulate(ends)[:-1], 0) / 60e6
        rows[key] = (
            len(found), float(np.median((ends - begins) / 60e6)),
            float(np.median(apart)) if len(apart) else np.nan,
        )  # fmt: skip
    index = pd.MultiIndex.from_tuples(list(rows), names=KEY) if rows else pd.MultiIndex.from_arrays(
        [[], []], names=KEY
    )  # fmt: skip
    return pd.DataFrame(list(rows.values()), index=index,
                        columns=["visits", "dwell_min", "revisit_min"])  # fmt: skip
