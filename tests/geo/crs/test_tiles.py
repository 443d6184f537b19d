"""Many points are projected as PROJ projects each of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs.systems import project
from geo.crs.tiles import WORTH, project_by_tiles
from geo.crs.zones import utm_srid

N = WORTH + 5_000
Floats = np.ndarray


def one_by_one(lon: Floats, lat: Floats, srid: int) -> tuple[Floats, Floats]:
    """Project in parts that are too small for tiles."""
    parts = [
        project(lon[k : k + 20_000], lat[k : k + 20_000], srid=srid)
        for k in range(0, len(lon), 20_000)
    ]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def scattered(rng: np.random.Generator, west: float, south: float, east: float, north: float,
              places: int) -> tuple[Floats, Floats]:  # fmt: skip
    """Return points within 500 m or so of some places, as districts have them."""
    lon, lat = rng.uniform(west, east, places), rng.uniform(south, north, places)
    of = np.arange(N) % places
    return lon[of] + rng.uniform(0, 0.005, N), lat[of] + rng.uniform(0, 0.005, N)


@settings(max_examples=25, deadline=None)
@given(
    zone=st.integers(1, 60), south=st.floats(-80, 83.9), seed=st.integers(0, 2**32 - 1)
)  # fmt: skip
def test_all_of_a_utm_zone_and_three_degrees_beside_it_agree_with_proj(
    zone: int, south: float, seed: int
) -> None:
    rng, middle = np.random.default_rng(seed), zone * 6 - 183
    lon, lat = scattered(rng, middle - 6, south, middle + 6, south + 0.1, 7)
    srid = utm_srid(float(middle), south)
    x, y = project(lon, lat, srid=srid)
    px, py = one_by_one(lon, lat, srid)
    assert max(np.abs(x - px).max(), np.abs(y - py).max()) < 1e-7


@pytest.mark.parametrize(
    ("srid", "place"),
    [
        (4549, (118.5, 15.0, 121.5, 54.0)),
        (2154, (-5.0, 41.0, 10.0, 51.0)),
        (26971, (-91.0, 36.9, -86.0, 42.5)),
        (27700, (-6.0, 50.0, 1.5, 58.0)),
    ],
)
def test_systems_of_other_kinds_agree_with_proj(
    srid: int, place: tuple[float, float, float, float]
) -> None:
    lon, lat = scattered(np.random.default_rng(3), *place, places=20)
    x, y = project(lon, lat, srid=srid)
    px, py = one_by_one(lon, lat, srid)
    assert max(np.abs(x - px).max(), np.abs(y - py).max()) < 1e-7


def test_points_without_a_place_have_none_among_many_either() -> None:
    lon, lat = scattered(np.random.default_rng(4), 116, 39, 117, 40, places=5)
    odd = [(np.nan, 39.0), (116.5, np.inf), (116.5, 91.0), (1e300, 39.0), (476.5, 39.5), (27.0, 0)]
    lon[: len(odd)], lat[: len(odd)] = np.array(odd).T
    x, y = project(lon, lat, srid=32650)
    px, py = one_by_one(lon, lat, 32650)
    assert np.isnan(px).any()
    assert np.array_equal(np.isnan(x), np.isnan(px))
    assert np.array_equal(np.isnan(y), np.isnan(py))
    assert max(np.nanmax(np.abs(x - px)), np.nanmax(np.abs(y - py))) < 1e-7


def test_where_a_projection_is_not_smooth_or_tiles_are_too_many_each_point_is_asked_for() -> None:
    asked = 0

    def steps(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        nonlocal asked
        asked += len(lon)
        return np.where(lon < 10.01, lon, lon + 1e-3), lat.copy()

    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(10, 10.06, N), rng.uniform(0, 0.03, N)
    x, y = project_by_tiles(lon, lat, steps)
    torn = lon < 10 + 1 / 32
    assert np.array_equal(x[torn], steps(lon, lat)[0][torn])
    assert np.abs(y - lat).max() < 1e-12
    assert torn.sum() < asked < 2 * N
    lon = rng.uniform(10, 60, N)
    assert np.abs(project_by_tiles(lon, lat, steps)[0] - steps(lon, lat)[0]).max() < 1e-12


def test_points_that_can_only_be_read_are_projected_too() -> None:
    lon, lat = scattered(np.random.default_rng(6), 116, 39, 117, 40, places=5)
    lon.flags.writeable = lat.flags.writeable = False
    x, _ = project(lon, lat, srid=32650)
    assert np.abs(x - one_by_one(lon, lat, 32650)[0]).max() < 1e-7
