"""A unit with two devices is in one place: its time counts once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.lattice.lattice import make_lattice
from patrol.tracks.effort import EffortSum, Legs
from patrol.tracks.effort_ground import lay_areas

SECOND = 1_000_000
LATTICE = make_lattice(shapely.box(0, 0, 1000, 800), cell_size_m=50, srid=32650)
GROUND = lay_areas(
    LATTICE, np.array([shapely.box(0, 0, 510, 800)], dtype=object), np.array([11], np.int64)
)


def walk(seed: int, n: int = 40, *, from_s: int = 0) -> Legs:
    rng = np.random.default_rng(seed)
    time = (from_s + np.cumsum(rng.integers(5, 200, n))) * SECOND
    x = np.clip(500 + np.cumsum(rng.normal(0, 40, n)), 1, 999)
    y = np.clip(400 + np.cumsum(rng.normal(0, 40, n)), 1, 799)
    return Legs(time, x, y, np.zeros(n, np.int64))


def added(*legs: Legs) -> EffortSum:
    total = EffortSum(GROUND)
    for k, one in enumerate(legs):
        total.add_beside(one, legs[:k])
    return total


def per_second(legs: Legs) -> set[tuple[int, int, int]]:
    """Say by brute force in which cell a device is at each half second."""
    at = np.arange(legs.time_us[0] // SECOND, legs.time_us[-1] // SECOND) + 0.5
    x = np.interp(at, legs.time_us / SECOND, legs.x) // 50
    y = np.interp(at, legs.time_us / SECOND, legs.y) // 50
    return set(zip(at.astype(int).tolist(), x.astype(int), y.astype(int), strict=True))


def test_two_devices_side_by_side_count_as_one() -> None:
    one = walk(1)
    both = added(one, one).table()
    alone = added(one).table()
    assert both["seconds"].tolist() == pytest.approx(alone["seconds"].tolist())
    assert both["visits"].tolist() == alone["visits"].tolist()


def test_two_devices_in_two_cells_count_both() -> None:
    still = Legs(np.array([0, 600]) * SECOND, np.full(2, 25.0), np.full(2, 25.0),
                 np.zeros(2, np.int64))  # fmt: skip
    other = Legs(still.time_us, np.full(2, 225.0), still.y, still.segment)
    table = added(still, other).table()
    assert table["seconds"].tolist() == [600.0, 600.0]
    assert table["visits"].tolist() == [1, 1]


def test_who_joins_is_counted_from_where_the_other_left() -> None:
    def stay(begin: int, end: int) -> Legs:
        return Legs(np.array([begin, end]) * SECOND, np.full(2, 25.0), np.full(2, 25.0),
                    np.zeros(2, np.int64))  # fmt: skip

    table = added(stay(100, 400), stay(0, 600), stay(50, 700)).table()
    assert table["seconds"].tolist() == [700.0]
    assert table["visits"].tolist() == [2]  # at 100 and, as none was there yet, at 0


@given(st.integers(0, 100_000), st.integers(0, 2_000))
@settings(max_examples=40, deadline=None)
def test_the_time_of_a_unit_in_a_cell_is_that_of_any_of_its_devices(seed: int, late: int) -> None:
    one, other = walk(seed), walk(seed + 1, from_s=late)
    table = added(one, other).table()
    brute = per_second(one) | per_second(other)
    assert table["seconds"].sum() == pytest.approx(len(brute), abs=0.02 * len(brute) + 20)
    again = added(other, one).table()
    key = ["hour", "i", "j", "area_id"]
    both = table.merge(again, on=key, suffixes=("", "_again"))
    assert len(both) == len(table) == len(again)
    assert both["seconds"].to_numpy() == pytest.approx(both["seconds_again"].to_numpy(), abs=1e-6)
    assert (both["seconds"] <= 3600 + 1e-6).all()


def test_many_batches_beside_one_another_keep_every_second(monkeypatch) -> None:
    monkeypatch.setattr("patrol.tracks.effort._ROOM_UNSORTED", 8)
    legs = [walk(seed, 30) for seed in range(6)]
    whole = added(*legs).table()["seconds"].sum()
    brute = set().union(*(per_second(one) for one in legs))
    assert whole == pytest.approx(len(brute), rel=0.02, abs=30)
