"""Trends of a cube by a test that fits its rhythm: plain, seasonal or autocorrelated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.autocorrelation import hamed_rao, pre_whitened
from analytics.changes import find_change_points
from analytics.cube import REPORTED, Cube
from analytics.fdr import Procedure
from analytics.results import Result
from analytics.seasonal import seasonal_mann_kendall
from analytics.sen_interval import sen_interval
from analytics.trends import MannKendall, mann_kendall, trend_result
from geo.errors import InputError

Method = Literal[
    "plain",
    "seasonal",
    "seasonal-dependent",
    "hamed-rao",
    "pre-whitened",
    "trend-free-pre-whitened",
]
YEAR = {"hour": 24, "day": 7, "week": 52, "month": 12}
"""Steps in the cycle that a seasonal test takes by default: a day, a week, a year, a year."""


@dataclass(frozen=True)
class AdjustedTrendParams:
    """How trends are tested.

    Attributes
    ----------
    method
        ``plain`` Mann-Kendall; ``seasonal``, steps compared with their own season only;
        ``seasonal-dependent``, seasons that move together; ``hamed-rao``, ``pre-whitened``
        or ``trend-free-pre-whitened`` for autocorrelated steps.
    period
        Steps in a cycle of the seasonal methods; by the cube's step when None, see `YEAR`.
    lags
        Lags that ``hamed-rao`` looks at, all when None.
    alpha, fdr, fewest, classes, found_by
        As in `analytics.trends.TrendParams`.
    """

    method: Method = "seasonal"
    period: int | None = None
    lags: int | None = None
    alpha: float = 0.05
    fdr: Procedure = "bh"
    fewest: int = 5
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(f"method is {self.method!r}: say one of {', '.join(get_args(Method))}")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")


def find_adjusted_trends(cube: Cube, params: AdjustedTrendParams | None = None) -> Result:
    """Find the units whose counts rise or fall, by the test that is asked for.

    Returns
    -------
    Result
        As `analytics.trends.find_trends`; with a seasonal method slope is the change over one
        cycle. Details: ``slope_low`` and ``slope_high``, Sen's 95 % interval (NaN where the
        series was pre-whitened); and where the level changed last, ``changed_on`` (the step's
        first day), ``level_before`` and ``level_after`` in incidents a step.

    Raises
    ------
    InputError
        The cube holds fewer than two cycles, or too few steps.
    """
    how = params or AdjustedTrendParams()
    period = how.period or YEAR[cube.steps.step]
    series = cube.series(classes=how.classes, found_by=how.found_by)
    test = _test(series, how, period)
    more = {"period": period} if how.method.startswith("seasonal") else {}
    details = _details(series, test, how, period).join(_last_change(series, cube))
    return trend_result(cube, test, how, more=more, details=details)


def _details(
    series: NDArray[Any], test: MannKendall, how: AdjustedTrendParams, period: int
) -> pd.DataFrame:
    if how.method.endswith("pre-whitened"):
        nothing = np.full(len(series), np.nan)
        return pd.DataFrame({"slope_low": nothing, "slope_high": nothing})
    cycle = period if how.method.startswith("seasonal") else None
    low, high = sen_interval(series, test.var_s, period=cycle)
    return pd.DataFrame({"slope_low": low, "slope_high": high})


def _last_change(series: NDArray[Any], cube: Cube) -> pd.DataFrame:
    """Return when the level of each series changed last, from and to what; missing if never."""
    hours = cube.steps.hours
    found = find_change_points(series, exposure=hours / hours.mean())
    days = cube.steps.starts.strftime("%Y-%m-%d").to_numpy()
    changed = np.diff(found.indptr) > 0
    at = found.steps[np.maximum(found.indptr[1:] - 1, 0)] if len(found.steps) else found.indptr[1:]
    step = np.where(changed, at, 0)
    row = np.arange(len(series))
    return pd.DataFrame(
        {
            "changed_on": pd.Series(days[step], dtype=object).where(changed, None),
            "level_before": np.where(changed, found.level[row, np.maximum(step - 1, 0)], np.nan),
            "level_after": np.where(changed, found.level[row, step], np.nan),
        }
    )


def _test(series: NDArray[Any], how: AdjustedTrendParams, period: int) -> MannKendall:
    if how.method == "plain":
        return mann_kendall(series)
    if how.method == "hamed-rao":
        return hamed_rao(series, lags=how.lags)
    if how.method.endswith("pre-whitened"):
        return pre_whitened(series, trend_free=how.method.startswith("trend-free"))
    if series.shape[1] < 2 * period:
        raise InputError(
            f"{series.shape[1]} steps hold no two cycles of {period}; a seasonal test compares "
            "each step with the same one of another cycle: take a longer window"
        )
    return seasonal_mann_kendall(
        series, period=period, dependent=how.method == "seasonal-dependent"
    )
