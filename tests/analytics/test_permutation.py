from __future__ import annotations

import itertools
import warnings

import libpysal.weights
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.hotspots import neighbour_sums
from analytics.permutation import exact_tails, exact_work, simulated_tails
from geo.errors import InputError


def tails_by_listing(y, k, sums):
    upper, lower = np.ones(len(y)), np.ones(len(y))
    for i in range(len(y)):
        others = np.delete(y, i)
        totals = np.array([sum(some) for some in itertools.combinations(others, int(k[i]))])
        upper[i], lower[i] = (totals >= sums[i]).mean(), (totals <= sums[i]).mean()
    return upper, lower


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_exact_chances_are_those_of_listing_every_deal(data):
    """Covers few draws (own count divided out) and many (law built again)."""
    y = np.array(data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=9)))
    k = np.array([data.draw(st.integers(0, len(y) - 1)) for _ in y])
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    sums = np.array([rng.permutation(np.delete(y, i))[: k[i]].sum() for i in range(len(y))])
    tails = exact_tails(y, k, sums)
    upper, lower = tails_by_listing(y, k, sums)
    np.testing.assert_allclose(tails.upper, upper, atol=1e-13)
    np.testing.assert_allclose(tails.lower, lower, atol=1e-13)


def test_tiny_chances_keep_their_relative_precision():
    """Eight ones among 40,000 zeros: all eight drawn has chance 1 / C(39999, 8)."""
    n = 40_000
    y = np.zeros(n, dtype=np.int64)
    y[:8] = 1
    k, sums = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    k[-1], sums[-1] = 8, 8
    expected = 1.0
    for j in range(8):
        expected *= (8 - j) / (n - 1 - j)
    assert exact_tails(y, k, sums).upper[-1] == pytest.approx(expected, rel=1e-12)


def test_a_unit_never_draws_its_own_count():
    y = np.array([1000, *([0] * 60)])
    k = np.full(61, 3)
    tails = exact_tails(y, k, np.zeros(61, dtype=np.int64))
    assert tails.lower[0] == 1.0
    assert tails.lower[1] == pytest.approx(57 / 60, abs=1e-14)


def test_both_tails_include_the_observed_sum():
    rng = np.random.default_rng(6)
    y = rng.poisson(2, 200)
    k = np.full(200, 5)
    sums = rng.poisson(10, 200)
    tails = exact_tails(y, k, sums)
    beyond = exact_tails(y, k, sums + 1)
    np.testing.assert_allclose(tails.lower + beyond.upper, 1.0, atol=1e-12)


def test_simulated_chances_agree_with_the_exact_ones_within_their_error(near):
    rng = np.random.default_rng(9)
    y = rng.poisson(rng.gamma(0.5, 4, 300))
    neighbours = near(15, 20)
    k, sums = np.diff(neighbours[0]), neighbour_sums(y.astype(float), neighbours)
    exact = exact_tails(y, k, np.rint(sums).astype(np.int64))
    found = simulated_tails(y.astype(float), k, sums, permutations=9_999, rng=rng)
    for ours, theirs in ((exact.upper, found.upper), (exact.lower, found.lower)):
        error = np.sqrt(ours * (1 - ours) / 9_999)
        assert (np.abs(ours - theirs) <= 5 * error + 2e-4).all()


def test_exact_chances_agree_with_esda_in_both_tails_within_its_error(near):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local

        rng = np.random.default_rng(12)
        y = rng.poisson(rng.gamma(0.5, 4, 196))
        theirs = G_Local(
            y.astype(float),
            libpysal.weights.lat2W(14, 14, rook=False),
            transform="B",
            star=True,
            permutations=9_999,
            keep_simulations=True,
            n_jobs=1,
            seed=5,
        )
    neighbours = near(14, 14)
    k, sums = np.diff(neighbours[0]), neighbour_sums(y.astype(float), neighbours)
    tails = exact_tails(y, k, np.rint(sums).astype(np.int64))
    # esda folds its two tails into one p; its simulated statistics give both.
    simulated, slack = theirs.rGs, 1e-9
    upper = (simulated >= theirs.Gs[:, None] - slack).mean(axis=1)
    lower = (simulated <= theirs.Gs[:, None] + slack).mean(axis=1)
    for ours, his in ((tails.upper, upper), (tails.lower, lower)):
        error = np.sqrt(ours * (1 - ours) / 9_999)
        assert (np.abs(ours - his) <= 5 * error + 1e-4).all()


def test_simulation_of_equal_values_calls_nothing():
    tails = simulated_tails(
        np.full(10, 0.1), np.full(10, 3), np.full(10, 0.1 + 0.1 + 0.1), permutations=99,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert (tails.upper == 1).all()
    assert (tails.lower == 1).all()


def test_work_grows_with_values_and_neighbours():
    y, k = np.arange(100), np.full(100, 8)
    assert exact_work(y * 10, k)[0] > exact_work(y, k)[0]
    assert exact_work(y, k * 2)[0] > exact_work(y, k)[0]
    assert exact_work(y, np.zeros(100, dtype=int))[1] == 1


def test_impossible_questions_are_refused():
    with pytest.raises(InputError, match="only 2 others"):
        exact_tails(np.array([1, 2, 3]), np.array([3, 0, 0]), np.array([0, 0, 0]))
    with pytest.raises(InputError, match="negative"):
        exact_tails(np.array([-1, 2, 3]), np.array([1, 0, 0]), np.array([0, 0, 0]))
