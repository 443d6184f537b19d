"""Weights of a mixture of surfaces, learnt from where later incidents fell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What windows of the past tell about the surfaces; K surfaces, G levels.

    Attributes
    ----------
    rows
        Shares of the surfaces in the units where incidents fell, shape ``(n_rows, K)``, times
        the window's incidents.
    y
        Incidents of the row, shape ``(n_rows,)``.
    level, part
        Between which two levels the unit's own past lies: ``part`` of `level`, the rest of
        ``level + 1``; shape ``(n_rows,)``.
    exposure
        What each surface promises in all units together, by level, shape ``(K, G)``.
    """

    rows: Singles
    y: Singles
    level: Ints
    part: Singles
    exposure: Floats


def gather(parts: list[Evidence]) -> Evidence:
    """Join the evidence of several windows."""
    return Evidence(
        np.concatenate([p.rows for p in parts]),
        np.concatenate([p.y for p in parts]),
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.part for p in parts]),
        np.sum([p.exposure for p in parts], axis=0),
    )


def learn_weights(evidence: Evidence, *, sweeps: int) -> Floats:
    """Return the weights of the mixture that makes the evidence most likely, shape ``(K,)``.

    The counts are Poisson with mean ``rows @ weights``; expectation-maximisation from equal
    weights, whose few sweeps keep weights of like surfaces alike. No rows give equal weights.

    References
    ----------
    Dempster, Laird and Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x.
    """
    exposure = evidence.exposure.sum(axis=1)
    weights = np.full(len(exposure), 1 / len(exposure))
    if not len(evidence.y):
        return weights
    rows = evidence.rows.astype(np.float64)
    weights *= evidence.y.sum() / (exposure @ weights)
    for _ in range(sweeps):
        weights *= (evidence.y / (rows @ weights)) @ rows / exposure
    return np.asarray(weights)


def learn_level_weights(evidence: Evidence, start: Floats, *, sweeps: int, belief: float) -> Floats:
    """Return weights that differ by how many incidents the unit itself has had, shape ``(K, G)``.

    Where a unit's own counts are thin its neighbours tell more, where they are many the unit's
    own recent past does; the evidence decides. A gamma belief holds each level's weights to those
    in `start`, ``(K, G)``, as strong as the share `belief` of the evidence spread over the levels.
    """
    n_levels = evidence.exposure.shape[1]
    rate = belief * evidence.exposure.sum(axis=1, keepdims=True) / n_levels
    weights = start.copy()
    for _ in range(sweeps):
        told = _told(evidence.rows, evidence.y, evidence.level, evidence.part, weights)
        weights = (weights * told + start * rate) / (evidence.exposure + rate)
    return weights


@njit(cache=True, nogil=True)
def _told(rows: Singles, y: Singles, level: Ints, part: Singles, weights: Floats) -> Floats:
    n, k = rows.shape
    out = np.zeros(weights.shape)
    for i in range(n):
        g, p = level[i], part[i]
        mean = 0.0
        for j in range(k):
            mean += rows[i, j] * (p * weights[j, g] + (1 - p) * weights[j, g + 1])
        ratio = y[i] / mean
        for j in range(k):
            value = ratio * rows[i, j]
            out[j, g] += p * value
            out[j, g + 1] += (1 - p) * value
    return out


def place_on_levels(own: Floats, knots: tuple[float, ...]) -> tuple[Ints, Singles]:
    """Return between which knots each value lies, and the part of the lower one.

    Linear in the logarithm; values outside take the end knot whole.
    """
    position = np.interp(
        np.log(own + knots[0]), np.log(np.array(knots) + knots[0]), range(len(knots))
    )
    level = np.minimum(position.astype(np.int64), len(knots) - 2)
    return level, (1 - (position - level)).astype(np.float32)


def mix(shares: Singles, level: Ints, part: Singles, weights: Floats) -> Floats:
    """Return the mixture's share of each unit, which sum to one; shape ``(n_units,)``."""
    by_level = shares @ weights.astype(np.float32)
    rows = np.arange(len(shares))
    low, high = by_level[rows, level], by_level[rows, level + 1]
    mixed = (part * low + (1 - part) * high).astype(np.float64)
    return np.asarray(mixed / mixed.sum())
