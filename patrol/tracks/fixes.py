"""Fixes of devices as a file or a tablet gave them, with the rows that cannot be taken in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo.crs.systems import project
from patrol.tracks.clean import is_ordered
from patrol.tracks.track import Track

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
_TOGETHER = 1_000_000  # fixes


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
    device: Ints
    time_us: Longs
    lon: Floats
    lat: Floats
    height_m: Floats
    row_no: Ints
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


def rows_by_device(device: Ints, time_us: Longs) -> Iterator[tuple[int, Longs]]:
    """Yield each device that has fixes, and its rows by time, those of one time as they come.

    Examples
    --------
    >>> rows = rows_by_device(np.array([1, 0, 1, 1]), np.array([5, 9, 4, 5]))
    >>> [(device, of.tolist()) for device, of in rows]
    [(0, [1]), (1, [2, 0, 3])]
    """
    if is_ordered(device, time_us):
        begins = np.searchsorted(device, np.arange(device.max(initial=-1) + 2))
        for number, (begin, end) in enumerate(pairwise(begins.tolist())):
            if end > begin:
                yield number, np.arange(begin, end)
        return
    short = device.astype(np.uint16) if device.max(initial=0) < 2**16 else device
    order = np.argsort(short, kind="stable")  # of short numbers by their digits, in one pass each
    ends = np.cumsum(np.bincount(device))
    for number, end in enumerate(ends):
        rows = order[ends[number - 1] if number else 0 : end]
        if len(rows):
            yield number, rows[np.argsort(time_us[rows], kind="stable")]


def tracks_on_plane(fixes: Fixes, *, srid: int) -> Iterator[tuple[int, Longs, Floats, Floats]]:
    """Yield each device that has fixes, its rows as `rows_by_device`, and their x and y.

    Devices are projected together as far as that is quicker, and no more: what is used at once
    stays in the caches.
    """
    waiting: list[tuple[int, Longs]] = []
    n = 0
    for number, rows in rows_by_device(fixes.device, fixes.time_us):
        waiting.append((number, rows))
        n += len(rows)
        if n >= _TOGETHER:
            yield from _projected(fixes, waiting, srid)
            waiting, n = [], 0
    yield from _projected(fixes, waiting, srid)


def _projected(
    fixes: Fixes, tracks: Sequence[tuple[int, Longs]], srid: int
) -> Iterator[tuple[int, Longs, Floats, Floats]]:
    if not tracks:
        return
    rows = np.concatenate([of for _, of in tracks])
    as_they_lie = bool((np.diff(rows) == 1).all())
    at = slice(rows[0], rows[-1] + 1) if as_they_lie else rows
    x, y = project(fixes.lon[at], fixes.lat[at], srid=srid)
    begin = 0
    for number, of in tracks:
        end = begin + len(of)
        yield number, of, x[begin:end], y[begin:end]
        begin = end


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
        (device,), np.zeros(len(rows), np.int32), time[rows], track.lon[rows], track.lat[rows],
        track.height_m[rows], (rows + 1).astype(np.int32), bad,
    )  # fmt: skip


def bad_row(fixes: Fixes, k: int, name: str, reason: str) -> BadRow:
    """Return fix `k` as a row that cannot be taken in, as it was read."""
    raw: dict[str, object] = {
        "device": fixes.devices[int(fixes.device[k])],
        "time": str(np.datetime64(int(fixes.time_us[k]), "us")) + "Z",
        "lon": float(fixes.lon[k]), "lat": float(fixes.lat[k]),
    }  # fmt: skip
    return BadRow(int(fixes.row_no[k]), name, str(raw[name]), reason, raw)
