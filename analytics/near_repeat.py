"""Near repeats: how much likelier an incident is soon after and close to another (Knox)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PAIRS = 50_000_000
"""Pairs near in space above which the radius is refused rather than filling the memory."""


@dataclass(frozen=True, eq=False)
class NearRepeats:
    """Pairs of incidents by how near they are; arrays have shape ``(n_distances, n_times)``.

    Attributes
    ----------
    distances_m, days
        Upper edges of the bands; the first band holds what is at most that near, each other what
        is farther than the edge before.
    observed
        Pairs in each pair of bands.
    expected
        Their mean if places and times had nothing to do with each other, exactly.
    ratio
        Observed over expected: 2 is twice as many as chance; NaN where none are expected.
    p
        Chance of as many or more, one-sided, by permuting the times.
    """

    distances_m: Floats
    days: Floats
    observed: Ints
    expected: Floats
    ratio: Floats
    p: Floats

    def table(self) -> pd.DataFrame:
        """Return one row a pair of bands: edges, ``observed, expected, ratio, p_value``."""
        n_distances, n_times = self.observed.shape
        farther = np.r_[0.0, self.distances_m[:-1]]
        later = np.r_[0.0, self.days[:-1]]
        return pd.DataFrame(
            {
                "over_m": np.repeat(farther, n_times),
                "upto_m": np.repeat(self.distances_m, n_times),
                "over_days": np.tile(later, n_distances),
                "upto_days": np.tile(self.days, n_distances),
                "observed": self.observed.ravel(),
                "expected": self.expected.ravel(),
                "ratio": self.ratio.ravel(),
                "p_value": self.p.ravel(),
            }
        )


def find_near_repeats(
    x: ArrayLike,
    y: ArrayLike,
    days: ArrayLike,
    *,
    distances_m: ArrayLike = (1.0, 100.0, 200.0, 300.0, 400.0),
    time_bands_days: ArrayLike = (1.0, 3.0, 7.0, 14.0, 28.0),
    permutations: int = 999,
    rng: np.random.Generator,
) -> NearRepeats:
    """Test whether incidents close in space are close in time more often than chance explains.

    Parameters
    ----------
    x, y
        Metres in one metric CRS, shape ``(n,)``.
    days
        Time in days since any moment, shape ``(n,)``; whole days where the hour is not known.
    distances_m, time_bands_days
        Ascending upper edges, inclusive. A first distance of 1 m sets repeats at the same place
        apart.
    permutations
        How often the times are dealt out anew among the places.

    Raises
    ------
    InputError
        Fewer than two incidents, missing values, edges that do not ascend, or a radius that
        joins too many pairs.

    References
    ----------
    Knox (1964), doi:10.2307/2985220; Townsley, Homel and Chaseling (2003),
    doi:10.1093/bjc/43.3.615; Johnson et al. (2007), doi:10.1007/s10940-007-9025-3.
    """
    xy, t = _incidents(x, y, days)
    far, late = _edges(distances_m, "distances_m"), _edges(time_bands_days, "time_bands_days")
    pairs, band = _pairs_by_distance(xy, far)
    shape = (len(far), len(late))
    observed = _count(pairs, band, t, late, shape)
    reached = np.zeros(shape, dtype=np.int64)
    for _ in range(permutations):
        reached += _count(pairs, band, rng.permutation(t), late, shape) >= observed
    expected = _expect(band, t, late, shape)
    ratio = np.divide(observed, expected, out=np.full(shape, np.nan), where=expected > 0)
    p = (reached + 1) / (permutations + 1)
    return NearRepeats(far, late, observed, expected, ratio, p)


def _incidents(x: ArrayLike, y: ArrayLike, days: ArrayLike) -> tuple[Floats, Floats]:
    xy = np.column_stack((np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)))
    t = np.asarray(days, dtype=np.float64)
    if len(xy) < 2 or t.shape != (len(xy),):
        raise InputError(f"{len(xy)} places and {len(t)} times; near repeats need pairs of both")
    if not (np.isfinite(xy).all() and np.isfinite(t).all()):
        raise InputError("a place or time is missing; leave such incidents out")
    return xy, t


def _edges(values: ArrayLike, name: str) -> Floats:
    edges = np.asarray(values, dtype=np.float64)
    if edges.ndim != 1 or len(edges) == 0 or edges[0] < 0 or (np.diff(edges) <= 0).any():
        raise InputError(f"{name} must be ascending upper edges from 0 up, such as 100, 200, 400")
    return edges


def _pairs_by_distance(xy: Floats, far: Floats) -> tuple[Ints, Ints]:
    """Return the pairs within the last edge, ``(n_pairs, 2)``, and the band of each."""
    tree = cKDTree(xy)
    many = (int(tree.count_neighbors(tree, far[-1])) - len(xy)) // 2
    if many > MOST_PAIRS:
        raise InputError(
            f"{many:,} pairs lie within {far[-1]:g} m; take shorter distances or fewer incidents"
        )
    pairs = tree.query_pairs(far[-1], output_type="ndarray").astype(np.int64)
    apart = np.sqrt(((xy[pairs[:, 0]] - xy[pairs[:, 1]]) ** 2).sum(axis=1))
    band = np.minimum(np.searchsorted(far, apart, side="left"), len(far) - 1)
    return pairs, band.astype(np.int64)


@njit(cache=True, nogil=True)
def _count(pairs: Ints, band: Ints, t: Floats, late: Floats, shape: tuple[int, int]) -> Ints:
    counts = np.zeros(shape, dtype=np.int64)
    for i in range(len(pairs)):
        gap = abs(t[pairs[i, 0]] - t[pairs[i, 1]])
        for j in range(len(late)):
            if gap <= late[j]:
                counts[band[i], j] += 1
                break
    return counts


def _expect(band: Ints, t: Floats, late: Floats, shape: tuple[int, int]) -> Floats:
    """Return the mean over all permutations: pairs near in space times the share near in time."""
    ordered = np.sort(t)
    # Pairs by gap without listing them: for each time, how many later ones it reaches.
    reach = np.searchsorted(ordered, ordered + late[:, None], side="right")
    within = (reach - np.arange(1, len(t) + 1)).sum(axis=1).astype(np.float64)
    share = np.diff(within, prepend=0.0) / (len(t) * (len(t) - 1) / 2)
    return np.asarray(np.bincount(band, minlength=shape[0])[:, None] * share[None, :])
