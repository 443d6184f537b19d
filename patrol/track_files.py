"""Files of fixes: tables (CSV, Excel, Parquet, GeoJSON, ...), GPX and drone logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.errors import FormatError, InputError
from geo.formats.open import open_table
from patrol.drones.logs.files import LOGS, read_log
from patrol.track_tables import read_batch
from patrol.track_text import plain_rows
from patrol.tracks.columns import FixColumns
from patrol.tracks.fixes import BadRow, Fixes, bad_row, fixes_of_track
from patrol.tracks.reading import NAMES, ReadParams

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_LINE_TIMES = ("times", "coordTimes", "coordinateProperties")
_AHEAD_US = 86_400_000_000


def read_fixes(path: Path, params: ReadParams) -> Fixes:
    """Read a file of fixes.

    Tables have a row a fix, or lines with a list of times (``times`` or ``coordTimes``).

    Raises
    ------
    FormatError
        The file is not of a known format, or lacks time, place or device.
    """
    if path.suffix.lower() in LOGS:
        if params.device is None:
            raise InputError(f"{path.name} does not say whose it is: name it with --device")
        fixes = fixes_of_track(read_log(path, time_zone=params.time_zone), device=params.device)
        return _checked(fixes, params)
    table = open_table(path, kind="tracks", encoding=params.encoding)
    named = _columns(table.column_names, table.has_geometry, params, path)
    columns = FixColumns(with_height="height" in named, expected=table.n_rows or 0)
    bad: list[BadRow] = []
    take = plain_rows(columns, table.column_names, named, params, n_bytes=path.stat().st_size)
    batches = table.batches_but(take) if table.batches_but and take else table.batches
    for batch in batches:
        part = read_batch(batch, named, params)
        columns.append(part)
        bad += part.bad
    if not len(columns) and not bad:
        raise FormatError(f"{path.name} has no rows")
    return _checked(columns.fixes(bad), params)


def _columns(
    names: tuple[str, ...], has_geometry: bool, params: ReadParams, path: Path
) -> dict[str, str]:
    lower = {name.strip().lower(): name for name in names}
    found = {
        what: lower[guess] for what, guesses in NAMES.items() for guess in reversed(guesses)
        if guess in lower
    }  # fmt: skip
    for what, name in params.columns.items():
        if name not in names:
            raise FormatError(f"{path.name} has no column {name!r}; it has {', '.join(names)}")
        found[what] = name
    times = [name for name in _LINE_TIMES if name in names]
    if "time" not in found and times:
        found["times"] = times[0]
    lacks = [] if "time" in found or "times" in found else ["time"]
    lacks += [] if has_geometry else [what for what in ("lon", "lat") if what not in found]
    lacks += ["device"] if "device" not in found and params.device is None else []
    if lacks:
        raise FormatError(
            f"{path.name} has no column for {', '.join(lacks)} (it has {', '.join(names)}): say "
            "which with --column, such as --column time=NAME, or whose it is with --device"
        )
    return found


def _checked(fixes: Fixes, params: ReadParams) -> Fixes:
    """Correct the clock, and leave out what lies ahead, before 1970 or nowhere on Earth."""
    late_us = int(params.clock_offset_s * 1e6)
    time = fixes.time_us + late_us if late_us else fixes.time_us
    latest = int(params.now.timestamp() * 1e6) + _AHEAD_US
    if _all_on_earth(time, fixes.lon, fixes.lat, latest):
        return replace(fixes, time_us=time)
    with np.errstate(invalid="ignore"):
        faults = (
            ((time < 0) | (time > latest), "time", "time_out_of_range"),
            (~((np.abs(fixes.lon) <= 180) & (np.abs(fixes.lat) <= 90)), "lon",
             "position_out_of_range"),
        )  # fmt: skip
    bad, sound = list(fixes.bad), np.ones(len(fixes), dtype=bool)
    for found, name, reason in faults:
        bad += [bad_row(fixes, int(k), name, reason) for k in np.flatnonzero(found & sound)]
        sound &= ~found
    kept = fixes.take(sound)
    return replace(kept, time_us=time[sound], bad=tuple(bad))


@njit(cache=True, nogil=True)
def _all_on_earth(
    time: Longs, lon: Floats, lat: Floats, latest: int
) -> bool:  # pragma: no cover - compiled
    for n in range(len(time)):
        if not (0 <= time[n] <= latest and abs(lon[n]) <= 180 and abs(lat[n]) <= 90):
            return False
    return True
