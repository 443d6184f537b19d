"""Plain rows of fixes, read byte by byte in one pass: times, degrees and whose they are.

A row is plain where each value is written in the one way that recorders write it. Whatever else
is in a block of lines, and be it right, the block is left to the readers that know all ways.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

OTHER, DEVICE, TIME, LON, LAT, HEIGHT = range(6)
SHORTEST = len("2026-11-30T08:00:00,0,0\n")
NO_ZONE, OFFSET, NEITHER = 0, 1, -1
_NEWLINE, _RETURN, _QUOTE, _MINUS, _PLUS, _POINT, _COLON, _SLASH, _BLANK, _T, _Z = (
    ord(mark) for mark in '\n\r"-+.:/ TZ'
)
_TENS = np.array([10.0**k for k in range(19)])  # each a double to the last digit
_TEN_INTS = np.array([10**k for k in range(19)])
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_UNSURE = 2.0**-90


class Columns(NamedTuple):
    """Room for fixes, each ``(n_room,)``; `height` of none where there is no such column."""

    device: Longs
    time: Longs
    lon: Floats
    lat: Floats
    height: Floats
    row_no: Longs


class Runs(NamedTuple):
    """Rows one after the other with the same bytes for a device.

    The bytes of run k are ``text[ends[k] : ends[k + 1]]``; `ends` begins with 0.
    """

    text: Bytes
    ends: Ints


@njit(cache=True, nogil=True, inline="always")
def _byte(text: Bytes, at: int) -> int:  # pragma: no cover - compiled
    """Return a byte; that `at` is not counted from the end need not be asked."""
    return int(text[np.uintp(at)])


@njit(cache=True, nogil=True, inline="always")
def _digit(text: Bytes, at: int) -> int:  # pragma: no cover - compiled
    """Return a digit; below 0 or over 9 where there is none."""
    return int(_byte(text, at)) - 48


@njit(cache=True, nogil=True, inline="always")
def _pair(text: Bytes, at: int) -> int:  # pragma: no cover - compiled
    """Return two digits as a number; below 0 where there are none."""
    a, b = _digit(text, at), _digit(text, at + 1)
    return a * 10 + b if 0 <= a <= 9 and 0 <= b <= 9 else -10_000


@njit(cache=True, nogil=True, inline="always")
def _quotient(digits: int, places: int) -> float:  # pragma: no cover - compiled
    """Return the double nearest to ``digits / 10**places``; NaN where that is not certain.

    Up to 15 digits both are doubles, and so one division rounds. Beyond, what the division leaves
    is found without error (Dekker 1971) and divided as well; only within a hair of the middle
    between two doubles could that round wrongly.
    """
    if digits < 10**15:
        return float(digits / _TENS[places])
    high = float(digits)
    low, tens = float(digits - int(high)), _TENS[places]
    first = high / tens
    a = first * 134217729.0
    a -= a - first
    b = tens * 134217729.0
    b -= b - tens
    product = first * tens
    error = (a * b - product) + a * (tens - b) + (first - a) * b + (first - a) * (tens - b)
    more = (((high - product) - error) + low) / tens
    hair = first * _UNSURE
    least, most = first + (more - hair), first + (more + hair)
    return float(least) if least == most else np.nan


@njit(cache=True, nogil=True, inline="always")
def _number(text: Bytes, at: int) -> tuple[float, int]:  # pragma: no cover - compiled
    """Return a number such as -12.345 and where it ends; NaN where it is not plain."""
    minus = _byte(text, at) == _MINUS
    at += minus
    begin, digits, places = at, 0, 0
    d = _digit(text, at)
    while 0 <= d <= 9:
        digits = digits * 10 + d
        at += 1
        d = _digit(text, at)
    n = at - begin
    if n > 0 and _byte(text, at) == _POINT:
        at += 1
        begin = at
        d = _digit(text, at)
        while 0 <= d <= 9:
            digits = digits * 10 + d
            at += 1
            d = _digit(text, at)
        places = at - begin
        n = n + places if places > 0 else 0
    if n == 0 or n > 18:
        return np.nan, at
    value = _quotient(digits, places)
    return (-value if minus else value), at


@njit(cache=True, nogil=True, inline="always")
def _zone(text: Bytes, at: int) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return seconds ahead of UTC, where that ends, and `OFFSET`, `NO_ZONE` or `NEITHER`."""
    if _byte(text, at) == _Z:
        return 0, at + 1, OFFSET
    if _byte(text, at) != _PLUS and _byte(text, at) != _MINUS:
        return 0, at, NO_ZONE
    if len(text) - at < 7 or _byte(text, at + 3) != _COLON:
        return 0, at, NEITHER
    hours, minutes = _pair(text, at + 1), _pair(text, at + 4)
    if not (0 <= hours < 15 and 0 <= minutes < 60):
        return 0, at, NEITHER
    ahead = hours * 3600 + minutes * 60
    return (-ahead if _byte(text, at) == _MINUS else ahead), at + 6, OFFSET


