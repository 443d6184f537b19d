"""Share a total between places under lower and upper bounds, exactly and in whole steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Steps nearer to a whole number than this are that number: floating point is not a reason.
_SNAP = 1e-9
# A weight so small beside the largest is none: dividing by it would overflow.
_TINY = 1e-12


def fill_proportional(weight: Floats, *, total: float, lower: Floats, upper: Floats) -> Floats:
    """Share `total` in proportion to `weight`, cut to the bounds of each place.

    The answer is ``clip(rate * weight, lower, upper)`` with the one rate at which the sum is
    `total`. It maximises ``sum(weight * log(share))`` under the same bounds, which is called
    proportional fairness: no other sharing gains more, in per cent of what the places have,
    than it takes. Where all places with weight are full, those without share the rest evenly.

    Parameters
    ----------
    weight
        Shape ``(n,)``, at least 0. If all are 0, all count alike.
    total
        What is shared, between ``lower.sum()`` and ``upper.sum()``.
    lower, upper
        Shape ``(n,)``, in the unit of `total`, ``0 <= lower <= upper``.

    Returns
    -------
    NDArray
        Shape ``(n,)``, summing to `total` but for rounding; empty for empty input.

    Raises
    ------
    InputError
        If the bounds do not admit `total`, or a weight is negative or not finite.

    Notes
    -----
    O(n log n): the sum is piecewise linear in the rate, with two bends for each place.

    References
    ----------
    Kelly, F. (1997). Charging and rate control for elastic traffic. European Transactions on
    Telecommunications 8(1). https://doi.org/10.1002/ett.4460080106
    """
    weight = _checked(weight, "weight")
    _check_bounds(lower, upper, total)
    weight = weight / weight.max(initial=_TINY)
    has_weight = weight > _TINY
    room = float(upper[has_weight].sum() + lower[~has_weight].sum())
    if has_weight.any() and total <= room:
        weight = np.where(has_weight, weight, 0.0)
        return _raise_level(weight, np.zeros_like(weight), total, lower, upper)
    share = np.where(has_weight, upper, lower).astype(np.float64)
    rest = ~has_weight
    left = total - float(share[has_weight].sum())
    ones = np.ones(int(rest.sum()))
    share[rest] = _raise_level(ones, np.zeros_like(ones), left, lower[rest], upper[rest])
    return share


def fill_lowest(
    stock: Floats, *, total: float, upper: Floats, weight: Floats | None = None
) -> Floats:
    """Add `total` where the stock is lowest, raising the lowest first (water filling).

    The answer is ``clip(level - stock, 0, upper)`` with the one level at which the sum is
    `total`. It minimises ``sum(1 / (stock + added))``: with the stock being hours of watching,
    that is the sum of the variances of what is known about the places. With weights w it is
    ``clip(w * level - stock, 0, upper)``, which minimises ``sum(w**2 / (stock + added))``.

    Parameters
    ----------
    stock
        Shape ``(n,)``, what each place already has, at least 0.
    weight
        Shape ``(n,)``, above 0; None: all alike.
    total
        What is added, between 0 and ``upper.sum()``.
    upper
        Shape ``(n,)``, the most that one place may be given.

    Returns
    -------
    NDArray
        Shape ``(n,)``, summing to `total` but for rounding; empty for empty input.

    Raises
    ------
    InputError
        If `upper` does not admit `total`, or a stock is negative or not finite.
    """
    stock = _checked(stock, "stock")
    lower = np.zeros_like(stock)
    _check_bounds(lower, upper, total)
    weight = np.ones_like(stock) if weight is None else _checked(weight, "weight")
    weight = np.maximum(weight / weight.max(initial=_TINY), _TINY)
    return _raise_level(weight, stock, total, lower, upper)


def round_to_steps(share: Floats, *, total: int, turn: int = 0) -> Ints:
    """Round shares to whole steps that sum to `total`, the largest remainders first.

    Whole bounds on the shares also hold for the answer. Raising one share while none of the
    others rises never takes a step from it.

    Parameters
    ----------
    share
        Shape ``(n,)``, in steps, at least 0, summing to `total` but for rounding.
    total
        The whole steps to give.
    turn
        Which place comes first among equal remainders. Handing in the number of the day lets
        the odd step go round instead of staying at the head of the list.

    Returns
    -------
    NDArray
        Shape ``(n,)``, whole steps.

    Raises
    ------
    InputError
        If the shares do not sum to `total`.
    """
    n = len(share)
    if abs(float(share.sum()) - total) > _SNAP * max(n, 1) * 1e3:
        msg = f"the shares sum to {float(share.sum()):g}, not to the {total} steps to give"
        raise InputError(msg)
    steps = np.floor(share + _SNAP).astype(np.int64)
    left = total - int(steps.sum())
    if left == 0:
        return steps
    remainder = np.round(share - steps, 9)
    place = (np.arange(n) - turn) % n
    steps[np.lexsort((place, -remainder))[:left]] += 1
    return steps


def _raise_level(
    weight: Floats, stock: Floats, total: float, lower: Floats, upper: Floats
) -> Floats:
    """Return ``clip(level * weight - stock, lower, upper)`` with the level that sums to total."""
    active = weight > 0
    w, s, lo, hi = weight[active], stock[active], lower[active], upper[active]
    fixed = float(lower[~active].sum())
    bends = np.concatenate([(lo + s) / w, (hi + s) / w])
    turns = np.concatenate([w, -w])
    order = np.argsort(bends, kind="stable")
    bends, slopes = bends[order], np.cumsum(turns[order])
    rises = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(bends))])
    sums = fixed + float(lo.sum()) + rises
    at = int(np.clip(np.searchsorted(sums, total, side="right") - 1, 0, max(len(bends) - 1, 0)))
    share = lower.astype(np.float64)
    if len(bends):
        step = (total - sums[at]) / slopes[at] if slopes[at] > 0 and total > sums[at] else 0.0
        step = min(step, float(bends[min(at + 1, len(bends) - 1)] - bends[at]))
        share[active] = np.clip((bends[at] + step) * w - s, lo, hi)
    return share


def _checked(values: Floats, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any():
        msg = f"{name} must be one row of finite numbers of at least 0"
        raise InputError(msg)
    return array


def _check_bounds(lower: Floats, upper: Floats, total: float) -> None:
    if (lower < 0).any() or (lower > upper).any():
        msg = "a lower bound is negative or above its upper bound"
        raise InputError(msg)
    low, high = float(lower.sum()), float(upper.sum())
    slack = _SNAP * max(abs(high), 1.0)
    if not low - slack <= total <= high + slack:
        msg = f"{total:g} cannot be shared: the bounds admit {low:g} to {high:g}"
        raise InputError(msg)
