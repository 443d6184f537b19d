"""Fixes packed for storage: whole microdegrees and milliseconds, differences, deflated."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from geo.errors import FormatError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
_VERSION = b"\x01"
_SCALE = 1e7  # degrees to about a centimetre
_MILLI = 1000


def pack_fixes(time_us: Longs, lon: Floats, lat: Floats) -> bytes:
    """Return the fixes as bytes: time to 1 ms, position to 1e-7 degrees (1 cm)."""
    table = np.stack(
        [time_us // _MILLI, np.rint(lon * _SCALE).astype(np.int64),
         np.rint(lat * _SCALE).astype(np.int64)]
    )  # fmt: skip
    steps = np.diff(table, axis=1, prepend=0).astype("<i8")
    # Byte planes: the high bytes of small differences are alike and deflate to nothing.
    planes = np.ascontiguousarray(steps.view(np.uint8).reshape(3, -1, 8).transpose(0, 2, 1))
    return _VERSION + zlib.compress(planes.tobytes(), 6)


def unpack_fixes(packed: bytes) -> tuple[Longs, Floats, Floats]:
    """Return time (microseconds since 1970), longitude and latitude of packed fixes.

    Raises
    ------
    FormatError
        The bytes are not of `pack_fixes`.
    """
    if packed[:1] != _VERSION:
        raise FormatError("these bytes are no fixes that Gridbeat packed")
    try:
        raw = np.frombuffer(zlib.decompress(packed[1:]), np.uint8)
    except zlib.error as error:
        raise FormatError(f"the packed fixes are damaged ({error})") from error
    planes = np.ascontiguousarray(raw.reshape(3, 8, -1).transpose(0, 2, 1))
    table = np.cumsum(planes.view("<i8").reshape(3, -1), axis=1)
    return table[0] * _MILLI, table[1] / _SCALE, table[2] / _SCALE
