"""A blend of surfaces of past counts, with weights learnt where later incidents fell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.forecast.dispersion import Dispersion, estimate_dispersion
from analytics.forecast.level import LevelParams, forecast_level
from analytics.forecast.mixture import (
    Evidence,
    gather,
    learn_level_weights,
    learn_weights,
    mix,
    place_on_levels,
)
from analytics.forecast.protocol import Forecast, Places, Target, check_cutoffs, step_totals
from analytics.forecast.surfaces import Surface, Surfaces, describe_surfaces, look_at
from geo.errors import InputError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

OWN_PAST_DAYS = float("inf")
"""Half-life of the own past by which a unit's level is judged: all of it is evidence."""


@dataclass(frozen=True)
class BlendParams:
    """How a blend learns.

    Attributes
    ----------
    outcome_steps
        Length of the windows that it learns from; the horizon that it will be asked for.
    windows
        How many windows before the cutoff to learn the weights from, at most.
    checked
        How many of the newest windows tell how far counts stray from the forecast.
    warm_up
        Steps that must have gone by before a window is learnt from.
    knots
        Own incidents so far between which weights change linearly in the logarithm; fewer than
        two knots mean one set of weights.
    belief
        Strength of the belief that all levels have the same weights, see `learn_level_weights`.
    sweeps
        Rounds of expectation-maximisation, for the pooled weights and for the levels.
    least_even
        Least share of the forecast that is spread evenly: nowhere is impossible.
    level
        How the whole area's level is followed.
    """

    outcome_steps: int = 1
    windows: int = 40
    checked: int = 8
    warm_up: int = 8
    knots: tuple[float, ...] = ()
    belief: float = 0.3
    sweeps: tuple[int, int] = (100, 40)
    least_even: float = 1e-3
    level: LevelParams = field(default_factory=LevelParams)

    def __post_init__(self) -> None:
        if min(self.outcome_steps, self.windows, self.checked, self.warm_up) < 1:
            raise InputError("outcome_steps, windows, checked and warm_up must be at least 1")
        if self.knots and (
            len(self.knots) < 2
            or min(self.knots) <= 0
            or list(self.knots) != sorted(set(self.knots))
        ):
            raise InputError(f"knots {self.knots} must be two or more ascending counts above 0")

    @property
    def n_levels(self) -> int:
        """Return how many sets of weights are kept; the second is idle without knots."""
        return max(2, len(self.knots))

    @property
    def fewest_steps(self) -> int:
        """Return how many steps must lie before a cutoff."""
        return self.warm_up + self.outcome_steps


@dataclass(frozen=True, eq=False)
class Window:
    """What was known at a step: the surfaces, the unit's own level, the whole area's level."""

    step: int
    shares: Singles
    level: NDArray[np.int64]
    part: Singles
    expected_total: float


