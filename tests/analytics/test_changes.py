from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, poisson, poisson_means_test

from analytics.changes import (
    find_change_points,
    poisson_e_test,
    weighted_displacement_difference,
)
from geo.errors import InputError


def cost_of(row, length, cuts, price):
    edges = [0, *cuts, len(row)]
    cost = price * len(cuts)
    for a, b in pairwise(edges):
        total = row[a:b].sum()
        cost -= 2 * total * np.log(total / length[a:b].sum()) if total else 0
    return cost


def best_cuts(row, length, shortest, price):
    """Return the cheapest of all splits by trying every one."""
    splits = [
        cuts
        for many in range(len(row))
        for cuts in combinations(range(1, len(row)), many)
        if all(b - a >= shortest for a, b in zip([0, *cuts], [*cuts, len(row)], strict=True))
    ]
    return min(cost_of(row, length, cuts, price) for cuts in splits)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=6, max_size=10),
    st.integers(1, 3),
    st.floats(0.5, 12),
    st.randoms(use_true_random=False),
)
def test_the_split_is_the_cheapest_of_all_splits(row, shortest, price, random):
    counts = np.array(row, dtype=float)
    length = np.array([random.uniform(0.5, 2) for _ in row])
    found = find_change_points(counts[None, :], exposure=length, shortest=shortest, penalty=price)
    cuts = found.steps.tolist()
    edges = [0, *cuts, len(row)]
    assert min(np.diff(edges)) >= shortest
    ours = cost_of(counts, length, cuts, price)
    assert ours == pytest.approx(best_cuts(counts, length, shortest, price), abs=1e-7)


def test_planted_changes_are_found_where_they_are():
    rng = np.random.default_rng(1)
    mean = np.r_[np.full(30, 3.0), np.full(30, 9.0), np.full(40, 5.0)]
    found = find_change_points(rng.poisson(mean, (200, 100)))
    starts = [found.steps[a:b] for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]
    right = [len(s) == 2 and abs(s[0] - 30) <= 3 and abs(s[1] - 60) <= 6 for s in starts]
    assert np.mean(right) > 0.75
    assert found.level.mean(axis=0)[[10, 45, 80]] == pytest.approx([3, 9, 5], abs=0.4)


def test_steady_counts_seldom_change():
    found = find_change_points(np.random.default_rng(2).poisson(2.0, (500, 60)))
    assert np.mean(np.diff(found.indptr) > 0) < 0.1


def test_longer_months_are_no_change_when_exposure_is_told():
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] * 3, dtype=float)
    series = (days * 40)[None, :]
    found = find_change_points(series, exposure=days)
    assert len(found.steps) == 0
    np.testing.assert_allclose(found.level, 40)
    assert len(find_change_points(np.zeros((0, 12))).steps) == 0
    assert len(find_change_points(np.ones((2, 1))).steps) == 0
    np.testing.assert_array_equal(find_change_points(np.full((1, 1), 4)).level, [[4]])


def test_change_points_refuse_what_are_no_counts():
    with pytest.raises(InputError, match="none negative"):
        find_change_points(np.array([[1, -1, 2]]))
    with pytest.raises(InputError, match="3 positive values"):
        find_change_points(np.ones((1, 3)), exposure=[1, 0, 1])


def e_test_by_hand(k1, k2, n1, n2):
    """Return the double sum of the definition; a tie counts as extreme."""

    def contrast(a, b):
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(np.abs(a / n1 - b / n2) / np.sqrt(a / n1**2 + b / n2**2))

    rate = (k1 + k2) / (n1 + n2)
    a, b = np.meshgrid(np.arange(400), np.arange(400), indexing="ij")
    mass = poisson.pmf(a, rate * n1) * poisson.pmf(b, rate * n2)
    return mass[contrast(a, b) >= contrast(k1, k2) * (1 - 1e-12)].sum()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 60),
    st.sampled_from([1.0, 2.5, 8.0]),
    st.sampled_from([1.0, 3.0]),
)
def test_the_e_test_is_its_double_sum(before, after, n1, n2):
    ours = float(poisson_e_test(before, after, exposure=(n1, n2)))
    assert ours == pytest.approx(e_test_by_hand(before, after, n1, n2), abs=1e-9)


