"""PX4 flight logs (`.ulg`) into tracks."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import FormatError
from patrol.tracks.track import Track, make_track

_MAGIC = b"ULog\x01\x12\x35"
_TOPICS = ("vehicle_global_position", "vehicle_gps_position", "sensor_gps")
_FIX_3D = 3


def read_ulog(path: Path) -> Track:
    """Read the positions that the autopilot estimated, or those of its receiver.

    Heights are above the first position where the log has no estimate of its own.

    Raises
    ------
    FormatError
        It is no PX4 log, is cut off, or has no position with a satellite fix.
    """
    from pyulog import ULog

    content = path.read_bytes()
    if not content.startswith(_MAGIC):
        msg = f"{path.name}: it is no PX4 log"
        raise FormatError(msg)
    try:
        # The library prints what it skips.
        with contextlib.redirect_stdout(io.StringIO()):
            log = ULog(io.BytesIO(content), [*_TOPICS])
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error) as error:
        msg = f"{path.name}: no readable PX4 log ({error}); is the file complete?"
        raise FormatError(msg) from error
    if log.file_corruption or _is_cut(content):
        msg = f"{path.name}: the log is damaged or cut off; copy it anew"
        raise FormatError(msg)
    for topic in _TOPICS:
        found = [data.data for data in log.data_list if data.name == topic]
        if found and (track := _track(found[0], _clock(log), path)) is not None:
            return track
    msg = f"{path.name}: the log has no position with a satellite fix"
    raise FormatError(msg)


def _track(data: dict[str, NDArray[Any]], offset_us: int | None, path: Path) -> Track | None:
    lat = data["latitude_deg"] if "latitude_deg" in data else data["lat"]
    lon = data["longitude_deg"] if "longitude_deg" in data else data["lon"]
    altitude = data["altitude_msl_m"] if "altitude_msl_m" in data else data["alt"]
    scale = (1.0, 1.0) if np.issubdtype(lat.dtype, np.floating) else (1e-7, 1e-3)
    keep = np.ones(len(lat), dtype=bool)
    if "fix_type" in data:
        keep = data["fix_type"] >= _FIX_3D
    if not keep.any():
        return None
    metres = altitude[keep].astype(np.float64) * scale[1]
    time = None
    if offset_us is not None:
        stamps = data["timestamp"][keep].astype(np.int64) + offset_us
        time = stamps.astype("datetime64[us]")
    return make_track(
        time, lon[keep] * scale[0], lat[keep] * scale[0],
        height_m=metres - metres[0], altitude_m=metres, source="ulg", name=path.stem,
    )  # fmt: skip


def _clock(log: Any) -> int | None:
    """Return what turns the log's own time into UTC, in microseconds; None without a receiver."""
    for data in log.data_list:
        if "time_utc_usec" in data.data:
            known = data.data["time_utc_usec"] > 0
            if known.any():
                utc = data.data["time_utc_usec"][known].astype(np.int64)
                own = data.data["timestamp"][known].astype(np.int64)
                return int(np.median(utc - own))
    return None


def _is_cut(content: bytes) -> bool:
    """Walk from message to message: say whether the last one is incomplete."""
    at = 16
    while at + 3 <= len(content):
        at += 3 + int.from_bytes(content[at : at + 2], "little")
    return at != len(content)
