"""A stack: methods weighted by how likely they made what came next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.kept import Kept
from analytics.forecast.protocol import Fitted, Forecast, Target
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StackParams:
    """How a stack learns.

    Attributes
    ----------
    outcome_steps
        Length of the windows that it learns from; the horizon that it will be asked for.
    windows
        How many windows before the cutoff to learn from, at most; each of them was forecast by
        the members without seeing it.
    first_cutoff
        No member is asked to learn from fewer steps.
    belief
        Strength of the belief that all members are alike, as a share of the incidents.
    sweeps
        Rounds of expectation-maximisation.
    """

    outcome_steps: int = 1
    windows: int = 12
    first_cutoff: int = 26
    belief: float = 0.3
    sweeps: int = 50


@dataclass(frozen=True, eq=False)
class Stack:
    """Mix the forecasts of several methods by log score.

    Attributes
    ----------
    name
        See `Method`.
    target
        What is forecast.
    members
        The methods; those that a table also shows are better handed in as the same `Kept`.
    params
        See `StackParams`.

    References
    ----------
    Yao, Vehtari, Simpson and Gelman (2018), doi:10.1214/17-BA1091, stacking of predictive
    distributions; here of where the next incident falls.
    """

    name: str
    target: Target
    members: tuple[Kept, ...]
    params: StackParams = StackParams()

    def fit(self, cube: Cube, cutoff_step: int) -> FittedStack:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedStack]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; the members are fitted once."""
        starts = {cutoff: self._starts(cutoff) for cutoff in cutoffs}
        needed = sorted({*chain.from_iterable(starts.values()), *cutoffs})
        fits = zip(*(member.fit_rolling(cube, needed) for member in self.members), strict=True)
        told: dict[int, Floats] = {}
        series, steps = self.target.series(cube), self.params.outcome_steps
        for step, now in zip(needed, fits, strict=True):
            if step in starts:
                seen = [series[:, s : s + steps].sum(axis=1) for s in starts[step]]
                yield self._learn(np.array(seen), np.array([told[s] for s in starts[step]]), now)
            ahead = [fitted.predict(steps).over(0, steps).mean[:, 0] for fitted in now]
            told = {s: p for s, p in told.items() if s > step - self.params.windows * steps}
            told[step] = np.array(ahead)

    def _starts(self, cutoff: int) -> list[int]:
        how = self.params
        starts = range(cutoff - how.outcome_steps, how.first_cutoff - 1, -how.outcome_steps)
        if not starts:
            raise InputError(
                f"cutoff {cutoff}: a stack needs at least {how.first_cutoff + how.outcome_steps} "
                "steps before it; take a longer cube or a smaller first_cutoff"
            )
        return list(starts)[: how.windows][::-1]

    def _learn(self, seen: NDArray[Any], told: Floats, now: tuple[Fitted, ...]) -> FittedStack:
        """Weigh members by `told` ``(n_windows, n_members, n_units)`` and what was seen."""
        window, unit = np.nonzero(seen)
        weights = stack_weights(
            told[window, :, unit] / told.sum(axis=2)[window],
            seen[window, unit],
            belief=self.params.belief,
            sweeps=self.params.sweeps,
        )
        return FittedStack(
            self, now, weights, estimate_dispersion(seen, np.einsum("m,wmu->wu", weights, told))
        )


def stack_weights(shares: Floats, y: NDArray[Any], *, belief: float, sweeps: int) -> Floats:
    """Return the weights whose mixture gave the places of the incidents the best log score.

    Parameters
    ----------
    shares
        Probability that each member gave to each place, shape ``(n_places, n_members)``.
    y
        Incidents there, shape ``(n_places,)``.
    belief
        Strength of the belief in equal weights, as a share of the incidents.

    Returns
    -------
    NDArray
        Shape ``(n_members,)``, not negative, summing to one; equal without incidents.
    """
    n = shares.shape[1]
    weights = np.full(n, 1 / n)
    even = belief * y.sum() / n
    for _ in range(sweeps if len(y) else 0):
        told = weights * ((y / (shares @ weights)) @ shares) + even
        weights = told / told.sum()
    return weights


@dataclass(frozen=True, eq=False)
class FittedStack:
    """The members' fits, their weights, and how far counts strayed from the mixture."""

    method: Stack
    members: tuple[Fitted, ...]
    weights: Floats
    dispersion: Dispersion

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        parts = [member.predict(horizon_steps) for member in self.members]
        mean = np.tensordot(self.weights, np.array([part.mean for part in parts]), axes=1)
        described = {
            "method": self.method.name,
            "params": vars(self.method.params),
            "weights": dict(
                zip(
                    [m.name for m in self.method.members],
                    self.weights.round(4).tolist(),
                    strict=True,
                )
            ),
            "members": [dict(part.parameters) for part in parts],
        }
        return Forecast(
            mean,
            self.dispersion.sizes(mean),
            parts[0].units,
            parts[0].cutoff_step,
            MappingProxyType(described),
        )
