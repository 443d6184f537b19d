from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from analytics.cusum import average_run_length, find_threshold, poisson_cusum
from geo.errors import InputError


def run_length_by_chain(k, h, mean):
    """Average run length of whole-number CUSUM steps ``y - k`` from 0, alarm at h or more.

    Brook and Evans (1972), doi:10.1093/biomet/59.3.539.
    """
    chain = np.zeros((h, h))
    for i in range(h):
        chain[i, 0] = poisson.cdf(k - i, mean)
        for j in range(1, h):
            chain[i, j] = poisson.pmf(j - i + k, mean)
    return np.linalg.solve(np.eye(h) - chain, np.ones(h))[0]


@pytest.mark.parametrize(("true_ratio", "h"), [(1.0, 6), (2.0, 10)])
def test_simulated_run_lengths_agree_with_the_markov_chain(true_ratio, h):
    # The ratio 2 at a mean of 3 ln 2 has the whole reference value 3.
    mean = 3 * np.log(2)
    exact = run_length_by_chain(3, h, mean * true_ratio)
    average, error = average_run_length(
        mean,
        ratio=2.0,
        threshold=(h - 0.5) * np.log(2),
        true_ratio=true_ratio,
        rng=np.random.default_rng(1),
    )
    assert abs(average - exact) < 4 * error
    assert error < 0.05 * exact


def test_false_alarms_come_as_far_apart_as_asked_and_real_ones_soon():
    rng = np.random.default_rng(2)
    threshold = find_threshold(4.0, ratio=1.5, run_length=200, rng=rng)
    calm = poisson_cusum(rng.poisson(4.0, (400, 1000)), 4.0, ratio=1.5, threshold=threshold)
    assert 170 < 400 * 1000 / calm.alarms.sum() < 260
    series = rng.poisson(4.0, (300, 60))
    series[:, 30:] = rng.poisson(8.0, (300, 30))
    found = poisson_cusum(series, 4.0, ratio=1.5, threshold=threshold)
    assert found.alarms[:, 30:].any(axis=1).mean() > 0.99
    first = 30 + found.alarms[:, 30:].argmax(axis=1)
    assert np.median(first) <= 35
    began = found.since[np.arange(300), first]
    assert abs(np.median(began) - 30) <= 2


def test_the_sum_is_that_of_the_book_and_begins_again_after_an_alarm():
    series = np.array([[0, 5, 5, 0, 9]])
    found = poisson_cusum(series, 2.0, ratio=2.0, threshold=2.5)
    gain = np.log(2) * series[0] - 2.0
    assert found.sums[0].tolist() == pytest.approx(
        [0, gain[1], gain[1] + gain[2], 0, gain[4]], abs=1e-12
    )
    assert found.alarms[0].tolist() == [False, False, True, False, True]
    assert found.since[0].tolist() == [-1, 1, 1, -1, 4]


def test_a_fall_is_found_with_a_ratio_below_one_and_expectations_may_vary():
    rng = np.random.default_rng(3)
    season = 10 + 8 * np.sin(np.arange(80) / 6)
    usual = poisson_cusum(rng.poisson(season, (50, 80)), season, ratio=0.5, threshold=6.0)
    fallen = poisson_cusum(rng.poisson(season * 0.4, (50, 80)), season, ratio=0.5, threshold=6.0)
    assert usual.alarms.any(axis=1).mean() < 0.2
    assert fallen.alarms[:, :10].any(axis=1).mean() > 0.9


def test_a_head_start_finds_what_was_wrong_from_the_start_earlier():
    runs = {
        start: average_run_length(
            2.0, ratio=2.0, threshold=4.0, true_ratio=2.0, head_start=start,
            rng=np.random.default_rng(4),
        )[0]
        for start in (0.0, 0.5)
    }  # fmt: skip
    assert runs[0.5] < 0.8 * runs[0.0]


def test_nothing_gives_nothing_and_errors_say_what_does_not_fit():
    assert poisson_cusum(np.zeros((0, 5)), 1.0, threshold=3.0).sums.shape == (0, 5)
    series = np.ones((2, 3))
    for changes, words in (
        ({"expected": 0.0}, "above 0"),
        ({"expected": np.ones(4)}, "do not fit"),
        ({"ratio": 1.0}, "ratio"),
        ({"threshold": 0.0}, "threshold"),
        ({"head_start": 1.0}, "head_start"),
        ({"series": -series}, "negative"),
    ):
        with pytest.raises(InputError, match=words):
            poisson_cusum(**{"series": series, "expected": 1.0, "threshold": 3.0} | changes)
    with pytest.raises(InputError, match="run_length"):
        find_threshold(1.0, ratio=2.0, run_length=1, rng=np.random.default_rng())
    with pytest.raises(InputError, match="mean"):
        average_run_length(0.0, ratio=2.0, threshold=1.0, rng=np.random.default_rng())
