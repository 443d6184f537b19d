"""A stable 64-bit digest of each row, whatever process or year computes it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

UInts = npt.NDArray[np.uint64]
_NULL = 0x9E3779B97F4A7C15


@njit(cache=True, nogil=True)
def _mix(state: UInts, values: UInts) -> None:  # pragma: no cover - compiled
    """Fold one 64-bit value per row into the state (splitmix64's finaliser)."""
    for i in range(len(state)):
        z = (state[i] ^ values[i]) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state[i] = z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _hash_bytes(
    offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], out: UInts
) -> None:  # pragma: no cover - compiled
    """FNV-1a of each string."""
    for i in range(len(out)):
        h = np.uint64(0xCBF29CE484222325)
        for j in range(offsets[i], offsets[i + 1]):
            h = (h ^ np.uint64(data[j])) * np.uint64(0x100000001B3)
        out[i] = h


def digest_rows(columns: list[pa.Array | npt.NDArray[np.generic]], n_rows: int) -> pa.Array:
    """Return one signed 64-bit digest per row of `columns`, shape ``(n_rows,)``.

    Null differs from every value; columns count in order.

    References
    ----------
    Fowler, Noll, Vo (FNV-1a, 64 bit, draft-eastlake-fnv); Steele, Lea, Flood 2014,
    doi:10.1145/2660193.2660195 (splitmix64).
    """
    state = np.zeros(n_rows, dtype=np.uint64)
    for column in columns:
        _mix(state, _bits(column, n_rows))
    return pa.array(state.view(np.int64))


def _bits(column: pa.Array | npt.NDArray[np.generic], n_rows: int) -> UInts:
    bits: UInts
    if isinstance(column, np.ndarray):
        if column.dtype == np.bool_:
            return column.astype(np.uint64)
        return np.ascontiguousarray(column).view(np.uint64)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = _bits(column.dictionary, len(column.dictionary))
        bits = words[column.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        bits = _string_bits(column)
    elif pa.types.is_null(kind):
        return np.full(n_rows, _NULL, dtype=np.uint64)
    elif pa.types.is_floating(kind):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        bits = np.ascontiguousarray(values + 0.0).view(np.uint64).copy()
    else:
        whole = column.cast(pa.int32()) if pa.types.is_date32(kind) else column
        filled = whole.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        bits = np.ascontiguousarray(filled).view(np.uint64).copy()
    if column.null_count:
        bits[np.asarray(column.is_null().to_numpy(zero_copy_only=False))] = _NULL
    return bits


def _string_bits(column: pa.Array) -> UInts:
    if column.offset:
        column = pa.concat_arrays([column, pa.array([], column.type)])
    out = np.empty(len(column), dtype=np.uint64)
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    _hash_bytes(ends, raw, out)
    return out


def digest_text(text: str) -> int:
    """Return a signed 64-bit digest of a text."""
    raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


def digest_raw_row(row: dict[str, object]) -> str:
    """Return 128 bits in hexadecimal that stand for a raw row that names no reference."""
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
