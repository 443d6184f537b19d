"""Seconds between places of a patrol: along the roads, or straight where there are none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from geo.network.build import RoadNetwork
from geo.network.speeds import Mode, Speeds
from geo.network.travel import Places, find_ways, place_on_network, trace_way

Floats = npt.NDArray[np.float64]

# What a town's streets add to the straight line, and the pace of a car over it.
DETOUR = 1.3
VEHICLE_KMH = 20.0


@dataclass(frozen=True, eq=False)
class Site:
    """The ground that is travelled.

    Attributes
    ----------
    network
        The roads; None or empty: there are none, and ways are straight.
    speeds
        By kind of road.
    reach_m
        How far a stop may lie from the nearest road.
    """

    network: RoadNetwork | None
    speeds: Speeds = field(default_factory=Speeds)
    reach_m: float = 300.0

    @property
    def on_roads(self) -> bool:
        """Whether there are roads."""
        return self.network is not None and len(self.network.segments) > 0


@dataclass(frozen=True, eq=False)
class Travel:
    """Times between places, and where they are on the roads.

    Attributes
    ----------
    seconds
        By mode, shape ``(n, n)``; infinite where there is no way.
    metres
        By mode, shape ``(n, n)``.
    places
        By mode: the places on the network; empty without roads.
    xy
        Shape ``(n, 2)``, metres.
    """

    seconds: Mapping[Mode, Floats]
    metres: Mapping[Mode, Floats]
    places: Mapping[Mode, Places]
    xy: Floats

    @property
    def on_roads(self) -> bool:
        """Whether the times are along roads."""
        return bool(self.places)


def measure_travel(site: Site, xy: Floats, *, modes: Collection[Mode]) -> Travel:
    """Measure all ways between places.

    Parameters
    ----------
    xy
        Shape ``(n, 2)``, metres in the network's system.
    modes
        What to measure for.

    Raises
    ------
    NotFoundError
        If there are roads, but none for one of the modes.
    """
    wanted = sorted(set(modes))
    if site.network is None or not site.on_roads:
        crow = DETOUR * np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
        pace: Mapping[Mode, float] = {
            "foot": site.speeds.foot_kmh / 3.6, "vehicle": VEHICLE_KMH / 3.6
        }  # fmt: skip
        return Travel({m: crow / pace[m] for m in wanted}, dict.fromkeys(wanted, crow), {}, xy)
    places = {
        mode: place_on_network(
            site.network, xy, mode=mode, speeds=site.speeds, reach_m=site.reach_m
        )
        for mode in wanted
    }
    ways = {mode: find_ways(places[mode]) for mode in wanted}
    return Travel(
        {mode: way.seconds for mode, way in ways.items()},
        {mode: way.metres for mode, way in ways.items()},
        places,
        xy,
    )


def draw_way(travel: Travel, mode: Mode, order: list[int]) -> shapely.LineString:
    """Return the line through places in order: along the roads, or straight without them."""
    if len(order) < 2:
        order = order * 2
    if mode in travel.places:
        return trace_way(travel.places[mode], np.asarray(order, dtype=np.int64))
    return shapely.LineString(travel.xy[order])
