from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from analytics.trends import TrendParams, find_class_trends, find_trends, mann_kendall
from geo.errors import InputError

FIELDS = {"s": "s", "var_s": "var_s", "z": "z", "p": "p", "tau": "Tau", "slope": "slope"}


def compare(series, *, atol=1e-12):
    ours = mann_kendall(series)
    for i, row in enumerate(series):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = pymannkendall.original_test(row)
        for name, his in FIELDS.items():
            np.testing.assert_allclose(
                getattr(ours, name)[i], getattr(theirs, his), atol=atol, rtol=1e-12, err_msg=name
            )


@pytest.mark.parametrize("n_steps", [2, 3, 4, 12, 52, 104])
@pytest.mark.parametrize("mean", [0.05, 1.0, 200.0])
def test_counts_with_ties_agree_with_pymannkendall(n_steps, mean):
    rng = np.random.default_rng(7)
    drift = 1 + np.linspace(0, rng.normal(size=(40, 1))[:, 0], n_steps).T
    compare(rng.poisson(np.clip(mean * drift, 0, None)).astype(float))


def test_constant_and_monotonic_series_agree_with_pymannkendall():
    compare(np.array([np.zeros(9), np.full(9, 3.5), np.arange(9.0), -np.arange(9.0)]))


@pytest.mark.parametrize("n_units", [1, 64, 65, 130])
def test_rows_beside_each_other_do_not_mix_whatever_their_number(n_units):
    rng = np.random.default_rng(n_units)
    compare(rng.poisson(40.0, (n_units, 30)) + np.arange(n_units)[:, None] % 7 * np.arange(30))


def test_slopes_of_heavy_tailed_and_very_large_or_small_values_agree_with_pymannkendall():
    rng = np.random.default_rng(12)
    wild = rng.standard_cauchy((30, 41)).cumsum(axis=1)
    scale = np.repeat([1e-290, 1e-9, 1.0, 1e9, 1e290], 6)[:, None]
    ours = mann_kendall(wild * scale)
    for i, row in enumerate(wild * scale):
        slope = pymannkendall.original_test(row).slope
        assert ours.slope[i] == pytest.approx(slope, rel=1e-12, abs=0)


def test_counts_too_large_for_two_bytes_agree_with_pymannkendall():
    rng = np.random.default_rng(13)
    compare(rng.poisson(1e6, (5, 20)) - 32768)


