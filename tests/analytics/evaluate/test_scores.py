from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.evaluate.scores import (
    capture,
    hit_rate,
    interval_coverage,
    log_score,
    mean_crps,
    poisson_deviance,
    prediction_accuracy_index,
    prediction_efficiency_index,
    randomised_pit,
    stability,
    taken,
)
from geo.errors import InputError

RISK = np.array([4.0, 3.0, 2.0, 1.0])
CAME = np.array([2, 0, 5, 1])
EQUAL = np.ones(4)


def test_pai_and_pei_of_a_lattice_counted_by_hand():
    shares = (0.25, 0.5, 0.75)
    np.testing.assert_allclose(hit_rate(RISK, CAME, EQUAL, shares), [2 / 8, 2 / 8, 7 / 8])
    np.testing.assert_allclose(
        prediction_accuracy_index(RISK, CAME, EQUAL, shares), [1, 0.5, 7 / 6]
    )
    np.testing.assert_allclose(
        prediction_efficiency_index(RISK, CAME, EQUAL, shares), [2 / 5, 2 / 7, 7 / 8]
    )


def test_a_unit_at_the_border_counts_by_its_part():
    np.testing.assert_allclose(capture(RISK, CAME, EQUAL, [0.125, 0.625]), [1.0, 4.5])


def test_large_units_are_judged_by_density():
    area = np.array([8.0, 1.0, 1.0, 1.0])
    # densities .5, 3, 2, 1: the small hot unit comes first
    np.testing.assert_allclose(capture(RISK, CAME, area, [2 / 11]), [5.0])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 1))
def test_order_of_units_plays_no_part_even_with_ties(seed, share):
    rng = np.random.default_rng(seed)
    risk, came = rng.integers(1, 4, 40).astype(float), rng.poisson(1.0, 40)
    area = rng.choice([1.0, 2.0], 40)
    shuffled = rng.permutation(40)
    here = capture(risk, came, area, [share])
    there = capture(risk[shuffled], came[shuffled], area[shuffled], [share])
    np.testing.assert_allclose(here, there)
    np.testing.assert_allclose(taken(risk, area, share) @ area, share * area.sum())
    np.testing.assert_allclose(here[0], taken(risk, area, share) @ came, atol=3)
    best = prediction_efficiency_index(risk, came, area, [share])
    assert np.isnan(best).all() or 0 <= best[0] <= 1 + 1e-9


def test_ties_give_what_a_random_choice_would_on_average():
    rng = np.random.default_rng(2)
    risk, came = np.array([2.0, 1, 1, 1, 1, 0.5]), np.array([1, 0, 4, 2, 0, 9])
    drawn = []
    for _ in range(4000):
        order = np.lexsort((rng.random(6), -risk))
        drawn.append(came[order[:3]].sum())
    assert capture(risk, came, np.ones(6), [0.5])[0] == pytest.approx(np.mean(drawn), abs=0.1)


def test_without_incidents_there_is_no_hit_rate():
    nothing = np.zeros(4)
    assert np.isnan(hit_rate(RISK, nothing, EQUAL, [0.5])).all()
    assert np.isnan(prediction_efficiency_index(RISK, nothing, EQUAL, [0.5])).all()


def test_deviance_is_zero_when_the_mean_is_what_came_and_agrees_with_its_formula():
    came = np.array([1, 2, 3])
    assert poisson_deviance(came.astype(float), came) == pytest.approx(0)
    mean, y = np.array([0.5, 2.0]), np.array([0, 3])
    expected = (2 * 0.5 + 2 * (3 * np.log(1.5) - 1)) / 2
    assert poisson_deviance(mean, y) == pytest.approx(expected)


def test_the_true_law_scores_best():
    rng = np.random.default_rng(3)
    mean = rng.gamma(1.0, 2.0, 20_000)
    size = np.full(mean.shape, 2.0)
    y = rng.poisson(mean * rng.gamma(2.0, 0.5, mean.shape))
    wrong = [(1.3 * mean, size), (mean, np.full(mean.shape, np.inf)), (mean, size / 4)]
    for other_mean, other_size in wrong:
        assert log_score(mean, size, y) > log_score(other_mean, other_size, y)
        assert mean_crps(mean, size, y) < mean_crps(other_mean, other_size, y)


def test_pit_is_uniform_and_intervals_hold_their_share_only_under_the_true_law():
    rng = np.random.default_rng(4)
    mean = rng.gamma(0.5, 2.0, 40_000)
    size = np.full(mean.shape, 1.5)
    y = rng.poisson(mean * rng.gamma(1.5, 1 / 1.5, mean.shape))
    pit = randomised_pit(mean, size, y, rng)
    np.testing.assert_allclose(np.histogram(pit, 10, (0, 1))[0] / len(pit), 0.1, atol=0.006)
    coverage = interval_coverage(mean, size, y, pit, 0.8)
    assert coverage.exact == pytest.approx(0.8, abs=0.01)
    assert coverage.whole == pytest.approx(coverage.promised, abs=0.01)
    assert coverage.promised > 0.8
    poisson = np.full(mean.shape, np.inf)
    narrow = randomised_pit(mean, poisson, y, rng)
    assert interval_coverage(mean, poisson, y, narrow, 0.8).exact < 0.77


def test_stability_is_one_for_the_same_map_and_none_for_its_opposite():
    risk = np.arange(10.0)
    area = np.ones(10)
    assert stability(risk, 3 * risk, area, 0.2) == 1
    assert stability(risk, -risk, area, 0.2) == 0
    assert stability(risk, np.roll(risk, 1), area, 0.2) == pytest.approx(1 / 3)


def test_shapes_and_areas_are_checked():
    with pytest.raises(InputError, match="one value per unit"):
        capture(RISK, CAME[:3], EQUAL, [0.1])
    with pytest.raises(InputError, match="positive"):
        capture(RISK, CAME, np.zeros(4), [0.1])
