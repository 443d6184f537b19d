from __future__ import annotations

import numpy as np
import pytest

from analytics.privacy.geomask import DonutParams, mask_points
from geo.errors import CrsError, InputError

SRID = 32650


@pytest.fixture
def town():
    """Homes every 20 m over 2 x 2 km with three households each."""
    x, y = (axis.ravel() + 500_000.0 for axis in np.meshgrid(*[np.arange(0, 2000, 20.0)] * 2))
    return {"home_x": x, "home_y": y, "households": np.full(len(x), 3.0), "srid": SRID}


def middle(n):
    return np.full(n, 501_000.0)


def test_every_point_moves_within_the_ring_and_evenly_over_its_area(town):
    x = middle(20_000)
    found = mask_points(x, x, **town, rng=np.random.default_rng(1))
    moved = np.hypot(found.x - x, found.y - x)
    np.testing.assert_allclose(moved, found.moved_m)
    assert moved.min() >= 50.0
    assert moved.max() <= 250.0
    # Half of the ring's area lies within sqrt((50^2 + 250^2) / 2) = 180.3 m; 4 standard errors.
    assert np.mean(moved < 180.28) == pytest.approx(0.5, abs=0.015)
    east = np.mean(found.x > x)
    assert east == pytest.approx(0.5, abs=0.015)


def test_realised_k_is_the_households_as_near_to_the_new_place_as_the_true_one(town):
    x = middle(50)
    found = mask_points(x, x, **town, rng=np.random.default_rng(2))
    for i in range(50):
        away = np.hypot(town["home_x"] - found.x[i], town["home_y"] - found.y[i])
        assert found.k[i] == 3 * (away <= found.moved_m[i] + 1e-6).sum()
    # About pi * r^2 / 20^2 homes of three households.
    np.testing.assert_allclose(found.k, 3 * np.pi * found.moved_m**2 / 400, rtol=0.35)
    assert found.summary()["smallest_k"] == found.k.min()


def test_the_true_home_is_always_among_them():
    x = np.linspace(500_000, 600_000, 500)
    found = mask_points(x, x, home_x=x, home_y=x, srid=SRID, rng=np.random.default_rng(3))
    assert (found.k >= 1).all()
    alone = mask_points(
        x[:1],
        x[:1],
        home_x=np.zeros(0),
        home_y=np.zeros(0),
        srid=SRID,
        rng=np.random.default_rng(4),
    )
    assert alone.k.tolist() == [1.0]


def test_points_that_fall_short_move_on_and_the_loneliest_are_withheld(town):
    x = np.array([501_000.0, 501_000.0, 900_000.0])
    params = DonutParams(nearest_m=20.0, farthest_m=40.0, least_k=60)
    found = mask_points(x, x, **town, rng=np.random.default_rng(5), params=params)
    assert found.withheld.tolist() == [False, False, True]
    assert (found.k[:2] >= 60).all()
    assert (found.moved_m[:2] > 40.0).all()
    told = found.summary()
    assert (told["points"], told["withheld"]) == (2.0, 1.0)
    assert told["smallest_k"] >= 60


def test_the_same_generator_gives_the_same_points_and_the_input_stays(town):
    x = middle(10)
    one, two = (mask_points(x, x, **town, rng=np.random.default_rng(6)) for _ in range(2))
    np.testing.assert_array_equal(one.x, two.x)
    assert (x == 501_000.0).all()


def test_no_points_give_no_points(town):
    found = mask_points(np.zeros(0), np.zeros(0), **town, rng=np.random.default_rng(7))
    assert found.x.shape == found.k.shape == (0,)
    assert np.isnan(found.summary()["median_k"])


def test_degrees_misfits_and_impossible_rings_are_refused(town):
    rng = np.random.default_rng(8)
    with pytest.raises(CrsError):
        mask_points(middle(1), middle(1), **(town | {"srid": 4326}), rng=rng)
    with pytest.raises(InputError, match="NaN"):
        mask_points(np.array([np.nan]), middle(1), **town, rng=rng)
    with pytest.raises(InputError, match="one length"):
        mask_points(middle(2), middle(1), **town, rng=rng)
    with pytest.raises(InputError, match="households"):
        mask_points(middle(1), middle(1), **(town | {"households": np.ones(3)}), rng=rng)
    with pytest.raises(InputError, match="donut"):
        DonutParams(nearest_m=100.0, farthest_m=50.0)
    with pytest.raises(InputError, match="tries"):
        DonutParams(tries=0)
