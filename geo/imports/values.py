"""Raw columns into text, numbers and flags, a whole column at a time."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.imports.mapping import template_columns

Mask = npt.NDArray[np.bool_]
_FLAGS = {
    **dict.fromkeys(("1", "t", "true", "y", "yes", "是", "有", "on"), True),
    **dict.fromkeys(("0", "f", "false", "n", "no", "否", "无", "off", "-1", "reversible"), False),
}
_BLANK, _DELETE = 0x20, 0x7F
_NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def as_text(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Return a column as trimmed text, empty as null, and a mask of undecodable values."""
    column = _whole(column)
    bad = np.zeros(len(column), dtype=bool)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        if _is_plain(column):
            return column.cast(pa.string()), bad
        column, bad = _decode(column)
    elif pa.types.is_floating(column.type):
        column = _floats_as_text(column)
    elif pa.types.is_nested(column.type):
        column = _nested_as_text(column)
    else:
        column = column.cast(pa.string())
    nul = is_true(pc.match_substring(column, "\x00"))
    if nul.any():
        bad |= nul
        column = pc.replace_substring(column, "\x00", "�")
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(text, ""), None, text), bad


def _is_plain(column: pa.Array) -> bool:
    """Return whether values are ASCII without blanks and control characters, and none is empty.

    The bytes of all values are looked at together, which costs next to nothing; most columns of
    numbers, times and codes are so.
    """
    if not pa.types.is_binary(column.type) or not len(column):
        return False
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if data is None or ((np.diff(ends) == 0) & is_true(column.is_valid())).any():
        return False
    written = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    return bool(written.min(initial=255) > _BLANK and written.max(initial=0) < _DELETE)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def is_true(condition: pa.Array) -> Mask:
    """Return a condition as a mask; null is false."""
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def _decode(column: pa.Array) -> tuple[pa.Array, Mask]:
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        values = [v if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        text = pa.array(values, pa.string())
    marked = is_true(pc.match_substring(text, "�"))
    return text, marked


def _floats_as_text(column: pa.Array) -> pa.Array:
    """Write whole floats without the point: 14.0 is the code 14."""
    values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    with np.errstate(invalid="ignore"):
        whole = (values == np.floor(values)) & (np.abs(values) < 2**53)
    digits = pa.array(np.where(whole, values, 0).astype(np.int64)).cast(pa.string())
    text = pc.if_else(pa.array(whole), digits, column.cast(pa.string()))
    return pc.if_else(pc.is_nan(column), None, text)


def _nested_as_text(column: pa.Array) -> pa.Array:
    values = [
        None if value is None else json.dumps(value, ensure_ascii=False, default=str)
        for value in column.to_pylist()
    ]
    return pa.array(values, pa.string())


def read_column(table: pa.Table, spec: str) -> pa.Array:
    """Return the column that `spec` names, or the text that its template joins."""
    columns = template_columns(spec)
    if columns == [spec]:
        return _whole(table.column(spec))
    parts: list[pa.Array | str] = []
    rest = spec
    for name in columns:
        before, rest = rest.split("{" + name + "}", 1)
        parts += [before, as_text(table.column(name))[0]]
    parts.append(rest)
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def as_number(column: pa.Array) -> tuple[npt.NDArray[np.float64], Mask]:
    """Return a column as floats (NaN where empty) and a mask of values that are no numbers."""
    column = _whole(column)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64), ~np.isfinite(values) & ~is_true(
            pc.is_null(column, nan_is_null=True)
        )
    text, _ = as_text(column)
    try:
        numbers = text.cast(pa.float64())
    except pa.ArrowInvalid:
        plain = pc.replace_substring_regex(text, r"^\+", "")
        fits = is_true(pc.match_substring_regex(plain, _NUMBER))
        numbers = pc.if_else(pa.array(fits), plain, None).cast(pa.float64())
    values = np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)
    empty = is_true(pc.is_null(text))
    return np.where(np.isfinite(values), values, np.nan), ~empty & ~np.isfinite(values)


def as_flag(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Return a column as booleans and a mask of values that are neither yes nor no."""
    column = _whole(column)
    if pa.types.is_boolean(column.type):
        return column, np.zeros(len(column), dtype=bool)
    text, _ = as_text(column)
    encoded = pc.utf8_lower(text).dictionary_encode()
    meaning = pa.array([_FLAGS.get(value) for value in encoded.dictionary.to_pylist()], pa.bool_())
    flags = meaning.take(encoded.indices)
    return flags, is_true(pc.and_(pc.is_null(flags), pc.is_valid(text)))


def translate(text: pa.Array, values: dict[str, str]) -> pa.Array:
    """Replace the values that `values` names; others become what ``*`` names, or stay."""
    if not values:
        return text
    rest = values.get("*")
    encoded = text.dictionary_encode()
    words = [values.get(word, rest or word) for word in encoded.dictionary.to_pylist()]
    meaning = pa.array(words, pa.string())
    return meaning.take(encoded.indices)
