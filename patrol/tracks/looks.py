"""Looks: which cells were seen, when and in which hours of the week, by track or camera."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from numba import njit
from numpy.typing import NDArray

from geo.lattice.frame import Frame
from geo.lattice.lattice import Lattice, cell_polygons
from patrol.tracks.sight import Sight, hidden, make_sight

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

HOURS_OF_WEEK = 168
_HOUR_US = 3_600_000_000
SIGHT_M = {"foot": 40.0, "vehicle": 30.0}
LEAST_SHARE = 0.25
STEP_M = 10.0  # where walls stand a leg is looked along from places so far apart


def hour_of_week(hours: Longs, zone: ZoneInfo) -> Longs:
    """Return the local hour of the week, Monday 0 h is 0, of whole hours since 1970, ``(n,)``.

    Examples
    --------
    >>> hour_of_week(np.array([0]), ZoneInfo("Asia/Shanghai")).tolist()  # Thursday, 8 h
    [80]
    """
    known, back = np.unique(hours, return_inverse=True)
    local = [datetime.fromtimestamp(int(h) * 3600, UTC).astimezone(zone) for h in known]
    found = np.array([at.weekday() * 24 + at.hour for at in local], dtype=np.int64)
    return found[back.reshape(-1)] if len(known) else np.empty(0, np.int64)


def looks_along(
    frame: Frame, time_us: Longs, x: Floats, y: Floats, segment: Longs, sight_m: Floats,
    zone: ZoneInfo, *, sight: Sight | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Find the cells whose open ground was seen from a track, and when last.

    Parameters
    ----------
    time_us, x, y, segment
        Fixes by time within each segment, ``(n,)``; thinned ones will do.
    sight_m
        How far is seen at each fix, ``(n,)``; a leg sees as far as the shorter of its ends.
    zone
        Of the hours of the week.
    sight
        The walls that cut sight, of the same frame; None: the ground is taken for flat and open,
        and sight for a circle. With walls a leg is looked along from places `STEP_M` apart.

    Returns
    -------
    DataFrame
        One row a seen cell of the frame: ``i``, ``j``, ``last_us`` and ``by_hour``, ``(168,)``
        whole hours since 1970, 0 where not seen.
    """
    empty = pd.DataFrame({"i": [], "j": [], "last_us": [], "by_hour": []})
    if len(time_us) < 2:
        return empty
    place = sight if sight is not None else make_sight(frame, None)
    first = int(time_us.min() // _HOUR_US)
    of_week = hour_of_week(np.arange(first, int(time_us.max() // _HOUR_US) + 1), zone)
    # Room for the cells that are seen grows when they are known to be more.
    number, room = np.full(frame.n_frame, -1, np.int32), 1024
    last, by_hour = np.zeros(room, np.int64), np.zeros((room, HOURS_OF_WEEK), np.int32)
    n, begin = 0, 1
    while True:
        n, begin = _look(
            time_us, x, y, segment, sight_m, begin, frame.x0, frame.y0, frame.cell_size_m,
            frame.n_columns, frame.n_rows, place.x, place.y, place.open, place.edges, place.ptr,
            place.items, place.bucket_frame, place.bucket_shape, number, n, first,
            of_week, last, by_hour,
        )  # fmt: skip
        if begin == len(time_us):
            break
        last = np.concatenate([last, np.zeros_like(last)])
        by_hour = np.concatenate([by_hour, np.zeros_like(by_hour)])
    cells = np.flatnonzero(number >= 0)
    row, column = np.divmod(cells[np.argsort(number[cells])], frame.n_columns)
    return pd.DataFrame(
        {
            "i": column + round(frame.x0 / frame.cell_size_m),
            "j": row + round(frame.y0 / frame.cell_size_m),
            "last_us": last[:n],
            "by_hour": pd.Series(list(by_hour[:n]), dtype=object),
        }
    )


def looks_of_views(
    lattice: Lattice, views: NDArray[np.object_], looked_us: Longs, seconds: Floats,
    zone: ZoneInfo, *, least_share: float = LEAST_SHARE,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Find the cells that looks at cameras saw, and share each look's time among them.

    Parameters
    ----------
    views
        What each look's camera sees, metric polygons, ``(n_looks,)``.
    looked_us, seconds
        When, and for how long a watcher's eye was on it, ``(n_looks,)``.
    least_share
        Share of a cell's ground that must be in view for the cell to count as seen.

    Returns
    -------
    tuple
        Looks as `looks_along` gives them, and effort by ``hour`` (whole hours since 1970),
        ``i``, ``j``, ``seconds``, ``visits``: each look's seconds over all cells in its view by
        area, so that their sum is the time that was watched.
    """
    cells = cell_polygons(lattice)
    pair_view, pair_cell = shapely.STRtree(cells).query(views, predicate="intersects")
    area = shapely.area(shapely.intersection(views[pair_view], cells[pair_cell]))
    pair_view, pair_cell, area = (part[area > 0] for part in (pair_view, pair_cell, area))
    whole = np.bincount(pair_view, area, len(views))
    hour = looked_us // _HOUR_US
    row, column = np.divmod(lattice.cells[pair_cell], lattice.n_columns)
    size = lattice.cell_size_m
    table = pd.DataFrame(
        {
            "hour": hour[pair_view],
            "i": column + round(lattice.x0 / size),
            "j": row + round(lattice.y0 / size),
            "seconds": seconds[pair_view] * area / np.maximum(whole[pair_view], 1e-9),
            "visits": 1,
            "at": looked_us[pair_view],
            "share": area / (size * size * lattice.share[pair_cell]),
        }
    )
    effort = table.groupby(["hour", "i", "j"], as_index=False)[["seconds", "visits"]].sum()
    return _gather(table[table["share"] >= least_share], zone), effort


def join_looks(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the later of the looks of several tables for each cell."""
    full = [part for part in parts if len(part)]
    if not full:
        return pd.DataFrame({"i": [], "j": [], "last_us": [], "by_hour": []})
    every = pd.concat(full, ignore_index=True)
    i, j = (every[name].to_numpy(dtype=np.int64) for name in ("i", "j"))
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    first = np.flatnonzero(np.concatenate([[True], (np.diff(i) != 0) | (np.diff(j) != 0)]))
    hours = np.stack(every["by_hour"].to_list())[order]
    last = every["last_us"].to_numpy(dtype=np.int64)[order]
    return pd.DataFrame(
        {
            "i": i[first], "j": j[first], "last_us": np.maximum.reduceat(last, first),
            "by_hour": pd.Series(list(np.maximum.reduceat(hours, first, axis=0)), dtype=object),
        }
    )  # fmt: skip


def _gather(seen: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    keys, inverse = np.unique(
        seen[["i", "j"]].to_numpy(dtype=np.int64), axis=0, return_inverse=True
    )
    inverse = inverse.reshape(-1)
    by_hour = np.zeros((len(keys), HOURS_OF_WEEK), np.int32)
    hours = seen["hour"].to_numpy(dtype=np.int64)
    np.maximum.at(by_hour, (inverse, hour_of_week(hours, zone)), hours.astype(np.int32))
    last = np.zeros(len(keys), np.int64)
    np.maximum.at(last, inverse, seen["at"].to_numpy(dtype=np.int64))
    return pd.DataFrame(
        {"i": keys[:, 0], "j": keys[:, 1], "last_us": last,
         "by_hour": pd.Series(list(by_hour), dtype=object)}
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _look(
    time: Longs, x: Floats, y: Floats, segment: Longs, reach: Floats, begin: int, x0: float,
    y0: float, size: float, n_columns: int, n_rows: int, place_x: Floats, place_y: Floats,
    free: Flags, edges: Floats, ptr: Longs, items: Longs, bucket_frame: Floats,
    bucket_shape: Longs, number: Ints, n: int, first: int, of_week: Longs, last: Longs,
    by_hour: Ints,
) -> tuple[int, int]:  # fmt: skip  # pragma: no cover - compiled
    """Note when each cell was seen: from when its place came within sight to when it left it.

    Cells get numbers in the order in which they are seen. Stops before a leg when there may be no
    room for its cells; returns how many have a number, and that leg.
    """
    for k in range(begin, len(time)):
        if segment[k] != segment[k - 1]:
            continue
        r = min(reach[k - 1], reach[k])
        ax, ay = x[k - 1], y[k - 1]
        dx, dy = x[k] - ax, y[k] - ay
        length = dx * dx + dy * dy
        # A cell's place lies within the cell: cells that sight touches are enough.
        c0 = max(int(np.floor((min(ax, x[k]) - r - x0) / size)), 0)
        c1 = min(int(np.floor((max(ax, x[k]) + r - x0) / size)), n_columns - 1)
        r0 = max(int(np.floor((min(ay, y[k]) - r - y0) / size)), 0)
        r1 = min(int(np.floor((max(ay, y[k]) + r - y0) / size)), n_rows - 1)
        most = n + max(r1 - r0 + 1, 0) * max(c1 - c0 + 1, 0)
        if most > len(last) and len(last) < n_columns * n_rows:
            return n, k
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                cell = row * n_columns + column
                cx, cy = place_x[cell], place_y[cell]
                u = 0.0 if length == 0 else ((cx - ax) * dx + (cy - ay) * dy) / length
                near = min(max(u, 0.0), 1.0)
                far = (cx - ax - near * dx) ** 2 + (cy - ay - near * dy) ** 2
                if far > r * r:
                    continue
                since, until = 0.0, 1.0
                if length > 0:
                    side = far if near == u else (cx - ax - u * dx) ** 2 + (cy - ay - u * dy) ** 2
                    half = np.sqrt(max(r * r - side, 0.0) / length)
                    since, until = min(max(u - half, 0.0), near), max(min(u + half, 1.0), near)
                if free[cell] and bucket_shape[0] > 0:
                    since, until = _open_stretch(
                        ax, ay, dx, dy, since, until, cx, cy, edges, ptr, items, bucket_frame,
                        bucket_shape,
                    )  # fmt: skip
                    if since > until:
                        continue
                if number[cell] < 0:
                    number[cell] = n
                    n += 1
                at = number[cell]
                span = time[k] - time[k - 1]
                seen = time[k - 1] + int(until * span)
                last[at] = max(last[at], seen)
                for hour in range((time[k - 1] + int(since * span)) // _HOUR_US,
                                  seen // _HOUR_US + 1):  # fmt: skip
                    week = of_week[hour - first]
                    by_hour[at, week] = max(by_hour[at, week], hour)
    return n, len(time)


@njit(cache=True, nogil=True)
def _open_stretch(
    ax: float, ay: float, dx: float, dy: float, since: float, until: float, cx: float, cy: float,
    edges: Floats, ptr: Longs, items: Longs, frame: Floats, shape: Longs,
) -> tuple[float, float]:  # fmt: skip  # pragma: no cover - compiled
    """Return the first and the last place of a stretch of a leg that no wall hides; 1, 0: none."""
    steps = max(int(np.ceil((until - since) * np.hypot(dx, dy) / STEP_M)), 1)
    first, last = steps + 1, -1
    for s in range(steps + 1):
        u = since + (until - since) * s / steps
        if not hidden(ax + u * dx, ay + u * dy, cx, cy, edges, ptr, items, frame, shape):
            first = s
            break
    for s in range(steps, first - 1, -1):
        u = since + (until - since) * s / steps
        if not hidden(ax + u * dx, ay + u * dy, cx, cy, edges, ptr, items, frame, shape):
            last = s
            break
    if last < 0:
        return 1.0, 0.0
    return since + (until - since) * first / steps, since + (until - since) * last / steps
