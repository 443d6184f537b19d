"""Roads and buildings of OpenStreetMap extracts (.osm, .osm.gz, .osm.pbf), as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import osmium
import pyarrow as pa
import shapely
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
        ("layer", pa.string()),
        ("bridge", pa.string()),
        ("tunnel", pa.string()),
        (GEOMETRY, pa.binary()),
    ]
)
_NOT_ROADS = frozenset({"proposed", "construction", "abandoned", "razed", "platform", "elevator"})


def open_osm(path: Path, *, theme: OsmTheme) -> RawTable:
    """Open an extract as roads (ways with ``highway``) or buildings (areas with ``building``).

    Of a way that leaves the extract the longest stretch is kept whose nodes are known.
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
        what = "not a readable OpenStreetMap extract"
        hint = ": sort it first (osmium sort)" if "out of order" in str(error) else ""
        raise FormatError(f"{path.name}: {what} ({error}){hint}") from error


def _roads(path: Path) -> Iterator[dict[str, Any]]:
    for way in osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("highway")):
        if not way.is_way() or way.tags["highway"] in _NOT_ROADS:
            continue
        line = _known_stretch(way.nodes)
        if len(set(line)) >= 2:
            yield _row(way, f"way/{way.id}", "highway", shapely.to_wkb(shapely.LineString(line)))


def _known_stretch(nodes: Iterable[Any]) -> list[tuple[float, float]]:
    """Return the longest run of positions that lie in the extract, neighbours once."""
    best: list[tuple[float, float]] = []
    run: list[tuple[float, float]] = []
    for node in nodes:
        if not node.location.valid():
            run = []
            continue
        position = (node.lon, node.lat)
        if not run or run[-1] != position:
            run.append(position)
        if len(run) > len(best):
            best = run
    return best


def _buildings(path: Path) -> Iterator[dict[str, Any]]:
    factory = WKBFactory()
    processor = osmium.FileProcessor(str(path)).with_areas(KeyFilter("building"))
    for area in processor.with_filter(KeyFilter("building")):
        if not area.is_area():
            continue
        ref = f"{'way' if area.from_way() else 'relation'}/{area.orig_id()}"
        try:
            wkb = bytes.fromhex(factory.create_multipolygon(area))
        except (osmium.InvalidLocationError, RuntimeError):
            continue  # its outline is not all in the extract
        yield _row(area, ref, "building", wkb)


def _row(item: Any, ref: str, key: str, wkb: bytes) -> dict[str, Any]:
    tags = item.tags
    return {
        "osm_id": ref,
        "kind": tags[key],
        "name": tags.get("name"),
        "oneway": tags.get("oneway"),
        "height": tags.get("height"),
        "levels": tags.get("building:levels"),
        "layer": tags.get("layer"),
        "bridge": tags.get("bridge"),
        "tunnel": tags.get("tunnel"),
        GEOMETRY: wkb,
    }
