"""Emerging hot spots: how each place became hot or cold, in seventeen classes."""

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
from analytics.hotspots import (
    Neighbours,
    check_neighbours,
    choose_chance,
    standardise,
)
from analytics.permutation import Tails, exact_tails
from analytics.results import Result
from analytics.trends import MannKendall, mann_kendall
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Spots = NDArray[np.int8]
Bools = NDArray[np.bool_]

Reference = Literal["cube", "window", "step"]
Chance = Literal["auto", "exact", "normal"]

FEWEST_STEPS = 10
"""Steps below which "ninety per cent of the time" says nothing that "always" does not."""
MOST_LAG = 12

PATTERNS = (
    "new",
    "consecutive",
    "intensifying",
    "persistent",
    "diminishing",
    "sporadic",
    "oscillating",
    "historical",
)
"""The eight patterns; each is ``<pattern>_hot`` or ``<pattern>_cold``, and ``none`` is the 17th."""


@dataclass(frozen=True)
class EmergingParams:
    """How emerging hot spots are found.

    Attributes
    ----------
    lag_steps
        Earlier steps that belong to a bin's neighbourhood, at all its places; fewer exist at
        the beginning.
    reference
        What a neighbourhood is compared with: all bins of the ``cube``; the bins of the
        neighbourhood's own steps, the ``window``; or those of its single ``step``, which asks
        for ``lag_steps=0``.
    chance
        ``exact`` permutation (whole counts), ``normal`` from z, or ``auto``: exact where possible.
    alpha
        False discovery rate, over all bins, at which a bin is hot or cold.
    trend_alpha
        Level at which the Mann-Kendall test finds a trend in a place's z.
    fdr
        ``bh`` or ``by``, see `adjust_fdr`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    lag_steps: int = 1
    reference: Reference = "cube"
    chance: Chance = "auto"
    alpha: float = 0.05
    trend_alpha: float = 0.05
    fdr: Procedure = "bh"
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        for name in ("alpha", "trend_alpha"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1")
        if not 0 <= self.lag_steps <= MOST_LAG:
            raise InputError(f"lag_steps is {self.lag_steps}; take 0 to {MOST_LAG}")
        if self.reference not in ("cube", "window", "step"):
            raise InputError(f"reference is {self.reference!r}: say 'cube', 'window' or 'step'")
        if self.reference == "step" and self.lag_steps:
            raise InputError(
                "a neighbourhood of several steps cannot be compared with one of them; "
                'take lag_steps=0, or reference="window"'
            )


@dataclass(frozen=True, eq=False)
class Bins:
    """Gi* of every bin, one place in one step; every array has shape ``(n_units, n_steps)``.

    Attributes
    ----------
    z
        NaN where it is not defined.
    p, q
        Two-sided p-value, and the false discovery rate over all bins.
    spots
        1 hot, -1 cold, 0 neither.
    chance
        How p-values were computed: ``exact`` or ``normal``.
    """

    z: Floats
    p: Floats
    q: Floats
    spots: Spots
    chance: str


@dataclass(frozen=True, eq=False)
class Emerging:
    """The class of each place with all that it rests on.

    Attributes
    ----------
    result
        Score z, p and q of the last step's bin, slope Sen's change of z per step, label one of
        the seventeen classes.
    bins
        Gi* of every bin.
    trend
        Mann-Kendall test of each place's z.
    """

    result: Result
    bins: Bins
    trend: MannKendall


def find_emerging(
    cube: Cube, neighbours: Neighbours, params: EmergingParams | None = None
) -> Emerging:
    """Class each place by the history of its neighbourhood: new, growing, passing or past.

    Parameters
    ----------
    cube
        Counts of whole steps in order, at least `FEWEST_STEPS`.
    neighbours
        Of the cube's units, in its order.

    Raises
    ------
    InputError
        There are too few steps, the neighbours do not fit, or exact p-values are asked of values
        that allow none.

    References
    ----------
    The classes are those of the tool "Emerging Hot Spot Analysis" of ArcGIS Pro, as its
    documentation defines them; docs/methods.md lists them with the choices made here.
    """
    how = params or EmergingParams()
    if len(cube.steps) < FEWEST_STEPS:
        raise InputError(
            f"the cube has {len(cube.steps)} steps; emerging hot spots need {FEWEST_STEPS}: "
            "take shorter steps or a longer window"
        )
    series = cube.series(classes=how.classes, found_by=how.found_by)
    bins = score_bins(series, neighbours, how)
    trend = mann_kendall(bins.z)
    direction = np.where(trend.p < how.trend_alpha, np.sign(trend.s), 0).astype(np.int8)
    described = asdict(how) | {"chance": bins.chance}
    described |= cube.describe(classes=how.classes, found_by=how.found_by)
    result = Result(
        kind="emerging",
        units=cube.units,
        steps=cube.steps,
        observed=series.sum(axis=1).astype(np.float64),
        score=bins.z[:, -1],
        p=bins.p[:, -1],
        q=bins.q[:, -1],
        slope=trend.slope,
        label=classify(bins.spots, direction),
        parameters=MappingProxyType(described),
    )
    return Emerging(result=result, bins=bins, trend=trend)


def score_bins(
    series: NDArray[Any], neighbours: Neighbours, params: EmergingParams | None = None
) -> Bins:
    """Return Gi* of every bin over its places and earlier steps, with FDR over all bins.

    Parameters
    ----------
    series
        Values, shape ``(n_units, n_steps)``.
    neighbours
        CSR pair of the n units.

    Raises
    ------
    InputError
        A value is not finite, or the neighbours or the way of chance do not fit.

    References
    ----------
    Ord and Getis (1995), doi:10.1111/j.1538-4632.1995.tb00912.x.
    """
    how = params or EmergingParams()
    values = np.ascontiguousarray(series, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError("series must be units x steps of known values; fill or leave out gaps")
    near = check_neighbours(neighbours, len(values))
    sums, others = _gather(values, near, how.lag_steps)
    chance = _choose(values, others, how)
    scored = [
        _score(values[:, block], sums[:, last], others[:, last], chance)
        for block, last in _blocks(values.shape[1], how)
    ]
    z, upper, lower = (np.concatenate(part, axis=1) for part in zip(*scored, strict=True))
    tails = Tails(upper=upper.ravel(), lower=lower.ravel())
    p = np.where(np.isnan(z), np.nan, tails.two_sided.reshape(z.shape))
    q = adjust_fdr(p.ravel(), procedure=how.fdr)
    side = np.where(tails.upper <= tails.lower, np.int8(1), np.int8(-1))
    spots = np.where(q <= how.alpha, side, np.int8(0)).reshape(z.shape)
    return Bins(z=z, p=p, q=q.reshape(z.shape), spots=spots, chance=chance)


def _gather(values: Floats, neighbours: Neighbours, lag_steps: int) -> tuple[Floats, Ints]:
    """Return the sum over each bin's neighbourhood without itself, and how many bins that are."""
    indptr, indices = neighbours
    n, n_steps = values.shape
    links = sparse.csr_array((np.ones(len(indices)), indices, indptr), shape=(n, n))
    around = np.asarray(links @ values) + values
    sums = around - values
    for lag in range(1, min(lag_steps, n_steps - 1) + 1):
        sums[:, lag:] += around[:, :-lag]
    depth = np.minimum(np.arange(n_steps), lag_steps) + 1
    return sums, (np.diff(indptr)[:, None] + 1) * depth[None, :] - 1


