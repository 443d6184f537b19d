"""Why a grid gets its hours: the figures, and the same in words, Chinese and English."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics.steps import Step

Lang = Literal["zh", "en"]

_STEP_ZH = {"hour": "小时", "day": "天", "week": "周", "month": "个月"}
_EVERY_ZH = {"hour": "每小时", "day": "每天", "week": "每周", "month": "每月"}
UNIT_WORDS = {
    "foot": ("步巡", "on foot"),
    "vehicle": ("车巡", "by vehicle"),
    "drone": ("无人机", "by drone"),
    "camera_desk": ("视频巡查", "by camera desk"),
    "volunteer": ("志愿者", "by volunteers"),
    "joint": ("联合巡查", "by a joint team"),
}
# Above this, what is believed of a trend rests on weak evidence, and the words say so.
PROVEN_Q = 0.10
# A change of a grid's share of need by the correction of finds that is worth saying.
SAID_FROM = 0.0005


@dataclass(frozen=True)
class Reason:
    """The figures behind the hours of one grid.

    Attributes
    ----------
    hours, explore_h, trend_h
        Hours in all, of these to explore, and more than level alone would have given.
    floor_h, cap_h, at_floor, at_cap
        The bounds, and whether one of them decides.
    level
        Reports a step, all classes, not weighted.
    driver_zh, driver_en
        Name of the class whose trend moves the need most; empty when there is none.
    change, q_value, belief
        The driver's rise over the recent steps (0.38 is 38 % up), its q-value, and the share
        of its slope that was used. None: not known.
    recent_steps, step
        The recent past, such as 6 weeks.
    unknown
        Nothing was ever reported here: unknown, not safe.
    expected, expected_low, expected_high
        Forecast reports of the next step, all classes, and the ends of their interval. None:
        there is no forecast, and hours follow level and proven trends.
    interval
        Probability of that interval.
    driver
        Code of the driver's class; empty when there is none.
    when_zh, when_en, unit_kind
        Of a row of one shift and kind of unit: which; empty of a grid's whole day.
    need, covered
        Of such a row: reports of the shift that such a unit sees to, and how many of them its
        hours are expected to cover. None of a whole day.
    hour_more, hour_less
        Of such a row: reports that an hour more there would cover, and an hour less (or all of a
        shorter row) uncover. None of a whole day.
    found, share_before, share_after
        What patrols found there in the data window, and the grid's share of need with finds as
        they come and corrected for effort; None where effort is unknown.
    surprise_h
        Hours that were drawn by lot, so that nobody can foretell them.
    held_by
        Who asked to hold the grid at its floor to compare with; empty otherwise.
    """

    hours: float
    explore_h: float
    trend_h: float
    floor_h: float
    cap_h: float
    at_floor: bool
    at_cap: bool
    level: float
    driver_zh: str
    driver_en: str
    change: float | None
    q_value: float | None
    belief: float
    recent_steps: int
    step: Step
    unknown: bool
    expected: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    interval: float = 0.9
    driver: str = ""
    when_zh: str = ""
    when_en: str = ""
    unit_kind: str = ""
    need: float | None = None
    covered: float | None = None
    surprise_h: float = 0.0
    held_by: str = ""
    hour_more: float | None = None
    hour_less: float | None = None
    found: float = 0.0
    share_before: float | None = None
    share_after: float | None = None


def explain(reason: Reason, lang: Lang) -> str:
    """Return a reason in words.

    Parameters
    ----------
    reason
        The figures.
    lang
        ``"zh"`` or ``"en"``.

    Examples
    --------
    >>> figures = Reason(
    ...     hours=3.5, explore_h=0.25, trend_h=1.5, floor_h=0.5, cap_h=8.0, at_floor=False,
    ...     at_cap=False, level=12.3, driver_zh="暴露垃圾", driver_en="dumping", change=0.38,
    ...     q_value=0.004, belief=0.88, recent_steps=6, step="week", unknown=False)
    >>> explain(figures, "en")
    '3.50 h, of these +1.50 h by trend: dumping up 38 % in 6 weeks (q < 0.01); 12.3 reports a \
week; floor met, cap not reached; 0.25 h to explore'
    >>> explain(figures, "zh")
    '3.50小时，其中趋势+1.50小时：暴露垃圾6周上升38%（q<0.01）；每周12.3件；已达下限，未到上限；含探索0.25小时'
    """
    if lang == "zh":
        parts = [_head_zh(reason), *_row_zh(reason), *_level_zh(reason), _bounds_zh(reason)]
        parts += _bias_zh(reason)
        if reason.explore_h > 0:
            parts.append(f"含探索{reason.explore_h:.2f}小时")
        if reason.surprise_h > 0:
            parts.append(f"含抽签{reason.surprise_h:.2f}小时")
        return "；".join(parts)
    parts = [_head_en(reason), *_row_en(reason), *_level_en(reason), _bounds_en(reason)]
    parts += _bias_en(reason)
    if reason.explore_h > 0:
        parts.append(f"{reason.explore_h:.2f} h to explore")
    if reason.surprise_h > 0:
        parts.append(f"{reason.surprise_h:.2f} h by lot")
    return "; ".join(parts)


def _row_en(reason: Reason) -> list[str]:
    if reason.need is None or reason.covered is None:
        return []
    said = f"covers {reason.covered:.2f} of {reason.need:.2f} reports expected then"
    if reason.hour_more is None or reason.hour_less is None:
        return [said]
    return [said + f" (an hour more +{reason.hour_more:.2f}, less -{reason.hour_less:.2f})"]


def _row_zh(reason: Reason) -> list[str]:
    if reason.need is None or reason.covered is None:
        return []
    said = f"本班预计{reason.need:.2f}件，可覆盖{reason.covered:.2f}件"
    if reason.hour_more is None or reason.hour_less is None:
        return [said]
    return [said + f"（多一小时+{reason.hour_more:.2f}，少一小时-{reason.hour_less:.2f}）"]


def _moved_by_bias(reason: Reason) -> bool:
    """Return whether counting finds as they come would have moved the grid's share of need."""
    if reason.found <= 0 or reason.share_before is None:
        return False
    after = reason.share_after
    return after is None or abs(after - reason.share_before) >= SAID_FROM


