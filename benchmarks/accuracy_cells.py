"""Points into a cube of square cells by week, as `benchmarks.accuracy` counts them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import Steps
from benchmarks.accuracy_cities import Points

DECIDING = 12
"""Origins before the first one that is judged, which choose the method."""


def cell_codes(points: Points, side: float) -> NDArray[np.int64]:
    column, row = np.floor(points.x / side), np.floor(points.y / side)
    return (row * 1_000_000 + column).astype(np.int64)


def count(
    points: Points, steps: Steps, ids: NDArray[np.int64], side: float, *, least: int = 1
) -> Cube:
    """Count points by cell, week and class; rare classes are left out."""
    local = points.when.tz_localize(steps.time_zone, ambiguous=True, nonexistent="shift_forward")
    sizes = pd.Series(points.category).value_counts()
    codes = tuple(sorted(sizes.index[sizes >= least]))
    units = Units("cell", ids)
    place = (
        units.locate(cell_codes(points, side)),
        steps.locate(local),
        pd.Index(codes).get_indexer(pd.Index(points.category)),
    )
    kept = (place[0] >= 0) & (place[1] >= 0) & (place[2] >= 0)
    counts = np.zeros((len(ids), len(steps), len(codes), 1), dtype=np.uint16)
    np.add.at(counts, (*(axis[kept] for axis in place), 0), 1)
    return Cube(counts, units, steps, codes, ("resident",))


def places_of(ids: NDArray[np.int64], side: float, unit_m: float = 1.0) -> Places:
    row, column = np.divmod(ids, 1_000_000)
    return Places((column + 0.5) * side * unit_m, (row + 0.5) * side * unit_m)
