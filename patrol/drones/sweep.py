"""Sweep missions: a whole area seen from above, in the least time that the drones need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import GeometryError, InputError
from patrol.drones.aircraft import CALM, Aircraft, Wind, ground_speeds, path_time
from patrol.drones.camera import Camera, Footprint, footprint_at
from patrol.drones.gaps import close_gaps, seen_along
from patrol.drones.lines import (
    cell_paths,
    draw_lines,
    group_cells,
    strip_lengths,
)
from patrol.drones.sorties import Crew, Flight, split_flights
from patrol.drones.space import (
    FlightSpace,
    TurnedSpace,
    only_polygons,
    shrink,
    turn_by,
    turn_points,
)
from patrol.drones.tour import TourCosts, order_cells

Floats = NDArray[np.float64]
_FINALISTS = 4
_EVERY_DEG = 7.5


@dataclass(frozen=True)
class SweepParams:
    """How an area is swept.

    Attributes
    ----------
    height_m
        Height of flight above the ground.
    side_overlap, forward_overlap
        Share of a picture that its neighbour shows again.
    margin_m
        Distance that the aircraft keeps from the area's border and from no-fly zones.
    coverage
        Share of what can be seen that must be seen.
    angle_deg
        Direction of the lines, degrees counter-clockwise from east; None: the fastest.
    """

    height_m: float = 80.0
    side_overlap: float = 0.2
    forward_overlap: float = 0.3
    margin_m: float = 5.0
    coverage: float = 0.997
    angle_deg: float | None = None
    drones: int = 1
    camera: Camera = field(default_factory=Camera)
    aircraft: Aircraft = field(default_factory=Aircraft)
    wind: Wind = CALM

    def __post_init__(self) -> None:
        for name in ("side_overlap", "forward_overlap"):
            if not 0 <= getattr(self, name) < 0.95:
                msg = f"{name} must be in [0, 0.95), got {getattr(self, name)}"
                raise InputError(msg)
        if not 0 < self.coverage <= 1 or not self.margin_m >= 0 or not self.height_m > 0:
            msg = "coverage must be in (0, 1], margin_m 0 or more and height_m above 0"
            raise InputError(msg)

    @property
    def footprint(self) -> Footprint:
        """Return what one picture shows."""
        return footprint_at(self.camera, height_m=self.height_m)

    @property
    def spacing_m(self) -> float:
        """Return the widest distance between lines."""
        return self.footprint.across_m * (1 - self.side_overlap)

    @property
    def trigger_m(self) -> float:
        """Return the distance between pictures."""
        return self.footprint.along_m * (1 - self.forward_overlap)

    @property
    def speed_m_s(self) -> float:
        """Return the air speed: no faster than the camera takes pictures in a tail wind."""
        most = self.trigger_m / self.camera.interval_s - self.wind.speed_m_s
        return min(self.aircraft.speed_m_s, most)


@dataclass(frozen=True, eq=False)
class SweepPlan:
    """Flights that show an area.

    Attributes
    ----------
    flights
        In the order of the path; those of one drone in its own order.
    angle_deg
        Direction of the lines, degrees counter-clockwise from east, in [0, 180).
    covered
        Share of the area that can be seen that the pictures show.
    unreachable_m2
        Area that no picture from inside can show.
    makespan_s
        From the first take-off until the last drone is back, batteries changed in between.
    bound_s
        Lower bound of the time with the camera on: area by spacing and speed.
    """

    flights: tuple[Flight, ...]
    angle_deg: float
    covered: float
    unreachable_m2: float
    makespan_s: float
    bound_s: float

    @property
    def flight_s(self) -> float:
        """Return the time in the air of all flights together."""
        return sum(flight.duration_s for flight in self.flights)


def plan_sweep(
    area: BaseGeometry,
    *,
    base: tuple[float, float],
    no_fly: Sequence[BaseGeometry] = (),
    params: SweepParams,
) -> SweepPlan:
    """Plan the flights that show an area in the least time.

    Lines run in the direction that is fastest, wind included; cells of lines are put in the
    best order; small detours show what lines leave out; the path is cut into flights that a
    battery lasts for. While pictures are taken, the aircraft is inside the area and outside
    every no-fly zone, both by the margin; on the way to the base it is outside the zones, and
    inside the area if the base is.

    Parameters
    ----------
    area
        Polygon or multipolygon, holes allowed, in a metric CRS.
    base
        Where flights begin and end, same CRS.
    no_fly
        Zones to stay out of, same CRS.

    Raises
    ------
    GeometryError
        The area is empty or no polygon, or a zone or narrow ground leaves nowhere to fly.
    InputError
        The base lies in a zone, the wind is too strong, or a battery does not last.

    References
    ----------
    Choset, H. (2000), doi:10.1023/A:1008958800904.
    """
    free, zones = _free_ground(area, no_fly, base)
    if not params.speed_m_s > 0:
        msg = "the camera takes pictures too seldom for this height, overlap and wind: fly higher"
        raise InputError(msg)
    region = shrink(free, margin_m=params.margin_m, detail_m=_detail(params))
    if region.is_empty:
        msg = f"nowhere to fly: no part of the area is {2 * params.margin_m:g} m wide and free"
        raise GeometryError(msg)
    ferry = _ferry_space(free, region, zones, base, params)
    seeable = only_polygons(free.intersection(region.buffer(_half(params.footprint))))
    angles = [np.radians(params.angle_deg)] if params.angle_deg is not None else None
    inside = FlightSpace(region)
    drawn = [
        _draw(seeable, inside, ferry, base, angle, params)
        for angle in (angles or _promising(seeable, params))
    ]
    chains, angle, covered = min(
        drawn, key=lambda found: (_lack(found[2], params), _tour_time(found[0], base, params))
    )
    crew = Crew(
        base, params.height_m, params.aircraft, params.drones, params.wind, params.speed_m_s
    )
    flights = split_flights(chains, crew=crew, inside=inside, ferry=ferry)
    return SweepPlan(
        flights=flights,
        angle_deg=float(np.degrees(angle) % 180.0),
        covered=covered,
        unreachable_m2=max(free.area - seeable.area, 0.0),
        makespan_s=crew.makespan(flights),
        bound_s=seeable.area / (params.spacing_m * params.speed_m_s),
    )


def _half(footprint: Footprint) -> float:
    return min(footprint.across_m, footprint.along_m) / 2


def _detail(params: SweepParams) -> float:
    return min(params.footprint.along_m / 40, 1.0)


def _free_ground(
    area: BaseGeometry, no_fly: Sequence[BaseGeometry], base: tuple[float, float]
) -> tuple[BaseGeometry, BaseGeometry]:
    if area.is_empty or shapely.get_dimensions(area) != 2 or not np.isfinite(area.bounds).all():
        msg = f"the area to sweep must be a polygon in metres, got {area.geom_type}"
        raise GeometryError(msg)
    zones = shapely.union_all([shapely.make_valid(zone) for zone in no_fly])
    if zones.intersects(shapely.Point(base)):
        msg = f"the base at {base[0]:.1f}, {base[1]:.1f} lies in a no-fly zone: choose another"
        raise InputError(msg)
    free = only_polygons(shapely.difference(shapely.make_valid(area), zones))
    if free.is_empty:
        msg = "nowhere to fly: no-fly zones cover the whole area"
        raise GeometryError(msg)
    return free, zones


def _ferry_space(
    free: BaseGeometry, region: BaseGeometry, zones: BaseGeometry, base: tuple[float, float],
    params: SweepParams,
) -> FlightSpace:  # fmt: skip
    """Return where to fly to and from the base: inside the area if it is in one piece with it."""
    point = np.array([base])
    for margin, detail in ((params.margin_m, _detail(params)), (0.0, 0.2)):
        inside = FlightSpace(shrink(free, margin_m=margin, detail_m=detail))
        if inside.holds(point)[0] and len(shapely.get_parts(inside.region)) == 1:
            return inside if margin == 0 or inside.region.equals(region) else FlightSpace(region)
    corners = shapely.union_all([free, shapely.Point(base), zones])
    around = corners.convex_hull.buffer(20 * params.margin_m + 200)
    away = params.margin_m
    while away > 0.1 and zones.buffer(away).intersects(shapely.Point(base)):
        away /= 2
    return FlightSpace(only_polygons(around - zones.buffer(away, join_style="mitre")))


def _promising(seeable: BaseGeometry, params: SweepParams) -> list[float]:
    """Return the directions of lines that promise the shortest flight, in radians."""
    outlines = shapely.get_rings(shapely.simplify(shapely.get_parts(seeable), 2.0))
    edges = np.vstack([np.diff(shapely.get_coordinates(ring), axis=0) for ring in outlines])
    longest = edges[np.argsort(-np.hypot(*edges.T), kind="stable")[:12]]
    own = np.arctan2(longest[:, 1], longest[:, 0]) % np.pi
    angles = np.unique(np.concatenate([own, np.radians(np.arange(0.0, 180.0, _EVERY_DEG))]))
    guesses = np.array([_guess(seeable, angle, params) for angle in angles])
    chosen: list[float] = []
    for i in np.argsort(guesses, kind="stable"):
        apart = [abs((angles[i] - a + np.pi / 2) % np.pi - np.pi / 2) for a in chosen]
        if all(gap > np.radians(2.0) for gap in apart):
            chosen.append(float(angles[i]))
        if len(chosen) == _FINALISTS:
            break
    return chosen


def _guess(seeable: BaseGeometry, angle: float, params: SweepParams) -> float:
    """Return a first guess of the flight time with lines along an angle."""
    area, footprint = turn_by(seeable, -angle), params.footprint
    length = strip_lengths(area, spacing_m=params.spacing_m, footprint=footprint)
    way = np.array([[np.cos(angle), np.sin(angle)]])
    speeds = ground_speeds(np.vstack([way, -way]), speed_m_s=params.speed_m_s, wind=params.wind)
    turn = params.speed_m_s / params.aircraft.acceleration_m_s2
    turn += params.spacing_m / params.speed_m_s
    flown = np.maximum(length - footprint.along_m, 0.0).sum()
    return float(flown * (1 / speeds).mean() + turn * len(length))


def _draw(
    seeable: BaseGeometry, inside: FlightSpace, ferry: FlightSpace, base: tuple[float, float],
    angle: float, params: SweepParams,
) -> tuple[list[Floats], float, float]:  # fmt: skip
    """Return the chains of a sweep in flying order, its angle, and the share that it shows."""
    area, space = turn_by(seeable, -angle), TurnedSpace(inside, angle)
    wind = replace(params.wind, from_deg=params.wind.from_deg + np.degrees(angle))
    lines = draw_lines(area, space.region, spacing_m=params.spacing_m, footprint=params.footprint)
    cells = [cell_paths(lines, cell, space.path) for cell in group_cells(lines, space.sees)]
    if not cells:
        cells = [[turn_points(_somewhere(inside.region), -angle)] * 4]
    time = partial(path_time, aircraft=params.aircraft, speed_m_s=params.speed_m_s, wind=wind)
    around = TurnedSpace(ferry, angle)
    at = turn_points(np.array([base]), -angle)
    costs = _tour_costs(cells, space, around, at, np.array([[time(w) for w in c] for c in cells]),
                        params.speed_m_s)  # fmt: skip
    chains = [cells[cell][way] for cell, way in order_cells(costs)]
    chains = close_gaps(chains, area, space, footprint=params.footprint, share=params.coverage)
    covered = area.intersection(seen_along(chains, params.footprint)).area / area.area
    return [turn_points(chain, angle) for chain in chains], angle, covered


def _somewhere(region: BaseGeometry) -> Floats:
    return shapely.get_coordinates(shapely.point_on_surface(region))


def _tour_costs(
    cells: list[list[Floats]], space: TurnedSpace, around: TurnedSpace, base: Floats,
    inner: Floats, speed_m_s: float,
) -> TourCosts:  # fmt: skip
    starts = np.array([way[0] for cell in cells for way in cell])
    ends = np.array([way[-1] for cell in cells for way in cell])
    between = space.distances(ends, starts)
    if not np.isfinite(between).all():
        between = np.where(np.isfinite(between), between, around.distances(ends, starts))
    k = len(cells)
    return TourCosts(
        inner=inner,
        between=between.reshape(k, 4, k, 4) / speed_m_s,
        first=around.distances(base, starts).reshape(k, 4) / speed_m_s,
        last=around.distances(ends, base).reshape(k, 4) / speed_m_s,
    )


def _lack(covered: float, params: SweepParams) -> float:
    """Return by how much a sweep misses the coverage, in steps that matter."""
    return round(max(params.coverage - covered, 0.0), 3)


def _tour_time(chains: list[Floats], base: tuple[float, float], params: SweepParams) -> float:
    path = np.vstack([[base], *chains, [base]])
    return path_time(path, params.aircraft, speed_m_s=params.speed_m_s, wind=params.wind)
