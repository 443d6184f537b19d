from __future__ import annotations

import numpy as np
import pytest

from analytics.evaluate.bootstrap import paired_gain
from analytics.evaluate.origins import Origins, rolling_origins
from geo.errors import InputError


def test_the_interval_holds_the_true_gain_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        shared = rng.normal(size=60)
        ours = shared + 0.2 + 0.5 * rng.normal(size=60)
        gain = paired_gain(ours, shared, rng=rng, replicates=300)
        held += gain.low <= 0.2 <= gain.high
    assert 0.87 < held / 300 < 0.98


def test_blocks_widen_the_interval_where_neighbours_are_alike():
    rng = np.random.default_rng(2)
    slow = np.repeat(rng.normal(size=20), 5)
    narrow = paired_gain(slow, np.zeros(100), rng=np.random.default_rng(0), block=1)
    wide = paired_gain(slow, np.zeros(100), rng=np.random.default_rng(0), block=10)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_tasks_of_one_origin_are_drawn_together():
    rng = np.random.default_rng(3)
    week = rng.normal(size=(50, 1))
    same = np.repeat(week, 8, axis=1)
    one = paired_gain(week, np.zeros((50, 1)), rng=np.random.default_rng(0))
    eight = paired_gain(same, np.zeros((50, 8)), rng=np.random.default_rng(0))
    assert (eight.low, eight.high) == pytest.approx((one.low, one.high))


def test_origins_without_incidents_are_left_out():
    ours, theirs = np.array([2.0, np.nan, 4.0]), np.array([1.0, 1.0, 1.0])
    gain = paired_gain(ours, theirs, rng=np.random.default_rng(0))
    assert gain.mean == 2.0
    assert gain.baseline == 1.0
    assert gain.relative[0] == 2.0


def test_equal_methods_gain_exactly_nothing():
    same = np.arange(10.0)
    gain = paired_gain(same, same, rng=np.random.default_rng(0))
    assert (gain.mean, gain.low, gain.high) == (0, 0, 0)


def test_scores_must_be_alike_and_known():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="must be alike"):
        paired_gain(np.zeros(3), np.zeros(4), rng=rng)
    with pytest.raises(InputError, match="no origin has a score"):
        paired_gain(np.full(3, np.nan), np.zeros(3), rng=rng)


def test_origins_end_with_the_data_and_see_nothing_under_embargo():
    origins = rolling_origins(100, n_origins=3, horizon_steps=7, embargo_steps=2)
    assert origins.steps == (79, 86, 93)
    assert origins.cutoffs == [77, 84, 91]
    assert rolling_origins(100, n_origins=2, every=1, horizon_steps=7).steps == (92, 93)
    assert rolling_origins(100, n_origins=2, last_step=50).steps == (48, 49)


def test_too_many_origins_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        rolling_origins(10, n_origins=10)
    with pytest.raises(InputError, match="ascending"):
        Origins((3, 3))
    with pytest.raises(InputError, match="at least"):
        Origins((3,), horizon_steps=0)
