"""A batch of raw rows into checked columns, all rows at once."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.formats.table import RawBatch
from geo.imports.digest import digest_rows
from geo.imports.fields import category_ids, checked, field_column, read_references
from geo.imports.mapping import Mapping
from geo.imports.moments import read_moments, read_validity
from geo.imports.plan import ReadPlan
from geo.imports.positions import read_shapes
from geo.imports.problems import Problems
from geo.imports.values import as_text, read_column
from geo.imports.whereabouts import grid_ids, lies_outside, read_position


@dataclass(frozen=True)
class Normalised:
    """A batch after its checks.

    Attributes
    ----------
    raw
        The rows as the file had them, those that the mapping leaves out already taken away.
    columns
        Field -> values of all rows, sound or not, shape ``(n,)``; among them
        ``source_ref`` (null where the file names none) and ``content_hash``.
    left_out
        How many rows the mapping's ``where``, or their place outside, left out.
    """

    raw: RawBatch
    columns: dict[str, pa.Array]
    problems: Problems
    left_out: int


def normalise(raw: RawBatch, plan: ReadPlan, *, references: pa.Array | None = None) -> Normalised:
    """Read, check and project one batch of rows.

    `references` stand in for the source's own where the mapping names none, shape ``(n_rows,)``.
    """
    keep, n_given = _wanted(raw, plan.mapping), raw.columns.num_rows
    raw = select_rows(raw, plan.mapping)
    if references is not None and keep is not None:
        references = references.filter(keep)
    n_rows = raw.columns.num_rows
    problems = Problems(n_rows)
    columns: dict[str, pa.Array] = {
        "source_ref": read_references(raw.columns, references, plan, problems)
    }
    for field in plan.kind.fields:
        if field.type != "time" and (column := field_column(raw.columns, field, plan)) is not None:
            columns[field.name] = checked(column, field, plan, problems)
    if plan.kind.name != "incidents":
        columns |= read_validity(raw.columns, plan, problems)
    else:
        columns |= read_moments(raw.columns, plan, problems)
        columns["category_id"] = category_ids(columns.pop("category"), plan, problems)
    outside = np.zeros(n_rows, dtype=bool)
    mended: npt.NDArray[np.object_] | None = None
    if plan.kind.shape == "point":
        placed, outside = read_position(raw.columns, plan, problems)
        columns |= placed
    elif plan.kind.shape is not None:
        shapes, mended = read_shapes(
            raw.columns,
            shape=plan.kind.shape,
            crs=plan.crs,
            mend=plan.mapping.mend,
            problems=problems,
        )
        columns["geom"] = pa.array(shapely.to_wkb(shapes, hex=True), pa.string())
        outside = lies_outside(shapes, plan)
    columns["attributes"] = json_objects(
        _attributes(raw.columns, plan.mapping, mended, problems), n_rows=n_rows
    )
    columns["content_hash"] = _content_hash(columns, n_rows)
    if plan.kind.name == "incidents":
        columns["area_id"] = grid_ids(columns, plan, problems)
    made = Normalised(raw, columns, problems, n_given - n_rows)
    return _without(made, outside) if outside.any() else made


def select_rows(raw: RawBatch, mapping: Mapping) -> RawBatch:
    """Leave out the rows that the mapping's ``where`` does not name."""
    keep = _wanted(raw, mapping)
    if keep is None:
        return raw
    return RawBatch(raw.columns.filter(keep), raw.row_no.filter(keep), raw.broken)


def _wanted(raw: RawBatch, mapping: Mapping) -> pa.Array | None:
    keep = None
    for column, values in mapping.where.items():
        text, _ = as_text(raw.columns.column(column))
        hit = pc.is_in(text, value_set=pa.array(values, pa.string()))
        keep = hit if keep is None else pc.and_(keep, hit)
    return keep


def _without(made: Normalised, rows: npt.NDArray[np.bool_]) -> Normalised:
    keep = np.flatnonzero(~rows)
    taken = pa.array(keep)
    problems = Problems(len(keep))
    problems.found = made.problems.found[keep]
    problems.reason = made.problems.reason[keep]
    problems.field_name = made.problems.field_name[keep]
    problems.value = made.problems.value[keep]
    raw = RawBatch(made.raw.columns.take(taken), made.raw.row_no.take(taken), made.raw.broken)
    columns = {name: column.take(taken) for name, column in made.columns.items()}
    return Normalised(raw, columns, problems, made.left_out + int(rows.sum()))


def _attributes(
    table: pa.Table,
    mapping: Mapping,
    mended: npt.NDArray[np.object_] | None,
    problems: Problems,
) -> dict[str, pa.Array]:
    made = {}
    for name in mapping.attributes:
        column = read_column(table, name)
        if not (pa.types.is_boolean(column.type) or pa.types.is_integer(column.type)):
            column, bad = as_text(column)
            problems.add(bad, "undecodable_text", name, column)
        made[name] = column
    if mended is not None and any(item is not None for item in mended):
        made["mended"] = pa.array(mended, pa.string())
    return made


def json_objects(columns: dict[str, pa.Array], *, n_rows: int) -> pa.Array:
    """Write each row's texts, flags and whole numbers as one JSON object, leaving out nulls.

    Shape ``(n_rows,)``.
    """
    parts = []
    for name, column in columns.items():
        key = json.dumps(name, ensure_ascii=False) + ": "
        if pa.types.is_string(column.type):
            encoded = column.dictionary_encode()
            escaped = [json.dumps(v, ensure_ascii=False) for v in encoded.dictionary.to_pylist()]
            column = pa.array(escaped, pa.string()).take(encoded.indices)
        entry = pc.binary_join_element_wise(pa.scalar(key), column.cast(pa.string()), ", ", "")
        parts.append(pc.fill_null(entry, ""))
    if not parts:
        return pa.array(["{}"]).take(pa.array(np.zeros(n_rows, np.int64)))
    joined = pc.ascii_rtrim(pc.binary_join_element_wise(*parts, ""), characters=", ")
    return pc.binary_join_element_wise(pa.scalar("{"), joined, pa.scalar("}"), "")


def _content_hash(columns: dict[str, pa.Array], n_rows: int) -> pa.Array:
    left_out = {"source_ref", "x_m", "y_m"}
    return digest_rows([columns[name] for name in sorted(columns) if name not in left_out], n_rows)
