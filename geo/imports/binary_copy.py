"""Arrow columns as PostgreSQL's binary COPY stream, which the server need not parse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.int32]
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH_US = 946_684_800_000_000  # 2000-01-01, from which PostgreSQL counts
_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("x", "<f8"), ("y", "<f8")])
_POINT_WITH_SRID = 0x20000001


@dataclass(frozen=True)
class Packed:
    """The values of one column as the server wants them.

    Attributes
    ----------
    data
        Bytes of all values.
    starts, lengths
        Where each row's value lies in `data`, shape ``(n_rows,)``; a length of -1 is null.
    """

    data: Bytes
    starts: Longs
    lengths: Lengths


@njit(cache=True, nogil=True)
def _pack(
    data: Bytes, starts: Longs, lengths: Lengths, out: Bytes
) -> None:  # pragma: no cover - compiled
    n_columns, n_rows = lengths.shape
    at = 0
    for row in range(n_rows):
        out[at] = n_columns >> 8
        out[at + 1] = n_columns & 255
        at += 2
        for column in range(n_columns):
            length = lengths[column, row]
            for shift in range(4):
                out[at + shift] = (length >> (24 - 8 * shift)) & 255
            at += 4
            start = starts[column, row]
            for i in range(max(length, 0)):
                out[at + i] = data[start + i]
            at += max(length, 0)


def pack_rows(columns: list[Packed]) -> Bytes:
    """Return the whole stream of rows whose values are `columns`.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format".
    """
    lengths = np.vstack([column.lengths for column in columns])
    sizes = np.cumsum([0] + [column.data.size for column in columns])
    starts = np.vstack([c.starts + size for c, size in zip(columns, sizes[:-1], strict=True)])
    n_columns, n_rows = lengths.shape
    body = n_rows * (2 + 4 * n_columns) + int(np.maximum(lengths, 0).sum(dtype=np.int64))
    out = np.empty(len(_HEADER) + body + len(_TRAILER), dtype=np.uint8)
    out[: len(_HEADER)] = np.frombuffer(_HEADER, np.uint8)
    out[-len(_TRAILER) :] = np.frombuffer(_TRAILER, np.uint8)
    data = np.concatenate([column.data for column in columns])
    _pack(data, starts, lengths, out[len(_HEADER) : -len(_TRAILER)])
    return out


def pack_text(column: pa.Array) -> Packed:
    """Pack texts; a dictionary's words are written once."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        words = pack_text(column.dictionary)
        codes = np.asarray(column.indices.fill_null(0).to_numpy(zero_copy_only=False))
        lengths = _with_nulls(words.lengths[codes], column)
        return Packed(words.data, words.starts[codes], lengths)
    column = column.cast(pa.large_string())
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    lengths = np.diff(ends).astype(np.int32)
    return Packed(raw, ends[:-1], _with_nulls(lengths, column))


def pack_json(column: pa.Array) -> Packed:
    """Pack JSON texts as jsonb: each after its version, 1."""
    return pack_text(pc.binary_join_element_wise(pa.scalar("\x01"), column, ""))


def pack_numbers(column: pa.Array, kind: str) -> Packed:
    """Pack numbers as the big-endian NumPy type `kind`, such as ``>i4``."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    return _fixed(np.asarray(values).astype(kind), column)


def pack_times(column: pa.Array) -> Packed:
    """Pack instants in microseconds as timestamptz."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    micro = column.cast(pa.int64()).fill_null(_EPOCH_US).to_numpy(zero_copy_only=False)
    return _fixed((np.asarray(micro) - _EPOCH_US).astype(">i8"), column)


def pack_points(lon: pa.Array, lat: pa.Array) -> Packed:
    """Pack points as EWKB of EPSG:4326."""
    points = np.empty(len(lon), dtype=_POINT)
    points["order"], points["type"], points["srid"] = 1, _POINT_WITH_SRID, 4326
    points["x"] = lon.to_numpy(zero_copy_only=False)
    points["y"] = lat.to_numpy(zero_copy_only=False)
    return _fixed(points, lon)


def pack_constant(value: int, kind: str, n_rows: int) -> Packed:
    """Pack one number for every row."""
    data = np.frombuffer(np.array([value], dtype=kind).tobytes(), np.uint8)
    return Packed(data, np.zeros(n_rows, np.int64), np.full(n_rows, data.size, np.int32))


def pack_nulls(n_rows: int) -> Packed:
    """Pack a column without values."""
    zeros = np.zeros(n_rows, np.int64)
    return Packed(np.empty(0, np.uint8), zeros, np.full(n_rows, -1, np.int32))


def _fixed(values: npt.NDArray[np.generic], column: pa.Array) -> Packed:
    width = values.dtype.itemsize
    starts = np.arange(len(values), dtype=np.int64) * width
    lengths = _with_nulls(np.full(len(values), width, np.int32), column)
    return Packed(np.frombuffer(values.tobytes(), np.uint8), starts, lengths)


def _with_nulls(lengths: Lengths, column: pa.Array) -> Lengths:
    if not column.null_count:
        return lengths
    missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
    return np.where(missing, np.int32(-1), lengths)
