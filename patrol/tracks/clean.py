"""Cleaning of fixes: order and clock, repeats, spikes, and the cut at gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Codes = NDArray[np.int8]

SOUND, UNPLACED, REPEAT, SPIKE = 0, 1, 2, 3
FAULTS = {
    UNPLACED: ("无时间或位置", "no time or position"),
    REPEAT: ("重复定位", "a second fix of the same instant"),
    SPIKE: ("漂移点", "a spike: nobody moves that fast"),
}
FASTEST_M_S = {"foot": 6.0, "vehicle": 45.0, "drone": 35.0}
_SECOND = 1_000_000


@dataclass(frozen=True)
class CleanParams:
    """What is no movement.

    Attributes
    ----------
    fastest_m_s
        Speed that the source cannot exceed; `FASTEST_M_S` has defaults.
    slack_m
        Distance that a fix may be off without moving: the receiver's noise.
    gap_s
        Between fixes farther apart in time nothing is known: the track is cut.
    """

    fastest_m_s: float = 6.0
    slack_m: float = 30.0
    gap_s: float = 180.0

    def __post_init__(self) -> None:
        if self.fastest_m_s <= 0 or self.gap_s <= 0 or self.slack_m < 0:
            raise InputError("the fastest speed and the gap must be over 0, the slack 0 or more")


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Fixes in order with what is wrong with them.

    Attributes
    ----------
    order
        Rows of the input by device and time, ``(n,)``; None where they came so.
    fault
        A key of `FAULTS`, or `SOUND`, in that order.
    segment
        Number of the stretch without a gap, in that order; -1 for faulty fixes.
    as_given
        Whether all fixes are sound, and came in order.
    """

    order: Longs | None
    fault: Codes
    segment: Longs
    as_given: bool

    @property
    def rows(self) -> Longs:
        """Rows of the sound fixes by device and time."""
        sound = np.flatnonzero(self.fault == SOUND)
        rows: Longs = sound if self.order is None else self.order[sound]
        return rows

    @property
    def segments(self) -> Longs:
        """Segment of each of `rows`."""
        return self.segment if self.as_given else self.segment[self.fault == SOUND]


def clean_fixes(
    time_us: Longs, x: Floats, y: Floats, *, device: Longs | None = None,
    params: CleanParams | None = None,
) -> Cleaned:  # fmt: skip
    """Put fixes in order, find the ones that cannot be, and cut at gaps.

    A fix that cannot be reached from the last sound one at the fastest speed is a spike, unless
    the next two go on from it: then the device did come there, unseen, and the track is cut.

    Parameters
    ----------
    time_us
        Microseconds since 1970, ``(n,)``; the smallest integer (NaT) where unknown.
    x, y
        Metres, ``(n,)``; NaN where unknown.
    device
        Whose fix it is, ``(n,)``; None: all of one device.

    Examples
    --------
    >>> t = np.array([0, 10, 20, 30]) * 1_000_000
    >>> clean_fixes(t, np.array([0.0, 900, 20, 30]), np.zeros(4)).fault.tolist()
    [0, 3, 0, 0]
    """
    how = params or CleanParams()
    who = np.zeros(len(time_us), np.int64) if device is None else device
    ordered = len(who) < 2 or is_ordered(who, time_us)
    order = None if ordered else np.lexsort((time_us, who))
    columns = who, time_us, x, y
    if order is not None:  # what is in order is read as it lies, not copied
        columns = who[order], time_us[order], x[order], y[order]
    fault, segment = np.empty(len(who), np.int8), np.empty(len(who), np.int64)
    sound = _walk(
        *columns, how.fastest_m_s, how.slack_m, int(how.gap_s * _SECOND), fault, segment
    )  # fmt: skip
    return Cleaned(order, fault, segment, as_given=ordered and sound)


def clock_skew_s(sent_us: int, received_us: int, *, tolerance_s: float = 60.0) -> float:
    """Return by how many seconds a device's clock is late; 0 within the tolerance.

    Parameters
    ----------
    sent_us
        The device's own time when it sent a batch, microseconds since 1970.
    received_us
        The time here at which it came; the way takes part of the tolerance.

    Examples
    --------
    >>> clock_skew_s(0, 3_600_000_000), clock_skew_s(0, 5_000_000)
    (3600.0, 0.0)
    """
    late = (received_us - sent_us) / _SECOND
    return late if abs(late) > tolerance_s else 0.0


@njit(cache=True, nogil=True)
def is_ordered(who: Longs | Ints, time: Longs) -> bool:  # pragma: no cover - compiled
    """Say whether fixes come device by device, and each device's by time."""
    for n in range(1, len(who)):
        if who[n] < who[n - 1] or (who[n] == who[n - 1] and time[n] < time[n - 1]):
            return False
    return True


@njit(cache=True, nogil=True)
def _apart(
    n: int, m: int, time: Longs, x: Floats, y: Floats, fastest: float, slack: float
) -> bool:  # pragma: no cover - compiled
    """Say whether nobody comes from fix n to fix m in the time between."""
    reach = fastest * (time[m] - time[n]) * 1e-6 + slack
    return bool((x[m] - x[n]) ** 2 + (y[m] - y[n]) ** 2 > reach * reach)


@njit(cache=True, nogil=True)
def _goes_on(
    n: int, who: Longs, time: Longs, x: Floats, y: Floats, fastest: float, slack: float
) -> bool:  # pragma: no cover - compiled
    """Say whether two sound fixes follow n from where it is."""
    last, found, m = n, 0, n + 1
    while m < len(who) and who[m] == who[n] and found < 2:
        if time[m] > time[last] and np.isfinite(x[m]) and np.isfinite(y[m]):
            if _apart(last, m, time, x, y, fastest, slack):
                return False
            last = m
            found += 1
        m += 1
    return found == 2


@njit(cache=True, nogil=True)
def _walk(
    who: Longs, time: Longs, x: Floats, y: Floats, fastest: float, slack: float, gap: int,
    fault: Codes, segment: Longs,
) -> bool:  # fmt: skip  # pragma: no cover - compiled
    """Write the fault and the segment of each fix; return whether all are sound."""
    last, number, all_sound = -1, -1, True
    unknown = np.iinfo(np.int64).min
    for n in range(len(who)):
        fault[n], segment[n] = SOUND, -1
        if time[n] == unknown or not (np.isfinite(x[n]) and np.isfinite(y[n])):
            fault[n], all_sound = UNPLACED, False
            continue
        if last < 0 or who[n] != who[last]:
            number += 1
        elif time[n] == time[last]:
            fault[n], all_sound = REPEAT, False
            continue
        elif time[n] - time[last] > gap:
            number += 1
        elif _apart(last, n, time, x, y, fastest, slack):
            if not _goes_on(n, who, time, x, y, fastest, slack):
                fault[n], all_sound = SPIKE, False
                continue
            number += 1
        segment[n] = number
        last = n
    return all_sound
