"""A track: where something was, and when, whatever recorded it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Track:
    """Positions in the order in which they were recorded, as the recorder gave them.

    Nothing is cleaned: spikes, pauses and double times are still there.

    Attributes
    ----------
    time
        Shape ``(n,)``, ``datetime64[us]``, UTC. NaT where the recorder had no clock yet.
    lon, lat
        Shape ``(n,)``, degrees, WGS-84.
    height_m
        Shape ``(n,)``, metres above the place of take-off; NaN where unknown.
    altitude_m
        Shape ``(n,)``, metres above sea level; NaN where unknown.
    source
        The recorder's format: ``gpx``, ``tlog``, ``ulg``, ``srt``, ...
    name
        What the file or recorder calls it; never a person's name.
    """

    time: Times
    lon: Floats
    lat: Floats
    height_m: Floats
    altitude_m: Floats
    source: str
    name: str = ""

    def __post_init__(self) -> None:
        columns = [getattr(self, field.name) for field in fields(self)[:5]]
        if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
            shapes = ", ".join(str(column.shape) for column in columns)
            msg = f"a track's columns must have one shape (n,), got {shapes}"
            raise InputError(msg)
        with np.errstate(invalid="ignore"):
            sound = (np.abs(self.lon) <= 180) & (np.abs(self.lat) <= 90)
        if not sound.all():
            row = int(np.flatnonzero(~sound)[0])
            msg = (
                f"{self.source} track {self.name!r}: position {row} is no place on Earth: "
                f"{self.lon[row]}, {self.lat[row]}"
            )
            raise InputError(msg)

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.time)


def make_track(
    time: Times | None,
    lon: Floats,
    lat: Floats,
    *,
    height_m: Floats | None = None,
    altitude_m: Floats | None = None,
    source: str,
    name: str = "",
) -> Track:
    """Build a track; what the recorder did not know is NaN or NaT.

    Raises
    ------
    InputError
        The columns differ in length, or a position is no place on Earth.
    """
    n = len(lon)
    blank = np.full(n, np.nan)
    return Track(
        time=np.full(n, np.datetime64("NaT"), "datetime64[us]")
        if time is None
        else time.astype("datetime64[us]"),
        lon=np.asarray(lon, np.float64),
        lat=np.asarray(lat, np.float64),
        height_m=blank if height_m is None else np.asarray(height_m, np.float64),
        altitude_m=blank if altitude_m is None else np.asarray(altitude_m, np.float64),
        source=source,
        name=name,
    )
