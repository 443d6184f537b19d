"""Walk tracks from border to border into stays, and add stays up: the innermost loops of effort."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.tracks.effort_ground import PARTS

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

HOUR_US = 3_600_000_000
# The walk hands no array to its parts: each would be counted as used again, leg by leg.
ROOM = 4096  # stays that one leg may make before the buffer is looked at again
_BITS = 8  # of a digit: 256 places are written to at once, which a processor's caches hold
_BUCKET = 1 << 14  # stays that are put in order together, within the second cache


class Net(NamedTuple):
    """Measures of the squares, see `EffortGround`; `scale` is squares a metre."""

    x0: float
    y0: float
    scale: float
    n_columns: int
    n_rows: int
    n_slots: int


class Stays(NamedTuple):
    """Room for stays, each ``(n_room,)``.

    A stay's key is ``hour * n_slots + slot``; `since` and `spent` are microseconds, `came`
    whether its cell was entered. `since` has no room where nobody asks for it.
    """

    keys: Longs
    since: Longs
    spent: Longs
    came: Ints


@njit(cache=True, nogil=True, inline="always")
def _part(a: float, b: float) -> int:  # pragma: no cover - compiled
    """Return the part of a crossed cell at `a`, `b`, each from 0 to 1 within the cell."""
    column, row = int(a * PARTS), int(b * PARTS)
    return min(max(row, 0), PARTS - 1) * PARTS + min(max(column, 0), PARTS - 1)


@njit(cache=True, nogil=True, inline="always")
def _border(position: float, square: int, way: float) -> float:  # pragma: no cover - compiled
    """Return at which share of a leg it leaves a square along one axis."""
    return np.inf if way == 0 else ((square + (way > 0)) - position) / way


@njit(cache=True, nogil=True, inline="always")
def _instant(
    v: float, next_h: float, t0: int, t1: int, full: int
) -> int:  # pragma: no cover - compiled
    """Return when the share `v` of a leg is done; `next_h` ends at the full hour to the second."""
    return t1 if v >= 1.0 else (full if v == next_h else t0 + int(v * (t1 - t0)))


@njit(cache=True, nogil=True)
def walk(
    time: Longs, x: Floats, y: Floats, segment: Longs, begin: int, last: int,
    net: Net, slots: Ints, parts: Ints, to: Stays, used: int,
) -> tuple[int, int, int, int]:  # fmt: skip  # pragma: no cover - compiled
    """Append a stay for each stretch of time in one slot and hour (Amanatides and Woo 1987).

    Each leg goes from border to border and full hour to full hour. Stays go on over legs, so that
    a slow walk makes few. Stops before a leg when the buffer is nearly full; returns where, the
    last cell, the number of stays, and the microseconds outside of the frame.
    """
    keys, since, spent, came = to
    x0, y0, scale, n_columns, n_rows, n_slots = net
    outside, limit, hour, n = 0, len(keys) - ROOM, 0, begin
    keeps_since = len(since) > 0
    starts, goes_on = True, False  # the leg's beginning is not known, the last stay is not gone on
    qx, qy, end_column, end_row = 0.0, 0.0, 0, 0
    while n < len(time):
        if n == 0 or segment[n] != segment[n - 1]:
            last, starts, goes_on = -1, True, False
            n += 1
            continue
        if used > limit:
            break
        if starts:
            qx, qy, starts = (x[n - 1] - x0) * scale, (y[n - 1] - y0) * scale, False
            end_column, end_row = int(np.floor(qx)), int(np.floor(qy))
        px, py, column, row = qx, qy, end_column, end_row
        qx, qy = (x[n] - x0) * scale, (y[n] - y0) * scale
        end_column, end_row = int(np.floor(qx)), int(np.floor(qy))
        t0, t1, dx, dy = time[n - 1], time[n], qx - px, qy - py
        if not hour * HOUR_US <= t0 < (hour + 1) * HOUR_US:
            hour = t0 // HOUR_US
        full = (hour + 1) * HOUR_US
        next_x = _border(px, column, dx) if column != end_column else np.inf
        next_y = _border(py, row, dy) if row != end_row else np.inf
        next_h = (full - t0) / (t1 - t0) if t1 > full else np.inf
        u, at = 0.0, t0
        while u < 1.0:
            v = min(next_x, next_y, next_h, 1.0)
            if v > u:
                until = _instant(v, next_h, t0, t1, full)
                if 0 <= column < n_columns and 0 <= row < n_rows:
                    cell = row * n_columns + column
                    slot = slots[cell]
                    if slot < 0:
                        middle = (u + v) * 0.5
                        part = _part(px + middle * dx - column, py + middle * dy - row)
                        slot = parts[-1 - slot, part]
                    key = hour * n_slots + slot
                    if goes_on and keys[used - 1] == key:
                        spent[used - 1] += until - at
                    else:
                        if used == len(keys):
                            raise MemoryError("a leg crosses too many cells")
                        keys[used], spent[used] = key, until - at
                        if keeps_since:
                            since[used] = at
                        came[used] = 1 if cell != last else 0
                        used += 1
                    last, goes_on = cell, True
                else:
                    outside += until - at
                    last, goes_on = -1, False
                u, at = v, until
            if v >= 1.0:
                break
            if v == next_x:
                column += 1 if dx > 0 else -1
                next_x = _border(px, column, dx)
            if v == next_y:
                row += 1 if dy > 0 else -1
                next_y = _border(py, row, dy)
            if v == next_h:
                hour, full = hour + 1, full + HOUR_US
                next_h = (full - t0) / (t1 - t0)
        n += 1
    return n, last, used, outside


@njit(cache=True, nogil=True)
def _sort_by_digit(
    source: Stays, begin: int, end: int, target: Stays, first: int, base: int, shift: int,
    place: Longs,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Put stays from `begin` to `end` in order of one digit, as they come where it is equal.

    The first of them is `first` of the target. `place` has one entry a digit, and one more;
    afterwards entry d says where digit d ends.
    """
    keys, spent, came = source.keys, source.spent, source.came
    to_keys, to_spent, to_came = target.keys, target.spent, target.came
    mask = len(place) - 2
    place[:] = 0
    for m in range(begin, end):
        place[(((keys[m] - base) >> shift) & mask) + 1] += 1
    place[0] = first
    for d in range(1, len(place)):
        place[d] += place[d - 1]
    for m in range(begin, end):
        digit = ((keys[m] - base) >> shift) & mask
        to = place[digit]
        to_keys[to], to_spent[to], to_came[to] = keys[m], spent[m], came[m]
        place[digit] = to + 1


