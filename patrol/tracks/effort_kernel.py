"""Walk tracks from border to border into stays, and add stays up: the innermost loops of effort."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from patrol.tracks.effort_ground import PARTS

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

HOUR_US = 3_600_000_000
ROOM = 4096  # stays that one leg may make before the buffer is looked at again
_BITS = 11


@njit(cache=True, nogil=True)
def walk(
    time: Longs, x: Floats, y: Floats, segment: Longs, begin: int, last: int,
    x0: float, y0: float, size: float, n_columns: int, n_rows: int,
    slot_of_cell: Ints, parts: Ints, n_slots: int,
    keys: Longs, since: Longs, spent: Longs, came: Ints, used: int,
) -> tuple[int, int, int, int]:  # fmt: skip  # pragma: no cover - compiled
    """Append a stay for each stretch of time in one slot and hour (Amanatides and Woo 1987).

    A stay's key is ``hour * n_slots + slot``; `since` and `spent` are microseconds,
    `came` whether its cell was entered. Stays go on over legs, so that a slow walk makes few.
    Stops before a leg when the buffer is nearly full; returns where, the last cell, the number of
    stays, and the microseconds outside of the frame.
    """
    outside = 0
    limit = len(keys) - ROOM
    scale = 1.0 / size
    n = begin
    fresh = True  # the stay before may not be gone on with
    while n < len(time):
        if n == 0 or segment[n] != segment[n - 1]:
            last, fresh = -1, True
            n += 1
            continue
        if used > limit:
            break
        t0, t1 = time[n - 1], time[n]
        px, py = (x[n - 1] - x0) * scale, (y[n - 1] - y0) * scale
        qx, qy = (x[n] - x0) * scale, (y[n] - y0) * scale
        column, row = int(np.floor(px)), int(np.floor(py))
        hour = t0 // HOUR_US
        next_full = (hour + 1) * HOUR_US
        if (
            t1 <= next_full and column == int(np.floor(qx)) and row == int(np.floor(qy))
            and 0 <= column < n_columns and 0 <= row < n_rows
            and slot_of_cell[row * n_columns + column] >= 0
        ):  # fmt: skip
            cell = row * n_columns + column
            key = hour * n_slots + slot_of_cell[cell]
            if not fresh and keys[used - 1] == key:
                spent[used - 1] += t1 - t0
            else:
                keys[used], since[used], spent[used] = key, t0, t1 - t0
                came[used] = 1 if cell != last else 0
                used += 1
            last, fresh = cell, False
            n += 1
            continue
        dx, dy = qx - px, qy - py
        step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
        next_x = np.inf if dx == 0 else ((column + (dx > 0)) - px) / dx
        next_y = np.inf if dy == 0 else ((row + (dy > 0)) - py) / dy
        length = t1 - t0
        next_h = (next_full - t0) / length
        u, at = 0.0, t0
        while u < 1.0:
            v = min(next_x, next_y, next_h, 1.0)
            if v > u:
                until = t1 if v >= 1.0 else (next_full if v == next_h else t0 + int(v * length))
                if 0 <= column < n_columns and 0 <= row < n_rows:
                    cell = row * n_columns + column
                    slot = slot_of_cell[cell]
                    if slot < 0:
                        middle = (u + v) * 0.5
                        a = int((px + middle * dx - column) * PARTS)
                        b = int((py + middle * dy - row) * PARTS)
                        a, b = min(max(a, 0), PARTS - 1), min(max(b, 0), PARTS - 1)
                        slot = parts[-1 - slot, b * PARTS + a]
                    key = hour * n_slots + slot
                    if not fresh and keys[used - 1] == key:
                        spent[used - 1] += until - at
                    else:
                        if used == len(keys):
                            raise MemoryError("a leg crosses too many cells")
                        keys[used], since[used], spent[used] = key, at, until - at
                        came[used] = 1 if cell != last else 0
                        used += 1
                    last, fresh = cell, False
                else:
                    outside += until - at
                    last, fresh = -1, True
                u, at = v, until
            if v == next_x:
                column += step_x
                next_x = ((column + (dx > 0)) - px) / dx
            if v == next_y:
                row += step_y
                next_y = ((row + (dy > 0)) - py) / dy
            if v == next_h:
                hour += 1
                next_full += HOUR_US
                next_h = (next_full - t0) / length
            if v >= 1.0:
                break
        n += 1
    return n, last, used, outside


@njit(cache=True, nogil=True)
def add_up(
    keys: Longs, spent: Longs, came: Ints, n: int
) -> tuple[Longs, Longs, Ints]:  # pragma: no cover - compiled
    """Return the keys of the first `n` stays in order, with the sums of each.

    A radix sort, digit by digit from the last (Knuth 1998, 5.2.5): as many passes as the range of
    the keys needs.
    """
    k, s, c = keys[:n].copy(), spent[:n].copy(), came[:n].copy()
    k2, s2, c2 = np.empty_like(k), np.empty_like(s), np.empty_like(c)
    base = k.min() if n else 0
    most = k.max() - base if n else 0
    shift = 0
    place = np.zeros((1 << _BITS) + 1, np.int64)
    while n and (most >> shift) > 0:
        place[:] = 0
        for m in range(n):
            place[(((k[m] - base) >> shift) & ((1 << _BITS) - 1)) + 1] += 1
        for d in range(1, len(place)):
            place[d] += place[d - 1]
        for m in range(n):
            digit = ((k[m] - base) >> shift) & ((1 << _BITS) - 1)
            to = place[digit]
            k2[to], s2[to], c2[to] = k[m], s[m], c[m]
            place[digit] = to + 1
        k, k2 = k2, k
        s, s2 = s2, s
        c, c2 = c2, c
        shift += _BITS
    out = -1
    for m in range(n):
        if out < 0 or k[m] != k[out]:
            out += 1
            k[out], s[out], c[out] = k[m], s[m], c[m]
        else:
            s[out] += s[m]
            c[out] += c[m]
    return k[: out + 1].copy(), s[: out + 1].copy(), c[: out + 1].copy()


@njit(cache=True, nogil=True)
def leave_known(
    keys: Longs, since: Longs, spent: Longs, came: Ints, n: int, known_key: Longs,
    known_since: Longs, known_spent: Longs,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Take from each stay the time that known stays of the same key cover, and the coming then.

    Parameters
    ----------
    known_key, known_since, known_spent
        By key and then by beginning, ``(n_known,)``; they may overlap.
    """
    for m in range(n):
        at = np.searchsorted(known_key, keys[m])
        begin, end = since[m], since[m] + spent[m]
        reached, free = begin, 0
        while at < len(known_key) and known_key[at] == keys[m]:
            a, b = known_since[at], known_since[at] + known_spent[at]
            if a <= begin < b:
                came[m] = 0
            if a > reached:
                free += max(min(a, end) - reached, 0)
            reached = min(max(reached, b), end)
            at += 1
        spent[m] = free + max(end - reached, 0)
