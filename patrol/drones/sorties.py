"""One long path cut into flights that a battery lasts for, shared out among several drones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from patrol.drones.aircraft import CALM, Aircraft, Wind, ground_speeds, leg_times, path_time
from patrol.drones.space import FlightSpace

Floats = NDArray[np.float64]
_PIECES = 240
_STEPS = 14
# Shares of the battery to plan with: ways that meet the wind otherwise than guessed take longer.
_CAUTION = (1.0, 0.97, 0.93, 0.88)


@dataclass(frozen=True, eq=False)
class Flight:
    """One flight of one drone, from its base and back.

    Attributes
    ----------
    drone
        Number of the drone, from 0.
    path
        Corners x, y in metres, shape ``(n, 2)``; the base comes first and last.
    camera_on
        Whether each leg takes pictures, shape ``(n - 1,)``.
    duration_s
        Time in the air, with climb and descent.
    """

    drone: int
    path: Floats
    camera_on: NDArray[np.bool_]
    duration_s: float


@dataclass(frozen=True)
class Crew:
    """Who flies, from where: `drones` alike aircraft at one base.

    Attributes
    ----------
    base
        x, y in metres.
    height_m
        Height of flight above the ground.
    speed_m_s
        Air speed on the way; at most the aircraft's.
    """

    base: tuple[float, float]
    height_m: float
    aircraft: Aircraft
    drones: int = 1
    wind: Wind = CALM
    speed_m_s: float | None = None

    def __post_init__(self) -> None:
        if self.drones < 1:
            msg = f"a mission needs at least one drone, got {self.drones}"
            raise InputError(msg)
        if not self.height_m > 0:
            msg = f"the height of flight must be above 0 m, got {self.height_m}"
            raise InputError(msg)

    def time(self, path: Floats) -> float:
        """Return the time of a flight along a path, climb and descent included."""
        way = path_time(path, self.aircraft, speed_m_s=self.speed_m_s, wind=self.wind)
        return way + self.aircraft.vertical_s(self.height_m)

    def makespan(self, flights: tuple[Flight, ...]) -> float:
        """Return when the last drone is back, batteries changed in between."""
        busy = [
            [flight.duration_s for flight in flights if flight.drone == n]
            for n in range(self.drones)
        ]
        return max(sum(own) + self.aircraft.swap_s * max(len(own) - 1, 0) for own in busy)


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The path in small pieces: paths, from which chain, and what flights of them cost."""

    paths: list[Floats]
    chain: NDArray[np.int64]
    cost: Floats


def split_flights(
    chains: list[Floats], *, crew: Crew, inside: FlightSpace, ferry: FlightSpace
) -> tuple[Flight, ...]:
    """Cut chains of a path into flights so that all drones together are done soonest.

    The order of the path stays. For each number of flights the longest is made as short as can
    be (bisection over an exact shortest cut), flights go to drones longest first, and the
    number with the smallest makespan wins.

    Parameters
    ----------
    chains
        Paths on which pictures are taken, in flying order.
    inside
        Where the aircraft stays between chains, if it can.
    ferry
        Where it may fly to and from its base.

    Raises
    ------
    InputError
        A part of the path is further away than one battery reaches.
    """
    pieces = _cut(chains, crew, inside, ferry)
    usable, best, shortest = crew.aircraft.usable_s, None, np.inf
    if not (pieces.cost.diagonal() <= usable).all():
        worst = int(pieces.cost.diagonal().argmax())
        msg = (
            f"the part of the area near {pieces.paths[worst][0].round(1).tolist()} needs a flight "
            f"of {pieces.cost[worst, worst]:.0f} s and a battery allows {usable:.0f} s: start "
            "from a nearer base, fly faster or use another aircraft"
        )
        raise InputError(msg)
    fewest = len(_cuts(pieces.cost, usable))
    for number in range(fewest, fewest + 2 * crew.drones + 1):
        flights = _within(pieces, number, crew, inside, ferry)
        if flights is None:
            continue
        makespan = crew.makespan(flights)
        if makespan < shortest - 1.0:
            best, shortest = flights, makespan
        if len(pieces.paths) <= number:
            break
    if best is None:
        msg = f"no cut of the path fits a battery of {usable:.0f} s; use a larger reserve or area"
        raise InputError(msg)
    return best


