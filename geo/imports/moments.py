"""When the rows of a batch happened, or were valid: checked against each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo.imports.fields import field_column
from geo.imports.plan import ReadPlan
from geo.imports.problems import Problems
from geo.imports.times import DAY_US, INTERVAL, Times, read_times
from geo.models.base import TIME_PRECISIONS


def read_moments(table: pa.Table, plan: ReadPlan, problems: Problems) -> dict[str, pa.Array]:
    """Return when incidents happened and were reported, in UTC, with their precision."""
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
    latest = int(plan.now.timestamp() * 1e6) + DAY_US
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


def read_validity(table: pa.Table, plan: ReadPlan, problems: Problems) -> dict[str, pa.Array]:
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
    written = field_column(table, plan.kind.field(field), plan)
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
