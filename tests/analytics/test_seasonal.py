from __future__ import annotations

import numpy as np
import pymannkendall
import pytest

from analytics.seasonal import fold, seasonal_mann_kendall
from analytics.trends import mann_kendall
from geo.errors import InputError


def draw(kind, rng, n_units=12, n_steps=60):
    season = 3 * np.sin(np.arange(n_steps) * 2 * np.pi / 12) + 4
    if kind == "ties":
        return rng.poisson(0.6, (n_units, n_steps)).astype(float)
    if kind == "rising":
        return rng.poisson(season + np.linspace(0, 6, n_steps), (n_units, n_steps)).astype(float)
    return rng.normal(season, 1.0, (n_units, n_steps))


@pytest.mark.parametrize("kind", ["ties", "rising", "smooth"])
@pytest.mark.parametrize(("n_steps", "period"), [(60, 12), (65, 12), (28, 7), (50, 4)])
def test_all_figures_are_those_of_pymannkendall(kind, n_steps, period):
    series = draw(kind, np.random.default_rng(n_steps), n_steps=n_steps)
    ours = seasonal_mann_kendall(series, period=period)
    for i, row in enumerate(series):
        theirs = pymannkendall.seasonal_test(row, period=period)
        assert ours.s[i] == theirs.s
        assert ours.var_s[i] == pytest.approx(theirs.var_s, abs=1e-9)
        assert ours.z[i] == pytest.approx(theirs.z, abs=1e-12)
        assert ours.p[i] == pytest.approx(theirs.p, abs=1e-12)
        assert ours.slope[i] == pytest.approx(theirs.slope, abs=1e-12)
        if n_steps % period == 0:  # theirs counts the padding of an open cycle as pairs
            assert ours.tau[i] == pytest.approx(theirs.Tau, abs=1e-12)


@pytest.mark.parametrize("kind", ["ties", "rising", "smooth"])
def test_dependent_seasons_are_those_of_pymannkendall(kind):
    series = draw(kind, np.random.default_rng(2))
    ours = seasonal_mann_kendall(series, period=12, dependent=True)
    for i, row in enumerate(series):
        theirs = pymannkendall.correlated_seasonal_test(row, period=12)
        assert ours.var_s[i] == pytest.approx(theirs.var_s, abs=1e-9)
        # Theirs makes no continuity correction here; the hypothesis is the same.
        assert ours.s[i] / np.sqrt(ours.var_s[i]) == pytest.approx(theirs.z, abs=1e-12)


def test_a_season_alone_is_no_trend_though_the_plain_test_may_see_one():
    t = np.arange(66)  # ends in high season
    series = (10 - 8 * np.cos(t * 2 * np.pi / 12))[None, :].repeat(3, axis=0).round()
    assert (seasonal_mann_kendall(series, period=12).p == 1).all()
    strong = series + np.repeat(np.arange(6), 12)[:66]
    assert (seasonal_mann_kendall(strong, period=12).p < mann_kendall(strong).p).all()


def test_independent_noise_is_called_at_the_level_asked_for():
    noise = np.random.default_rng(4).normal(size=(3000, 96))
    p = seasonal_mann_kendall(noise, period=12).p
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_bad_years_that_hit_all_months_need_dependent_seasons():
    rng = np.random.default_rng(5)
    series = np.repeat(rng.normal(size=(2000, 12)), 12, axis=1) + rng.normal(size=(2000, 144))
    naive = (seasonal_mann_kendall(series, period=12).p < 0.05).mean()
    aware = (seasonal_mann_kendall(series, period=12, dependent=True).p < 0.05).mean()
    assert naive > 0.3
    assert aware == pytest.approx(0.05, abs=0.02)


def test_missing_steps_are_skipped():
    series = draw("rising", np.random.default_rng(6))
    series[:, 17] = np.nan
    ours = seasonal_mann_kendall(series, period=12)
    seasons = fold(series, period=12)
    s = sum(mann_kendall(seasons[:, g]).s for g in range(12))
    np.testing.assert_array_equal(ours.s, s)
    assert np.isfinite(ours.slope).all()


def test_no_units_give_empty_arrays_and_bad_input_is_refused():
    assert seasonal_mann_kendall(np.zeros((0, 24)), period=12).p.shape == (0,)
    assert seasonal_mann_kendall(np.ones((2, 24)), period=12).p.tolist() == [1, 1]
    with pytest.raises(InputError, match="period is 1"):
        seasonal_mann_kendall(np.ones((2, 24)), period=1)
    with pytest.raises(InputError, match="whole cycles"):
        seasonal_mann_kendall(np.ones((2, 25)), period=12, dependent=True)
