"""Schools, hospital, park, market and other places that are one host's own ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.demo.blocks import Plan
from geo.demo.terrain import Bend


@dataclass(frozen=True)
class Facility:
    """A place with a host unit.

    Attributes
    ----------
    key
        Short stable name.
    use
        Land use that its block takes.
    name, name_en
        What it is called; invented.
    x_m, y_m
        Where it is looked for in the plan's straight frame, metres from the centre.
    area_m2
        Smallest and largest block that will do.
    exclusive
        Whether it is an exclusive grid of its own.
    """

    key: str
    use: str
    name: str
    name_en: str
    x_m: float
    y_m: float
    area_m2: tuple[float, float]
    exclusive: bool


URBAN = (9_000.0, 70_000.0)
WIDE = (60_000.0, 400_000.0)
FACILITIES = (
    Facility("park", "park", "听松公园", "Tingsong Park", -1900, 1400, WIDE, True),
    Facility("school_1", "school", "澜海第一中学", "Lanhai No. 1 School", -700, 1250, URBAN, True),
    Facility("school_2", "school", "澜海第二中学", "Lanhai No. 2 School", 1500, 350, URBAN, True),
    Facility("school_3", "school", "南岸小学", "South Bank Primary", -900, -1500, URBAN, False),
    Facility("school_4", "school", "东湾小学", "East Bay Primary", 1700, 1500, URBAN, False),
    Facility("school_5", "school", "西桥小学", "West Bridge Primary", -1900, -400, URBAN, False),
    Facility("hospital", "hospital", "澜海医院", "Lanhai Hospital", 800, 1300, URBAN, True),
    Facility("offices", "office", "海汇商务楼", "Haihui Towers", 350, -650, URBAN, True),
    Facility("mall", "retail", "潮汇商场", "Chaohui Mall", 900, -400, URBAN, False),
    Facility("hall", "public", "区行政中心", "District Hall", 250, -1150, URBAN, True),
    Facility("market", "market", "渔火夜市", "Yuhuo Night Market", -150, 420, (5e3, 4e4), False),
    Facility("works", "industry", "东澜产业园", "Donglan Works", 2300, -1700, WIDE, True),
    Facility("station", "station", "澜海站", "Lanhai Station", -2650, 300, (2e4, 2.6e5), True),
    Facility("coaches", "station", "汽车客运站", "Coach Station", -1500, -1150, URBAN, False),
    Facility("building_site", "site", "澜湾工地", "Lanwan Building Site", 1250, 1950, URBAN, False),
)


def place_facilities(
    plan: Plan, bend: Bend, *, facilities: tuple[Facility, ...] = FACILITIES
) -> NDArray[np.int64]:
    """Return the block of each facility: the nearest free one of a fitting size.

    Parameters
    ----------
    plan
        Blocks of the town.
    bend
        Map from the plan's straight frame to the metric CRS.
    facilities
        What to place, in this order.

    Returns
    -------
    numpy.ndarray
        Block numbers, shape (len(facilities),), all different.
    """
    centre = shapely.get_coordinates(shapely.centroid(plan.blocks))
    area = shapely.area(plan.blocks)
    free = ~np.isin(plan.use, ["water", "beach"])
    chosen = np.empty(len(facilities), dtype=np.int64)
    for number, facility in enumerate(facilities):
        anchor = bend(np.array([[facility.x_m, facility.y_m]]))[0]
        fits = free & (area >= facility.area_m2[0]) & (area <= facility.area_m2[1])
        if np.any(fits & (plan.use == facility.use)):
            fits &= plan.use == facility.use
        away = np.where(fits, np.hypot(*(centre - anchor).T), np.inf)
        chosen[number] = int(np.argmin(away))
        free[chosen[number]] = False
    return chosen