@dataclass(frozen=True, eq=False)
class Blend:
    """Forecast by a mixture of surfaces.

    Attributes
    ----------
    name
        See `Method`.
    target, places
        What is forecast, and where the units lie.
    surfaces
        What is mixed; an even surface is always added as the last.
    params
        See `BlendParams`.
    """

    name: str
    target: Target
    places: Places
    surfaces: tuple[Surface, ...]
    params: BlendParams = BlendParams()

    def fit(self, cube: Cube, cutoff_step: int) -> FittedBlend:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def learn(self, cube: Cube, cutoff_step: int) -> FittedBlend:
        """Learn weights that can be applied to other steps, see `FittedBlend.share_at`."""
        return self.fit(cube, cutoff_step)

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedBlend]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; windows are made once."""
        check_cutoffs(cube, cutoffs, fewest_steps=self.params.fewest_steps)
        past = look_at(cube, self.places, self.target, self.surfaces)
        evidence: dict[int, Evidence] = {}
        dense: dict[int, Window] = {}
        for cutoff in cutoffs:
            starts = window_starts(cutoff, self.params)
            for start in [s for s in starts if s not in evidence]:
                dense[start] = look_back(past, start, self.params)
                evidence[start] = weigh(
                    dense[start], outcome(past.series, start, self.params), self.params.n_levels
                )
            evidence = {s: evidence[s] for s in starts}
            recent = starts[-self.params.checked :]
            dense = {s: dense[s] for s in recent if s in dense}
            for start in [s for s in recent if s not in dense]:
                dense[start] = look_back(past, start, self.params)
            yield self._learn(past, cutoff, evidence, [dense[s] for s in recent])

    def _learn(
        self, past: Surfaces, cutoff: int, evidence: dict[int, Evidence], recent: list[Window]
    ) -> FittedBlend:
        how = self.params
        joined = gather(list(evidence.values()))
        weights = np.repeat(
            learn_weights(joined, sweeps=how.sweeps[0])[:, None], how.n_levels, axis=1
        )
        if how.knots:
            weights = learn_level_weights(joined, weights, sweeps=how.sweeps[1], belief=how.belief)
        weights[-1] = np.maximum(weights[-1], how.least_even * weights.sum(axis=0))
        seen = np.array([outcome(past.series, w.step, how) for w in recent])
        means = np.array(
            [mix(w.shares, w.level, w.part, weights) * w.expected_total for w in recent]
        )
        now = look_back(past, cutoff, how)
        share = mix(now.shares, now.level, now.part, weights)
        return FittedBlend(
            self, past.cube, cutoff, share, weights, estimate_dispersion(seen, means)
        )


@dataclass(frozen=True, eq=False)
class FittedBlend:
    """A blend with its weights.

    Attributes
    ----------
    share
        Each unit's share of the next incidents, shape ``(n_units,)``, summing to one.
    weights
        Shape ``(n_surfaces + 1, n_levels)``; the last row is the even surface's.
    dispersion
        How far counts strayed from what was forecast.
    """

    method: Blend
    cube: Cube
    cutoff_step: int
    share: Floats
    weights: Floats
    dispersion: Dispersion

    def share_at(self, window: Window) -> Floats:
        """Return each unit's share as these weights would have had it at another step."""
        return mix(window.shares, window.level, window.part, self.weights)

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        totals = step_totals(self.cube, self.method.target)[: self.cutoff_step]
        level = forecast_level(
            totals, self.cube.steps, self.cutoff_step, horizon_steps, self.method.params.level
        )
        mean = np.outer(self.share, level)
        described = self.describe() | {"cutoff_step": self.cutoff_step}
        return Forecast(
            mean,
            self.dispersion.sizes(mean),
            self.cube.units,
            self.cutoff_step,
            MappingProxyType(described),
        )

    def describe(self) -> dict[str, Any]:
        """Return method and weights as plain JSON values."""
        return {
            "method": self.method.name,
            "surfaces": describe_surfaces(self.method.surfaces),
            "weights": self.weights.round(6).tolist(),
        }


def window_starts(cutoff: int, how: BlendParams) -> list[int]:
    """Return the first steps of the windows to learn from, ascending; all end by the cutoff."""
    starts = range(cutoff - how.outcome_steps, how.warm_up - 1, -how.outcome_steps)
    return list(starts)[: how.windows][::-1]


def outcome(series: Singles, start: int, how: BlendParams) -> Singles:
    """Return what each unit saw in the window that begins at `start`, shape ``(n_units,)``."""
    return np.asarray(series[:, start : start + how.outcome_steps].sum(axis=1))


def look_back(past: Surfaces, step: int, how: BlendParams) -> Window:
    """Return what was known before `step`; nothing at or past it is used."""
    known = past.shares(step)
    even = np.full((len(known), 1), 1 / len(known), dtype=np.float32)
    level, part = own_levels(past, step, how)
    totals = step_totals(past.cube, past.target)[:step]
    expected = forecast_level(totals, past.cube.steps, step, how.outcome_steps, how.level)
    return Window(step, np.hstack([known, even]), level, part, float(expected.sum()))


def own_levels(past: Surfaces, step: int, how: BlendParams) -> tuple[NDArray[np.int64], Singles]:
    """Return between which knots each unit's own past lies, see `place_on_levels`."""
    if not how.knots:
        n = len(past.places)
        return np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.float32)
    return place_on_levels(past.remembered(OWN_PAST_DAYS, step), how.knots)


def weigh(window: Window, seen: Singles, n_levels: int) -> Evidence:
    """Return what the window's outcome tells about the surfaces."""
    total = float(seen.sum())
    hit = np.flatnonzero(seen > 0)
    shares = window.shares.astype(np.float64) * total
    low = shares * window.part[:, None]
    exposure = np.zeros((shares.shape[1], n_levels))
    for level in range(n_levels - 1):
        at = window.level == level
        exposure[:, level] += low[at].sum(axis=0)
        exposure[:, level + 1] += (shares[at] - low[at]).sum(axis=0)
    return Evidence(
        shares[hit].astype(np.float32), seen[hit], window.level[hit], window.part[hit], exposure
    )
