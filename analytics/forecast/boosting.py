"""Gradient boosting that corrects what simpler methods agree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.cube import Cube
from analytics.forecast.blend import BlendParams, Window, look_back, outcome, window_starts
from analytics.forecast.dispersion import estimate_dispersion
from analytics.forecast.level import YEAR_DAYS, step_days
from analytics.forecast.loglinear import choose_rows, learning_cutoff
from analytics.forecast.protocol import Places, Target, check_cutoffs
from analytics.forecast.shared import FittedShare
from analytics.forecast.surfaces import Surface, Surfaces, look_at
from geo.errors import InputError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BINS = 64
"""Values of a feature that the trees tell apart."""
EDGE_ROWS = 20_000
"""Rows from which the borders of the bins are read."""
LEAST_PART = 0.05
"""Share of an average unit that is added before surfaces are compared, so that none is zero."""
USUAL_EXCESS = 0.2
"""Excess of the variance, see `Dispersion`, by which busy rows are weighted down."""


class Learnt(Protocol):
    """What a base has learnt, applied to any step."""

    def share_at(self, window: Window) -> Floats:
        """Return each unit's share, shape ``(n_units,)``."""
        ...


class Base(Protocol):
    """A method that can be corrected: `Blend` or `LogLinear`."""

    @property
    def target(self) -> Target:
        """Return what is forecast."""
        ...

    @property
    def places(self) -> Places:
        """Return where the units lie."""
        ...

    @property
    def surfaces(self) -> tuple[Surface, ...]:
        """Return what it looks at."""
        ...

    @property
    def params(self) -> BlendParams:
        """Return which windows it learns from."""
        ...

    def learn(self, cube: Cube, cutoff_step: int) -> Learnt:
        """Learn from the steps before `cutoff_step`."""
        ...


