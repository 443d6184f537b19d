"""Raw columns into text, numbers, flags and dates, a whole column at a time."""

from __future__ import annotations

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


def as_text(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Return a column as trimmed text, empty as null, and a mask of undecodable values."""
    column = _whole(column)
    bad = np.zeros(len(column), dtype=bool)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column, bad = _decode(column)
    elif pa.types.is_floating(column.type):
        column = _floats_as_text(column)
    else:
        column = column.cast(pa.string())
    nul = _mask(pc.match_substring(column, "\x00"))
    if nul.any():
        bad |= nul
        column = pc.replace_substring(column, "\x00", "�")
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(text, ""), None, text), bad


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _mask(condition: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def _decode(column: pa.Array) -> tuple[pa.Array, Mask]:
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        values = [v if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        text = pa.array(values, pa.string())
    marked = _mask(pc.match_substring(text, "�"))
    return text, marked


def _floats_as_text(column: pa.Array) -> pa.Array:
    """Write whole floats without the point: 14.0 is the code 14."""
    values = column.to_numpy(zero_copy_only=False)
    known = values[~np.isnan(values)]
    if len(known) and np.all(known == np.floor(known)) and np.abs(known).max() < 2**53:
        return pc.if_else(pc.is_nan(column), None, column).cast(pa.int64()).cast(pa.string())
    return column.cast(pa.string())


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
        return np.asarray(values, dtype=np.float64), ~np.isfinite(values) & ~_mask(
            pc.is_null(column, nan_is_null=True)
        )
    text, _ = as_text(column)
    try:
        values = np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowInvalid:
        values = np.array([_float(value) for value in text.to_pylist()], dtype=np.float64)
    empty = _mask(pc.is_null(text))
    return np.where(np.isfinite(values), values, np.nan), ~empty & ~np.isfinite(values)


def _float(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


def as_flag(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Return a column as booleans and a mask of values that are neither yes nor no."""
    column = _whole(column)
    if pa.types.is_boolean(column.type):
        return column, np.zeros(len(column), dtype=bool)
    text, _ = as_text(column)
    encoded = pc.utf8_lower(text).dictionary_encode()
    meaning = pa.array([_FLAGS.get(value) for value in encoded.dictionary.to_pylist()], pa.bool_())
    flags = meaning.take(encoded.indices)
    return flags, _mask(pc.and_(pc.is_null(flags), pc.is_valid(text)))


def as_date(column: pa.Array, *, date_format: str | None) -> tuple[pa.Array, Mask]:
    """Return a column as dates (ISO, or in `date_format`) and a mask of those that are none."""
    column = _whole(column)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return column.cast(pa.date32(), safe=False), np.zeros(len(column), dtype=bool)
    text, _ = as_text(column)
    formats = [date_format] if date_format else ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"]
    dates = pa.nulls(len(text), pa.date32())
    day = pc.utf8_slice_codeunits(text, 0, 10) if date_format is None else text
    for form in formats:
        parsed = pc.strptime(day, format=form, unit="s", error_is_null=True).cast(pa.date32())
        dates = pc.coalesce(dates, parsed)
    return dates, _mask(pc.and_(pc.is_null(dates), pc.is_valid(text)))


def translate(text: pa.Array, values: dict[str, str]) -> pa.Array:
    """Replace the values that `values` names; others become what ``*`` names, or stay."""
    if not values:
        return text
    rest = values.get("*")
    encoded = text.dictionary_encode()
    words = [values.get(word, rest or word) for word in encoded.dictionary.to_pylist()]
    meaning = pa.array(words, pa.string())
    return meaning.take(encoded.indices)
