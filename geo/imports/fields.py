"""The columns of a batch, one field at a time, checked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.imports.mapping import Mapping
from geo.imports.plan import ReadPlan
from geo.imports.problems import Problems
from geo.imports.schema import Field
from geo.imports.times import read_dates
from geo.imports.values import as_flag, as_number, as_text, is_true, read_column, translate

LONGEST_REF = 200  # characters: an index must hold it


def reference_column(mapping: Mapping) -> str | None:
    """Return the column that tells rows of a source apart, or None where it names none."""
    own = mapping.columns.get("source_ref")
    is_area = mapping.kind_of().table == "area"
    return mapping.columns.get("code") if own is None and is_area else own


def read_references(
    table: pa.Table, references: pa.Array | None, plan: ReadPlan, problems: Problems
) -> pa.Array:
    """Return each row's reference; null where the file names none."""
    spec = reference_column(plan.mapping)
    if spec is None:
        return pa.nulls(table.num_rows, pa.string()) if references is None else references
    text, bad = as_text(read_column(table, spec))
    problems.add(bad, "undecodable_text", spec, text)
    problems.add(_nulls(text), "missing_value", spec)
    too_long = is_true(pc.greater(pc.utf8_length(text), LONGEST_REF))
    problems.add(too_long, "too_long", spec, text)
    return text


def field_column(table: pa.Table, field: Field, plan: ReadPlan) -> pa.Array | None:
    """Return a field's values as the file has them, translated; None where it is not given."""
    mapping = plan.mapping
    if field.name in mapping.columns:
        column = read_column(table, mapping.columns[field.name])
    elif field.name in mapping.constants:
        column = pa.array([mapping.constants[field.name]]).take(
            pa.array(np.zeros(table.num_rows, np.int64))
        )
    else:
        return None
    if field.name in mapping.values:
        column = translate(as_text(column)[0], mapping.values[field.name])
    return column


def checked(column: pa.Array, field: Field, plan: ReadPlan, problems: Problems) -> pa.Array:
    """Return a field's values in its type; what does not fit is noted and null."""
    shown = plan.mapping.columns.get(field.name, field.name)
    made: pa.Array
    if field.type in {"number", "integer"}:
        made = _checked_number(column, field, shown, problems)
    elif field.type == "flag":
        made, bad = as_flag(column)
        problems.add(bad, "not_a_flag", shown, column)
    elif field.type == "date":
        made, bad = read_dates(column, date_format=plan.mapping.date_format)
        problems.add(bad, "not_a_date", shown, column)
    else:
        made = _checked_text(column, field, shown, problems)
    if field.required:
        problems.add(_nulls(made), "missing_value", shown)
    if field.name == "area_code" and plan.area_ids is not None:
        known = pa.array(list(plan.area_ids), pa.string())
        unknown = pc.and_(pc.is_valid(made), pc.invert(pc.is_in(made, value_set=known)))
        problems.add(is_true(unknown), "unknown_area", shown, made)
    return made


def _checked_number(column: pa.Array, field: Field, shown: str, problems: Problems) -> pa.Array:
    values, bad = as_number(column)
    problems.add(bad, "not_a_number", shown, column)
    with np.errstate(invalid="ignore"):
        off = np.zeros(len(values), dtype=bool)
        if field.minimum is not None:
            off |= values < field.minimum
        if field.maximum is not None:
            off |= values > field.maximum
        if field.below is not None:
            off |= values >= field.below
        if field.type == "integer":
            off |= np.abs(values) > 2**31 - 1
            problems.add(
                np.isfinite(values) & (values != np.trunc(values)), "not_a_number", shown, column
            )
    problems.add(off, "out_of_range", shown, column)
    missing = np.isnan(values) | off
    if field.type == "integer":
        whole = np.where(missing, 0, values).astype(np.int64)
        return pa.array(whole, pa.int64(), mask=missing)
    return pa.array(values, pa.float64(), mask=missing)


def _checked_text(column: pa.Array, field: Field, shown: str, problems: Problems) -> pa.Array:
    text, bad = as_text(column)
    problems.add(bad, "undecodable_text", shown, text)
    if field.choices:
        known = pc.is_in(text, value_set=pa.array(field.choices, pa.string()))
        wrong = pc.and_(pc.is_valid(text), pc.invert(known))
        problems.add(is_true(wrong), "unknown_value", shown, text)
    if field.pattern is not None:
        fits = pc.fill_null(pc.match_substring_regex(text, field.pattern), True)
        problems.add(~is_true(fits), "bad_code", shown, text)
    return text


def category_ids(codes: pa.Array, plan: ReadPlan, problems: Problems) -> pa.Array:
    """Return the number of each row's class; null, and noted, where the scheme has none."""
    known = plan.category_ids or {}
    encoded = codes.dictionary_encode()
    ids = pa.array([known.get(code) for code in encoded.dictionary.to_pylist()], pa.int64())
    made = ids.take(encoded.indices)
    unknown = pc.and_(pc.is_null(made), pc.is_valid(codes))
    shown = plan.mapping.columns.get("category", "category")
    problems.add(is_true(unknown), "unknown_category", shown, codes)
    return made


def _nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
