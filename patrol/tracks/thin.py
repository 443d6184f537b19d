"""Thinning that keeps where something was when, to a stated tolerance."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


def thin_track(
    time_us: Longs, x: Floats, y: Floats, segment: Longs, *, tolerance_m: float = 5.0
) -> Flags:
    """Say which fixes are needed so that every dropped one is within the tolerance.

    The distance is to where the straight line between the kept fixes is at the same instant
    (time-aware Douglas-Peucker), so that a stop stays a stop.

    Parameters
    ----------
    time_us, x, y
        Sound fixes by time within each segment, ``(n,)``; metres.
    segment
        Number of each fix's segment, equal ones together.

    Returns
    -------
    ndarray
        ``(n,)``; the first and last fix of each segment are always kept.

    Raises
    ------
    InputError
        The tolerance is negative.

    References
    ----------
    Meratnia, N. and de By, R. A. (2004). Spatiotemporal compression techniques for moving point
    objects. EDBT, 765-782. doi:10.1007/978-3-540-24741-8_44
    """
    if not tolerance_m >= 0:
        raise InputError(f"the tolerance is {tolerance_m} m; it must be 0 or more")
    keep: Flags = _thin(time_us, x, y, segment, tolerance_m)
    return keep


@njit(cache=True, nogil=True)
def _thin(
    time: Longs, x: Floats, y: Floats, segment: Longs, tolerance: float
) -> Flags:  # pragma: no cover - compiled
    n = len(time)
    keep = np.zeros(n, np.bool_)
    stack = np.empty((n + 1, 2), np.int64)
    begin = 0
    while begin < n:
        end = begin
        while end + 1 < n and segment[end + 1] == segment[begin]:
            end += 1
        keep[begin] = keep[end] = True
        stack[0, 0], stack[0, 1] = begin, end
        depth = 1
        while depth > 0:
            depth -= 1
            a, b = stack[depth, 0], stack[depth, 1]
            worst, at = tolerance * tolerance, -1
            for m in range(a + 1, b):
                share = (time[m] - time[a]) / (time[b] - time[a])
                dx = x[m] - (x[a] + share * (x[b] - x[a]))
                dy = y[m] - (y[a] + share * (y[b] - y[a]))
                off = dx * dx + dy * dy
                if off > worst:
                    worst, at = off, m
            if at >= 0:
                keep[at] = True
                stack[depth, 0], stack[depth, 1] = a, at
                stack[depth + 1, 0], stack[depth + 1, 1] = at, b
                depth += 2
        begin = end + 1
    return keep
