"""Map matching: the most likely way along the roads, by a hidden Markov model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError, NotFoundError
from geo.network.build import RoadNetwork
from geo.network.speeds import Mode, Speeds
from patrol.tracks.match_kernel import choose_candidates, trace_pair, workspace

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class MatchParams:
    """What the model takes for likely.

    Attributes
    ----------
    sigma_m
        Standard deviation of a fix from the road (4.07 m in the paper's car; a tablet in a bag
        or between houses is worse).
    beta_m
        Mean of how much longer the way along the road is than the straight line.
    reach_m, most
        How far a road may be from a fix, and how many roads are tried for each.
    detour_m
        How much longer than the straight line a way between two fixes may be at all.
    least_share
        Share of a stretch's fixes that must find a road; a stretch with fewer stays as it was.
    """

    sigma_m: float = 8.0
    beta_m: float = 20.0
    reach_m: float = 40.0
    most: int = 6
    detour_m: float = 400.0
    least_share: float = 0.8

    def __post_init__(self) -> None:
        if min(self.sigma_m, self.beta_m, self.reach_m, self.detour_m) <= 0 or self.most < 1:
            raise InputError("sigma, beta, reach, detour and the number of roads must be over 0")


@dataclass(frozen=True, eq=False)
class Matched:
    """A track on the roads: fixes and the corners of the way between them, by time.

    Attributes
    ----------
    time_us, x, y, segment
        ``(n,)``; instants at corners are by even speed between the fixes around them.
    matched
        ``(n,)``: whether the stretch was matched; otherwise its fixes are as they were.
    """

    time_us: Longs
    x: Floats
    y: Floats
    segment: Longs
    matched: Flags


@dataclass(frozen=True, eq=False)
class Matcher:
    """A network ready for matching; `make_matcher` makes it.

    Attributes
    ----------
    lines
        Segments that the mode may use, ``(n_segments,)``.
    ends
        Start and end node of each, ``(n_segments, 2)``.
    length
        Metres of each.
    there, back
        Whether each may be used along its line, and against it.
    first, to, over
        The graph: edges of node v are ``first[v]:first[v + 1]``, to node and over segment.
    corner_first, corners, corner_at
        Vertices of each segment and their distance along it.
    """

    params: MatchParams
    tree: shapely.STRtree
    lines: NDArray[np.object_]
    ends: Longs
    length: Floats
    there: Flags
    back: Flags
    first: Longs
    to: Longs
    over: Longs
    corner_first: Longs
    corners: Floats
    corner_at: Floats

    def match(self, time_us: Longs, x: Floats, y: Floats, segment: Longs) -> Matched:
        """Match every stretch of a track.

        Parameters
        ----------
        time_us, x, y, segment
            Sound fixes by time within each segment, ``(n,)``; equal segments together.
        """
        edges = np.flatnonzero(np.diff(segment, prepend=-1, append=-2))
        parts = [
            self._stretch(time_us[a:b], x[a:b], y[a:b], int(segment[a])) for a, b in pairwise(edges)
        ]
        if not parts:
            none = np.empty(0)
            return Matched(time_us, none, none, segment, np.empty(0, dtype=bool))
        return Matched(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _stretch(
        self, time_us: Longs, x: Floats, y: Floats, number: int
    ) -> tuple[Longs, Floats, Floats, Longs, Flags]:
        plain = (time_us, x, y, np.full(len(x), number), np.zeros(len(x), dtype=bool))
        used = _moving(x, y, 2 * self.params.sigma_m)
        found = self._candidates(x[used], y[used])
        chosen = choose_candidates(
            x[used], y[used], *found, self.ends, self.length, self.there, self.back,
            self.first, self.to, self.over,
            self.params.sigma_m, self.params.beta_m, self.params.detour_m,
        )  # fmt: skip
        if (chosen >= 0).mean() < self.params.least_share:
            return plain
        return self._way(time_us[used], x[used], y[used], chosen, found, number)

    def _candidates(self, x: Floats, y: Floats) -> tuple[Longs, Longs, Floats, Floats]:
        """Return first row of each fix, and segment, place along and distance of candidates."""
        points = np.asarray(shapely.points(x, y), dtype=object).reshape(-1)
        fix, line = self.tree.query(points, predicate="dwithin", distance=self.params.reach_m)
        away = np.asarray(shapely.distance(points[fix], self.lines[line]))
        order = np.lexsort((away, fix))
        fix, line, away = fix[order], line[order], away[order]
        begin = np.searchsorted(fix, np.arange(len(x) + 1))
        keep = np.arange(len(fix)) - begin[fix] < self.params.most
        fix, line, away = fix[keep], line[keep], away[keep]
        along = np.asarray(shapely.line_locate_point(self.lines[line], points[fix]))
        first = np.searchsorted(fix, np.arange(len(x) + 1))
        return first.astype(np.int64), line.astype(np.int64), along, away

    def _way(
        self, time_us: Longs, x: Floats, y: Floats, chosen: Longs,
        found: tuple[Longs, Longs, Floats, Floats], number: int,
    ) -> tuple[Longs, Floats, Floats, Longs, Flags]:  # fmt: skip
        """Return the fixes moved to their roads, with the corners of the way between."""
        _, line, along, _ = found
        on = chosen >= 0
        spot = shapely.line_interpolate_point(self.lines[line[chosen[on]]], along[chosen[on]])
        px, py = x.copy(), y.copy()
        px[on], py[on] = shapely.get_x(spot), shapely.get_y(spot)
        times, xs, ys = [time_us[:1]], [px[:1]], [py[:1]]
        room = workspace(len(self.first) - 1, len(self.to))
        for k in range(1, len(x)):
            a, b = chosen[k - 1], chosen[k]
            if a >= 0 and b >= 0:
                way = trace_pair(
                    line[a], along[a], line[b], along[b], self.ends, self.length, self.there,
                    self.back, self.first, self.to, self.over, self.corner_first, self.corners,
                    self.corner_at,
                    float(np.hypot(x[k] - x[k - 1], y[k] - y[k - 1])) + self.params.detour_m,
                    *room,
                )  # fmt: skip
                whole = np.concatenate([[[px[k - 1], py[k - 1]]], way, [[px[k], py[k]]]])
                far = np.cumsum(np.hypot(*np.diff(whole, axis=0).T))
                if len(way) and far[-1] > 0:
                    at = time_us[k - 1] + far[:-1] / far[-1] * (time_us[k] - time_us[k - 1])
                    times.append(at.astype(np.int64))
                    xs.append(way[:, 0])
                    ys.append(way[:, 1])
            times.append(time_us[k : k + 1])
            xs.append(px[k : k + 1])
            ys.append(py[k : k + 1])
        time, ax, ay = np.concatenate(times), np.concatenate(xs), np.concatenate(ys)
        later = np.concatenate([[True], np.diff(time) > 0])
        n = int(later.sum())
        return time[later], ax[later], ay[later], np.full(n, number), np.ones(n, dtype=bool)


def make_matcher(
    network: RoadNetwork, *, mode: Mode, params: MatchParams | None = None,
    speeds: Speeds | None = None,
) -> Matcher:  # fmt: skip
    """Prepare a network for the tracks of a mode.

    Raises
    ------
    NotFoundError
        The mode may use no road.

    References
    ----------
    Newson, P. and Krumm, J. (2009). Hidden Markov map matching through noise and sparseness.
    ACM GIS, 336-343. doi:10.1145/1653771.1653818
    """
    frame = network.segments
    pace = (speeds or Speeds()).metres_a_second(frame["kind"], mode)
    rows = np.flatnonzero(pace > 0)
    if not len(rows):
        raise NotFoundError(f"no road can be used by mode {mode!r}; import roads first")
    oneway = frame["oneway"].to_numpy(dtype=np.int64)[rows]
    free = mode == "foot"
    there, back = (oneway >= 0) | free, (oneway <= 0) | free
    ends = frame[["start", "end"]].to_numpy(dtype=np.int64)[rows]
    lines = np.asarray(frame.geometry.array, dtype=object)[rows]
    n, number = len(network.nodes), np.arange(len(rows))
    a = np.concatenate([ends[there, 0], ends[back, 1]])
    b = np.concatenate([ends[there, 1], ends[back, 0]])
    over = np.concatenate([number[there], number[back]])
    order = np.argsort(a, kind="stable")
    corners, owner = shapely.get_coordinates(lines, return_index=True)
    corner_first = np.searchsorted(owner, np.arange(len(rows) + 1)).astype(np.int64)
    step = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T)])
    total = np.cumsum(step)
    corner_at = total - total[corner_first[:-1]][owner]
    return Matcher(
        params=params or MatchParams(), tree=shapely.STRtree(lines), lines=lines, ends=ends,
        length=corner_at[corner_first[1:] - 1], there=there, back=back,
        first=np.searchsorted(a[order], np.arange(n + 1)).astype(np.int64),
        to=b[order], over=over[order], corner_first=corner_first, corners=corners,
        corner_at=corner_at,
    )  # fmt: skip


def _moving(x: Floats, y: Floats, least_m: float) -> Longs:
    """Return the fixes to match: those that moved on, with the last one before each move."""
    kept = [0]
    for k in range(1, len(x)):
        if (x[k] - x[kept[-1]]) ** 2 + (y[k] - y[kept[-1]]) ** 2 > least_m * least_m:
            if kept[-1] != k - 1:
                kept.append(k - 1)
            kept.append(k)
    if kept[-1] != len(x) - 1:
        kept.append(len(x) - 1)
    return np.array(kept, dtype=np.int64)
