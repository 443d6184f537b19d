"""The hotspots that are planted: where, which class, and how they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.demo.categories import CLASSES
from geo.demo.size import DemoSize
from geo.demo.surfaces import CELL_M, TruthLattice
from geo.demo.town import Town

CORE_M = 200.0
KINDS = ("stationary", "growing", "fading", "seasonal")


@dataclass(frozen=True)
class Hotspot:
    """More of one class than the background, around one point.

    Attributes
    ----------
    hotspot_id, kind
        Name, and one of `KINDS`.
    category
        Code of the class.
    place
        Key of the facility it lies at, or None.
    anchor_m
        Where it lies in the plan's straight frame when it has no facility.
    radius_m
        Nothing is added beyond; the density is a Gaussian of half this spread.
    weekly_from, weekly_to
        Incidents per week before the change starts, and at the last day (for a seasonal one
        in the quietest and in the busiest week).
    change_days
        How many days before the last a growing or fading one starts to change, linearly.
    peak_day
        Day of the year on which a seasonal one peaks.
    note, note_en
        What it stands for.
    """

    hotspot_id: str
    kind: str
    category: str
    place: str | None
    anchor_m: tuple[float, float]
    radius_m: float
    weekly_from: float
    weekly_to: float
    note: str
    note_en: str
    change_days: int | None = None
    peak_day: int | None = None


HOTSPOTS = (
    Hotspot("HS01", "stationary", "0501", "market", (0, 0), 160, 12, 12,
            "夜市周边游商", "Vendors around the night market"),
    Hotspot("HS02", "stationary", "0505", "station", (0, 0), 180, 13, 13,
            "火车站周边乱停车", "Parking around the station"),
    Hotspot("HS03", "stationary", "0506", "hospital", (0, 0), 150, 11, 11,
            "医院门口非机动车", "Bicycles at the hospital gate"),
    Hotspot("HS04", "stationary", "2301", None, (40, 1020), 170, 11, 11,
            "老城消防通道堵塞", "Blocked fire lanes in the old town"),
    Hotspot("HS05", "stationary", "0115", None, (-2750, -1750), 200, 9, 9,
            "城郊焚烧，少有巡查", "Burning on the fringe, hardly patrolled"),
    Hotspot("HS06", "stationary", "0508", "mall", (0, 0), 160, 11, 11,
            "商场夜间噪音", "Noise at the mall"),
    Hotspot("HS07", "growing", "0504", None, (1500, -500), 140, 1, 60,
            "新商街店外经营增多", "A new shopping street spills outside",
            change_days=103),
    Hotspot("HS08", "fading", "0302", "building_site", (0, 0), 140, 40, 1,
            "工地扬尘逐步治理", "Dust at a building site, brought under control",
            change_days=199),
    Hotspot("HS09", "seasonal", "0510", None, (3150, 1000), 200, 0.3, 20,
            "夏季海滩烧烤", "Summer barbecues on the shore", peak_day=205),
)  # fmt: skip


def hotspot_centres(town: Town, *, hotspots: tuple[Hotspot, ...] = HOTSPOTS) -> NDArray[np.float64]:
    """Return the centre of each hotspot, in the metric CRS, shape (n, 2).

    Centres are moved to the middle of a 200 m square of round coordinates, so that a lattice
    of that size holds a hotspot's core in one cell.
    """
    ground = dict(zip(town.facilities["key"], town.facilities.geometry, strict=True))
    centres = np.empty((len(hotspots), 2))
    for number, item in enumerate(hotspots):
        if item.place is None:
            centres[number] = town.terrain.bend(np.array([item.anchor_m], dtype=np.float64))[0]
        else:
            centres[number] = shapely.get_coordinates(shapely.centroid(ground[item.place]))[0]
    return (np.floor(centres / CORE_M) + 0.5) * CORE_M


def hotspot_shares(
    lattice: TruthLattice,
    centres: NDArray[np.float64],
    *,
    hotspots: tuple[Hotspot, ...] = HOTSPOTS,
) -> NDArray[np.float64]:
    """Return how each hotspot's incidents spread over cells, shape (n, n_cells), rows sum 1."""
    land = shapely.area(lattice.ground)
    x, y = lattice.x_m + CELL_M / 2.0, lattice.y_m + CELL_M / 2.0
    radius = np.array([item.radius_m for item in hotspots])[:, None]
    away = np.hypot(x[None, :] - centres[:, :1], y[None, :] - centres[:, 1:])
    bell = np.where(away <= radius, np.exp(-2.0 * (away / radius) ** 2), 0.0) * land
    return np.asarray(bell / bell.sum(axis=1, keepdims=True))


def hotspot_rates(
    size: DemoSize,
    day_factor: NDArray[np.float64],
    *,
    hotspots: tuple[Hotspot, ...] = HOTSPOTS,
) -> NDArray[np.float64]:
    """Return expected incidents of each hotspot per day, shape (n, n_days).

    Parameters
    ----------
    size
        First and last day.
    day_factor
        Weekday factor of each class without its season, mean 1, shape (30, n_days).
    hotspots
        What is planted.
    """
    row = {item.code: number for number, item in enumerate(CLASSES)}
    day = np.arange(size.days, dtype=np.float64)
    rates = np.empty((len(hotspots), size.days))
    for number, item in enumerate(hotspots):
        low, high = item.weekly_from, item.weekly_to
        if item.peak_day is not None:
            year_day = day + size.first_day.timetuple().tm_yday
            wave = np.exp(4.0 * (np.cos(2.0 * np.pi * (year_day - item.peak_day) / 365.25) - 1.0))
            weekly = low + (high - low) * wave
        elif item.change_days is not None:
            start = size.days - 1 - item.change_days
            part = np.clip((day - start) / max(size.days - 1 - start, 1), 0.0, 1.0)
            weekly = low + (high - low) * part
        else:
            weekly = np.full(size.days, low)
        rates[number] = weekly / 7.0 * day_factor[row[item.category]]
    return rates
