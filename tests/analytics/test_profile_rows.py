"""Weeks as rows: the planted hour is the busiest, and an even week is called even."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.cube import Cube, Units
from analytics.join_rows import JoinParams, list_joins
from analytics.profile_rows import ProfileParams, list_profile
from analytics.steps import make_steps
from geo.errors import InputError
from geo.lattice.lattice import neighbours

WEEK = (date(2024, 1, 1), date(2024, 7, 1))


def cube_of(counts, kind="area", step="hour_of_week"):
    """Wrap ``(n_units, n_steps, n_classes)`` counts over half a year."""
    steps = make_steps(*WEEK, step=step, time_zone="Asia/Shanghai")
    units = Units(kind, np.arange(len(counts)) + 10)
    names = tuple(f"class {i}" for i in range(counts.shape[2]))
    return Cube(counts[..., None].astype(np.uint32), units, steps, names, ("resident",))


@pytest.fixture(scope="module")
def two_classes():
    rng = np.random.default_rng(6)
    even = rng.poisson(3, (4, 168))
    # Fridays from 20 to 24 h, ten times as many, in the third area alone.
    peaked = rng.poisson(1, (4, 168))
    peaked[2, 4 * 24 + 20 : 5 * 24] += 10
    return cube_of(np.stack([even, peaked], axis=2))


def test_the_planted_hours_are_the_busiest_and_an_even_week_is_even(two_classes):
    rows = list_profile(two_classes).rows.set_index("category")
    assert rows.loc["class 0", "label"] == "even"
    peak = rows.loc["class 1"]
    assert (peak["label"], peak["peak_day"], peak["peak_from_h"]) == ("evening", 4, 20)
    assert sum(peak["week"]) == peak["observed"] == two_classes.counts[:, :, 1].sum()
    inside = np.array(peak["week"])[4 * 24 + 20 : 5 * 24].sum()
    assert peak["peak_share"] == inside / peak["observed"]
    assert sum(peak["by_part"]) == pytest.approx(1, abs=1e-3)


def test_by_area_only_the_area_with_the_planted_hours_is_uneven(two_classes):
    found = list_profile(two_classes, ProfileParams(by="area", classes=("class 1",)))
    labels = dict(zip(found.rows["area_id"], found.rows["label"], strict=True))
    assert labels == {10: "even", 11: "even", 12: "evening", 13: "even"}
    assert found.unit == "area"


def test_the_chance_of_an_even_week_is_even():
    rng = np.random.default_rng(9)
    cube = cube_of(rng.poisson(2, (400, 168, 1)))
    p = list_profile(cube, ProfileParams(by="area")).rows["p_value"].to_numpy()
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=0.08)


def test_a_stretch_over_sunday_midnight_is_found():
    counts = np.ones((1, 168, 1), dtype=int)
    counts[0, [166, 167, 0, 1]] = 50
    row = list_profile(cube_of(counts)).rows.iloc[0]
    assert (row["peak_day"], row["peak_from_h"]) == (6, 22)


def test_what_is_rare_is_untested_and_what_never_happened_has_no_row_of_its_class():
    counts = np.zeros((2, 168, 2), dtype=int)
    counts[0, 5, 0] = 3
    rows = list_profile(cube_of(counts)).rows
    assert rows["label"].tolist() == ["untested"]
    assert list_profile(cube_of(counts), ProfileParams(by="area")).rows["label"].tolist() == [
        "untested",
        "untested",
    ]


def test_weeks_need_hours_and_areas():
    with pytest.raises(InputError, match="at which hour"):
        list_profile(cube_of(np.ones((2, 182, 1)), step="day"))
    with pytest.raises(InputError, match="cube of areas"):
        list_profile(cube_of(np.ones((2, 168, 1)), kind="cell"), ProfileParams(by="area"))
    with pytest.raises(InputError, match="by is"):
        ProfileParams(by="hour")


def test_a_class_in_one_corner_clusters_a_chessboard_is_apart_and_dust_is_neither(lattice):
    whole = lattice(8, 8)
    row, column = np.divmod(np.arange(64), 8)
    rng = np.random.default_rng(2)
    corner = 5 * ((row < 4) & (column < 4))
    chess = 5 * ((row + column) % 2)
    dust = rng.permutation(np.repeat([5, 0], 32))
    counts = np.stack([corner, chess, dust], axis=1)[:, None, :]
    cube = cube_of(np.repeat(counts, 168, axis=1), kind="cell")
    near = neighbours(whole, contiguity="rook")
    rows = list_joins(cube, near).rows
    marked = rows[rows["joins"] == "marked"].set_index("category")
    assert marked["label"].to_dict() == {
        "class 0": "cluster",
        "class 1": "apart",
        "class 2": "none",
    }
    assert rows["category"].tolist()[:3] == ["class 0"] * 3
    # Of 112 joins by sides: 24 within the corner, none within the colours of a chessboard.
    assert marked["observed"].tolist()[0] == 24
    assert marked.loc["class 1", "observed"] == 0
    assert rows.groupby("category")["observed"].sum().tolist() == [112.0] * 3
    few = list_joins(cube, near, JoinParams(fewest=10**6)).rows
    assert few.empty
    with pytest.raises(InputError, match="mark is"):
        JoinParams(mark="most")
