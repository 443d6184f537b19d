"""The backtest: every method at every origin, scored on what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.cube import Cube
from analytics.evaluate.origins import Origins
from analytics.evaluate.scores import (
    AREA_SHARES,
    hit_rate,
    interval_coverage,
    log_score,
    mean_crps,
    poisson_deviance,
    prediction_efficiency_index,
    randomised_pit,
    stability,
)
from analytics.forecast.protocol import Forecast, Method, Target
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BacktestParams:
    """What is scored.

    Attributes
    ----------
    shares
        Shares of the area at which hit rate, PAI and PEI* are read.
    intervals
        Nominal coverage of the intervals that are checked.
    busy
        Expected incidents from which a unit's interval is also judged apart: where nothing is
        expected, nothing is easy to cover.
    seed
        Of the randomised PIT.
    """

    shares: tuple[float, ...] = AREA_SHARES
    intervals: tuple[float, ...] = (0.5, 0.8, 0.9, 0.95)
    busy: float = 0.5
    seed: int = 0


def backtest(
    cube: Cube,
    methods: Sequence[Method],
    origins: Origins,
    *,
    target: Target,
    area: Floats | None = None,
    params: BacktestParams | None = None,
) -> pd.DataFrame:
    """Forecast from every origin with what was known there, and score what came.

    Parameters
    ----------
    cube
        Counts; a method sees the steps before ``origin - embargo`` alone.
    methods
        With different names.
    origins
        Where to forecast from, see `rolling_origins`.
    target
        What the methods forecast.
    area
        Area of each unit, shape ``(n_units,)``; equal when not given.

    Returns
    -------
    DataFrame
        One row for each method and origin: ``method``, ``origin``, ``incidents``; for each share
        in percent ``hit_rate_1``, ``pai_1``, ``pei_1``; ``deviance``, ``log_score``, ``crps``;
        for each interval ``covered_90`` (exact, see `Coverage`), ``whole_90``, ``promised_90``,
        ``busy_90`` (exact, busy units), ``busy_units``; ``pit_mean``, ``pit_spread`` (0.5 and
        1/12 if calibrated); ``stability_1`` against the origin before, NaN at the first.

    Raises
    ------
    InputError
        Names repeat, or a window reaches past the cube.
    """
    how = params or BacktestParams()
    names = [method.name for method in methods]
    if len(set(names)) != len(names):
        raise InputError(f"methods must have different names, not {', '.join(names)}")
    if origins.steps[-1] + origins.horizon_steps > len(cube.steps):
        raise InputError(
            f"the last window ends at step {origins.steps[-1] + origins.horizon_steps}, the cube "
            f"at {len(cube.steps)}; take earlier origins"
        )
    series = target.series(cube)
    size = np.ones(len(cube.units)) if area is None else area
    # One thread: products of small matrices lose more by waiting for each other than they gain.
    with threadpool_limits(limits=1):
        rows = [row for method in methods for row in _run(cube, method, origins, series, size, how)]
    return pd.DataFrame(rows)


def _run(
    cube: Cube,
    method: Method,
    origins: Origins,
    series: NDArray[Any],
    area: Floats,
    how: BacktestParams,
) -> Iterator[dict[str, Any]]:
    before: Floats | None = None
    first, last = origins.embargo_steps, origins.embargo_steps + origins.horizon_steps
    fits = method.fit_rolling(cube, origins.cutoffs)
    for origin, fitted in zip(origins.steps, fits, strict=True):
        forecast = fitted.predict(last).over(first, last)
        came = series[:, origin : origin + origins.horizon_steps].sum(axis=1)
        rng = np.random.default_rng([how.seed, origin])
        row = score_forecast(forecast, came, area, how, rng)
        now = forecast.mean[:, 0]
        kept = np.nan if before is None else stability(before, now, area, how.shares[0])
        yield (
            {"method": method.name, "origin": origin}
            | row
            | {_at("stability", how.shares[0]): kept}
        )
        before = now


def score_forecast(
    forecast: Forecast,
    came: NDArray[Any],
    area: Floats,
    how: BacktestParams,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return every score of the first column of a forecast, by the names in `backtest`."""
    mean, size = forecast.mean[:, 0], forecast.size[:, 0]
    row: dict[str, Any] = {"incidents": float(came.sum())}
    rates = hit_rate(mean, came, area, how.shares)
    efficiency = prediction_efficiency_index(mean, came, area, how.shares)
    for i, share in enumerate(how.shares):
        row[_at("hit_rate", share)] = rates[i]
        row[_at("pai", share)] = rates[i] / share
        row[_at("pei", share)] = efficiency[i]
    row["deviance"] = poisson_deviance(mean, came)
    row["log_score"] = log_score(mean, size, came)
    row["crps"] = mean_crps(mean, size, came)
    pit = randomised_pit(mean, size, came, rng)
    row["pit_mean"], row["pit_spread"] = float(pit.mean()), float(pit.var())
    return row | _coverages(mean, size, came, pit, how)


def _coverages(
    mean: Floats, size: Floats, came: NDArray[Any], pit: Floats, how: BacktestParams
) -> dict[str, Any]:
    busy = mean >= how.busy
    row: dict[str, Any] = {"busy_units": int(busy.sum())}
    for nominal in how.intervals:
        everywhere = interval_coverage(mean, size, came, pit, nominal)
        there = interval_coverage(mean[busy], size[busy], came[busy], pit[busy], nominal)
        row[_at("covered", nominal)] = everywhere.exact
        row[_at("whole", nominal)] = everywhere.whole
        row[_at("promised", nominal)] = everywhere.promised
        row[_at("busy", nominal)] = there.exact
    return row


def _at(name: str, share: float) -> str:
    return f"{name}_{100 * share:g}"
