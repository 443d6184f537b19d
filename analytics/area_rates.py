"""Rates of areas: incidents per household or km2, steadied, against the limits of chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analytics.cube import REPORTED, Cube
from analytics.rates import funnel_limits, smooth_rates
from analytics.results import Result
from geo.errors import InputError

Per = Literal["households", "area_km2", "street_km"]
SCALE = {"households": 1000.0, "area_km2": 1.0, "street_km": 1.0}
"""Rates are incidents a week per 1,000 households, per km2, or per km of street."""


@dataclass(frozen=True)
class RateParams:
    """How rates are made.

    Attributes
    ----------
    per
        What incidents are divided by: ``households``, ``area_km2`` or ``street_km``.
    confidence
        Of the funnel's limits, see `analytics.rates.funnel_limits`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    per: Per = "households"
    confidence: float = 0.998
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.per not in get_args(Per):
            raise InputError(f"per is {self.per!r}: say {' or '.join(get_args(Per))}")


def find_rates(cube: Cube, params: RateParams | None = None) -> Result:
    """Return each unit's rate, drawn towards the overall one, and whether it leaves the funnel.

    Parameters
    ----------
    cube
        Its units have the exposure that ``per`` names.

    Returns
    -------
    Result
        Score the smoothed rate, a week per 1,000 households, km2 or km of street; label ``above``,
        ``below`` or ``within`` the funnel, ``unknown`` without households or without any report.
        Details: ``population``, ``raw``, ``low``, ``high``, ``weight`` (part of the raw rate in
        the smoothed one).

    Raises
    ------
    InputError
        The exposure is missing, or no unit has any.
    """
    how = params or RateParams()
    if how.per not in cube.units.exposure:
        raise InputError(f"these units have no {how.per}; count areas of the database")
    observed = cube.totals(classes=how.classes, found_by=how.found_by).astype(np.float64)
    population = np.nan_to_num(cube.units.exposure[how.per], nan=0.0)
    counted = np.where(population > 0, observed, 0.0)
    rates = smooth_rates(counted, population)
    funnel = funnel_limits(counted, population, confidence=how.confidence)
    scale = SCALE[how.per] / (float(cube.steps.hours.sum()) / 168)
    nothing = np.full(len(observed), np.nan)
    described = asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
    return Result(
        kind="rates",
        units=cube.units,
        steps=cube.steps,
        observed=observed,
        score=rates.smoothed * scale,
        p=nothing,
        q=nothing,
        slope=nothing,
        label=np.where(observed > 0, funnel.label, "unknown"),
        parameters=MappingProxyType(described | {"overall": rates.overall * scale}),
        details=pd.DataFrame(
            {
                "population": population,
                "raw": rates.raw * scale,
                "low": funnel.low * scale,
                "high": funnel.high * scale,
                "weight": rates.weight,
            }
        ),
    )
