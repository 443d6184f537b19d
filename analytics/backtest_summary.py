"""A backtest on one page: mean scores of each method, and what it gains over counting."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.backtest_design import KEY
from analytics.evaluate.bootstrap import Gain
from analytics.evaluate.choose import relative_gain
from analytics.forecast.baselines import ALL_HISTORY, EWMA
from geo.errors import InputError

OVER = {"counting": ALL_HISTORY, "ewma": EWMA}
GAIN = ("mean", "low", "high")


def summarise(table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return mean scores by class, source, area and method, best log score first.

    Parameters
    ----------
    table
        From `analytics.backtest_design.run_tasks`.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `KEY`, ``method``, the mean of every score over the origins, ``incidents`` in all, and
        ``over_counting_mean``, ``_low``, ``_high`` and the same for ``over_ewma``: relative gain
        in PAI at 1, 2 and 5 % of the area with its paired block-bootstrap interval; NaN for the
        baseline itself and where too little came to compare.
    """
    figures = [name for name in table.columns if name not in (*KEY, "method", "origin")]
    groups = table.groupby([*KEY, "method"], sort=True)
    means = groups[figures].mean()
    means["incidents"] = groups["incidents"].sum()
    rows = means.reset_index()
    gains = [_gains(part, seed) for _, part in table.groupby(list(KEY), sort=True)]
    joined = rows.merge(pd.concat(gains, ignore_index=True), on=[*KEY, "method"])
    order = [*KEY, "log_score"]
    return joined.sort_values(order, ascending=[True] * 3 + [False], ignore_index=True)


def _gains(part: pd.DataFrame, seed: int) -> pd.DataFrame:
    key = part.iloc[0][list(KEY)].to_dict()
    rows = []
    for method in part["method"].unique():
        row = {**key, "method": method}
        for name, baseline in OVER.items():
            gain = _gain(part, method, baseline, seed)
            row |= {f"over_{name}_{end}": getattr(gain, end, np.nan) for end in GAIN}
        rows.append(row)
    return pd.DataFrame(rows)


def _gain(part: pd.DataFrame, method: str, baseline: str, seed: int) -> Gain | None:
    known = baseline in set(part["method"]) and part["incidents"].any()
    if method == baseline or not known:
        return None
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            return relative_gain(part, method, baseline, rng=np.random.default_rng(seed))
    except InputError:  # counting never caught anything
        return None
