"""Which places are visited on a day and when: fair by design, drawn so that nobody can foretell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Halvings of the interval: past the last bit of a double.
_HALVINGS = 64


@dataclass(frozen=True)
class VisitParams:
    """How long a visit lasts and how visits follow each other.

    The defaults are what practice guides advise and are no finding of this software.

    Attributes
    ----------
    dwell_min
        Shortest and longest stay at a place, in minutes.
    revisit_min
        Minutes from the begin of one visit to the begin of the next, before jitter.
    jitter_share
        Each begin moves by up to this share of the slack between two visits, both ways.

    References
    ----------
    Koper, C. S. (1995). Just enough police presence. Justice Quarterly 12(4).
    https://doi.org/10.1080/07418829500096231
    """

    dwell_min: tuple[float, float] = (12.0, 15.0)
    revisit_min: float = 120.0
    jitter_share: float = 0.5

    def __post_init__(self) -> None:
        low, high = self.dwell_min
        if not 0 < low <= high < self.revisit_min < np.inf:
            msg = "dwell_min must be a rising pair above 0 and below revisit_min"
            raise InputError(msg)
        if not 0 <= self.jitter_share <= 0.5:
            msg = f"jitter_share must lie between 0 and 0.5, not {self.jitter_share}"
            raise InputError(msg)


@dataclass(frozen=True)
class Coverage:
    """The chance of a visit for each of ``n`` places.

    Attributes
    ----------
    chance
        Shape ``(n,)``, between 0 and 1.
    worst
        The largest need left without a visit, ``max(need * (1 - chance))``, hold-outs aside.
    """

    chance: Floats
    worst: float


def cover_fairly(
    need: Floats, *, visits: float, floor: float = 0.0, hold_out: Flags | None = None
) -> Coverage:
    """Return the chances of a visit that make the worst uncovered need as small as possible.

    This is the zero-sum coverage game with equal visits. For a given worst value ``v`` the least
    chances are ``clip(1 - v / need, floor, 1)``; the smallest ``v`` that the visits can pay for
    is found by halving. Visits left over when every need is covered go evenly to the others.

    Parameters
    ----------
    need
        Shape ``(n,)``, at least 0.
    visits
        Expected visits of the day, at most one for each place that is not held out.
    floor
        Least chance of every place that is not held out.
    hold_out
        Shape ``(n,)``, places that get no visit, so that an effect can be measured against them.

    Returns
    -------
    Coverage
        ``chance`` sums to `visits`; empty for empty input.

    Raises
    ------
    InputError
        If a need is negative or not finite, or the places cannot take that many visits.

    References
    ----------
    Kiekintveld, C., Jain, M., Tsai, J., Pita, J., Ordóñez, F. and Tambe, M. (2009). Computing
    optimal randomized resource allocations for massive security games. AAMAS, 689-696.
    """
    need = np.asarray(need, dtype=np.float64)
    open_ = np.ones(len(need), dtype=bool) if hold_out is None else ~np.asarray(hold_out, bool)
    _check(need, open_, visits, floor)
    chance = np.zeros(len(need))
    if not open_.any():
        return Coverage(chance=chance, worst=0.0)
    weight = need[open_]
    share = _spend(_least(weight, _smallest_worst(weight, visits, floor), floor), visits)
    chance[open_] = share
    return Coverage(chance=chance, worst=float((weight * (1 - share)).max()))


def draw_places(chance: Floats, *, rng: np.random.Generator) -> Longs:
    """Draw the places of one day by systematic sampling in random order.

    Over many days each place comes up as often as its chance says; on every day their number is
    the sum of the chances, rounded up or down.

    Parameters
    ----------
    chance
        Shape ``(n,)``, between 0 and 1.

    Returns
    -------
    NDArray
        Indices of the places, ascending, each at most once.

    References
    ----------
    Madow, W. G. (1949). On the theory of systematic sampling, II. Annals of Mathematical
    Statistics 20(3). https://doi.org/10.1214/aoms/1177729988
    """
    if not ((chance >= 0) & (chance <= 1)).all():
        msg = "a chance of a visit must lie between 0 and 1"
        raise InputError(msg)
    order = rng.permutation(len(chance))
    ends = np.round(np.cumsum(chance[order]), 9)
    ticks = np.ceil(np.concatenate([[0.0], ends]) - rng.random())
    return np.sort(order[np.diff(ticks) > 0])


def spread_visits(
    start_min: float,
    end_min: float,
    *,
    minutes: float,
    rng: np.random.Generator,
    params: VisitParams | None = None,
) -> Floats:
    """Draw the visits to one place within a shift, which together last the minutes given.

    The shift is cut into as many equal parts as visits are needed at the longest stay; each visit
    begins anywhere in its part, as far as the jitter lets it. Where the parts are longer than the
    revisit interval, the minutes do not suffice for it: fewer visits are made, none is stretched.

    Parameters
    ----------
    start_min, end_min
        The shift, in minutes of any one clock.
    minutes
        On the spot, at most the length of the shift; 0 for none.

    Returns
    -------
    NDArray
        Shape ``(k, 2)``, begin and end of each visit in minutes, in order; visits lie within the
        shift, never overlap, and last `minutes` together.

    Raises
    ------
    InputError
        If the shift ends before it starts, or is shorter than the minutes.
    """
    params = params or VisitParams()
    if not start_min <= end_min < np.inf:
        msg = f"the shift ends at minute {end_min:g}, before its start at {start_min:g}"
        raise InputError(msg)
    length = end_min - start_min
    if not 0 <= minutes <= length + 1e-9:
        msg = f"{minutes:g} minutes do not fit into a shift of {length:g}"
        raise InputError(msg)
    if minutes == 0:
        return np.empty((0, 2))
    count = max(int(np.ceil(minutes / params.dwell_min[1] - 1e-9)), 1)
    stay, part = minutes / count, length / count
    where = 0.5 + params.jitter_share * rng.uniform(-1.0, 1.0, count)
    begins = start_min + part * np.arange(count) + (part - stay) * where
    return np.column_stack([begins, begins + stay])


def _least(weight: Floats, worst: float, floor: float) -> Floats:
    """Return the least chances at which no place is left with more than the worst need."""
    left = np.ones_like(weight)
    np.divide(worst, weight, out=left, where=weight > worst)
    return np.asarray(np.clip(1.0 - left, floor, 1.0))


def _smallest_worst(weight: Floats, visits: float, floor: float) -> float:
    low, high = 0.0, float(weight.max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(_least(weight, middle, floor).sum()) > visits:
            low = middle
        else:
            high = middle
    return high


def _spend(share: Floats, visits: float) -> Floats:
    """Give what is left of the visits evenly to the chance that is missing."""
    missing = float((1.0 - share).sum())
    left = max(visits - float(share.sum()), 0.0)
    return share if missing <= 0 else share + (1.0 - share) * min(left / missing, 1.0)


def _check(need: Floats, open_: Flags, visits: float, floor: float) -> None:
    if need.shape != open_.shape or not np.isfinite(need).all() or (need < 0).any():
        msg = "need must be one row of finite numbers of at least 0, and hold_out as long"
        raise InputError(msg)
    n = int(open_.sum())
    if not 0 <= floor <= 1 or not n * floor - 1e-9 <= visits <= n + 1e-9:
        msg = (
            f"{visits:g} visits cannot be spread over {n} places with a least chance of "
            f"{floor:g}: give between {n * floor:g} and {n} visits"
        )
        raise InputError(msg)
