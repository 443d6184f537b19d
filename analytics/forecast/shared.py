"""A fitted forecast that is one share of each unit times the level of the whole area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion
from analytics.forecast.level import LevelParams, forecast_level
from analytics.forecast.protocol import Forecast, Target, step_totals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedShare:
    """What a method needs to forecast after it has learnt where the next incidents fall.

    Attributes
    ----------
    cube, target, cutoff_step
        What was learnt from.
    share
        Each unit's share of the next incidents, shape ``(n_units,)``, summing to one.
    dispersion
        How far counts strayed from what was forecast.
    level
        How the whole area's level is followed.
    described
        Method and parameters as plain JSON values.
    """

    cube: Cube
    target: Target
    cutoff_step: int
    share: Floats
    dispersion: Dispersion
    level: LevelParams
    described: Mapping[str, Any]

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        totals = step_totals(self.cube, self.target)[: self.cutoff_step]
        ahead = forecast_level(totals, self.cube.steps, self.cutoff_step, horizon_steps, self.level)
        mean = np.outer(self.share, ahead)
        return Forecast(
            mean,
            self.dispersion.sizes(mean),
            self.cube.units,
            self.cutoff_step,
            MappingProxyType(dict(self.described) | {"cutoff_step": self.cutoff_step}),
        )
