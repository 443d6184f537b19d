"""The thirty classes of problems of the simulated district, and how each of them behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SCHEME = "gridbeat-demo"
VERSION = "1"
FOUND_BY = ("resident", "patrol", "camera", "drone", "sensor", "other")
GROUPS = {
    "01": ("市容环境", "City appearance"),
    "02": ("宣传广告", "Advertising"),
    "03": ("施工管理", "Construction"),
    "04": ("突发事件", "Sudden events"),
    "05": ("街面秩序", "Street order"),
    "21": ("治安隐患", "Public order hazards"),
    "22": ("矛盾纠纷", "Disputes"),
    "23": ("消防与安全隐患", "Fire and safety hazards"),
    "24": ("公共服务", "Public services"),
    "25": ("物业管理", "Property management"),
    "26": ("特殊天气", "Severe weather"),
}
DRIVERS = ("uniform", "homes", "shops", "arterial", "streets", "green", "water", "industry")


@dataclass(frozen=True)
class ProblemClass:
    """One class and the law that its background incidents follow.

    Attributes
    ----------
    code, name, name_en
        Four digits (two for the group) and names.
    weight
        Share of all background incidents; the shares need not sum to 1.
    drivers
        What the background is spread by, weights over `DRIVERS`.
    peaks
        Busy hours: (hour, spread in hours, weight); the rest of the day is flat.
    weekend
        Rate on a Saturday or Sunday relative to a working day.
    season
        Day of the year of the peak and relative amplitude (0 to 1).
    found
        Share of the incidents that each finder reports where it looks, `FOUND_BY` order;
        what is left is never reported.
    """

    code: str
    name: str
    name_en: str
    weight: float
    drivers: dict[str, float]
    peaks: tuple[tuple[float, float, float], ...]
    weekend: float
    found: tuple[float, float, float, float, float, float]
    season: tuple[float, float] = (200.0, 0.0)
    triggers: float = 0.0
    trigger_m: float = 0.0
    trigger_days: float = 0.0
    group: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the group from the code."""
        object.__setattr__(self, "group", self.code[:2])


MORNING = ((7.5, 1.8, 0.7),)
DAY = ((10.0, 2.2, 0.4), (15.5, 2.2, 0.4))
EVENING = ((19.5, 1.8, 0.8),)
NIGHT = ((22.5, 1.6, 0.8),)
COMMUTE = ((8.2, 1.0, 0.4), (18.0, 1.4, 0.45))
HOMES = {"uniform": 0.62, "homes": 0.38}
SHOPS = {"uniform": 0.58, "homes": 0.22, "shops": 0.2}
ROADS = {"uniform": 0.6, "arterial": 0.15, "streets": 0.25}

