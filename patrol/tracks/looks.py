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

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

HOURS_OF_WEEK = 168
_HOUR_US = 3_600_000_000
SIGHT_M = {"foot": 40.0, "vehicle": 30.0}
LEAST_SHARE = 0.25


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
    zone: ZoneInfo,
) -> pd.DataFrame:  # fmt: skip
    """Find the cells whose middle came within sight of a track, and when last.

    Parameters
    ----------
    time_us, x, y, segment
        Fixes by time within each segment, ``(n,)``; thinned ones will do.
    sight_m
        How far is seen at each fix, ``(n,)``; a leg sees as far as the shorter of its ends.
    zone
        Of the hours of the week.

    Returns
    -------
    DataFrame
        One row a seen cell of the frame: ``i``, ``j``, ``last_us`` and ``by_hour``, ``(168,)``
        whole hours since 1970, 0 where not seen. Walls are not known here: sight is a circle.
    """
    empty = pd.DataFrame({"i": [], "j": [], "last_us": [], "by_hour": []})
    if len(time_us) < 2:
        return empty
    first = int(time_us.min() // _HOUR_US)
    hours = np.arange(first, int(time_us.max() // _HOUR_US) + 1)
    of_week = hour_of_week(hours, zone)
    touched = np.zeros(frame.n_frame, np.int32)
    n = _touch(
        time_us, x, y, segment, sight_m, frame.x0, frame.y0, frame.cell_size_m,
        frame.n_columns, frame.n_rows, touched,
    )  # fmt: skip
    if n == 0:
        return empty
    by_hour = np.zeros((n, HOURS_OF_WEEK), np.int32)
    last = np.zeros(n, np.int64)
    _look(
        time_us, x, y, segment, sight_m, frame.x0, frame.y0, frame.cell_size_m,
        frame.n_columns, frame.n_rows, touched, first, of_week, last, by_hour,
    )  # fmt: skip
    cells = np.flatnonzero(touched)
    row, column = np.divmod(cells[np.argsort(touched[cells])], frame.n_columns)
    return pd.DataFrame(
        {
            "i": column + round(frame.x0 / frame.cell_size_m),
            "j": row + round(frame.y0 / frame.cell_size_m),
            "last_us": last,
            "by_hour": pd.Series(list(by_hour), dtype=object),
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


@njit(cache=True, nogil=True, inline="always")
def _nearest(
    cx: float, cy: float, ax: float, ay: float, dx: float, dy: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the squared distance of a point to a leg, and where on it (0 to 1) it is nearest."""
    length = dx * dx + dy * dy
    u = 0.0 if length == 0 else ((cx - ax) * dx + (cy - ay) * dy) / length
    u = min(max(u, 0.0), 1.0)
    return (cx - ax - u * dx) ** 2 + (cy - ay - u * dy) ** 2, u


@njit(cache=True, nogil=True)
def _touch(
    time: Longs, x: Floats, y: Floats, segment: Longs, sight: Floats, x0: float, y0: float,
    size: float, n_columns: int, n_rows: int, touched: Ints,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    """Give each seen cell its number, from 1 by when it is first seen; return how many."""
    n = 0
    for k in range(1, len(time)):
        if segment[k] != segment[k - 1]:
            continue
        r = min(sight[k - 1], sight[k])
        ax, ay = x[k - 1], y[k - 1]
        dx, dy = x[k] - ax, y[k] - ay
        c0 = max(int(np.floor((min(ax, x[k]) - r - x0) / size)), 0)
        c1 = min(int(np.floor((max(ax, x[k]) + r - x0) / size)), n_columns - 1)
        r0 = max(int(np.floor((min(ay, y[k]) - r - y0) / size)), 0)
        r1 = min(int(np.floor((max(ay, y[k]) + r - y0) / size)), n_rows - 1)
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                cell = row * n_columns + column
                if touched[cell] > 0:
                    continue
                far, _ = _nearest(
                    x0 + (column + 0.5) * size, y0 + (row + 0.5) * size, ax, ay, dx, dy
                )
                if far <= r * r:
                    n += 1
                    touched[cell] = n
    return n


@njit(cache=True, nogil=True)
def _look(
    time: Longs, x: Floats, y: Floats, segment: Longs, sight: Floats, x0: float, y0: float,
    size: float, n_columns: int, n_rows: int, touched: Ints, first: int, of_week: Longs,
    last: Longs, by_hour: NDArray[np.int32],
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Note when each seen cell was seen: from when it came within sight to when it left it."""
    for k in range(1, len(time)):
        if segment[k] != segment[k - 1]:
            continue
        r = min(sight[k - 1], sight[k])
        ax, ay = x[k - 1], y[k - 1]
        dx, dy = x[k] - ax, y[k] - ay
        length = dx * dx + dy * dy
        c0 = max(int(np.floor((min(ax, x[k]) - r - x0) / size)), 0)
        c1 = min(int(np.floor((max(ax, x[k]) + r - x0) / size)), n_columns - 1)
        r0 = max(int(np.floor((min(ay, y[k]) - r - y0) / size)), 0)
        r1 = min(int(np.floor((max(ay, y[k]) + r - y0) / size)), n_rows - 1)
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                cx, cy = x0 + (column + 0.5) * size, y0 + (row + 0.5) * size
                far, u = _nearest(cx, cy, ax, ay, dx, dy)
                if far > r * r:
                    continue
                begin, end = 0.0, 1.0
                if length > 0:
                    half = np.sqrt((r * r - far) / length)
                    middle = ((cx - ax) * dx + (cy - ay) * dy) / length
                    begin, end = max(middle - half, 0.0), min(middle + half, 1.0)
                    begin, end = min(begin, u), max(end, u)
                at = touched[row * n_columns + column] - 1
                until = time[k - 1] + int(end * (time[k] - time[k - 1]))
                since = time[k - 1] + int(begin * (time[k] - time[k - 1]))
                last[at] = max(last[at], until)
                for hour in range(since // 3_600_000_000, until // 3_600_000_000 + 1):
                    week = of_week[hour - first]
                    by_hour[at, week] = max(by_hour[at, week], hour)
