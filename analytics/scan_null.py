"""What chance alone would make of a scan: Monte-Carlo runs without a cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from analytics.scan_field import Field
from analytics.scan_kernel import best_of_all
from analytics.scan_params import ScanParams

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Floats]


def simulate(
    field: Field, how: ScanParams, rng: np.random.Generator, *, workers: int = 1
) -> Floats:
    """Return the best ratio of each Monte-Carlo run, shape ``(replicates,)``.

    Each run has a generator of its own, so `workers` change nothing but the time; without
    incidents there is nothing to run.
    """
    permuted = how.model == "permutation"
    draw = _permuted(field.volume) if permuted else _scattered(field.mean)

    def run(own: np.random.Generator) -> float:
        table = field.table(draw(own))
        return float(
            best_of_all(table, field.expected, field.windows, field.half, field.total, field.rest)
        )

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return np.array(list(pool.map(run, rng.spawn(how.replicates if field.total else 0))))


def _permuted(volume: Floats) -> Draw:
    """Return a draw that deals the incidents' steps out anew among their cells."""
    bins = np.repeat(np.arange(volume.size), volume.ravel().astype(np.int64))
    n_cells = volume[0].size
    step, cell = bins // n_cells, bins % n_cells

    def draw(rng: np.random.Generator) -> Floats:
        flat = rng.permutation(step) * n_cells + cell
        return np.bincount(flat, minlength=volume.size).reshape(volume.shape).astype(np.float64)

    return draw


def _scattered(mean: Floats) -> Draw:
    """Return a draw that lets as many incidents fall anywhere in proportion to their mean."""
    upto = np.cumsum(mean.ravel())
    many = round(float(upto[-1]))

    def draw(rng: np.random.Generator) -> Floats:
        flat = np.searchsorted(upto, rng.random(many) * upto[-1], side="right")
        return np.bincount(flat, minlength=mean.size).reshape(mean.shape).astype(np.float64)

    return draw


def rank(ratio: Floats, maxima: Floats) -> Floats:
    """Return the Monte-Carlo p of each ratio among the best ratios of all runs."""
    ordered = np.sort(maxima)
    above = len(ordered) - np.searchsorted(ordered, ratio - 1e-9, side="left")
    return np.where(ratio > 0, (above + 1) / (len(ordered) + 1), 1.0)
