"""Time is split over cells, hours and areas without a second lost or made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.lattice.lattice import Lattice, make_lattice
from patrol.tracks.effort import EffortSum, sum_effort
from patrol.tracks.effort_ground import lay_areas
from patrol.tracks.effort_kernel import Stays, add_up

SECOND = 1_000_000
LATTICE = make_lattice(shapely.box(0, 0, 1000, 800), cell_size_m=50, srid=32650)
WEST, EAST = shapely.box(0, 0, 510, 800), shapely.box(510, 0, 1000, 800)
NO_AREAS = np.empty(0, dtype=object)


def ground(lattice: Lattice = LATTICE) -> object:
    return lay_areas(lattice, np.array([WEST, EAST], dtype=object), np.array([11, 22]))


def walk(seed: int, n: int, *, spread: float = 300.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    time = 1_700_000_000 * SECOND + np.cumsum(rng.integers(1, 900 * SECOND, n))
    x, y = 500 + rng.normal(0, spread, n), 400 + rng.normal(0, spread, n)
    return time, x, y, np.sort(rng.integers(0, 4, n))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 300))
def test_every_second_of_every_segment_is_counted_once(seed: int, n: int) -> None:
    time, x, y, segment = walk(seed, n)
    total = EffortSum(ground())
    total.add(time, x, y, segment)
    found = total.table()
    same = segment[1:] == segment[:-1]
    spent = np.diff(time)[same].sum() / SECOND
    assert found["seconds"].sum() + total.outside_s == pytest.approx(spent, rel=1e-9, abs=1e-6)
    assert (found["seconds"] <= 3600 * 4 + 1e-6).all()
    assert not found.duplicated(["hour", "i", "j", "area_id"]).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_it_agrees_with_cutting_the_line_by_shapely(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.array([0, 600]) * SECOND
    x, y = rng.uniform(0, 1000, 2), rng.uniform(0, 800, 2)
    plain = lay_areas(LATTICE, NO_AREAS, np.empty(0, np.int64))
    found = sum_effort(plain, time, x, y, np.zeros(2, np.int64))
    line = shapely.linestrings(np.stack([x, y], 1))
    for row in found.itertuples():
        cell = shapely.box(row.i * 50, row.j * 50, row.i * 50 + 50, row.j * 50 + 50)
        share = shapely.length(shapely.intersection(line, cell)) / shapely.length(line)
        assert row.seconds == pytest.approx(600 * share, abs=1e-4)
    assert found["seconds"].sum() == pytest.approx(600)


@given(st.integers(0, 100_000), st.integers(2, 200), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_batches_add_up_to_the_whole(seed: int, n: int, cut: int) -> None:
    time, x, y, segment = walk(seed, n)
    whole = sum_effort(ground(), time, x, y, segment)
    parts = EffortSum(ground())
    ends = np.flatnonzero(np.diff(segment)) + 1  # batches end with a segment
    for begin, end in zip([0, *ends], [*ends, n], strict=True):
        parts.add(time[begin:end], x[begin:end], y[begin:end], segment[begin:end])
    again = parts.table()
    assert again["seconds"].to_numpy() == pytest.approx(whole["seconds"].to_numpy())
    assert again["visits"].tolist() == whole["visits"].tolist()


def test_hours_are_cut_at_the_full_hour() -> None:
    time = np.array([3000, 4200]) * SECOND
    found = sum_effort(ground(), time, np.array([10.0, 10.0]), np.array([10.0, 10.0]),
                       np.zeros(2, np.int64))  # fmt: skip
    assert found["seconds"].tolist() == [600.0, 600.0]
    assert [hour.hour for hour in found["hour"]] == [0, 1]
    assert found["visits"].tolist() == [1, 0]  # one coming, seen in two hours


def test_areas_share_a_cell_that_their_border_crosses() -> None:
    time = np.arange(11) * 10 * SECOND
    x, y = np.linspace(500, 550, 11), np.full(11, 25.0)
    found = sum_effort(ground(), time, x, y, np.zeros(11, np.int64))
    by_area = found.groupby("area_id")["seconds"].sum()
    assert by_area.to_dict() == {11: pytest.approx(20), 22: pytest.approx(80)}
    assert set(found["i"]) == {10, 11} - {11}


def test_coming_back_is_another_visit() -> None:
    x = np.array([25.0, 75.0, 25.0, 25.0])
    found = sum_effort(ground(), np.arange(4) * 60 * SECOND, x, np.full(4, 25.0),
                       np.zeros(4, np.int64))  # fmt: skip
    assert dict(zip(found["i"], found["visits"], strict=True)) == {0: 2, 1: 1}


def test_the_table_grows_as_it_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patrol.tracks.effort._ROOM_UNSORTED", 8)
    lattice = make_lattice(shapely.box(0, 0, 20_000, 20_000), cell_size_m=50, srid=32650)
    plain = lay_areas(lattice, NO_AREAS, np.empty(0, np.int64))
    rng = np.random.default_rng(3)
    n = 30_000
    x = 10_000 + np.cumsum(rng.normal(0, 40, n)) % 9_000
    y = 10_000 + np.cumsum(rng.normal(0, 40, n)) % 9_000
    x[1:][np.abs(np.diff(x)) > 500] = 10_000
    time = np.arange(n) * 15 * SECOND
    found = sum_effort(plain, time, x, y, np.zeros(n, np.int64))
    assert found["seconds"].sum() == pytest.approx(15 * (n - 1), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 100_000), st.sampled_from([0, 1, 2, 300, 40_000]), st.integers(0, 45),
    st.integers(-(2**50), 2**50),
)  # fmt: skip
def test_stays_are_added_up_by_key_in_order_whatever_their_range(
    seed: int, n: int, bits: int, base: int
) -> None:
    rng = np.random.default_rng(seed)
    stays = Stays(
        base + rng.integers(0, 2**bits, n), np.zeros(n, np.int64),
        rng.integers(0, 10**9, n), rng.integers(0, 2, n, dtype=np.int32),
    )  # fmt: skip
    sums = Stays(np.empty(n, np.int64), np.empty(0, np.int64), np.empty(n, np.int64),
                 np.empty(n, np.int32))  # fmt: skip
    k = add_up(stays, n, sums)
    rows = pd.DataFrame({"key": stays.keys, "spent": stays.spent, "came": stays.came})
    wanted = rows.groupby("key")[["spent", "came"]].sum()
    assert sums.keys[:k].tolist() == wanted.index.tolist()
    assert sums.spent[:k].tolist() == wanted["spent"].tolist()
    assert sums.came[:k].tolist() == wanted["came"].tolist()
