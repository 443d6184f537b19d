"""How far a density surface should reach: bandwidth by rule and by likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.density import Kernel, estimate_density, kernel_mass
from geo.errors import InputError

Floats = NDArray[np.float64]
Counts = NDArray[np.floating] | NDArray[np.integer]

TRIED = 12
"""Bandwidths that are tried where none are named."""
WIDEST_PART = 0.25
"""The widest of them, as part of the lattice's longer side."""


@dataclass(frozen=True, eq=False)
class BandwidthChoice:
    """Bandwidths that were tried, and how well each foretells an incident from the others.

    Attributes
    ----------
    tried_m
        Metres, ascending, ``(n,)``.
    score
        Mean log density (per km2, of the other incidents) at each left-out incident, ``(n,)``;
        minus infinity where some incident has no other within reach.
    best_m
        The one with the highest score.
    """

    tried_m: Floats
    score: Floats
    best_m: float


def rule_bandwidth(counts: Counts, *, cell_size_m: float) -> float:
    """Return the bandwidth of the normal reference rule, in metres, at least one cell.

    ``sd * n ** (-1/6)`` is best for incidents in one normal cloud and too wide for a city with
    several centres: take it as the upper end of what to try. Standard deviation of `gaussian`;
    about 2.6 times as much as the radius of `quartic` smooths alike.

    Parameters
    ----------
    counts
        Incidents by cell, shape ``(n_rows, n_columns)``.

    Raises
    ------
    InputError
        There are fewer than two incidents.

    References
    ----------
    Silverman (1986), doi:10.1201/9781315140919, section 4.3.2; Scott (1992),
    doi:10.1002/9780470316849, section 6.3.
    """
    mass = np.asarray(counts, dtype=np.float64)
    n = mass.sum()
    if n < 2:
        raise InputError(f"{n:g} incidents give no bandwidth; name one")
    variance = [_variance(mass.sum(axis=axis)) for axis in (0, 1)]
    spread_m = float(np.sqrt(np.mean(variance))) * cell_size_m
    return max(float(spread_m * n ** (-1 / 6)), cell_size_m)


def _variance(mass: Floats) -> float:
    place = np.arange(len(mass))
    middle = np.average(place, weights=mass)
    return float(np.average((place - middle) ** 2, weights=mass)) + 1 / 12


def choose_bandwidth(
    counts: Counts,
    share: Floats,
    *,
    cell_size_m: float,
    kernel: Kernel = "quartic",
    tried_m: Sequence[float] | None = None,
) -> BandwidthChoice:
    """Choose the bandwidth under which each incident is likeliest, foretold from the others.

    Incidents at one address again and again pull the choice towards one cell, for they are
    indeed foretold best by their own cell; count places instead of incidents where that is not
    wanted.

    Parameters
    ----------
    counts, share, cell_size_m, kernel
        As in `analytics.density.estimate_density`.
    tried_m
        Bandwidths to try; by default `TRIED` from a cell (a cell and a half for `quartic`) to
        `WIDEST_PART` of the lattice, evenly in their logarithms.

    Raises
    ------
    InputError
        There are fewer than two incidents, no bandwidth is named, all leave some incident
        without another in reach, or `estimate_density` refuses one.

    References
    ----------
    Silverman (1986), doi:10.1201/9781315140919, section 3.4.4; Habbema, Hermans and van den
    Broek (1974), A stepwise discriminant analysis program using density estimation, Compstat.
    """
    mass = np.asarray(counts, dtype=np.float64)
    if mass.sum() < 2:
        raise InputError("fewer than two incidents choose no bandwidth; name one")
    tried = _to_try(mass, cell_size_m, kernel) if tried_m is None else np.sort(tried_m)
    if not len(tried):
        raise InputError("no bandwidth is named; hand in some to try, in metres")
    score = np.array(
        [_likelihood(mass, share, cell_size_m, float(width_m), kernel) for width_m in tried]
    )
    if not np.isfinite(score).any():
        raise InputError(
            "each of the bandwidths leaves some incident without another in reach; try wider ones"
        )
    return BandwidthChoice(np.asarray(tried, float), score, float(tried[int(score.argmax())]))


def _to_try(mass: Floats, cell_size_m: float, kernel: Kernel) -> Floats:
    least = cell_size_m * (1.0 if kernel == "gaussian" else 1.5)
    return np.geomspace(least, max(least, max(mass.shape) * cell_size_m * WIDEST_PART), TRIED)


def _likelihood(
    mass: Floats, share: Floats, cell_size_m: float, bandwidth_m: float, kernel: Kernel
) -> float:
    """Return the mean log density at each incident from all others."""
    total = estimate_density(
        mass, share, cell_size_m=cell_size_m, bandwidth_m=bandwidth_m, kernel=kernel
    )
    own = _own(share, cell_size_m, bandwidth_m, kernel)
    here = mass > 0
    others = (total[here] - own[here]) / (mass.sum() - 1)
    # Where an incident has no other in reach, rounding leaves about 1e-16 of its own.
    alone = others <= 1e-12 * own[here] / mass.sum()
    with np.errstate(divide="ignore"):
        each = np.log(np.where(alone, 0.0, others))
    return float((mass[here] * each).sum() / mass.sum())


def _own(share: Floats, cell_size_m: float, bandwidth_m: float, kernel: Kernel) -> Floats:
    """Return what a lone incident adds to the surface in its own cell, for each cell."""
    inside, top = kernel_mass(share, bandwidth_m / cell_size_m, kernel)
    own: Floats = np.divide(top, inside, out=np.zeros_like(inside), where=share > 0)
    return own / (cell_size_m / 1000.0) ** 2
