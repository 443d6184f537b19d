"""What is expected next: each class by the method that its backtest chose, with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.backtest_design import ALL, Arena, BacktestDesign, Suite, Task, make_methods
from analytics.forecast.baselines import ALL_HISTORY
from analytics.forecast.protocol import Forecast
from analytics.results import Result
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutlookParams:
    """How the next steps are forecast.

    Attributes
    ----------
    methods
        Pairs of class code and name of the method; ``all`` names that of all reports together.
        Classes that are not named are counted.
    horizon_steps, embargo_steps
        As in the backtest that chose.
    interval
        Probability of the interval.
    correct_delay
        Raise the newest steps by what has not been reported yet.
    why_zh, why_en
        Why the method for all reports is used, in words.
    backtest_run
        Number of the stored backtest.
    """

    methods: tuple[tuple[str, str], ...] = ()
    horizon_steps: int = 1
    embargo_steps: int = 0
    interval: float = 0.9
    correct_delay: bool = True
    why_zh: str = ""
    why_en: str = ""
    backtest_run: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.interval < 1:
            raise InputError(f"interval is {self.interval}; it must lie between 0 and 1")

    @property
    def method_of(self) -> Mapping[str, str]:
        """Return the method of each class that is named."""
        return {str(code): str(method) for code, method in self.methods}


def find_outlook(arena: Arena, params: OutlookParams) -> Result:
    """Forecast the steps that follow the cube.

    Returns
    -------
    Result
        Score the expected reports in the next ``horizon_steps``; ``observed`` those in as many
        last steps; label ``expected``. Details: ``low`` and ``high`` of the interval, whole
        numbers, and ``classes``, the expected reports of each class by code.

    Raises
    ------
    InputError
        The cube is too short, or a method is unknown.
    """
    cube = arena.cube
    last = cube.series()[:, -params.horizon_steps :].sum(axis=1)
    whole = forecast_class(arena, ALL, params)
    tail = (1 - params.interval) / 2
    low, high = whole.quantiles([tail, 1 - tail])[:, :, 0]
    codes = [code for code in cube.classes if code != ALL and cube.totals(classes=[code]).any()]
    means = [forecast_class(arena, code, params).mean[:, 0] for code in codes]
    nothing = np.full(len(cube.units), np.nan)
    described = asdict(params) | {"methods": [list(pair) for pair in params.methods]}
    return Result(
        kind="forecast",
        units=cube.units,
        steps=cube.steps,
        observed=last.astype(np.float64),
        score=whole.mean[:, 0],
        p=nothing,
        q=nothing,
        slope=nothing,
        label=np.full(len(cube.units), "expected"),
        parameters=MappingProxyType(described | cube.describe()),
        details=pd.DataFrame({"low": low, "high": high, "classes": _by_unit(codes, means)}),
    )


def forecast_class(arena: Arena, category: str, params: OutlookParams) -> Forecast:
    """Forecast one class, or ``all``, by its method; one column, the sum over the horizon."""
    cutoff = len(arena.cube.steps) - params.embargo_steps
    name = params.method_of.get(category, ALL_HISTORY)
    suite: Suite = "full"
    design = BacktestDesign(horizon_steps=params.horizon_steps, suite=suite)
    methods = make_methods(arena, Task(category).target, cutoff, design)
    method = next((one for one in methods if one.name == name), None)
    if method is None:
        raise InputError(f"this version knows no method {name!r}; run `gridbeat backtest` again")
    first, last = params.embargo_steps, params.embargo_steps + params.horizon_steps
    with threadpool_limits(limits=1):
        return method.fit(arena.cube, cutoff).predict(last).over(first, last)


def _by_unit(codes: list[str], means: list[Floats]) -> list[dict[str, float]]:
    if not codes:
        return []
    table = np.array(means).T.tolist()
    return [dict(zip(codes, row, strict=True)) for row in table]
