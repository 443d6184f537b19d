"""What sharing hours costs by size, how near greedy comes, and SciPy's program beside it.

    python -m benchmarks.allocation [--largest 5000]

Grids x shifts x kinds with need that is skewed as reports are, floors of two steps, caps of four
even shares. Time is CPU time of this process, after one run that compiles.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from patrol.allocation.exact import share_hours
from patrol.allocation.problem import Problem, Shared

SIZES = ((71, 3, 4), (500, 3, 4), (1000, 21, 4), (5000, 3, 4), (5000, 21, 4))
CELL_STEPS = 8
# SciPy's program is given so many seconds for a row.
PEER_S = 90.0
T = TypeVar("T")


def make_problem(n: int, s: int, k: int, *, fairness: float = 0.0, seed: int = 1) -> Problem:
    """Draw a problem: need of grids is gamma with shape 0.5, as skewed as reports are."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(0.5, 1.0, (n, 1, 1))
    need = size * rng.dirichlet(np.full(s * k, 3.0), n).reshape(n, s, k) * 5
    per_shift = max(n // 6, 3)
    budget = rng.integers(per_shift // 2, per_shift * 3 // 2, (s, k))
    floor = min(2, int(budget.sum() / n / 2))
    cap = max(int(4 * budget.sum() / n), floor + 1)
    return Problem(
        need=need, budget=budget, lower=np.full(n, floor), upper=np.full(n, cap),
        cell_upper=np.full((n, s, k), CELL_STEPS), base=np.zeros((n, s, k), dtype=np.int64),
        visits=np.ones(k, dtype=np.bool_), group=rng.integers(0, max(n // 100, 4), n),
        presence=np.ones((n, k)), fairness=fairness,
    )  # fmt: skip


def tighten(problem: Problem) -> Problem:
    """Return the same need where nearly all hours are floors: two steps of 2.02 a grid."""
    n = len(problem.need)
    whole = problem.budget * (2.02 * n / problem.budget.sum())
    budget = np.maximum(np.rint(whole).astype(np.int64), 1)
    budget[0, 0] += max(int(2.02 * n) - int(budget.sum()), 0)
    return replace(problem, budget=budget, lower=np.full(n, 2), upper=np.full(n, 10))


def scipy_value(problem: Problem) -> float | None:
    """Return the value by `scipy.optimize.linprog` over every step; None past its time."""
    n, s, k = problem.need.shape
    j = np.arange(CELL_STEPS)
    gain = (problem.first_gain[..., None] * np.exp(-problem.reach[..., None] * j)).ravel()
    cell = np.repeat(np.arange(n * s * k), CELL_STEPS)
    at, ones = np.arange(len(cell)), np.ones(len(cell))
    columns = sparse.csr_array((ones, (cell % (s * k), at)))
    grids = sparse.csr_array((ones, (cell // (s * k), at)))
    found = linprog(
        -gain, A_eq=columns, b_eq=problem.budget.ravel(), A_ub=sparse.vstack([grids, -grids]),
        b_ub=np.concatenate([problem.upper, -problem.lower]), bounds=(0, 1), method="highs",
        options={"time_limit": PEER_S},
    )  # fmt: skip
    if found.status != 0:
        return None
    return float(-found.fun / problem.need.sum())


def timed(work: Callable[[], T]) -> tuple[T, float]:
    begin = time.process_time()
    return work(), time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=5000)
    given = parser.parse_args()
    for fairness in (0.0, 0.25):
        share_hours(make_problem(40, 2, 2, fairness=fairness))
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"Revision {revision}, {os.cpu_count()} cores, load {load} at the start.\n")
    print(
        "| grids x shifts x kinds | steps | fairness | greedy s | best s | method | value | greedy below | proved gap | SciPy s | SciPy value |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for n, s, k in SIZES:
        if n > given.largest:
            continue
        cases = [make_problem(n, s, k, fairness=fairness) for fairness in (0.0, 0.25, 1.0)]
        for problem in [*cases, *map(tighten, cases)]:
            _, fast_s = timed(lambda: share_hours(problem, method="greedy"))  # noqa: B023
            found, exact_s = timed(lambda: share_hours(problem))  # noqa: B023
            print(_row(problem, found, fast_s, exact_s), flush=True)


def _row(problem: Problem, found: Shared, fast_s: float, exact_s: float) -> str:
    n, s, k = problem.need.shape
    peer = "- | -"
    if (
        problem.fairness == 0
        and problem.lower.sum() < problem.budget.sum() * 0.98
        and n * s * k <= 90_000
    ):
        value, seconds = timed(lambda: scipy_value(problem))
        peer = f"> {PEER_S:g} | -" if value is None else f"{seconds:.1f} | {value:.6f}"
    below = (found.value - found.greedy_value) / found.value
    return (
        f"| {n:,} x {s} x {k}{' tight' if problem.upper.max() == 10 else ''} | {problem.budget.sum():,} | {problem.fairness:g} | {fast_s:.2f} | "
        f"{exact_s:.2f} | {found.method} | {found.value:.6f} | {below:.2%} | {found.gap:.3%} | {peer} |"
    )


if __name__ == "__main__":
    main()