@pytest.mark.parametrize("n_steps", [5, 22, 23, 24, 25, 110])
@pytest.mark.parametrize("whole", [True, False])
def test_slopes_are_the_median_over_all_pairs_to_the_last_bit(n_steps, whole):
    """Few and many, crowded and lonely, rising and falling: whatever the search draws together."""
    rng = np.random.default_rng(n_steps)
    drift = rng.integers(-3, 4, (150, 1)) * np.arange(n_steps)
    counts = rng.poisson(rng.gamma(0.5, 10.0 ** rng.uniform(0, 4, (150, 1))), (150, n_steps))
    series = counts + np.where(rng.random((150, 1)) < 0.3, drift, 0)
    series[0] = np.r_[np.zeros(n_steps // 2), np.full(n_steps - n_steps // 2, 16_000)]
    a, b = np.triu_indices(n_steps, 1)
    slopes = np.median((series[:, b] - series[:, a]) / (b - a), axis=1)
    ours = mann_kendall(series if whole else series.astype(float)).slope
    np.testing.assert_array_equal(ours, slopes)


RATES = {
    "rates of few incidents": lambda rng, n: rng.poisson(2, (90, n)) / rng.integers(9, 99, (90, 1)),
    "half of them zero": lambda rng, n: rng.random((90, n)) * (rng.random((90, n)) < 0.5),
    "far outliers": lambda rng, n: rng.standard_cauchy((90, n)),
    "drifts": lambda rng, n: rng.normal(size=(90, n)).cumsum(axis=1),
    # Next to the outlier the others differ by less than what a whole number can tell apart.
    "a crowd beside an outlier": lambda rng, n: np.c_[rng.random((90, n - 1)) / 3e4, np.ones(90)],
    "a high level": lambda rng, n: 1e9 + rng.random((90, n)),
    "very large": lambda rng, n: rng.random((90, n)) * 1e300,
    "straight lines": lambda rng, n: np.outer(rng.normal(size=90), np.arange(n)),
}


@pytest.mark.parametrize("n_steps", [12, 13, 52, 105])
@pytest.mark.parametrize("kind", RATES)
def test_rates_have_the_signs_and_slopes_of_all_their_pairs_to_the_last_bit(kind, n_steps):
    series = RATES[kind](np.random.default_rng(n_steps), n_steps)
    a, b = np.triu_indices(n_steps, 1)
    ours = mann_kendall(series)
    np.testing.assert_array_equal(ours.s, np.sign(series[:, b] - series[:, a]).sum(axis=1))
    slopes = np.median((series[:, b] - series[:, a]) / (b - a), axis=1)
    np.testing.assert_array_equal(ours.slope, slopes)


@pytest.mark.parametrize("kind", ["rates of few incidents", "half of them zero", "a high level"])
def test_rates_with_and_without_gaps_agree_with_pymannkendall(kind):
    rng = np.random.default_rng(6)
    series = RATES[kind](rng, 30)
    series[::4, rng.integers(30, size=5)] = np.nan
    compare(series)


def test_missing_steps_are_skipped_as_pymannkendall_skips_them():
    rng = np.random.default_rng(3)
    series = rng.normal(size=(30, 20)).cumsum(axis=1).round(1)
    series[rng.random(series.shape) < 0.2] = np.nan
    compare(series)


@settings(max_examples=150, deadline=None)
@given(
    stn.arrays(np.float64, stn.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
               elements=st.integers(-4, 4).map(float))
)  # fmt: skip
def test_any_short_series_with_many_ties_agrees_with_pymannkendall(series):
    compare(series)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_turning_time_round_turns_the_trend_round(seed):
    series = np.random.default_rng(seed).poisson(2.0, (5, 15))
    forward, backward = mann_kendall(series), mann_kendall(series[:, ::-1])
    np.testing.assert_allclose(backward.s, -forward.s)
    np.testing.assert_allclose(backward.slope, -forward.slope, atol=1e-15)
    np.testing.assert_allclose(backward.p, forward.p)


def test_planted_trends_are_named_and_flat_units_are_not(cube_of):
    rng = np.random.default_rng(21)
    weeks = np.arange(36)
    up, down = rng.poisson(5 + 0.4 * weeks, (10, 36)), rng.poisson(20 - 0.4 * weeks, (10, 36))
    flat = rng.poisson(8.0, (200, 36))
    result = find_trends(cube_of(np.vstack((up, down, flat))))
    assert (result.label[:10] == "rising").all()
    assert (result.label[10:20] == "falling").all()
    assert (result.label[20:] == "none").mean() > 0.97
    assert result.slope[:10].mean() == pytest.approx(0.4, abs=0.1)
    assert (np.abs(result.score) <= 1).all()
    assert result.observed[0] == up[0].sum()


def test_false_discoveries_keep_to_alpha_where_nothing_grows(cube_of):
    rng = np.random.default_rng(30)
    alarms = [
        (find_trends(cube_of(rng.poisson(2.0, (100, 24)))).label != "none").any()
        for _ in range(200)
    ]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_units_with_too_few_incidents_are_not_tested_and_do_not_weaken_the_rest(cube_of):
    rising = np.arange(24)[None, :] // 3
    empty = np.zeros((5000, 24), dtype=int)
    rare = np.zeros((50, 24), dtype=int)
    rare[:, -1] = 4
    result = find_trends(cube_of(np.vstack((rising, empty, rare))))
    assert result.label[0] == "rising"
    assert (result.label[1:] == "untested").all()
    assert np.isnan(result.q[1:]).all()
    assert result.q[0] == result.p[0]


def test_a_rise_in_rare_incidents_is_rising_though_the_median_change_is_zero(cube_of):
    series = np.zeros((1, 60), dtype=int)
    series[0, 40::2] = 1
    result = find_trends(cube_of(series))
    assert result.slope[0] == 0
    assert result.label[0] == "rising"


def test_each_class_of_each_unit_has_its_own_trend(cube_of):
    rng = np.random.default_rng(4)
    steps = np.arange(24)
    dump = np.stack((rng.poisson(2 + 0.5 * steps), rng.poisson(6.0, 24), np.zeros(24, dtype=int)))
    noise = np.stack((rng.poisson(15 - 0.5 * steps), np.zeros(24, dtype=int), np.zeros(24, int)))
    plain = cube_of(dump)
    counts = np.stack((dump, noise), axis=2)[..., None].astype(np.uint32)
    cube = replace(plain, counts=counts, classes=("dump", "noise"))
    frame = find_class_trends(cube, recent_steps=4).set_index(["unit_id", "category"])
    assert list(frame.index) == [(0, "dump"), (0, "noise"), (1, "dump")]
    assert frame["label"].tolist() == ["rising", "falling", "none"]
    assert frame.loc[(0, "dump"), "recent"] == dump[0, -4:].sum()
    assert frame.loc[(1, "dump"), "total"] == dump[1].sum()
    one = mann_kendall(noise[:1])
    assert frame.loc[(0, "noise"), "slope"] == one.slope[0]
    assert frame.loc[(0, "noise"), "p_value"] == one.p[0]
    with pytest.raises(InputError, match="recent_steps is 0"):
        find_class_trends(cube, recent_steps=0)
    assert find_class_trends(cube_of(np.zeros((2, 12), int)), recent_steps=1).empty


def test_a_single_step_shows_no_trend():
    found = mann_kendall(np.array([[4.0], [7.0]]))
    assert (found.p == 1).all()
    assert np.isnan(found.slope).all()
    assert np.isnan(found.tau).all()


def test_no_units_give_empty_arrays():
    assert mann_kendall(np.empty((0, 12))).p.shape == (0,)


def test_one_series_must_be_a_row_of_units():
    with pytest.raises(InputError, match="units x steps"):
        mann_kendall(np.arange(5.0))
    with pytest.raises(InputError, match="alpha"):
        TrendParams(alpha=0)
