"""How far an allocation moves if one place reports less often than it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Allocate = Callable[[Floats], Floats]


def share_out(need: Floats, *, total: float = 1.0) -> Floats:
    """Share `total` in proportion to need, evenly where there is none; ``(n,)``."""
    need = np.asarray(need, dtype=np.float64)
    if not need.any():
        return np.full(len(need), total / max(len(need), 1))
    shares: Floats = total * need / need.sum()
    return shares


def sweep_reporting(
    reported: Floats,
    allocate: Allocate = share_out,
    *,
    rates: Sequence[float] = (0.5,),
) -> pd.DataFrame:
    """Allocate anew for each place in turn as if it alone reported less often.

    Two questions, for each place and rate r. *If it fell silent*: its reports shrink to r of what
    they are, although nothing there got better; what would it lose? *If it is silent already*:
    it reports only r of what others would, so its true need is 1 / r times its reports; what does
    it lack today? The second needs no change of the world, so it is the error that a plan may
    already carry.

    Parameters
    ----------
    reported
        Shape ``(n,)``, need by reports.
    allocate
        Hours from need, each ``(n,)``; for instance `patrol.allocate.allocate_hours` with the
        day's rules filled in. By default proportional shares of 1.
    rates
        Reporting rates relative to the others, each more than 0 and at most 1.

    Returns
    -------
    DataFrame
        One row for each place and rate, in that order: ``row`` (place), ``rate``, ``reported``,
        ``hours`` (today), ``hours_if_silenced``, ``hours_if_mended``, ``loss`` and ``lack``
        (hours, at least 0 where more need never costs hours), ``moved_share`` (share of all
        hours that change hands if it is mended). Empty for no places.

    Raises
    ------
    InputError
        A rate is outside (0, 1], or a need negative or not finite.

    References
    ----------
    Akpinar, N.-J., De-Arteaga, M. and Chouldechova, A. (2021). The effect of differential victim
    crime reporting on predictive policing systems. FAccT '21.
    https://doi.org/10.1145/3442188.3445877
    """
    need = _checked(reported, rates)
    hours = allocate(need) if len(need) else need
    rows = [
        _row(i, rate, need=need, hours=hours, allocate=allocate)
        for i in range(len(need))
        for rate in rates
    ]
    return pd.DataFrame(
        rows,
        columns=[
            "row", "rate", "reported", "hours", "hours_if_silenced", "hours_if_mended",
            "loss", "lack", "moved_share",
        ],
    )  # fmt: skip


def _row(
    i: int, rate: float, *, need: Floats, hours: Floats, allocate: Allocate
) -> tuple[float, ...]:
    less, more = need.copy(), need.copy()
    less[i] *= rate
    more[i] /= rate
    silenced, mended = float(allocate(less)[i]), allocate(more)
    moved = float(np.abs(mended - hours).sum()) / 2 / float(hours.sum())
    here, there = float(hours[i]), float(mended[i])
    return (i, rate, float(need[i]), here, silenced, there, here - silenced, there - here, moved)


def _checked(reported: Floats, rates: Sequence[float]) -> Floats:
    need = np.asarray(reported, dtype=np.float64)
    if need.ndim != 1 or not np.isfinite(need).all() or (need < 0).any():
        raise InputError("reported must be one row of finite numbers of at least 0")
    for rate in rates:
        if not 0 < rate <= 1:
            raise InputError(f"a reporting rate is {rate}; say more than 0 and at most 1")
    return need