def _within(
    pieces: _Pieces, number: int, crew: Crew, inside: FlightSpace, ferry: FlightSpace
) -> tuple[Flight, ...] | None:
    """Return `number` even flights that a battery lasts for when timed from their corners."""
    usable = crew.aircraft.usable_s
    for limit in usable * np.array(_CAUTION):
        begins = _even(pieces.cost, number, float(limit))
        if not begins or len(begins) > number:
            break
        flights = _fly(pieces, begins, crew, inside, ferry)
        if max(flight.duration_s for flight in flights) <= usable:
            return flights
    return None


def _cut(chains: list[Floats], crew: Crew, inside: FlightSpace, ferry: FlightSpace) -> _Pieces:
    times = [
        leg_times(chain, crew.aircraft, speed_m_s=crew.speed_m_s, wind=crew.wind)
        for chain in chains
    ]
    longest = max(sum(float(t.sum()) for t in times) / _PIECES, 1.0)
    paths, chain_of, duration = [], [], []
    for number, (corners, legs) in enumerate(zip(chains, times, strict=True)):
        for path, seconds in _pieces_of(corners, legs, longest):
            paths.append(path)
            chain_of.append(number)
            duration.append(seconds)
    chain = np.array(chain_of, dtype=np.int64)
    first, last = np.array([p[0] for p in paths]), np.array([p[-1] for p in paths])
    base = np.array([crew.base])
    out, back = _ferry_s(base, first, crew, ferry)[0], _ferry_s(last, base, crew, ferry)[:, 0]
    gap = np.zeros(len(paths))
    jump = np.flatnonzero(chain[:-1] != chain[1:])
    for i in jump:
        gap[i + 1] = crew.time(
            _way(last[i], first[i + 1], inside, ferry)
        ) - crew.aircraft.vertical_s(crew.height_m)
    done = np.concatenate([[0.0], np.cumsum(duration)])
    gone = np.cumsum(gap)
    fixed = crew.aircraft.vertical_s(crew.height_m)
    fixed += 2 * crew.aircraft.speed_m_s / crew.aircraft.acceleration_m_s2
    cost = fixed + out[:, None] + (done[1:] - done[:-1, None]) + (gone - gone[:, None]) + back
    cost[np.tril_indices(len(paths), -1)] = np.inf
    return _Pieces(paths, chain, cost)


def _pieces_of(chain: Floats, legs: Floats, longest_s: float) -> list[tuple[Floats, float]]:
    """Cut a chain into pieces of about `longest_s`; legs are cut where they are longer."""
    if len(chain) == 1:
        return [(chain, 0.0)]
    points, times = [chain[0]], []
    for (a, b), seconds in zip(pairwise(chain), legs, strict=True):
        parts = max(int(np.ceil(seconds / longest_s)), 1)
        points += [a + (b - a) * share for share in np.arange(1, parts + 1) / parts]
        times += [seconds / parts] * parts
    made, begin, spent = [], 0, 0.0
    for i, seconds in enumerate(times):
        spent += seconds
        if spent >= longest_s or i == len(times) - 1:
            made.append((np.array(points[begin : i + 2]), spent))
            begin, spent = i + 1, 0.0
    return made


def _ferry_s(a: Floats, b: Floats, crew: Crew, ferry: FlightSpace) -> Floats:
    """Return the seconds of ways to or from the base, shape ``(len(a), len(b))``."""
    distance = ferry.distances(a, b)
    step = b[None] - a[:, None]
    length = np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)
    speed = ground_speeds(
        (step / length[..., None]).reshape(-1, 2),
        speed_m_s=crew.speed_m_s or crew.aircraft.speed_m_s, wind=crew.wind,
    )  # fmt: skip
    return np.asarray(distance / speed.reshape(distance.shape))


