"""Reporting delay: how complete the newest steps are, what to leave out, what to put right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.steps import Step
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 200
"""Incidents from which a class and source has a law of its own; below, its source's is taken."""
LEAST_COMPLETE = 0.95
"""Share of a step's incidents that must be in before a method may look at the step."""
MOST_FACTOR = 4.0
"""A step is never raised by more: where three of four are missing, little can be said."""


@dataclass(frozen=True, eq=False)
class DelayTriangle:
    """Incidents by the step in which they happened and how many steps later they were reported.

    Attributes
    ----------
    counts
        Shape ``(n_steps, n_lags, n_classes, n_sources)``; lag 0 is the same step. A step's lag is
        known if ``step + lag < n_seen``.
    classes, found_by
        Names along the last two axes.
    step
        What one step is.
    n_seen
        Steps, from the first on, that had ended when the newest report came in.
    age
        Steps (and part of one) that had gone by since the end of the last step counted.
    no_report_time, beyond
        Incidents without time of report, and those reported after the last lag: not counted.
    """

    counts: Ints
    classes: tuple[str, ...]
    found_by: tuple[str, ...]
    step: Step
    n_seen: int
    age: float
    no_report_time: int = 0
    beyond: int = 0

    def __post_init__(self) -> None:
        shape = (len(self.classes), len(self.found_by))
        if self.counts.ndim != 4 or self.counts.shape[2:] != shape or not self.counts.shape[1]:
            raise InputError(
                f"counts {self.counts.shape} must be steps x lags x {shape[0]} classes x "
                f"{shape[1]} sources"
            )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which steps and lags had gone by, shape ``(n_steps, n_lags)``."""
        n_steps, n_lags = self.counts.shape[:2]
        return np.add.outer(np.arange(n_steps), np.arange(n_lags)) < self.n_seen


@dataclass(frozen=True, eq=False)
class Completeness:
    """The share of a step's incidents that are in by lag; of those that come within all lags.

    Attributes
    ----------
    share
        Shape ``(n_lags, ...)``, rising to 1 at the last lag.
    sd
        Standard error of its logarithm, same shape.
    n
        Incidents that it rests on, shape ``(...)``.
    """

    share: Floats
    sd: Floats
    n: Ints

    def at(self, ages: Floats) -> Floats:
        """Return the share in after an age in steps, ``(n_ages, ...)``; linear between lags."""
        last = len(self.share) - 1
        low = np.clip(np.floor(ages).astype(np.int64), 0, last)
        high, part = np.minimum(low + 1, last), np.clip(ages, 0, last) - low
        part = part.reshape(-1, *[1] * (self.share.ndim - 1))
        return np.asarray(self.share[low] * (1 - part) + self.share[high] * part)

    def bounds(self, z: float = 1.96) -> tuple[Floats, Floats]:
        """Return the ends of the share's interval, by default of 95 %."""
        return self.share * np.exp(-z * self.sd), np.minimum(1, self.share * np.exp(z * self.sd))


def delay_factors(triangle: DelayTriangle) -> Completeness:
    """Estimate how complete steps are by lag for each class and source.

    The chance of a report at lag d among those at lags up to d is taken from the steps for which
    both are known; the share in by lag d is the product of the complements over later lags.
    That is the chain ladder of insurers. A class and source with fewer than `FEWEST` incidents
    takes the law of its source, a source with fewer that of all.

    Returns
    -------
    Completeness
        Shape ``(n_lags, n_classes, n_sources)``.

    References
    ----------
    Kalbfleisch and Lawless (1989), doi:10.1080/01621459.1989.10478780; Lawless (1994),
    doi:10.2307/3315820, for reverse hazards and their variance.
    """
    cells, sources = _complete(triangle, ()), _complete(triangle, (2,))
    whole = _complete(triangle, (2, 3))
    shape = triangle.counts.shape[1:]
    share, sd, n = (np.broadcast_to(x, s).copy() for x, s in zip(
        (whole.share, whole.sd, whole.n), (shape, shape, shape[1:]), strict=True))  # fmt: skip
    for level in (sources, cells):
        enough = np.broadcast_to(level.n >= FEWEST, shape[1:])
        share = np.where(enough, level.share, share)
        sd = np.where(enough, level.sd, sd)
        n = np.where(enough, level.n, n)
    return Completeness(share, sd, n)


def overall_completeness(triangle: DelayTriangle) -> Completeness:
    """Estimate how complete steps are by lag over all classes and sources, ``(n_lags,)``."""
    whole = _complete(triangle, (2, 3))
    return Completeness(whole.share[:, 0, 0], whole.sd[:, 0, 0], whole.n[0, 0])


