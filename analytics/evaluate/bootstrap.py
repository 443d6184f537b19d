"""How sure a gain is: paired differences, resampled in blocks of neighbouring origins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gain:
    """A mean difference between two methods over the same origins, with its interval.

    Attributes
    ----------
    mean, low, high
        The difference, and the ends of the central interval.
    baseline
        The mean score of the second method.
    level
        Probability that the interval is meant to hold.
    """

    mean: float
    low: float
    high: float
    baseline: float
    level: float

    @property
    def relative(self) -> tuple[float, float, float]:
        """Return mean, low and high as parts of the baseline's score."""
        return self.mean / self.baseline, self.low / self.baseline, self.high / self.baseline


def paired_gain(
    scores: Floats,
    baseline: Floats,
    *,
    rng: np.random.Generator,
    block: int = 4,
    replicates: int = 2000,
    level: float = 0.95,
) -> Gain:
    """Compare two methods origin by origin.

    Neighbouring origins share most of their past and their weather, so whole blocks of them are
    drawn, around a circle; and with an origin all its tasks (classes, cell sizes), for they share
    the week.

    Parameters
    ----------
    scores, baseline
        Shape ``(n_origins,)`` or ``(n_origins, n_tasks)``, higher is better. NaN marks an origin
        without incidents of that task and is left out.
    block
        Origins in a block.
    replicates, level
        How often to draw, and the interval's probability.

    Raises
    ------
    InputError
        The shapes differ, or no origin has both scores.

    References
    ----------
    Politis and Romano (1992), circular blocks, in Exploring the Limits of Bootstrap.
    """
    if scores.shape != baseline.shape or scores.ndim not in (1, 2):
        raise InputError(f"scores {scores.shape} and baseline {baseline.shape} must be alike")
    a, b = np.atleast_2d(scores.T).T, np.atleast_2d(baseline.T).T
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        raise InputError("no origin has a score of both methods; take a window with incidents")
    n = len(a)
    length = min(block, n)
    difference = np.where(both, a - b, 0.0).sum(axis=1)
    count = both.sum(axis=1)
    starts = rng.integers(0, n, size=(replicates, -(-n // length)))
    drawn = ((starts[:, :, None] + np.arange(length)) % n).reshape(replicates, -1)[:, :n]
    totals = count[drawn].sum(axis=1)
    means = difference[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Gain(
        float(difference.sum() / count.sum()), float(low), float(high), float(b[both].mean()), level
    )
