"""Trends: is a unit getting worse, by how much, and may chance explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from analytics.cube import REPORTED, Cube
from analytics.fdr import Procedure, adjust_fdr
from analytics.results import Result
from analytics.trend_kernel import score_rows
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrendParams:
    """How trends are found.

    Attributes
    ----------
    alpha
        False discovery rate at which a unit is called rising or falling.
    fdr
        ``bh`` or ``by``, see `adjust_fdr`.
    fewest
        Incidents that a unit must have to be tested. The others cannot show a trend and would
        only weaken the rest; as the total says nothing about its order in time, leaving them
        out favours no direction.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    alpha: float = 0.05
    fdr: Procedure = "bh"
    fewest: int = 5
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")


@dataclass(frozen=True, eq=False)
class MannKendall:
    """The Mann-Kendall test of each unit; every array has shape ``(n_units,)``.

    Attributes
    ----------
    s
        Later-is-larger pairs minus later-is-smaller pairs.
    var_s
        Variance of s under no trend, corrected for ties.
    z, p
        Standardised s with continuity correction, and its two-sided p-value.
    tau
        ``s`` over the number of pairs (Kendall's tau-a), within -1 and 1; NaN below two steps.
    slope
        Sen's slope: the median change per step over all pairs; NaN below two steps.
    """

    s: Floats
    var_s: Floats
    z: Floats
    p: Floats
    tau: Floats
    slope: Floats


def find_trends(cube: Cube, params: TrendParams | None = None) -> Result:
    """Find the units whose counts rise or fall over the cube's steps.

    Parameters
    ----------
    cube
        Counts of whole steps in order.

    Returns
    -------
    Result
        Score Kendall's tau, slope in incidents per step, two-sided p, q over the tested units,
        label ``rising``, ``falling``, ``none`` or ``untested``. The label follows the test, so a
        rise in rare incidents is ``rising`` even where the median change is 0.
    """
    how = params or TrendParams()
    series = cube.series(classes=how.classes, found_by=how.found_by)
    return trend_result(cube, mann_kendall(series), how)


def trend_result(
    cube: Cube,
    test: MannKendall,
    params: Any,
    *,
    more: Mapping[str, Any] | None = None,
    details: pd.DataFrame | None = None,
) -> Result:
    """Return a test of the units of a cube as a result, with its false discovery rate.

    Parameters
    ----------
    params
        A dataclass with ``classes``, ``found_by``, ``fewest``, ``alpha`` and ``fdr``; it and `more`
        are stored beside the result.
    """
    observed = cube.totals(classes=params.classes, found_by=params.found_by)
    p = np.where(observed >= params.fewest, test.p, np.nan)
    q = adjust_fdr(p, procedure=params.fdr)
    described = asdict(params) | cube.describe(classes=params.classes, found_by=params.found_by)
    return Result(
        kind="trends",
        units=cube.units,
        steps=cube.steps,
        observed=observed.astype(np.float64),
        score=test.tau,
        p=p,
        q=q,
        slope=test.slope,
        label=label_trends(test.s, q, alpha=params.alpha),
        parameters=MappingProxyType(described | dict(more or {})),
        details=details,
    )


def find_class_trends(
    cube: Cube, *, recent_steps: int, params: TrendParams | None = None
) -> pd.DataFrame:
    """Find trends in each unit and class, and the level that they have reached.

    Parameters
    ----------
    cube
        Counts of whole steps in order, classes told apart.
    recent_steps
        Last steps that make up the level.

    Returns
    -------
    DataFrame
        One row for each unit and class with an incident: ``unit_id``, ``category``, ``total``,
        ``recent`` (incidents in the recent steps), ``tau``, ``slope``, ``p_value``, ``q_value``
        (over all rows that were tested, else NaN), ``label``.

    Raises
    ------
    InputError
        `recent_steps` is not between 1 and the cube's steps.
    """
    how = params or TrendParams()
    if not 1 <= recent_steps <= len(cube.steps):
        raise InputError(f"recent_steps is {recent_steps}; the cube has {len(cube.steps)} steps")
    chosen = how.classes or cube.classes
    per_class = [cube.series(classes=[code], found_by=how.found_by) for code in chosen]
    stack = np.stack(per_class, axis=1) if per_class else np.zeros((len(cube.units), 0, 1))
    unit, kind = np.nonzero(stack.sum(axis=2))
    series = stack[unit, kind]
    total, test = series.sum(axis=1), mann_kendall(series)
    p = np.where(total >= how.fewest, test.p, np.nan)
    q = adjust_fdr(p, procedure=how.fdr)
    return pd.DataFrame(
        {
            "unit_id": cube.units.ids[unit],
            "category": np.array(chosen, dtype=object)[kind],
            "total": total,
            "recent": series[:, -recent_steps:].sum(axis=1),
            "tau": test.tau,
            "slope": test.slope,
            "p_value": p,
            "q_value": q,
            "label": label_trends(test.s, q, alpha=how.alpha),
        }
    )


def mann_kendall(series: NDArray[Any]) -> MannKendall:
    """Test every row for a monotonic trend and measure it by Sen's slope.

    Parameters
    ----------
    series
        Shape ``(n_units, n_steps)``, evenly spaced steps. NaN is a missing step and is skipped.
        No units give empty arrays; below two known steps z is 0 and p is 1.

    References
    ----------
    Mann (1945), doi:10.2307/1907187; Kendall (1975), Rank Correlation Methods;
    Sen (1968), doi:10.1080/01621459.1968.10480934. The variance with ties and the continuity
    correction are those of Hussain and Mahmud (2019), doi:10.21105/joss.01556.
    """
    values = np.asarray(series)
    if values.ndim != 2:
        raise InputError(f"series must be units x steps, not of shape {values.shape}")
    s, var_s, pairs, slope = score_rows(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(var_s > 0, (s - np.sign(s)) / np.sqrt(var_s), 0.0)
        tau = s / pairs
    return MannKendall(s=s, var_s=var_s, z=z, p=2 * ndtr(-np.abs(z)), tau=tau, slope=slope)


def label_trends(s: Floats, q: Floats, *, alpha: float) -> NDArray[np.str_]:
    """Return ``rising``, ``falling``, ``none`` or, where q is NaN, ``untested``; q's shape."""
    direction = np.where(s > 0, "rising", "falling")
    return np.where(np.isnan(q), "untested", np.where(q <= alpha, direction, "none"))
