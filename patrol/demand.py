"""What each grid is expected to need: the recent level, carried on by a proven trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrendParams:
    """How far a trend is believed and carried on.

    Attributes
    ----------
    recent_steps
        Time steps over which the level is a mean; words such as "in 6 weeks" name them.
    ahead_steps
        Steps from the end of the data to the day that is planned.
    max_factor
        A trend raises a level at most by this factor and lowers it at most by the inverse.
    unknown_quantile
        A grid without any report takes this quantile of the other grids' need.
    """

    recent_steps: int = 6
    ahead_steps: float = 1.0
    max_factor: float = 2.0
    unknown_quantile: float = 0.25

    def __post_init__(self) -> None:
        if self.recent_steps < 1 or self.ahead_steps < 0:
            msg = "recent_steps must be at least 1 and ahead_steps at least 0"
            raise InputError(msg)
        if self.max_factor < 1 or not 0 <= self.unknown_quantile <= 1:
            msg = "max_factor must be at least 1 and unknown_quantile between 0 and 1"
            raise InputError(msg)


@dataclass(frozen=True)
class Demand:
    """The need of each grid and what drives it.

    Attributes
    ----------
    level
        Shape ``(n,)``, weighted reports a step if the recent level stayed as it is.
    expected
        Shape ``(n,)``, weighted reports a step by the forecast, or with the believed part of the
        trends where there is none.
    driver
        Shape ``(n,)``, column of the class whose trend moves the need most, else of the class
        that makes most of it; -1 where there is none.
    change
        Shape ``(n,)``, rise of the driver's fitted line over the recent steps as a share of
        where it began (0.38 is 38 % up); NaN where the line began at or below 0.
    q_value
        Shape ``(n,)``, of the driver's trend; NaN where it was not tested.
    belief
        Shape ``(n,)``, share of the driver's slope that was used, 0 to 1.
    unknown
        Shape ``(n,)``, grids without any report: their need is a guess, not a finding.
    by_class, level_by_class
        Shape ``(n, n_classes)``, `expected` and `level` class by class; an unknown grid's guess
        is spread as the reports of all grids are.
    """

    level: Floats
    expected: Floats
    driver: NDArray[np.intp]
    change: Floats
    q_value: Floats
    belief: Floats
    unknown: NDArray[np.bool_]
    by_class: Floats
    level_by_class: Floats


def trend_belief(q_value: Floats) -> Floats:
    """Return the share of a slope to use, given its q-value.

    The positive-part James-Stein factor ``max(0, 1 - 1 / z**2)`` with the z-score of a
    two-sided test at `q_value`: 0 at q >= 0.32, 0.74 at q = 0.05, 0.85 at q = 0.01.

    Parameters
    ----------
    q_value
        Any shape, 0 to 1; NaN (not tested) gives 0.

    Returns
    -------
    NDArray
        Same shape, 0 to 1, falling in `q_value`.

    References
    ----------
    Efron, B. and Morris, C. (1973). Stein's estimation rule and its competitors. Journal of the
    American Statistical Association 68(341). https://doi.org/10.1080/01621459.1973.10481350
    """
    q = np.asarray(q_value, dtype=np.float64)
    if ((q < 0) | (q > 1)).any():
        msg = "a q-value must lie between 0 and 1"
        raise InputError(msg)
    z = -ndtri(np.where(np.isnan(q), 1.0, q) / 2.0)
    with np.errstate(divide="ignore"):
        belief = 1.0 - 1.0 / np.square(z)
    return np.asarray(np.clip(belief, 0.0, 1.0), dtype=np.float64)


def expect_demand(
    level: Floats,
    *,
    slope: Floats,
    q_value: Floats,
    weight: Floats,
    unknown: NDArray[np.bool_] | None = None,
    forecast: Floats | None = None,
    params: TrendParams | None = None,
) -> Demand:
    """Say what each grid is expected to need: by a forecast, or else by level and proven trends.

    Without a forecast recent levels are carried on by their trends, each believed as far as it is
    proven. With one, trends still name the class that drives a grid.

    Parameters
    ----------
    level
        Shape ``(n_grids, n_classes)``, mean *reported* incidents a step over the recent steps.
        What patrols found themselves does not belong here: it measures where they went.
    slope
        Same shape, Sen's slope in incidents a step per step; NaN where not tested.
    q_value
        Same shape, p-value of the Mann-Kendall test after control of the false discovery rate.
    weight
        Shape ``(n_classes,)``, what one incident of the class counts.
    unknown
        Shape ``(n_grids,)``, grids that have no report in the whole data window. None: none is.
    forecast
        Shape of `level`, expected reports a step by the method that backtests chose; NaN where
        nothing is forecast. None: no forecast.
    params
        How far trends are believed and carried on.

    Returns
    -------
    Demand
        One entry a grid; empty for no grids.

    Raises
    ------
    InputError
        If shapes disagree or a level or weight is negative or not finite.
    """
    params = params or TrendParams()
    level = np.asarray(level, dtype=np.float64)
    _check(level, slope, q_value, weight)
    belief = trend_belief(q_value)
    slope = np.where(np.isnan(slope), 0.0, slope)
    # The mean over the recent steps stands for their middle.
    ahead = params.recent_steps / 2 + params.ahead_steps
    carried = np.clip(
        level + belief * slope * ahead, level / params.max_factor, level * params.max_factor
    )
    mask = np.zeros(len(level), dtype=np.bool_) if unknown is None else unknown
    driver = _drivers(level * weight, (carried - level) * weight, mask)
    expected = carried if forecast is None else np.where(np.isnan(forecast), carried, forecast)
    whole = [
        _fill_unknown((part * weight).sum(axis=1), mask, params.unknown_quantile)
        for part in (level, expected)
    ]
    return Demand(
        level=whole[0],
        expected=whole[1],
        by_class=_spread_unknown(expected * weight, whole[1], mask),
        level_by_class=_spread_unknown(level * weight, whole[0], mask),
        driver=driver,
        change=_picked(_change(level, slope, params.recent_steps), driver),
        q_value=_picked(np.asarray(q_value, dtype=np.float64), driver),
        belief=np.nan_to_num(_picked(belief, driver)),
        unknown=mask,
    )


def _drivers(base: Floats, moved: Floats, unknown: NDArray[np.bool_]) -> NDArray[np.intp]:
    if base.size == 0:
        return np.full(len(base), -1, dtype=np.intp)
    by_trend = np.abs(moved).argmax(axis=1)
    driver = np.where(np.abs(moved).max(axis=1) > 0, by_trend, base.argmax(axis=1))
    return np.where(unknown | (base.max(axis=1) == 0), -1, driver).astype(np.intp)


def _change(level: Floats, slope: Floats, recent_steps: int) -> Floats:
    """Return the relative rise of the fitted line from the first recent step to the last.

    A line that was steeper before the recent steps may end below nothing: it counts as nothing.
    """
    begin = level - slope * recent_steps / 2
    end = np.maximum(level + slope * recent_steps / 2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(begin > 0, (end - begin) / begin, np.nan)


def _picked(values: Floats, driver: NDArray[np.intp]) -> Floats:
    """Return each grid's value in its driver's column, NaN without a driver."""
    if values.size == 0:
        return np.full(len(driver), np.nan)
    picked = np.take_along_axis(values, np.maximum(driver, 0)[:, None], axis=1)[:, 0]
    return np.where(driver >= 0, picked, np.nan)


def _fill_unknown(need: Floats, unknown: NDArray[np.bool_], quantile: float) -> Floats:
    known = need[~unknown]
    guess = float(np.quantile(known, quantile)) if len(known) else 1.0
    return np.where(unknown, guess, need)


def _spread_unknown(need: Floats, whole: Floats, unknown: NDArray[np.bool_]) -> Floats:
    """Return need by class, of unknown grids their guess in the mix of classes of all others."""
    if need.shape[1] == 0:
        return need
    mix = need[~unknown].sum(axis=0)
    mix = mix / mix.sum() if mix.sum() > 0 else np.full(need.shape[1], 1.0 / need.shape[1])
    return np.where(unknown[:, None], whole[:, None] * mix, need)


def _check(level: Floats, slope: Floats, q_value: Floats, weight: Floats) -> None:
    if level.ndim != 2 or level.shape != slope.shape or level.shape != q_value.shape:
        shapes = f"{level.shape}, {slope.shape} and {q_value.shape}"
        msg = f"level, slope and q_value must have one shape (n_grids, n_classes), not {shapes}"
        raise InputError(msg)
    if weight.shape != level.shape[1:]:
        msg = f"{level.shape[1]} classes need as many weights, not {weight.shape}"
        raise InputError(msg)
    for name, values in (("level", level), ("weight", weight)):
        if not np.isfinite(values).all() or (values < 0).any():
            msg = f"every {name} must be finite and at least 0; mark absent data as unknown"
            raise InputError(msg)
