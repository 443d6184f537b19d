from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.stats import betabinom

from analytics.cube import Cube, Units
from analytics.dispersion import compare_overdispersed, estimate_dispersion
from analytics.latest_changes import LatestParams, compare_rates, find_latest_changes
from analytics.steps import make_steps
from geo.errors import InputError

EXPOSURE = (8.0, 1.0)


def test_dispersion_of_poisson_counts_is_about_one_and_of_mixed_ones_what_was_mixed_in():
    rng = np.random.default_rng(1)
    level = rng.gamma(1.0, 6.0, (2000, 1))
    assert estimate_dispersion(rng.poisson(level, (2000, 8)), np.ones(8)) < 1.03
    mixed = rng.poisson(rng.gamma(level / 2, 2.0, (2000, 8)))  # variance three times the mean
    assert estimate_dispersion(mixed, np.ones(8)) == pytest.approx(3.0, rel=0.08)
    assert estimate_dispersion(np.zeros((3, 8)), np.ones(8)) == 1.0
    assert estimate_dispersion(np.ones((3, 1)), np.ones(1)) == 1.0


def test_p_is_twice_the_smaller_tail_of_the_beta_binomial():
    before, after = np.array([20, 0, 9, 300, 4]), np.array([9, 6, 0, 20, 1])
    p = compare_overdispersed(before, after, np.full(5, 2.5), exposure=EXPOSURE)
    n = before + after
    law = betabinom(n, n / 1.5 / 9, n / 1.5 * 8 / 9)
    expected = np.minimum(1, 2 * np.minimum(law.cdf(after), law.sf(after - 1)))
    np.testing.assert_allclose(p, expected, rtol=1e-9)


def test_near_dispersion_one_it_is_the_poisson_test():
    before, after = np.array([20, 0, 9, 300]), np.array([9, 6, 0, 20])
    p = compare_overdispersed(before, after, np.full(4, 1 + 1e-7), exposure=EXPOSURE)
    np.testing.assert_allclose(p, compare_rates(before, after, exposure=EXPOSURE), rtol=1e-4)


def test_the_level_holds_for_overdispersed_counts_where_the_poisson_test_fails():
    rng = np.random.default_rng(2)
    counts = rng.poisson(rng.gamma(6.0, 2.0, (5000, 9)))  # variance three times the mean
    before, after = counts[:, :8].sum(axis=1), counts[:, 8]
    phi = np.full(5000, estimate_dispersion(counts[:, :8], np.ones(8)))
    ours = compare_overdispersed(before, after, phi, exposure=EXPOSURE)
    assert (ours <= 0.05).mean() < 0.055
    assert (compare_rates(before, after, exposure=EXPOSURE) <= 0.05).mean() > 0.15


def test_the_list_of_an_unsteady_class_is_not_full_of_chance():
    rng = np.random.default_rng(3)
    counts = rng.poisson(rng.gamma(3.0, 4.0, (300, 13)))
    counts[5, -1] = 120
    start = date(2026, 1, 5)
    steps = make_steps(
        start, date.fromordinal(start.toordinal() + 91), step="week", time_zone="Asia/Shanghai"
    )
    units = Units("area", np.arange(300))
    cube = Cube(counts.astype(np.uint32)[..., None, None], units, steps, ("dump",), ("resident",))
    careful = find_latest_changes(cube)
    assert careful["unit_id"].iloc[0] == 5
    assert len(careful) <= 5
    plain = find_latest_changes(cube, LatestParams(overdispersed=False))
    assert len(plain) > 20
    both = careful.merge(plain, on="unit_id", suffixes=("", "_plain"))
    assert (both["ratio_low"] <= both["ratio_low_plain"]).all()
    assert (both["ratio_high"] >= both["ratio_high_plain"]).all()


def test_errors_say_what_does_not_fit():
    with pytest.raises(InputError, match="above 1"):
        compare_overdispersed(np.array([1]), np.array([1]), np.array([1.0]), exposure=EXPOSURE)
    with pytest.raises(InputError, match="length of each step"):
        estimate_dispersion(np.ones((2, 3)), np.ones(2))
