"""Local wall-clock times into instants, with the interval in which each really lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.imports.values import Mask, as_text, is_true
from geo.models.base import TIME_PRECISIONS

Longs = npt.NDArray[np.int64]
Precisions = npt.NDArray[np.int8]
EXACT, MINUTE, HOUR, DAY, MONTH, INTERVAL = range(len(TIME_PRECISIONS))
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
_WIDTH_US = np.array([0, MINUTE_US, HOUR_US, 0, 0, 0], dtype=np.int64)
_AT_ONCE = (pa.timestamp("us"), pa.timestamp("us", "UTC"))
_ISO = (
    r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})(?:[-/](?P<day>\d{1,2})(?:[T ] ?(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r" ?(?:(?P<utc>Z)|(?P<sign>[+-])(?P<zone_hour>\d{2}):?(?P<zone_minute>\d{2})?)?)?)?$"
)
_FAR_AHEAD = r"[+-](?:1[5-9]|2\d)(?::?\d{2})?$"


@dataclass(frozen=True)
class Times:
    """Instants of a column of times, shape ``(n,)`` each.

    Attributes
    ----------
    start, end
        Microseconds since 1970 in UTC; the event lies in ``[start, end)``, or at ``start``
        where both are equal. Undefined where ``known`` is false.
    precision
        How exact each time is: a position in ``geo.models.base.TIME_PRECISIONS``.
    known
        Whether there is a time.
    bad
        Values that are no time in the format.
    """

    start: Longs
    end: Longs
    precision: Precisions
    known: Mask
    bad: Mask


@dataclass(frozen=True)
class _Walls:
    """Times as written: of the local clock, or of UTC where `fixed` (an offset was given)."""

    micro: Longs
    fixed: Mask
    precision: Precisions
    known: Mask
    given: Mask


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
    dropped and both are marked ``interval``. With `midnight_unknown`, exactly 00:00 on the
    local clock means that only the day is known. ``time_format`` is a strptime format; without
    it each value is read as ISO 8601, a month, day, hour, minute or second of it, with ``/`` and
    single digits allowed. What a value means never depends on the rows around it.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    walls = _read_walls(column, time_format)
    start, last = _instants(walls, time_zone)
    precision = walls.precision.copy()
    if midnight_unknown:
        local = np.where(walls.fixed, _local(start, time_zone), walls.micro)
        precision[(precision != MONTH) & (local % DAY_US == 0)] = DAY
    else:
        local = walls.micro
    calendar = (precision == DAY) | (precision == MONTH)
    # Hours and minutes are widths of real time; days and months end on the local clock.
    end = last + _WIDTH_US[precision]
    if calendar.any():
        end[calendar] = _ends(local[calendar], precision[calendar], time_zone)
    precision[(last > start) & ~calendar] = INTERVAL
    return Times(start, end, precision, walls.known, walls.given & ~walls.known)


def first_instants(wall_us: Longs, *, time_zone: str) -> Longs:
    """Return the instants of local times (microseconds since 1970), as `read_times` starts them."""
    return _to_utc(wall_us, np.ones(len(wall_us), dtype=bool), time_zone)[0]


def _read_walls(column: pa.Array, time_format: str | None) -> _Walls:
    if pa.types.is_date(column.type):
        return _typed(column.cast(pa.timestamp("us")), fixed=False, precision=DAY)
    if pa.types.is_timestamp(column.type):
        fixed = column.type.tz is not None
        return _typed(column, fixed=fixed, precision=MINUTE)
    text, _ = as_text(column)
    if time_format is not None:
        return _read_format(text, time_format)
    return _read_iso_at_once(text) or _read_iso(text)


def read_dates(column: pa.Array, *, date_format: str | None = None) -> tuple[pa.Array, Mask]:
    """Read a column of dates (ISO 8601, 20240131, or in `date_format`); and which are none.

    Of a date with a time of day the date is taken.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return column.cast(pa.date32(), safe=False), np.zeros(len(column), dtype=bool)
    text, _ = as_text(column)
    if date_format is None:
        text = pc.replace_substring_regex(text, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
    walls = _read_format(text, date_format) if date_format is not None else _read_iso(text)
    known = walls.known & (walls.precision != MONTH)
    days = (walls.micro // DAY_US).astype(np.int32)
    return pa.array(days, pa.int32(), mask=~known).cast(pa.date32()), walls.given & ~known


def _typed(stamps: pa.Array, *, fixed: bool, precision: int, given: Mask | None = None) -> _Walls:
    known = is_true(stamps.is_valid())
    return _Walls(
        micro=_microseconds(stamps),
        fixed=np.full(len(stamps), fixed),
        precision=np.full(len(stamps), precision, dtype=np.int8),
        known=known,
        given=known if given is None else given,
    )


def _read_iso_at_once(text: pa.Array) -> _Walls | None:
    """Read values that are all of one kind, which is quick; None where they are not.

    The first value says of which kind: each value that Arrow refuses costs as much as thirty.
    """
    first = text.drop_null()[:1]
    kind = _AT_ONCE[0] if _cast(first, _AT_ONCE[0]) is not None else _AT_ONCE[1]
    stamps = _cast(text, kind) if _cast(first, kind) is not None else None
    if stamps is None or (kind.tz is not None and _any_far_ahead(text)):
        return None
    walls = _typed(stamps, fixed=kind.tz is not None, precision=MINUTE)
    if kind.tz is None:
        length = pc.fill_null(pc.binary_length(text), 0).to_numpy(zero_copy_only=False)
        walls.precision[length == 10] = DAY
        walls.precision[length == 13] = HOUR
    return walls


def _any_far_ahead(text: pa.Array) -> bool:
    """Say whether an offset is one of 15 hours or more, which Arrow takes and no place has."""
    if pc.all(pc.ends_with(text, "Z")).as_py() is not False:
        return False
    return bool(pc.any(pc.match_substring_regex(text, _FAR_AHEAD)).as_py())


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def _read_iso(text: pa.Array) -> _Walls:
    parts = pc.extract_regex(text, _ISO)
    given = is_true(parts.is_valid())
    part = {name: _part(parts, name) for name in ("year", "month", "day", "hour", "minute")}
    part |= {name: _part(parts, name) for name in ("second", "zone_hour", "zone_minute")}
    known = given & (part["month"] >= 1) & (part["month"] <= 12) & (part["year"] >= 1)
    month = (np.where(known, part["year"], 1970) - 1970) * 12 + np.where(known, part["month"], 1)
    first = (month - 1).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    has_day, has_hour = part["day"] >= 0, part["hour"] >= 0
    known &= ~has_day | ((part["day"] >= 1) & (part["day"] <= length))
    known &= (part["hour"] < 24) & (part["minute"] < 60) & (part["second"] < 60)
    known &= (part["zone_hour"] < 15) & (part["zone_minute"] < 60)
    days = first.astype("datetime64[D]").astype(np.int64) + np.maximum(part["day"], 1) - 1
    clock = sum(
        np.maximum(part[name], 0) * width
        for name, width in (("hour", HOUR_US), ("minute", MINUTE_US), ("second", 1_000_000))
    )
    offset = np.maximum(part["zone_hour"], 0) * HOUR_US
    offset += np.maximum(part["zone_minute"], 0) * MINUTE_US
    sign = np.where(is_true(pc.equal(pc.struct_field(parts, "sign"), "-")), -1, 1)
    fixed = (part["zone_hour"] >= 0) | is_true(pc.equal(pc.struct_field(parts, "utc"), "Z"))
    shape = (has_day, has_hour, part["minute"] >= 0)
    precision = np.select([~shape[0], ~shape[1], ~shape[2]], [MONTH, DAY, HOUR], MINUTE)
    return _Walls(
        micro=days * DAY_US + clock + _fraction(parts) - sign * offset,
        fixed=fixed & known,
        precision=precision.astype(np.int8),
        known=known,
        given=is_true(text.is_valid()),
    )


def _part(parts: pa.StructArray, name: str) -> Longs:
    """Return a part of each time as a number, -1 where it is not written."""
    text = pc.struct_field(parts, name)
    digits = pc.if_else(pc.equal(text, ""), None, text).cast(pa.int64())
    return np.array(pc.fill_null(digits, -1).to_numpy(zero_copy_only=False))


def _fraction(parts: pa.StructArray) -> Longs:
    """Return the fraction of a second in microseconds, cut rather than rounded."""
    text = pc.fill_null(pc.struct_field(parts, "fraction"), "")
    six = pc.utf8_slice_codeunits(pc.utf8_rpad(text, 6, "0"), 0, 6)
    return np.array(six.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _read_format(text: pa.Array, form: str) -> _Walls:
    stamps = pc.strptime(text, format=form, unit="us", error_is_null=True)
    stamps = _without_overflow(text, stamps, form)
    fixed = "%z" in form
    given = is_true(text.is_valid())
    return _typed(stamps, fixed=fixed, precision=_format_precision(form), given=given)


def _without_overflow(text: pa.Array, stamps: pa.Array, form: str) -> pa.Array:
    """Take away days that no month has: the C library reads 30 February as 2 March."""
    day, month = pc.day(stamps), pc.month(stamps)
    after_short = pc.is_in(month, value_set=pa.array([3, 5, 7, 10, 12], pa.int64()))
    doubtful = np.flatnonzero(is_true(pc.and_(pc.less_equal(day, 3), after_short)))
    wrong = np.zeros(len(text), dtype=bool)
    for row in doubtful:
        wrong[row] = not _is_time(text[int(row)].as_py(), form)
    return pc.if_else(pa.array(wrong), None, stamps) if wrong.any() else stamps


def _is_time(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def _format_precision(form: str) -> int:
    if any(mark in form for mark in ("%M", "%s", "%X", "%c")):
        return MINUTE
    if any(mark in form for mark in ("%H", "%I")):
        return HOUR
    return DAY if any(mark in form for mark in ("%d", "%j", "%x")) else MONTH


def _instants(walls: _Walls, time_zone: str) -> tuple[Longs, Longs]:
    """Return the first and the last instant that each written time can mean."""
    if walls.fixed.all():
        return walls.micro, walls.micro.copy()
    first, last = _to_utc(walls.micro, walls.known & ~walls.fixed, time_zone)
    return np.where(walls.fixed, walls.micro, first), np.where(walls.fixed, walls.micro, last)


def _ends(local: Longs, precision: Precisions, time_zone: str) -> Longs:
    """Return the instant at which the local day or month of each time ends."""
    months = local.view("datetime64[us]").astype("datetime64[M]")
    after = (months + 1).astype("datetime64[us]").view(np.int64)
    ends = np.where(precision == MONTH, after, (local // DAY_US + 1) * DAY_US)
    return _to_utc(ends, np.ones(len(ends), dtype=bool), time_zone)[0]


def _local(instants: Longs, time_zone: str) -> Longs:
    """Return what the local clock shows at instants."""
    stamps = pa.array(instants, pa.int64()).cast(pa.timestamp("us", time_zone))
    return _microseconds(pc.local_timestamp(stamps))


def _to_utc(wall: Longs, known: Mask, time_zone: str) -> tuple[Longs, Longs]:
    """Return the first and the last instant at which the clock could show each wall time."""
    stamps = pa.array(wall.view("datetime64[us]"), pa.timestamp("us"), mask=~known)
    try:  # nearly always: no clock change in the batch
        zoned = pc.assume_timezone(stamps, time_zone, ambiguous="raise", nonexistent="raise")
        only = _microseconds(zoned)
        return only, only.copy()
    except pa.ArrowInvalid:
        first, last, before = (
            _microseconds(
                pc.assume_timezone(stamps, time_zone, ambiguous=twice, nonexistent=skipped)
            )
            for twice, skipped in (
                ("earliest", "latest"),
                ("latest", "latest"),
                ("earliest", "earliest"),
            )
        )
        return first, np.where(before != first, first + HOUR_US, last)


def _microseconds(stamps: pa.Array) -> Longs:
    raw = stamps.cast(pa.timestamp("us", stamps.type.tz), safe=False).cast(pa.int64())
    return np.array(pc.fill_null(raw, 0).to_numpy(zero_copy_only=False), dtype=np.int64)
