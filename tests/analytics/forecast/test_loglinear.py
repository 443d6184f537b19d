from __future__ import annotations

import numpy as np
import pytest

from analytics.forecast import baselines
from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.boosting import Boosting
from analytics.forecast.loglinear import LogLinear, choose_rows, learning_cutoff
from analytics.forecast.poisson import fit_poisson
from analytics.forecast.protocol import Target
from analytics.forecast.suite import other_surfaces, own_surfaces
from analytics.forecast.surfaces import look_at
from geo.errors import InputError

RARE = Target(("rare",))
QUICK = BlendParams(windows=12)


def test_views_of_another_class_are_used_where_they_tell(town, places, risk):
    surfaces = own_surfaces() + other_surfaces(("common",), RARE)
    share = LogLinear("l", RARE, places, surfaces, QUICK).fit(town, 68).share
    counted = baselines.all_history(RARE, places, params=QUICK).fit(town, 68).share
    true = risk / risk.sum()

    def distance(guess):
        return float((true * np.log(true / guess)).sum())

    assert distance(share) < 0.5 * distance(counted)


def test_weighted_quiet_rows_give_the_slopes_of_all_rows():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 2))
    design = np.column_stack([np.ones(4000), x])
    y = rng.poisson(np.exp(design @ [-2.5, 0.6, -0.3])).astype(float)
    _, unit, weight = choose_rows(y[None], 1500, rng)
    assert len(unit) < 1900
    assert weight.sum() == pytest.approx(4000, rel=0.06)
    how = {"precision": np.full(3, 1e-6), "rounds": 30}
    whole = fit_poisson(design, y, **how).coefficients
    some = fit_poisson(design[unit], y[unit], weight=weight, **how).coefficients
    np.testing.assert_allclose(some, whole, atol=0.12)


def test_every_row_is_taken_where_there_is_room():
    seen = np.array([[0, 1, 0], [2, 0, 0]])
    window, unit, weight = choose_rows(seen, 100, np.random.default_rng(0))
    np.testing.assert_array_equal(window, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(unit, [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(weight, 1)


def test_slopes_are_learnt_at_the_last_refit_and_never_later():
    how = BlendParams(warm_up=8)
    assert [learning_cutoff(c, 13, how) for c in (9, 12, 13, 25, 26, 27)] == [9, 9, 13, 13, 26, 26]


def test_without_any_incident_every_unit_is_alike(places, cube_from):
    cube = cube_from(np.zeros((256, 30, 1)))
    share = LogLinear("l", Target(), places, own_surfaces(), QUICK).fit(cube, 30).share
    np.testing.assert_allclose(share, 1 / 256)


def test_methods_that_look_alike_share_what_they_see(town, places):
    surfaces = own_surfaces()
    first, second = (look_at(town, places, RARE, surfaces) for _ in range(2))
    assert first is second
    assert first.shares(30) is second.shares(30)
    with pytest.raises(ValueError, match="read-only"):
        first.shares(30)[0, 0] = 1.0


def test_trees_need_bases_that_look_alike(places):
    bases = (
        Blend("b", RARE, places, own_surfaces(), QUICK),
        LogLinear("l", RARE, places, own_surfaces()[:3], QUICK),
    )
    with pytest.raises(InputError, match="same surfaces"):
        Boosting("boosting", bases)
    with pytest.raises(InputError, match="one or more bases"):
        Boosting("boosting", ())
