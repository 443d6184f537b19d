from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from analytics.class_hotspots import find_class_hotspots
from analytics.cube import Cube, Units
from analytics.hotspots import HotspotParams, find_hotspots, is_cut
from analytics.steps import make_steps
from geo.lattice.lattice import make_lattice, neighbours

SIDE = 20


def two_class_cube(rng, *, planted):
    """Return 20 x 20 cells of sparse noise in two classes, with 3 x 3 hot cells in each."""
    counts = rng.poisson(0.3, (SIDE, SIDE, 2))
    if planted:
        counts[3:6, 3:6, 0] += 8
        counts[12:15, 14:17, 1] += 8
    steps = make_steps(date(2020, 1, 1), date(2020, 2, 1), step="month", time_zone="UTC")
    flat = counts.reshape(SIDE * SIDE, 1, 2, 1).astype(np.uint32)
    units = Units("cell", np.arange(SIDE * SIDE))
    return Cube(flat, units, steps, ("dump", "noise"), ("resident",))


def cells(rows, columns):
    return {r * SIDE + c for r in rows for c in columns}


def test_each_class_is_hot_where_it_was_planted_and_not_where_the_other_was(near):
    cube = two_class_cube(np.random.default_rng(4), planted=True)
    table = find_class_hotspots(cube, near(SIDE, SIDE))
    dump = set(table.loc[table["category"] == "dump", "unit_id"])
    noise = set(table.loc[table["category"] == "noise", "unit_id"])
    assert cells(range(3, 6), range(3, 6)) <= dump <= cells(range(2, 7), range(2, 7))
    assert cells(range(12, 15), range(14, 17)) <= noise <= cells(range(11, 16), range(13, 18))
    assert (table["q_value"] <= 0.05).all()
    assert table.groupby("category")["score"].is_monotonic_decreasing.all()


def test_classes_without_pattern_are_hardly_ever_hot(near):
    alarms = [
        len(find_class_hotspots(two_class_cube(np.random.default_rng(seed), planted=False),
                                near(SIDE, SIDE)))
        for seed in range(40)
    ]  # fmt: skip
    assert np.mean(np.array(alarms) > 0) <= 0.15


def test_classes_with_too_few_incidents_are_not_tested(near):
    cube = two_class_cube(np.random.default_rng(4), planted=True)
    assert find_class_hotspots(cube, near(SIDE, SIDE), fewest=100_000).empty


def test_few_incidents_where_the_border_cuts_cells_are_not_called_cold():
    town = shapely.Point(0, 0).buffer(1_500)
    lattice = make_lattice(town, cell_size_m=100, srid=32650)
    near = neighbours(lattice)
    rng = np.random.default_rng(11)
    counts = rng.poisson(40.0 * lattice.share)
    steps = make_steps(date(2020, 1, 1), date(2020, 2, 1), step="month", time_zone="UTC")
    cube = Cube(
        counts[:, None, None, None].astype(np.uint32),
        Units("cell", lattice.cells), steps, ("dump",), ("resident",),
    )  # fmt: skip
    normal = HotspotParams(chance="normal")
    naive = find_hotspots(cube, near, normal)
    fair = find_hotspots(cube, near, normal, share=lattice.share)
    assert (naive.label == "cold").sum() >= 3  # what the rule is for
    assert (fair.label == "cold").sum() == 0
    cut = is_cut(lattice.share, near)
    untested = fair.label == "untested"
    assert np.array_equal(np.isnan(fair.q), untested)
    assert (cut & (naive.score < 0))[untested].all()
    assert 0.05 < cut.mean() < 0.4


@pytest.mark.parametrize("value", [1.0, 0.95])
def test_whole_neighbourhoods_are_not_cut(near, value):
    assert not is_cut(np.full(25, value), near(5, 5)).any()
