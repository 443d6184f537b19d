from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from analytics.forecast import baselines
from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.boosting import Boosting, BoostingParams
from analytics.forecast.kept import Kept
from analytics.forecast.protocol import Forecast, Target
from analytics.forecast.stack import Stack, stack_weights
from analytics.forecast.suite import (
    KNOTS,
    largest_classes,
    other_surfaces,
    own_surfaces,
    standard_methods,
)
from geo.errors import InputError

RARE = Target(("rare",))
QUICK = BlendParams(windows=12, sweeps=(30, 10))
FEW_TREES = BoostingParams(rounds=15, fewest_in_leaf=60)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep small matrix products from waiting for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def methods(places):
    return standard_methods(
        RARE, places, other_classes=("common",), params=QUICK, boosting=FEW_TREES
    )


def test_every_method_gives_the_same_forecast_fitted_alone_or_rolling(methods, town):
    for method in methods:
        fresh = method.method if isinstance(method, Kept) else method
        rolling = [f.predict(2) for f in fresh.fit_rolling(town, [45, 46, 52])]
        alone = fresh.fit(town, 52).predict(2)
        np.testing.assert_array_equal(rolling[2].mean, alone.mean, err_msg=method.name)
        np.testing.assert_array_equal(rolling[2].size, alone.size, err_msg=method.name)
        assert alone.mean.shape == (256, 2)
        assert alone.cutoff_step == 52


def test_no_method_sees_past_its_cutoff(town, places, cube_from):
    counts = town.counts[..., 0].copy()
    counts[:, 50:] = np.random.default_rng(9).poisson(20, counts[:, 50:].shape)
    other = cube_from(counts, town.classes)
    names = ("rare", "common")
    for cube in (town, other):
        assert cube.classes == names
    first, second = (
        [
            m.fit(cube, 50).predict(1).mean
            for m in standard_methods(
                RARE, places, other_classes=("common",), params=QUICK, boosting=FEW_TREES
            )
        ]
        for cube in (town, other)
    )
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("make", "weights"),
    [
        (baselines.all_history, np.ones(50)),
        (baselines.last_window, np.r_[np.zeros(46), np.ones(4)]),
        (baselines.ewma, 0.5 ** (7 * np.arange(49, -1, -1) / 180)),
    ],
)
def test_a_baseline_ranks_units_as_its_counts_do(make, weights, town, places):
    mean = make(RARE, places, params=QUICK).fit(town, 50).predict(1).mean[:, 0]
    counted = RARE.series(town)[:, :50] @ weights
    order = np.argsort(counted, kind="stable")
    assert (np.diff(mean[order]) >= -1e-7 * mean.max()).all()
    clearly = np.diff(counted[order]) > 1e-3
    assert (np.diff(mean[order])[clearly] > 0).all()


def test_a_forecast_adds_up_to_the_level_and_excludes_nowhere(methods, town):
    usual = RARE.series(town)[:, 30:].sum(axis=0).mean()
    for method in methods:
        mean = method.fit(town, 60).predict(1).mean
        assert mean.sum() == pytest.approx(usual, rel=0.25)
        assert mean.min() > 0


def test_smart_methods_come_nearer_to_the_true_risk_than_counting(methods, town, risk):
    true = risk / risk.sum()
    distance = {}
    for method in methods:
        mean = method.fit(town, 68).predict(1).mean[:, 0]
        distance[method.name] = (true * np.log(true / (mean / mean.sum()))).sum()
    counting = distance[baselines.ALL_HISTORY]
    assert distance["blend"] < 0.8 * counting
    assert distance["boosting"] < 0.8 * counting
    assert distance["stack"] < 0.8 * counting


def test_a_common_class_tells_of_a_rare_one(town, places, risk):
    blend = Blend("other", RARE, places, other_surfaces(("common",), RARE), QUICK)
    mean = blend.fit(town, 68).predict(1).mean[:, 0]
    counts = baselines.all_history(RARE, places, params=QUICK).fit(town, 68).predict(1).mean[:, 0]
    assert np.corrcoef(mean, risk)[0, 1] > np.corrcoef(counts, risk)[0, 1]