@njit(cache=True, nogil=True)
def _merge(
    stays: Stays, begin: int, end: int, into: Stays, out: int
) -> int:  # pragma: no cover - compiled
    """Append stays that are in order, those of one key as one; return how many there are."""
    keys, spent, came = stays.keys, stays.spent, stays.came
    to_keys, to_spent, to_came = into.keys, into.spent, into.came
    first = out
    for m in range(begin, end):
        if out > first and to_keys[out - 1] == keys[m]:
            to_spent[out - 1] += spent[m]
            to_came[out - 1] += came[m]
        else:
            to_keys[out], to_spent[out], to_came[out] = keys[m], spent[m], came[m]
            out += 1
    return out


@njit(cache=True, nogil=True)
def _first_digit(keys: Longs, n: int) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return the smallest key, and the bits of the first digit of the rest and of those behind."""
    base, last = keys[:n].min(), keys[:n].max()
    width, bits = 0, 1
    while (last - base) >> width:
        width += 1
    while n >> bits > _BUCKET and bits < width:
        bits += 1
    return base, bits, max(width - bits, 0)


@njit(cache=True, nogil=True)
def add_up(stays: Stays, n: int, to: Stays) -> int:  # pragma: no cover - compiled
    """Write the keys of the first `n` stays in order, with the sums of each; return how many.

    A radix sort (Knuth 1998, 5.2.5): once by the first digit into buckets, then each bucket, which
    stays in the cache, from its last digit on. `since` is left out.
    """
    if n == 0:
        return 0
    base, bits, low = _first_digit(stays.keys, n)
    ends = np.zeros((1 << bits) + 1, np.int64)
    _sort_by_digit(stays, 0, n, to, 0, base, low, ends)
    largest = begin = 0
    for end in ends[:-1]:
        largest, begin = max(largest, end - begin), end
    place, none = np.zeros((1 << _BITS) + 1, np.int64), np.empty(0, np.int64)
    beside = Stays(
        np.empty(largest, np.int64), none, np.empty(largest, np.int64), np.empty(largest, np.int32)
    )  # fmt: skip
    begin = out = 0
    for end in ends[:-1]:
        is_beside, shift = False, 0
        while shift < low and end > begin:
            if is_beside:
                _sort_by_digit(beside, 0, end - begin, to, begin, base, shift, place)
            else:
                _sort_by_digit(to, begin, end, beside, 0, base, shift, place)
            is_beside = not is_beside
            shift += _BITS
        if is_beside:
            out = _merge(beside, 0, end - begin, to, out)
        else:
            out = _merge(to, begin, end, to, out)  # it never overtakes what it reads
        begin = end
    return out


class Spelled(NamedTuple):
    """Beginning of the hour (s since 1970), place and sums of rows of effort, each ``(n,)``."""

    at: Longs
    i: Ints
    j: Ints
    area: Longs
    seconds: Floats
    visits: Ints


@njit(cache=True, nogil=True)
def spell_out(
    sums: Stays, n: int, n_slots: int, i_of_slot: Longs, j_of_slot: Longs, area_of_slot: Longs,
    to: Spelled,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    """Write the first `n` sums but those that have neither time nor a visit; return how many."""
    keys, spent, came = sums.keys, sums.spent, sums.came
    at, i, j, area, seconds, visits = to
    out, hour = 0, 0
    for m in range(n):
        if spent[m] <= 0 and came[m] <= 0:
            continue
        slot = keys[m] - hour * n_slots
        if not 0 <= slot < n_slots:
            hour = keys[m] // n_slots
            slot = keys[m] - hour * n_slots
        at[out], i[out], j[out] = hour * 3600, i_of_slot[slot], j_of_slot[slot]
        area[out], visits[out] = area_of_slot[slot], came[m]
        seconds[out] = spent[m] * 1e-6
        out += 1
    return out


@njit(cache=True, nogil=True)
def leave_known(
    stays: Stays, n: int, known_key: Longs, known_since: Longs, known_spent: Longs
) -> None:  # pragma: no cover - compiled
    """Take from each stay the time that known stays of the same key cover, and the coming then.

    Parameters
    ----------
    known_key, known_since, known_spent
        By key and then by beginning, ``(n_known,)``; they may overlap.
    """
    for m in range(n):
        key = stays.keys[m]
        at = np.searchsorted(known_key, key)
        begin, end = stays.since[m], stays.since[m] + stays.spent[m]
        reached, free = begin, 0
        while at < len(known_key) and known_key[at] == key:
            a, b = known_since[at], known_since[at] + known_spent[at]
            if a <= begin < b:
                stays.came[m] = 0
            if a > reached:
                free += max(min(a, end) - reached, 0)
            reached = min(max(reached, b), end)
            at += 1
        stays.spent[m] = free + max(end - reached, 0)