def _complete(triangle: DelayTriangle, pooled: tuple[int, ...]) -> Completeness:
    counts = triangle.counts.astype(np.float64)
    if pooled:
        counts = counts.sum(axis=pooled, keepdims=True)
    known = triangle.known[:, :, None, None]
    n_lags = counts.shape[1]
    at = (counts * known).sum(axis=0)
    upto = (np.cumsum(counts, axis=1) * known).sum(axis=0)
    hazard = np.divide(at, upto, out=np.zeros_like(at), where=upto > 0)
    # Where all that is known came at the lag itself nothing is known of the lags before.
    hazard = np.minimum(hazard, 1 - 1e-9)
    noise = np.divide(hazard, upto * (1 - hazard), out=np.zeros_like(at), where=upto > 0)
    share, spread = np.ones_like(at), np.zeros_like(at)
    for lag in range(n_lags - 2, -1, -1):
        share[lag] = share[lag + 1] * (1 - hazard[lag + 1])
        spread[lag] = spread[lag + 1] + noise[lag + 1]
    return Completeness(share, np.sqrt(spread), (counts * known).sum(axis=(0, 1)).astype(np.int64))


def recent_completeness(triangle: DelayTriangle) -> Floats:
    """Return the share of each step's incidents that is in by now, ``(n_steps,)``, at most 1."""
    n_steps = len(triangle.counts)
    ages = triangle.age + np.arange(n_steps - 1, -1, -1, dtype=np.float64)
    return overall_completeness(triangle).at(ages)


def propose_embargo(triangle: DelayTriangle, *, least: float = LEAST_COMPLETE) -> int:
    """Return how many of the newest steps a method should not see, because too much is missing.

    The newest step that is seen holds at least the share `least` of its incidents.
    """
    if not 0 < least < 1:
        raise InputError(f"least is {least}; it must lie between 0 and 1")
    whole = overall_completeness(triangle)
    return int(np.argmax(whole.share >= least))


def correct_recent(cube: Cube, triangle: DelayTriangle) -> Cube:
    """Raise the counts of the newest steps by what has not been reported yet.

    Each step is divided by the share that is in at its age, by class and source; at most by
    `MOST_FACTOR`. Counts become float64 where anything is raised; the order of places within a
    class and source stays.

    Parameters
    ----------
    cube
        Counts whose last step is the triangle's last.
    triangle
        Of the same steps; classes and sources that it does not have stay as they are.

    Raises
    ------
    InputError
        Steps differ.
    """
    if cube.steps.step != triangle.step:
        raise InputError(
            f"a triangle by {triangle.step} cannot correct a cube by {cube.steps.step}"
        )
    factors = recent_factors(cube, triangle)
    if (factors == 1).all():
        return cube
    left_out = MappingProxyType(dict(cube.left_out))
    return replace(cube, counts=cube.counts * factors[None], left_out=left_out)


def recent_factors(cube: Cube, triangle: DelayTriangle) -> Floats:
    """Return by what to multiply each step, class and source of a cube, all at least 1.

    Returns
    -------
    NDArray
        Shape ``(n_steps, n_classes, n_sources)``; exactly 1 for steps older than all lags.
    """
    share = delay_factors(triangle)
    n_steps = len(cube.steps)
    ages = triangle.age + np.arange(n_steps - 1, -1, -1, dtype=np.float64)
    by_age = share.at(ages)
    factors = np.ones((n_steps, len(cube.classes), len(cube.found_by)))
    rows = [i for i, code in enumerate(cube.classes) if code in triangle.classes]
    layers = [k for k, name in enumerate(cube.found_by) if name in triangle.found_by]
    for i in rows if cube.classes != ("all",) else []:
        for k in layers:
            place = (
                triangle.classes.index(cube.classes[i]),
                triangle.found_by.index(cube.found_by[k]),
            )
            factors[:, i, k] = 1 / np.maximum(by_age[:, *place], 1 / MOST_FACTOR)
    if cube.classes == ("all",):
        pooled = _complete(triangle, (2,))
        for k in layers:
            at = pooled.at(ages)[:, 0, triangle.found_by.index(cube.found_by[k])]
            factors[:, 0, k] = 1 / np.maximum(at, 1 / MOST_FACTOR)
    return factors


def describe_delay(triangle: DelayTriangle | None) -> dict[str, Any] | None:
    """Return the triangle's law as plain JSON values, to store beside a result."""
    if triangle is None:
        return None
    whole = overall_completeness(triangle)
    return {
        "step": triangle.step,
        "complete": whole.share.round(4).tolist(),
        "sd": whole.sd.round(4).tolist(),
        "incidents": int(whole.n),
        "no_report_time": triangle.no_report_time,
        "beyond": triangle.beyond,
    }
