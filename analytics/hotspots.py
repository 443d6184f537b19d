"""Hot and cold spots: the Getis-Ord statistic with exact chances and a false discovery rate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr

from analytics.cube import REPORTED, Cube
from analytics.fdr import Procedure, adjust_fdr
from analytics.permutation import (
    EXACT_CELLS_LIMIT,
    EXACT_WORK_LIMIT,
    Tails,
    exact_tails,
    exact_work,
    simulated_tails,
)
from analytics.results import Result
from geo.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Neighbours = tuple[Ints, Ints]
"""Who neighbours whom as CSR ``(indptr, indices)``: those of unit i stand at
``indices[indptr[i]:indptr[i + 1]]``, without i itself and without repeats."""

Near = Literal["touching", "rook", "distance", "nearest"]
Weights = Literal["binary", "row"]
Chance = Literal["auto", "exact", "simulated", "normal"]
WHOLE = 0.9


@dataclass(frozen=True)
class HotspotParams:
    """How hotspots are found.

    Attributes
    ----------
    star
        Whether a unit counts as its own neighbour (Gi*), or not (Gi).
    near, near_m, near_k
        Who is a neighbour: ``touching`` (queen; cells by the lattice's contiguity), ``rook`` (a
        common side), within the ``distance`` of `near_m` metres, or the `near_k` ``nearest``.
        It says with which neighbours the caller is to find hotspots; see `analytics.answers`.
    weights
        ``binary``, the statistic as published, or ``row``, each row summing to 1 with the
        variance that esda uses, for comparison with maps made that way.
    chance
        ``exact`` permutation (whole counts only), ``simulated``, ``normal``, or ``auto``: exact
        where that is possible, else simulated.
    permutations
        How many are simulated.
    alpha
        False discovery rate at which a unit is called hot or cold.
    fdr
        ``bh`` or ``by``, see `adjust_fdr`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    star: bool = True
    near: Near = "touching"
    near_m: float | None = None
    near_k: int | None = None
    weights: Weights = "binary"
    chance: Chance = "auto"
    permutations: int = 999
    alpha: float = 0.05
    fdr: Procedure = "bh"
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if self.permutations < 1:
            raise InputError("at least one permutation is needed; 999 is usual")
        if (self.near == "distance") != (self.near_m is not None):
            raise InputError("neighbours by distance need near_m, in metres, and no others do")
        if (self.near == "nearest") != (self.near_k is not None):
            raise InputError("the nearest neighbours need near_k, their number, and no others do")


@dataclass(frozen=True, eq=False)
class LocalG:
    """The Getis-Ord statistic of each unit; every array has shape ``(n,)``.

    Attributes
    ----------
    z
        Standardised statistic; NaN where it is not defined (no variance, no neighbours, or a
        neighbourhood of everything).
    tails
        One-sided p-values.
    chance
        How they were computed: ``exact``, ``simulated`` or ``normal``.
    """

    z: Floats
    tails: Tails
    chance: str


def find_hotspots(
    cube: Cube,
    neighbours: Neighbours,
    params: HotspotParams | None = None,
    *,
    share: Floats | None = None,
    rng: np.random.Generator | None = None,
) -> Result:
    """Find the units whose neighbourhood holds more or less than chance explains.

    Parameters
    ----------
    cube
        Counts; all steps are added up.
    neighbours
        Of the cube's units, in its order.
    share
        Share of each cell inside the boundary, shape ``(n_units,)``. Where a tenth or more of a
        neighbourhood lies outside there was less room for incidents, so few of them are not
        tested (p and q NaN). None: all cells are whole.
    rng
        Needed only where p-values must be simulated.

    Returns
    -------
    Result
        Score z, two-sided p, q over all units that were tested, label ``hot``, ``cold``,
        ``none`` or ``untested``.

    Raises
    ------
    InputError
        The neighbours do not fit the cube, or `rng` is needed and missing.
    """
    how = params or HotspotParams()
    y = cube.totals(classes=how.classes, found_by=how.found_by)
    found = local_g(y, neighbours, how, rng=rng)
    p = found.tails.two_sided
    if share is not None:
        fewer = found.tails.lower < found.tails.upper
        p = np.where(fewer & is_cut(share, neighbours), np.nan, p)
    q = adjust_fdr(p, procedure=how.fdr)
    label = np.where(np.isnan(p), "untested", label_spots(found.tails, q, alpha=how.alpha))
    described = asdict(how) | {"chance": found.chance, "share": share is not None}
    described |= cube.describe(classes=how.classes, found_by=how.found_by)
    return Result(
        kind="hotspots",
        units=cube.units,
        steps=cube.steps,
        observed=y.astype(np.float64),
        score=found.z,
        p=p,
        q=q,
        slope=np.full(len(y), np.nan),
        label=label,
        parameters=MappingProxyType(described),
    )


def is_cut(share: Floats, neighbours: Neighbours) -> NDArray[np.bool_]:
    """Say which units lie, with their neighbours, a tenth or more outside; shape ``(n,)``."""
    k = np.diff(neighbours[0])
    inside = (np.asarray(share) + neighbour_sums(np.asarray(share), neighbours)) / (k + 1)
    return np.asarray(inside < WHOLE)


