"""Cleaning keeps what can be and drops what cannot, whatever the track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import FormatError
from patrol.tracks.clean import (
    REPEAT,
    SOUND,
    SPIKE,
    UNPLACED,
    CleanParams,
    clean_fixes,
    clock_skew_s,
)
from patrol.tracks.duty import on_duty
from patrol.tracks.packing import pack_fixes, unpack_fixes
from patrol.tracks.stays import find_stays
from patrol.tracks.thin import thin_track

SECOND = 1_000_000
PARAMS = CleanParams(fastest_m_s=6.0, slack_m=30.0, gap_s=180.0)


@st.composite
def walks(draw: st.DrawFn, least: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a walk of at most 3 m/s with a fix every 5 to 60 s."""
    n = draw(st.integers(least, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    wait = rng.integers(5, 61, n)
    time = np.cumsum(wait) * SECOND
    step = rng.uniform(0, 3, n) * wait
    turn = rng.uniform(0, 2 * np.pi, n)
    return time, np.cumsum(step * np.cos(turn)), np.cumsum(step * np.sin(turn))


@settings(deadline=None)
@given(walks())
def test_a_possible_walk_is_left_as_it_is(walk: tuple[np.ndarray, ...]) -> None:
    cleaned = clean_fixes(*walk, params=PARAMS)
    assert (cleaned.fault == SOUND).all()
    assert cleaned.rows.tolist() == list(range(len(walk[0])))
    assert set(cleaned.segments) == {0}


@settings(deadline=None)
@given(walks(6), st.data())
def test_one_spike_in_a_walk_is_found_and_nothing_else(
    walk: tuple[np.ndarray, ...], data: st.DataObject
) -> None:
    time, x, y = walk
    at = data.draw(st.integers(1, len(time) - 1))
    x = x.copy()
    x[at] += 5000
    assert np.flatnonzero(clean_fixes(time, x, y, params=PARAMS).fault).tolist() == [at]


@settings(deadline=None)
@given(walks(), st.data())
def test_order_of_arrival_and_repeats_change_nothing(
    walk: tuple[np.ndarray, ...], data: st.DataObject
) -> None:
    n = len(walk[0])
    twice = data.draw(st.lists(st.integers(0, n - 1), max_size=5))
    rows = np.array(data.draw(st.permutations([*range(n), *twice])))
    cleaned = clean_fixes(*(column[rows] for column in walk), params=PARAMS)
    assert (cleaned.fault == REPEAT).sum() == len(twice)
    kept = rows[cleaned.rows]
    assert kept.tolist() == list(range(n))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_nothing_kept_is_faster_than_can_be_within_a_segment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 200
    time = np.sort(rng.integers(0, 4000, n)) * SECOND
    x, y = rng.choice([0.0, 100.0, 5000.0], n), rng.normal(0, 20, n)
    cleaned = clean_fixes(time, x, y, params=PARAMS)
    rows, segment = cleaned.rows, cleaned.segments
    same = segment[1:] == segment[:-1]
    dt = np.diff(time[rows])[same] / SECOND
    far = np.hypot(np.diff(x[rows]), np.diff(y[rows]))[same]
    assert (dt > 0).all()
    assert (dt <= PARAMS.gap_s).all()
    assert (far <= PARAMS.fastest_m_s * dt + PARAMS.slack_m + 1e-9).all()


def test_a_jump_that_goes_on_is_a_cut_and_no_row_of_spikes() -> None:
    time = np.arange(10) * 10 * SECOND
    x = np.where(np.arange(10) < 5, 0.0, 9000.0)
    cleaned = clean_fixes(time, x, np.zeros(10), params=PARAMS)
    assert (cleaned.fault == SOUND).all()
    assert cleaned.segments.tolist() == [0] * 5 + [1] * 5


def test_devices_and_gaps_cut_and_unplaced_fixes_go() -> None:
    time = np.array([0, 10, 500, 510, 0, 10, 20]) * SECOND
    time[5] = np.iinfo(np.int64).min
    device = np.array([1, 1, 1, 1, 2, 2, 2])
    cleaned = clean_fixes(time, np.zeros(7), np.zeros(7), device=device, params=PARAMS)
    assert cleaned.segments.tolist() == [0, 0, 1, 1, 2, 2]
    assert (cleaned.fault == UNPLACED).sum() == 1
    assert (cleaned.fault == SPIKE).sum() == 0


@settings(deadline=None)
@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 10**9))
def test_a_clocks_error_is_found_to_the_second_or_is_within_tolerance(late: int, sent: int) -> None:
    found = clock_skew_s(sent * SECOND, (sent + late) * SECOND, tolerance_s=60)
    assert found == (late if abs(late) > 60 else 0)


@settings(deadline=None)
@given(walks(), st.floats(0, 60))
def test_thinning_is_within_its_tolerance_at_every_instant(
    walk: tuple[np.ndarray, ...], tolerance: float
) -> None:
    time, x, y = walk
    segment = np.repeat([0, 1], [len(time) // 2, len(time) - len(time) // 2])
    keep = thin_track(time, x, y, segment, tolerance_m=tolerance)
    for number in (0, 1):
        mine = segment == number
        at, kept = time[mine], keep[mine]
        assert kept[0]
        assert kept[-1]
        off = np.hypot(x[mine] - np.interp(at, at[kept], x[mine][kept]),
                       y[mine] - np.interp(at, at[kept], y[mine][kept]))  # fmt: skip
        assert off.max() <= tolerance + 1e-6


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_packed_fixes_come_back_to_a_centimetre_and_a_millisecond(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    time = 1_700_000_000_000_000 + np.sort(rng.integers(0, 10**11, n))
    lon, lat = rng.uniform(-180, 180, n), rng.uniform(-90, 90, n)
    packed = pack_fixes(time, lon, lat)
    back = unpack_fixes(packed)
    assert (np.abs(back[0] - time) < 1000).all()
    assert np.allclose(back[1], lon, rtol=0, atol=0.51e-7)
    assert np.allclose(back[2], lat, rtol=0, atol=0.51e-7)


def test_a_walk_packs_to_a_few_bytes_a_fix_and_damage_is_told() -> None:
    rng = np.random.default_rng(1)
    n = 2000
    lon = 116.3 + np.cumsum(rng.normal(0, 1e-5, n))
    packed = pack_fixes(np.arange(n) * 15 * SECOND, lon, np.full(n, 39.9))
    assert len(packed) < 4 * n
    for bad in (b"", b"\x02abc", packed[:-9]):
        with pytest.raises(FormatError):
            unpack_fixes(bad)


def test_a_stay_needs_its_time_and_its_circle() -> None:
    time = np.arange(0, 1200, 30) * SECOND
    x = np.where(time < 600 * SECOND, 0.0, (time / SECOND - 600) * 1.3)
    segment = np.zeros(len(time), np.int64)
    stays = find_stays(time, x, np.zeros(len(time)), segment, within_m=25, least_s=300)
    assert len(stays) == 1
    assert stays["starts_us"].iloc[0] == 0
    assert 570 <= stays["ends_us"].iloc[0] / SECOND <= 630
    assert find_stays(time, x, x * 0, segment, within_m=25, least_s=900).empty


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30)), max_size=6))
def test_on_duty_is_what_some_shift_holds(shifts: list[tuple[int, int]]) -> None:
    starts = np.array([a for a, _ in shifts], np.int64)
    ends = np.array([a + b for a, b in shifts], np.int64)
    time = np.arange(-5, 140, dtype=np.int64)
    expected = [any(a <= t <= a + b for a, b in shifts) for t in time]
    assert on_duty(time, starts, ends).tolist() == expected
