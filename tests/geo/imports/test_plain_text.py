"""Columns that are plain are read at once, and no differently from those that are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.imports.times import EXACT, MINUTE, read_times
from geo.imports.values import as_number, as_text

_VALUES = st.lists(
    st.one_of(
        st.none(),
        st.text(st.sampled_from("aZ09-:. \t\x00\x1f\x85\u3000�格"), max_size=6),
    ),
    max_size=8,
)


@given(values=_VALUES, skipped=st.integers(0, 3))
def test_text_is_the_same_beside_a_value_that_is_not_plain(values, skipped):
    encoded = [None if value is None else value.encode() for value in values]
    alone, bad = as_text(pa.array(encoded, pa.binary()).slice(skipped))
    beside, bad_beside = as_text(pa.array([*encoded, " 格 ".encode()], pa.binary()).slice(skipped))
    if skipped <= len(values):
        assert alone.to_pylist() == beside.to_pylist()[:-1]
        assert list(bad) == list(bad_beside[:-1])


def test_an_empty_value_among_plain_ones_is_none():
    text, bad = as_text(pa.array([b"12", b"", None], pa.binary()))
    assert text.to_pylist() == ["12", None, None]
    assert not bad.any()


def test_numbers_of_a_plain_column_keep_what_is_none():
    values, bad = as_number(pa.array([b"1.5", None, b"x"], pa.binary()))
    assert np.array_equal(values, [1.5, np.nan, np.nan], equal_nan=True)
    assert list(bad) == [False, False, True]


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["2026-11-30T08:00:00Z", "2026-11-30 08:00:01Z"], [0, 1]),
        (["2026-11-30T08:00:00", "2026-11-30T08:00:01Z"], [-28_800, 1]),
        (["2026-11-30T08:00:00Z", "2026-11-30T08:00:01"], [0, -28_799]),
        (["2026/11/30 08:00:00", "2026-11-30T08:00:01+00:00"], [-28_800, 1]),
        ([None, "2026-11-30T08:00:01Z"], [None, 1]),
        (["never", "2026-11-30T08:00:01Z"], [None, 1]),
    ],
)
def test_what_the_first_value_looks_like_never_changes_what_the_others_mean(values, seconds):
    times = read_times(pa.array(values, pa.string()), time_zone="Asia/Shanghai")
    noon = 1_796_025_600
    said = [int(at) // 1_000_000 - noon if known else None
            for at, known in zip(times.start, times.known, strict=True)]  # fmt: skip
    assert said == seconds
    assert list(times.bad) == [value == "never" for value in values]
    assert set(times.precision[times.known]) <= {EXACT, MINUTE}