def test_thin_units_lean_on_neighbours_and_busy_ones_on_themselves(places, cube_from):
    rng = np.random.default_rng(11)
    hill = 0.06 * np.exp(-0.5 * ((places.x - 800) ** 2 + (places.y - 800) ** 2) / 400**2)
    busy = np.zeros(256)
    busy[rng.choice(256, 12, replace=False)] = 6.0
    cube = cube_from(rng.poisson((hill + busy)[:, None], (256, 60))[:, :, None])
    blend = Blend(
        "b",
        Target(),
        places,
        own_surfaces(),
        BlendParams(knots=KNOTS, belief=1e-3, sweeps=(100, 200)),
    )
    weights = blend.fit(cube, 60).weights
    in_place = [surface.reach_m == 0 for surface in own_surfaces()]
    from_others = 1 - weights[:-1][in_place].sum(axis=0) / weights.sum(axis=0)
    assert from_others[0] > 1.5 * from_others[-1]


def test_a_stack_weighs_by_how_likely_members_made_what_came():
    rng = np.random.default_rng(12)
    shares = rng.dirichlet(np.ones(50), 3).T
    y = rng.multinomial(5000, shares @ [0.75, 0.0, 0.25])
    free = stack_weights(shares, y, belief=0.0, sweeps=300)
    np.testing.assert_allclose(free, [0.75, 0.0, 0.25], atol=0.06)
    np.testing.assert_allclose(stack_weights(shares, y, belief=1e6, sweeps=50), 1 / 3, atol=1e-3)
    np.testing.assert_allclose(stack_weights(shares[:0], y[:0], belief=0.3, sweeps=5), 1 / 3)


def test_a_kept_method_fits_each_cutoff_once(town, places):
    kept = Kept(baselines.ewma(RARE, places, params=QUICK))
    first = list(kept.fit_rolling(town, [30, 31]))
    again = list(kept.fit_rolling(town, [30, 31, 32]))
    assert again[:2] == first
    assert len(kept.fits) == 3


def test_daily_cubes_are_forecast_a_week_ahead(places, cube_from):
    rng = np.random.default_rng(13)
    weekday = np.tile([1.0, 1, 1, 1, 1, 3, 3], 15)
    cube = cube_from(rng.poisson(0.2 * weekday, (256, 105))[:, :, None], step="day")
    params = BlendParams(outcome_steps=7, warm_up=28, windows=8)
    ahead = baselines.ewma(Target(), places, params=params).fit(cube, 105).predict(7)
    by_day = ahead.mean.sum(axis=0)
    assert by_day[5:].min() > 2 * by_day[:5].max()
    week = ahead.over(0, 7)
    np.testing.assert_allclose(week.mean[:, 0], ahead.mean.sum(axis=1))
    np.testing.assert_allclose(week.variance[:, 0], ahead.variance.sum(axis=1))


def test_quantiles_ascend_and_hold_the_mean(town, places):
    ahead = baselines.all_history(RARE, places, params=QUICK).fit(town, 60).predict(1)
    low, middle, high = ahead.quantiles([0.05, 0.5, 0.95])
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (high + 1 > ahead.mean).all()


def test_too_short_a_past_is_refused_in_words(town, places):
    with pytest.raises(InputError, match="at least 9 steps before it"):
        baselines.ewma(RARE, places).fit(town, 8)
    with pytest.raises(InputError, match="must ascend"):
        list(baselines.ewma(RARE, places).fit_rolling(town, [30, 29]))
    stack = Stack("s", RARE, (Kept(baselines.ewma(RARE, places)),))
    with pytest.raises(InputError, match="a stack needs at least 27"):
        stack.fit(town, 20)


@pytest.mark.parametrize("mean", [np.array([[0.0]]), np.array([[np.nan]]), np.ones((2, 1))])
def test_an_impossible_forecast_is_refused(cube_from, mean):
    units = cube_from(np.zeros((1, 2, 1))).units
    with pytest.raises(InputError):
        Forecast(mean, np.ones(mean.shape), units, 1)


def test_the_largest_other_classes_come_first_and_never_the_target(town):
    assert largest_classes(town, RARE, before_step=20) == ("common",)
    assert largest_classes(town, Target(), before_step=20) == ()


@pytest.mark.parametrize("knots", [(1.0,), (2.0, 1.0), (0.0, 1.0)])
def test_knots_must_ascend_above_zero(knots):
    with pytest.raises(InputError, match="knots"):
        BlendParams(knots=knots)


def test_boosting_of_a_quiet_class_is_the_blend(places, cube_from):
    rng = np.random.default_rng(14)
    cube = cube_from(rng.poisson(0.01, (256, 40))[:, :, None])
    blend = Blend("blend", Target(), places, own_surfaces(), QUICK)
    corrected = Boosting("boosting", (blend,), params=BoostingParams(fewest_in_leaf=5000))
    plain, ours = (m.fit(cube, 39).predict(1).mean for m in (blend, corrected))
    np.testing.assert_allclose(ours, plain, rtol=1e-5)
