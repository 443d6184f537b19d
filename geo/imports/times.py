"""Local wall-clock times into instants, with the interval in which each really lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.imports.values import Mask, as_text

Precision = Literal["exact", "minute", "hour", "day", "month", "interval"]
_ISO_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%Y-%m",
)  # fmt: skip
_WIDTH_US = {"exact": 0, "minute": 60_000_000, "hour": 3_600_000_000}


@dataclass(frozen=True)
class Times:
    """Instants of a column of times, shape ``(n,)`` each.

    Attributes
    ----------
    start, end
        Microseconds since 1970 in UTC; the event lies in ``[start, end)``, or at ``start``
        where both are equal. Undefined where ``known`` is false.
    precision
        How exact each time is, as in ``geo.models.TIME_PRECISIONS``.
    known
        Whether there is a time.
    bad
        Values that are no time in the format.
    """

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    precision: npt.NDArray[np.object_]
    known: Mask
    bad: Mask


def read_times(
    column: pa.Array,
    *,
    time_zone: str,
    time_format: str | None = None,
    midnight_unknown: bool = False,
) -> Times:
    """Read a column of local times of `time_zone` (or with their own offset) as instants.

    A local time that the clock showed twice (the end of summer time) lies in the interval from
    the first to the second; one that it skipped lies in the hour after the jump; neither is
    dropped and both are marked ``interval``. With `midnight_unknown`, exactly 00:00 means
    that only the day is known. ``time_format`` is a strptime format; without it ISO 8601 and
    its common relatives are tried.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return _instants(column.cast(pa.timestamp("us", "UTC"), safe=False), pc.is_null(column))
    local, given, unit = _local_times(column, time_format)
    if local.type.tz is not None:
        return _instants(local, given)
    return _zoned(local, given, unit, time_zone, midnight_unknown)


def _local_times(column: pa.Array, time_format: str | None) -> tuple[pa.Array, pa.Array, Precision]:
    """Return naive timestamps, which values were empty, and how exact the format is."""
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us")), pc.is_null(column), "day"
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"), safe=False), pc.is_null(column), "minute"
    text, _ = as_text(column)
    empty = pc.is_null(text)
    if time_format is None and (parsed := _parse_iso(text)) is not None:
        return parsed[0], empty, parsed[1]
    formats = (time_format,) if time_format else _ISO_FORMATS
    best, form = _best_format(text, formats)
    return best, empty, _format_precision(form)


def _parse_iso(text: pa.Array) -> tuple[pa.Array, Precision] | None:
    sample = next((value for value in text.to_pylist()[:1000] if value), "")
    try:
        if sample.endswith("Z") or "+" in sample[10:] or "-" in sample[11:]:
            return text.cast(pa.timestamp("us", "UTC")), "minute"
        return text.cast(pa.timestamp("us")), "day" if len(sample) == 10 else "minute"
    except pa.ArrowInvalid:
        return None


def _best_format(text: pa.Array, formats: tuple[str, ...]) -> tuple[pa.Array, str]:
    best, best_form, best_count = None, formats[0], -1
    for form in formats:
        parsed = pc.strptime(text, format=form, unit="us", error_is_null=True)
        count = len(parsed) - parsed.null_count
        if count > best_count:
            best, best_form, best_count = parsed, form, count
        if count == len(text) - text.null_count:
            break
    return best, best_form


def _format_precision(form: str) -> Precision:
    if any(mark in form for mark in ("%M", "%T", "%R", "%s", "%X", "%c")):
        return "minute"
    if any(mark in form for mark in ("%H", "%I")):
        return "hour"
    return "day" if any(mark in form for mark in ("%d", "%e", "%F", "%D", "%j", "%x")) else "month"


def _instants(stamps: pa.Array, empty: pa.Array) -> Times:
    known = np.asarray(stamps.is_valid().to_numpy(zero_copy_only=False))
    start = _microseconds(stamps)
    precision = np.full(len(start), "minute", dtype=object)
    bad = ~known & ~np.asarray(empty.to_numpy(zero_copy_only=False))
    return Times(start, start + np.int64(_WIDTH_US["minute"]), precision, known, bad)


def _zoned(
    local: pa.Array, empty: pa.Array, unit: Precision, time_zone: str, midnight_unknown: bool
) -> Times:
    known = np.asarray(local.is_valid().to_numpy(zero_copy_only=False))
    wall = _microseconds(local)
    day_us = np.int64(86_400_000_000)
    precision = np.full(len(wall), unit, dtype=object)
    if midnight_unknown and unit in {"exact", "minute", "hour"}:
        precision[wall % day_us == 0] = "day"
    days = precision == "day"
    months = precision == "month"
    wall_end = wall + np.int64(_WIDTH_US.get(unit, 0))
    wall_end[days] = wall[days] + day_us
    wall_end[months] = _next_month(wall[months])
    start, twice = _to_utc(wall, known, time_zone)
    # Hours and minutes are widths of real time; days and months end on the local clock.
    end = start + (wall_end - wall)
    calendar = days | months
    if calendar.any():
        end[calendar] = _to_utc(wall_end, known, time_zone)[0][calendar]
    shifted = (twice > start) & ~calendar
    end[shifted] = twice[shifted] + (wall_end - wall)[shifted]
    precision[shifted] = "interval"
    bad = ~known & ~np.asarray(empty.to_numpy(zero_copy_only=False))
    return Times(start, end, precision, known, bad)


def _to_utc(
    wall: npt.NDArray[np.int64], known: Mask, time_zone: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the last instant at which the clock could show each wall time."""
    stamps = pa.array(wall.view("datetime64[us]"), pa.timestamp("us"), mask=~known)
    try:  # nearly always: no clock change in the batch
        zoned = pc.assume_timezone(stamps, time_zone, ambiguous="raise", nonexistent="raise")
        only = _microseconds(zoned)
        return only, only
    except pa.ArrowInvalid:
        first = _microseconds(
            pc.assume_timezone(stamps, time_zone, ambiguous="earliest", nonexistent="latest")
        )
        last = _microseconds(
            pc.assume_timezone(stamps, time_zone, ambiguous="latest", nonexistent="latest")
        )
        before = _microseconds(
            pc.assume_timezone(stamps, time_zone, ambiguous="earliest", nonexistent="earliest")
        )
        skipped = before != first
        return first, np.where(skipped, first + 3_600_000_000, last)


def _next_month(wall: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    months = wall.view("datetime64[us]").astype("datetime64[M]")
    return (months + 1).astype("datetime64[us]").view(np.int64)


def _microseconds(stamps: pa.Array) -> npt.NDArray[np.int64]:
    raw = stamps.cast(pa.timestamp("us", stamps.type.tz), safe=False).cast(pa.int64())
    return np.array(pc.fill_null(raw, 0).to_numpy(zero_copy_only=False), dtype=np.int64)
