"""Files of fixes: tables (CSV, Excel, Parquet, GeoJSON, ...), GPX and drone logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from geo.crs.systems import to_wgs84
from geo.errors import FormatError, InputError
from geo.formats.open import open_table
from geo.formats.table import GEOMETRY, RawBatch
from geo.imports.times import read_times
from geo.imports.values import as_number, as_text
from patrol.drones.logs.files import LOGS, read_log
from patrol.tracks.fixes import BadRow, Fixes, fixes_of_track

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

NAMES: Mapping[str, tuple[str, ...]] = {
    "device": ("device", "device_ref", "device_id", "imei", "设备", "设备号", "终端号"),
    "time": ("time", "timestamp", "recorded_at", "gps_time", "时间", "定位时间", "采集时间"),
    "lon": ("lon", "lng", "longitude", "x", "经度"),
    "lat": ("lat", "latitude", "y", "纬度"),
    "height": ("height_m", "height", "rel_alt", "高度"),
}
_LINE_TIMES = ("times", "coordTimes", "coordinateProperties")
_AHEAD_US = 86_400_000_000


@dataclass(frozen=True)
class ReadParams:
    """How a file of fixes is read.

    Attributes
    ----------
    now
        Fixes of more than a day after it are bad.
    device
        Whose fixes they are where no column says so.
    time_zone
        Of times that name none.
    crs
        Of the positions; see `geo.crs.systems.parse_crs`.
    columns
        Names of columns where they are none of `NAMES`: ``{"time": "采集于"}``.
    clock_offset_s
        Seconds by which the device's clock was late.
    encoding
        Of the text, where it is not recognised.
    """

    now: datetime
    device: str | None = None
    time_zone: str = "UTC"
    crs: str = "wgs84"
    columns: Mapping[str, str] = field(default_factory=dict)
    clock_offset_s: float = 0.0
    encoding: str | None = None

    def __post_init__(self) -> None:
        unknown = set(self.columns) - set(NAMES)
        if unknown:
            raise InputError(f"a track has no {min(unknown)!r}; columns are {', '.join(NAMES)}")


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
    parts = [_read_batch(batch, named, params) for batch in table.batches]
    if not parts:
        raise FormatError(f"{path.name} has no rows")
    return _checked(_join(parts), params)


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


def _read_batch(batch: RawBatch, named: dict[str, str], params: ReadParams) -> Fixes:
    table, row_no = batch.columns, np.asarray(batch.row_no.to_numpy(zero_copy_only=False))
    bad = [BadRow(row.row_no, "", row.problem, "broken_row", {"broken row": row.text})
           for row in batch.broken]  # fmt: skip
    if "times" in named:
        return _read_lines(table, row_no, named, params, bad)
    times = read_times(_one(table, named["time"]), time_zone=params.time_zone)
    lon, lat, place_bad, place_field = _positions(table, named)
    who, devices, nobody = _devices(table, named, params)
    faults: list[tuple[Flags, str, str]] = [
        (times.bad, named["time"], "not_a_time"),
        (~times.known & ~times.bad, named["time"], "missing_value"),
        (place_bad, place_field, "not_a_number"),
        (~(np.isfinite(lon) & np.isfinite(lat)), place_field, "no_position"),
        (nobody, named.get("device", "device"), "missing_value"),
    ]
    sound = np.ones(len(row_no), dtype=bool)
    for found, name, reason in faults:
        bad += _bad(table, row_no, sound & found, name, reason)
        sound &= ~found
    height = np.full(len(row_no), np.nan)
    if "height" in named:
        height, _ = as_number(_one(table, named["height"]))
    if sound.all():
        x, y = to_wgs84(lon, lat, crs=params.crs)
        return Fixes(devices, who, times.start, x, y, height, row_no, tuple(bad))
    rows = np.flatnonzero(sound)
    x, y = to_wgs84(lon[rows], lat[rows], crs=params.crs)
    return Fixes(devices, who[rows], times.start[rows], x, y, height[rows], row_no[rows],
                 tuple(bad))  # fmt: skip


def _one(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _positions(table: pa.Table, named: dict[str, str]) -> tuple[Floats, Floats, Flags, str]:
    if "lon" in named and "lat" in named:
        lon, bad_lon = as_number(_one(table, named["lon"]))
        lat, bad_lat = as_number(_one(table, named["lat"]))
        nowhere = (lon == 0) & (lat == 0)
        lon = np.where(nowhere, np.nan, lon)
        return lon, lat, bad_lon | bad_lat, named["lon"]
    shapes = shapely.from_wkb(np.array(_one(table, GEOMETRY).to_pylist(), dtype=object))
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    lon, lat = np.full(len(shapes), np.nan), np.full(len(shapes), np.nan)
    lon[points], lat[points] = shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
    return lon, lat, np.zeros(len(shapes), dtype=bool), GEOMETRY


def _devices(
    table: pa.Table, named: dict[str, str], params: ReadParams
) -> tuple[Longs, tuple[str, ...], Flags]:
    n = table.num_rows
    if "device" not in named:
        return np.zeros(n, np.int64), (str(params.device),), np.zeros(n, dtype=bool)
    # Few devices have many fixes: each is written out once.
    column = _one(table, named["device"])
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    text, _ = as_text(column.dictionary)
    words = text.dictionary_encode()
    code_of = pc.fill_null(words.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    written = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    who = np.append(code_of, -1)[written]
    nobody = who < 0
    return np.maximum(who, 0), tuple(words.dictionary.to_pylist()), nobody


def _bad(table: pa.Table, row_no: Longs, found: Flags, name: str, reason: str) -> list[BadRow]:
    rows = np.flatnonzero(found)
    if not len(rows):
        return []
    plain = table.drop_columns([GEOMETRY]) if GEOMETRY in table.column_names else table
    raws = plain.take(pa.array(rows)).to_pylist()
    return [
        BadRow(int(row_no[row]), name, None if raw.get(name) is None else str(raw[name]), reason,
               {key: None if v is None else str(v) for key, v in raw.items()})
        for row, raw in zip(rows, raws, strict=True)
    ]  # fmt: skip


def _read_lines(
    table: pa.Table, row_no: Longs, named: dict[str, str], params: ReadParams, bad: list[BadRow]
) -> Fixes:
    """Read lines of which a property lists the time of each vertex."""
    shapes = shapely.from_wkb(np.array(_one(table, GEOMETRY).to_pylist(), dtype=object))
    who, devices, nobody = _devices(table, named, params)
    texts = as_text(_one(table, named["times"]))[0].to_pylist()
    parts = []
    for row, (shape, said) in enumerate(zip(shapes, texts, strict=True)):
        listed = _listed(said)
        xy = shapely.get_coordinates(shape) if shape is not None else np.empty((0, 2))
        reason = (
            "wrong_geometry" if shape is None or shape.geom_type != "LineString"
            else "missing_value" if listed is None or nobody[row]
            else "bad_code" if len(listed) != len(xy) else None
        )  # fmt: skip
        if reason is not None or listed is None:
            said_short = None if said is None else said[:200]
            bad.append(BadRow(int(row_no[row]), named["times"], said_short,
                              reason or "missing_value", {named["times"]: said_short}))  # fmt: skip
            continue
        times = read_times(pa.array(listed), time_zone=params.time_zone)
        good = times.known & ~times.bad
        bad += [BadRow(int(row_no[row]), named["times"], listed[k], "not_a_time",
                       {named["times"]: listed[k]}) for k in np.flatnonzero(~good)]  # fmt: skip
        x, y = to_wgs84(xy[good, 0], xy[good, 1], crs=params.crs)
        k = int(good.sum())
        parts.append(Fixes(devices, np.full(k, who[row]), times.start[good], x, y,
                           np.full(k, np.nan), np.full(k, row_no[row])))  # fmt: skip
    none = Fixes(devices, *(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 3,
                 np.empty(0, np.int64))  # fmt: skip
    joined = _join(parts or [none])
    return Fixes(joined.devices, joined.device, joined.time_us, joined.lon, joined.lat,
                 joined.height_m, joined.row_no, tuple(bad))  # fmt: skip


def _listed(said: str | None) -> list[str] | None:
    if said is None:
        return None
    try:
        value: Any = json.loads(said)
    except json.JSONDecodeError:
        return None
    if isinstance(value, dict):
        value = value.get("times")
    return [str(item) for item in value] if isinstance(value, list) else None


def _join(parts: list[Fixes]) -> Fixes:
    """Return the fixes of all batches, with one list of devices."""
    devices = tuple(dict.fromkeys(ref for part in parts for ref in part.devices))
    at = {ref: n for n, ref in enumerate(devices)}
    renamed = [np.array([at[ref] for ref in part.devices], np.int64)[part.device] for part in parts]
    time, lon, lat, height, rows = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("time_us", "lon", "lat", "height_m", "row_no")
    )
    bad = tuple(row for part in parts for row in part.bad)
    return Fixes(devices, np.concatenate(renamed), time, lon, lat, height, rows, bad)


def _checked(fixes: Fixes, params: ReadParams) -> Fixes:
    """Correct the clock, and leave out what lies ahead, before 1970 or nowhere on Earth."""
    time = fixes.time_us + int(params.clock_offset_s * 1e6)
    latest = int(params.now.timestamp() * 1e6) + _AHEAD_US
    with np.errstate(invalid="ignore"):
        faults = (
            ((time < 0) | (time > latest), "time", "time_out_of_range"),
            (~((np.abs(fixes.lon) <= 180) & (np.abs(fixes.lat) <= 90)), "lon",
             "position_out_of_range"),
        )  # fmt: skip
    bad, sound = list(fixes.bad), np.ones(len(fixes), dtype=bool)
    if not any(found.any() for found, _, _ in faults):
        return replace(fixes, time_us=time)
    for found, name, reason in faults:
        bad += [bad_row(fixes, int(k), name, reason) for k in np.flatnonzero(found & sound)]
        sound &= ~found
    kept = fixes.take(sound)
    return Fixes(kept.devices, kept.device, time[sound], kept.lon, kept.lat, kept.height_m,
                 kept.row_no, tuple(bad))  # fmt: skip


def bad_row(fixes: Fixes, k: int, name: str, reason: str) -> BadRow:
    """Return fix `k` as a row that cannot be taken in, as it was read."""
    raw: dict[str, object] = {
        "device": fixes.devices[int(fixes.device[k])],
        "time": str(np.datetime64(int(fixes.time_us[k]), "us")) + "Z",
        "lon": float(fixes.lon[k]), "lat": float(fixes.lat[k]),
    }  # fmt: skip
    return BadRow(int(fixes.row_no[k]), name, str(raw[name]), reason, raw)
