"""What is to be routed: stops with prizes and windows, units with shifts, and travel times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.errors import InputError
from geo.network.speeds import Mode

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stop:
    """One place to visit.

    Attributes
    ----------
    stop_id
        Its name, once in a problem.
    prize
        What a visit is worth; 0 or more.
    dwell_s
        How long a visit takes.
    opens_s, closes_s
        A visit starts within these, seconds after the problem's zero.
    must
        It is visited before anything else is considered.
    units
        Names of the units that may visit it; None: every unit.
    """

    stop_id: str
    prize: float = 0.0
    dwell_s: float = 0.0
    opens_s: float = -np.inf
    closes_s: float = np.inf
    must: bool = False
    units: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.prize) and self.prize >= 0):
            raise InputError(f"stop {self.stop_id}: the prize is {self.prize}; give 0 or more")
        if not (np.isfinite(self.dwell_s) and self.dwell_s >= 0):
            raise InputError(f"stop {self.stop_id}: the dwell is {self.dwell_s} s; give 0 or more")
        if not self.opens_s <= self.closes_s:
            raise InputError(
                f"stop {self.stop_id}: its window closes at {self.closes_s:g} s, before it opens "
                f"at {self.opens_s:g} s"
            )


@dataclass(frozen=True)
class Break:
    """A rest at the first base, begun within a window (seconds), for who is at work then."""

    opens_s: float
    closes_s: float
    dwell_s: float = 1800.0

    def __post_init__(self) -> None:
        if not (self.opens_s <= self.closes_s and np.isfinite(self.dwell_s) and self.dwell_s >= 0):
            raise InputError(
                f"a rest of {self.dwell_s:g} s from {self.opens_s:g} to {self.closes_s:g} s cannot "
                "be: it begins in a window that closes after it opens, and lasts 0 s or more"
            )


@dataclass(frozen=True)
class Unit:
    """Who goes: from a base to a base within a shift.

    Attributes
    ----------
    unit_id
        Its name, once in a problem.
    mode
        On foot or by vehicle.
    start, end
        Rows of the problem's bases.
    begin_s, finish_s
        It leaves its first base at `begin_s` and is at its last base by `finish_s`.
    breaks
        Rests within the shift.
    capacity
        The most stops it can take; None: no bound.
    """

    unit_id: str
    mode: Mode
    start: int
    end: int
    begin_s: float
    finish_s: float
    breaks: tuple[Break, ...] = ()
    capacity: int | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.begin_s) and np.isfinite(self.finish_s)):
            raise InputError(
                f"unit {self.unit_id}: its shift is from {self.begin_s} to {self.finish_s} s; give "
                "two times"
            )
        if not self.begin_s < self.finish_s:
            raise InputError(
                f"unit {self.unit_id}: its shift ends at {self.finish_s:g} s, not after it begins "
                f"at {self.begin_s:g} s"
            )
        if self.capacity is not None and self.capacity < 0:
            raise InputError(
                f"unit {self.unit_id}: the capacity is {self.capacity}; give 0 or more"
            )


@dataclass(frozen=True, eq=False)
class RoutingProblem:
    """Stops, units and the seconds between places.

    Attributes
    ----------
    stops, units
        What to visit, and who goes.
    travel_s
        By mode, shape ``(n_stops + n_bases, n_stops + n_bases)``: seconds from row to column,
        stops first; infinite where there is no way.
    on_roads
        False: the times are as the crow flies, because there are no roads.
    """

    stops: tuple[Stop, ...]
    units: tuple[Unit, ...]
    travel_s: Mapping[Mode, Floats]
    on_roads: bool = True

    def __post_init__(self) -> None:
        for what, names in (
            ("stop", [stop.stop_id for stop in self.stops]),
            ("unit", [unit.unit_id for unit in self.units]),
        ):
            twice = (
                {name for name in names if names.count(name) > 1}
                if len(set(names)) < len(names)
                else set()
            )
            if twice:
                raise InputError(f"{what} {min(twice)} occurs twice")
        if not self.units:
            raise InputError("there is no unit; give at least one with a shift")
        _check_travel(self)
        known = {unit.unit_id for unit in self.units}
        for stop in self.stops:
            if stop.units is not None and stop.units - known:
                raise InputError(
                    f"stop {stop.stop_id}: there is no unit {min(stop.units - known)!r}"
                )

    @property
    def n_stops(self) -> int:
        """Number of stops."""
        return len(self.stops)

    def may_visit(self) -> Flags:
        """Return which unit may visit which stop, shape ``(n_units, n_stops)``."""
        table = np.ones((len(self.units), self.n_stops), dtype=np.bool_)
        for v, stop in enumerate(self.stops):
            if stop.units is not None:
                table[:, v] = [unit.unit_id in stop.units for unit in self.units]
        return table


def _check_travel(problem: RoutingProblem) -> None:
    modes = {unit.mode for unit in problem.units}
    missing = modes - set(problem.travel_s)
    if missing:
        raise InputError(f"there are no travel times for mode {min(missing)!r}")
    for mode in sorted(modes):
        matrix = problem.travel_s[mode]
        n = matrix.shape[0]
        bad = matrix.ndim != 2 or matrix.shape != (n, n) or n < problem.n_stops
        if bad:
            raise InputError(
                f"travel times by {mode} have the shape {matrix.shape}; "
                f"{problem.n_stops} stops and the bases need a square table"
            )
        if np.isnan(matrix).any() or (matrix < 0).any():
            raise InputError(f"travel times by {mode} hold a negative number or none")
        for unit in problem.units:
            if not (0 <= unit.start < n - problem.n_stops and 0 <= unit.end < n - problem.n_stops):
                raise InputError(f"unit {unit.unit_id}: base {unit.start} or {unit.end} is missing")


@dataclass(frozen=True)
class Visit:
    """One stop or rest on a route.

    Attributes
    ----------
    stop
        Row of the stop; -1 for a rest.
    arrive_s, start_s, leave_s
        When the unit is there, begins and goes on; it waits between the first two.
    """

    stop: int
    arrive_s: float
    start_s: float
    leave_s: float


@dataclass(frozen=True)
class Route:
    """What one unit does.

    Attributes
    ----------
    unit
        Row of the unit.
    visits
        In order.
    begin_s, end_s
        When it leaves its first and reaches its last base.
    travel_s
        Seconds on the way.
    """

    unit: int
    visits: tuple[Visit, ...]
    begin_s: float
    end_s: float
    travel_s: float

    @property
    def stops(self) -> tuple[int, ...]:
        """Rows of its stops in order, rests left out."""
        return tuple(visit.stop for visit in self.visits if visit.stop >= 0)

    @property
    def work_s(self) -> float:
        """From leaving the first base to reaching the last."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Routes:
    """The routes of all units.

    Attributes
    ----------
    routes
        One a unit, in the order of the units.
    prize
        Prizes of the visited stops added up; a must counts with its own prize.
    left_out
        Rows of the stops that nobody visits.
    missed
        Those of them that must be visited.
    on_roads
        Whether the times are along roads.
    iterations
        How long the search was.
    """

    routes: tuple[Route, ...]
    prize: float
    left_out: tuple[int, ...]
    missed: tuple[int, ...]
    on_roads: bool
    iterations: int

    @property
    def makespan_s(self) -> float:
        """The longest work of a unit."""
        return max(route.work_s for route in self.routes)

    @property
    def mean_work_s(self) -> float:
        """The mean work of the units."""
        return float(np.mean([route.work_s for route in self.routes]))
