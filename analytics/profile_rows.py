"""The week of each class or area as rows: its busiest hours, and whether chance explains them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from analytics.cube import REPORTED, Cube
from analytics.fdr import adjust_fdr
from analytics.listing import Listing
from analytics.profile import counts_by_hour, hours_counted
from geo.errors import InputError

Floats = NDArray[np.float64]
By = Literal["class", "area"]
PARTS = ("night", "morning", "afternoon", "evening")
"""Quarters of the day from midnight on, six hours each."""
BLOCK_H = 4
"""Length of the busiest stretch that is looked for."""
COLUMNS = (
    "observed", "score", "p_value", "q_value", "label", "peak_day", "peak_from_h", "peak_share",
    "by_part", "week",
)  # fmt: skip


@dataclass(frozen=True)
class ProfileParams:
    """How weeks are told.

    Attributes
    ----------
    by
        A row for each ``class``, or for each ``area`` with all classes together.
    fewest
        Rows with fewer incidents are ``untested``.
    alpha
        False discovery rate up to which a week is called uneven.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    by: By = "class"
    fewest: int = 50
    alpha: float = 0.05
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise InputError(f"by is {self.by!r}: say one of {', '.join(get_args(By))}")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")


def list_profile(cube: Cube, params: ProfileParams | None = None) -> Listing:
    """Tell the week of each class or area by weekday and hour, most incidents first.

    Parameters
    ----------
    cube
        By hour of the week or by hour; classes apart for ``by="class"``, areas for ``by="area"``.

    Returns
    -------
    Listing
        ``category`` or ``area_id``; ``observed``; score the busiest `BLOCK_H` hours of the week
        over an average stretch as long; p of an even spread over 28 quarters of days (chi square),
        q over all rows; label the busiest part of the day (`PARTS`), ``even`` where q is above
        alpha, or ``untested``; ``peak_day`` (0 Monday), ``peak_from_h``, ``peak_share`` (of all,
        in those hours); ``by_part``, the share of each part; ``week``, 168 counts from Monday 0 h.

    Raises
    ------
    InputError
        As `analytics.profile.counts_by_hour`, or areas are asked of a cube of something else.
    """
    how = params or ProfileParams()
    hours = hours_counted(cube)
    if how.by == "area":
        if cube.units.kind != "area":
            raise InputError("weeks by area need a cube of areas; count in the areas of a level")
        counts = counts_by_hour(cube, cube.series(classes=how.classes, found_by=how.found_by))
        names: dict[str, Any] = {"area_id": cube.units.ids}
    else:
        codes = how.classes or cube.classes
        each = [
            cube.series(classes=[code], found_by=how.found_by).sum(axis=0, keepdims=True)
            for code in codes
        ]
        counts = np.concatenate([counts_by_hour(cube, one) for one in each] or [np.empty((0, 168))])
        names = {"category": np.asarray(codes, dtype=object)}
    rows = pd.DataFrame([_told(week, hours, how) for week in counts], columns=_told_columns())
    q = adjust_fdr(rows["p_value"].to_numpy(dtype=np.float64))
    label = np.where(np.isnan(q), "untested", np.where(q <= how.alpha, rows["busiest"], "even"))
    rows = rows.assign(q_value=q, label=label, **names)[[*names, *COLUMNS]]
    kept = rows[rows["observed"] > 0] if how.by == "class" else rows
    return Listing(
        kind="profile",
        unit="area" if how.by == "area" else "whole",
        window=cube.steps.window,
        rows=kept.sort_values("observed", ascending=False, kind="stable", ignore_index=True),
        parameters=MappingProxyType(
            asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
        ),
    )


def _told_columns() -> list[str]:
    return [
        "observed", "score", "p_value", "busiest", "peak_day", "peak_from_h", "peak_share",
        "by_part", "week",
    ]  # fmt: skip


def _told(week: Floats, hours: Floats, how: ProfileParams) -> tuple[Any, ...]:
    total = float(week.sum())
    rounded = np.round(week, 3).tolist()
    if total == 0:
        return 0.0, np.nan, np.nan, "even", None, None, np.nan, [0.0] * len(PARTS), rounded
    rate = week / hours
    around = np.concatenate([rate, rate[: BLOCK_H - 1]])
    block = np.convolve(around, np.ones(BLOCK_H), mode="valid")
    first = int(block.argmax())
    inside = (first + np.arange(BLOCK_H)) % len(week)
    quarters = week.reshape(7, 4, 6).sum(axis=2)
    usual = hours.reshape(7, 4, 6).sum(axis=2)
    per_hour = quarters.sum(axis=0) / usual.sum(axis=0)
    by_part = per_hour / per_hour.sum()
    return (
        total,
        float(block[first] / (BLOCK_H * rate.mean())),
        _even_p(quarters, usual) if total >= how.fewest else np.nan,
        PARTS[int(by_part.argmax())],
        first // 24,
        first % 24,
        float(week[inside].sum() / total),
        np.round(by_part, 4).tolist(),
        rounded,
    )


def _even_p(counts: Floats, hours: Floats) -> float:
    """Return the chance of quarters of days at least so unequal if all hours were alike."""
    expected = counts.sum() * hours / hours.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float(chi2.sf(statistic, counts.size - 1))
