"""Fairness at a price: as much for the worst covered community as a stated share of all buys."""

from __future__ import annotations

from dataclasses import replace

from patrol.allocation.exact import share_hours
from patrol.allocation.prices import Prices, find_prices
from patrol.allocation.problem import Longs, Problem, Shared
from patrol.allocation.whole import share_by_prices

# Weights that are tried: halvings between the least, which settles ties, and all.
_LEAST, _HALVINGS = 1e-3, 8


def share_at_price(
    problem: Problem, *, price: float, method: str = "exact"
) -> tuple[Shared, Problem]:
    """Lift the worst covered community as far as giving up a share of the coverage does.

    The weight of fairness is the greatest, found by halving, at which all together are covered
    at least ``1 - price`` of what they could be: the constraint's multiplier. Of that weight the
    sharing is the best, within the gap that it states.

    Parameters
    ----------
    problem
        Its own weight of fairness does not count.
    price
        Share of the covered need that may be given up, 0 to 1; 0 asks for coverage alone.

    Returns
    -------
    tuple
        The sharing, and the problem with the weight that was found. By the greedy method nobody
        is lifted: the weight is 0.

    References
    ----------
    Bertsimas, D., Farias, V. and Trichakis, N. (2011). The price of fairness. Operations
    Research 59(1). https://doi.org/10.1287/opre.1100.0865
    """
    problem = replace(problem, fairness=0.0)
    plain = share_hours(problem, method=method)
    if price == 0 or method == "greedy" or not problem.need.any():
        return plain, problem
    least = float(problem.covered(plain.steps).sum()) * (1 - price)
    low, high, start = 0.0, 1.0, None
    for _ in range(_HALVINGS):
        middle = max((low * high) ** 0.5, _LEAST)
        steps, start = _quickly(replace(problem, fairness=middle), start)
        if steps is not None and problem.covered(steps).sum() >= least:
            low = middle
        else:
            high = middle
        if high <= _LEAST:
            break
    # Quick sharings miss a little: step down until the careful one keeps the price.
    for share in (1.0, 0.85, 0.7, 0.5, 0.25):
        if low == 0:
            break
        weighed = replace(problem, fairness=low * share)
        found = share_hours(weighed, method=method)
        lifted = problem.worst_share(found.steps) >= problem.worst_share(plain.steps)
        if lifted and problem.covered(found.steps).sum() >= least * (1 - 1e-9):
            return found, weighed
    return plain, problem


def _quickly(problem: Problem, start: Prices | None) -> tuple[Longs | None, Prices]:
    prices = find_prices(problem, start=start)
    steps, whole = share_by_prices(problem, prices, bound=0.0)
    return (steps if whole else None), prices
