"""Hotspot missions: which places drones look at when a battery does not last for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import InputError
from patrol.drones.aircraft import ground_speeds, path_time
from patrol.drones.sorties import Crew
from patrol.drones.space import FlightSpace, only_polygons
from patrol.routes.problem import RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HotspotParams:
    """How hotspots are looked at.

    Attributes
    ----------
    dwell_s
        How long an aircraft hovers over each.
    flights_each
        How many batteries each drone may use.
    margin_m
        Distance from no-fly zones.
    search
        How long to search.
    """

    dwell_s: float = 30.0
    flights_each: int = 1
    margin_m: float = 10.0
    search: SearchParams | None = None

    def __post_init__(self) -> None:
        if not self.dwell_s >= 0 or self.flights_each < 1 or not self.margin_m >= 0:
            msg = "dwell_s and margin_m must be 0 or more and flights_each at least 1"
            raise InputError(msg)


@dataclass(frozen=True, eq=False)
class Look:
    """One flight over hotspots.

    Attributes
    ----------
    drone
        Number of the drone, from 0.
    path
        Corners x, y in metres, shape ``(n, 2)``, the base first and last.
    hold_s
        How long it hovers at each corner, shape ``(n,)``.
    spots
        Rows of the hotspots, in order.
    duration_s
        Time in the air, with climb and descent.
    """

    drone: int
    path: Floats
    hold_s: Floats
    spots: tuple[int, ...]
    duration_s: float


@dataclass(frozen=True, eq=False)
class HotspotPlan:
    """Flights over hotspots, and what they leave out.

    Attributes
    ----------
    left_out
        Rows of the hotspots that no flight looks at.
    unreachable
        Those of them inside a no-fly zone, or too far for one battery.
    prize_share
        Prize looked at, as a share of all.
    """

    flights: tuple[Look, ...]
    left_out: tuple[int, ...]
    unreachable: tuple[int, ...]
    prize_share: float


def plan_hotspots(
    spots: Floats,
    prizes: Floats,
    *,
    crew: Crew,
    no_fly: Sequence[BaseGeometry] = (),
    params: HotspotParams,
    rng: np.random.Generator,
) -> HotspotPlan:
    """Plan the flights that look at the hotspots of the highest prize in all.

    A team orienteering problem whose ways lead around no-fly zones, wind included; every
    flight is timed anew from its corners.

    Parameters
    ----------
    spots
        x, y in metres, shape ``(n, 2)``; none give no flights.
    prizes
        What a look is worth, 0 or more, shape ``(n,)``.

    References
    ----------
    Chao, I-M., Golden, B. and Wasil, E. (1996), doi:10.1016/0377-2217(94)00289-4.
    """
    if len(spots) != len(prizes) or not np.isfinite(spots).all() or not (prizes >= 0).all():
        msg = "each hotspot needs a place and a prize of 0 or more"
        raise InputError(msg)
    space = _space(spots, crew, no_fly, params)
    travel = _travel(np.vstack([spots.reshape(-1, 2), [crew.base]]), space, crew)
    usable = crew.aircraft.usable_s - crew.aircraft.vertical_s(crew.height_m)
    alone = travel[-1, :-1] + params.dwell_s + travel[:-1, -1]
    reach = np.flatnonzero((alone <= usable) & np.isfinite(alone))
    routes = _choose(travel, prizes, reach, usable, crew, params, rng)
    flights = tuple(
        _look(tuple(int(reach[i]) for i in stops), n % crew.drones, spots, space, crew, params)
        for n, stops in enumerate(routes)
        if stops
    )
    seen = {spot for flight in flights for spot in flight.spots}
    everything = range(len(spots))
    total = float(prizes.sum())
    return HotspotPlan(
        flights=flights,
        left_out=tuple(i for i in everything if i not in seen),
        unreachable=tuple(i for i in everything if i not in set(reach.tolist())),
        prize_share=float(prizes[sorted(seen)].sum()) / total if total else 1.0,
    )


def _space(
    spots: Floats, crew: Crew, no_fly: Sequence[BaseGeometry], params: HotspotParams
) -> FlightSpace:
    zones = shapely.union_all([shapely.make_valid(zone) for zone in no_fly])
    if zones.intersects(shapely.Point(crew.base)):
        msg = f"the base at {crew.base[0]:.1f}, {crew.base[1]:.1f} lies in a no-fly zone"
        raise InputError(msg)
    corners = shapely.union_all([shapely.MultiPoint([*spots.tolist(), crew.base]), zones])
    around = corners.convex_hull.buffer(20 * params.margin_m + 200)
    away = params.margin_m
    while away > 0.1 and zones.buffer(away).intersects(shapely.Point(crew.base)):
        away /= 2
    return FlightSpace(only_polygons(around - zones.buffer(away, join_style="mitre")))


def _travel(places: Floats, space: FlightSpace, crew: Crew) -> Floats:
    """Return seconds from stop to stop, braking included, infinite where there is no way."""
    distance = space.distances(places, places)
    distance[~space.holds(places)] = np.inf
    distance[:, ~space.holds(places)] = np.inf
    step = places[None] - places[:, None]
    length = np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)
    pace = crew.speed_m_s or crew.aircraft.speed_m_s
    way = (step / length[..., None]).reshape(-1, 2)
    speed = ground_speeds(way, speed_m_s=pace, wind=crew.wind).reshape(length.shape)
    # A detour meets the wind from other sides: it is timed against the slowest of them.
    bent = distance > length * (1 + 1e-9)
    slowest = pace - crew.wind.speed_m_s
    seconds = distance / np.where(bent, slowest, speed)
    seconds += np.where(bent, 3, 1) * np.maximum(speed, pace) / crew.aircraft.acceleration_m_s2
    np.fill_diagonal(seconds, 0.0)
    return np.asarray(seconds)


def _choose(
    travel: Floats, prizes: Floats, reach: NDArray[np.int64], usable_s: float, crew: Crew,
    params: HotspotParams, rng: np.random.Generator,
) -> list[tuple[int, ...]]:  # fmt: skip
    """Return the stops of each flight, as rows of `reach`."""
    if not len(reach):
        return []
    rows = np.append(reach, len(prizes))
    stops = tuple(Stop(str(i), float(prizes[i]), params.dwell_s) for i in reach)
    units = tuple(
        Unit(f"{n}", "vehicle", 0, 0, 0.0, usable_s)
        for n in range(crew.drones * params.flights_each)
    )
    problem = RoutingProblem(stops, units, {"vehicle": travel[np.ix_(rows, rows)]}, on_roads=False)
    found = find_routes(problem, rng=rng, params=params.search)
    by_unit = {route.unit: route.stops for route in found.routes}
    return [by_unit.get(unit, ()) for unit in range(len(units))]


def _look(
    order: tuple[int, ...], drone: int, spots: Floats, space: FlightSpace, crew: Crew,
    params: HotspotParams,
) -> Look:  # fmt: skip
    base = np.array(crew.base)
    corners, hold, seconds = [base[None]], [0.0], 0.0
    here = base
    for target, wait in [*((spots[i], params.dwell_s) for i in order), (base, 0.0)]:
        way = space.path(here, target)
        seconds += path_time(way, crew.aircraft, speed_m_s=crew.speed_m_s, wind=crew.wind) + wait
        corners.append(way[1:])
        hold += [0.0] * (len(way) - 2) + [wait]
        here = target
    total = seconds + crew.aircraft.vertical_s(crew.height_m)
    return Look(drone, np.vstack(corners), np.array(hold), order, total)
