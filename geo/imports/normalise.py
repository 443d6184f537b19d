"""A batch of raw rows into checked columns, all rows at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.formats.table import RawBatch
from geo.imports.digest import digest_rows
from geo.imports.kinds import Field, Kind
from geo.imports.mapping import Mapping
from geo.imports.positions import read_points, read_shapes
from geo.imports.problems import Problems
from geo.imports.times import INTERVAL, Times, read_dates, read_times
from geo.imports.values import as_flag, as_number, as_text, is_true, read_column, translate
from geo.locate.polygons import PolygonIndex, locate
from geo.models.base import TIME_PRECISIONS
from geo.places import GridSet, Place, metric

_DAY_US = 86_400_000_000
LONGEST_REF = 200  # characters: an index must hold it


@dataclass(frozen=True)
class ReadPlan:
    """All that decides how rows are read.

    Attributes
    ----------
    crs
        The file's reference system.
    near
        The jurisdiction's boundary widened by the mapping's margin; None while a jurisdiction
        is being founded.
    category_ids
        Code -> id of each class of the scheme.
    area_ids
        Code -> id of each area that units may name.
    now
        No time may lie more than a day after it.
    """

    mapping: Mapping
    kind: Kind
    crs: str
    time_zone: str
    now: datetime
    place: Place | None = None
    near: PolygonIndex | None = None
    grids: GridSet | None = None
    category_ids: dict[str, int] | None = None
    area_ids: dict[str, int] | None = None


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
        "source_ref": _source_ref(raw.columns, references, plan, problems)
    }
    for field in plan.kind.fields:
        if field.type != "time" and (column := _column(raw.columns, field, plan)) is not None:
            columns[field.name] = _checked(column, field, plan, problems)
    if plan.kind.name != "incidents":
        columns |= _validity(raw.columns, plan, problems)
    else:
        columns |= _times(raw.columns, plan, problems)
        columns["category_id"] = _category_ids(columns.pop("category"), plan, problems)
    outside = np.zeros(n_rows, dtype=bool)
    mended: npt.NDArray[np.object_] | None = None
    if plan.kind.shape == "point":
        placed, outside = _point(raw.columns, plan, problems)
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
        outside = _outside(shapes, plan)
    columns["attributes"] = json_objects(
        _attributes(raw.columns, plan.mapping, mended, problems), n_rows=n_rows
    )
    columns["content_hash"] = _content_hash(columns, n_rows)
    if plan.kind.name == "incidents":
        columns["area_id"] = _grid_ids(columns, plan, problems)
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


def reference_column(mapping: Mapping) -> str | None:
    """Return the column that tells rows of a source apart, or None where it names none."""
    own = mapping.columns.get("source_ref")
    is_area = mapping.kind_of().table == "area"
    return mapping.columns.get("code") if own is None and is_area else own


def _source_ref(
    table: pa.Table, references: pa.Array | None, plan: ReadPlan, problems: Problems
) -> pa.Array:
    spec = reference_column(plan.mapping)
    if spec is None:
        return pa.nulls(table.num_rows, pa.string()) if references is None else references
    text, bad = as_text(read_column(table, spec))
    problems.add(bad, "undecodable_text", spec, text)
    problems.add(_nulls(text), "missing_value", spec)
    too_long = is_true(pc.greater(pc.utf8_length(text), LONGEST_REF))
    problems.add(too_long, "too_long", spec, text)
    return text


def _nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _column(table: pa.Table, field: Field, plan: ReadPlan) -> pa.Array | None:
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


def _checked(column: pa.Array, field: Field, plan: ReadPlan, problems: Problems) -> pa.Array:
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


def _times(table: pa.Table, plan: ReadPlan, problems: Problems) -> dict[str, pa.Array]:
    fields = {*plan.mapping.columns, *plan.mapping.constants}
    start, written, shown = _time(table, "occurred_at", plan, problems)
    problems.add(~start.known & ~start.bad, "missing_value", shown)
    end, precision = start.end.copy(), start.precision
    if "occurred_until" in fields:
        until, until_written, until_shown = _time(table, "occurred_until", plan, problems)
        end = np.where(until.known, until.start, end)
        precision = np.where(until.known & (until.start > start.start), INTERVAL, precision)
        backwards = until.known & (until.start < start.start)
        problems.add(backwards, "ends_before_start", until_shown, until_written)
    latest = int(plan.now.timestamp() * 1e6) + _DAY_US
    off = start.known & ((start.start < 0) | (start.start > latest))
    problems.add(off, "time_out_of_range", shown, written)
    made = {
        "occurred_at": _stamps(start.start, start.known),
        "occurred_until": _stamps(end, start.known),
        "time_precision": pa.DictionaryArray.from_arrays(
            pa.array(precision.astype(np.int8)), pa.array(TIME_PRECISIONS)
        ),
    }
    if "reported_at" in fields:
        reported, told, told_shown = _time(table, "reported_at", plan, problems)
        early = reported.known & start.known & (reported.end < start.start)
        problems.add(early, "reported_before_occurred", told_shown, told)
        made["reported_at"] = _stamps(reported.start, reported.known)
    return made


def _validity(table: pa.Table, plan: ReadPlan, problems: Problems) -> dict[str, pa.Array]:
    """Return the times of a kind that is valid from one moment to another."""
    given = {*plan.mapping.columns, *plan.mapping.constants}
    read = {
        field.name: _time(table, field.name, plan, problems)
        for field in plan.kind.fields
        if field.type == "time" and field.name in given
    }
    if {"valid_from", "valid_to"} <= set(read):
        (start, *_), (end, written, shown) = read["valid_from"], read["valid_to"]
        backwards = start.known & end.known & (end.start <= start.start)
        problems.add(backwards, "ends_before_start", shown, written)
    return {name: _stamps(times.start, times.known) for name, (times, *_) in read.items()}


def _time(
    table: pa.Table, field: str, plan: ReadPlan, problems: Problems
) -> tuple[Times, pa.Array, str]:
    """Read a field's times; return them, what was written, and where it stands."""
    written = _column(table, plan.kind.field(field), plan)
    shown = plan.mapping.columns.get(field, field)
    times = read_times(
        written,
        time_zone=plan.time_zone,
        time_format=plan.mapping.time_format,
        midnight_unknown=plan.mapping.midnight == "unknown" and field == "occurred_at",
    )
    problems.add(times.bad, "not_a_time", shown, written)
    return times, written, shown