def _bias_en(reason: Reason) -> list[str]:
    if not _moved_by_bias(reason):
        return []
    after = "unknown, no hours recorded" if reason.share_after is None else (
        f"{reason.share_after:.1%} of need"
    )  # fmt: skip
    return [
        f"{reason.found:.0f} patrol finds set aside: {reason.share_before:.1%} of need as they "
        f"come, corrected for effort {after}"
    ]


def _bias_zh(reason: Reason) -> list[str]:
    if not _moved_by_bias(reason):
        return []
    after = "不明（无巡查时长）" if reason.share_after is None else f"{reason.share_after:.1%}"
    return [
        f"巡查发现{reason.found:.0f}件未直接计入：校正前占需求{reason.share_before:.1%}，"
        f"按巡查时长校正后{after}"
    ]


MOST_PARTS = 12
"""Rows of a place that are named one by one, a day's; a week's are told by kind of unit."""


def explain_parts(parts: Sequence[tuple[str, str, str, float]], longest: str, lang: Lang) -> str:
    """Return who goes when to a place, and why.

    Parameters
    ----------
    parts
        Of each row its shift's name in Chinese and in English, its kind of unit, its hours.
    longest
        The reason of the longest row; it stands alone where there is only one.

    Examples
    --------
    >>> two = [("早班", "early", "foot", 1.0), ("晚班", "late", "drone", 0.25)]
    >>> explain_parts(two, "1.00 h: no report in the last 6 weeks", "en")
    '1.25 h (early on foot 1.00, late by drone 0.25). 1.00 h: no report in the last 6 weeks'
    >>> explain_parts(two[:1], "1.00 h: no report in the last 6 weeks", "en")
    '1.00 h: no report in the last 6 weeks'
    >>> explain_parts(two * 7, "1.00 h: no report", "en")
    '8.75 h (on foot 7.00 in 7 shifts, by drone 1.75 in 7 shifts). 1.00 h: no report'
    """
    if len(parts) == 1:
        return longest
    total = sum(part[3] for part in parts)
    if len(parts) > MOST_PARTS:
        each = _by_kind(parts, lang)
    elif lang == "zh":
        each = [f"{zh}{UNIT_WORDS[kind][0]}{h:.2f}" for zh, _, kind, h in parts]
    else:
        each = [f"{en} {UNIT_WORDS[kind][1]} {h:.2f}" for _, en, kind, h in parts]
    if lang == "zh":
        return f"共{total:.2f}小时（{'、'.join(each)}）。{longest}"
    return f"{total:.2f} h ({', '.join(each)}). {longest}"


def _by_kind(parts: Sequence[tuple[str, str, str, float]], lang: Lang) -> list[str]:
    told = []
    for kind in dict.fromkeys(part[2] for part in parts):
        hours = [part[3] for part in parts if part[2] == kind]
        words = UNIT_WORDS[kind]
        if lang == "zh":
            told.append(f"{words[0]}{len(hours)}个班次{sum(hours):.2f}")
        else:
            shifts = "shift" if len(hours) == 1 else "shifts"
            told.append(f"{words[1]} {sum(hours):.2f} in {len(hours)} {shifts}")
    return told


def _head_en(reason: Reason) -> str:
    head = f"{reason.hours:.2f} h"
    if reason.when_en:
        head += f" {reason.when_en} {UNIT_WORDS[reason.unit_kind][1]}"
    if reason.unknown:
        return f"{head}: nothing was reported here, so need is unknown, not zero and not safe"
    if reason.trend_h:
        whose = "by trend" if reason.belief > 0 else "through trends elsewhere"
        whose = whose if reason.expected is None else "by forecast"
        head += f", of these {reason.trend_h:+.2f} h {whose}"
    return f"{head}: {_trend_en(reason)}"


