"""What chance alone would make of a scan: Monte-Carlo runs without a cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.scan_field import Field
from analytics.scan_params import ScanParams
from analytics.scan_search import SAFE_PART, Search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[np.random.Generator], Ints]

RUNS_AT_ONCE = 16
"""Runs after which it is told how far the scan is, and asked whether that is enough."""
HAIR = 1e-9
"""Difference of two ratios that counts as none."""


@dataclass(frozen=True)
class Stage:
    """How far a scan is.

    Attributes
    ----------
    done, replicates
        Monte-Carlo runs made, and to make at most.
    cylinders
        How many a run looks at.
    """

    done: int
    replicates: int
    cylinders: int


Tell = Callable[[Stage], None]


def simulate(
    field: Field,
    how: ScanParams,
    rng: np.random.Generator,
    *,
    seen: float = np.inf,
    workers: int = 1,
    tell: Tell = lambda stage: None,
) -> Floats:
    """Return the best ratio of each Monte-Carlo run, shape ``(runs,)``.

    Each run has a generator of its own, and the runs stop after the same one whoever made them, so
    `workers` change nothing but the time; without incidents there is nothing to run.

    Parameters
    ----------
    seen
        The best ratio of what was observed, which `ScanParams.enough` runs are to reach.
    tell
        Told before the first runs and after some more.
    """
    draw = _permuted(field.volume) if how.model == "permutation" else _scattered(field.mean)
    search = Search(field)

    def run(own: np.random.Generator) -> float:
        return search.best(draw(own))

    runs = rng.spawn(how.replicates if field.total else 0)
    maxima = np.empty(0)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for first in range(0, len(runs), RUNS_AT_ONCE):
            tell(Stage(first, len(runs), field.expected.size))
            more = list(pool.map(run, runs[first : first + RUNS_AT_ONCE]))
            maxima = np.concatenate([maxima, more])
            if not first:
                search.raise_floor(SAFE_PART * float(maxima.min()))
            stop = count_enough(maxima, seen, how.enough)
            if stop is not None:
                return maxima[:stop]
    return maxima


def count_enough(maxima: Floats, seen: float, enough: int) -> int | None:
    """Return after how many runs so many have reached what was seen; None if they have not."""
    reached = np.flatnonzero(maxima >= seen - HAIR)
    return int(reached[enough - 1]) + 1 if 0 < enough <= len(reached) else None


def _permuted(volume: Floats) -> Draw:
    """Return a draw that deals the incidents' steps out anew among their cells."""
    bins = np.repeat(np.arange(volume.size), volume.ravel().astype(np.int64))
    n_cells = volume[0].size
    step, cell = bins // n_cells, bins % n_cells

    def draw(rng: np.random.Generator) -> Ints:
        flat = rng.permutation(step) * n_cells + cell
        return np.bincount(flat, minlength=volume.size).reshape(volume.shape)

    return draw


def _scattered(mean: Floats) -> Draw:
    """Return a draw that lets as many incidents fall anywhere in proportion to their mean."""
    upto = np.cumsum(mean.ravel())
    many = round(float(upto[-1]))

    def draw(rng: np.random.Generator) -> Ints:
        flat = np.searchsorted(upto, rng.random(many) * upto[-1], side="right")
        return np.bincount(flat, minlength=mean.size).reshape(mean.shape)

    return draw


def rank(ratio: Floats, maxima: Floats) -> Floats:
    """Return the Monte-Carlo p of each ratio among the best ratios of all runs."""
    ordered = np.sort(maxima)
    above = len(ordered) - np.searchsorted(ordered, ratio - HAIR, side="left")
    return np.where(ratio > 0, (above + 1) / (len(ordered) + 1), 1.0)