@njit(cache=True, nogil=True, inline="always")
def _days(text: Bytes, at: int) -> int:  # pragma: no cover - compiled
    """Return days since 1970 of a date such as 2026-11-30; below 0 where it is not plain."""
    year = _pair(text, at) * 100 + _pair(text, at + 2)
    month, day = _pair(text, at + 5), _pair(text, at + 8)
    mark = _byte(text, at + 4)
    if (mark != _MINUS and mark != _SLASH) or _byte(text, at + 7) != mark:
        return -1
    if not (1970 <= year <= 2200 and 1 <= month <= 12):
        return -1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month] + (leap and month == 2):
        return -1
    years = year - (month <= 2)  # that begin with March, so that the leap day is their last
    of_year = (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 + day - 1
    return int(years * 365 + years // 4 - years // 100 + years // 400 + of_year - 719_468)


@njit(cache=True, nogil=True, inline="always")
def _time(text: Bytes, at: int) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return microseconds since 1970, where the time ends, and what zone it names."""
    if len(text) - at < SHORTEST - 4:
        return 0, at, NEITHER
    days = _days(text, at)
    hour, minute, second = _pair(text, at + 11), _pair(text, at + 14), _pair(text, at + 17)
    if days < 0 or (_byte(text, at + 10) != _T and _byte(text, at + 10) != _BLANK):
        return 0, at, NEITHER
    if _byte(text, at + 13) != _COLON or _byte(text, at + 16) != _COLON:
        return 0, at, NEITHER
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return 0, at, NEITHER
    at += 19
    micro = 0
    if _byte(text, at) == _POINT:
        begin = at + 1
        at = begin
        d = _digit(text, at)
        while 0 <= d <= 9 and at - begin < 6:
            micro = micro * 10 + d
            at += 1
            d = _digit(text, at)
        if at == begin:
            return 0, at, NEITHER
        micro *= _TEN_INTS[6 - (at - begin)]
    ahead, at, zone = _zone(text, at)
    return (((days * 24 + hour) * 60 + minute) * 60 + second - ahead) * 1_000_000 + micro, at, zone


@njit(cache=True, nogil=True, inline="always")
def _is_end(byte: int, delimiter: int, quoted: bool) -> bool:  # pragma: no cover - compiled
    """Say whether a value ends with a byte, whole or not."""
    if quoted:
        return byte in (_QUOTE, _NEWLINE)
    return byte in (delimiter, _NEWLINE, _RETURN)


@njit(cache=True, nogil=True, inline="always")
def _end(text: Bytes, at: int, delimiter: int, quoted: bool) -> int:  # pragma: no cover - compiled
    """Return where a value ends."""
    while not _is_end(_byte(text, at), delimiter, quoted):
        at += 1
    return at


@njit(cache=True, nogil=True, inline="always")
def _end_of_same(
    text: Bytes, at: int, delimiter: int, quoted: bool, name: Bytes, begin: int, end: int
) -> int:  # pragma: no cover - compiled
    """Return where a value ends; -1 where it is not ``name[begin:end]``, quoted as that was."""
    n = end - begin
    if n >= len(text) - at or not _is_end(_byte(text, at + n), delimiter, quoted):
        return -1
    for k in range(n):
        if _byte(text, at + k) != _byte(name, begin + k):
            return -1
    return at + n


@njit(cache=True, nogil=True, inline="always")
def _is_somewhere(lon: float, lat: float) -> bool:  # pragma: no cover - compiled
    """Say whether there is a position, and not 0, 0, as recorders write without one."""
    return not (np.isnan(lon) or np.isnan(lat) or (lon == 0 and lat == 0))


@njit(cache=True, nogil=True)
def read_rows(
    text: Bytes, delimiter: int, layout: Longs, row_no: int, to: Columns, used: int, runs: Runs
) -> tuple[int, int, int]:  # fmt: skip  # pragma: no cover - compiled
    """Append the fixes of whole lines, of which `device` is a number of `runs`.

    `layout` says what each value of a row is, from `OTHER` to `HEIGHT`; `row_no` is the first row's
    number. Returns how many fixes there are in `to`, -1 where a row is not plain; the number of
    runs; and whether times name an `OFFSET` or `NO_ZONE`. In one piece, as parts that return from
    several places made each row a fifth dearer.
    """
    device, time, lon, lat, height, numbers = to
    names, ends = runs
    at, n_runs, run_quoted, zone = 0, 0, False, NEITHER
    while at < len(text):
        for k in range(len(layout)):
            what, quoted = layout[k], _byte(text, at) == _QUOTE
            at += quoted
            if what == OTHER:
                at = _end(text, at, delimiter, quoted)
            elif what == DEVICE:
                end = -1
                if n_runs > 0 and quoted == run_quoted:
                    begin, last = ends[n_runs - 1], ends[n_runs]
                    end = _end_of_same(text, at, delimiter, quoted, names, begin, last)
                if end < 0:
                    end = _end(text, at, delimiter, quoted)
                    begin, last = ends[n_runs], ends[n_runs] + end - at
                    names[begin:last] = text[at:end]
                    n_runs += 1
                    ends[n_runs], run_quoted = last, quoted
                device[used], at = n_runs - 1, end
            elif what == TIME:
                time[used], at, named = _time(text, at)
                if named == NEITHER or (zone != NEITHER and named != zone):
                    return -1, 0, zone
                zone = named
            elif what == LON:
                lon[used], at = _number(text, at)
            elif what == LAT:
                lat[used], at = _number(text, at)
            elif _is_end(_byte(text, at), delimiter, quoted):
                height[used] = np.nan
            else:
                height[used], at = _number(text, at)
                if np.isnan(height[used]):
                    return -1, 0, zone
            if quoted:
                if _byte(text, at) != _QUOTE:
                    return -1, 0, zone
                at += 1
            if k < len(layout) - 1:
                if _byte(text, at) != delimiter:
                    return -1, 0, zone
                at += 1
        at += _byte(text, at) == _RETURN
        if _byte(text, at) != _NEWLINE or not _is_somewhere(lon[used], lat[used]):
            return -1, 0, zone
        at += 1
        numbers[used] = row_no
        row_no += 1
        used += 1
    return used, n_runs, zone
