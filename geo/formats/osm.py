"""Roads and buildings of OpenStreetMap extracts (.osm, .osm.gz, .osm.pbf), as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import osmium
import pyarrow as pa
from osmium.filter import KeyFilter
from osmium.geom import WKBFactory

from geo.errors import FormatError
from geo.formats.table import CHUNK_ROWS, GEOMETRY, Numbering, RawBatch, RawTable

OsmTheme = Literal["roads", "buildings"]
_SCHEMA = pa.schema(
    [
        ("osm_id", pa.string()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("oneway", pa.string()),
        ("height", pa.string()),
        ("levels", pa.string()),
        (GEOMETRY, pa.binary()),
    ]
)
_NOT_ROADS = frozenset({"proposed", "construction", "abandoned", "razed", "platform", "elevator"})


def open_osm(path: Path, *, theme: OsmTheme) -> RawTable:
    """Open an extract as roads (ways with ``highway``) or buildings (areas with ``building``).

    Ways with nodes outside the extract are kept as far as their nodes are known.
    """
    rows = _roads(path) if theme == "roads" else _buildings(path)
    return RawTable(
        path=path,
        format="osm",
        column_names=tuple(_SCHEMA.names),
        batches=_read(path, rows),
        crs="EPSG:4326",
        has_geometry=True,
    )


def _read(path: Path, rows: Iterator[dict[str, Any]]) -> Iterator[RawBatch]:
    numbering = Numbering()
    try:
        while chunk := list(islice(rows, CHUNK_ROWS)):
            table = pa.Table.from_pylist(chunk, schema=_SCHEMA)
            row_no, _ = numbering.number(table.num_rows)
            yield RawBatch(table, row_no)
    except RuntimeError as error:
        raise FormatError(f"{path.name}: not a readable OpenStreetMap extract ({error})") from error


def _roads(path: Path) -> Iterator[dict[str, Any]]:
    factory = WKBFactory()
    for way in osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("highway")):
        if not way.is_way() or way.tags["highway"] in _NOT_ROADS:
            continue
        if sum(node.location.valid() for node in way.nodes) < 2:
            continue
        row = _row(way, f"way/{way.id}", "highway", factory.create_linestring)
        if row is not None:
            yield row


def _buildings(path: Path) -> Iterator[dict[str, Any]]:
    factory = WKBFactory()
    processor = osmium.FileProcessor(str(path)).with_areas(KeyFilter("building"))
    for area in processor.with_filter(KeyFilter("building")):
        if not area.is_area():
            continue
        ref = f"{'way' if area.from_way() else 'relation'}/{area.orig_id()}"
        row = _row(area, ref, "building", factory.create_multipolygon)
        if row is not None:
            yield row


def _row(item: Any, ref: str, key: str, make_wkb: Callable[[Any], str]) -> dict[str, Any] | None:
    try:
        wkb = bytes.fromhex(make_wkb(item))
    except (osmium.InvalidLocationError, RuntimeError):
        return None  # fewer than two distinct points inside the extract
    tags = item.tags
    return {
        "osm_id": ref,
        "kind": tags[key],
        "name": tags.get("name"),
        "oneway": tags.get("oneway"),
        "height": tags.get("height"),
        "levels": tags.get("building:levels"),
        GEOMETRY: wkb,
    }