def _trend_en(reason: Reason) -> str:
    name = reason.driver_en
    if not name:
        return f"no report in the last {_span_en(reason)}"
    if reason.q_value is None or reason.belief == 0:
        tested = "not tested" if reason.q_value is None else f"q = {reason.q_value:.2f}"
        return f"{name} leads, no proven trend ({tested})"
    weak = "weak evidence, " if reason.q_value > PROVEN_Q else ""
    proof = weak + _q(reason.q_value, " ")
    if reason.change is None:
        return f"{name} up from nothing in {_span_en(reason)} ({proof})"
    if reason.change == 0:
        return f"{name} moves, but its median change is 0 ({proof})"
    if reason.change <= -1:
        return f"{name} down to hardly any in {_span_en(reason)} ({proof})"
    way = "up" if reason.change > 0 else "down"
    return f"{name} {way} {abs(reason.change):.0%}".replace("%", " %") + (
        f" in {_span_en(reason)} ({proof})"
    )


def _span_en(reason: Reason) -> str:
    plural = "" if reason.recent_steps == 1 else "s"
    return f"{reason.recent_steps} {reason.step}{plural}"


def _level_en(reason: Reason) -> list[str]:
    article = "an" if reason.step == "hour" else "a"
    if reason.unknown:
        return []
    level = f"{reason.level:.1f} reports {article} {reason.step}"
    if reason.expected is None:
        return [level]
    return [f"{level}, {reason.expected:.1f} expected next {reason.step} ({_interval(reason)})"]


def _bounds_en(reason: Reason) -> str:
    if reason.held_by:
        return f"held at the floor of {reason.floor_h:.2f} h to compare with, by {reason.held_by}"
    if reason.at_cap:
        return f"held at the cap of {reason.cap_h:.2f} h"
    if reason.at_floor:
        return f"held at the floor of {reason.floor_h:.2f} h"
    return "floor met, cap not reached"


def _head_zh(reason: Reason) -> str:
    head = f"{reason.hours:.2f}小时"
    if reason.when_zh:
        head = f"{reason.when_zh}{UNIT_WORDS[reason.unit_kind][0]}{head}"
    if reason.unknown:
        return f"{head}：本网格无上报数据，情况不明，不等于没有需求，更不等于安全"
    if reason.trend_h:
        whose = "其中趋势" if reason.belief > 0 else "其中受其他网格趋势影响"
        whose = whose if reason.expected is None else "其中预测"
        head += f"，{whose}{reason.trend_h:+.2f}小时"
    return f"{head}：{_trend_zh(reason)}"


def _trend_zh(reason: Reason) -> str:
    span = f"{reason.recent_steps}{_STEP_ZH[reason.step]}"
    name = reason.driver_zh
    if not name:
        return f"最近{span}无上报"
    if reason.q_value is None or reason.belief == 0:
        tested = "未检验" if reason.q_value is None else f"q={reason.q_value:.2f}"
        return f"{name}为主，趋势不显著（{tested}）"
    proof = ("证据弱，" if reason.q_value > PROVEN_Q else "") + _q(reason.q_value, "")
    if reason.change is None:
        return f"{name}{span}内从无到有（{proof}）"
    if reason.change == 0:
        return f"{name}有趋势，但变化中位数为0（{proof}）"
    if reason.change <= -1:
        return f"{name}{span}降至极少（{proof}）"
    way = "上升" if reason.change > 0 else "下降"
    return f"{name}{span}{way}{abs(reason.change):.0%}（{proof}）"


def _level_zh(reason: Reason) -> list[str]:
    if reason.unknown:
        return []
    level = f"{_EVERY_ZH[reason.step]}{reason.level:.1f}件"
    if reason.expected is None:
        return [level]
    step = _STEP_ZH[reason.step]
    return [f"{level}，预计下{step}{reason.expected:.1f}件（{_interval(reason)}）"]


def _interval(reason: Reason) -> str:
    return f"{reason.interval:.0%}: {reason.expected_low:.0f}–{reason.expected_high:.0f}"


def _bounds_zh(reason: Reason) -> str:
    if reason.held_by:
        return f"应{reason.held_by}要求保持下限{reason.floor_h:.2f}小时作对照"
    if reason.at_cap:
        return f"已到上限{reason.cap_h:.2f}小时"
    if reason.at_floor:
        return f"保持下限{reason.floor_h:.2f}小时"
    return "已达下限，未到上限"


def _q(value: float, space: str) -> str:
    for bound in (0.001, 0.01, 0.05, 0.10):
        if value < bound:
            return f"q{space}<{space}{bound:g}"
    return f"q{space}={space}{math.ceil(value * 100) / 100:.2f}"
