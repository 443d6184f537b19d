"""How good a forecast was: what its hottest area caught, how likely it held what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.forecast.law import count_cdf, count_crps, count_log_pmf, count_quantiles
from geo.errors import InputError

Floats = NDArray[np.float64]

AREA_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the area at which a PAI curve is read."""


def capture(risk: Floats, y: NDArray[Any], area: Floats, shares: Sequence[float]) -> Floats:
    """Count the incidents in the hottest share of the area.

    Units are taken by expected incidents per area, highest first; the unit at the border counts
    by the part of it that is taken, and units of equal density are taken together, so that
    neither the order of the units nor chance plays a part.

    Parameters
    ----------
    risk
        Expected incidents of each unit, shape ``(n_units,)``.
    y, area
        Incidents that came, and area in any one unit, same shape.
    shares
        Parts of the whole area, within 0 and 1.

    Returns
    -------
    NDArray
        Incidents caught, shape ``(n_shares,)``.
    """
    _check(risk, y, area)
    density = risk / area
    order = np.argsort(-density, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(density[order])), len(order) - 1)
    walked = np.concatenate([[0.0], np.cumsum(area[order])[ends]])
    caught = np.concatenate([[0.0], np.cumsum(y[order].astype(np.float64))[ends]])
    return np.asarray(np.interp(np.asarray(shares) * walked[-1], walked, caught))


def hit_rate(risk: Floats, y: NDArray[Any], area: Floats, shares: Sequence[float]) -> Floats:
    """Return the share of the incidents that the hottest area catches; NaN if none came."""
    total = float(y.sum())
    caught = capture(risk, y, area, shares)
    return caught / total if total > 0 else np.full(len(shares), np.nan)


def prediction_accuracy_index(
    risk: Floats, y: NDArray[Any], area: Floats, shares: Sequence[float]
) -> Floats:
    """Return PAI: the hit rate over the share of area; 1 is as good as no forecast.

    It cannot exceed one over the share: compare it only at one share.

    References
    ----------
    Chainey, Tompson and Uhlig (2008), doi:10.1057/palgrave.sj.8350066.
    """
    return np.asarray(hit_rate(risk, y, area, shares) / np.asarray(shares))


def prediction_efficiency_index(
    risk: Floats, y: NDArray[Any], area: Floats, shares: Sequence[float]
) -> Floats:
    """Return PEI*: incidents caught over the most that as much area could have caught.

    Within 0 and 1; NaN if no incident came.

    References
    ----------
    Hunt (2016), Do crime hot spots move? (thesis, American University); NIJ (2017), Real-Time
    Crime Forecasting Challenge.
    """
    best = capture(y.astype(np.float64), y, area, shares)
    caught = capture(risk, y, area, shares)
    return np.asarray(np.divide(caught, best, out=np.full(len(best), np.nan), where=best > 0))


def poisson_deviance(mean: Floats, y: NDArray[Any]) -> float:
    """Return the Poisson deviance per unit; 0 is perfect, lower is better."""
    count = y.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(count > 0, count * np.log(count / mean), 0.0)
    return float(2 * np.mean(ratio - (count - mean)))


def log_score(mean: Floats, size: Floats, y: NDArray[Any]) -> float:
    """Return the mean log probability that the forecast gave to each count; higher is better."""
    return float(count_log_pmf(y, mean, size).mean())


def mean_crps(mean: Floats, size: Floats, y: NDArray[Any]) -> float:
    """Return the mean continuous ranked probability score, in incidents; lower is better."""
    return float(count_crps(y, mean, size).mean())


def randomised_pit(mean: Floats, size: Floats, y: NDArray[Any], rng: np.random.Generator) -> Floats:
    """Return where each count fell in its forecast, uniform on (0, 1) if it is calibrated.

    A count is a step of the distribution; the place on the step is drawn.

    References
    ----------
    Smith (1985), doi:10.1002/for.3980040305; Czado, Gneiting and Held (2009),
    doi:10.1111/j.1541-0420.2009.01191.x.
    """
    low, high = count_cdf(y.astype(np.float64) - 1, mean, size), count_cdf(y, mean, size)
    return low + rng.random(len(y)) * (high - low)


@dataclass(frozen=True)
class Coverage:
    """How often counts lay within their central interval.

    Attributes
    ----------
    nominal
        What was asked for, such as 0.9.
    exact
        Share of the counts within the interval whose ends are cut to hold exactly the nominal
        probability (by the randomised PIT); equals `nominal` if calibrated.
    whole
        Share of the counts within the interval of whole numbers, which holds more than was
        asked for where few incidents are expected.
    promised
        What the forecast itself says of that interval of whole numbers.
    """

    nominal: float
    exact: float
    whole: float
    promised: float


def interval_coverage(
    mean: Floats, size: Floats, y: NDArray[Any], pit: Floats, nominal: float
) -> Coverage:
    """Compare the intervals of one forecast with what came; empty input gives NaN."""
    if not len(y):
        return Coverage(nominal, np.nan, np.nan, np.nan)
    tail = (1 - nominal) / 2
    low, high = count_quantiles(tail, mean, size), count_quantiles(1 - tail, mean, size)
    promised = count_cdf(high, mean, size) - count_cdf(low - 1, mean, size)
    return Coverage(
        nominal,
        exact=float(np.mean((pit >= tail) & (pit <= 1 - tail))),
        whole=float(np.mean((y >= low) & (y <= high))),
        promised=float(promised.mean()),
    )


def stability(before: Floats, after: Floats, area: Floats, share: float) -> float:
    """Return how much of the hottest share of the area stayed: intersection over union by area.

    The unit at the border counts by its part (generalised Jaccard index), within 0 and 1.
    """
    first, second = taken(before, area, share), taken(after, area, share)
    both, either = np.minimum(first, second) @ area, np.maximum(first, second) @ area
    return float(both / either) if either > 0 else 1.0


def taken(risk: Floats, area: Floats, share: float) -> Floats:
    """Return the part of each unit that belongs to the hottest share of the area, 0 to 1.

    Units of equal density are taken in the same part, see `capture`.
    """
    _check(risk, risk, area)
    density = risk / area
    levels, group = np.unique(-density, return_inverse=True)
    size = np.bincount(group, weights=area, minlength=len(levels))
    before = np.concatenate([[0.0], np.cumsum(size)[:-1]])
    part = np.clip((share * area.sum() - before) / size, 0.0, 1.0)
    return np.asarray(part[group])


def _check(risk: Floats, y: NDArray[Any], area: Floats) -> None:
    if not risk.shape == y.shape == area.shape or risk.ndim != 1:
        raise InputError(
            f"risk {risk.shape}, counts {y.shape} and area {area.shape} must be one value per unit"
        )
    if not len(risk) or not (area > 0).all():
        raise InputError("there must be at least one unit, and every unit's area must be positive")
