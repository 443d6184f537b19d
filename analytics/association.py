"""Spatial association: who resembles the neighbours, who differs, and who stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import hypergeom

from analytics.fdr import Procedure, adjust_fdr
from analytics.hotspots import (
    Chance,
    HotspotParams,
    Neighbours,
    check_neighbours,
    local_g,
    neighbour_sums,
)
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Weights = Literal["binary", "row"]


@dataclass(frozen=True, eq=False)
class LocalMoran:
    """Local Moran's I of each unit; every array has shape ``(n,)``.

    Attributes
    ----------
    i
        Positive where the unit resembles its neighbours, negative where it differs; NaN where
        all values are equal.
    p, q
        Two-sided p by conditional permutation, and its false discovery rate over all units.
    label
        ``high-high``, ``low-low``, ``high-low`` (high among low), ``low-high`` or ``none``.
    """

    i: Floats
    p: Floats
    q: Floats
    label: NDArray[np.str_]


@dataclass(frozen=True)
class JoinCount:
    """How often neighbours are alike in a way, against chance."""

    count: int
    expected: float
    variance: float

    @property
    def z(self) -> float:
        """Return the standardised count; 0 where nothing can vary."""
        spread = self.variance**0.5
        return (self.count - self.expected) / spread if spread > 0 else 0.0

    @property
    def p(self) -> float:
        """Return the two-sided p-value by the normal approximation."""
        return float(2 * ndtr(-abs(self.z)))


def local_moran(
    y: NDArray[Any],
    neighbours: Neighbours,
    *,
    weights: Weights = "row",
    chance: Chance = "auto",
    permutations: int = 999,
    alpha: float = 0.05,
    fdr: Procedure = "bh",
    rng: np.random.Generator | None = None,
) -> LocalMoran:
    """Return local Moran's I with chances, and who stands out from or together with the rest.

    Given the unit's own value, I rises or falls with the sum over its neighbours, so its
    conditional permutation law is that of the local Getis-Ord statistic: p is exact for counts.

    Parameters
    ----------
    y
        Values, shape ``(n,)``. Empty input gives empty arrays.
    neighbours
        CSR pair of the n units.
    weights
        ``row``, each row summing to 1, or ``binary``.
    chance, permutations, rng
        As in `analytics.hotspots.local_g`.

    Raises
    ------
    InputError
        As `analytics.hotspots.local_g`.

    References
    ----------
    Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x.
    """
    how = HotspotParams(star=False, chance=chance, permutations=permutations, alpha=alpha, fdr=fdr)
    p = local_g(y, neighbours, how, rng=rng).tails.two_sided
    values = np.asarray(y, dtype=np.float64)
    near = check_neighbours(neighbours, len(values))
    k = np.diff(near[0])
    centred = values - values.sum() / max(len(values), 1)
    lag = neighbour_sums(centred, near)
    if weights == "row":
        lag = np.divide(lag, k, out=np.zeros_like(lag), where=k > 0)
    total = float((centred**2).sum())
    flat = total <= 1e-26 * len(values) * float(np.abs(values).max(initial=0.0)) ** 2
    i = np.full(len(values), np.nan) if flat else (len(values) - 1) * centred * lag / total
    p = np.where(np.isnan(i) | (k == 0), np.nan, p)
    q = adjust_fdr(p, procedure=fdr)
    own, around = np.where(centred > 0, "high-", "low-"), np.where(lag > 0, "high", "low")
    label = np.where(q <= alpha, np.char.add(own, around), "none")
    return LocalMoran(i=i, p=p, q=q, label=label)


def join_counts(y: NDArray[Any], neighbours: Neighbours) -> dict[str, JoinCount]:
    """Count joins of marked with marked units, unmarked with unmarked, and mixed ones.

    Parameters
    ----------
    y
        True or 1 where marked, shape ``(n,)``.
    neighbours
        CSR pair, symmetric.

    Returns
    -------
    dict
        ``marked``, ``unmarked`` and ``mixed``; expectation and variance if the marks fell on any
        units (without replacement).

    Raises
    ------
    InputError
        y holds other values than 0 and 1.

    References
    ----------
    Cliff and Ord (1981), Spatial Processes: Models and Applications, section 1.4 (non-free
    sampling).
    """
    marked = _marks(y)
    near = check_neighbours(neighbours, len(marked))
    k = np.diff(near[0])
    n, n_marked, joins = len(marked), int(marked.sum()), len(near[1]) // 2
    touching = int((k * (k - 1)).sum())  # ordered pairs of joins with a unit in common
    apart = joins * (joins - 1) - touching
    both = int((marked * neighbour_sums(marked, near)).sum()) // 2
    bare = 1.0 - marked
    neither = int((bare * neighbour_sums(bare, near)).sum()) // 2

    def alike(count: int, members: int) -> JoinCount:
        expected = joins * _chance((members, 2), n)
        square = expected + touching * _chance((members, 3), n) + apart * _chance((members, 4), n)
        return JoinCount(count, expected, max(0.0, square - expected**2))

    expected = 2 * joins * _chance((n_marked, 1), n, (n - n_marked, 1))
    square = expected + touching * _chance((n_marked, 1), n, (n - n_marked, 1))
    square += apart * 4 * _chance((n_marked, 2), n, (n - n_marked, 2))
    mixed = JoinCount(joins - both - neither, expected, max(0.0, square - expected**2))
    return {
        "marked": alike(both, n_marked),
        "unmarked": alike(neither, n - n_marked),
        "mixed": mixed,
    }


def local_join_counts(y: NDArray[Any], neighbours: Neighbours) -> tuple[Ints, Floats]:
    """Return how many marked neighbours each marked unit has, and the chance of as many.

    Parameters
    ----------
    y
        True or 1 where marked, shape ``(n,)``.

    Returns
    -------
    tuple
        Counts (0 for unmarked units) and exact upper-tail p-values by the hypergeometric law of
        conditional permutation (NaN for unmarked units), each ``(n,)``.

    References
    ----------
    Anselin and Li (2019), doi:10.1007/s10109-019-00299-x.
    """
    marked = _marks(y)
    near = check_neighbours(neighbours, len(marked))
    around = np.rint(neighbour_sums(marked, near)).astype(np.int64)
    n_marked = int(marked.sum())
    p = np.full(len(marked), np.nan)
    members = np.flatnonzero(marked)
    k = np.diff(near[0])[members]
    p[members] = hypergeom.sf(around[members] - 1, len(marked) - 1, n_marked - 1, k)
    return np.where(marked > 0, around, 0), p


def _marks(y: NDArray[Any]) -> Floats:
    marks = np.asarray(y, dtype=np.float64)
    if not np.isin(marks, (0.0, 1.0)).all():
        raise InputError("join counts need marks: 1 or 0 for each unit")
    return marks


def _chance(group: tuple[int, int], n: int, other: tuple[int, int] = (0, 0)) -> float:
    """Return the chance that given units are of a group and others of another, in that order."""
    top, bottom = 1.0, 1.0
    for members, many in (group, other):
        for j in range(many):
            top *= max(members - j, 0)
    for j in range(group[1] + other[1]):
        bottom *= n - j
    return top / bottom if bottom > 0 else 0.0
