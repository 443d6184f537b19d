"""How much more than Poisson the counts vary, by how many are expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Expected counts at which a new group of units begins."""
BELIEF_SD = 0.2
"""How far a group's excess is believed to lie from that of all groups."""


@dataclass(frozen=True, eq=False)
class Dispersion:
    """The excess of the variance over Poisson: ``variance = mean + excess * mean**2``.

    Attributes
    ----------
    excess
        One value for each group between `EDGES`, shape ``(len(EDGES) + 1,)``, not negative.
    """

    excess: Floats

    def sizes(self, mean: Floats) -> Floats:
        """Return the negative binomial size of each mean, same shape; infinite for Poisson."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / self.excess[np.digitize(mean, EDGES)])


def estimate_dispersion(y: NDArray[Any], mean: Floats) -> Dispersion:
    """Estimate the excess by moments of counts that were forecast before they were seen.

    Groups with little to tell are drawn towards the excess of all together.

    Parameters
    ----------
    y, mean
        Counts and what was expected, any one shape. Empty input gives Poisson.

    References
    ----------
    Breslow (1984), doi:10.2307/2347661, for the weighted moment equation.
    """
    n_groups = len(EDGES) + 1
    if y.size == 0:
        return Dispersion(np.zeros(n_groups))
    count, expected = y.ravel().astype(np.float64), mean.ravel().astype(np.float64)
    group = np.digitize(expected, EDGES)
    weight = 1 / (1 + 2 * expected)  # inverse of the excess' own variance, up to a factor mean
    square = (count - expected) ** 2 - expected
    above = np.bincount(group, weights=weight * square, minlength=n_groups)
    below = np.bincount(group, weights=weight * expected**2, minlength=n_groups)
    noise = np.bincount(group, weights=weight * expected, minlength=n_groups)
    pooled = max(0.0, above.sum() / below.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        own, precision = above / below, below**2 / noise
        excess = (own * precision + pooled / BELIEF_SD**2) / (precision + 1 / BELIEF_SD**2)
    return Dispersion(np.where(below > 0, np.maximum(0.0, excess), pooled))
