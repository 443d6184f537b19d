"""Small problems whose best sharing can be found by trying all."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from patrol.allocation.problem import Problem


def make_problem(n=3, s=2, k=1, *, seed=0, **given):
    rng = np.random.default_rng(seed)
    defaults = {
        "need": rng.gamma(0.7, 2.0, (n, s, k)),
        "budget": np.full((s, k), 3),
        "lower": np.zeros(n, dtype=np.int64),
        "upper": np.full(n, 100),
        "cell_upper": np.full((n, s, k), 100),
        "base": np.zeros((n, s, k), dtype=np.int64),
        "visits": np.ones(k, dtype=np.bool_),
        "group": np.arange(n) % 2,
        "presence": np.ones((n, k)),
    }
    return Problem(**(defaults | given))


def every_sharing(problem: Problem):
    """Yield every sharing that keeps all rules."""
    n, s, k = problem.need.shape
    columns = [
        [
            split
            for split in product(*(range(int(b) + 1) for b in problem.cell_upper[:, shift, kind]))
            if sum(split) == problem.budget[shift, kind]
            and (np.array(split) >= problem.base[:, shift, kind]).all()
        ]
        for shift, kind in np.ndindex(s, k)
    ]
    for chosen in product(*columns):
        steps = np.array(chosen).T.reshape(n, s, k)
        visited = (steps * problem.visits).sum(axis=(1, 2))
        if (visited >= problem.lower).all() and (steps.sum(axis=(1, 2)) <= problem.upper).all():
            yield steps


def best_by_hand(problem: Problem) -> float | None:
    return max((problem.value(steps) for steps in every_sharing(problem)), default=None)


@pytest.fixture(scope="session", name="make_problem")
def _make_problem():
    return make_problem


@pytest.fixture(scope="session", name="best_by_hand")
def _best_by_hand():
    return best_by_hand
