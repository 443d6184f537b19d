"""Shares of what was due, by area, department, post, class or month; none is never nought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from geo.errors import InputError
from governance.indicators.definitions import GRADES, INDICATORS, grade_of

BY = ("area", "department", "post", "class", "month")


def measure(
    facts: pd.DataFrame, *, by: str | None = None, groups: Sequence[str] | None = None,
    grades: Mapping[str, float] = GRADES,
) -> pd.DataFrame:  # fmt: skip
    """Count what was due and what was good, by one thing or in all.

    Parameters
    ----------
    facts
        One row for each thing that fell due: ``indicator``, ``good`` (flag) and the columns of
        `BY`; a missing value belongs to no group.
    groups
        Groups that are shown even where nothing was due in them.

    Returns
    -------
    pandas.DataFrame
        ``group`` (None in all), ``indicator``, ``good``, ``due``, ``value`` (None where nothing
        was due, never 0 or 1), ``grade``.
    """
    if by is not None and by not in BY:
        raise InputError(
            f"indicators are given by {', '.join(BY)}, not by {by!r}", code="no-grouping"
        )
    known = facts.assign(group=facts[by]) if by else facts.assign(group="")
    known = known.dropna(subset=["group"])
    counts = known.groupby(["group", "indicator"])["good"].agg(good="sum", due="size")
    found = dict(zip(counts.index, counts.to_numpy().tolist(), strict=True))
    shown = list(dict.fromkeys([*(groups or ()), *sorted({str(g) for g in known["group"]})]))
    rows = []
    for group in shown if by else [""]:
        for code, indicator in INDICATORS.items():
            good, due = (int(n) for n in found.get((group, code), (0, 0)))
            value = good / due if due else None
            rows.append(
                {"group": group or None, "indicator": code, "good": good, "due": due,
                 "value": value, "grade": grade_of(value, indicator, grades)}
            )  # fmt: skip
    columns = ["group", "indicator", "good", "due", "value", "grade"]
    table = pd.DataFrame(rows, columns=columns)
    values = pd.Series([row["value"] for row in rows], dtype=object)
    return table.assign(value=values)
