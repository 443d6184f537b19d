"""What counts may be divided by: households, street length and patrol hours of each unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from analytics.cube import Cube
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Locate = Callable[[Floats, Floats], Ints]
"""Takes x and y in metres, gives the row of the unit that each point lies in, -1 for none."""

PIECE_M = 5.0
"""Streets are cut into pieces of at most this length, and each piece lies in one unit."""


def count_households(
    x: Floats, y: Floats, households: NDArray[Any], *, n: int, at: Locate
) -> Floats:
    """Add up the households of address points by unit, shape ``(n,)``; no point gives zeros."""
    rows = at(x, y)
    inside = rows >= 0
    weights = households[inside].astype(np.float64)
    return np.asarray(np.bincount(rows[inside], weights=weights, minlength=n), np.float64)


def measure_streets(lines: NDArray[Any], *, n: int, at: Locate) -> Floats:
    """Add up the length of streets by unit in km, shape ``(n,)``.

    Streets are cut into pieces, each of which lies where its middle does: so no street counts
    twice, one along a shared border counts in one of its units, and what is lost or gained where
    a street crosses a border is less than one piece.

    Parameters
    ----------
    lines
        LineStrings in one metric CRS, shape ``(n_lines,)``.
    """
    if not len(lines):
        return np.zeros(n)
    xy, line = shapely.get_coordinates(shapely.segmentize(lines, PIECE_M), return_index=True)
    joined = line[1:] == line[:-1]
    middle = ((xy[1:] + xy[:-1]) / 2)[joined]
    length_m = np.hypot(*(xy[1:] - xy[:-1]).T)[joined]
    rows = at(middle[:, 0], middle[:, 1])
    inside = rows >= 0
    weights = length_m[inside] / 1000
    return np.asarray(np.bincount(rows[inside], weights=weights, minlength=n), np.float64)


def add_exposure(cube: Cube, **arrays: Floats) -> Cube:
    """Return the cube with more exposure arrays, each ``(n_units,)`` or ``(n_units, n_steps)``.

    Raises
    ------
    InputError
        A value is negative, or there is not one for each unit.
    """
    for name, values in arrays.items():
        if values.shape not in ((len(cube.units),), (len(cube.units), len(cube.steps))):
            raise InputError(f"{name} {values.shape} must be one value a unit, or a unit and step")
        if (values < 0).any():
            raise InputError(f"a value of {name} is negative; an exposure is 0 or more")
    exposure = MappingProxyType({**cube.units.exposure, **arrays})
    return replace(cube, units=replace(cube.units, exposure=exposure))
