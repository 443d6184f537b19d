"""Open any supported file by its name and first bytes."""

from __future__ import annotations

from pathlib import Path

from geo.errors import FormatError
from geo.formats.columnar import open_parquet
from geo.formats.delimited import open_delimited
from geo.formats.osm import open_osm
from geo.formats.sheet import open_sheet
from geo.formats.table import RawTable
from geo.formats.vector import open_vector

SUPPORTED = (
    ".csv .tsv .txt (.gz), .geojson .json (.gz), .gpkg, .shp, .shp.zip, .parquet .geoparquet, "
    ".xlsx, .osm .osm.gz .osm.pbf"
)


def open_table(
    path: Path, *, kind: str, encoding: str | None = None, layer: str | None = None
) -> RawTable:
    """Open `path` for reading rows of `kind` (which decides what is taken from OSM files).

    Raises
    ------
    FormatError
        If the file is missing, of no supported format, or damaged.
    """
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise FormatError(f"{path.name}: the file is empty")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    inner = suffixes[-2] if last == ".gz" and len(suffixes) > 1 else last
    if last == ".pbf" or inner == ".osm":
        if kind not in {"roads", "buildings"}:
            raise FormatError(f"{path.name}: OpenStreetMap files give roads and buildings only")
        return open_osm(path, theme="roads" if kind == "roads" else "buildings")
    if inner in {".csv", ".tsv", ".txt"}:
        return open_delimited(path, encoding=encoding)
    if inner in {".parquet", ".geoparquet", ".pq"}:
        return open_parquet(path)
    if inner == ".xlsx":
        return open_sheet(path, layer=layer)
    if inner in {".geojson", ".json", ".gpkg", ".shp", ".zip"}:
        return open_vector(path, layer=layer, encoding=encoding)
    raise FormatError(f"{path.name}: format not supported; supported are {SUPPORTED}")
