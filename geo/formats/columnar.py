"""Parquet and GeoParquet, streamed by row group."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from geo.errors import FormatError
from geo.formats.table import CHUNK_ROWS, GEOMETRY, Numbering, RawBatch, RawTable


def open_parquet(path: Path) -> RawTable:
    """Open a Parquet file; a GeoParquet file's primary geometry and CRS are recognised.

    Raises
    ------
    FormatError
        If the file is damaged or truncated, or its geometry is not WKB.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"{path.name}: not a readable Parquet file ({error})") from error
    geometry, crs = _geo_metadata(path, file.schema_arrow.metadata or {})
    names = tuple(GEOMETRY if n == geometry else n for n in file.schema_arrow.names)
    return RawTable(
        path=path,
        format="parquet",
        column_names=names,
        batches=_read(path, file, names),
        crs=crs,
        has_geometry=geometry is not None,
        n_rows=file.metadata.num_rows,
    )


def _geo_metadata(path: Path, metadata: dict[bytes, bytes]) -> tuple[str | None, str | None]:
    if b"geo" not in metadata:
        return None, None
    geo = json.loads(metadata[b"geo"])
    name = geo["primary_column"]
    column = geo["columns"][name]
    if column.get("encoding") != "WKB":
        raise FormatError(f"{path.name}: geometry encoding {column.get('encoding')!r} is not WKB")
    # GeoParquet: a missing CRS means OGC:CRS84, a null one means unknown.
    if "crs" not in column:
        return name, "EPSG:4326"
    crs = column["crs"]
    if crs is None:
        return name, None
    code = crs.get("id", {})
    if code.get("authority") == "OGC":
        return name, "EPSG:4326"
    return name, f"{code['authority']}:{code['code']}" if code else json.dumps(crs)


def _read(path: Path, file: pq.ParquetFile, names: tuple[str, ...]) -> Iterator[RawBatch]:
    numbering = Numbering()
    with file:
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                table = pa.Table.from_batches([batch]).rename_columns(list(names))
                row_no, _ = numbering.number(batch.num_rows)
                yield RawBatch(table, row_no)
        except (pa.ArrowInvalid, OSError) as error:
            raise FormatError(
                f"{path.name}: unreadable after row {numbering.next_row - 1}: {error}"
            ) from error
