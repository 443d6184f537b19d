"""An application to fly: what article 27 asks for, as data and as a page to hand in."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from patrol.drones.rules import Craft, Flying, Preflight

Floats = NDArray[np.float64]
Lang = Literal["zh", "en", "both"]
Pair = tuple[str, str]

# The thirteen items of article 27, in its order.
ITEMS: dict[str, Pair] = {
    "operator": ("单位、操控人员及资质", "Organisation, pilots and their certificates"),
    "aircraft": ("无人驾驶航空器类型、数量、性能和登记信息", "Aircraft: type, number, figures"),
    "purpose": ("飞行任务性质和飞行方式", "Purpose and manner of flight"),
    "aerodromes": ("起飞、降落和备降场地", "Places of take-off, landing and diversion"),
    "contact": ("通信联络方法", "Means of contact"),
    "times": ("预计飞行开始、结束时刻", "Expected beginning and end"),
    "route": ("航线、高度、速度、空域范围和进出方法", "Route, heights, speed, airspace"),
    "link": ("指挥控制链路无线电频率和带宽", "Control link: frequency and bandwidth"),
    "surveillance": ("通信、导航和被监视能力", "Communication, navigation, surveillance"),
    "transponder": ("二次雷达应答机代码申请", "Transponder code"),
    "emergency": ("应急处置程序", "Emergency procedure"),
    "support": ("特殊飞行保障需求", "Special support needed"),
    "other": ("其他必要信息", "Other information"),
}  # fmt: skip
TO_FILL: Pair = ("（由申请单位填写）", "(to be filled in by the applicant)")
_WORDS: dict[str, Pair] = {
    "title": ("无人驾驶航空器飞行活动申请", "Application to fly an unmanned aircraft"),
    "due": ("申请截止时间", "To be handed in by"),
    "confirm": ("起飞前报告时间", "Report readiness by"),
    "why": ("申请原因", "Why it is needed"),
    "note": (
        "依据《无人驾驶航空器飞行管理暂行条例》第二十六至三十一条编制，提交前须经人员核对。",
        "After articles 26-31 of the Interim Regulations on Unmanned Aircraft Flight. A person "
        "checks it before it is handed in.",
    ),
}


def application_items(
    *, route: Floats, craft: Craft, flying: Flying, purpose: Pair, speed_m_s: float, zone: ZoneInfo,
    operator: str | None = None, registration_no: str | None = None, ground: Pair,
) -> dict[str, dict[str, str]]:  # fmt: skip
    """Return the thirteen items, each in Chinese and English; what is not known says so.

    Parameters
    ----------
    route
        Longitude, latitude, height above ground of the corners, shape ``(n, 3)``.
    purpose, ground
        In Chinese and English.
    """
    base = f"{route[0, 0]:.6f}, {route[0, 1]:.6f}"
    begin, end = (moment.astimezone(zone) for moment in (flying.takes_off_at, flying.lands_at))
    west, south = route[:, :2].min(axis=0)
    east, north = route[:, :2].max(axis=0)
    box = f"{west:.5f}-{east:.5f}E, {south:.5f}-{north:.5f}N"
    corners = " ".join(f"({x:.6f}, {y:.6f}, {z:.0f} m)" for x, y, z in route)
    top = route[:, 2].max()
    number = registration_no or ""
    found: dict[str, Pair] = {
        "operator": (f"{operator}；操控人员资质{TO_FILL[0]}", f"{operator}; pilots {TO_FILL[1]}")
        if operator else TO_FILL,
        "aircraft": (
            f"{craft.name}，{_CLASSES[craft.size_class][0]}，{flying.together}架，登记号{number}，"
            f"续航{craft.endurance_s / 60:.0f}分钟",
            f"{craft.name}, {_CLASSES[craft.size_class][1]}, {flying.together} aircraft, "
            f"registration {number}, endurance {craft.endurance_s / 60:.0f} min",
        ),
        "purpose": (
            f"{purpose[0]}；{_LINKS[craft.network_relay][0]}",
            f"{purpose[1]}; {_LINKS[craft.network_relay][1]}",
        ),
        "aerodromes": (
            f"起降：{base}；备降：{TO_FILL[0]}", f"both: {base}; diversion: {TO_FILL[1]}"
        ),
        "times": (f"{begin:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}（{zone.key}）",
                  f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({zone.key})"),
        "route": (
            f"{box}；真高不超过{top:.0f}米；{speed_m_s:g}米/秒；{ground[0]}航点：{corners}",
            f"{box}; up to {top:.0f} m above ground; {speed_m_s:g} m/s; {ground[1]} "
            f"Corners: {corners}",
        ),
        "emergency": ("失联、低电量时自动返航", "Returns by itself when link or battery is low"),
        "support": ("无", "none"),
    }  # fmt: skip
    return {name: dict(zip(("zh", "en"), found.get(name, TO_FILL), strict=True)) for name in ITEMS}


_LINKS: dict[bool, Pair] = {
    True: ("通过通信基站或互联网中继", "relayed by network"),
    False: ("视距内直接遥控", "direct control"),
}
_CLASSES: dict[str, Pair] = {
    "micro": ("微型", "micro"),
    "light": ("轻型", "light"),
    "small": ("小型", "small"),
    "medium": ("中型", "medium"),
    "large": ("大型", "large"),
}


def application_html(
    items: Mapping[str, Mapping[str, str]], preflight: Preflight, *, zone: ZoneInfo, lang: Lang
) -> str:
    """Return an application as a page to print, in Chinese, English or both."""
    rows = "".join(
        f"<tr><th>{n}. {_say(ITEMS[name], lang)}</th>"
        f"<td>{_say((items[name]['zh'], items[name]['en']), lang)}</td></tr>"
        for n, name in enumerate(ITEMS, start=1)
    )
    reasons = "".join(f"<li>{_say((b.zh, b.en), lang)}</li>" for b in preflight.breaches)
    moments = [("due", preflight.due_at), ("confirm", preflight.confirm_at)]
    times = "".join(
        f"<p><b>{_say(_WORDS[name], lang)}: {moment.astimezone(zone):%Y-%m-%d %H:%M}</b></p>"
        for name, moment in moments
        if moment is not None
    )
    title = _say(_WORDS["title"], lang)
    return (
        f'<!doctype html><html lang="{"en" if lang == "en" else "zh-CN"}"><meta charset="utf-8">'
        f"<title>{title}</title><style>body{{font:15px/1.5 sans-serif;max-width:52rem;margin:2rem "
        "auto;padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{border:1px solid "
        "#889;padding:.4rem .6rem;vertical-align:top;text-align:left;overflow-wrap:anywhere}th"
        "{width:34%;font-weight:600;background:#f3f4f6}</style>"
        f"<h1>{title}</h1>{times}<table>{rows}</table>"
        f"<h2>{_say(_WORDS['why'], lang)}</h2><ul>{reasons}</ul><p>{_say(_WORDS['note'], lang)}</p>"
        "</html>\n"
    )


def _say(pair: Pair, lang: Lang) -> str:
    words = {"zh": pair[:1], "en": pair[1:], "both": pair}[lang]
    return "<br>".join(escape(word) for word in dict.fromkeys(words))
