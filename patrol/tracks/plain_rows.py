"""Plain rows of fixes, read in one pass over their bytes: times, degrees and whose they are.

A row is plain where each value is written in the one way that recorders write it. Whatever else
is in a block of lines, and be it right, the block is left to the readers that know all ways.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
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
# Words of eight bytes, of which each holds a character.
_ZEROS, _HIGH, _LOW_BITS, _TO_HIGH = (
    np.uint64(byte * 0x0101010101010101) for byte in (0x30, 0x80, 0x7F, 0x76)
)
_TWOS, _FOURS, _EIGHTS, _TWO_BYTES = (
    np.uint64(mask) for mask in (0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0xFFFFFFFF, 0xFFFF)
)
_CLOCK, _COLONS = (np.uint64(int.from_bytes(text, "little")) for text in
                   (b"00:00:00", b"\0\0\xff\0\0\xff\0\0"))  # fmt: skip
_NONE = np.uint64(0)


class Columns(NamedTuple):
    """Room for fixes, each ``(n_room,)``; `height` of none where there is no such column."""

    device: Ints
    time: Longs
    lon: Floats
    lat: Floats
    height: Floats
    row_no: Ints


class Runs(NamedTuple):
    """Rows one after the other with the same bytes for a device.

    The bytes of run k are ``text[ends[k] : ends[k + 1]]``; `ends` begins with 0. Its first fix is
    ``firsts[k]``.
    """

    text: Bytes
    ends: Ints
    firsts: Longs


def _load(kind: types.Integer) -> Any:
    """Return what reads a number at an address, wherever that lies."""

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        of = context.get_value_type(kind)
        return builder.load(builder.inttoptr(args[0], of.as_pointer()), typ=of, align=1)

    def load(_typing: Any, address: Any) -> Any:
        return kind(types.intp), codegen

    return intrinsic(load)


_load_byte, _load_word = _load(types.uint8), _load(types.uint64)


@njit(cache=True, nogil=True, inline="always")
def _byte(at: int) -> int:  # pragma: no cover - compiled
    """Return a byte."""
    return int(np.int64(_load_byte(at)))


@njit(cache=True, nogil=True, inline="always")
def _digit(at: int) -> int:  # pragma: no cover - compiled
    """Return a digit; below 0 or over 9 where there is none."""
    return int(_byte(at)) - 48


@njit(cache=True, nogil=True, inline="always")
def _pair(at: int) -> int:  # pragma: no cover - compiled
    """Return two digits as a number; below 0 where there are none."""
    a, b = _digit(at), _digit(at + 1)
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
def _eight(at: int) -> np.uint64:  # pragma: no cover - compiled
    """Return eight bytes as one word, the first lowest."""
    return np.uint64(_load_word(at))


@njit(cache=True, nogil=True, inline="always")
def _above_9(word: np.uint64) -> np.uint64:  # pragma: no cover - compiled
    """Return the highest bit of each byte over 9."""
    return (((word & _LOW_BITS) + _TO_HIGH) | word) & _HIGH


@njit(cache=True, nogil=True, inline="always")
def _digits(at: int, stop: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """Return the number that digits from `at` on make, right up to 18, and how many they are.

    Their end is looked for byte by byte, as a processor guesses it and goes on meanwhile; up to
    eight are then added at once, neighbours by twos, fours and eights (Lemire 2018).
    """
    n, value = 0, 0
    while 0 <= _digit(at + n) <= 9:
        n += 1
    if 0 < n <= 8 <= stop - at:
        word = (_eight(at) ^ _ZEROS) << np.uint64(64 - 8 * n)
        word = (word * np.uint64(10) + (word >> np.uint64(8))) & _TWOS
        word = (word * np.uint64(100) + (word >> np.uint64(16))) & _FOURS
        word = (word * np.uint64(10_000) + (word >> np.uint64(32))) & _EIGHTS
        return int(np.int64(word)), n  # two kinds of integers would make a double
    for k in range(n):
        value = value * 10 + _digit(at + k)
    return value, n


@njit(cache=True, nogil=True, inline="always")
def _number(at: int, stop: int) -> tuple[float, int]:  # pragma: no cover - compiled
    """Return a number such as -12.345 and where it ends; NaN where it is not plain."""
    minus = _byte(at) == _MINUS
    at += minus
    digits, n = _digits(at, stop)
    at += n
    places = 0
    if n > 0 and _byte(at) == _POINT:
        behind, places = _digits(at + 1, stop)
        at += 1 + places
        n = n + places if places > 0 else 0
        if n <= 18:
            digits = digits * _TEN_INTS[places] + behind
    if n == 0 or n > 18:
        return np.nan, at
    value = _quotient(digits, places)
    return (-value if minus else value), at


@njit(cache=True, nogil=True, inline="always")
def _zone(at: int, stop: int) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return seconds ahead of UTC, where that ends, and `OFFSET`, `NO_ZONE` or `NEITHER`."""
    if _byte(at) == _Z:
        return 0, at + 1, OFFSET
    if _byte(at) != _PLUS and _byte(at) != _MINUS:
        return 0, at, NO_ZONE
    if stop - at < 7 or _byte(at + 3) != _COLON:
        return 0, at, NEITHER
    hours, minutes = _pair(at + 1), _pair(at + 4)
    if not (0 <= hours < 15 and 0 <= minutes < 60):
        return 0, at, NEITHER
    ahead = hours * 3600 + minutes * 60
    return (-ahead if _byte(at) == _MINUS else ahead), at + 6, OFFSET


