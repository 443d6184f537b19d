"""Which fixes are of duty: what was recorded off duty is never kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Longs = NDArray[np.int64]


def on_duty(
    time_us: Longs, starts_us: Longs, ends_us: Longs, *, grace_s: float = 0.0
) -> NDArray[np.bool_]:
    """Say which instants lie in a shift, both ends part of it.

    Parameters
    ----------
    time_us
        Microseconds since 1970, ``(n,)``.
    starts_us, ends_us
        Shifts of the device's unit, ``(n_shifts,)``; they may overlap. None: nothing is on duty.
    grace_s
        Seconds before and after a shift that still count.

    Raises
    ------
    InputError
        A shift ends before it starts.
    """
    if (ends_us < starts_us).any():
        raise InputError("a shift ends before it starts")
    begins = np.sort(starts_us - int(grace_s * 1e6))
    ends = np.sort(ends_us + int(grace_s * 1e6))
    begun = np.searchsorted(begins, time_us, side="right")
    over = np.searchsorted(ends, time_us, side="left")
    return np.asarray(begun > over)
