"""Gradient boosting that corrects a blend where its surfaces disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.cube import Cube
from analytics.forecast.blend import (
    Blend,
    FittedBlend,
    Window,
    look_back,
    outcome,
    window_starts,
)
from analytics.forecast.level import YEAR_DAYS, step_days
from analytics.forecast.mixture import mix
from analytics.forecast.protocol import Forecast
from analytics.forecast.surfaces import Surface, Surfaces

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BINS = 64
"""Values of a feature that the trees tell apart."""
EDGE_ROWS = 20_000
"""Rows from which the borders of the bins are read."""
LEAST_PART = 0.05
"""Share of an average unit that is added before surfaces are compared, so that none is zero."""


@dataclass(frozen=True)
class BoostingParams:
    """How trees are grown.

    Attributes
    ----------
    rounds, learning_rate, leaves, fewest_in_leaf, ridge
        Of scikit-learn's histogram boosting. Shallow and slow, for the blend is right nearly
        everywhere.
    refit_steps
        Trees are grown anew when the cutoff passes a multiple of so many steps.
    quiet_share
        Share of the unit-windows without incident that is learnt from, weighted up accordingly.
    seed
        Of the choice of the quiet ones.
    """

    rounds: int = 80
    learning_rate: float = 0.05
    leaves: int = 8
    fewest_in_leaf: int = 500
    ridge: float = 10.0
    refit_steps: int = 13
    quiet_share: float = 0.3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Boosting:
    """Multiply a blend's forecast by what trees learn from surfaces, calendar and place.

    The counts are negative binomial around ``blend x trees``: Poisson boosting with the blend as
    exposure, each row weighted by the inverse of its variance.

    Attributes
    ----------
    name
        See `Method`.
    base
        The blend that is corrected.
    surfaces
        What the trees look at besides the base's own surfaces.
    params
        See `BoostingParams`.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451; the weights: Nelder and Pregibon (1987),
    doi:10.1093/biomet/74.2.221.
    """

    name: str
    base: Blend
    surfaces: tuple[Surface, ...] = ()
    params: BoostingParams = BoostingParams()

    def fit(self, cube: Cube, cutoff_step: int) -> FittedBoosting:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[FittedBoosting]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs; trees are grown once per refit."""
        base = self.base
        seen = Surfaces(cube, base.places, base.target, base.surfaces + self.surfaces)
        grown: dict[int, Grown] = {}
        for fitted in base.fit_rolling(cube, cutoffs):
            start = self._learning_cutoff(fitted.cutoff_step)
            if start not in grown:
                grown = {start: self._grow(seen, start)}
            then = grown[start]
            now = look_back(seen, fitted.cutoff_step, base.params)
            share = self._share_of_base(now, then.base)
            share = share * then.correct(self._features(seen, now, share))
            yield FittedBoosting(self, fitted, share / share.sum())

    def _learning_cutoff(self, cutoff: int) -> int:
        fewest = self.base.params.fewest_steps
        return max(fewest, cutoff // self.params.refit_steps * self.params.refit_steps)

    def _grow(self, seen: Surfaces, cutoff: int) -> Grown:
        how = self.params
        then = self.base.fit(seen.cube, cutoff)
        rng = np.random.default_rng([how.seed, cutoff])
        parts = [
            self._rows(seen, start, then, rng) for start in window_starts(cutoff, self.base.params)
        ]
        features, ratio, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
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
            trees.fit(bin_features(features, edges), ratio, sample_weight=weight)
        return Grown(then, trees, edges)

    def _rows(
        self, seen: Surfaces, start: int, then: FittedBlend, rng: np.random.Generator
    ) -> tuple[Singles, Floats, Floats]:
        how = self.base.params
        window = look_back(seen, start, how)
        y = outcome(seen.series, start, how).astype(np.float64)
        share = self._share_of_base(window, then)
        mean = share * y.sum()
        quiet = y == 0
        kept = ~quiet | (rng.random(len(y)) < self.params.quiet_share)
        weight = np.where(quiet, 1 / self.params.quiet_share, 1.0) * mean
        weight = weight / (1 + mean / then.dispersion.sizes(mean))
        features = self._features(seen, window, share)
        ok = kept & (mean > 0)
        return features[ok], y[ok] / mean[ok], weight[ok]

    def _share_of_base(self, window: Window, then: FittedBlend) -> Floats:
        n_base = len(self.base.surfaces)
        columns = [*range(n_base), window.shares.shape[1] - 1]
        return mix(window.shares[:, columns], window.level, window.part, then.weights)

    def _features(self, seen: Surfaces, window: Window, share: Floats) -> Singles:
        least = LEAST_PART / len(share)
        base = np.log(share + least)
        compared = np.log(window.shares[:, :-1] + least) - base[:, None]
        angle = 2 * np.pi * step_days(seen.cube.steps)[min(window.step, len(seen.cube.steps) - 1)]
        season = np.array([np.cos(angle / YEAR_DAYS), np.sin(angle / YEAR_DAYS)])
        same = np.broadcast_to(season, (len(share), 2))
        places = self.base.places
        columns = [base + np.log(window.expected_total), places.x, places.y]
        return np.column_stack([*columns, same, compared]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Grown:
    """Trees, the blend that they correct, and the borders of their bins ``(n_features, ...)``."""

    base: FittedBlend
    trees: HistGradientBoostingRegressor
    edges: list[Singles]

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


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """A blend, and its share of each unit after correction, ``(n_units,)``, summing to one."""

    method: Boosting
    base: FittedBlend
    share: Floats

    def predict(self, horizon_steps: int) -> Forecast:
        """Return the forecast of the first steps from the cutoff on."""
        plain = self.base.predict(horizon_steps)
        mean = plain.mean * (self.share / self.base.share)[:, None]
        described: dict[str, Any] = {"method": self.method.name, "base": dict(plain.parameters)}
        described |= {"params": vars(self.method.params)}
        return Forecast(
            mean,
            self.base.dispersion.sizes(mean),
            plain.units,
            plain.cutoff_step,
            MappingProxyType(described),
        )
