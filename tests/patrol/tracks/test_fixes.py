"""Fixes are handed on device by device, in order of time, on the plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs.systems import project
from patrol.tracks import fixes as module
from patrol.tracks.fixes import Fixes, rows_by_device, tracks_on_plane

GIVEN = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=30)


def fixes_of(given: list[tuple[int, int]]) -> Fixes:
    n = len(given)
    device, time = (np.array([pair[k] for pair in given], np.int64) for k in (0, 1))
    lon, lat = 121 + 0.001 * np.arange(n), 31 + 0.0007 * np.arange(n)
    return Fixes(tuple("abcde"), device.astype(np.int32), time, lon, lat, np.full(n, np.nan),
                 np.arange(1, n + 1, dtype=np.int32))  # fmt: skip


@given(GIVEN.map(sorted) | GIVEN)
@settings(max_examples=200, deadline=None)
def test_each_device_comes_once_with_its_rows_by_time_and_then_as_given(
    given: list[tuple[int, int]],
) -> None:
    fixes = fixes_of(given)
    found = [(number, row) for number, rows in rows_by_device(fixes.device, fixes.time_us)
             for row in rows.tolist()]  # fmt: skip
    assert found == [
        (given[row][0], row) for row in sorted(range(len(given)), key=given.__getitem__)
    ]


@given(GIVEN.map(sorted) | GIVEN, st.sampled_from([1, 4, 1_000_000]))
@settings(max_examples=100, deadline=None)
def test_positions_stay_with_their_rows_however_many_are_projected_together(
    given: list[tuple[int, int]], together: int
) -> None:
    fixes = fixes_of(given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TOGETHER", together)
        found = list(tracks_on_plane(fixes, srid=4549))
    assert [number for number, *_ in found] == sorted({number for number, _ in given})
    for _, rows, x, y in found:
        wanted = project(fixes.lon[rows], fixes.lat[rows], srid=4549)
        assert np.array_equal([x, y], wanted)
