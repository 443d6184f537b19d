"""Lattices and cubes that every analytics test shares."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from analytics.cube import Cube, Units
from analytics.steps import make_steps
from geo.lattice import make_lattice, neighbours


@pytest.fixture
def lattice():
    """Return a builder of whole square lattices, cells numbered row by row."""

    def build(n_rows, n_columns):
        box = shapely.box(0, 0, 100 * n_columns, 100 * n_rows)
        return make_lattice(box, cell_size_m=100, srid=32650)

    return build


@pytest.fixture
def near(lattice):
    """Return a builder of the neighbours on a whole lattice."""

    def build(n_rows, n_columns, *, contiguity="queen"):
        return neighbours(lattice(n_rows, n_columns), contiguity=contiguity)

    return build


@pytest.fixture
def cube_of():
    """Return a builder of a cube with one class and one source from ``(n_units, n_steps)``."""

    def build(series):
        counts = np.asarray(series, dtype=np.uint32)
        n_units, n_steps = counts.shape
        month = date(2020 + n_steps // 12, n_steps % 12 + 1, 1)
        steps = make_steps(date(2020, 1, 1), month, step="month", time_zone="Asia/Shanghai")
        units = Units("cell", np.arange(n_units))
        return Cube(counts[:, :, None, None], units, steps, ("dump",), ("resident",))

    return build
