"""The whole known intensity: what happens where, when and of which class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.demo.categories import CLASSES, FOUND_BY, day_factors, hour_profiles
from geo.demo.hotspots import HOTSPOTS, Hotspot, hotspot_centres, hotspot_rates, hotspot_shares
from geo.demo.size import DemoSize
from geo.demo.surfaces import Surfaces
from geo.demo.town import Town

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Intensity:
    """Expected incidents, constant in each cell of the truth lattice and each local hour.

    The background of class c is ``class_day[c, d] * surfaces.background[c, i] *
    hours[c, h]`` incidents in cell i, day d and hour h; hotspot k adds
    ``hotspot_day[k, d] * hotspot_cell[k, i] * hours[class of k, h]``. Near repeats come on
    top: every incident of a class with ``triggers`` > 0 sets off that many more on average.

    Attributes
    ----------
    surfaces
        Background shares and the finders' reach.
    class_day
        Expected background incidents, shape (30, n_days).
    hours
        Share of a day in each hour, shape (30, 24).
    hotspots
        What is planted, n of them.
    hotspot_class
        Row of each hotspot's class, shape (n,).
    centre
        Centres in the metric CRS, shape (n, 2).
    hotspot_cell, hotspot_day
        Shares over cells, shape (n, n_cells), and expected incidents, shape (n, n_days).
    """

    surfaces: Surfaces
    class_day: Array
    hours: Array
    hotspots: tuple[Hotspot, ...]
    hotspot_class: NDArray[np.int64]
    centre: Array
    hotspot_cell: Array
    hotspot_day: Array

    @property
    def finder_reach(self) -> Array:
        """Chance that each finder looks at a cell, `FOUND_BY` order, shape (6, n_cells)."""
        surface = self.surfaces
        whole = np.ones_like(surface.patrol)
        looks = (whole, surface.patrol, surface.camera, surface.drone, surface.sensor, whole)
        reach: Array = np.stack(looks)
        return reach

    def expected(self) -> Array:
        """Return incidents that happen over all days, without near repeats, (30, n_cells)."""
        total = self.class_day.sum(axis=1)[:, None] * self.surfaces.background
        np.add.at(
            total, self.hotspot_class, self.hotspot_day.sum(axis=1)[:, None] * self.hotspot_cell
        )
        return np.asarray(total)

    def expected_found(self, found_by: str) -> Array:
        """Return what one finder reports of `expected`, shape (30, n_cells)."""
        row = FOUND_BY.index(found_by)
        share = np.array([item.found[row] for item in CLASSES])[:, None]
        return np.asarray(self.expected() * share * self.finder_reach[row])


def make_intensity(size: DemoSize, town: Town, surfaces: Surfaces) -> Intensity:
    """Combine background, calendar and planted hotspots.

    Parameters
    ----------
    size
        Days and overall level.
    town, surfaces
        Where things are.

    Returns
    -------
    Intensity
        Arrays only; nothing random is left in it.
    """
    days = pd.DatetimeIndex([size.first_day + timedelta(days=n) for n in range(size.days)])
    weekday, day_of_year = days.day_of_week.to_numpy(), days.day_of_year.to_numpy()
    weight = np.array([item.weight for item in CLASSES])
    weekly = weight / weight.sum() * size.incidents_per_week
    row = {item.code: number for number, item in enumerate(CLASSES)}
    centre = hotspot_centres(town)
    return Intensity(
        surfaces=surfaces,
        class_day=weekly[:, None] / 7.0 * day_factors(weekday, day_of_year),
        hours=hour_profiles(),
        hotspots=HOTSPOTS,
        hotspot_class=np.array([row[item.category] for item in HOTSPOTS]),
        centre=centre,
        hotspot_cell=hotspot_shares(surfaces.lattice, centre),
        hotspot_day=hotspot_rates(size, day_factors(weekday, day_of_year, seasonal=False)),
    )