@njit(cache=True, nogil=True, inline="always")
def _days(at: int) -> int:  # pragma: no cover - compiled
    """Return days since 1970 of a date such as 2026-11-30; below 0 where it is not plain."""
    year = _pair(at) * 100 + _pair(at + 2)
    month, day = _pair(at + 5), _pair(at + 8)
    mark = _byte(at + 4)
    if (mark != _MINUS and mark != _SLASH) or _byte(at + 7) != mark:
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
def _seconds(word: np.uint64) -> int:  # pragma: no cover - compiled
    """Return the seconds of a clock such as 08:00:00; below 0 where it is not plain."""
    word ^= _CLOCK
    if _above_9(word) != _NONE or word & _COLONS != _NONE:
        return -1
    word = word * np.uint64(10) + (word >> np.uint64(8))
    hour = np.int64(word & np.uint64(255))
    minute = np.int64((word >> np.uint64(24)) & np.uint64(255))
    second = np.int64((word >> np.uint64(48)) & np.uint64(255))
    if hour > 23 or minute > 59 or second > 59:
        return -1
    return int((hour * 60 + minute) * 60 + second)


@njit(cache=True, nogil=True, inline="always")
def _time(at: int, stop: int, days: int) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return microseconds since 1970, where the time ends, and what zone it names.

    `days` are those of its date, see `_days`.
    """
    seconds = _seconds(_eight(at + 11))
    if days < 0 or seconds < 0 or (_byte(at + 10) != _T and _byte(at + 10) != _BLANK):
        return 0, at, NEITHER
    at += 19
    micro = 0
    if _byte(at) == _POINT:
        micro, n = _digits(at + 1, stop)
        at += 1 + n
        if not 1 <= n <= 6:
            return 0, at, NEITHER
        micro *= _TEN_INTS[6 - n]
    ahead, at, zone = _zone(at, stop)
    return (days * 86_400 + seconds - ahead) * 1_000_000 + micro, at, zone


@njit(cache=True, nogil=True, inline="always")
def _is_end(byte: int, delimiter: int, quoted: bool) -> bool:  # pragma: no cover - compiled
    """Say whether a value ends with a byte, whole or not."""
    if quoted:
        return byte in (_QUOTE, _NEWLINE)
    return byte in (delimiter, _NEWLINE, _RETURN)


@njit(cache=True, nogil=True, inline="always")
def _end(at: int, delimiter: int, quoted: bool) -> int:  # pragma: no cover - compiled
    """Return where a value ends."""
    while not _is_end(_byte(at), delimiter, quoted):
        at += 1
    return at


@njit(cache=True, nogil=True, inline="always")
def _end_of_same(
    at: int, stop: int, delimiter: int, quoted: bool, name: int, n: int
) -> int:  # pragma: no cover - compiled
    """Return where a value ends; -1 where it is not the `n` bytes at `name`, quoted as that was."""
    if n >= stop - at or not _is_end(_byte(at + n), delimiter, quoted):
        return -1
    for k in range(n):
        if _byte(at + k) != _byte(name + k):
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
    """Append the fixes of whole lines but for `device`, of which `runs` tells.

    `layout` says what each value of a row is, from `OTHER` to `HEIGHT`; `row_no` is the first row's
    number. Returns how many fixes there are in `to`, -1 where a row is not plain; the number of
    runs; and whether times name an `OFFSET` or `NO_ZONE`. In one piece, as parts that return from
    several places made each row a fifth dearer.
    """
    _, time, lon, lat, height, numbers = to
    names, ends, firsts = runs
    # Parts are handed an address: an array would be counted as used, call by call.
    first = int(np.intp(text.ctypes.data))
    at, stop = first, first + len(text)
    n_runs, run_quoted, zone = 0, False, NEITHER
    date, day, days = _NONE, _NONE, -1
    while at < stop:
        for k in range(len(layout)):
            what, quoted = layout[k], _byte(at) == _QUOTE
            at += quoted
            if what == OTHER:
                at = _end(at, delimiter, quoted)
            elif what == DEVICE:
                end = -1
                if n_runs > 0 and quoted == run_quoted:
                    begin, last = ends[n_runs - 1], ends[n_runs]
                    name = int(np.intp(names.ctypes.data)) + begin
                    end = _end_of_same(at, stop, delimiter, quoted, name, last - begin)
                if end < 0:
                    end = _end(at, delimiter, quoted)
                    begin, last = ends[n_runs], ends[n_runs] + end - at
                    names[begin:last] = text[at - first : end - first]
                    firsts[n_runs] = used
                    n_runs += 1
                    ends[n_runs], run_quoted = last, quoted
                at = end
            elif what == TIME:
                if stop - at < SHORTEST - 4:
                    return -1, 0, zone
                word, more = _eight(at), _eight(at + 8) & _TWO_BYTES
                if word != date or more != day:  # as few rows have another date than the last
                    date, day, days = word, more, _days(at)
                time[used], at, named = _time(at, stop, days)
                if named == NEITHER or (zone != NEITHER and named != zone):
                    return -1, 0, zone
                zone = named
            elif what == LON:
                lon[used], at = _number(at, stop)
            elif what == LAT:
                lat[used], at = _number(at, stop)
            elif _is_end(_byte(at), delimiter, quoted):
                height[used] = np.nan
            else:
                height[used], at = _number(at, stop)
                if np.isnan(height[used]):
                    return -1, 0, zone
            if quoted:
                if _byte(at) != _QUOTE:
                    return -1, 0, zone
                at += 1
            if k < len(layout) - 1:
                if _byte(at) != delimiter:
                    return -1, 0, zone
                at += 1
        at += _byte(at) == _RETURN
        if _byte(at) != _NEWLINE or not _is_somewhere(lon[used], lat[used]):
            return -1, 0, zone
        at += 1
        numbers[used] = row_no
        row_no += 1
        used += 1
    return used, n_runs, zone
