"""A made-up town for cameras to look at."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.visibility.cameras import Looks

SRID = 32650
EAST, NORTH = 500_000.0, 4_500_000.0


def boxes_turned(rng: np.random.Generator, n_side: int, *, pitch_m: float = 40.0) -> np.ndarray:
    """Return turned rectangles on a square pattern, some of which overlap."""
    n = n_side * n_side
    spot = np.stack(np.meshgrid(np.arange(n_side), np.arange(n_side)), axis=-1).reshape(n, 2)
    centre = (spot + 0.5) * pitch_m + (EAST, NORTH)
    half = rng.uniform(6, 19, (n, 2))
    turn = rng.uniform(0, np.pi, n)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half[:, None, :]
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = corners[..., 0] * c - corners[..., 1] * s
    y = corners[..., 0] * s + corners[..., 1] * c
    return shapely.polygons(np.stack((x, y), axis=-1) + centre[:, None, :])


def looks_at(
    x, y, *, azimuth=0.0, fov=360.0, reach=100.0, height=np.nan, target_height_m=1.5
) -> Looks:
    """Return looks of cameras at places in metres from the corner of the town."""
    x, y = np.atleast_1d(x).astype(float) + EAST, np.atleast_1d(y).astype(float) + NORTH
    fill = {
        name: np.broadcast_to(np.asarray(value, dtype=float), x.shape).copy()
        for name, value in {
            "azimuth_deg": azimuth, "fov_deg": fov, "range_m": reach, "height_m": height,
        }.items()
    }  # fmt: skip
    number = np.arange(len(x))
    return Looks(
        srid=SRID, camera=number, preset=np.zeros_like(number), x=x, y=y,
        basis=np.ones_like(number), target_height_m=target_height_m, **fill,
    )  # fmt: skip


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture
def town(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Give 400 m x 400 m of buildings up to 25 m high, a third of unknown height."""
    shapes = boxes_turned(rng, 10)
    height = rng.uniform(2.0, 25.0, len(shapes))
    height[::3] = np.nan
    return gpd.GeoDataFrame({"height_m": height}, geometry=shapes, crs=SRID)
