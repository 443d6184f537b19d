"""How fast a patrol moves on each kind of road, on foot and by car."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import InputError

Mode = Literal["foot", "vehicle"]
Floats = npt.NDArray[np.float64]

# Kilometres an hour by the `highway` value of OpenStreetMap: what a car at patrol pace makes in
# a town, turns and lights included. They are defaults to be replaced by what is measured.
VEHICLE_KMH: Mapping[str, float] = MappingProxyType(
    {
        "motorway": 70.0, "motorway_link": 45.0, "trunk": 55.0, "trunk_link": 40.0,
        "primary": 40.0, "primary_link": 30.0, "secondary": 35.0, "secondary_link": 28.0,
        "tertiary": 30.0, "tertiary_link": 25.0, "unclassified": 25.0, "residential": 20.0,
        "road": 20.0, "living_street": 10.0, "service": 12.0, "track": 12.0,
    }
)  # fmt: skip
NO_FOOT = frozenset({"motorway", "motorway_link", "trunk_link"})
NO_VEHICLE = frozenset(
    {
        "footway", "pedestrian", "path", "steps", "cycleway", "bridleway", "corridor",
        "rest_area", "services", "raceway",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Speeds:
    """Speeds by kind of road.

    Attributes
    ----------
    foot_kmh
        Walking pace; `steps_kmh` on stairs.
    vehicle_kmh
        By kind; a kind that is not named and not for walkers gets `other_kmh`.
    """

    foot_kmh: float = 4.5
    steps_kmh: float = 2.0
    vehicle_kmh: Mapping[str, float] = field(default_factory=lambda: VEHICLE_KMH)
    other_kmh: float = 15.0

    def __post_init__(self) -> None:
        for speed in (self.foot_kmh, self.steps_kmh, self.other_kmh, *self.vehicle_kmh.values()):
            if not 0 < speed < 200:
                msg = f"a speed of {speed:g} km/h cannot be; give one above 0 and below 200"
                raise InputError(msg)

    def metres_a_second(self, kinds: pd.Series[str], mode: Mode) -> Floats:
        """Return the speed on each kind, 0 where `mode` may not go. Shape ``(n,)``, m/s."""
        kind = kinds.fillna("road").astype(str)
        if mode == "foot":
            kmh = np.where(kind == "steps", self.steps_kmh, self.foot_kmh)
            return np.where(kind.isin(NO_FOOT), 0.0, kmh) / 3.6
        given = kind.map(dict(self.vehicle_kmh)).fillna(self.other_kmh).to_numpy(dtype=np.float64)
        return np.where(kind.isin(NO_VEHICLE), 0.0, given) / 3.6
