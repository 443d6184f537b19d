"""Fixes far outside of the jurisdiction are told from those beside it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Geod

from patrol.track_import import FARTHEST_M, far_from

EARTH = Geod(ellps="WGS84")


@pytest.mark.parametrize("south", [-33.9, 0.0, 31.2, 59.9])
def test_the_limit_lies_within_two_percent_of_twenty_kilometres(south: float) -> None:
    box = shapely.box(121, south, 121.2, south + 0.1)
    corners = ((121, south, 180), (121.2, south + 0.1, 0), (121.2, south + 0.05, 90),
               (121, south + 0.05, 270))  # fmt: skip
    for near, share in ((True, 0.98), (False, 1.02)):
        ends = [EARTH.fwd(lon, lat, way, share * FARTHEST_M)[:2] for lon, lat, way in corners]
        lon, lat = np.array(ends).T
        assert far_from(box, lon, lat).tolist() == [not near] * 4


def test_no_position_is_far_from_everywhere() -> None:
    assert far_from(shapely.box(0, 0, 1, 1), np.array([np.nan, 0.5]), np.array([0.5, 0.5])).tolist() == [
        True, False,
    ]  # fmt: skip
