from __future__ import annotations

from dataclasses import fields
from datetime import date

import numpy as np

from analytics.cube_fill import Tally, fill
from analytics.steps import make_steps

HOUR_US = 3_600_000_000


def test_sums_of_parts_do_not_depend_on_the_order_that_a_database_gives_them_in():
    """Intervals of odd lengths over the hours of one day: no sum of parts is exact."""
    steps = make_steps(date(2024, 1, 1), date(2024, 1, 2), step="hour", time_zone="UTC")
    rng = np.random.default_rng(6)
    n = 500
    start = int(np.datetime64("2024-01-01", "us").astype(np.int64))
    begin = start + rng.integers(0, 20 * HOUR_US, n)
    zeros = np.zeros(n, dtype=np.int64)
    end = begin + rng.integers(HOUR_US, 30 * HOUR_US, n)
    tally = Tally(rng.integers(0, 3, n), zeros, zeros, zeros, rng.integers(1, 9, n), begin, end)
    counts, outside = fill((3, len(steps), 1, 1), tally, steps)
    shuffle = rng.permutation(n)
    shuffled = Tally(*(getattr(tally, item.name)[shuffle] for item in fields(Tally)))
    counts_again, outside_again = fill((3, len(steps), 1, 1), shuffled, steps)
    np.testing.assert_array_equal(counts, counts_again)
    assert outside == outside_again > 0
    np.testing.assert_allclose(counts.sum() + outside, tally.n.sum())
