"""Effort: the time of a track split exactly over the cells, areas and hours that it crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patrol.tracks.effort_ground import EffortGround
from patrol.tracks.effort_kernel import (
    ROOM,
    Net,
    Spelled,
    Stays,
    add_up,
    leave_known,
    spell_out,
    walk,
)

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_ROOM_UNSORTED = 1 << 23  # stays for which there is room before any are added up
_FEW = 1 << 16  # from here on there is room for all at once: what is not written to costs nothing


@dataclass(frozen=True, eq=False)
class Legs:
    """Sound fixes by time within each segment, equal segments together, each ``(n,)``.

    Between two fixes of a segment the movement is straight and even.
    """

    time_us: Longs
    x: Floats
    y: Floats
    segment: Longs


@dataclass
class EffortSum:
    """Seconds and visits by cell, area and hour, added up batch by batch in one pass.

    The walk writes stays one after the other; only when their buffer is full, and at the end, are
    they put in order and added up. No table is looked into for each fix.

    Attributes
    ----------
    outside_s
        Seconds spent outside of the frame.
    """

    ground: EffortGround
    _keeps_since: bool = False
    outside_s: float = field(init=False, default=0.0)
    _net: Net = field(init=False)
    _stays: Stays = field(init=False)
    _used: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start with nothing."""
        frame, ground = self.ground.frame, self.ground
        self._net = Net(
            frame.x0, frame.y0, 1.0 / frame.cell_size_m, frame.n_columns, frame.n_rows,
            len(ground.cell_of_slot),
        )  # fmt: skip
        self._stays = _room(ROOM, since=self._keeps_since)

    def add(self, time_us: Longs, x: Floats, y: Floats, segment: Longs) -> None:
        """Add a batch, see `Legs`."""
        room, wanted = len(self._stays.keys), min(self._used + len(time_us), _ROOM_UNSORTED)
        if wanted > room:
            self._make_room(max(wanted, 4 * room) if wanted < _FEW else _ROOM_UNSORTED)
        begin, last = 0, -1
        while begin < len(time_us):
            begin, last = self._walk(Legs(time_us, x, y, segment), begin, last)
            if begin < len(time_us):
                self._shrink()

    def add_beside(self, legs: Legs, known: Sequence[Legs]) -> None:
        """Add what one device of a unit did, less the time in which others stood beside it.

        Somebody with two devices is in one place: for each cell, area and hour the unit's time is
        that in which any of its devices was there. A coming counts where none was.

        Parameters
        ----------
        known
            What was added of the unit's other devices.
        """
        own, others = (EffortSum(self.ground, _keeps_since=True) for _ in range(2))
        mine, n = own._each([legs])
        theirs, n_known = others._each(known)
        order = np.lexsort((theirs.since[:n_known], theirs.keys[:n_known]))
        leave_known(mine, n, theirs.keys[order], theirs.since[order], theirs.spent[order])
        self.outside_s += own.outside_s
        if self._used + n > len(self._stays.keys):
            self._shrink(n)
        self._put(mine, n)

    def table(self) -> pd.DataFrame:
        """Return ``hour`` (UTC), ``i``, ``j``, ``area_id``, ``seconds``, ``visits``, in order."""
        self._add_up(len(self._stays.keys))
        n = self._used
        ground, frame = self.ground, self.ground.frame
        row, column = np.divmod(ground.cell_of_slot, frame.n_columns)
        i, j = (
            column + round(frame.x0 / frame.cell_size_m),
            row + round(frame.y0 / frame.cell_size_m),
        )
        to = Spelled(
            np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.int32),
            np.empty(n, np.int64), np.empty(n), np.empty(n, np.int32),
        )  # fmt: skip
        rows = spell_out(self._stays, n, len(ground.cell_of_slot), i, j, ground.area_of_slot, to)
        at, *others = (column[:rows] for column in to)
        hour = pd.DatetimeIndex(at.view("datetime64[s]"), copy=False).tz_localize("UTC")
        names = ("i", "j", "area_id", "seconds", "visits")
        return pd.DataFrame({"hour": hour, **dict(zip(names, others, strict=True))}, copy=False)

    def _walk(self, legs: Legs, begin: int, last: int) -> tuple[int, int]:
        begin, last, self._used, outside = walk(
            legs.time_us, legs.x, legs.y, legs.segment, begin, last,
            self._net, self.ground.slot_of_cell, self.ground.parts, self._stays, self._used,
        )  # fmt: skip
        self.outside_s += outside * 1e-6
        return begin, last

    def _each(self, batches: Sequence[Legs]) -> tuple[Stays, int]:
        """Return every stay of some batches by itself, and how many there are."""
        for legs in batches:
            begin, last = 0, -1
            while begin < len(legs.time_us):
                begin, last = self._walk(legs, begin, last)
                if begin < len(legs.time_us):
                    self._make_room(4 * len(self._stays.keys))
        return self._stays, self._used

    def _shrink(self, wanted: int = 0) -> None:
        """Add up what is there; more room where that leaves less than half of it."""
        room = len(self._stays.keys)
        self._add_up(room)
        if self._used + wanted > (room - ROOM) // 2:
            self._make_room(4 * max(room, self._used + wanted))

    def _add_up(self, room: int) -> None:
        """Put the sums of the stays, in order of their keys, in their place."""
        sums = _room(room, since=False)
        self._used = add_up(self._stays, self._used, sums)
        self._stays = sums

    def _make_room(self, size: int) -> None:
        """Make room for `size` stays and keep those that are there."""
        room, old = size + ROOM, self._stays if self._used else None
        self._stays = _room(room, since=self._keeps_since)
        if old is not None:
            n, self._used = self._used, 0
            self._put(old, n)

    def _put(self, more: Stays, n: int) -> None:
        """Write the first `n` stays behind those that are there."""
        part, stays = slice(self._used, self._used + n), self._stays
        if self._keeps_since:
            stays.since[part] = more.since[:n]
        stays.keys[part], stays.spent[part] = more.keys[:n], more.spent[:n]
        stays.came[part] = more.came[:n]
        self._used += n


def _room(n: int, *, since: bool) -> Stays:
    """Make room outside of compiled code: NumPy asks for large pages, of which few are missed."""
    keys, begun, spent = (np.empty(size, np.int64) for size in (n, n if since else 0, n))
    return Stays(keys, begun, spent, np.empty(n, np.int32))


def sum_effort(
    ground: EffortGround, time_us: Longs, x: Floats, y: Floats, segment: Longs
) -> pd.DataFrame:
    """Return the effort of sound fixes at once, see `EffortSum`."""
    total = EffortSum(ground)
    total.add(time_us, x, y, segment)
    return total.table()
