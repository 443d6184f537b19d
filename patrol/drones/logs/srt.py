"""DJI's subtitle files (`.srt`) into tracks, in both of their dialects."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from geo.errors import FormatError
from patrol.tracks.track import Track, make_track

_SPAN = re.compile(r"^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}$")
_NUMBER = r"([-+]?\d+(?:\.\d+)?)"
# Older: GPS(lon,lat,satellites or altitude) BAROMETER:h. Newer: [latitude: ...] [altitude: ...].
_OLD = re.compile(rf"GPS\s*\({_NUMBER},\s*{_NUMBER},\s*{_NUMBER}M?\)")
_BAROMETER = re.compile(rf"BAROMETER\s*:\s*{_NUMBER}")
_LAT = re.compile(rf"\[latitude\s*:\s*{_NUMBER}\]", re.IGNORECASE)
_LON = re.compile(rf"\[long?t?itude\s*:\s*{_NUMBER}\]", re.IGNORECASE)
_RELATIVE = re.compile(rf"\[rel_alt\s*:\s*{_NUMBER}", re.IGNORECASE)
_ALTITUDE = re.compile(rf"(?:abs_alt|altitude)\s*:\s*{_NUMBER}\]", re.IGNORECASE)
_CLOCK = re.compile(
    r"(\d{4})[-.](\d\d)[-.](\d\d) (\d\d):(\d\d):(\d\d)(?:[.,](\d{3})(?:[.,](\d{3}))?)?"
)


def read_srt(path: Path, *, time_zone: str = "UTC") -> Track:
    """Read the positions of a video's subtitles.

    Parameters
    ----------
    time_zone
        Of the clock in the file, which is the aircraft's local one.

    Returns
    -------
    Track
        The older dialect has the height above take-off (barometer); of the newer one's
        ``altitude`` firmwares differ on what it is measured from, so it goes to ``altitude_m``
        and only ``rel_alt`` counts as a height above take-off.

    Raises
    ------
    FormatError
        It is no such file, ends within an entry, or no entry has a position.
    """
    try:
        text = path.read_text("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        msg = f"{path.name}: it is no text in UTF-8"
        raise FormatError(msg) from error
    blocks = [block.split("\n") for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    zone = ZoneInfo(time_zone)
    rows = [row for n, lines in enumerate(blocks, 1) if (row := _row(lines, n, path, zone))]
    if not rows:
        msg = f"{path.name}: no entry has a position; was the location switched off?"
        raise FormatError(msg)
    columns = np.array([row[1:] for row in rows], dtype=np.float64)
    return make_track(
        np.array([row[0] for row in rows], dtype="datetime64[us]"), columns[:, 0], columns[:, 1],
        height_m=columns[:, 2], altitude_m=columns[:, 3], source="srt", name=path.stem,
    )  # fmt: skip


Row = tuple[np.datetime64, float, float, float, float]


def _row(lines: list[str], number: int, path: Path, zone: ZoneInfo) -> Row | None:
    where = f"{path.name}, entry {number}"
    if len(lines) < 3 or not lines[0].strip().isdigit() or not _SPAN.match(lines[1].strip()):
        msg = f"{where}: no subtitle entry of a DJI video; is the file complete?"
        raise FormatError(msg)
    body = " ".join(lines[2:])
    if body.count("[") != body.count("]") or body.count("(") != body.count(")"):
        msg = f"{where}: it ends within a field; is the file complete?"
        raise FormatError(msg)
    place = _position(body)
    return None if place is None else (_time(body, zone), *place)


def _position(body: str) -> tuple[float, float, float, float] | None:
    nan = float("nan")
    if (old := _OLD.search(body)) is not None:
        barometer = _BAROMETER.search(body)
        found = (float(old[1]), float(old[2]), float(barometer[1]) if barometer else nan, nan)
    elif (lat := _LAT.search(body)) is not None and (lon := _LON.search(body)) is not None:
        height, altitude = _RELATIVE.search(body), _ALTITUDE.search(body)
        found = (
            float(lon[1]), float(lat[1]), float(height[1]) if height else nan,
            float(altitude[1]) if altitude else nan,
        )  # fmt: skip
    else:
        return None
    return None if found[0] == 0 and found[1] == 0 else found


def _time(body: str, zone: ZoneInfo) -> np.datetime64:
    clock = _CLOCK.search(body)
    if clock is None:
        return np.datetime64("NaT", "us")
    whole = [int(part) for part in clock.groups()[:6]]
    micro = int(clock[7] or 0) * 1000 + int(clock[8] or 0)
    try:
        local = datetime(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], micro, zone)
    except ValueError:
        return np.datetime64("NaT", "us")
    return np.datetime64(int(local.timestamp()) * 1_000_000 + micro, "us")