CLASSES = (
    ProblemClass("0101", "私搭乱建", "Illegal construction", 2.2, HOMES, DAY, 0.8,
                 (0.40, 0.30, 0.0, 0.15, 0.0, 0.05)),
    ProblemClass("0102", "暴露垃圾", "Exposed rubbish", 8.0, HOMES, MORNING, 1.1,
                 (0.35, 0.40, 0.10, 0.03, 0.0, 0.02)),
    ProblemClass("0103", "积存垃圾渣土", "Dumped debris", 3.6, {"uniform": 0.7, "streets": 0.3},
                 NIGHT, 1.0, (0.35, 0.30, 0.05, 0.15, 0.0, 0.05),
                 triggers=0.22, trigger_m=60.0, trigger_days=8.0),
    ProblemClass("0104", "道路不洁", "Dirty road", 5.4, ROADS, MORNING, 1.0,
                 (0.25, 0.45, 0.15, 0.0, 0.0, 0.05)),
    ProblemClass("0105", "水域不洁", "Dirty water", 1.2, {"water": 0.9, "uniform": 0.1}, DAY, 1.1,
                 (0.35, 0.20, 0.05, 0.30, 0.0, 0.05)),
    ProblemClass("0106", "绿地脏乱", "Littered green space", 2.2, {"green": 0.6, "uniform": 0.4},
                 DAY, 1.5, (0.35, 0.40, 0.02, 0.10, 0.0, 0.03)),
    ProblemClass("0107", "废弃车辆", "Abandoned vehicle", 1.6, ROADS, DAY, 0.9,
                 (0.45, 0.35, 0.05, 0.02, 0.0, 0.08)),
    ProblemClass("0110", "道路破损", "Damaged road surface", 3.0, ROADS, DAY, 0.8,
                 (0.50, 0.30, 0.02, 0.03, 0.0, 0.10)),
    ProblemClass("0115", "焚烧垃圾树叶", "Burning of rubbish or leaves", 1.4,
                 {"uniform": 0.7, "green": 0.3}, ((17.0, 2.2, 0.6),), 1.1,
                 (0.35, 0.15, 0.02, 0.20, 0.20, 0.02), season=(320.0, 0.3)),
    ProblemClass("0116", "油烟污染", "Cooking fumes", 2.4, SHOPS,
                 ((12.0, 1.0, 0.35), (18.8, 1.4, 0.5)), 1.2, (0.60, 0.10, 0.0, 0.0, 0.20, 0.03)),
    ProblemClass("0201", "非法小广告", "Illegal stickers and leaflets", 5.0,
                 {"homes": 0.25, "streets": 0.15, "uniform": 0.6}, DAY, 0.9,
                 (0.20, 0.60, 0.04, 0.0, 0.0, 0.02),
                 triggers=0.30, trigger_m=70.0, trigger_days=3.0),
    ProblemClass("0301", "施工扰民", "Construction noise at night", 3.4, HOMES, NIGHT, 0.9,
                 (0.80, 0.03, 0.0, 0.0, 0.10, 0.02)),
    ProblemClass("0302", "工地扬尘", "Construction dust", 1.8, {"uniform": 0.8, "industry": 0.2},
                 DAY, 0.7, (0.35, 0.15, 0.03, 0.12, 0.25, 0.03)),
    ProblemClass("0404", "下水道堵塞或破损", "Blocked or broken sewer", 3.0, HOMES, MORNING, 1.0,
                 (0.70, 0.12, 0.0, 0.0, 0.10, 0.03)),
    ProblemClass("0406", "道路积水", "Water on the road", 1.0, ROADS, DAY, 1.0,
                 (0.40, 0.20, 0.15, 0.02, 0.15, 0.03), season=(205.0, 0.8)),
    ProblemClass("0407", "道路积雪结冰", "Snow or ice on the road", 0.5, ROADS, MORNING, 1.0,
                 (0.45, 0.30, 0.10, 0.0, 0.05, 0.05), season=(15.0, 1.0)),
    ProblemClass("0501", "无照经营游商", "Unlicensed street vending", 5.2, SHOPS,
                 ((7.2, 1.2, 0.3), (18.5, 1.8, 0.5)), 1.2, (0.25, 0.45, 0.20, 0.0, 0.0, 0.02)),
    ProblemClass("0504", "店外经营", "Trading outside the shop", 5.6, SHOPS, EVENING, 1.2,
                 (0.30, 0.40, 0.20, 0.0, 0.0, 0.02)),
    ProblemClass("0505", "机动车乱停放", "Badly parked cars", 12.0,
                 {"homes": 0.2, "arterial": 0.1, "streets": 0.15, "uniform": 0.55}, COMMUTE, 0.9,
                 (0.35, 0.20, 0.35, 0.01, 0.0, 0.02)),
    ProblemClass("0506", "非机动车乱停放", "Badly parked bicycles", 6.0, SHOPS, COMMUTE, 0.9,
                 (0.30, 0.40, 0.20, 0.0, 0.0, 0.02)),
    ProblemClass("0508", "商业噪音", "Commercial noise", 4.0, SHOPS, ((21.0, 1.8, 0.8),), 1.3,
                 (0.80, 0.05, 0.0, 0.0, 0.08, 0.02)),
    ProblemClass("0510", "露天烧烤", "Open-air barbecue", 1.6, SHOPS, ((21.5, 1.6, 0.85),), 1.4,
                 (0.40, 0.30, 0.15, 0.0, 0.05, 0.02), season=(200.0, 0.5)),
    ProblemClass("2101", "盗窃类治安隐患", "Theft-type hazard", 3.0, HOMES,
                 ((3.0, 2.0, 0.4), (14.5, 2.4, 0.3)), 1.0, (0.65, 0.10, 0.10, 0.0, 0.0, 0.10),
                 triggers=0.35, trigger_m=90.0, trigger_days=5.0),
    ProblemClass("2102", "公共场所秩序", "Disorder in a public place", 2.6, SHOPS,
                 ((22.0, 2.0, 0.7),), 1.4, (0.40, 0.20, 0.25, 0.0, 0.0, 0.08)),
    ProblemClass("2201", "邻里纠纷", "Neighbour dispute", 3.6, HOMES, EVENING, 1.3,
                 (0.75, 0.15, 0.0, 0.0, 0.0, 0.05)),
    ProblemClass("2301", "消防通道堵塞", "Blocked fire lane", 4.4, HOMES, NIGHT, 1.0,
                 (0.35, 0.40, 0.12, 0.0, 0.0, 0.08)),
    ProblemClass("2302", "电动自行车违规充电", "Unsafe e-bike charging", 3.4, HOMES, NIGHT, 1.0,
                 (0.40, 0.40, 0.02, 0.0, 0.05, 0.05)),
    ProblemClass("2401", "公共设施报修", "Public facility out of order", 5.0, HOMES, DAY, 0.7,
                 (0.70, 0.18, 0.02, 0.0, 0.0, 0.05)),
    ProblemClass("2501", "物业服务投诉", "Property management complaint", 5.0,
                 {"homes": 0.45, "uniform": 0.55}, DAY, 0.8, (0.85, 0.04, 0.0, 0.0, 0.0, 0.05)),
    ProblemClass("2601", "大风暴雨险情", "Storm or heavy-rain hazard", 0.7, {"uniform": 1.0},
                 DAY, 1.0, (0.45, 0.20, 0.05, 0.10, 0.05, 0.08), season=(215.0, 0.9)),
)  # fmt: skip


