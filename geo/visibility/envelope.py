"""The nearest walls around a point, exactly: the envelope of segments in polar coordinates.

Seen from the origin the line ``p x + q y = 1`` lies at ``1 / r = p cos(t) + q sin(t)``. Of two
walls the one with the greater value hides the other, and they change places at most once where
their directions overlap. So walls may cross, touch and overlap: envelopes of single walls are
merged two by two until one is left, O(n log n) in all.

References
----------
Sharir, M., Agarwal, P. K. (1995). Davenport-Schinzel sequences and their geometric applications.
Cambridge University Press, chapter 6 (envelopes of segments by divide and conquer).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])

_compiled: Callable[[F], F] = njit(cache=True, nogil=True)

TURN = 2.0 * math.pi
_THIN = 1e-10  # directions closer than this are one
_GROUND = 1e-9  # walls nearer than this to the line of sight have no width


@_compiled
def find_walls(
    x: float,
    y: float,
    reach: float,
    edges: Floats,
    first: Longs,
    ptr: Longs,
    items: Longs,
    frame: Floats,
    shape: Longs,
    found: Longs,
) -> int:
    """Write the edges of the buckets within reach into `found` and return how many."""
    count = 0
    size = frame[2]
    columns, rows = shape[0], shape[1]
    if columns == 0:
        return 0
    c0 = max(0, math.floor((x - reach - frame[0]) / size))
    c1 = min(columns - 1, math.floor((x + reach - frame[0]) / size))
    r0 = max(0, math.floor((y - reach - frame[1]) / size))
    r1 = min(rows - 1, math.floor((y + reach - frame[1]) / size))
    for row in range(r0, r1 + 1):
        for column in range(c0, c1 + 1):
            at = row * columns + column
            for k in range(ptr[at], ptr[at + 1]):
                edge = items[k]
                if column == max(c0, first[edge, 0]) and row == max(r0, first[edge, 1]):
                    found[count] = edge
                    count += 1
    return count


@_compiled
def clip_to_disc(ax: float, ay: float, bx: float, by: float, reach: float, out: Floats) -> bool:
    """Write the part of a segment within the disc around the origin; say if there is one."""
    dx, dy = bx - ax, by - ay
    a = dx * dx + dy * dy
    if a == 0.0:
        return False
    b = ax * dx + ay * dy
    c = ax * ax + ay * ay - reach * reach
    inside = b * b - a * c
    if inside <= 0.0:
        return False
    root = math.sqrt(inside)
    t0, t1 = max(0.0, (-b - root) / a), min(1.0, (-b + root) / a)
    if t1 <= t0:
        return False
    out[0], out[1] = ax + t0 * dx, ay + t0 * dy
    out[2], out[3] = ax + t1 * dx, ay + t1 * dy
    return True


@_compiled
def single_walls(
    n: int, segments: Floats, start: float, width: float, pieces: Floats, ends: Longs
) -> int:
    """Write each segment as pieces over directions within the look; return how many.

    A piece is (from, to, p, q), its directions counted from `start` and within 0 .. `width`;
    `ends` receives the end of each piece's run, of one piece.
    """
    count = 0
    for i in range(n):
        ax, ay, bx, by = segments[i]
        cross = ax * by - ay * bx
        if abs(cross) < _GROUND:
            continue
        if cross < 0.0:
            ax, ay, bx, by = bx, by, ax, ay
            cross = -cross
        # The line through a and b: p = (by - ay) / cross, q = (ax - bx) / cross.
        p, q = (by - ay) / cross, (ax - bx) / cross
        low = (math.atan2(ay, ax) - start) % TURN
        span = (math.atan2(by, bx) - start) % TURN - low
        if span < 0.0:
            span += TURN
        for turn in range(2):
            t0, t1 = max(0.0, low - turn * TURN), min(width, low + span - turn * TURN)
            if t1 - t0 > _THIN:
                pieces[count, 0], pieces[count, 1] = t0, t1
                pieces[count, 2], pieces[count, 3] = p, q
                ends[count] = count + 1
                count += 1
    return count


@_compiled
def _emit(out: Floats, count: int, base: int, t0: float, t1: float, p: float, q: float) -> int:
    if t1 - t0 <= _THIN:
        return count
    last = count - 1
    same = count > base and out[last, 2] == p and out[last, 3] == q
    if same and t0 - out[last, 1] <= _THIN:
        out[last, 1] = t1
        return count
    out[count, 0], out[count, 1], out[count, 2], out[count, 3] = t0, t1, p, q
    return count + 1


@_compiled
def _merge(
    a: Floats, i: int, i_end: int, j: int, j_end: int, start: float, out: Floats, count: int
) -> int:
    """Merge two envelopes that stand in `a` into `out` from `count` on; return the new count."""
    base = count
    at = 0.0
    while i < i_end or j < j_end:
        if i < i_end and a[i, 1] <= at + _THIN:
            i += 1
            continue
        if j < j_end and a[j, 1] <= at + _THIN:
            j += 1
            continue
        from_i = max(a[i, 0], at) if i < i_end else math.inf
        from_j = max(a[j, 0], at) if j < j_end else math.inf
        t0 = min(from_i, from_j)
        if from_i > t0 + _THIN:  # the other alone
            t1 = min(a[j, 1], from_i)
            count = _emit(out, count, base, t0, t1, a[j, 2], a[j, 3])
        elif from_j > t0 + _THIN:
            t1 = min(a[i, 1], from_j)
            count = _emit(out, count, base, t0, t1, a[i, 2], a[i, 3])
        else:
            t0 = max(from_i, from_j)
            t1 = min(a[i, 1], a[j, 1])
            dp, dq = a[i, 2] - a[j, 2], a[i, 3] - a[j, 3]
            c0, s0 = math.cos(t0 + start), math.sin(t0 + start)
            c1, s1 = math.cos(t1 + start), math.sin(t1 + start)
            d0, d1 = dp * c0 + dq * s0, dp * c1 + dq * s1
            near = i if d0 + d1 >= 0.0 else j
            if d0 * d1 < 0.0:
                # The difference is d0 cos(u) + d0' sin(u) at u past t0: one zero in half a turn.
                cut = t0 + math.atan2(d0, dp * s0 - dq * c0) % math.pi
                cut = min(max(cut, t0), t1)
                one, two = (i, j) if d0 > 0.0 else (j, i)
                count = _emit(out, count, base, t0, cut, a[one, 2], a[one, 3])
                count = _emit(out, count, base, cut, t1, a[two, 2], a[two, 3])
            else:
                count = _emit(out, count, base, t0, t1, a[near, 2], a[near, 3])
        at = t1
    return count


@_compiled
def merge_all(pieces: Floats, other: Floats, ends: Longs, n_runs: int, start: float) -> int:
    """Merge runs of pieces two by two; the envelope ends in ``pieces``; return its length."""
    source, target, flipped = pieces, other, False
    while n_runs > 1:
        count, runs, begin, k = 0, 0, 0, 0
        while k < n_runs:
            middle = ends[k]
            if k + 1 < n_runs:
                end = ends[k + 1]
                count = _merge(source, begin, middle, middle, end, start, target, count)
            else:
                end = middle
                for i in range(begin, end):
                    target[count] = source[i]
                    count += 1
            ends[runs] = count
            runs += 1
            begin = end
            k += 2
        n_runs = runs
        source, target, flipped = target, source, not flipped
    length = ends[0] if n_runs else 0
    if flipped:
        pieces[:length] = source[:length]
    return length
