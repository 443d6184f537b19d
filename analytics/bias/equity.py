"""Who gets how many hours for how much need, community by community, by both sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.bias.effort import Correction, EffortParams, by_unit, correct_for_effort
from analytics.cube import DISCOVERED, REPORTED, Cube
from geo.errors import InputError

Floats = NDArray[np.float64]

HEADINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "group": ("社区", "community"),
        "reported": ("上报", "reported"),
        "found": ("巡查发现", "found by patrols"),
        "found_corrected": ("巡查发现（按巡查时长校正）", "found, corrected for effort"),
        "effort_h": ("巡查时长（小时）", "hours watched"),
        "need_before": ("校正前需求", "need before correction"),
        "need_after": ("校正后需求", "need after correction"),
        "share_before": ("校正前占比", "share before"),
        "share_after": ("校正后占比", "share after"),
        "reporting_ratio": ("上报相对发现", "reports relative to finds"),
        "hours": ("分配时长（小时）", "hours given"),
        "hours_share": ("时长占比", "share of hours"),
        "hours_per_need": ("时长占比÷需求占比", "share of hours / share of need"),
        "unknown_units": ("情况不明的网格数", "unknown grids"),
        "units": ("网格数", "grids"),
    }
)
"""What each column of the table says, in Chinese and in English."""


def equity_table(
    cube: Cube,
    groups: Sequence[str] | NDArray[Any],
    *,
    hours: Floats | None = None,
    params: EffortParams | None = None,
) -> pd.DataFrame:
    """Compare need and hours of communities by both sources, before and after correction.

    Parameters
    ----------
    cube
        Counts of reported and found incidents, with the hours of effort as
        `analytics.bias.effort.correct_for_effort` asks for.
    groups
        Shape ``(n_units,)``, the community of each unit.
    hours
        Shape ``(n_units,)``, hours that a plan gives; NaN columns when None.
    params
        How found incidents are corrected; always by dose, so that the table does not depend on
        chance. Its ``method`` is not looked at.

    Returns
    -------
    DataFrame
        One row a community, in order of name, with the columns of `HEADINGS`. ``need_before``
        adds found incidents as they are, ``need_after`` corrected ones. ``reporting_ratio`` is
        the community's share of reports over its share of corrected finds: well below 1 where
        people report less than patrols would lead one to expect. ``hours_per_need`` is 1 where
        hours follow the corrected need. Shares of nothing are NaN; empty for no units.

    Raises
    ------
    InputError
        `groups` or `hours` do not fit the cube.
    """
    n = len(cube.units)
    given = np.full(n, np.nan) if hours is None else np.asarray(hours, dtype=np.float64)
    for name, values in (("groups", groups), ("hours", given)):
        if len(values) != n:
            raise InputError(f"{name} has {len(values)} entries for {n} units")
    how = params or EffortParams()
    by_dose = EffortParams("by-dose", how.least_h, how.most_weight, how.saturation_h)
    corrected = correct_for_effort(cube, by_dose)
    table = _units(cube, corrected).assign(hours=given)
    summed = table.groupby(np.asarray(groups, dtype=object), sort=True).sum(min_count=1)
    return _compare(summed.rename_axis("group").reset_index())


def _units(cube: Cube, corrected: Correction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "reported": _totals(cube, REPORTED),
            "found": _totals(cube, DISCOVERED),
            "found_corrected": _totals(corrected.cube, DISCOVERED),
            "effort_h": _effort(cube),
            "unknown_units": corrected.unknown.astype(np.int64),
            "units": np.ones(len(cube.units), dtype=np.int64),
        }
    )


def _compare(table: pd.DataFrame) -> pd.DataFrame:
    before = table["reported"] + table["found"]
    after = table["reported"] + table["found_corrected"]
    shares = {
        name: _share(values)
        for name, values in (
            ("before", before),
            ("after", after),
            ("reported", table["reported"]),
            ("found", table["found_corrected"]),
            ("hours", table["hours"]),
        )
    }
    table = table.assign(
        need_before=before,
        need_after=after,
        share_before=shares["before"],
        share_after=shares["after"],
        reporting_ratio=_ratio(shares["reported"], shares["found"]),
        hours_share=shares["hours"],
        hours_per_need=_ratio(shares["hours"], shares["after"]),
    )
    return table[list(HEADINGS)]


def _totals(cube: Cube, found_by: tuple[str, ...]) -> Floats:
    if not set(found_by) & set(cube.found_by):
        return np.zeros(len(cube.units))
    return cube.totals(found_by=found_by).astype(np.float64)


def _effort(cube: Cube) -> Floats:
    """Return hours of all found sources together, ``(n_units,)``; NaN where none is known."""
    n = len(cube.units)
    found = [
        by_unit(cube.units.exposure[f"{name}_hours"])
        for name in DISCOVERED
        if f"{name}_hours" in cube.units.exposure
    ]
    if not found:
        return np.full(n, np.nan)
    hours = np.concatenate(found, axis=1)
    return np.where(np.isnan(hours).all(axis=1), np.nan, np.nansum(hours, axis=1))


def _share(values: pd.Series) -> pd.Series:
    total = values.sum()
    return values / total if total > 0 else values * np.nan


def _ratio(over: pd.Series, under: pd.Series) -> pd.Series:
    return over / under.where(under > 0)