def _stamps(micro: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(micro, pa.int64(), mask=~known).cast(pa.timestamp("us", "UTC"))


def _category_ids(codes: pa.Array, plan: ReadPlan, problems: Problems) -> pa.Array:
    known = plan.category_ids or {}
    encoded = codes.dictionary_encode()
    ids = pa.array([known.get(code) for code in encoded.dictionary.to_pylist()], pa.int64())
    made = ids.take(encoded.indices)
    unknown = pc.and_(pc.is_null(made), pc.is_valid(codes))
    shown = plan.mapping.columns.get("category", "category")
    problems.add(is_true(unknown), "unknown_category", shown, codes)
    return made


def _point(
    table: pa.Table, plan: ReadPlan, problems: Problems
) -> tuple[dict[str, pa.Array], npt.NDArray[np.bool_]]:
    """Return the columns of the position, and which rows the mapping leaves out for it."""
    points = read_points(table, plan.mapping, crs=plan.crs, problems=problems)
    made = {
        "lon": pa.array(points.lon, from_pandas=True),
        "lat": pa.array(points.lat, from_pandas=True),
    }
    nowhere = np.zeros(table.num_rows, dtype=bool)
    if plan.place is None or plan.near is None:
        return made, nowhere
    x, y = metric(points.lon, points.lat, plan.place)
    if plan.kind.name == "incidents":
        made |= {"x_m": pa.array(x, from_pandas=True), "y_m": pa.array(y, from_pandas=True)}
    far = problems.sound & (locate(plan.near, x, y) < 0)
    if plan.mapping.outside == "leave_out":
        return made, far
    shown = np.array([None] * len(x), dtype=object)
    shown[far] = [
        f"{a:.6f}, {b:.6f}" for a, b in zip(points.lon[far], points.lat[far], strict=True)
    ]
    problems.add(far, "far_outside", "position", shown)
    return made, nowhere


def _grid_ids(columns: dict[str, pa.Array], plan: ReadPlan, problems: Problems) -> pa.Array:
    n_rows = len(columns["x_m"])
    if plan.grids is None or plan.place is None:
        return pa.nulls(n_rows, pa.int64())
    local = pc.local_timestamp(
        pc.cast(columns["occurred_at"], pa.timestamp("us", plan.time_zone))
    ).cast(pa.int64())
    day = np.asarray(pc.fill_null(local, 0).to_numpy(zero_copy_only=False)) // _DAY_US
    x, y = (columns[a].to_numpy(zero_copy_only=False) for a in ("x_m", "y_m"))
    found = np.full(n_rows, -1, dtype=np.int64)
    good = problems.sound
    found[good] = plan.grids.area_of(x[good], y[good], day[good])
    return pa.array(found, pa.int64(), mask=found < 0)


def _outside(shapes: npt.NDArray[np.object_], plan: ReadPlan) -> npt.NDArray[np.bool_]:
    """Say which lines and buildings lie outside: no fault of theirs, but not ours."""
    ground = {"road", "building", "water"}
    if plan.place is None or plan.near is None or plan.kind.table not in ground:
        return np.zeros(len(shapes), dtype=bool)
    inside = shapely.point_on_surface(shapes)
    lon, lat = shapely.get_x(inside), shapely.get_y(inside)
    x, y = metric(lon, lat, plan.place)
    return ~shapely.is_missing(shapes) & (locate(plan.near, x, y) < 0)


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
