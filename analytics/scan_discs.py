"""The best discs of a scan that do not overlap, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.scan_field import Field
from analytics.scan_kernel import best_of_each_centre
from geo.lattice.lattice import Lattice, cell_centres, from_grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COLUMNS = (
    "unit_id",
    "x_m",
    "y_m",
    "radius_m",
    "first_step",
    "last_step",
    "n_cells",
    "observed",
    "expected",
    "ratio",
    "log_likelihood_ratio",
    "p_value",
    "recurrence_days",
)


@dataclass(frozen=True, eq=False)
class Best:
    """The best cylinder around each cell, each array ``(n_cells,)``.

    Attributes
    ----------
    ratio
        Its log likelihood ratio.
    window, radius
        Its row in `Field.windows`, and its radius in cells.
    """

    ratio: Floats
    window: Ints
    radius: Ints


def find_best(lattice: Lattice, field: Field) -> Best:
    """Find the best cylinder around each cell of what was counted."""
    table = field.table(field.volume)
    found = best_of_each_centre(table, field.expected, field.windows, field.half, field.total)
    ratio, window, radius = (from_grid(lattice, part) for part in found)
    return Best(ratio, window, radius)


def list_discs(
    lattice: Lattice, field: Field, best: Best, *, most: int
) -> tuple[dict[int, Ints], pd.DataFrame]:
    """Return the cells of the best discs that do not overlap, and what they hold.

    Returns
    -------
    tuple
        By the row of its centre the cells of each disc, and a row each with `COLUMNS` but the
        last two.
    """
    members = dict(_apart(lattice, best, most))
    rows = [_describe(lattice, field, best, *disc) for disc in members.items()]
    return members, pd.DataFrame(rows, index=list(members), columns=list(COLUMNS[:-2]))


def _apart(lattice: Lattice, best: Best, most: int) -> Iterator[tuple[int, Ints]]:
    taken = np.zeros(len(best.ratio), dtype=np.bool_)
    x, y = cell_centres(lattice)
    n_found = 0
    for centre in np.argsort(-best.ratio, kind="stable"):
        if n_found == most or best.ratio[centre] <= 0:
            return
        reach = float(best.radius[centre]) * lattice.cell_size_m
        cells = np.flatnonzero(np.hypot(x - x[centre], y - y[centre]) <= reach + 1e-6)
        if taken[cells].any():
            continue
        taken[cells] = True
        n_found += 1
        yield int(centre), cells


def _describe(
    lattice: Lattice, field: Field, best: Best, centre: int, cells: Ints
) -> dict[str, Any]:
    start, end = (int(step) + field.first for step in field.windows[best.window[centre]])
    flat = lattice.cells[cells]
    observed, expected = (
        float(part[start:end].reshape(end - start, -1)[:, flat].sum())
        for part in (field.volume, field.mean)
    )
    x, y = cell_centres(lattice)
    return {
        "unit_id": int(lattice.cells[centre]),
        "x_m": x[centre],
        "y_m": y[centre],
        "radius_m": float(best.radius[centre]) * lattice.cell_size_m,
        "first_step": start,
        "last_step": end - 1,
        "n_cells": len(cells),
        "observed": observed,
        "expected": expected,
        "ratio": observed / expected,
        "log_likelihood_ratio": best.ratio[centre],
    }
