"""One tile out of PostGIS."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

from geo.hexagons import FINEST, fine_blocks, level_of, span_of, whole_months
from web.database import Rows, packaged_sql
from web.tiles.cache import Tile
from web.tiles.layers import Layer

MOST_POINTS = 10_000
MOST_SHAPES = 20_000
MOST_BYTES = 500_000
_SMALL = 8_192


@dataclass(frozen=True)
class TileRequest:
    """Which tile, and what of it.

    Attributes
    ----------
    zoom, x, y
        Of the web's square grid, rows from the north (WebMercatorQuad).
    classes
        Numbers of classes; None for all.
    since, until
        Local days, the last one out.
    area_level
        Of the layer ``areas``.
    run
        Of the layer ``results``.
    """

    zoom: int
    x: int
    y: int
    classes: tuple[int, ...] | None = None
    since: date | None = None
    until: date | None = None
    area_level: str = "grid"
    run: int | None = None


async def draw_tile(rows: Rows, layer: Layer, asked: TileRequest, *, everywhere: bool) -> Tile:
    """Return one tile, compressed, of `MOST_BYTES` at most.

    Parameters
    ----------
    rows
        A connection in the caller's scope.
    everywhere
        Whether that scope is every area: then totals over all areas may be read.
    """
    name, values = _query(layer, asked)
    statement = packaged_sql(name)
    if layer.columns:
        statement = statement.format(
            columns=", ".join(f"{sql} AS {column}" for column, sql in layer.columns),
            names=", ".join(["geom", *(column for column, _ in layer.columns)]),
            source=layer.source,
            condition=layer.condition,
            shape=layer.shape,
        )
    elif name == "tile_hexagons":
        statement = statement.format(counts=packaged_sql(_counts(asked, everywhere=everywhere)))
    while True:
        row = await (await rows.execute(statement, values, binary=True)).fetchone()
        tile = await pack(bytes(row[0]) if row and row[0] else b"")
        if len(tile.gzipped) <= MOST_BYTES or values.get("most", 1) == 1:
            return tile
        # Drawn anew with as many as fit; the tile says what it left out.
        values["most"] = max(1, int(0.9 * values["most"] * MOST_BYTES / len(tile.gzipped)))


async def pack(body: bytes) -> Tile:
    """Compress a tile, a large one off the event loop."""
    zipped = _zip(body) if len(body) <= _SMALL else await asyncio.to_thread(_zip, body)
    return Tile(zipped, f'"{blake2b(zipped, digest_size=12).hexdigest()}"')


def _zip(body: bytes) -> bytes:
    return gzip.compress(body, 4, mtime=0)


def _query(layer: Layer, asked: TileRequest) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = asdict(asked)
    values["classes"] = None if asked.classes is None else list(asked.classes)
    if layer.columns:
        return "tile_shapes", values | {"most": MOST_SHAPES, "layer": layer.name}
    level = level_of(asked.zoom)
    if level is None:
        return "tile_points", values | {"most": MOST_POINTS}
    return "tile_hexagons", values | _hexagon_values(asked, level)


def _hexagon_values(asked: TileRequest, level: int) -> dict[str, Any]:
    first_i, last_i, first_j, last_j = span_of(asked.zoom, asked.x, asked.y, level)
    blocks = fine_blocks(asked.zoom, asked.x, asked.y, level)
    since, until = asked.since or date.min, asked.until or date.max
    first_month, end_month = whole_months(since, until)
    return {
        "since": since, "until": until, "first_month": first_month, "end_month": end_month,
        "level": level, "i0": first_i, "i1": last_i, "j0": first_j, "j1": last_j,
        **dict(zip(("bi0", "bi1", "bj0", "bj1"), blocks, strict=True)),
    }  # fmt: skip


def _counts(asked: TileRequest, *, everywhere: bool) -> str:
    """Return the query that counts: over all areas from their own rows, or by area."""
    if asked.since is None and asked.until is None:
        return "hexagon_counts_total" if everywhere else "hexagon_counts_area_total"
    # By day the finest hexagons are kept by area alone: few areas lie in such a tile.
    by_area = not everywhere or level_of(asked.zoom) == FINEST
    return "hexagon_counts_area_days" if by_area else "hexagon_counts_days"
