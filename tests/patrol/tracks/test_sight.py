"""Walls cut sight on the ground; without buildings the ground is flat and open."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CrsError
from geo.lattice.lattice import make_lattice
from geo.visibility.walls import make_walls
from patrol.tracks.looks import looks_along
from patrol.tracks.sight import NOISE_M, hidden, make_sight

SECOND = 1_000_000
SRID = 32650
LATTICE = make_lattice(shapely.box(0, 0, 500, 500), cell_size_m=50, srid=SRID)
ZONE = ZoneInfo("Asia/Shanghai")


def town(*shapes: shapely.Polygon, srid: int = SRID):
    return make_walls(gpd.GeoDataFrame(geometry=list(shapes), crs=srid), srid=srid)


def seen(x: list[float], y: list[float], *shapes: shapely.Polygon, reach: float = 60.0) -> dict:
    sight = make_sight(LATTICE, town(*shapes)) if shapes else None
    n = len(x)
    found = looks_along(LATTICE, np.arange(n) * 30 * SECOND, np.array(x), np.array(y),
                        np.zeros(n, np.int64), np.full(n, reach), ZONE, sight=sight)  # fmt: skip
    return dict(zip(zip(found["i"], found["j"], strict=True), found["last_us"], strict=True))


def test_a_wall_between_hides_the_ground_behind_it() -> None:
    # Along y = 125 eastwards; a long house from y = 140 to 150 stands before the row above.
    walk = [25.0, 475.0], [125.0, 125.0]
    assert {(i, 3) for i in range(10)} <= set(seen(*walk))
    hid = seen(*walk, shapely.box(100, 140, 400, 150))
    assert (0, 3) in hid
    assert not {(i, 3) for i in range(3, 7)} & set(hid)
    assert {(i, 1) for i in range(10)} <= set(hid)  # the other side of the street is seen


def test_ground_is_seen_from_where_the_wall_ends() -> None:
    # The middle of cell (4, 3) is hidden from most of the leg and seen from its beginning.
    hid = seen([150.0, 250.0], [125.0, 125.0], shapely.box(205, 140, 300, 145), reach=90.0)
    free = seen([150.0, 250.0], [125.0, 125.0], reach=90.0)
    assert 0 < hid[(4, 3)] < free[(4, 3)] == 30 * SECOND


def test_a_cell_whose_middle_is_built_over_is_looked_at_in_its_open_place() -> None:
    house = shapely.box(210, 160, 240, 200)
    sight = make_sight(LATTICE, town(house))
    cell = 3 * LATTICE.n_columns + 4
    assert sight.open[cell]
    assert not shapely.contains(house, shapely.Point(sight.x[cell], sight.y[cell]))
    assert (4, 3) in seen([200.0, 250.0], [125.0, 125.0], house)


def test_what_is_built_over_from_side_to_side_counts_as_without_walls() -> None:
    hall = shapely.box(190, 145, 260, 260)
    sight = make_sight(LATTICE, town(hall))
    assert not sight.open[3 * LATTICE.n_columns + 4]
    assert (4, 3) in seen([200.0, 250.0], [125.0, 125.0], hall)


def test_a_fix_that_noise_put_into_a_house_still_sees_the_street() -> None:
    house = shapely.box(100, 128, 400, 140)  # the fix is 3 m inside of it
    found = seen([225.0, 275.0], [131.0, 131.0], house)
    assert {(4, 2), (5, 2)} <= set(found)
    assert (4, 4) not in found


@given(st.integers(0, 100_000))
@settings(max_examples=60, deadline=None)
def test_it_agrees_with_shapely_on_what_is_hidden(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [shapely.box(a, b, a + w, b + h) for a, b, w, h in
              np.c_[rng.uniform(0, 400, (12, 2)), rng.uniform(5, 60, (12, 2))]]  # fmt: skip
    sight = make_sight(LATTICE, town(*shapes))
    (ax, ay), (bx, by) = rng.uniform(100, 400, (2, 2))
    far = float(np.hypot(bx - ax, by - ay))
    found = hidden(ax, ay, bx, by, sight.edges, sight.ptr, sight.items, sight.bucket_frame,
                   sight.bucket_shape)  # fmt: skip
    if far <= NOISE_M:
        assert not found
        return
    line = shapely.LineString([(ax + (bx - ax) * NOISE_M / far, ay + (by - ay) * NOISE_M / far),
                               (bx, by)])  # fmt: skip
    assert found == any(line.intersects(shape.boundary) for shape in shapes)


def test_walls_of_another_system_are_refused() -> None:
    with pytest.raises(CrsError, match="32651"):
        make_sight(LATTICE, town(shapely.box(0, 0, 10, 10), srid=32651))
