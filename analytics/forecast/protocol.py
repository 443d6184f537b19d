"""The one shape of every forecast: expected counts and their spread, by unit and step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.cube import REPORTED, Cube, Units
from analytics.forecast.law import count_quantiles
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What is forecast: the classes, added up, as these sources found them.

    Attributes
    ----------
    classes
        Category codes; all of the cube when None.
    found_by
        Sources, see `Cube.series`. By default what was reported.
    """

    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def series(self, cube: Cube) -> NDArray[Any]:
        """Return the target's counts, shape ``(n_units, n_steps)``."""
        return cube.series(classes=self.classes, found_by=self.found_by)


@lru_cache(maxsize=16)
def step_totals(cube: Cube, target: Target) -> NDArray[Any]:
    """Return the target's counts in all units together, shape ``(n_steps,)``, read-only."""
    totals = target.series(cube).sum(axis=0)
    totals.flags.writeable = False
    return np.asarray(totals)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the units lie: a point inside each, in one metric CRS.

    Attributes
    ----------
    x, y
        Metres, shape ``(n_units,)``, in the order of the cube's units.
    """

    x: Floats
    y: Floats

    def __post_init__(self) -> None:
        if self.x.ndim != 1 or self.x.shape != self.y.shape:
            raise InputError(f"x {self.x.shape} and y {self.y.shape} must be one value per unit")
        if not (np.isfinite(self.x).all() and np.isfinite(self.y).all()):
            raise InputError("a unit has no place: x or y is not finite")

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Forecast:
    """Expected counts of each unit in the steps from the cutoff on.

    A count is taken as negative binomial: its variance is ``mean + mean**2 / size``.

    Attributes
    ----------
    mean
        Shape ``(n_units, n_horizon)``, positive.
    size
        Same shape, positive; infinite where the count is Poisson.
    units
        Which units.
    cutoff_step
        First step that the method did not see; column j is step ``cutoff_step + j``.
    parameters
        All that is needed to compute it again, as plain JSON values.
    """

    mean: Floats
    size: Floats
    units: Units
    cutoff_step: int
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.mean.ndim != 2 or len(self.mean) != len(self.units):
            raise InputError(f"mean {self.mean.shape} must be {len(self.units)} units x steps")
        if self.mean.shape != self.size.shape:
            raise InputError(f"mean {self.mean.shape} and size {self.size.shape} differ in shape")
        if not (np.isfinite(self.mean).all() and (self.mean > 0).all() and (self.size > 0).all()):
            raise InputError("a forecast's means must be finite and positive, its sizes positive")

    @property
    def variance(self) -> Floats:
        """Return the variance of each count, shape ``(n_units, n_horizon)``."""
        return self.mean + self.mean**2 / self.size

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """Return the smallest counts that are exceeded with at most ``1 - level``.

        Returns
        -------
        NDArray
            Shape ``(n_levels, n_units, n_horizon)``, whole numbers.
        """
        return np.stack([count_quantiles(level, self.mean, self.size) for level in levels])

    def over(self, first: int, last: int) -> Forecast:
        """Return the forecast of the sum over columns ``[first, last)``, one column.

        The steps are taken as independent given the forecast; the sum's size matches its mean
        and variance.
        """
        if not 0 <= first < last <= self.mean.shape[1]:
            raise InputError(
                f"columns {first} to {last} are not within {self.mean.shape[1]} steps ahead"
            )
        mean = self.mean[:, first:last].sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            excess = (self.mean[:, first:last] ** 2 / self.size[:, first:last]).sum(axis=1)
            size = mean**2 / excess[:, None]
        return Forecast(mean, size, self.units, self.cutoff_step + first, self.parameters)


class Fitted(Protocol):
    """A method that has learnt from the steps before its cutoff."""

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        ...


class Method(Protocol):
    """A way to forecast. It never looks at a step at or past the cutoff."""

    @property
    def name(self) -> str:
        """Return the name that tables and reasons use."""
        ...

    def fit(self, cube: Cube, cutoff_step: int) -> Fitted:
        """Learn from the steps before `cutoff_step`."""
        ...

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[Fitted]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs, sharing what they have in common."""
        ...


def check_cutoffs(cube: Cube, cutoffs: Sequence[int], *, fewest_steps: int = 1) -> None:
    """Refuse cutoffs that do not ascend or leave too little to learn from.

    Raises
    ------
    InputError
        Says which cutoff, and how many steps the method needs before it.
    """
    if any(b <= a for a, b in pairwise(cutoffs)):
        raise InputError(f"the cutoffs {list(cutoffs)} must ascend")
    for cutoff in cutoffs:
        if not fewest_steps <= cutoff <= len(cube.steps):
            raise InputError(
                f"cutoff {cutoff}: this method needs at least {fewest_steps} steps before it, and "
                f"the cube has {len(cube.steps)}; take a longer cube or shorter steps"
            )