def _choose(values: Floats, others: Ints, how: EmergingParams) -> str:
    chance = choose_chance(values.ravel(), others.ravel(), how.chance)
    return "normal" if chance == "simulated" else chance


def _blocks(n_steps: int, how: EmergingParams) -> list[tuple[slice, slice]]:
    """Return which steps are the population of which steps' neighbourhoods."""
    if how.reference == "cube":
        return [(slice(None), slice(None))]
    return [(slice(max(0, t - how.lag_steps), t + 1), slice(t, t + 1)) for t in range(n_steps)]


def _score(block: Floats, sums: Floats, others: Ints, chance: str) -> tuple[Floats, Floats, Floats]:
    """Return z and both tails of the last bins of a block, whose bins are the population."""
    shape = sums.shape
    idle = block.shape[1] - shape[1]  # earlier steps: population, but not asked about
    k = np.pad(others, ((0, 0), (idle, 0))).ravel()
    total = np.pad(sums, ((0, 0), (idle, 0))).ravel()
    population = np.ascontiguousarray(block).ravel()
    z = standardise(population, k, total, star=True, weights="binary")
    if chance == "exact":
        counts = population.astype(np.int64)
        tails = exact_tails(counts, k, np.rint(total).astype(np.int64))
    else:
        tails = _normal_tails(z)
    last = slice(idle, None)
    z, upper, lower = (part.reshape(block.shape)[:, last] for part in (z, tails.upper, tails.lower))
    return z, upper, lower


def _normal_tails(z: Floats) -> Tails:
    known = np.nan_to_num(z, nan=0.0)
    return Tails(upper=ndtr(-known), lower=ndtr(known))


def classify(spots: Spots, direction: Spots) -> NDArray[np.str_]:
    """Return the class of each place, shape ``(n_units,)``: the seventeen labels.

    Parameters
    ----------
    spots
        1 hot, -1 cold, 0 neither, shape ``(n_units, n_steps)``, steps in order.
    direction
        Trend of each place's z: 1 significantly up, -1 down, 0 none; shape ``(n_units,)``.

    Examples
    --------
    >>> spots = np.array([[0, -1, 0, 0, 1]], dtype=np.int8)
    >>> classify(spots, np.array([0], dtype=np.int8)).tolist()
    ['new_hot']
    """
    label = np.full(len(spots), "none", dtype="<U17")
    if spots.shape[1] == 0:
        return label
    for name, side in (("hot", 1), ("cold", -1)):
        for pattern, chosen in _patterns(spots * side, direction * side).items():
            label[chosen] = f"{pattern}_{name}"
    return label


def _patterns(spots: Spots, direction: Spots) -> dict[str, Bools]:
    """Return who follows which pattern, of hot spots; no place follows two."""
    n_steps = spots.shape[1]
    hot = spots == 1
    n_hot, now = hot.sum(axis=1), hot[:, -1]
    run = final_run(hot)
    mostly = 10 * n_hot >= 9 * n_steps
    first_time = now & (n_hot == run)
    new = first_time & (run == 1)
    lasting = now & mostly & ~new
    on_and_off = now & ~first_time & ~mostly
    been_cold = (spots == -1).any(axis=1)
    return {
        "new": new,
        "consecutive": first_time & (run > 1) & ~mostly,
        "intensifying": lasting & (direction == 1),
        "persistent": lasting & (direction == 0),
        "diminishing": lasting & (direction == -1),
        "sporadic": on_and_off & ~been_cold,
        "oscillating": on_and_off & been_cold,
        "historical": (spots[:, -1] == 0) & mostly,
    }


def final_run(hot: Bools) -> Ints:
    """Return how many steps, counted back from the last, are all true; shape ``(n_units,)``."""
    broken = ~hot[:, ::-1]
    steps = np.where(broken.any(axis=1), broken.argmax(axis=1), hot.shape[1])
    return np.asarray(steps, dtype=np.int64)
