"""Stays: where a device remained within a small circle for a while."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def find_stays(
    time_us: Longs, x: Floats, y: Floats, segment: Longs, *, within_m: float = 50.0,
    least_s: float = 300.0,
) -> pd.DataFrame:  # fmt: skip
    """Find where the fixes stay within a distance of the first one for a time.

    Parameters
    ----------
    time_us, x, y, segment
        Sound fixes by time within each segment, ``(n,)``.

    Returns
    -------
    DataFrame
        One row a stay: ``segment``, ``starts_us``, ``ends_us``, ``x``, ``y`` (mean), ``n``.

    Raises
    ------
    InputError
        Distance or time is not over 0.

    References
    ----------
    Li, Q., Zheng, Y., Xie, X., Chen, Y., Liu, W. and Ma, W.-Y. (2008). Mining user similarity
    based on location history. ACM GIS, section 4.1. doi:10.1145/1463434.1463477
    """
    if not (within_m > 0 and least_s > 0):
        raise InputError("a stay needs a distance and a time of more than 0")
    first, last, mx, my = _stays(time_us, x, y, segment, within_m, int(least_s * 1_000_000))
    return pd.DataFrame(
        {"segment": segment[first], "starts_us": time_us[first], "ends_us": time_us[last],
         "x": mx, "y": my, "n": last - first + 1}
    )  # fmt: skip


def join_stays(stays: pd.DataFrame) -> pd.DataFrame:
    """Return the stays of each unit in each area, those at one time by several devices as one.

    Parameters
    ----------
    stays
        One row a device's stay: ``who`` (a unit or drone), ``area_id``, ``starts_us``,
        ``ends_us`` and any others, of which the first one's are kept.
    """
    ordered = stays.sort_values(["who", "area_id", "starts_us"], kind="stable", ignore_index=True)
    if ordered.empty:
        return ordered
    group = ordered.groupby(["who", "area_id"], dropna=False, sort=False).ngroup()
    reached = ordered["ends_us"].groupby(group).cummax()
    before = reached.groupby(group).shift(fill_value=np.iinfo(np.int64).min)
    begins = ordered["starts_us"] > before
    number = begins.cumsum()
    joined: pd.DataFrame = ordered[begins].reset_index(drop=True)
    return joined.assign(ends_us=reached.groupby(number).max().to_numpy())


@njit(cache=True, nogil=True)
def _stays(
    time: Longs, x: Floats, y: Floats, segment: Longs, within: float, least: int
) -> tuple[Longs, Longs, Floats, Floats]:  # pragma: no cover - compiled
    n = len(time)
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)
    mx, my = np.empty(n), np.empty(n)
    found, a = 0, 0
    while a < n:
        b = a
        sx, sy = x[a], y[a]
        while (
            b + 1 < n
            and segment[b + 1] == segment[a]
            and (x[b + 1] - x[a]) ** 2 + (y[b + 1] - y[a]) ** 2 <= within * within
        ):
            b += 1
            sx += x[b]
            sy += y[b]
        if time[b] - time[a] >= least:
            first[found], last[found] = a, b
            mx[found], my[found] = sx / (b - a + 1), sy / (b - a + 1)
            found += 1
            a = b + 1
        else:
            a += 1
    return first[:found], last[:found], mx[:found], my[:found]
