"""MAVLink telemetry logs (`.tlog`) into tracks."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from geo.errors import FormatError
from patrol.tracks.track import Track, make_track

_STAMP = struct.Struct(">Q")
_MAGIC = (0xFD, 0xFE)
# Between 2000 and 2100, in microseconds: what a telemetry log's clock can be.
_EARLIEST, _LATEST = 946_684_800_000_000, 4_102_444_800_000_000


def read_tlog(path: Path) -> Track:
    """Read the positions that the autopilot reported; those before its first fix are left out.

    A log has no end of its own: one that stops within a message, as most do when the link goes
    down, is read up to there.

    Raises
    ------
    FormatError
        It is no telemetry log, or has no position with a satellite fix.
    """
    from pymavlink import mavutil  # takes a second to import

    with path.open("rb") as file:
        content = file.read(16)
    if (
        len(content) < 16
        or content[8] not in _MAGIC
        or not (_EARLIEST < _STAMP.unpack_from(content)[0] < _LATEST)
    ):
        msg = f"{path.name}: it is no MAVLink telemetry log"
        raise FormatError(msg)
    source = mavutil.mavlogfile(str(path), robust_parsing=True)
    try:
        rows = []
        while (message := source.recv_match(type="GLOBAL_POSITION_INT")) is not None:
            rows.append((message._timestamp, message.lon, message.lat, message.relative_alt,
                         message.alt))  # fmt: skip
    finally:
        source.close()
    found = np.array(rows, dtype=np.float64).reshape(-1, 5)
    found = found[(found[:, 1] != 0) | (found[:, 2] != 0)]
    if not len(found):
        msg = f"{path.name}: the log has no position with a satellite fix"
        raise FormatError(msg)
    return make_track(
        (found[:, 0] * 1e6).astype(np.int64).astype("datetime64[us]"),
        found[:, 1] / 1e7, found[:, 2] / 1e7, height_m=found[:, 3] / 1e3,
        altitude_m=found[:, 4] / 1e3, source="tlog", name=path.stem,
    )  # fmt: skip
