"""Effort: the time of a track split exactly over the cells, areas and hours that it crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patrol.tracks.effort_ground import EffortGround
from patrol.tracks.effort_kernel import ROOM, Net, Stays, add_up, leave_known, spell_out, walk

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_FIRST_ROOM = 1 << 22  # virtual until written to


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
        self._make_room(_FIRST_ROOM)

    def add(self, time_us: Longs, x: Floats, y: Floats, segment: Longs) -> None:
        """Add a batch, see `Legs`."""
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
        own, others = EffortSum(self.ground), EffortSum(self.ground)
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
        sums = add_up(self._stays, self._used)
        ground, frame = self.ground, self.ground.frame
        row, column = np.divmod(ground.cell_of_slot, frame.n_columns)
        i, j = (
            column + round(frame.x0 / frame.cell_size_m),
            row + round(frame.y0 / frame.cell_size_m),
        )
        at, i, j, area, seconds, visits = spell_out(
            sums, len(ground.cell_of_slot), i, j, ground.area_of_slot
        )
        hour = pd.DatetimeIndex(at.view("datetime64[s]"), copy=False).tz_localize("UTC")
        columns = {"hour": hour, "i": i, "j": j, "area_id": area, "seconds": seconds,
                   "visits": visits}  # fmt: skip
        return pd.DataFrame(columns, copy=False)

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
        sums, room = add_up(self._stays, self._used), len(self._stays.keys)
        n = len(sums.keys)
        self._used = 0
        if n + wanted > (room - ROOM) // 2:
            self._make_room(4 * max(room, n + wanted))
        stays = self._stays
        stays.keys[:n], stays.spent[:n], stays.came[:n] = sums.keys, sums.spent, sums.came
        self._used = n

    def _make_room(self, size: int) -> None:
        """Make room for `size` stays and keep those that are there."""
        room, old = size + ROOM, self._stays if self._used else None
        whole = [np.empty(room, np.int64) for _ in range(3)]
        self._stays = Stays(whole[0], whole[1], whole[2], np.empty(room, np.int32))
        if old is not None:
            n, self._used = self._used, 0
            self._put(old, n)

    def _put(self, more: Stays, n: int) -> None:
        """Write the first `n` stays behind those that are there."""
        part, stays = slice(self._used, self._used + n), self._stays
        stays.keys[part], stays.since[part] = more.keys[:n], more.since[:n]
        stays.spent[part], stays.came[part] = more.spent[:n], more.came[:n]
        self._used += n


def sum_effort(
    ground: EffortGround, time_us: Longs, x: Floats, y: Floats, segment: Longs
) -> pd.DataFrame:
    """Return the effort of sound fixes at once, see `EffortSum`."""
    total = EffortSum(ground)
    total.add(time_us, x, y, segment)
    return total.table()
