"""The cylinders that a scan looks at: discs by stretches of time, and what each expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.scan_kernel import disc_half_widths, expect, leave_out, sum_along
from analytics.scan_params import ScanParams
from geo.errors import InputError
from geo.lattice.lattice import Lattice, to_grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CYLINDERS = 60_000_000
"""Cylinders above which a scan is refused: 8 bytes each are kept."""


@dataclass(frozen=True, eq=False)
class Field:
    """What all runs of a scan share.

    Attributes
    ----------
    volume, mean
        What was counted, and what is expected without a cluster, ``(n_steps, n_rows, n_columns)``.
    windows
        Stretches of steps from `first` on, ``(n_windows, 2)``, half open.
    half
        Half widths of the rows of each disc.
    expected
        What each cylinder expects.
    total, rest
        All incidents, and those that a cylinder must leave outside.
    """

    volume: Floats
    mean: Floats
    windows: Ints
    first: int
    half: Ints
    expected: Floats
    total: float
    rest: float

    def table(self, volume: Floats) -> Floats:
        """Return sums along the rows of a volume, by which discs are added up."""
        return np.asarray(sum_along(volume[self.first :], self.half.shape[1] // 2))


def lay_volume(lattice: Lattice, series: NDArray[Any]) -> Floats:
    """Return counts as ``(n_steps, n_rows, n_columns)``."""
    grid = to_grid(lattice, series.astype(np.float64), fill=0.0)
    return np.ascontiguousarray(np.moveaxis(grid, 2, 0))


def expect_volume(
    lattice: Lattice, series: NDArray[Any], how: ScanParams, baseline: NDArray[Any] | None
) -> Floats:
    """Return the expected count of each bin under no cluster, shaped like the volume.

    Raises
    ------
    InputError
        Counts are not whole, or the baseline is missing, not asked for, or 0 where incidents
        happened.
    """
    counts = np.asarray(series, dtype=np.float64)
    if (counts != np.floor(counts)).any():
        raise InputError("the scan needs whole counts; count incidents without weights")
    total = float(counts.sum())
    if how.model == "permutation":
        if baseline is not None:
            raise InputError('the permutation model takes no baseline; say model="poisson"')
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(total, 1.0)
        return lay_volume(lattice, expected)
    if baseline is None:
        raise InputError("the Poisson model needs a baseline, such as households by unit")
    base = np.asarray(baseline, dtype=np.float64)
    base = np.broadcast_to(base[:, None] if base.ndim == 1 else base, counts.shape)
    if (base < 0).any() or not np.isfinite(base).all() or ((base == 0) & (counts > 0)).any():
        raise InputError(
            "the baseline is negative, missing, or 0 where incidents happened; "
            "give such units a small one or leave their incidents out"
        )
    return lay_volume(lattice, base * (total / base.sum()))


def lay_field(volume: Floats, mean: Floats, how: ScanParams) -> Field:
    """Lay all cylinders over counts and what is expected there.

    Raises
    ------
    InputError
        There would be too many.
    """
    n_steps, n_rows, n_columns = volume.shape
    longest = min(how.longest_steps, n_steps)
    first = n_steps - longest if how.mode == "prospective" else 0
    spans = [
        (start, end)
        for end in range(1, n_steps - first + 1)
        for start in range(max(0, end - longest), end)
        if how.mode == "retrospective" or end == longest
    ]
    half = disc_half_widths(how.radius_cells)
    many = len(spans) * len(half) * n_rows * n_columns
    if many > MOST_CYLINDERS:
        raise InputError(
            f"{many:,} cylinders are more than {MOST_CYLINDERS:,}; take larger cells, a smaller "
            "radius, shorter stretches or the prospective mode"
        )
    windows = np.array(spans, dtype=np.int64)
    expected = expect(sum_along(mean[first:], how.radius_cells), windows, half, n_columns)
    total = float(volume.sum())
    most = how.most_share * total
    expected = leave_out(expected, total=total, most=most)
    return Field(volume, mean, windows, first, half, expected, total, total - most)
