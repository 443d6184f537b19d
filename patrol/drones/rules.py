"""What a flight may do: the rules, the answer of a preflight check, and its words.

The rules are those of China's Interim Regulations on Unmanned Aircraft Flight, in force since
2024-01-01. They are an aid: the air traffic authority decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weight = Literal["refused", "application"]
LIMIT_M, MICRO_LIMIT_M = 120.0, 50.0
# Distance that flights keep from zones and from crowds: Gridbeat's, not the law's.
ZONE_MARGIN_M, CROWD_MARGIN_M = 10.0, 50.0
EMERGENCY_LEAD = timedelta(minutes=30)
CONFIRM_LEAD = timedelta(hours=1)
DUE_AT = time(12)

KIND_NAMES: dict[str, tuple[str, str]] = {
    "prohibited": ("空中禁区", "prohibited area"),
    "restricted": ("空中限制区", "restricted area"),
    "danger": ("空中危险区", "danger area"),
    "airport": ("机场周边管制空域", "airport airspace"),
    "border": ("国（边）境沿线", "border strip"),
    "military": ("军事禁区或管理区", "military area"),
    "key_site": ("重点单位或设施", "key site"),
    "transport": ("交通设施周边", "transport corridor"),
    "water_source": ("饮用水水源保护区", "water source"),
    "heritage": ("文物或纪念场所", "heritage site"),
    "temporary": ("临时管制空域", "temporary control"),
    "crowd": ("人员密集区域", "crowd"),
    "other_controlled": ("其他管制空域", "controlled airspace"),
}
FLAT = (
    "未提供地形，按平坦地面计算真高：起伏处须另行核对。",
    "No terrain was given: true heights assume flat ground. Check them where it is not.",
)


@dataclass(frozen=True)
class Breach:
    """A rule that a flight breaks.

    Attributes
    ----------
    weight
        ``refused``: not with an approval either. ``application``: only with one.
    rule
        Its short name.
    legs
        Numbers of the legs, the first from the base is 1; 0 is the climb there, and one more
        than the last is the descent; empty where it is about the whole flight.
    article
        Of the regulations; empty for rules of good airmanship.
    """

    weight: Weight
    rule: str
    legs: tuple[int, ...]
    article: str
    zh: str
    en: str

    def line(self) -> str:
        """Return it as one line in both languages."""
        where = f" leg 航段 {spans(self.legs)}" if self.legs else ""
        article = f" (art. {self.article})" if self.article else ""
        return f"{self.weight}{where}: {self.zh} {self.en}{article} [{self.rule}]"


@dataclass(frozen=True)
class Preflight:
    """The answer of a preflight check.

    Attributes
    ----------
    breaches
        What stands against the flight.
    approval_no
        Of an application that was approved for this flight and time.
    due_at
        When an application must be handed in; None where none is needed.
    confirm_at
        When the authority is to be called before take-off; None where none is needed.
    ground
        What true heights rest on, Chinese and English.
    """

    breaches: tuple[Breach, ...]
    approval_no: str | None
    due_at: datetime | None
    confirm_at: datetime | None
    ground: tuple[str, str]

    @property
    def needs_application(self) -> bool:
        """Say whether an application is needed."""
        return any(breach.weight == "application" for breach in self.breaches)

    @property
    def standing(self) -> tuple[Breach, ...]:
        """Return the breaches that an approval does not lift."""
        lifted = {"application"} if self.approval_no else set()
        return tuple(one for one in self.breaches if one.weight not in lifted)

    @property
    def may_fly(self) -> bool:
        """Say whether nothing stands against the flight."""
        return not self.standing


@dataclass(frozen=True)
class Craft:
    """What of an aircraft decides which rules bind it."""

    name: str
    size_class: str
    registered: bool
    network_relay: bool
    endurance_s: float
    max_wind_m_s: float | None


@dataclass(frozen=True)
class Flying:
    """When and how a flight is to be made.

    Attributes
    ----------
    takes_off_at
        With a time zone.
    together
        How many drones one crew flies at the same time.
    """

    takes_off_at: datetime
    duration_s: float
    emergency: bool = False
    together: int = 1
    wind_m_s: float = 0.0

    @property
    def lands_at(self) -> datetime:
        """Return when it ends."""
        return self.takes_off_at + timedelta(seconds=self.duration_s)


def application_due(takes_off_at: datetime, *, zone: ZoneInfo, emergency: bool) -> datetime:
    """Return when an application must be handed in (articles 26 and 29).

    12:00 local time of the day before take-off; in emergencies 30 minutes before it.
    """
    if emergency:
        return takes_off_at - EMERGENCY_LEAD
    day: date = takes_off_at.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(day, DUE_AT, zone)


def judge_height(legs: Sequence[Floats], craft: Craft) -> list[Breach]:
    """Hold true heights of legs (last column, metres) to 120 m, and micro aircraft to 50 m."""
    top = np.array([leg[:, -1].max() for leg in legs])
    low = np.array([leg[:, -1].min() for leg in legs])
    found = []
    if (low < 0).any():
        found.append(Breach(
            "refused", "into_ground", _numbers(low < 0), "",
            f"航线低于地面{-low.min():.0f}米。", f"The route runs {-low.min():.0f} m below ground.",
        ))  # fmt: skip
    if (top > LIMIT_M).any():
        found.append(Breach(
            "application", "above_120", _numbers(top > LIMIT_M), "19",
            f"真高{top.max():.0f}米，超过120米，属管制空域。",
            f"A true height of {top.max():.0f} m, above 120 m, is controlled airspace.",
        ))  # fmt: skip
    if craft.size_class == "micro" and (top > MICRO_LIMIT_M).any():
        found.append(Breach(
            "refused", "micro_above_50", _numbers(top > MICRO_LIMIT_M), "62",
            f"微型无人机真高不超过50米，此处{top.max():.0f}米。",
            f"A micro aircraft stays below 50 m true height, here it is {top.max():.0f} m.",
        ))  # fmt: skip
    return found


def judge_craft(craft: Craft, flying: Flying) -> list[Breach]:
    """Hold the aircraft and the manner of flying to the rules that concern no place."""
    found = []
    if not craft.registered:
        found.append(Breach("refused", "not_registered", (), "10", f"{craft.name}未登记实名信息。",
                            f"{craft.name} has no registration number."))  # fmt: skip
    if craft.size_class in ("medium", "large"):
        found.append(Breach("application", "size", (), "31", "中型、大型无人机飞行均须申请。",
                            "Medium and large aircraft always need an application."))  # fmt: skip
    if craft.network_relay:
        found.append(Breach(
            "application", "relay", (), "31", "通过通信基站或者互联网进行中继飞行，须申请。",
            "It is relayed over base stations or the internet: an application is needed.",
        ))  # fmt: skip
    if flying.together > 1:
        found.append(Breach(
            "application", "together", (), "31",
            f"{flying.together}架分布式操作或者集群，须申请。",
            f"{flying.together} aircraft are flown together: an application is needed.",
        ))  # fmt: skip
    if flying.duration_s > craft.endurance_s:
        found.append(Breach(
            "refused", "endurance", (), "",
            f"需飞行{flying.duration_s:.0f}秒，电池只够{craft.endurance_s:.0f}秒。",
            f"It takes {flying.duration_s:.0f} s, the battery lasts {craft.endurance_s:.0f} s.",
        ))  # fmt: skip
    if craft.max_wind_m_s is not None and flying.wind_m_s > craft.max_wind_m_s:
        found.append(Breach(
            "refused", "wind", (), "",
            f"风速{flying.wind_m_s:g}米/秒，超过抗风能力{craft.max_wind_m_s:g}米/秒。",
            f"The wind of {flying.wind_m_s:g} m/s exceeds the {craft.max_wind_m_s:g} m/s it bears.",
        ))  # fmt: skip
    return found


def judge_zone(kind: str, name: str, legs: tuple[int, ...]) -> Breach:
    """Return what touching a zone means."""
    zh, en = KIND_NAMES[kind]
    if kind == "prohibited":
        return Breach("refused", "zone_prohibited", legs, "19", f"进入{zh}“{name}”。",
                      f"It enters the {en} {name}.")  # fmt: skip
    article = "31" if kind == "crowd" else "20" if kind == "temporary" else "19"
    return Breach("application", f"zone_{kind}", legs, article, f"经过{zh}“{name}”，须申请。",
                  f"It touches the {en} {name}: an application is needed.")  # fmt: skip


def judge_deadline(due_at: datetime, *, now: datetime, sent: bool, zone: ZoneInfo) -> list[Breach]:
    """Refuse a flight whose application is due and was not handed in."""
    if sent or now <= due_at:
        return []
    when = due_at.astimezone(zone)
    return [Breach("refused", "too_late", (), "26", f"申请截止时间{when:%Y-%m-%d %H:%M}已过。",
                   f"The application was due by {when:%Y-%m-%d %H:%M}.")]  # fmt: skip


def spans(numbers: tuple[int, ...]) -> str:
    """Return numbers as text, runs of them shortened: ``2-5, 9``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _numbers(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) + 1 for i in np.flatnonzero(chosen))
