"""The kernels over all looks: envelopes of walls, outlines of views, points that are seen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from geo.visibility.envelope import (
    TURN,
    _compiled,
    clip_to_disc,
    find_walls,
    merge_all,
    single_walls,
)

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_NEEDLE = 1e-9  # a gap between walls narrower than this is rounding


@_compiled
def sweep_looks(
    looks: Floats,
    target: float,
    edges: Floats,
    height: Floats,
    first: Longs,
    ptr: Longs,
    items: Longs,
    frame: Floats,
    shape: Longs,
) -> tuple[Floats, Longs, Longs, Longs]:
    """Return for each look the envelope of its walls, and the low walls that it looks over.

    `looks` holds x, y, start, width, reach and height; `height` one value an edge. The results
    are pieces (from, to, p, q) with their CSR pointer, and edges with theirs.
    """
    n_looks, n_edges = len(looks), len(edges)
    found = np.empty(n_edges, dtype=np.int64)
    segments = np.empty((n_edges, 4))
    room = 256
    pieces, other = np.empty((8 * room + 16, 4)), np.empty((8 * room + 16, 4))
    ends = np.empty(2 * room + 2, dtype=np.int64)
    out, n_out = np.empty((16 * n_looks + 64, 4)), 0
    low, n_low = np.empty(n_looks + 64, dtype=np.int64), 0
    out_ptr, low_ptr = np.zeros(n_looks + 1, dtype=np.int64), np.zeros(n_looks + 1, dtype=np.int64)
    for k in range(n_looks):
        x, y, start, width, reach, eye = looks[k]
        n_found = find_walls(x, y, reach, edges, first, ptr, items, frame, shape, found)
        n = 0
        if n_low + n_found > len(low):
            low = np.concatenate((low, np.empty(len(low) + n_found, dtype=np.int64)))
        for i in range(n_found):
            edge = found[i]
            box = edges[edge]
            if not clip_to_disc(box[0] - x, box[1] - y, box[2] - x, box[3] - y, reach, segments[n]):
                continue
            if height[edge] < eye:  # false where either is unknown
                if height[edge] > target:
                    low[n_low] = edge
                    n_low += 1
                continue
            n += 1
        low_ptr[k + 1] = n_low
        if n > room:
            room = 2 * n
            pieces, other = np.empty((8 * room + 16, 4)), np.empty((8 * room + 16, 4))
            ends = np.empty(2 * room + 2, dtype=np.int64)
        runs = single_walls(n, segments, start, width, pieces, ends)
        length = merge_all(pieces, other, ends, runs, start)
        if n_out + length > len(out):
            out = np.concatenate((out, np.empty((len(out) + length, 4))))
        out[n_out : n_out + length] = pieces[:length]
        n_out += length
        out_ptr[k + 1] = n_out
    return out[:n_out], out_ptr, low[:n_low], low_ptr


@_compiled
def _arc(
    out: Floats, n: int, x: float, y: float, reach: float, t0: float, t1: float, step: float
) -> int:
    parts = max(1, math.ceil((t1 - t0) / step))
    for i in range(parts + 1):
        t = t0 + (t1 - t0) * i / parts
        out[n, 0], out[n, 1] = x + reach * math.cos(t), y + reach * math.sin(t)
        n += 1
    return n


@_compiled
def draw_outlines(looks: Floats, pieces: Floats, ptr: Longs, step: float) -> tuple[Floats, Longs]:
    """Return the outline of each view as points, with the view of each point.

    Arcs are drawn by chords of at most `step` radians.
    """
    n_looks = len(looks)
    arcs = int(TURN / step) + 3
    out = np.empty((4 * len(pieces) + n_looks * (arcs + 4) + len(pieces) * 2, 2))
    view = np.empty(len(out), dtype=np.int64)
    n = 0
    for k in range(n_looks):
        x, y, start, width, reach = looks[k, 0], looks[k, 1], looks[k, 2], looks[k, 3], looks[k, 4]
        before = n
        if reach <= 0.0:
            continue
        if width < TURN - _NEEDLE:
            out[n, 0], out[n, 1] = x, y
            n += 1
        at = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            t0, t1, p, q = pieces[i]
            if t0 - at > _NEEDLE:
                n = _arc(out, n, x, y, reach, start + at, start + t0, step)
            for t in (t0, t1):
                c, s = math.cos(t + start), math.sin(t + start)
                r = min(reach, 1.0 / max(p * c + q * s, 1.0 / reach))
                out[n, 0], out[n, 1] = x + r * c, y + r * s
                n += 1
            at = t1
        if width - at > _NEEDLE:
            n = _arc(out, n, x, y, reach, start + at, start + width, step)
        view[before:n] = k
    return out[:n], view[:n]


@_compiled
def _hidden_by_low(
    dx: float, dy: float, eye: float, target: float, x: float, y: float,
    edges: Floats, height: Floats, low: Longs, begin: int, end: int,
) -> bool:  # fmt: skip
    """Say whether the roof of a low building stands above the line to a point."""
    for i in range(begin, end):
        edge = low[i]
        ax, ay = edges[edge, 0] - x, edges[edge, 1] - y
        bx, by = edges[edge, 2] - x, edges[edge, 3] - y
        side_a, side_b = dx * ay - dy * ax, dx * by - dy * bx
        if (side_a > 0.0) == (side_b > 0.0):
            continue
        along = (ax * by - ay * bx) / (side_b - side_a)  # share of the way, at the wall
        if 0.0 < along < 1.0 and eye + (target - eye) * along < height[edge]:
            return True
    return False


@_compiled
def sight_points(
    looks: Floats, target: float, pieces: Floats, ptr: Longs,
    edges: Floats, height: Floats, low: Longs, low_ptr: Longs,
    px: Floats, py: Floats, point_ptr: Longs, frame: Floats, shape: Longs,
) -> tuple[Longs, Longs]:  # fmt: skip
    """Return CSR pointer and points of what each look sees.

    The points stand bucket by bucket, `point_ptr` says where each bucket begins.
    """
    n_looks = len(looks)
    out, n = np.empty(1024, dtype=np.int64), 0
    out_ptr = np.zeros(n_looks + 1, dtype=np.int64)
    columns, rows = shape[0], shape[1]
    size = frame[2]
    for k in range(n_looks):
        x, y, start, width, reach, eye = looks[k]
        c0 = max(0, math.floor((x - reach - frame[0]) / size))
        c1 = min(columns - 1, math.floor((x + reach - frame[0]) / size))
        r0 = max(0, math.floor((y - reach - frame[1]) / size))
        r1 = min(rows - 1, math.floor((y + reach - frame[1]) / size))
        for row in range(r0, r1 + 1):
            if c1 < c0:
                break
            begin, end = point_ptr[row * columns + c0], point_ptr[row * columns + c1 + 1]
            if n + end - begin > len(out):
                out = np.concatenate((out, np.empty(len(out) + end - begin, dtype=np.int64)))
            for point in range(begin, end):
                dx, dy = px[point] - x, py[point] - y
                if dx * dx + dy * dy > reach * reach:
                    continue
                t = (math.atan2(dy, dx) - start) % TURN
                if t > width:
                    continue
                a, b = ptr[k], ptr[k + 1]
                while a < b:  # the last piece that begins at t or before
                    middle = (a + b) // 2
                    if pieces[middle, 0] <= t:
                        a = middle + 1
                    else:
                        b = middle
                a -= 1
                walled = a >= ptr[k] and t <= pieces[a, 1]
                if walled and pieces[a, 2] * dx + pieces[a, 3] * dy > 1.0:
                    continue
                if low_ptr[k] < low_ptr[k + 1] and _hidden_by_low(
                    dx, dy, eye, target, x, y, edges, height, low, low_ptr[k], low_ptr[k + 1]
                ):
                    continue
                out[n] = point
                n += 1
        out_ptr[k + 1] = n
    return out_ptr, out[:n]
