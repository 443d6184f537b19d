"""Lines of delimited text whose rows are plain into fixes, without splitting them first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from geo.crs.systems import parse_crs, to_wgs84
from geo.formats.table import Take, TextLines
from geo.imports.times import first_instants
from patrol.track_tables import name_devices
from patrol.tracks.columns import FixColumns
from patrol.tracks.plain_rows import (
    DEVICE,
    HEIGHT,
    LAT,
    LON,
    NO_ZONE,
    OTHER,
    SHORTEST,
    TIME,
    Columns,
    Runs,
    read_rows,
)
from patrol.tracks.reading import ReadParams

_MEANING = {"device": DEVICE, "time": TIME, "lon": LON, "lat": LAT, "height": HEIGHT}
_UNCHANGED = (4326, 4490)  # WGS-84 and CGCS2000, see `geo.crs.systems`


def plain_rows(
    columns: FixColumns, names: Sequence[str], named: Mapping[str, str], params: ReadParams,
    *, n_bytes: int,
) -> Take | None:  # fmt: skip
    """Return what takes lines into `columns`, or None where rows have other parts than values.

    Parameters
    ----------
    named
        See `patrol.track_tables.read_batch`.
    n_bytes
        Size of the file.
    """
    if not {"time", "lon", "lat"} <= set(named) <= set(_MEANING):
        return None
    if len(set(named.values())) < len(named):
        return None
    meaning = {column: _MEANING[what] for what, column in named.items()}
    layout = np.array([meaning.get(name, OTHER) for name in names], np.int64)
    bytes_read, runs = 0, _room_for_runs(0)

    def take(lines: TextLines) -> int:
        nonlocal bytes_read, runs
        begin, size = len(columns), len(lines.text)
        if begin:
            columns.expected = int(1.02 * begin * n_bytes / bytes_read) + size // SHORTEST
        to = columns.room(size // SHORTEST + 1)
        if len(runs.text) < size:
            runs = _room_for_runs(size)
        end, n_runs, zone = read_rows(
            lines.text, lines.delimiter, layout, lines.row_no, to, begin, runs
        )
        bytes_read += size
        if end < 0 or not _name(columns, to, begin, end, runs, n_runs, params):
            return 0
        _place(to, slice(begin, end), zone, params)
        columns.keep(end)
        return int(end - begin)

    return take


def _room_for_runs(n_bytes: int) -> Runs:
    n = n_bytes // SHORTEST + 2
    return Runs(np.empty(n_bytes, np.uint8), np.zeros(n, np.int32), np.zeros(n, np.int64))


def _name(
    columns: FixColumns, to: Columns, begin: int, end: int, runs: Runs, n_runs: int,
    params: ReadParams,
) -> bool:  # fmt: skip
    """Write the devices of runs; False where a row is of nobody."""
    rows = to.device[begin:end]
    if not n_runs:
        rows[:] = columns.number([str(params.device)])[0]
        return True
    ends, text = runs.ends[: n_runs + 1], runs.text[: runs.ends[n_runs]]
    written = pa.Array.from_buffers(
        pa.binary(), n_runs, [None, pa.py_buffer(ends), pa.py_buffer(text)]
    )
    who, devices, nobody = name_devices(written)
    if nobody.any():
        return False
    lengths = np.diff(runs.firsts[:n_runs], append=end)
    rows[:] = np.repeat(columns.number(devices)[who], lengths)
    return True


def _place(to: Columns, rows: slice, zone: int, params: ReadParams) -> None:
    """Make times instants and positions WGS-84."""
    if zone == NO_ZONE:
        to.time[rows] = first_instants(to.time[rows], time_zone=params.time_zone)
    if parse_crs(params.crs).srid not in _UNCHANGED:
        to.lon[rows], to.lat[rows] = to_wgs84(to.lon[rows], to.lat[rows], crs=params.crs)
