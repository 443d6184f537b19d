"""Ways between places on the network: times, lengths and lines, on foot or by car."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.ops import substring

from geo.errors import InputError, NotFoundError
from geo.network.build import RoadNetwork
from geo.network.speeds import Mode, Speeds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LEAST_S = 1e-6


@dataclass(frozen=True, eq=False)
class Places:
    """Points moved onto the network of one mode, and that network cut at them.

    Attributes
    ----------
    mode
        On foot or by vehicle.
    xy
        Shape ``(n, 2)``: the points as given.
    segment
        Shape ``(n,)``: row of the segment each stands at, -1 where none is in reach.
    along
        Shape ``(n,)``: its distance from the segment's start, metres.
    away_m
        Shape ``(n,)``: distance to that place; infinite where none is in reach.
    access_s
        Shape ``(n,)``: seconds to walk it.
    usable
        Shape ``(n_segments,)``: the segments that the mode may use, and that lead from any to
        any other; the rest are islands or dead pockets of one-way streets.
    n_cut_off
        Segments that the mode may use but that are not of this part.
    graph_s, graph_m
        Seconds and metres between nodes; node ``n_nodes + i`` is place i.
    """

    network: RoadNetwork
    mode: Mode
    xy: Floats
    segment: Ints
    along: Floats
    away_m: Floats
    access_s: Floats
    usable: Flags
    n_cut_off: int
    graph_s: csr_array
    graph_m: csr_array

    @property
    def unreached(self) -> Ints:
        """Rows of the points with no road in reach."""
        return np.flatnonzero(self.segment < 0).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Ways:
    """Fastest ways from places to places.

    Attributes
    ----------
    seconds, metres
        Shape ``(n, n)``: from row to column along the fastest way, walks to and from the road
        included; infinite where there is none, 0 on the diagonal.
    """

    seconds: Floats
    metres: Floats


def place_on_network(
    network: RoadNetwork,
    xy: Floats,
    *,
    mode: Mode,
    speeds: Speeds | None = None,
    reach_m: float = 300.0,
) -> Places:
    """Move points to the nearest road that a mode may use and leave again.

    Parameters
    ----------
    xy
        Shape ``(n, 2)``, metres in the network's system.
    reach_m
        A point farther from every such road is not placed, see `Places.unreached`.

    Raises
    ------
    InputError
        If `xy` has another shape or holds a number that is not finite.
    NotFoundError
        If the mode may use no road at all.
    """
    speeds = speeds or Speeds()
    points = np.asarray(xy, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        msg = f"points must be finite x, y pairs of shape (n, 2), not {points.shape}"
        raise InputError(msg)
    pace = speeds.metres_a_second(network.segments["kind"], mode)
    usable, n_cut_off = _largest_part(network, pace, mode)
    rows = np.flatnonzero(usable)
    if not len(rows):
        msg = f"no road can be used by mode {mode!r}; import roads or check their kinds"
        raise NotFoundError(msg)
    lines = np.asarray(network.segments.geometry.array, dtype=object)
    segment, along, away = _snap(lines, rows, points, reach_m)
    graph_s, graph_m = _cut_graph(network, pace, usable, segment, along, mode)
    return Places(
        network=network, mode=mode, xy=points, segment=segment, along=along, away_m=away,
        access_s=away / (speeds.foot_kmh / 3.6), usable=usable, n_cut_off=n_cut_off,
        graph_s=graph_s, graph_m=graph_m,
    )  # fmt: skip


def find_ways(places: Places) -> Ways:
    """Return times and lengths of the fastest ways between all places."""
    n, n_nodes = len(places.xy), len(places.network.nodes)
    placed = places.segment >= 0
    source = (n_nodes + np.flatnonzero(placed)).astype(np.int64)
    seconds, metres = np.full((n, n), np.inf), np.full((n, n), np.inf)
    for begin in range(0, len(source), 256):  # bounds the memory of the trees
        part = source[begin : begin + 256]
        far, before = dijkstra(places.graph_s, indices=part, return_predecessors=True)
        rows, there = part - n_nodes, far[:, source]
        length = _along_trees(before, places.graph_m, source)
        seconds[np.ix_(rows, np.flatnonzero(placed))] = there
        metres[np.ix_(rows, np.flatnonzero(placed))] = np.where(np.isfinite(there), length, np.inf)
    seconds += places.access_s[:, None] + places.access_s[None, :]
    metres += places.away_m[:, None] + places.away_m[None, :]
    np.fill_diagonal(seconds, 0.0)
    np.fill_diagonal(metres, 0.0)
    return Ways(seconds, metres)


def trace_way(places: Places, order: Ints) -> shapely.LineString:
    """Return the line along the fastest way through places in order, metric coordinates.

    Parameters
    ----------
    order
        Shape ``(k,)``, k >= 2: rows of places.

    Raises
    ------
    NotFoundError
        If there is no way between two that follow each other.
    """
    order = np.asarray(order, dtype=np.int64)
    n_nodes = len(places.network.nodes)
    sources, row = np.unique(order[:-1], return_inverse=True)
    far, before = dijkstra(places.graph_s, indices=n_nodes + sources, return_predecessors=True)
    parts = [places.xy[order[:1]]]
    for leg, (a, b) in enumerate(pairwise(order)):
        if a != b and not np.isfinite(far[row[leg], n_nodes + b]):
            msg = f"there is no way from place {a} to place {b} by mode {places.mode!r}"
            raise NotFoundError(msg)
        nodes = _chain(before[row[leg]], n_nodes + int(a), n_nodes + int(b))
        parts += [_stretch(places, u, v) for u, v in pairwise(nodes)]
        parts.append(places.xy[b][None])
    xy = np.concatenate(parts)
    moved = np.concatenate([[True], (np.diff(xy, axis=0) != 0).any(axis=1)])
    xy = xy[moved]
    return shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))


def _largest_part(network: RoadNetwork, pace: Floats, mode: Mode) -> tuple[Flags, int]:
    """Return which segments lie in the largest part where each place reaches each other."""
    frame = network.segments
    open_ = pace > 0
    u, v = frame["start"].to_numpy(), frame["end"].to_numpy()
    there, back = _directions(frame["oneway"].to_numpy(dtype=np.int64), mode)
    a = np.concatenate([u[open_ & there], v[open_ & back]])
    b = np.concatenate([v[open_ & there], u[open_ & back]])
    n = len(network.nodes)
    graph = csr_array((np.ones(len(a)), (a, b)), shape=(n, n))
    _, part = connected_components(graph, directed=True, connection="strong")
    length = np.where(open_ & (part[u] == part[v]), frame["length_m"].to_numpy(), 0.0)
    if not length.any():
        return np.zeros(len(frame), dtype=np.bool_), int(open_.sum())
    main = np.bincount(part[u], weights=length).argmax()
    usable = open_ & (part[u] == main) & (part[v] == main)
    return usable, int((open_ & ~usable).sum())


def _directions(oneway: Ints, mode: Mode) -> tuple[Flags, Flags]:
    """Return which segments may be used along their line, and which against it."""
    free = np.full(len(oneway), mode == "foot")
    return free | (oneway >= 0), free | (oneway <= 0)


def _snap(
    lines: npt.NDArray[np.object_], rows: Ints, points: Floats, reach_m: float
) -> tuple[Ints, Floats, Floats]:
    """Return segment, distance along it and distance to it of each point."""
    n = len(points)
    segment = np.full(n, -1, dtype=np.int64)
    along, away = np.zeros(n), np.full(n, np.inf)
    spots = np.asarray(shapely.points(points), dtype=object)
    found, distance = shapely.STRtree(lines[rows]).query_nearest(
        spots, max_distance=reach_m, return_distance=True, all_matches=False
    )
    at, which = found
    segment[at], away[at] = rows[which], distance
    along[at] = shapely.line_locate_point(lines[segment[at]], spots[at])
    return segment, along, away


def _cut_graph(
    network: RoadNetwork, pace: Floats, usable: Flags, segment: Ints, along: Floats, mode: Mode
) -> tuple[csr_array, csr_array]:
    """Return the graph of nodes and places: segments are cut at the places on them."""
    frame, n_nodes = network.segments, len(network.nodes)
    rows = np.flatnonzero(usable)
    length = frame["length_m"].to_numpy(dtype=np.float64)
    placed = np.flatnonzero(segment >= 0)
    # Every cut of every segment in order: its start, the places on it, its end.
    owner = np.concatenate([rows, segment[placed], rows])
    where = np.concatenate([np.zeros(len(rows)), along[placed], length[rows]])
    kind = np.repeat([0, 1, 2], [len(rows), len(placed), len(rows)])
    start, end = frame["start"].to_numpy(), frame["end"].to_numpy()
    node = np.concatenate([start[rows], n_nodes + placed, end[rows]])
    order = np.lexsort((where, kind, owner))
    owner, where, node = owner[order], where[order], node[order]
    follows = owner[1:] == owner[:-1]
    u, v, of = node[:-1][follows], node[1:][follows], owner[1:][follows]
    metres = np.maximum(np.diff(where)[follows], 0.0)
    there, back = _directions(frame["oneway"].to_numpy(dtype=np.int64)[of], mode)
    a = np.concatenate([u[there], v[back]])
    b = np.concatenate([v[there], u[back]])
    m = np.concatenate([metres[there], metres[back]])
    s = np.maximum(m / pace[np.concatenate([of[there], of[back]])], _LEAST_S)
    return _shortest_graph(a, b, s, m, n_nodes + len(segment))


def _shortest_graph(a: Ints, b: Ints, s: Floats, m: Floats, n: int) -> tuple[csr_array, csr_array]:
    """Return both graphs with the faster one of parallel segments."""
    order = np.lexsort((s, b, a))
    a, b, s, m = a[order], b[order], s[order], m[order]
    first = np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])])
    a, b, s, m = a[first], b[first], s[first], m[first]
    start = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=n))])
    graph_s = csr_array((s, b, start), shape=(n, n))
    return graph_s, csr_array((m, b, start), shape=(n, n))


def _along_trees(before: npt.NDArray[np.int32], graph: csr_array, ends: Ints) -> Floats:
    """Return the metres from the root of each tree of fastest ways to some of its nodes."""
    total: Floats = _add_lengths(before, graph.indptr, graph.indices, graph.data, ends)
    return total


@njit(cache=True, nogil=True)
def _add_lengths(
    before: npt.NDArray[np.int32], start: Ints, to: Ints, metres: Floats, ends: Ints
) -> Floats:
    """Walk from each end towards the root, as far as nothing is known, and add up on the way back.

    Only branches that lead to an end are looked at. What no way leads to has no node before it,
    like the root: its length is 0 here, and infinite to who asks for its seconds as well.
    """
    n_trees, n = before.shape
    found = np.full((n_trees, len(ends)), np.inf)
    total, path = np.empty(n), np.empty(n, np.int64)
    for k in range(n_trees):
        total[:] = -1.0
        for i in range(len(ends)):
            v, size = ends[i], 0
            while total[v] < 0 and before[k, v] >= 0:
                path[size] = v
                size += 1
                v = before[k, v]
            length = max(total[v], 0.0)
            while size > 0:
                size -= 1
                u, v = v, path[size]
                for e in range(start[u], start[u + 1]):
                    if to[e] == v:
                        length += metres[e]
                        break
                total[v] = length
            found[k, i] = length
    return found


def _chain(before: npt.NDArray[np.int32], a: int, b: int) -> list[int]:
    nodes = [b]
    while nodes[-1] != a:
        nodes.append(int(before[nodes[-1]]))
    return nodes[::-1]


def _stretch(places: Places, u: int, v: int) -> Floats:
    """Return the coordinates of the fastest direct piece of road from node `u` to node `v`."""
    row, begin, end = _piece(places, u, v)
    line = cast(shapely.LineString, places.network.segments.geometry.iloc[row])
    xy = shapely.get_coordinates(substring(line, min(begin, end), max(begin, end)))
    return np.asarray(xy[::-1] if begin > end else xy, dtype=np.float64)


def _piece(places: Places, u: int, v: int) -> tuple[int, float, float]:
    """Return the segment of a direct piece, and where on it the piece begins and ends."""
    frame, n = places.network.segments, len(places.network.nodes)
    length = frame["length_m"].to_numpy(dtype=np.float64)
    if u >= n or v >= n:
        row = int(places.segment[max(u, v) - n])
        rows = np.array([row])
    else:
        start, end = frame["start"].to_numpy(), frame["end"].to_numpy()
        joins = ((start == u) & (end == v)) | ((start == v) & (end == u))
        rows = np.flatnonzero(joins & places.usable)
    wanted = places.graph_m[[u], [v]].item()
    best = (np.inf, 0, 0.0, 0.0)
    for row in rows:
        for begin in _positions(places, u, int(row), float(length[row])):
            for end_ in _positions(places, v, int(row), float(length[row])):
                error = abs(abs(end_ - begin) - wanted)
                best = min(best, (error, int(row), begin, end_))
    return best[1], best[2], best[3]


def _positions(places: Places, node: int, row: int, length: float) -> list[float]:
    n = len(places.network.nodes)
    if node >= n:
        return [float(places.along[node - n])]
    frame = places.network.segments
    ends = ((int(frame["start"].iloc[row]), 0.0), (int(frame["end"].iloc[row]), length))
    return [where for end, where in ends if end == node]