def _cuts(cost: Floats, limit_s: float) -> list[int]:
    """Return where flights of at most `limit_s` begin, as few as can be; empty if impossible."""
    n = len(cost)
    number, came = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.int64)
    number[0] = 0
    fits = cost <= limit_s
    for b in range(n):
        choices = np.where(fits[: b + 1, b], number[: b + 1], np.inf)
        came[b + 1] = choices.argmin()
        number[b + 1] = choices[came[b + 1]] + 1
    if not np.isfinite(number[n]):
        return []
    begins, at = [], n
    while at > 0:
        at = int(came[at])
        begins.append(at)
    return begins[::-1]


def _even(cost: Floats, number: int, usable_s: float) -> list[int]:
    """Return the beginnings of at most `number` flights whose longest is shortest."""
    low, high = float(cost.diagonal().max()), usable_s
    begins = _cuts(cost, high)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        trial = _cuts(cost, middle)
        if trial and len(trial) <= number:
            high, begins = middle, trial
        else:
            low = middle
    return begins


def _fly(
    pieces: _Pieces, begins: list[int], crew: Crew, inside: FlightSpace, ferry: FlightSpace
) -> tuple[Flight, ...]:
    ways = []
    for a, b in pairwise([*begins, len(pieces.paths)]):
        ways.append(_flight_path(pieces, a, b, crew, inside, ferry))
    durations = np.array([crew.time(path) for path, _ in ways])
    drone_of, busy = np.zeros(len(ways), dtype=np.int64), np.zeros(crew.drones)
    for i in np.argsort(-durations, kind="stable"):
        drone_of[i] = busy.argmin()
        busy[drone_of[i]] += durations[i] + crew.aircraft.swap_s
    return tuple(
        Flight(int(drone), path, on, float(seconds))
        for (path, on), drone, seconds in zip(ways, drone_of, durations, strict=True)
    )


def _flight_path(
    pieces: _Pieces, a: int, b: int, crew: Crew, inside: FlightSpace, ferry: FlightSpace
) -> tuple[Floats, NDArray[np.bool_]]:
    base = np.array(crew.base)
    path, on = ferry.path(base, pieces.paths[a][0]), []
    on = [False] * (len(path) - 1)
    corners = [path]
    for i in range(a, b):
        if i > a and pieces.chain[i] != pieces.chain[i - 1]:
            way = _way(pieces.paths[i - 1][-1], pieces.paths[i][0], inside, ferry)
            corners.append(way[1:])
            on += [False] * (len(way) - 1)
        corners.append(pieces.paths[i][1:])
        on += [True] * (len(pieces.paths[i]) - 1)
    way = ferry.path(pieces.paths[b - 1][-1], base)
    corners.append(way[1:])
    on += [False] * (len(way) - 1)
    return _straighten(np.vstack(corners), np.array(on, dtype=np.bool_))


def _straighten(path: Floats, on: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Take out corners where nothing turns or switches, and ways of no length.

    A leg of no length on which the camera is on is a picture taken from one point: it stays.
    """
    keep = np.concatenate([[True], (np.hypot(*np.diff(path, axis=0).T) > 1e-6) | on])
    path, on = path[keep], on[keep[1:]]
    before, after = np.diff(path, axis=0)[:-1], np.diff(path, axis=0)[1:]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    ahead = (before * after).sum(axis=1)
    length = np.hypot(*before.T) * np.hypot(*after.T)
    idle = (np.abs(cross) <= 1e-9 * length) & (ahead > 0) & (on[:-1] == on[1:])
    keep = np.concatenate([[True], ~idle, [True]])
    return path[keep], on[keep[:-1]]


def _way(a: Floats, b: Floats, inside: FlightSpace, ferry: FlightSpace) -> Floats:
    """Return the way between chains: inside where there is one, else around."""
    both = np.stack([a, b])
    if np.isfinite(inside.distances(both[:1], both[1:])[0, 0]):
        return inside.path(a, b)
    return ferry.path(a, b)
