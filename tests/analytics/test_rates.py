from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import poisson

from analytics.rates import funnel_limits, smooth_rates
from geo.errors import InputError


def test_smoothed_rates_are_those_of_esda():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.smoothing import Empirical_Bayes

        rng = np.random.default_rng(1)
        households = rng.integers(20, 900, 80)
        events = rng.poisson(households * rng.gamma(4, 0.01, 80))
        theirs = np.asarray(Empirical_Bayes(events, households).r).ravel()
    np.testing.assert_allclose(smooth_rates(events, households).smoothed, theirs, atol=1e-12)


def test_smoothing_brings_small_places_nearer_to_their_true_rates():
    rng = np.random.default_rng(2)
    households = np.r_[np.full(300, 30), np.full(50, 2000)]
    true = rng.gamma(8, 0.005, 350)
    found = smooth_rates(rng.poisson(households * true), households)
    small = slice(0, 300)
    raw_error = np.mean((found.raw[small] - true[small]) ** 2)
    assert np.mean((found.smoothed[small] - true[small]) ** 2) < 0.4 * raw_error
    assert found.weight[0] < 0.4 < 0.9 < found.weight[-1]


def test_places_without_anybody_get_the_overall_rate():
    found = smooth_rates(np.array([4, 9, 0]), np.array([100, 50, 0]))
    assert found.smoothed[2] == found.overall == pytest.approx(13 / 150)
    assert np.isnan(found.raw[2])
    assert found.weight[2] == 0
    assert funnel_limits(np.array([4, 9, 0]), np.array([100, 50, 0])).label[2] == "unknown"


def test_equal_rates_are_shrunk_altogether():
    found = smooth_rates(np.array([5, 10, 20]), np.array([50, 100, 200]))
    assert found.weight.tolist() == [0, 0, 0]
    assert found.smoothed == pytest.approx([0.1, 0.1, 0.1])


@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_the_funnel_holds_as_many_as_it_says(confidence):
    rng = np.random.default_rng(3)
    households = rng.integers(200, 3000, 20_000)
    found = funnel_limits(rng.poisson(households * 0.02), households, confidence=confidence)
    assert (found.label == "within").mean() == pytest.approx(confidence, abs=0.02)


def test_funnel_limits_enclose_the_exact_quantiles_within_one_event():
    b = np.array([10.0, 100.0, 5000.0])
    found = funnel_limits(b * 0.03, b, target=0.03, confidence=0.95)
    assert (np.abs(found.high * b - poisson.ppf(0.975, b * 0.03)) <= 1).all()
    assert (np.abs(found.low * b - poisson.ppf(0.025, b * 0.03)) <= 1).all()
    assert (np.diff(found.high) < 0).all()
    assert (np.diff(found.low) >= 0).all()


def test_a_bad_place_is_above_and_a_good_one_below():
    events = np.array([10, 60, 0] + [20] * 20)
    found = funnel_limits(events, np.full(23, 1000))
    assert found.label[:3].tolist() == ["within", "above", "below"]


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="gridbeat import households"):
        smooth_rates(np.array([1, 2]), np.zeros(2))
    with pytest.raises(InputError, match="negative or missing"):
        smooth_rates(np.array([1, -2]), np.ones(2))
    with pytest.raises(InputError, match="one value a unit"):
        funnel_limits(np.ones(3), np.ones(2))
    with pytest.raises(InputError, match="confidence"):
        funnel_limits(np.ones(2), np.ones(2), confidence=95)
