from __future__ import annotations

import numpy as np
import pymannkendall
import pytest
from scipy.stats import theilslopes

from analytics.autocorrelation import hamed_rao, pre_whitened
from analytics.sen_interval import sen_interval
from analytics.trends import mann_kendall
from geo.errors import InputError


def red_noise(rng, n_units, n_steps, *, phi):
    series = rng.normal(size=(n_units, n_steps))
    for t in range(1, n_steps):
        series[:, t] = phi * series[:, t - 1] + np.sqrt(1 - phi**2) * series[:, t]
    return series


@pytest.fixture
def families():
    rng = np.random.default_rng(1)
    return {
        "counts": rng.poisson(2.0, (15, 40)).astype(float),
        "red": red_noise(rng, 15, 52, phi=0.6),
        "rising red": red_noise(rng, 15, 30, phi=0.4) + 0.05 * np.arange(30),
        "alternating": red_noise(rng, 15, 30, phi=-0.5),
    }


@pytest.mark.parametrize("family", ["counts", "red", "rising red", "alternating"])
@pytest.mark.parametrize("lags", [None, 3])
def test_hamed_rao_is_that_of_pymannkendall(families, family, lags):
    series = families[family]
    ours = hamed_rao(series, lags=lags)
    for i, row in enumerate(series):
        with np.errstate(invalid="ignore"):
            theirs = pymannkendall.hamed_rao_modification_test(row, lag=lags)
        assert ours.var_s[i] == pytest.approx(theirs.var_s, rel=1e-9)
        assert ours.z[i] == pytest.approx(theirs.z, abs=1e-9, nan_ok=True)
        assert ours.p[i] == pytest.approx(theirs.p, abs=1e-9, nan_ok=True)
        assert ours.slope[i] == pytest.approx(theirs.slope, abs=1e-12)


@pytest.mark.parametrize("family", ["counts", "red", "rising red", "alternating"])
def test_pre_whitening_is_that_of_pymannkendall(families, family):
    for i, row in enumerate(families[family]):
        free = pre_whitened(row[None, :], trend_free=True)
        theirs = pymannkendall.trend_free_pre_whitening_modification_test(row)
        assert (free.s[0], free.slope[0]) == (theirs.s, pytest.approx(theirs.slope)), i
        assert free.p[0] == pytest.approx(theirs.p, abs=1e-9)
        plain = pre_whitened(row[None, :])
        theirs = pymannkendall.pre_whitening_modification_test(row)
        assert plain.s[0] == theirs.s
        assert plain.p[0] == pytest.approx(theirs.p, abs=1e-9)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_of_the_slope_is_that_of_scipy(families, confidence):
    for series in families.values():
        low, high = sen_interval(series, confidence=confidence)
        for i, row in enumerate(series):
            theirs = theilslopes(row, alpha=confidence)
            assert low[i] == pytest.approx(theirs.low_slope, abs=1e-12)
            assert high[i] == pytest.approx(theirs.high_slope, abs=1e-12)


def test_the_interval_holds_the_true_slope_as_often_as_it_says():
    rng = np.random.default_rng(2)
    series = rng.normal(size=(2000, 30)) + 0.1 * np.arange(30)
    low, high = sen_interval(series)
    assert ((low <= 0.1) & (high >= 0.1)).mean() == pytest.approx(0.95, abs=0.015)
    assert (low <= mann_kendall(series).slope).all()


def test_corrections_mend_the_false_alarms_of_red_noise():
    series = red_noise(np.random.default_rng(3), 1500, 60, phi=0.5)
    plain = (mann_kendall(series).p < 0.05).mean()
    corrected = (hamed_rao(series, lags=3).p < 0.05).mean()
    whitened = (pre_whitened(series).p < 0.05).mean()
    assert plain > 0.2
    assert corrected < 0.5 * plain
    assert whitened < 0.08
    free = (pre_whitened(series, trend_free=True).p < 0.05).mean()
    assert free > 0.5 * plain  # what the docstring warns of


def test_a_real_trend_survives_the_trend_free_form_better():
    series = red_noise(np.random.default_rng(7), 800, 40, phi=0.4) + 0.06 * np.arange(40)
    free = (pre_whitened(series, trend_free=True).p < 0.05).mean()
    assert free > (pre_whitened(series).p < 0.05).mean() + 0.1


def test_constant_and_empty_series_show_no_trend():
    assert hamed_rao(np.ones((2, 12))).p.tolist() == [1, 1]
    assert pre_whitened(np.ones((2, 12))).p.tolist() == [1, 1]
    assert hamed_rao(np.zeros((0, 12))).p.shape == (0,)
    assert sen_interval(np.zeros((0, 12)))[0].shape == (0,)
    low, high = sen_interval(np.ones((1, 12)))
    assert (low[0], high[0]) == (0, 0)


def test_gaps_and_impossible_levels_are_refused():
    with pytest.raises(InputError, match="without gaps"):
        hamed_rao(np.array([[1.0, np.nan, 2.0, 3.0]]))
    with pytest.raises(InputError, match="3 steps"):
        pre_whitened(np.ones((2, 2)))
    with pytest.raises(InputError, match="confidence"):
        sen_interval(np.ones((2, 5)), confidence=95)


def test_the_interval_of_a_seasonal_slope_holds_it_and_forgets_the_season():
    rng = np.random.default_rng(8)
    season = 5 * np.sin(2 * np.pi * np.arange(60) / 12)
    series = rng.normal(size=(500, 60)) + season + 0.05 * np.arange(60)
    low, high = sen_interval(series, period=12)
    plain_low, plain_high = sen_interval(series)
    assert ((low <= 0.6) & (high >= 0.6)).mean() == pytest.approx(0.95, abs=0.03)
    assert (high - low).mean() < 12 * (plain_high - plain_low).mean()
    gapped = series.copy()
    gapped[:, 7] = np.nan
    assert np.isfinite(sen_interval(gapped, period=12)[0]).all()