def local_g(
    y: NDArray[Any],
    neighbours: Neighbours,
    params: HotspotParams | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> LocalG:
    """Return the local Getis-Ord statistic with its chance in both tails.

    Parameters
    ----------
    y
        Values, shape ``(n,)``; whole numbers for exact p-values. Empty input gives empty arrays.
    neighbours
        CSR pair of the n units.

    Raises
    ------
    InputError
        A value is not finite, the neighbours are malformed, exact chances are asked of values
        that are not counts or are too large, or `rng` is missing for a simulation.

    References
    ----------
    Getis and Ord (1992), doi:10.1111/j.1538-4632.1992.tb00261.x; Ord and Getis (1995),
    doi:10.1111/j.1538-4632.1995.tb00912.x.
    """
    how = params or HotspotParams()
    values = np.asarray(y, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("a value is missing or infinite; leave such units out or fill them first")
    indptr, indices = check_neighbours(neighbours, len(values))
    k = np.diff(indptr)
    sums = neighbour_sums(values, (indptr, indices))
    z = standardise(values, k, sums, star=how.star, weights=how.weights)
    chance = choose_chance(values, k, how.chance)
    return LocalG(z=z, tails=_tails(values, k, sums, z, chance, how, rng), chance=chance)


def check_neighbours(neighbours: Neighbours, n: int) -> Neighbours:
    """Return the CSR pair as int64 after checking its shape, its range and that none is itself."""
    indptr = np.asarray(neighbours[0], dtype=np.int64)
    indices = np.asarray(neighbours[1], dtype=np.int64)
    if len(indptr) != n + 1 or indptr[0] != 0 or indptr[-1] != len(indices):
        raise InputError(f"neighbours describe {len(indptr) - 1} units, the values are {n}")
    k = np.diff(indptr)
    if (k < 0).any() or (len(indices) and not 0 <= indices.min() <= indices.max() < n):
        raise InputError("neighbours point outside the units; build them for these units")
    row = np.repeat(np.arange(n), k)
    if (row == indices).any():
        raise InputError("a unit is its own neighbour; Gi* adds the unit itself, leave it out")
    pairs = row * n + indices
    if (np.diff(pairs) <= 0).any() and len(np.unique(pairs)) != len(pairs):
        raise InputError("a neighbour is named twice; each may be named once")
    return indptr, indices


def neighbour_sums(y: Floats, neighbours: Neighbours) -> Floats:
    """Return the sum of y over the neighbours of each unit, without itself; shape ``(n,)``."""
    indptr, indices = neighbours
    ones = np.ones(len(indices))
    return np.asarray(sparse.csr_array((ones, indices, indptr), shape=(len(y), len(y))) @ y)


def standardise(y: Floats, k: Ints, sums: Floats, *, star: bool, weights: Weights) -> Floats:
    """Return z of neighbourhood sums, by the moments of draws without replacement.

    With ``weights="row"`` the variance takes the row's sum of weights, 1, where Ord and Getis
    have the sum of squared weights; this is esda's convention. By the published formula
    row-standardised and binary weights give the same z.
    """
    n = len(y) if star else len(y) - 1
    centred = y - y.sum() / max(len(y), 1)
    own = 0.0 if star else centred
    size = k + int(star)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (centred.sum() - own) / n
        variance = ((centred**2).sum() - np.square(own)) / n - mean**2
        statistic = sums - k * (y.sum() / max(len(y), 1)) + (centred if star else 0.0)
        weight = size.astype(np.float64)
        if weights == "row":
            statistic, weight = statistic / size, (size > 0).astype(np.float64)
        spread = weight * (n - weight) / (n - 1) * variance
        z = (statistic - weight * mean) / np.sqrt(spread)
    # Equal values leave a variance made of rounding errors only.
    widest = np.abs(centred).max(initial=0.0)
    flat = (variance <= 4e-15 * widest**2) | (widest <= 1e-13 * np.abs(y).max(initial=0.0))
    return np.where(flat | ~np.isfinite(z), np.nan, z)


def choose_chance(y: Floats, k: Ints, wanted: Chance) -> str:
    """Return how p-values are computed; see `HotspotParams.chance`."""
    if wanted in ("simulated", "normal"):
        return wanted
    reason = _why_not_exact(y, k)
    if reason and wanted == "exact":
        raise InputError(f'exact p-values are not possible: {reason}; use chance="simulated"')
    return "simulated" if reason else "exact"


def _why_not_exact(y: Floats, k: Ints) -> str | None:
    if (y < 0).any() or (y != np.floor(y)).any() or y.max(initial=0) > 2**31:
        return "the values are not counts"
    work, cells = exact_work(y.astype(np.int64), k)
    if work > EXACT_WORK_LIMIT or cells > EXACT_CELLS_LIMIT:
        return "the counts or neighbourhoods are too large"
    return None


def _tails(
    y: Floats,
    k: Ints,
    sums: Floats,
    z: Floats,
    chance: str,
    how: HotspotParams,
    rng: np.random.Generator | None,
) -> Tails:
    # For a fixed unit the statistic rises with the sum over its neighbours in all its forms,
    # so star and weights do not change the permutation law.
    if chance == "exact":
        return exact_tails(y.astype(np.int64), k, np.rint(sums).astype(np.int64))
    if chance == "simulated":
        if rng is None:
            raise InputError("these values need simulated p-values; hand in rng with a seed")
        return simulated_tails(y, k, sums, permutations=how.permutations, rng=rng)
    known = np.nan_to_num(z, nan=0.0)
    unknown = np.isnan(z)
    return Tails(
        upper=np.where(unknown, 1.0, ndtr(-known)), lower=np.where(unknown, 1.0, ndtr(known))
    )


def label_spots(tails: Tails, q: Floats, *, alpha: float) -> NDArray[np.str_]:
    """Return ``hot``, ``cold`` or ``none`` for each unit, shape ``(n,)``."""
    side = np.where(tails.upper <= tails.lower, "hot", "cold")
    return np.where(q <= alpha, side, "none")
