"""Batches of a table's rows into fixes, a column at a time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from geo.crs.systems import to_wgs84
from geo.formats.table import GEOMETRY, RawBatch
from geo.imports.times import read_times
from geo.imports.values import as_number, as_text
from patrol.tracks.columns import FixColumns
from patrol.tracks.fixes import BadRow, Fixes
from patrol.tracks.reading import ReadParams

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]


def read_batch(batch: RawBatch, named: dict[str, str], params: ReadParams) -> Fixes:
    """Read the rows of a batch; those that cannot be read are bad rows.

    Parameters
    ----------
    named
        Column of each of `patrol.tracks.reading.NAMES` that there is, or of ``times``.
    """
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
) -> tuple[Ints, tuple[str, ...], Flags]:
    n = table.num_rows
    if "device" not in named:
        return np.zeros(n, np.int32), (str(params.device),), np.zeros(n, dtype=bool)
    return name_devices(_one(table, named["device"]))


def name_devices(column: pa.Array) -> tuple[Ints, tuple[str, ...], Flags]:
    """Return the device of each row, their names, and which rows are of nobody.

    Few devices have many fixes: each is written out once.
    """
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    text, _ = as_text(column.dictionary)
    words = text.dictionary_encode()
    code_of = pc.fill_null(words.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    written = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
    who = np.append(code_of, np.int32(-1))[written]
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
    columns = FixColumns(with_height=False)
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
        columns.append(Fixes(devices, np.full(k, who[row]), times.start[good], x, y,
                             np.full(k, np.nan), np.full(k, row_no[row])))  # fmt: skip
    return columns.fixes(bad)


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
