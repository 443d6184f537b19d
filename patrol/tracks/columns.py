"""The fixes of a file as they are read, each written once, with one list of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patrol.tracks.fixes import BadRow, Fixes
from patrol.tracks.plain_rows import Columns

Ints = NDArray[np.int32]


class FixColumns:
    """Columns that grow.

    Parameters
    ----------
    with_height
        Whether heights are kept; all are unknown otherwise.
    expected
        How many fixes there will be, as far as that is known.
    """

    def __init__(self, *, with_height: bool, expected: int = 0) -> None:
        self._with_height = with_height
        self.expected = expected
        self._columns = self._empty(0)
        self._used = 0
        self._devices: dict[str, int] = {}

    def __len__(self) -> int:
        """Return the number of fixes."""
        return self._used

    def room(self, more: int) -> Columns:
        """Return columns in which `more` fixes have room behind those that there are."""
        old, wanted = self._columns, self._used + more
        if wanted > len(old.time):
            self._columns = self._empty(max(wanted, self.expected, 2 * len(old.time)))
            columns: tuple[tuple[Any, Any], ...] = tuple(zip(self._columns, old, strict=True))
            for column, kept in columns:
                column[: self._used] = kept[: self._used]
        return self._columns

    def keep(self, used: int) -> None:
        """Keep what was written into the room, up to the fix `used`."""
        self._used = used

    def number(self, devices: Sequence[str]) -> Ints:
        """Return the number of each device here."""
        known = self._devices
        return np.array([known.setdefault(ref, len(known)) for ref in devices], np.int32)

    def append(self, part: Fixes) -> None:
        """Append the fixes of a batch."""
        to, rows = self.room(len(part)), slice(self._used, self._used + len(part))
        to.device[rows] = self.number(part.devices)[part.device]
        to.time[rows], to.lon[rows], to.lat[rows] = part.time_us, part.lon, part.lat
        to.row_no[rows] = part.row_no
        if self._with_height:
            to.height[rows] = part.height_m
        self._used += len(part)

    def fixes(self, bad: Sequence[BadRow]) -> Fixes:
        """Return all of them, with the rows that were left out."""
        n, of = self._used, self._columns
        height = of.height[:n] if self._with_height else np.broadcast_to(np.nan, n)
        return Fixes(
            tuple(self._devices), of.device[:n], of.time[:n], of.lon[:n], of.lat[:n], height,
            of.row_no[:n], tuple(bad),
        )  # fmt: skip

    def _empty(self, n: int) -> Columns:
        return Columns(
            np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n), np.empty(n),
            np.empty(n if self._with_height else 0), np.empty(n, np.int32),
        )  # fmt: skip
