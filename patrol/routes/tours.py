"""Ground and routes as the compiled search reads and changes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.errors import InputError
from patrol.routes.problem import RoutingProblem
from patrol.routes.schedule_kernel import (
    STALE,
    Ground,
    Tour,
    fits,
    price_insertion,
    price_route,
    put,
    time_route,
)


def make_ground(problem: RoutingProblem) -> Ground:
    """Return what the compiled search reads: stops, then rests as stops of one unit, then bases."""
    stops, units, n = problem.stops, problem.units, problem.n_stops
    rests = [(k, rest) for k, unit in enumerate(units) for rest in unit.breaks]
    modes = sorted({unit.mode for unit in units})
    n_bases = problem.travel_s[modes[0]].shape[0] - n
    bases = n + np.arange(n_bases)
    row = np.concatenate([np.arange(n), [n + units[k].start for k, _ in rests], bases])
    row = row.astype(np.int64)
    offset = n + len(rests)
    windows = [(s.dwell_s, s.opens_s, s.closes_s) for s in stops]
    windows += [(r.dwell_s, r.opens_s, r.closes_s) for _, r in rests]
    windows += [(0.0, -np.inf, np.inf)] * n_bases
    dwell, opens, closes = np.array(windows, dtype=np.float64).reshape(-1, 3).T
    n_musts = sum(stop.must for stop in stops)
    own = np.array([s.prize for s in stops] + [0.0] * len(rests), dtype=np.float64)
    # A must is worth more than all prizes together, a rest more than all musts.
    rank = np.array([float(s.must) for s in stops] + [n_musts + 1.0] * len(rests))
    may = np.zeros((len(units), offset), dtype=np.bool_)
    may[:, :n] = problem.may_visit()
    may[[k for k, _ in rests], n + np.arange(len(rests))] = True
    travel = np.stack([problem.travel_s[mode][np.ix_(row, row)] for mode in modes])
    room = [n if u.capacity is None else u.capacity for u in units]
    return Ground(
        travel=np.ascontiguousarray(travel, dtype=np.float64),
        dwell=np.ascontiguousarray(dwell), opens=np.ascontiguousarray(opens),
        closes=np.ascontiguousarray(closes),
        prize=own + rank * (own.sum() + 1.0), allowed=may,
        profile=np.array([modes.index(u.mode) for u in units], dtype=np.int32),
        start=np.array([offset + u.start for u in units], dtype=np.int32),
        end=np.array([offset + u.end for u in units], dtype=np.int32),
        begin=np.array([u.begin_s for u in units], dtype=np.float64),
        finish=np.array([u.finish_s for u in units], dtype=np.float64),
        room=np.array(
            [r + len(u.breaks) for r, u in zip(room, units, strict=True)], dtype=np.int32
        ),
        near=_nearest(travel[:, :offset, :offset].min(axis=0)),
        timed=bool(np.isfinite(opens[:offset]).any() or np.isfinite(closes[:offset]).any()),
    )  # fmt: skip


def _nearest(travel: npt.NDArray[np.float64], most: int = 100) -> npt.NDArray[np.int32]:
    """Return for each stop the nearest others there and back, nearest first."""
    n = len(travel)
    both = travel + travel.T
    np.fill_diagonal(both, -1.0)
    order = np.argsort(both, axis=1, kind="stable")[:, 1 : min(n, most + 1)]
    return np.ascontiguousarray(order, dtype=np.int32)


def start_tour(g: Ground, problem: RoutingProblem, first: Sequence[Sequence[int]]) -> Tour:
    """Return routes with the stops of `first` in their order where that keeps every window."""
    m, n = g.allowed.shape
    tour = Tour(
        seq=np.zeros((m, n + 3), dtype=np.int32), size=np.zeros(m, dtype=np.int32),
        at=np.zeros((m, n + 3)), latest=np.zeros((m, n + 3)),
        unit=np.full(n, -1, dtype=np.int32), cost=np.full((n, m), STALE),
        place=np.zeros((n, m), dtype=np.int32),
    )  # fmt: skip
    tour.seq[:, 0], tour.seq[:, 1] = g.start, g.end
    for k, stops in enumerate(first):
        for v in stops:
            put(g, tour, v, k, int(tour.size[k]))
            if not (g.allowed[k, v] and tour.size[k] <= g.room[k] and time_route(g, tour, k)):
                _drop_last(g, tour, k)
        if not time_route(g, tour, k):
            unit = problem.units[k].unit_id
            raise InputError(f"unit {unit} cannot get from its first to its last base in its shift")
        for rest in problem.n_stops + np.flatnonzero(g.allowed[k, problem.n_stops :]):
            _make_room(g, tour, int(rest), k, problem.n_stops)
    for k in range(m):
        price_route(g, tour, k)
    return tour


def _make_room(g: Ground, tour: Tour, rest: int, k: int, n_stops: int) -> None:
    """Put a rest into a route, giving up its last stops until it fits."""
    while True:
        time_route(g, tour, k)
        price_insertion(g, tour, rest, k)
        if fits(g, tour, rest, k):
            put(g, tour, rest, k, int(tour.place[rest, k]))
            return
        if tour.size[k] == 0 or tour.seq[k, tour.size[k]] >= n_stops:
            return
        _drop_last(g, tour, k)


def _drop_last(g: Ground, tour: Tour, k: int) -> None:
    last = int(tour.size[k])
    tour.unit[tour.seq[k, last]] = -1
    tour.seq[k, last] = tour.seq[k, last + 1]
    tour.size[k] = last - 1
    time_route(g, tour, k)


def copied(t: Tour) -> Tour:
    """Return routes of their own with the same stops."""
    return Tour(
        t.seq.copy(), t.size.copy(), t.at.copy(), t.latest.copy(), t.unit.copy(), t.cost.copy(),
        t.place.copy(),
    )  # fmt: skip
