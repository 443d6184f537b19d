"""What is seen is what came within sight, when it did, and nothing else."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.lattice.frame import centres_of
from geo.lattice.lattice import make_lattice
from patrol.tracks.looks import hour_of_week, join_looks, looks_along, looks_of_views

LATTICE = make_lattice(shapely.box(0, 0, 1000, 800), cell_size_m=50, srid=32650)
ZONE = ZoneInfo("Asia/Shanghai")
SECOND = 1_000_000
WIDE = LATTICE.n_columns


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 30), st.floats(5, 120))
def test_seen_cells_are_those_within_sight_of_the_line(seed: int, n: int, sight: float) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(1, 2000, n)) * SECOND
    x, y = rng.uniform(0, 1000, n), rng.uniform(0, 800, n)
    found = looks_along(LATTICE, time, x, y, np.zeros(n, np.int64), np.full(n, sight), ZONE)
    line = shapely.linestrings(np.stack([x, y], 1))
    cells = np.arange(LATTICE.n_frame)
    far = shapely.distance(line, shapely.points(*centres_of(LATTICE, cells)))
    expected = {(int(c % WIDE), int(c // WIDE)) for c in cells[far <= sight - 1e-6]}
    doubtful = {(int(c % WIDE), int(c // WIDE)) for c in cells[np.abs(far - sight) < 1e-6]}
    assert set(zip(found["i"], found["j"], strict=True)) - doubtful == expected - doubtful
    for last, hours in zip(found["last_us"], found["by_hour"], strict=True):
        assert time[0] <= last <= time[-1]
        assert hours.max() == last // 3_600_000_000
        seen = hours[hours > 0]
        assert hour_of_week(seen.astype(np.int64), ZONE).tolist() == np.flatnonzero(hours).tolist()


def test_two_segments_are_not_joined_over_the_gap() -> None:
    time = np.array([0, 10, 20, 30]) * SECOND
    x = np.array([25.0, 75.0, 925.0, 975.0])
    found = looks_along(LATTICE, time, x, np.full(4, 25.0), np.array([0, 0, 1, 1]),
                        np.full(4, 20.0), ZONE)  # fmt: skip
    assert sorted(found["i"]) == [0, 1, 18, 19]


def test_the_last_look_is_when_it_went_out_of_sight() -> None:
    time = np.array([0, 1000]) * SECOND
    found = looks_along(LATTICE, time, np.array([25.0, 925.0]), np.full(2, 25.0),
                        np.zeros(2, np.int64), np.full(2, 40.0), ZONE)  # fmt: skip
    first = found[found["i"] == 0].iloc[0]
    assert first["last_us"] / SECOND == pytest.approx(1000 * 40 / 900)


def test_later_looks_win_when_tables_are_joined() -> None:
    one, two = (
        looks_along(LATTICE, np.array([0, 60]) * SECOND + day * 86_400 * SECOND,
                    np.array([25.0, 75.0]), np.full(2, 25.0), np.zeros(2, np.int64),
                    np.full(2, 30.0), ZONE)
        for day in (3, 10)
    )  # fmt: skip
    joined = join_looks([two, one])
    assert len(joined) == len(two)
    assert joined["last_us"].max() == two["last_us"].max()
    assert join_looks([]).empty


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 8))
def test_the_time_of_a_look_is_shared_among_the_cells_in_view(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    spots = shapely.points(rng.uniform(150, 850, n), rng.uniform(150, 650, n))
    views = np.asarray(shapely.buffer(spots, rng.uniform(20, 120, n)), dtype=object)
    at = rng.integers(0, 10**6, n) * SECOND
    seconds = rng.uniform(10, 300, n)
    looks, effort = looks_of_views(LATTICE, views, at, seconds, ZONE)
    assert effort["seconds"].sum() == pytest.approx(seconds.sum())
    assert looks["last_us"].max() <= at.max()


def test_a_cell_counts_as_seen_by_camera_from_a_quarter_of_its_ground() -> None:
    views = np.array([shapely.box(0, 0, 50, 12), shapely.box(0, 50, 50, 63)], dtype=object)
    looks, effort = looks_of_views(LATTICE, views, np.zeros(2, np.int64), np.full(2, 60.0), ZONE)
    assert list(zip(looks["i"], looks["j"], strict=True)) == [(0, 1)]
    assert effort["seconds"].sum() == pytest.approx(120)
