"""Incidents as points in space and time, for methods that take no lattice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Incidents of a window; every array has shape ``(n,)``, in one fixed order.

    Attributes
    ----------
    x, y
        Metres of `srid`.
    day
        Whole local days since 1970-01-01: the hour of many incidents is not known.
    category
        Class codes.
    srid
        Metric CRS.
    window
        From when to when, with time zone.
    found_by
        The sources that were read.
    left_out
        How many incidents were not, by reason.
    """

    x: Floats
    y: Floats
    day: Floats
    category: NDArray[np.object_]
    srid: int
    window: tuple[datetime, datetime]
    found_by: tuple[str, ...]
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.x)

    def by_class(self) -> dict[str, NDArray[np.int64]]:
        """Return the rows of each class, by code."""
        return {
            str(code): np.flatnonzero(self.category == code)
            for code in sorted(set(self.category.tolist()))
        }

    def describe(self) -> dict[str, Any]:
        """Return what was read, as plain JSON values to store beside a result."""
        return {
            "classes": sorted(set(self.category.tolist())),
            "found_by": list(self.found_by),
            "left_out": dict(self.left_out),
        }


def iso_day(day: float) -> str:
    """Return a day since 1970-01-01 as a date.

    Examples
    --------
    >>> iso_day(20_000)
    '2024-10-04'
    """
    return str(np.datetime64(int(day), "D"))
