from __future__ import annotations

import numpy as np
import pytest

from analytics.near_repeat import find_near_repeats
from geo.errors import InputError


def scatter(rng, n, side=3000.0, days=200):
    return rng.uniform(0, side, n), rng.uniform(0, side, n), rng.integers(0, days, n).astype(float)


def with_repeats(rng, n=500, share=0.3):
    """Return incidents of which a share is followed within 100 m and 5 days."""
    x, y, t = scatter(rng, n)
    chosen = rng.random(n) < share
    k = chosen.sum()
    near = rng.uniform(-60, 60, (2, k))
    return (
        np.r_[x, x[chosen] + near[0]],
        np.r_[y, y[chosen] + near[1]],
        np.r_[t, t[chosen] + rng.integers(1, 6, k)],
    )


def test_pairs_are_those_counted_one_by_one():
    x, y, t = scatter(np.random.default_rng(1), 120, side=800)
    x[3], y[3] = x[4], y[4]
    far, late = (1, 100, 250), (0, 7, 30)
    found = find_near_repeats(
        x, y, t, distances_m=far, time_bands_days=late, permutations=9, rng=np.random.default_rng(2)
    )
    counts = np.zeros((3, 3), dtype=int)
    for i in range(120):
        for j in range(i):
            d, gap = np.hypot(x[i] - x[j], y[i] - y[j]), abs(t[i] - t[j])
            if d <= 250 and gap <= 30:
                counts[np.searchsorted(far, d), np.searchsorted(late, gap)] += 1
    np.testing.assert_array_equal(found.observed, counts)


def test_the_expectation_is_the_mean_of_many_permutations():
    rng = np.random.default_rng(3)
    x, y, t = scatter(rng, 150, side=900, days=60)
    run = {"distances_m": (100, 300), "time_bands_days": (2, 10), "permutations": 1}
    found = find_near_repeats(x, y, t, **run, rng=rng)
    draws = [
        find_near_repeats(x, y, rng.permutation(t), **run, rng=rng).observed for _ in range(600)
    ]
    error = 4 * np.std(draws, axis=0) / np.sqrt(600)
    assert (np.abs(np.mean(draws, axis=0) - found.expected) <= error).all()


def test_planted_repeats_are_found_near_and_soon_only():
    x, y, t = with_repeats(np.random.default_rng(4))
    found = find_near_repeats(
        x, y, t,
        distances_m=(100, 300, 600), time_bands_days=(6, 20, 60),
        permutations=199, rng=np.random.default_rng(5),
    )  # fmt: skip
    assert found.p[0, 0] == 1 / 200
    assert found.ratio[0, 0] > 3
    assert (found.ratio[1:, 1:] < 1.3).all()
    assert found.p[2, 2] > 0.05


def test_chance_alone_is_called_at_the_level_asked_for():
    rng = np.random.default_rng(6)
    p = []
    for _ in range(150):
        x, y, t = scatter(rng, 60, side=600, days=30)
        found = find_near_repeats(
            x, y, t, distances_m=(120,), time_bands_days=(3,), permutations=99, rng=rng
        )
        p.append(found.p[0, 0])
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)


def test_the_same_seed_gives_the_same_chances_and_the_table_names_the_bands():
    x, y, t = with_repeats(np.random.default_rng(7), n=150)
    first, again = (
        find_near_repeats(x, y, t, permutations=49, rng=np.random.default_rng(8)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.p, again.p)
    table = first.table()
    assert len(table) == 25
    row = table.iloc[6]
    assert (row["over_m"], row["upto_m"], row["over_days"], row["upto_days"]) == (1, 100, 1, 3)
    assert row["observed"] == first.observed[1, 1]


def test_bad_input_is_refused():
    rng, one = np.random.default_rng(1), np.ones(3)
    with pytest.raises(InputError, match="pairs of both"):
        find_near_repeats([1.0], [1.0], [1.0], rng=rng)
    with pytest.raises(InputError, match="ascending"):
        find_near_repeats(one, one, one, distances_m=(200, 100), rng=rng)
    with pytest.raises(InputError, match="missing"):
        find_near_repeats(one, one, one * np.nan, rng=rng)


def test_incidents_far_apart_have_no_pairs():
    found = find_near_repeats(
        [0.0, 1e6], [0.0, 0.0], [0.0, 1.0], permutations=9, rng=np.random.default_rng(1)
    )
    assert found.observed.sum() == 0
    assert (found.p == 1).all()
    assert np.isnan(found.ratio).all()
