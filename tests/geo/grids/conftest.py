"""A community of four square grids, and frames in the metric CRS of the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

SRID = 4549
COMMUNITY = "330102001001"
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def frame() -> Frame:
    """Give a maker of frames in the tests' metric CRS."""

    def make(shapes: Sequence[BaseGeometry], **columns: object) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=SRID)

    return make


@pytest.fixture
def four(frame: Frame) -> gpd.GeoDataFrame:
    """Give four sound grids of 100 m by 100 m, two by two."""
    boxes = [shapely.box(x, y, x + 100, y + 100) for y in (100, 0) for x in (0, 100)]
    return frame(
        boxes,
        code=[f"{COMMUNITY}{n:03d}" for n in (1, 2, 3, 4)],
        parent_code=COMMUNITY,
        grid_kind="basic",
        households=np.array([400, 410, 420, 430]),
        host_unit=None,
        host_kind=None,
        exempt_reason=None,
    )


@pytest.fixture
def parents(frame: Frame) -> gpd.GeoDataFrame:
    """Give the community that the four grids cover, and the street above it."""
    square = shapely.box(0, 0, 200, 200)
    return frame([square, square], code=[COMMUNITY, "330102001"], level=["community", "street"])