@pytest.mark.parametrize(
    ("before", "after", "n1", "n2"),
    [(0, 1, 1, 1), (3, 1, 1, 1), (0, 2, 2.5, 3), (9, 1, 8, 1), (60, 59, 8, 3), (20, 38, 1, 1.2)],
)
def test_the_e_test_is_that_of_scipy(before, after, n1, n2):
    theirs = poisson_means_test(before, n1, after, n2).pvalue
    ours = float(poisson_e_test(before, after, exposure=(n1, n2)))
    assert ours == pytest.approx(theirs, abs=2e-8)  # scipy leaves out 1e-10 of each law


def test_the_e_test_of_two_zeros_or_equal_rates_finds_nothing():
    assert poisson_e_test([0, 5], [0, 5]).tolist() == [1, 1]


def test_the_e_test_of_large_counts_nears_the_normal_one():
    z = (10_400 - 10_000) / np.sqrt(20_400)
    assert float(poisson_e_test(10_000, 10_400)) == pytest.approx(2 * norm.sf(z), rel=0.02)


def test_the_e_test_holds_its_level_at_small_counts():
    rng = np.random.default_rng(3)
    p = poisson_e_test(rng.poisson(8, 20_000), rng.poisson(4, 20_000), exposure=(2, 1))
    assert (p < 0.05).mean() <= 0.056
    assert (p < 0.05).mean() > 0.02


def test_the_e_test_keeps_shapes_and_refuses_what_are_no_counts():
    assert poisson_e_test(np.zeros((2, 3)), 5).shape == (2, 3)
    assert poisson_e_test(np.zeros(0), np.zeros(0)).shape == (0,)
    with pytest.raises(InputError, match="whole numbers"):
        poisson_e_test(1.5, 2)
    with pytest.raises(InputError, match="positive length"):
        poisson_e_test(1, 2, exposure=(0, 1))


def test_displacement_by_hand():
    # 20 to 10 where treated, 30 to 32 in the control, 8 to 14 around the one, 9 to 10 the other.
    found = weighted_displacement_difference(
        (20, 10), (30, 32), near_treated=(8, 14), near_control=(9, 10)
    )
    assert found.estimate == (10 - 20) - (32 - 30) + (14 - 8) - (10 - 9) == -7
    assert found.standard_error == pytest.approx(np.sqrt(20 + 10 + 30 + 32 + 8 + 14 + 9 + 10))
    assert found.z == pytest.approx(-7 / np.sqrt(133))
    assert found.high - found.estimate == pytest.approx(1.959964 * np.sqrt(133), abs=1e-4)
    assert found.p == pytest.approx(0.5439, abs=1e-4)


def test_displacement_of_periods_of_another_length_compares_rates():
    once = weighted_displacement_difference((20, 10), (30, 32))
    twice = weighted_displacement_difference((40, 10), (60, 32), exposure=(2, 1))
    assert twice.estimate == once.estimate == -12
    assert twice.standard_error < once.standard_error


def test_displacement_holds_its_level_and_finds_a_real_effect():
    rng = np.random.default_rng(4)
    draw = rng.poisson
    nothing = weighted_displacement_difference(
        (draw(30, 4000), draw(30, 4000)), (draw(50, 4000), draw(50, 4000))
    )
    assert (nothing.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)
    effect = weighted_displacement_difference(
        (draw(60, 500), draw(25, 500)), (draw(50, 500), draw(50, 500))
    )
    assert effect.estimate.mean() == pytest.approx(-35, abs=2)
    assert (effect.p < 0.05).mean() > 0.6


def test_displacement_without_any_incident_says_nothing():
    found = weighted_displacement_difference((0, 0), (0, 0))
    assert (found.estimate, found.p) == (0, 1)
    with pytest.raises(InputError, match="negative"):
        weighted_displacement_difference((-1, 0), (0, 0))
