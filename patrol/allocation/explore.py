"""Hours to explore: where watching would teach most about what is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from geo.errors import InputError
from patrol.allocation.problem import Flags, Floats, Longs, Problem
from patrol.filling import fill_lowest, round_to_steps

# Of a week's reports those that an hour on the spot meets: what begins while somebody is there or
# up to half an hour before a visit of a quarter (`patrol.planning.cover`), of 168 hours.
SEEN_SHARE = 3.0 / 168.0
# A forecast that claims to know better than this is not taken at its word: variance of the rate
# is at least this share of the mean.
_LEAST = 0.05


@dataclass(frozen=True, eq=False)
class Unsure:
    """How little is known of each grid's need.

    Attributes
    ----------
    mean
        Shape ``(n,)``, expected reports a week.
    worth_h
        Shape ``(n,)``, hours of watching whose finds would tell as much as is known without them;
        0 where nothing is known.
    """

    mean: Floats
    worth_h: Floats


def unsure_of(
    total: Floats | None, level: Floats, *, unknown: Flags, interval: float, weeks: int
) -> Unsure:
    """Return how little is known, by the forecast's intervals, else by the counts behind levels.

    A grid's rate of reports is taken as gamma, its counts as Poisson. The predictive variance of a
    count is the rate's variance and the mean; so what the interval is wider than Poisson is what
    is not known of the rate: ``v = ((high - low) / (2 z))**2 - m``. Without a forecast the rate
    is the gamma of `weeks` of counts, ``v = (m + 1 / (2 weeks)) / weeks``. Watching for h hours
    sees ``SEEN_SHARE * h`` weeks' worth, after which the variance is ``v * c / (c + h)`` with
    ``c = m / v / SEEN_SHARE`` hours: the worth of what is known.

    Parameters
    ----------
    total
        Shape ``(n, 3)``, expected reports a week and the ends of their interval, NaN where nothing
        is forecast.
    level
        Shape ``(n,)``, reports a week of the recent past.
    unknown
        Shape ``(n,)``, nothing was ever reported: the mean is that of the others, its worth 0.
    interval
        Probability of the interval.
    weeks
        Behind `level`.

    References
    ----------
    Gelman, A. et al. (2013). Bayesian Data Analysis, 3rd ed., section 2.6 (gamma and Poisson).
    """
    mean = np.maximum(level, 1e-9)
    variance = (mean + 0.5 / weeks) / weeks
    if total is not None:
        known = np.isfinite(total).all(axis=1)
        z = float(norm.ppf(0.5 + interval / 2))
        mean = np.where(known, np.maximum(total[:, 0], 1e-9), mean)
        wide = np.nan_to_num((total[:, 2] - total[:, 1]) / (2 * z))
        variance = np.where(known, wide**2 - mean, variance)
    variance = np.maximum(variance, _LEAST * mean)
    dark = unknown
    others = float(mean[~dark].mean()) if (~dark).any() else 1.0
    worth = np.where(dark, 0.0, mean / variance / SEEN_SHARE)
    return Unsure(np.where(dark, others, mean), worth)


def explore(
    problem: Problem, *, share: float, most_h: float, effort_h: Floats | None,
    unsure: Unsure | None, turn: int,
) -> Longs:  # fmt: skip
    """Give the exploring steps: to the grids that are known least, in the shift that covers most.

    Hours x minimise the sum of the variances that remain, ``sum(m / (c + e + x))`` with the hours
    e that were watched already: ``x = clip(sqrt(m) * level - (c + e), 0, most)``, water filling.
    Without `unsure` all grids count alike and only the hours watched tell them apart.

    Parameters
    ----------
    share, most_h
        Share of each shift's and kind's hours, and most of it for one grid.
    effort_h
        Shape ``(n,)``, patrol hours of the recent past; NaN or None where unknown.
    turn
        Who comes first when steps cannot be split evenly.

    References
    ----------
    Neyman, J. (1934). On the two different aspects of the representative method. JRSS 97(4),
    https://doi.org/10.2307/2342192 (optimum allocation: by the root of the variance).
    Chaloner, K. and Verdinelli, I. (1995). Bayesian experimental design. Statistical Science
    10(3), https://doi.org/10.1214/ss/1177009939 (A-optimality).
    """
    n, s, k = problem.need.shape
    given = np.zeros((n, s, k), dtype=np.int64)
    quota = np.floor(share * problem.budget + 1e-9).astype(np.int64).ravel()
    spare = int(problem.budget.sum() - problem.lower.sum())
    total = min(int(quota.sum()), spare)
    most = max(round(most_h / problem.step_h), math.ceil(total / n))
    room = np.minimum(problem.upper - problem.lower, most)
    total = min(total, int(room.sum()))
    if effort_h is not None and len(effort_h) != n:
        raise InputError(f"effort_h has {len(effort_h)} entries for {n} grids")
    known = np.zeros(n) if effort_h is None else np.nan_to_num(effort_h, nan=0.0)
    weight = None if unsure is None else np.sqrt(unsure.mean)
    stock = known if unsure is None else known + unsure.worth_h
    wanted = round_to_steps(
        fill_lowest(
            stock / problem.step_h, total=total, upper=room.astype(np.float64), weight=weight
        ),
        total=total, turn=turn,
    )  # fmt: skip
    gain, left = problem.first_gain.reshape(n, s * k), problem.cell_upper.reshape(n, s * k).copy()
    for i in np.argsort(-wanted, kind="stable"):
        for _ in range(int(wanted[i])):
            open_ = (quota > 0) & (left[i] > 0)
            if not open_.any():
                break
            best = int(np.where(open_, gain[i], -1.0).argmax())
            given.reshape(n, s * k)[i, best] += 1
            quota[best] -= 1
            left[i, best] -= 1
    return given
