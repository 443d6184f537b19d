"""A flight log by its name: which format it is, read as a track."""

from __future__ import annotations

from pathlib import Path

from geo.errors import FormatError
from patrol.drones.formats.gpx import read_gpx_track
from patrol.drones.logs.srt import read_srt
from patrol.drones.logs.tlog import read_tlog
from patrol.drones.logs.ulog import read_ulog
from patrol.tracks.track import Track

LOGS = (".gpx", ".tlog", ".ulg", ".srt")


def read_log(path: Path, *, time_zone: str = "UTC") -> Track:
    """Read a flight log of any known format.

    Parameters
    ----------
    time_zone
        Of the clock of files that name no zone (``.srt``).

    Raises
    ------
    FormatError
        The format is not known, or the file is not of it, damaged or cut off.
    """
    suffix = path.suffix.lower()
    if suffix == ".srt":
        return read_srt(path, time_zone=time_zone)
    readers = {".gpx": read_gpx_track, ".tlog": read_tlog, ".ulg": read_ulog}
    if suffix not in readers:
        msg = f"{path.name}: {suffix or 'no suffix'} is no flight log; known: {', '.join(LOGS)}"
        raise FormatError(msg)
    return readers[suffix](path)
