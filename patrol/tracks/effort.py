"""Effort: the time of a track split exactly over the cells, areas and hours that it crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patrol.tracks.effort_ground import EffortGround
from patrol.tracks.effort_kernel import ROOM, add_up, leave_known, walk

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

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
    _keys: Longs = field(init=False)
    _since: Longs = field(init=False)
    _spent: Longs = field(init=False)
    _came: Ints = field(init=False)
    _used: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start with nothing."""
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
        key, since, spent, came = own._stays([legs])
        known_key, known_since, known_spent, _ = others._stays(known)
        order = np.lexsort((known_since, known_key))
        leave_known(key, since, spent, came, len(key), known_key[order], known_since[order],
                    known_spent[order])  # fmt: skip
        self.outside_s += own.outside_s
        if self._used + len(key) > len(self._keys):
            self._shrink(len(key))
        part = slice(self._used, self._used + len(key))
        self._keys[part], self._since[part] = key, since
        self._spent[part], self._came[part] = spent, came
        self._used += len(key)

    def table(self) -> pd.DataFrame:
        """Return ``hour`` (UTC), ``i``, ``j``, ``area_id``, ``seconds``, ``visits``, in order."""
        keys, spent, came = add_up(self._keys, self._spent, self._came, self._used)
        full = (spent > 0) | (came > 0)
        if not full.all():
            keys, spent, came = keys[full], spent[full], came[full]
        ground = self.ground
        hour, slot = np.divmod(keys, len(ground.cell_of_slot))
        frame = ground.frame
        row, column = np.divmod(ground.cell_of_slot[slot], frame.n_columns)
        at = (hour * 3600).astype("datetime64[s]")
        return pd.DataFrame(
            {
                "hour": pd.DatetimeIndex(at).tz_localize("UTC"),
                "i": column + round(frame.x0 / frame.cell_size_m),
                "j": row + round(frame.y0 / frame.cell_size_m),
                "area_id": ground.area_of_slot[slot],
                "seconds": spent * 1e-6,
                "visits": came.astype(np.int64),
            },
            copy=False,
        )

    def _walk(self, legs: Legs, begin: int, last: int) -> tuple[int, int]:
        frame = self.ground.frame
        begin, last, self._used, outside = walk(
            legs.time_us, legs.x, legs.y, legs.segment, begin, last,
            frame.x0, frame.y0, frame.cell_size_m, frame.n_columns, frame.n_rows,
            self.ground.slot_of_cell, self.ground.parts, len(self.ground.cell_of_slot),
            self._keys, self._since, self._spent, self._came, self._used,
        )  # fmt: skip
        self.outside_s += outside * 1e-6
        return begin, last

    def _stays(self, batches: Sequence[Legs]) -> tuple[Longs, Longs, Longs, Ints]:
        """Return every stay of some batches by itself: key, beginning, length, coming."""
        for legs in batches:
            begin, last = 0, -1
            while begin < len(legs.time_us):
                begin, last = self._walk(legs, begin, last)
                if begin < len(legs.time_us):
                    self._make_room(4 * len(self._keys))
        n = self._used
        return self._keys[:n], self._since[:n], self._spent[:n], self._came[:n]

    def _shrink(self, wanted: int = 0) -> None:
        """Add up what is there; more room where that leaves less than half of it."""
        keys, spent, came = add_up(self._keys, self._spent, self._came, self._used)
        n = len(keys)
        self._used = 0
        if n + wanted > (len(self._keys) - ROOM) // 2:
            self._make_room(4 * max(len(self._keys), n + wanted))
        self._keys[:n], self._spent[:n], self._came[:n] = keys, spent, came
        self._used = n

    def _make_room(self, size: int) -> None:
        """Make room for `size` stays and keep those that are there."""
        n = self._used
        keys, since, spent = (np.empty(size + ROOM, np.int64) for _ in range(3))
        came = np.empty(size + ROOM, np.int32)
        if n:
            keys[:n], since[:n] = self._keys[:n], self._since[:n]
            spent[:n], came[:n] = self._spent[:n], self._came[:n]
        self._keys, self._since, self._spent, self._came = keys, since, spent, came


def sum_effort(
    ground: EffortGround, time_us: Longs, x: Floats, y: Floats, segment: Longs
) -> pd.DataFrame:
    """Return the effort of sound fixes at once, see `EffortSum`."""
    total = EffortSum(ground)
    total.add(time_us, x, y, segment)
    return total.table()
