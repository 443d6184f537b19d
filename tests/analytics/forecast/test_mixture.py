from __future__ import annotations

import numpy as np
import pytest

from analytics.forecast.dispersion import estimate_dispersion
from analytics.forecast.mixture import (
    Evidence,
    gather,
    learn_level_weights,
    learn_weights,
    mix,
    place_on_levels,
)


def evidence_of(shares, y, level, part, n_levels=2):
    hit = y > 0
    exposure = np.zeros((shares.shape[1], n_levels))
    np.add.at(exposure.T, level, shares * part[:, None])
    np.add.at(exposure.T, level + 1, shares * (1 - part)[:, None])
    return Evidence(
        shares[hit].astype(np.float32), y[hit].astype(np.float32), level[hit], part[hit], exposure
    )


def all_at(level, n, part=1.0):
    return np.full(n, level), np.full(n, part, dtype=np.float32)


def test_planted_weights_are_found():
    rng = np.random.default_rng(1)
    shares = rng.gamma(0.3, 1.0, (4000, 3))
    y = rng.poisson(shares @ [0.1, 0.7, 0.2] * 5)
    weights = learn_weights(evidence_of(shares, y, *all_at(0, 4000)), sweeps=300)
    np.testing.assert_allclose(weights / weights.sum(), [0.1, 0.7, 0.2], atol=0.02)
    assert (shares @ weights).sum() == pytest.approx(y.sum(), rel=1e-6)


def test_more_sweeps_never_make_the_evidence_less_likely():
    rng = np.random.default_rng(2)
    shares = rng.gamma(0.3, 1.0, (500, 4))
    y = rng.poisson(shares @ [1.0, 0.0, 2.0, 0.5])
    evidence = evidence_of(shares, y, *all_at(0, 500))
    likelihood = [
        (y * np.log(shares @ w) - shares @ w).sum()
        for w in (learn_weights(evidence, sweeps=n) for n in range(1, 30))
    ]
    assert (np.diff(likelihood) > -1e-9).all()


def test_weights_by_level_are_found_and_a_belief_holds_them():
    rng = np.random.default_rng(3)
    n = 6000
    shares = rng.gamma(0.3, 1.0, (n, 2))
    level = rng.integers(0, 2, n)
    part = rng.random(n).astype(np.float32)
    true = np.array([[1.0, 3.0, 6.0], [5.0, 2.0, 1.0]])
    by_unit = part[:, None] * true.T[level] + (1 - part)[:, None] * true.T[level + 1]
    y = rng.poisson((shares * by_unit).sum(axis=1))
    evidence = evidence_of(shares, y, level, part, n_levels=3)
    start = np.repeat(learn_weights(evidence, sweeps=100)[:, None], 3, axis=1)
    free = learn_level_weights(evidence, start, sweeps=500, belief=1e-6)
    np.testing.assert_allclose(free, true, rtol=0.2)
    held = learn_level_weights(evidence, start, sweeps=100, belief=1e6)
    np.testing.assert_allclose(held, start, rtol=1e-3)


def test_windows_add_up():
    rng = np.random.default_rng(4)
    shares, y = rng.random((100, 2)), rng.poisson(1.0, 100)
    whole = evidence_of(shares, y, *all_at(0, 100))
    halves = [evidence_of(shares[s], y[s], *all_at(0, 50)) for s in (slice(50), slice(50, None))]
    np.testing.assert_allclose(
        learn_weights(gather(halves), sweeps=20), learn_weights(whole, sweeps=20)
    )


def test_no_incident_leaves_equal_weights():
    nothing = evidence_of(np.ones((5, 3)), np.zeros(5), *all_at(0, 5))
    np.testing.assert_allclose(learn_weights(nothing, sweeps=10), 1 / 3)


def test_a_mixture_interpolates_between_levels_and_sums_to_one():
    level, part = place_on_levels(np.array([0.0, 2.0, 1e9]), (0.5, 2.0, 8.0))
    assert list(level) == [0, 1, 1]
    assert list(part) == [1.0, 1.0, 0.0]
    shares = np.full((3, 1), 1 / 3, dtype=np.float32)
    mixed = mix(shares, level, part, np.array([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(mixed, np.array([1, 2, 5]) / 8, rtol=1e-6)


@pytest.mark.parametrize("excess", [0.0, 0.4, 2.0])
def test_dispersion_finds_the_planted_excess(excess):
    rng = np.random.default_rng(5)
    mean = rng.gamma(1.0, 3.0, 60_000)
    y = rng.poisson(mean * (rng.gamma(1 / excess, excess, mean.shape) if excess else 1.0))
    found = estimate_dispersion(y, mean)
    busy = (mean > 1) & (mean < 10)
    np.testing.assert_allclose(1 / found.sizes(mean[busy]), excess, atol=0.06 + 0.1 * excess)


def test_dispersion_of_nothing_is_poisson():
    assert np.isinf(estimate_dispersion(np.zeros(0), np.zeros(0)).sizes(np.array([0.1, 9.0]))).all()