def category_table() -> pd.DataFrame:
    """Return the class list as a district would publish it, one row per class."""
    return pd.DataFrame(
        [
            {
                "scheme": SCHEME,
                "version": VERSION,
                "code": item.code,
                "group_code": item.group,
                "group_name": GROUPS[item.group][0],
                "group_name_en": GROUPS[item.group][1],
                "name": item.name,
                "name_en": item.name_en,
            }
            for item in CLASSES
        ]
    )


def hour_profiles() -> NDArray[np.float64]:
    """Return the share of a day's incidents in each local hour, shape (30, 24), rows sum to 1."""
    middle = np.arange(24.0) + 0.5
    profiles = np.empty((len(CLASSES), 24))
    for number, item in enumerate(CLASSES):
        flat = 1.0 - sum(weight for _, _, weight in item.peaks)
        profiles[number] = flat / 24.0
        for hour, spread, weight in item.peaks:
            apart = (middle - hour + 12.0) % 24.0 - 12.0
            bell = np.exp(-0.5 * (apart / spread) ** 2)
            profiles[number] += weight * bell / bell.sum()
    return profiles


def day_factors(
    weekday: NDArray[np.int64], day_of_year: NDArray[np.int64], *, seasonal: bool = True
) -> NDArray[np.float64]:
    """Return each class's relative rate on each day, mean about 1.

    Parameters
    ----------
    weekday
        0 for Monday, shape (n_days,).
    day_of_year
        1 to 366, shape (n_days,).
    seasonal
        False leaves the time of the year out.

    Returns
    -------
    numpy.ndarray
        Shape (30, n_days).
    """
    weekend = np.array([item.weekend for item in CLASSES])[:, None]
    peak = np.array([item.season[0] for item in CLASSES])[:, None]
    height = np.array([item.season[1] for item in CLASSES])[:, None]
    week = np.where(weekday >= 5, weekend, 1.0) * 7.0 / (5.0 + 2.0 * weekend)
    if not seasonal:
        return week
    return np.asarray(week * (1.0 + height * np.cos(2.0 * np.pi * (day_of_year - peak) / 365.25)))
