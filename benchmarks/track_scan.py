"""Fixes in files of each kind that Gridbeat reads, scanned and read as Gridbeat does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from geo.crs.systems import unproject
from patrol.track_files import read_fixes
from patrol.tracks.clean import clean_fixes
from patrol.tracks.effort import EffortSum
from patrol.tracks.fixes import Fixes, tracks_on_plane
from patrol.tracks.reading import ReadParams

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
BATCH = 1_000_000
SRID = 32650
_CSV = pa.schema([("device", pa.string()), ("time", pa.string()), ("lon", pa.float64()),
                  ("lat", pa.float64())])  # fmt: skip


def write_parquet(path: Path, fixes: Batch) -> None:
    """Write fixes as a file, one row group a batch."""
    table = pa.table(dict(zip(("device", "t", "x", "y"), fixes, strict=True)))
    pq.write_table(table, path, row_group_size=BATCH)


def read_parquet(path: Path) -> Iterator[Batch]:
    """Read a file batch by batch."""
    file = pq.ParquetFile(path)
    for n in range(file.num_row_groups):
        group = file.read_row_group(n, use_threads=False)
        yield tuple(group[name].to_numpy() for name in ("device", "t", "x", "y"))  # type: ignore[misc]


def write_degrees(path: Path, fixes: Batch) -> None:
    """Write fixes as a file of times and degrees, such as a data platform hands over."""
    device, at, x, y = fixes
    lon, lat = unproject(x, y, srid=SRID)
    names = pc.binary_join_element_wise("T", pa.array(device).cast("string"), "-")
    columns = {"device": names.dictionary_encode(), "time": pa.array(at, pa.timestamp("us", "UTC")),
               "lon": np.round(lon, 7), "lat": np.round(lat, 7)}  # fmt: skip
    pq.write_table(pa.table(columns), path, row_group_size=BATCH)


def scan_degrees(path: Path) -> int:
    """Read all columns of such a file, and nothing more."""
    return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(BATCH))


def write_csv(path: Path, fixes: Batch) -> None:
    """Write fixes as recorders export them: device, time in UTC, longitude and latitude."""
    options = pa_csv.WriteOptions(quoting_style="none")
    device, at, x, y = fixes
    with pa_csv.CSVWriter(path, _CSV, write_options=options) as writer:
        for begin in range(0, len(device), BATCH):
            part = slice(begin, begin + BATCH)
            lon, lat = unproject(x[part], y[part], srid=SRID)
            seconds = pa.array(at[part] // 1_000_000).cast(pa.timestamp("s"))
            writer.write_table(
                pa.table(
                    [
                        pc.binary_join_element_wise("T", pa.array(device[part]).cast("string"), "-"),
                        pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ"),
                        np.round(lon, 7), np.round(lat, 7),
                    ],
                    schema=_CSV,
                )
            )  # fmt: skip


def scan_csv(path: Path) -> int:
    """Read the four columns as what they are, and nothing more: a scan."""
    types = {"device": pa.dictionary(pa.int32(), pa.string()), "time": pa.timestamp("us", "UTC"),
             "lon": pa.float64(), "lat": pa.float64()}  # fmt: skip
    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=8 << 20),
        convert_options=pa_csv.ConvertOptions(column_types=types),
    )
    return sum(batch.num_rows for batch in reader)


def read_file(path: Path, device: str | None = None) -> Fixes:
    """Read a file as `gridbeat tracks import` does: every row checked."""
    return read_fixes(path, ReadParams(now=datetime(2030, 1, 1, tzinfo=UTC), device=device))


def on_plane(fixes: Fixes) -> Iterator[Batch]:
    """Yield each device's fixes by time on the metric plane, as the import goes through them."""
    for number, rows, x, y in tracks_on_plane(fixes, srid=SRID):
        yield np.full(1, number), fixes.time_us[rows], x, y


def write_gpx(path: Path, fixes: Batch) -> None:
    """Write fixes of one device as a GPX track."""
    _, at, x, y = fixes
    lon, lat = unproject(x, y, srid=SRID)
    times = np.datetime_as_string((at // 1_000_000).astype("datetime64[s]"))
    points = "".join(
        f'<trkpt lat="{b:.7f}" lon="{a:.7f}"><time>{t}Z</time></trkpt>\n'
        for a, b, t in zip(lon, lat, times, strict=True)
    )
    head = '<gpx version="1.1" creator="gridbeat" xmlns="http://www.topografix.com/GPX/1/1">'
    path.write_text(f"{head}<trk><trkseg>{points}</trkseg></trk></gpx>", "utf-8")


def into_effort(tracks: Iterable[Batch], total: EffortSum) -> int:
    """Clean and add up tracks of one device each, as the import does; return the rows of effort."""
    for _, at, x, y in tracks:
        found = clean_fixes(at, x, y)
        if not found.as_given:
            at, x, y = at[found.rows], x[found.rows], y[found.rows]
        total.add(at, x, y, found.segments)
    return len(total.table())


def by_device(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the parts of batches that are of one device each."""
    for batch in batches:
        device = batch[0]
        changes = np.flatnonzero(device[1:] != device[:-1]) + 1
        for begin, end in pairwise([0, *changes.tolist(), len(device)]):
            yield tuple(column[begin:end] for column in batch)  # type: ignore[misc]


class Spent(NamedTuple):
    """Seconds of this process's CPU, those of them in the kernel, and seconds on the clock."""

    cpu: float
    kernel: float
    wall: float


def spent(what: Callable[[], object]) -> Spent:
    """Return what a task takes."""
    wall, before = time.perf_counter(), os.times()
    what()
    after = os.times()
    kernel = after.system - before.system
    return Spent(after.user - before.user + kernel, kernel, time.perf_counter() - wall)
