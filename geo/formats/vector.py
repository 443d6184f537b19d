"""GeoJSON, GeoPackage and Shapefile through GDAL, streamed as Arrow."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataSourceError

from geo.errors import FormatError
from geo.formats.table import CHUNK_ROWS, GEOMETRY, Numbering, RawBatch, RawTable

_IN_ARCHIVES = frozenset({".shp", ".gpkg", ".geojson", ".json"})


def open_vector(path: Path, *, layer: str | None = None, encoding: str | None = None) -> RawTable:
    """Open a vector file; the layer must be named where there are several.

    Raises
    ------
    FormatError
        If the file is damaged, a part of a shapefile is missing, or the layer is not there.
    """
    source = _gdal_name(path, layer)
    try:
        layers = [str(name) for name in pyogrio.list_layers(source)[:, 0]]
        if layer is None and len(layers) != 1:
            raise FormatError(
                f"{path.name}: has {len(layers)} layers ({', '.join(layers[:10])}): "
                "name one as `layer` in the mapping"
            )
        if layer is not None and layer not in layers:
            raise FormatError(f"{path.name}: no layer {layer!r}; it has {', '.join(layers[:10])}")
        info = pyogrio.read_info(source, layer=layer, encoding=encoding)
    except DataSourceError as error:
        raise FormatError(f"{path.name}: cannot be read as a map file ({error})") from error
    has_geometry = info["geometry_type"] is not None
    names = tuple(str(name) for name in info["fields"]) + ((GEOMETRY,) if has_geometry else ())
    return RawTable(
        path=path,
        format=str(info["driver"]),
        column_names=names,
        batches=_read(path, source, layer, encoding),
        crs=info["crs"],
        has_geometry=has_geometry,
        encoding=encoding,
    )


def _gdal_name(path: Path, layer: str | None) -> str:
    if path.suffix.lower() == ".zip":
        return f"/vsizip/{{{path.absolute()}}}/{_member(path, layer)}"
    if path.suffix.lower() == ".gz":
        return f"/vsigzip/{path.absolute()}"
    return str(path)


def _member(path: Path, layer: str | None) -> str:
    """Name the one map file in an archive, or the one that is called as the layer."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if Path(n).suffix.lower() in _IN_ARCHIVES]
    except zipfile.BadZipFile as error:
        raise FormatError(f"{path.name}: cannot be unpacked ({error}); fetch it again") from error
    named = [name for name in names if layer is None or Path(name).stem == layer]
    if len(names) > 1 and len(named) == 1:
        names = named
    if len(names) != 1:
        held = f"holds {len(names)} map files ({', '.join(names[:10])})" if names else "holds none"
        raise FormatError(
            f"{path.name}: one shapefile, GeoPackage or GeoJSON is needed, but the archive {held}"
        )
    return names[0]


def _read(path: Path, source: str, layer: str | None, encoding: str | None) -> Iterator[RawBatch]:
    numbering = Numbering()
    try:
        with pyogrio.open_arrow(
            source, layer=layer, encoding=encoding, batch_size=CHUNK_ROWS, use_pyarrow=True
        ) as (meta, reader):
            geometry = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                table = pa.Table.from_batches([batch])
                if geometry in table.column_names:
                    table = table.rename_columns(
                        [GEOMETRY if n == geometry else n for n in table.column_names]
                    )
                row_no, _ = numbering.number(batch.num_rows)
                yield RawBatch(table, row_no)
    except (DataSourceError, pa.ArrowInvalid, RuntimeError) as error:
        raise FormatError(
            f"{path.name}: unreadable after row {numbering.next_row - 1}: {error}"
        ) from error
