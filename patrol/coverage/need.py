"""How many reports a week are expected on each cell of a lattice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.density import estimate_density
from geo.lattice.lattice import Lattice, cell_of, from_grid, to_grid


class Need(NamedTuple):
    """What the incidents of a window say of the cells of a lattice.

    Attributes
    ----------
    cell
        The cell of each incident, -1 outside, shape ``(n_incidents,)``.
    reports
        Incidents on each cell, shape ``(n_cells,)``.
    weekly_per_m2
        Reports a week and square metre that are expected there, smoothed, shape ``(n_cells,)``.
    """

    cell: NDArray[np.int64]
    reports: NDArray[np.int64]
    weekly_per_m2: NDArray[np.float64]


def expect_need(
    lattice: Lattice, incidents: pd.DataFrame, *, weeks: float, bandwidth_m: float
) -> Need:
    """Smooth the incidents of a window into the need that its last weeks lead one to expect.

    Parameters
    ----------
    incidents
        With `x_m`, `y_m` in the lattice's CRS.
    weeks
        Length of the window, over 0.
    bandwidth_m
        How far around itself an incident speaks of need, metres.
    """
    cell = cell_of(lattice, incidents["x_m"].to_numpy(), incidents["y_m"].to_numpy())
    reports = np.bincount(cell[cell >= 0], minlength=lattice.n_cells)
    per_km2 = estimate_density(
        to_grid(lattice, reports, fill=0),
        to_grid(lattice, lattice.share, fill=0.0),
        cell_size_m=lattice.cell_size_m,
        bandwidth_m=bandwidth_m,
        kernel="gaussian",
    )
    return Need(cell, reports, from_grid(lattice, per_km2) / weeks / 1e6)
