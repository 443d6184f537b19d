"""Writes a PMTiles archive, version 3, of one directory without compression.

The format: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

NOT_COMPRESSED, MVT = 1, 1
HEADER_BYTES = 127


def tile_id(zoom: int, x: int, y: int) -> int:
    """Return a tile's number: all coarser zooms come first, then the place on a Hilbert curve."""
    before = (4**zoom - 1) // 3
    place, side = 0, 2**zoom // 2
    while side > 0:
        right, down = int(x & side > 0), int(y & side > 0)
        place += side * side * ((3 * right) ^ down)
        if down == 0:
            if right == 1:
                x, y = side - 1 - (x & (side - 1)), side - 1 - (y & (side - 1))
            x, y = y, x
        side //= 2
    return before + place


def write_archive(tiles: Mapping[tuple[int, int, int], bytes]) -> bytes:
    """Return an archive of vector tiles by zoom, column and row."""
    found = sorted((tile_id(*place), body) for place, body in tiles.items())
    numbers = [number for number, _ in found]
    gaps = [b - a for a, b in zip([0, *numbers], numbers, strict=False)]
    sizes = [len(body) for _, body in found]
    # Offsets: one more than the place of the first, and 0 for what follows at once.
    offsets = [1, *[0] * (len(found) - 1)]
    directory = b"".join(
        varint(n) for n in [len(found), *gaps, *[1] * len(found), *sizes, *offsets]
    )
    metadata = b"{}"
    body = b"".join(body for _, body in found)
    after = HEADER_BYTES + len(directory)
    zooms = [zoom for zoom, _, _ in tiles]
    header = b"PMTiles\x03" + struct.pack(
        "<11Q6B4iB2i", HEADER_BYTES, len(directory), after, len(metadata), 0, 0,
        after + len(metadata), len(body), *[len(found)] * 3, 1, NOT_COMPRESSED, NOT_COMPRESSED, MVT,
        min(zooms), max(zooms), -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000,
        min(zooms), 0, 0,
    )  # fmt: skip
    assert len(header) == HEADER_BYTES
    return header + directory + metadata + body


def varint(number: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])
