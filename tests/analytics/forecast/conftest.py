"""A simulated town whose risk is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import make_steps

SIDE = 16
N_WEEKS = 70


def weekly_cube(counts, classes=("dump",), *, step="week"):
    """Wrap counts ``(n_units, n_steps, n_classes)`` of weeks or days from a Monday on."""
    days = {"week": 7, "day": 1}[step] * counts.shape[1]
    start = date(2024, 1, 1)
    steps = make_steps(start, start + timedelta(days=days), step=step, time_zone="Asia/Shanghai")
    units = Units("cell", np.arange(len(counts)))
    return Cube(counts[..., None].astype(np.uint16), units, steps, tuple(classes), ("resident",))


@pytest.fixture(scope="session")
def places():
    """Return the centres of 16 x 16 cells of 100 m."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return Places(column * 100.0 + 50, row * 100.0 + 50)


@pytest.fixture(scope="session")
def risk(places):
    """Return the true incidents per week of each cell: two smooth hills and rough noise."""
    rng = np.random.default_rng(3)
    hills = [
        height * np.exp(-0.5 * ((places.x - x) ** 2 + (places.y - y) ** 2) / reach**2)
        for x, y, reach, height in ((400, 500, 150, 2.0), (1200, 1100, 250, 0.8))
    ]
    return (0.03 + sum(hills)) * rng.gamma(8.0, 1 / 8, SIDE * SIDE)


@pytest.fixture(scope="session")
def town(risk):
    """Return a weekly cube of two classes: one rare, one common with the same risk."""
    rng = np.random.default_rng(4)
    rare = rng.poisson(np.repeat(0.15 * risk[:, None], N_WEEKS, axis=1))
    common = rng.poisson(np.repeat(3 * risk[:, None], N_WEEKS, axis=1))
    return weekly_cube(np.stack([rare, common], axis=2), ("rare", "common"))


@pytest.fixture(scope="session")
def cube_from():
    """Return the builder of cubes from counts."""
    return weekly_cube
