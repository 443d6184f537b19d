"""Conditional permutation: the law of a neighbourhood's sum if counts fell anywhere by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EXACT_WORK_LIMIT = 2e10
"""Multiplications above which the exact law is not tried: some seconds on one core."""
EXACT_CELLS_LIMIT = 4e7
"""Size of the table of laws above which it is not tried: 320 MB."""


@dataclass(frozen=True, eq=False)
class Tails:
    """One-sided p-values of each unit, both including the observed sum; shape ``(n,)``."""

    upper: Floats
    lower: Floats

    @property
    def two_sided(self) -> Floats:
        """Return twice the smaller tail, at most 1."""
        return np.minimum(1.0, 2.0 * np.minimum(self.upper, self.lower))


def exact_work(y: Ints, k: Ints) -> tuple[float, float]:
    """Return (multiplications, table cells) that `exact_tails` would need."""
    n, k_max, values = len(y), int(k.max(initial=0)), np.unique(y)
    width = k_max * float(values.max(initial=0)) + 1
    build = float(np.sum(k_max * values + 1.0)) * (k_max + 1) * (k_max + 2) / 2
    again = build if 2 * k_max > n - 1 else width * (k_max + 1)
    return build + len(values) * (again + 2 * width * len(np.unique(k))), width * (k_max + 1)


def exact_tails(y: Ints, k: Ints, sums: Ints) -> Tails:
    """Return the exact conditional permutation p-values of sums over k other units.

    For unit i the other n - 1 counts are thought to be dealt out at random; the sum over its k
    neighbours is then the sum of k draws without replacement from them. Its law is a coefficient
    of the elementary symmetric polynomial ``prod(1 + t z^y)``, built value by value in positive
    terms only, with the unit's own count divided out. No seed and no simulation error.

    Parameters
    ----------
    y
        Whole numbers from 0 up, shape ``(n,)``.
    k
        Neighbours of each unit, without itself, shape ``(n,)``, at most n - 1.
    sums
        Observed sum over those neighbours, shape ``(n,)``.

    Returns
    -------
    Tails
        ``P(S >= sum)`` and ``P(S <= sum)``. A unit without neighbours has 1 and 1. The absolute
        error is of the order 1e-15.

    Raises
    ------
    InputError
        A count is negative or k exceeds n - 1.

    References
    ----------
    Conditional permutation: Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x. Sums of draws
    without replacement by recursion: Pagano and Tritchler (1983), On obtaining permutation
    distributions in polynomial time, J. Am. Stat. Assoc. 78, 435-440.
    """
    n, k_max = len(y), _most_neighbours(k)
    if int(y.min(initial=0)) < 0:
        raise InputError("counts must not be negative; use Monte Carlo for differences and rates")
    if k_max == 0:
        return Tails(upper=np.ones(n), lower=np.ones(n))
    values, own, repeats = np.unique(y, return_inverse=True, return_counts=True)
    values = values.astype(np.int64)
    rebuild = 2 * k_max > n - 1  # dividing out is stable only while at most half are drawn
    whole = _sum_laws(values, repeats.astype(np.int64), k_max)
    upper, lower = np.ones(n), np.ones(n)
    order = np.lexsort((sums, k, own))
    starts = np.searchsorted(own[order], np.arange(len(values) + 1))
    for v, value in enumerate(values):
        if rebuild:
            laws = _sum_laws(values, repeats - (np.arange(len(values)) == v), k_max)
        else:
            laws = _leave_out(whole, int(value), n)
        _read_tails(laws, order[starts[v] : starts[v + 1]], k, sums, upper, lower)
    return Tails(upper=upper, lower=lower)


def _most_neighbours(k: Ints) -> int:
    k_max, n = int(k.max(initial=0)), len(k)
    if k_max > max(n - 1, 0):
        raise InputError(f"a unit has {k_max} neighbours, but there are only {n - 1} others")
    return k_max


@njit(cache=True, nogil=True)
def _sum_laws(values: Ints, repeats: Ints, k_max: int) -> Floats:
    """Return P(sum of m draws = s) for m = 0..k_max; `values` ascend, shape (k_max + 1, S)."""
    laws = np.zeros((k_max + 1, k_max * values[-1] + 1))
    laws[0, 0] = 1.0
    seen = 0
    for g in range(len(values)):
        value, many = values[g], repeats[g]
        after = seen + many
        # Larger m first: the laws of smaller m are still those before this group.
        for m in range(min(k_max, after), 0, -1):
            low = max(0, m - seen)
            for c in range(low, min(m, many) + 1):
                share = _chance_of_group(c, many, m, seen)
                width = (m - c) * values[g - 1] + 1 if g > 0 else 1
                if c == low:
                    if c == 0:
                        for s in range(width):
                            laws[m, s] *= share
                    else:
                        for s in range(m * value + 1):
                            laws[m, s] = 0.0
                        for s in range(width):
                            laws[m, s + c * value] = share * laws[m - c, s]
                else:
                    for s in range(width):
                        laws[m, s + c * value] += share * laws[m - c, s]
        seen = after
    return laws


@njit(cache=True, nogil=True)
def _chance_of_group(c: int, many: int, m: int, seen: int) -> float:
    """Return the hypergeometric chance of c from a group of `many` among m of many + seen."""
    chance = 1.0
    for j in range(c):
        chance *= (m - j) / (j + 1) * (many - j) / (many + seen - j)
    for j in range(m - c):
        chance *= (seen - j) / (many + seen - c - j)
    return chance


@njit(cache=True, nogil=True)
def _leave_out(laws: Floats, value: int, n: int) -> Floats:
    """Return the laws of draws from the population without one member of the given value."""
    rest = np.zeros_like(laws)
    rest[0] = laws[0]
    for m in range(1, laws.shape[0]):
        share = m / n  # the chance that m draws of n hold that member
        for s in range(laws.shape[1]):
            held = rest[m - 1, s - value] if s >= value else 0.0
            rest[m, s] = max(0.0, (laws[m, s] - share * held) / (1.0 - share))
    return rest


@njit(cache=True, nogil=True)
def _read_tails(
    laws: Floats, members: Ints, k: Ints, sums: Ints, upper: Floats, lower: Floats
) -> None:
    """Write both tails of `members`, which come sorted by k and then by sum."""
    first = 0
    while first < len(members):
        m = k[members[first]]
        last = first
        while last < len(members) and k[members[last]] == m:
            last += 1
        below, at = 0.0, 0
        for j in range(first, last):
            while at <= sums[members[j]]:
                below += laws[m, at]
                at += 1
            lower[members[j]] = min(1.0, below)
        above, at = 0.0, laws.shape[1] - 1
        for j in range(last - 1, first - 1, -1):
            while at >= sums[members[j]]:
                above += laws[m, at]
                at -= 1
            upper[members[j]] = min(1.0, above)
        first = last


def simulated_tails(
    y: Floats, k: Ints, sums: Floats, *, permutations: int, rng: np.random.Generator
) -> Tails:
    """Return Monte-Carlo p-values of sums over k other units, for any values.

    Each unit sees the same `permutations` sets of places among the others, drawn without
    replacement; p is ``(c + 1) / (permutations + 1)`` with c draws as extreme as observed.

    Parameters
    ----------
    y, k, sums
        As in `exact_tails`, but any real values.

    References
    ----------
    Davison and Hinkley (1997), doi:10.1017/CBO9780511802843, section 4.2.
    """
    n, k_max = len(y), _most_neighbours(k)
    if k_max == 0:
        return Tails(upper=np.ones(n), lower=np.ones(n))
    draws = np.stack([rng.choice(n - 1, size=k_max, replace=False) for _ in range(permutations)])
    slack = 1e-12 * float(np.abs(y).max()) * k_max  # sums added in another order differ that much
    above, below = _count_some(y, k, sums, np.arange(n), draws, slack)
    return Tails(upper=(above + 1) / (permutations + 1), lower=(below + 1) / (permutations + 1))


def refined_tails(
    y: Floats,
    k: Ints,
    sums: Floats,
    *,
    permutations: int,
    rng: np.random.Generator,
    finer: int = 100,
    fewest: int = 10,
) -> Tails:
    """Return `simulated_tails`, with many more draws for the units that stand out.

    A false discovery rate over thousands of units asks for p-values that few draws cannot give.
    Units with fewer than `fewest` of the first draws as extreme as observed are drawn again,
    `finer` times as often, and take their p from the second draws alone, so that having been chosen
    does not favour them.

    References
    ----------
    As `simulated_tails`; the idea of drawing on where it matters: Besag and Clifford (1991),
    doi:10.1093/biomet/78.2.301.
    """
    rough = simulated_tails(y, k, sums, permutations=permutations, rng=rng)
    line = (fewest + 1) / (permutations + 1)
    chosen = np.flatnonzero(np.minimum(rough.upper, rough.lower) < line)
    k_max = _most_neighbours(k)
    if not len(chosen) or k_max == 0:
        return rough
    above = np.zeros(len(chosen), dtype=np.int64)
    below = np.zeros(len(chosen), dtype=np.int64)
    slack = 1e-12 * float(np.abs(y).max()) * k_max
    for _ in range(finer):
        draws = _distinct(len(y) - 1, (permutations, k_max), rng)
        up, down = _count_some(y, k, sums, chosen, draws, slack)
        above += up
        below += down
    upper, lower = rough.upper.copy(), rough.lower.copy()
    upper[chosen] = (above + 1) / (finer * permutations + 1)
    lower[chosen] = (below + 1) / (finer * permutations + 1)
    return Tails(upper=upper, lower=lower)


def _distinct(n: int, shape: tuple[int, int], rng: np.random.Generator) -> Ints:
    """Draw rows of different numbers below `n`, all equally likely."""
    if shape[1] > n**0.5:  # repeats are likely: shuffle instead
        return np.stack([rng.choice(n, size=shape[1], replace=False) for _ in range(shape[0])])
    draws = rng.integers(0, n, shape)
    while True:
        ordered = np.sort(draws, axis=1)
        again = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not len(again):
            return draws
        draws[again] = rng.integers(0, n, (len(again), shape[1]))


@njit(cache=True, nogil=True)
def _count_some(
    y: Floats, k: Ints, sums: Floats, units: Ints, draws: Ints, slack: float
) -> tuple[Ints, Ints]:
    above = np.zeros(len(units), dtype=np.int64)
    below = np.zeros(len(units), dtype=np.int64)
    for u in range(len(units)):
        i = units[u]
        for p in range(draws.shape[0]):
            total = 0.0
            for j in range(k[i]):
                other = draws[p, j]
                total += y[other + 1] if other >= i else y[other]
            above[u] += total >= sums[i] - slack
            below[u] += total <= sums[i] + slack
    return above, below
