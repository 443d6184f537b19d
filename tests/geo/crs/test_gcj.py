from __future__ import annotations

import numpy as np
import prcoords
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.crs.gcj import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    bd09_from_wgs84,
    gcj02_from_wgs84,
    wgs84_from_bd09,
    wgs84_from_gcj02,
)
from geo.errors import InputError

PAIRS = [(gcj02_from_wgs84, wgs84_from_gcj02), (bd09_from_wgs84, wgs84_from_bd09)]
IDS = ["gcj02", "bd09"]


def places(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    return rng.uniform(73, 135, n), rng.uniform(18, 53.5, n)


def test_people_s_square_in_shanghai_moves_as_published():
    lon, lat = gcj02_from_wgs84([121.4737], [31.2304])
    assert lon.round(5).tolist() == [121.47822]
    assert lat.round(5).tolist() == [31.22846]
    metres = np.hypot(
        (lon - 121.4737) * 111_320 * np.cos(np.radians(31.23)), (lat - 31.2304) * 110_900
    )
    assert metres[0] == pytest.approx(480, abs=10)


@pytest.mark.parametrize(
    ("forward", "oracle"),
    [(gcj02_from_wgs84, prcoords.wgs_gcj), (bd09_from_wgs84, prcoords.wgs_bd)],
    ids=IDS,
)
def test_forward_agrees_with_prcoords(forward, oracle):
    lon, lat = places(3000)
    expected = np.array([oracle((v, u)) for u, v in zip(lon, lat, strict=True)])
    out = np.stack(forward(lon, lat)[::-1], axis=1)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("inverse", "oracle"),
    [(wgs84_from_gcj02, prcoords.gcj_wgs_bored), (wgs84_from_bd09, prcoords.bd_wgs_bored)],
    ids=IDS,
)
def test_inverse_agrees_with_prcoords_within_its_own_precision(inverse, oracle):
    lon, lat = places(1000)
    expected = np.array([oracle((v, u)) for u, v in zip(lon, lat, strict=True)])
    out = np.stack(inverse(lon, lat)[::-1], axis=1)
    # The oracle stops once a step is under 1e-5 degree; BD-09 gains only two digits a step.
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("forward", "inverse"), PAIRS, ids=IDS)
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(WEST, EAST), st.floats(SOUTH, NORTH)),
        min_size=1,
        max_size=50,
    )
)
@example([(105.0, 35.0), (105.0 + 1e-13, 35.0 - 1e-13), (WEST, SOUTH), (EAST, NORTH)])
def test_every_place_in_the_box_comes_back_to_1e_9_degree(forward, inverse, positions):
    lon, lat = np.array(positions).T
    back_lon, back_lat = inverse(*forward(lon, lat))
    # A place on the box's very edge may come back a rounding error beyond it, and so as it was.
    inner = (lon > WEST + 1e-9) & (lon < EAST - 1e-9) & (lat > SOUTH + 1e-9) & (lat < NORTH - 1e-9)
    np.testing.assert_allclose(back_lon[inner], lon[inner], rtol=0, atol=1e-9)
    np.testing.assert_allclose(back_lat[inner], lat[inner], rtol=0, atol=1e-9)


@pytest.mark.parametrize("convert", [f for pair in PAIRS for f in pair])
@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_places_far_from_china_stay_as_they_are(convert, lon, lat):
    if WEST - 0.1 < lon < EAST + 0.1 and SOUTH - 0.1 < lat < NORTH + 0.1:
        lon = -lon
    out = convert([lon], [lat])
    assert (out[0][0], out[1][0]) == (lon, lat)


@pytest.mark.parametrize("convert", [f for pair in PAIRS for f in pair])
def test_inputs_are_not_changed_and_nan_stays_nan(convert):
    lon, lat = np.array([116.4, np.nan, 116.4]), np.array([39.9, 39.9, np.nan])
    lon.flags.writeable = lat.flags.writeable = False
    out_lon, out_lat = convert(lon, lat)
    assert np.isnan(out_lon).tolist() == [False, True, False]
    assert np.isnan(out_lat).tolist() == [False, False, True]
    assert lon[0] == 116.4


def test_no_positions_give_no_positions():
    lon, lat = wgs84_from_bd09(np.empty(0), np.empty(0))
    assert lon.shape == lat.shape == (0,)


def test_arrays_of_unlike_length_are_refused():
    with pytest.raises(InputError, match=r"one shape \(n,\)"):
        gcj02_from_wgs84([116.4, 116.5], [39.9])
