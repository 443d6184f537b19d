"""Fixes of devices as a file or a tablet gave them, with the rows that cannot be taken in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patrol.tracks.track import Track

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken in: which, what of it, and why (a key of `REASONS`)."""

    row_no: int
    field: str
    value: str | None
    reason: str
    raw: dict[str, object]


@dataclass(frozen=True, eq=False)
class Fixes:
    """Positions of one or more devices.

    Attributes
    ----------
    devices
        References of the devices.
    device
        Row of `devices` of each fix, ``(n,)``.
    time_us
        Microseconds since 1970 UTC, ``(n,)``.
    lon, lat
        WGS-84 degrees, ``(n,)``.
    height_m
        Above ground or take-off, ``(n,)``; NaN where unknown. Of drones.
    row_no
        Number of each fix's row in the file, from 1, ``(n,)``.
    bad
        Rows that were left out.
    """

    devices: tuple[str, ...]
    device: Longs
    time_us: Longs
    lon: Floats
    lat: Floats
    height_m: Floats
    row_no: Longs
    bad: tuple[BadRow, ...] = ()

    def __len__(self) -> int:
        """Return the number of fixes."""
        return len(self.time_us)

    def take(self, rows: Longs | NDArray[np.bool_]) -> Fixes:
        """Return some of the fixes."""
        return Fixes(
            self.devices, self.device[rows], self.time_us[rows], self.lon[rows], self.lat[rows],
            self.height_m[rows], self.row_no[rows], self.bad,
        )  # fmt: skip


def rows_by_device(device: Longs, time_us: Longs) -> Iterator[tuple[int, Longs]]:
    """Yield each device that has fixes, and its rows by time, those of one time as they come.

    Examples
    --------
    >>> rows = rows_by_device(np.array([1, 0, 1, 1]), np.array([5, 9, 4, 5]))
    >>> [(device, of.tolist()) for device, of in rows]
    [(0, [1]), (1, [2, 0, 3])]
    """
    short = device.astype(np.uint16) if device.max(initial=0) < 2**16 else device
    order = np.argsort(short, kind="stable")  # of short numbers by their digits, in one pass each
    ends = np.cumsum(np.bincount(device))
    for number, end in enumerate(ends):
        rows = order[ends[number - 1] if number else 0 : end]
        if len(rows):
            yield number, rows[np.argsort(time_us[rows], kind="stable")]


def fixes_of_track(track: Track, *, device: str) -> Fixes:
    """Return a recorder's track as fixes of a device; points without a time are bad rows."""
    time = track.time.astype("datetime64[us]").astype(np.int64)
    timed = ~np.isnat(track.time)
    bad = tuple(
        BadRow(int(n) + 1, "time", None, "missing_value",
               {"lon": float(track.lon[n]), "lat": float(track.lat[n])})
        for n in np.flatnonzero(~timed)
    )  # fmt: skip
    rows = np.flatnonzero(timed)
    return Fixes(
        (device,), np.zeros(len(rows), np.int64), time[rows], track.lon[rows], track.lat[rows],
        track.height_m[rows], rows + 1, bad,
    )  # fmt: skip


def bad_row(fixes: Fixes, k: int, name: str, reason: str) -> BadRow:
    """Return fix `k` as a row that cannot be taken in, as it was read."""
    raw: dict[str, object] = {
        "device": fixes.devices[int(fixes.device[k])],
        "time": str(np.datetime64(int(fixes.time_us[k]), "us")) + "Z",
        "lon": float(fixes.lon[k]), "lat": float(fixes.lat[k]),
    }  # fmt: skip
    return BadRow(int(fixes.row_no[k]), name, str(raw[name]), reason, raw)