@dataclass(frozen=True)
class BoostingParams:
    """How trees are grown.

    Attributes
    ----------
    rounds, learning_rate, leaves, fewest_in_leaf, ridge
        Of scikit-learn's histogram boosting. Shallow and slow, for the bases are right nearly
        everywhere.
    refit_steps
        Bases and trees are learnt anew when the cutoff passes a multiple of so many steps.
    most_rows
        Unit-windows that are learnt from, about, see `choose_rows`.
    seed
        Of the choice of the quiet ones.
    """

    rounds: int = 80
    learning_rate: float = 0.05
    leaves: int = 8
    fewest_in_leaf: int = 500
    ridge: float = 10.0
    refit_steps: int = 13
    most_rows: int = 300_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Boosting:
    """Multiply the mean of some bases by what trees learn from surfaces, calendar and place.

    The counts are negative binomial around ``bases x trees``: Poisson boosting with the bases as
    exposure, each row weighted by the inverse of its variance.

    Attributes
    ----------
    name
        See `Method`.
    bases
        One or more methods with the same target, places, surfaces and windows; `params` of the
        first tells the windows.
    params
        See `BoostingParams`.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451; the weights: Nelder and Pregibon (1987),
    doi:10.1093/biomet/74.2.221.
    """

    name: str
    bases: tuple[Base, ...]
    params: BoostingParams = BoostingParams()

    def __post_init__(self) -> None:
        if not self.bases or any(b.surfaces != self.bases[0].surfaces for b in self.bases):
            raise InputError("boosting needs one or more bases that look at the same surfaces")

    def fit(self, cube: Cube, cutoff_step: int) -> FittedShare:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedShare]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; trees are grown once per refit."""
        first = self.bases[0]
        check_cutoffs(cube, cutoffs, fewest_steps=first.params.fewest_steps)
        past = look_at(cube, first.places, first.target, first.surfaces)
        grown: dict[int, Grown] = {}
        for cutoff in cutoffs:
            start = learning_cutoff(cutoff, self.params.refit_steps, first.params)
            if start not in grown:
                grown = {start: self._grow(past, start)}
            yield self._fitted(past, grown[start], cutoff)

    def _grow(self, past: Surfaces, cutoff: int) -> Grown:
        from sklearn.ensemble import HistGradientBoostingRegressor  # heavy: who forecasts waits

        how = self.params
        learnt = tuple(base.learn(past.cube, cutoff) for base in self.bases)
        starts = window_starts(cutoff, self.bases[0].params)
        seen = np.array([outcome(past.series, s, self.bases[0].params) for s in starts])
        rng = np.random.default_rng([how.seed, cutoff])
        window, unit, weight = choose_rows(seen, how.most_rows, rng)
        parts = [
            self._rows(past, learnt, s, unit[window == i], weight[window == i])
            for i, s in enumerate(starts)
        ]
        features, ratio, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
        edges = bin_edges(features)
        trees = HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=how.learning_rate,
            max_iter=how.rounds,
            max_leaf_nodes=how.leaves,
            max_bins=BINS,
            min_samples_leaf=how.fewest_in_leaf,
            l2_regularization=how.ridge,
            early_stopping=False,
        )
        # One thread: on a shared machine more of them wait for each other longer than they work.
        with threadpool_limits(limits=1, user_api="openmp"):
            trees.fit(bin_features(features, edges), ratio, sample_weight=weights)
        return Grown(learnt, trees, edges)

    def _rows(
        self,
        past: Surfaces,
        learnt: tuple[Learnt, ...],
        start: int,
        unit: NDArray[np.int64],
        weight: Floats,
    ) -> tuple[Singles, Floats, Floats]:
        how = self.bases[0].params
        window = look_back(past, start, how)
        y = outcome(past.series, start, how).astype(np.float64)
        shares = base_shares(learnt, window)
        mean = shares.mean(axis=0) * max(float(y.sum()), 1.0)
        features = self._features(past, window, shares)[unit]
        worth = weight * mean[unit] / (1 + USUAL_EXCESS * mean[unit])
        return features, y[unit] / mean[unit], worth

    def _features(self, past: Surfaces, window: Window, shares: Floats) -> Singles:
        n = shares.shape[1]
        least = LEAST_PART / n
        base = np.log(shares.mean(axis=0) + least)
        others = np.vstack([np.log(shares[1:] + least), np.log(window.shares[:, :-1].T + least)])
        step = min(window.step, len(past.cube.steps) - 1)
        angle = 2 * np.pi * step_days(past.cube.steps)[step] / YEAR_DAYS
        same = np.broadcast_to([np.cos(angle), np.sin(angle)], (n, 2))
        columns = [base + np.log(window.expected_total), past.places.x, past.places.y]
        return np.column_stack([*columns, same, (others - base).T]).astype(np.float32)

    def _fitted(self, past: Surfaces, grown: Grown, cutoff: int) -> FittedShare:
        how = self.bases[0].params
        recent = window_starts(cutoff, how)[-how.checked :]
        windows = {s: look_back(past, s, how) for s in [*recent, cutoff] if s not in grown.shares}
        for step, window in windows.items():
            shares = base_shares(grown.learnt, window)
            share = shares.mean(axis=0) * grown.correct(self._features(past, window, shares))
            grown.shares[step] = share / share.sum(), window.expected_total
        means = np.array([share * total for share, total in (grown.shares[s] for s in recent)])
        seen = np.array([outcome(past.series, s, how) for s in recent])
        described: dict[str, Any] = {"method": self.name, "params": vars(self.params)}
        share, _ = grown.shares[cutoff]
        spread = estimate_dispersion(seen, means)
        return FittedShare(past.cube, past.target, cutoff, share, spread, how.level, described)


def base_shares(learnt: Sequence[Learnt], window: Window) -> Floats:
    """Return the share that each base gives to each unit, shape ``(n_bases, n_units)``."""
    return np.array([one.share_at(window) for one in learnt])


class Grown:
    """Trees, the bases that they correct, the borders of their bins, and shares made so far."""

    def __init__(
        self,
        learnt: tuple[Learnt, ...],
        trees: Any,
        edges: list[Singles],
    ) -> None:
        self.learnt, self.trees, self.edges = learnt, trees, edges
        self.shares: dict[int, tuple[Floats, float]] = {}

    def correct(self, features: Singles) -> Floats:
        """Return the factor of each row, shape ``(n_rows,)``."""
        with threadpool_limits(limits=1, user_api="openmp"):
            return np.asarray(self.trees.predict(bin_features(features, self.edges)))


def bin_edges(features: Singles) -> list[Singles]:
    """Return quantiles of each feature.

    scikit-learn's own weighted quantiles take longer than growing the trees.
    """
    some = features[:: max(1, len(features) // EDGE_ROWS)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    return [np.unique(np.quantile(column, inner)).astype(np.float32) for column in some.T]


def bin_features(features: Singles, edges: list[Singles]) -> Singles:
    """Return the number of each value's bin, the features' shape."""
    columns = [np.searchsorted(e, c) for e, c in zip(edges, features.T, strict=True)]
    return np.column_stack(columns).astype(np.float32)
